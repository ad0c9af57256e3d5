/** The plugin: the sidebar, what it opens, the launcher cards, the palette's commands. */
import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Api } from './api';
import { jobCommands } from './commands/jobs';
import { openCommands } from './commands/opens';
import { runCommands } from './commands/runs';
import { icon } from './icon';
import { Live } from './live';
import { Opener } from './opening';
import { Panel, Services } from './panel';
import { Sidebar } from './sidebar/sidebar';

const CATEGORY = 'MLOps';
const PAGES = ['portfolio', 'monitoring', 'governance'];
const ID = 'jupyter-mlops-registry';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:plugin',
  description: 'Models, jobs, decisions, alerts and dashboards beside the notebook.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ICommandPalette, ILayoutRestorer, ILauncher, IFileBrowserFactory],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    launcher: ILauncher | null,
    files: IFileBrowserFactory | null
  ) => {
    const { commands, serviceManager } = app;
    const live = new Live(serviceManager.events.stream);
    const services: Services = { api: new Api(serviceManager.serverSettings), live, commands };
    const opener = new Opener(app, restorer);

    const panel = new Panel(services, Sidebar, 'MLOps');
    panel.id = ID;
    panel.title.icon = icon;
    panel.title.caption = 'MLOps';
    app.shell.add(panel, 'left', { rank: 250 });
    restorer?.add(panel, ID);

    commands.addCommand('mlops:show', { label: 'Show MLOps Registry', execute: () => app.shell.activateById(ID) });
    commands.addCommand('mlops:refresh', { label: 'Refresh MLOps Registry', execute: () => live.all() });
    openCommands(app, services, opener, rendermime);
    runCommands(app, services, opener);
    jobCommands(app, services, opener, files);
    pages(app, launcher);
    for (const command of ['mlops:show', 'mlops:run-notebook', 'mlops:refresh', ...PAGES.map(name => `mlops:dashboard-${name}`)]) {
      palette?.addItem({ command, category: CATEGORY, args: { isPalette: true } });
    }
  }
};

function pages(app: JupyterFrontEnd, launcher: ILauncher | null): void {
  for (const [rank, name] of PAGES.entries()) {
    const command = `mlops:dashboard-${name}`;
    const title = name[0].toUpperCase() + name.slice(1);
    app.commands.addCommand(command, {
      label: args => (args.isPalette ? `Open ${title} Dashboard` : title),
      icon,
      execute: () => app.commands.execute('mlops:open-dashboard', { name })
    });
    launcher?.add({ command, category: CATEGORY, rank });
  }
}

export default plugin;
