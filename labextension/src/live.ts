/** What the server pushes: that something was written. Nobody here asks it again and again. */
import type { Event } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

const CHANGED = 'https://jupyter-mlops.example/events/changed/v1';
export type What = 'store' | 'jobs';

export class Live {
  constructor(stream: Event.Stream) {
    stream.connect((_, event) => {
      if (event.schema_id === CHANGED) {
        this._changed.emit(event.what as What);
      }
    });
  }

  get changed(): ISignal<this, What> {
    return this._changed;
  }

  /** To be called when everything may have changed: a person asked, or the connection was away. */
  all(): void {
    this._changed.emit('store');
  }

  private _changed = new Signal<this, What>(this);
}
