/** The notebook that a job executes, as far as it is, drawn by JupyterLab's own renderers; it follows the job by itself. */
import type * as nbformat from '@jupyterlab/nbformat';
import { IRenderMimeRegistry, MimeModel } from '@jupyterlab/rendermime';
import { Message } from '@lumino/messaging';
import { Panel as LuminoPanel, Widget } from '@lumino/widgets';
import { Executed, Refusal } from '../api';
import { What } from '../live';
import { Services } from '../panel';
import { ended } from '../words/jobs';

type Data = { [mime: string]: unknown };

export class ExecutedNotebook extends LuminoPanel {
  constructor(
    private services: Services,
    private rendermime: IRenderMimeRegistry,
    private runId: string
  ) {
    super();
    this.addClass('jp-Mlops-executed');
    this.head.className = 'jp-Mlops-executed-head';
    this.head.setAttribute('role', 'status');
    this.head.textContent = 'Reading the notebook…';
    this.addWidget(new Widget({ node: this.head }));
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.services.live.changed.connect(this.onChanged, this);
    void this.refresh();
  }

  protected onBeforeDetach(message: Message): void {
    this.services.live.changed.disconnect(this.onChanged, this);
    super.onBeforeDetach(message);
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this.refresh();
  }

  private onChanged(_: unknown, what: What): void {
    if (this.isVisible && (what === 'jobs' || this.seen.startsWith('RUNNING') || this.seen === '')) {
      void this.refresh();
    }
  }

  private async refresh(): Promise<void> {
    if (this.asking) {
      this.more = true;
      return;
    }
    this.asking = true;
    do {
      this.more = false;
      try {
        const seen = encodeURIComponent(this.seen);
        this.show_(await this.services.api.get<Executed>(`runs/${this.runId}/notebook${this.seen && `?seen=${seen}`}`));
      } catch (error) {
        const { message, fix } = Refusal.from(error);
        this.head.textContent = `${message}${fix ? ` Fix: ${fix}.` : ''}`;
      }
    } while (this.more && !this.isDisposed);
    this.asking = false;
  }

  private show_(found: Executed): void {
    const { run } = found;
    this.head.textContent = `${run.name} · ${ended(run.status)}${run.reason ? `: ${run.reason}` : ''}`;
    this.head.dataset.status = run.status;
    if (found.notebook === null || this.isDisposed) {
      return;
    }
    const first = this.seen === '';
    this.seen = found.seen;
    const node = found.notebook as unknown as nbformat.INotebookContent;
    const language = node.metadata.language_info?.name ?? 'python';
    const follow = this.follows();
    node.cells.forEach((cell, n) => this.cell(n, cell, language));
    const cell = found.cell ?? running(node);
    if (cell !== null && this.cells[cell] && (first || follow)) {
      this.cells[cell].widget.node.scrollIntoView({ block: first ? 'center' : 'nearest' });
    }
  }

  /** Whether the reader is at the end of what there is, and so wants to see what comes; elsewhere nothing moves. */
  private follows(): boolean {
    const { scrollTop, clientHeight, scrollHeight } = this.node;
    return scrollTop + clientHeight >= scrollHeight - 40;
  }

  /** Only a cell that is not what it was is drawn again. */
  private cell(n: number, cell: nbformat.ICell, language: string): void {
    const text = JSON.stringify([cell.source, cell.outputs, cell.execution_count, cell.metadata?.papermill]);
    let shown = this.cells[n];
    if (shown?.text === text) {
      return;
    }
    if (!shown) {
      shown = this.cells[n] = { text: '', source: '', outputs: [], widget: new LuminoPanel() };
      shown.widget.addClass('jp-Mlops-executed-cell');
      this.addWidget(shown.widget);
    }
    shown.text = text;
    const status = (cell.metadata as { papermill?: { status?: string } }).papermill?.status ?? 'none';
    shown.widget.node.dataset.status = cell.cell_type === 'code' ? status : 'text';
    const source = joined(cell.source);
    if (shown.source !== source || shown.widget.widgets.length === 0) {
      shown.source = source;
      shown.outputs = [];
      [...shown.widget.widgets].forEach(widget => widget.dispose());
      const told = cell.cell_type === 'markdown' ? source : fenced(source, cell.cell_type === 'code' ? language : '');
      const drawn = this.draw({ 'text/markdown': told }, false);
      if (cell.cell_type === 'code') {
        drawn.addClass('jp-Mlops-executed-code');
        drawn.node.setAttribute('aria-label', `Cell ${n + 1}, ${status}`);
      }
      shown.widget.addWidget(drawn);
    }
    this.outputs(shown, merged((cell.outputs as nbformat.IOutput[] | undefined) ?? []));
  }

