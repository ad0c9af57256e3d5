/** A panel of ours: React inside a Lumino widget, with what every part of it needs at hand. */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { ISignal, Signal } from '@lumino/signaling';
import * as React from 'react';
import { Api } from './api';
import { Live } from './live';

/** What the plugin gives to all panels. Everything that opens goes through a command. */
export interface Services {
  api: Api;
  live: Live;
  commands: CommandRegistry;
}

export interface Here extends Services {
  panel: Panel;
}

export const Context = React.createContext<Here | null>(null);

export function useHere(): Here {
  const here = React.useContext(Context);
  if (here === null) {
    throw new Error('outside of a panel');
  }
  return here;
}

export class Panel extends ReactWidget {
  constructor(
    private services: Services,
    private content: () => JSX.Element,
    label: string
  ) {
    super();
    this.addClass('jp-Mlops');
    this.node.setAttribute('aria-label', label);
    this.node.setAttribute('role', 'region');
  }

  /** Emitted as it comes into view: what it shows may be old by then. */
  get shown(): ISignal<this, void> {
    return this._shown;
  }

  protected onAfterShow(): void {
    this._shown.emit();
  }

  protected render(): JSX.Element {
    const Content = this.content;
    return (
      <Context.Provider value={{ ...this.services, panel: this }}>
        <Content />
      </Context.Provider>
    );
  }

  private _shown = new Signal<this, void>(this);
}
