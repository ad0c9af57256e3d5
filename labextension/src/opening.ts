/** What opens in the main area: each thing once, found again after a reload. */
import { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import { icon } from './icon';

interface Opened {
  command: string;
  args: ReadonlyJSONObject;
}

export class Opener {
  constructor(
    private app: JupyterFrontEnd,
    restorer: ILayoutRestorer | null
  ) {
    this.app.commands.addCommand('mlops:restore', {
      label: 'Open again',
      execute: args => this.app.commands.execute(String(args.command), args.args as ReadonlyJSONObject)
    });
    void restorer?.restore(this.tracker, {
      command: 'mlops:restore',
      args: widget => ({ ...this.opened.get(widget)! }),
      name: widget => widget.id,
      when: this.app.serviceManager.ready
    });
  }

  /** Bring it to the front; make it where it is not open yet. It opens again after a reload by the same command. */
  open(label: string, opened: Opened, make: () => Widget, beside = false): void {
    const id = `jupyter-mlops-${opened.command.split(':')[1]}-${JSON.stringify(opened.args)}`;
    const known = this.tracker.find(widget => widget.id === id);
    if (known) {
      this.app.shell.activateById(id);
      return;
    }
    const widget = new MainAreaWidget({ content: make() });
    widget.toolbar.hide(); // it would be an empty line
    widget.id = id;
    widget.title.label = label;
    widget.title.icon = icon;
    widget.title.closable = true;
    this.opened.set(widget, opened);
    this.app.shell.add(widget, 'main', beside ? { mode: 'split-right' } : {});
    this.app.shell.activateById(id);
    void this.tracker.add(widget);
  }

  close(command: string): void {
    this.tracker.filter(widget => this.opened.get(widget)?.command === command && widget.isVisible).forEach(widget => widget.close());
  }

  private tracker = new WidgetTracker<MainAreaWidget>({ namespace: 'jupyter-mlops' });
  private opened = new WeakMap<Widget, Opened>();
}

/** A Voila page in a frame. */
export function frame(name: string, path: string): Widget {
  const node = document.createElement('iframe');
  node.src = URLExt.join(PageConfig.getBaseUrl(), 'voila/render', URLExt.encodeParts(path));
  node.title = name;
  const widget = new Widget();
  widget.addClass('jp-MlopsPage');
  widget.node.appendChild(node);
  return widget;
}