  private outputs(shown: Shown, outputs: nbformat.IOutput[]): void {
    const texts = outputs.map(output => JSON.stringify(output));
    const same = texts.findIndex((text, i) => shown.outputs[i] !== text);
    const from = same === -1 ? texts.length : same;
    shown.widget.widgets.slice(1 + from).forEach(widget => widget.dispose());
    outputs.slice(from).forEach(output => {
      const widget = this.draw(dataOf(output), false);
      widget.addClass('jp-Mlops-executed-output');
      widget.toggleClass('is-error', output.output_type === 'error' || output.name === 'stderr');
      shown.widget.addWidget(widget);
    });
    shown.outputs = texts;
  }

  /** As an untrusted notebook is drawn: what comes out of a job runs nothing here. */
  private draw(data: Data, trusted: boolean): Widget {
    const mime = this.rendermime.preferredMimeType(data as never, trusted ? 'any' : 'ensure');
    if (!mime) {
      const none = document.createElement('div');
      none.className = 'jp-Mlops-quiet';
      none.textContent = `an output of a kind that is not drawn here: ${Object.keys(data).join(', ')}`;
      return new Widget({ node: none });
    }
    const renderer = this.rendermime.createRenderer(mime);
    void renderer.renderModel(new MimeModel({ data: data as never, trusted }));
    return renderer;
  }

  private head = document.createElement('div');
  private cells: Shown[] = [];
  private seen = '';
  private asking = false;
  private more = false;
}

interface Shown {
  text: string;
  source: string;
  outputs: string[];
  widget: LuminoPanel;
}

function joined(text: nbformat.MultilineString): string {
  return Array.isArray(text) ? text.join('') : text;
}

/** What one stream printed, in one piece: a job keeps each line as it came. */
function merged(outputs: nbformat.IOutput[]): nbformat.IOutput[] {
  const found: nbformat.IOutput[] = [];
  for (const output of outputs) {
    const last = found[found.length - 1];
    if (last?.output_type === 'stream' && output.output_type === 'stream' && last.name === output.name) {
      const text = joined(last.text as nbformat.MultilineString) + joined(output.text as nbformat.MultilineString);
      found[found.length - 1] = { ...last, text };
    } else {
      found.push(output);
    }
  }
  return found;
}

/** Code as markdown has it: a fence longer than any in it. */
function fenced(source: string, language: string): string {
  const longest = Math.max(2, ...(source.match(/`+/g) ?? []).map(ticks => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${source}\n${fence}`;
}

function running(node: nbformat.INotebookContent): number | null {
  const found = node.cells.findIndex(cell => (cell.metadata as { papermill?: { status?: string } }).papermill?.status === 'running');
  return found === -1 ? null : found;
}

function dataOf(output: nbformat.IOutput): Data {
  if (output.output_type === 'stream') {
    const mime = output.name === 'stderr' ? 'application/vnd.jupyter.stderr' : 'application/vnd.jupyter.stdout';
    return { [mime]: joined(output.text as nbformat.MultilineString) };
  }
  if (output.output_type === 'error') {
    const trace = (output.traceback as string[] | undefined)?.join('\n');
    return { 'application/vnd.jupyter.stderr': trace || `${output.ename}: ${output.evalue}` };
  }
  const data = (output.data ?? {}) as Data;
  return Object.fromEntries(Object.entries(data).map(([mime, value]) => [mime, Array.isArray(value) && !mime.endsWith('json') ? value.join('') : value]));
}
