/** Running a notebook as a job: from its toolbar, its menu, the file browser, the palette. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, Notification } from '@jupyterlab/apputils';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { Widget } from '@lumino/widgets';
import { Run } from '../api';
import { icon } from '../icon';
import { Opener } from '../opening';
import { Panel, Services } from '../panel';
import { jobFormPanel } from '../panels/jobform';
import { told } from './telling';

type Document = Widget & { context?: DocumentRegistry.Context };

export function jobCommands(app: JupyterFrontEnd, services: Services, opener: Opener, files: IFileBrowserFactory | null): void {
  const { commands, shell } = app;
  const current = (): DocumentRegistry.Context | null => {
    const context = (shell.currentWidget as Document | null)?.context;
    return context?.path?.endsWith('.ipynb') ? context : null;
  };

  commands.addCommand('mlops:run-notebook', {
    label: args => (args.isPalette ? 'Run a Notebook as a Job…' : 'Run as Job…'),
    caption: 'Run this notebook as a training job, with a form for its parameters',
    icon,
    execute: args => told(async () => {
      const given = args.from === 'files' ? chosen(files) : (args.path as string | undefined);
      const context = given ? null : current();
      const path = given ?? context?.path ?? (await asked());
      if (!path) {
        return;
      }
      if (context?.path === path && context.model.dirty && !context.model.readOnly) {
        await context.save(); // what runs is the file
      }
      const run = args.run as string | undefined;
      opener.open(`Run ${path.split('/').pop()}`, { command: 'mlops:run-notebook', args: run ? { path, run } : { path } },
        () => new Panel(services, jobFormPanel(path, run), `Run ${path} as a job`), context !== null);
    })
  });

  commands.addCommand('mlops:started', {
    label: 'Follow a Started Job',
    execute: args => told(async () => {
      const run = await services.api.get<Run>(`runs/${String(args.run)}`);
      opener.close('mlops:run-notebook');
      await commands.execute('mlops:show');
      services.live.all();
      if (run.status === 'FINISHED') {
        const look = { label: 'Open it', callback: () => void commands.execute('mlops:open-run', { run: run.run_id }) };
        Notification.info('The same notebook, values, environment and data have finished before; that run stands for it.', { autoClose: false, actions: [look] });
      } else if (run.tags['mlops.kind'] === 'job') {
        await commands.execute('mlops:open-notebook', { run: run.run_id });
      }
    })
  });
}

/** The notebook that is chosen in the file browser. */
function chosen(files: IFileBrowserFactory | null): string | null {
  const selected = [...(files?.tracker.currentWidget?.selectedItems() ?? [])];
  return selected.find(file => file.type === 'notebook')?.path ?? null;
}

async function asked(): Promise<string | null> {
  const answer = await InputDialog.getText({
    title: 'Run which notebook?', label: 'Its path', placeholder: 'notebooks/train.ipynb', okLabel: 'Go on', required: true
  });
  return answer.button.accept ? answer.value : null;
}
