/** Commands that open something in the main area. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Run, Status } from '../api';
import { frame, Opener } from '../opening';
import { Panel, Services } from '../panel';
import { ExecutedNotebook } from '../panels/notebook';
import { runPanel } from '../panels/run';
import { versionPanel } from '../version/version';
import { told } from './telling';

export function openCommands(app: JupyterFrontEnd, services: Services, opener: Opener, rendermime: IRenderMimeRegistry): void {
  const { commands } = app;
  const { api } = services;

  commands.addCommand('mlops:open-run', {
    label: 'Open Run',
    execute: args => told(async () => {
      // A card knows its record's key before the run is there: the id is the server's to say.
      const run = await api.get<Run>(`runs/${encodeURIComponent(String(args.run))}`);
      opener.open(`Run ${run.name}`, { command: 'mlops:open-run', args: { run: run.run_id } },
        () => new Panel(services, runPanel(run.run_id), `Run ${run.name}`));
    })
  });

  commands.addCommand('mlops:open-version', {
    label: 'Open Version',
    execute: args => {
      const [model, version, tab] = [String(args.model), Number(args.version), args.tab as string | undefined];
      const short = model.split('.').pop();
      opener.open(`${short} v${version}`, { command: 'mlops:open-version', args: { model, version } },
        () => new Panel(services, versionPanel(model, version, tab), `${model} version ${version}`));
    }
  });

  commands.addCommand('mlops:open-notebook', {
    label: 'Open Executed Notebook',
    execute: args => told(async () => {
      const run = await api.get<Run>(`runs/${encodeURIComponent(String(args.run))}`);
      opener.open(run.name, { command: 'mlops:open-notebook', args: { run: run.run_id } },
        () => new ExecutedNotebook(services, rendermime, run.run_id));
    })
  });

  commands.addCommand('mlops:open-dashboard', {
    label: 'Open Dashboard',
    execute: args => told(async () => {
      const name = String(args.name);
      const status = await api.get<Status>('status');
      const path = status.dashboards.find(d => d.name === name)?.path || `dashboards/${name}.ipynb`;
      opener.open(name[0].toUpperCase() + name.slice(1), { command: 'mlops:open-dashboard', args: { name } }, () => frame(name, path));
    })
  });
}
