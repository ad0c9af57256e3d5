/** The plugin: the sidebar, the pages it opens, the launcher cards and the palette's commands. */
import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, InputDialog, MainAreaWidget, Notification } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import { ILauncher } from '@jupyterlab/launcher';
import { LabIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import { Api, Differences, Refusal, Replay, Run, Status, Version } from './api';
import { RegistryPanel } from './panels/registry';
import { differing, replayed } from './logic';
import { DifferencesPanel } from './panels/differences';
import { RunPanel } from './panels/run';

const CHANGED = 'https://jupyter-mlops.example/events/changed/v1';
const CATEGORY = 'MLOps';
const PAGES = ['portfolio', 'monitoring', 'governance'];
const ID = 'jupyter-mlops-registry';

const icon = new LabIcon({
  name: 'jupyter-mlops:icon',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16"><g class="jp-icon3" fill="#616161">' +
    '<path d="M12 3a9 9 0 0 1 8.5 6h-2.2A7 7 0 0 0 5.6 9.2L8 11H2V5l2.1 2.6A9 9 0 0 1 12 3z"/>' +
    '<path d="M12 21a9 9 0 0 1-8.5-6h2.2a7 7 0 0 0 12.7-.2L16 13h6v6l-2.1-2.6A9 9 0 0 1 12 21z"/>' +
    '<circle cx="12" cy="12" r="2.6"/></g></svg>'
});

function page(app: JupyterFrontEnd, name: string, path: string): void {
  const frame = document.createElement('iframe');
  frame.src = URLExt.join(PageConfig.getBaseUrl(), 'voila/render', URLExt.encodeParts(path));
  frame.title = name;
  const content = new Widget();
  content.addClass('jp-MlopsPage');
  content.node.appendChild(frame);
  const widget = new MainAreaWidget({ content });
  widget.title.label = name;
  widget.title.icon = icon;
  widget.title.closable = true;
  app.shell.add(widget, 'main');
  app.shell.activateById(widget.id);
}

/** What the buttons of a run card do. A refusal is shown with its fix; nothing is done without being told. */
function runCommands(
  app: JupyterFrontEnd,
  api: Api,
  openRun: (runId: string) => void,
  open: (content: Widget, label: string) => void
): void {
  const add = (name: string, label: string, act: (run: string) => Promise<string | undefined | void>): void => {
    app.commands.addCommand(`mlops:${name}`, {
      label,
      execute: async args => {
        try {
          const said = await act(String(args.run));
          if (said) {
            Notification.success(said, { autoClose: 8000 });
          }
        } catch (error) {
          const fix = error instanceof Refusal && error.fix ? ` Fix: ${error.fix}` : '';
          Notification.error(`${(error as Error).message}${fix}`, { autoClose: false });
        }
      }
    });
  };
  add('open-run', 'Open Run', async run => openRun((await api.get<Run>(`runs/${run}`)).run_id));
  add('compare-run', 'Compare Run', async run => {
    const found = await api.get<Differences[]>(`runs/${run}/attempts`);
    if (found.length === 0) {
      return 'This is the first attempt: there is nothing to compare it with yet.';
    }
    open(new DifferencesPanel(found), `Differences ${differing(found[0])}`);
  });
  const replaying = new Set<string>();
  add('replay-run', 'Replay Run', async run => {
    if (replaying.has(run)) {
      return 'It is being replayed already.';
    }
    replaying.add(run);
    const waiting = Notification.emit('Running its slice again in a fresh kernel…', 'in-progress', { autoClose: false });
    try {
      const answer = await api.post<Replay>(`runs/${run}/replay`);
      (answer.reproduced ? Notification.success : Notification.warning)(replayed(answer), { autoClose: false });
    } finally {
      replaying.delete(run);
      Notification.dismiss(waiting);
    }
  });
  add('register-run', 'Register Run', async run => {
    const asked = await InputDialog.getText({ title: 'Register as a version of', label: 'Model', okLabel: 'Register' });
    if (asked.button.accept && asked.value) {
      const made = await api.post<Version>(`runs/${run}/register`, { model: asked.value });
      return `It is version ${made.version} of ${made.model}.`;
    }
  });
  add('name-run', 'Name Run', async run => {
    const asked = await InputDialog.getText({ title: 'Name of this run', okLabel: 'Name it' });
    if (asked.button.accept && asked.value) {
      await api.post<Run>(`runs/${run}/name`, { name: asked.value });
      return `The run is called ${asked.value}.`;
    }
  });
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:plugin',
  description: 'Models, decisions, alerts and dashboards beside the notebook.',
  autoStart: true,
  optional: [ICommandPalette, ILayoutRestorer, ILauncher],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    launcher: ILauncher | null
  ) => {
    const api = new Api(app.serviceManager.serverSettings);
    const openDashboard = async (name: string): Promise<void> => {
      const status = await api.get<Status>('status');
      const found = status.dashboards?.find(d => d.name === name);
      page(app, name, found?.path || `dashboards/${name}.ipynb`);
    };
    const open = (content: Widget, label: string): void => {
      const widget = new MainAreaWidget({ content });
      widget.title.label = label;
      widget.title.icon = icon;
      widget.title.closable = true;
      app.shell.add(widget, 'main');
      app.shell.activateById(widget.id);
    };
    const openRun = (runId: string): void => open(new RunPanel(api, runId), `Run ${runId.slice(0, 8)}`);
    const panel = new RegistryPanel(api, { openRun, openDashboard });
    panel.id = ID;
    panel.title.icon = icon;
    panel.title.caption = 'MLOps';
    app.shell.add(panel, 'left', { rank: 250 });
    restorer?.add(panel, ID);

    app.commands.addCommand('mlops:show', {
      label: 'Show MLOps Registry',
      execute: () => app.shell.activateById(ID)
    });
    app.commands.addCommand('mlops:refresh', {
      label: 'Refresh MLOps Registry',
      execute: () => panel.refresh()
    });
    runCommands(app, api, openRun, open);
    const commands = ['mlops:show', 'mlops:refresh'];
    for (const [rank, name] of PAGES.entries()) {
      const command = `mlops:dashboard-${name}`;
      const title = name[0].toUpperCase() + name.slice(1);
      app.commands.addCommand(command, {
        label: args => (args.isPalette ? `Open ${title} Dashboard` : title),
        icon,
        execute: () => openDashboard(name)
      });
      launcher?.add({ command, category: CATEGORY, rank });
      commands.push(command);
    }
    for (const command of commands) {
      palette?.addItem({ command, category: CATEGORY, args: { isPalette: true } });
    }
    app.serviceManager.events.stream.connect((_, event) => {
      if (event.schema_id === CHANGED) {
        void panel.refresh();
      }
    });
  }
};

export default plugin;
