/** What the server pushes: that something was written. Nobody here asks it again and again. */
import type { Event } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

const CHANGED = 'https://jupyter-mlops.example/events/changed/v1';
/** The whole database; the registry and what people decide, which is entered in the ledger; the notebooks of jobs. */
export type What = 'store' | 'ledger' | 'jobs';

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
    this._changed.emit('ledger');
  }

  private _changed = new Signal<this, What>(this);
}
