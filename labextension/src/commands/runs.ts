/** What the buttons of a run card, and of a run's page, do. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, Notification } from '@jupyterlab/apputils';
import { Differences, Replay, Run, Version } from '../api';
import { Opener } from '../opening';
import { Panel, Services } from '../panel';
import { differencesPanel } from '../panels/differences';
import { differing, replayed } from '../words/words';
import { told } from './telling';

export function runCommands(app: JupyterFrontEnd, services: Services, opener: Opener): void {
  const { api } = services;
  const add = (name: string, label: string, act: (run: string) => Promise<string | void>): void => {
    app.commands.addCommand(`mlops:${name}`, { label, execute: args => told(() => act(encodeURIComponent(String(args.run)))) });
  };
  add('compare-run', 'Compare Run', async run => {
    const found = await api.get<Differences[]>(`runs/${run}/attempts`);
    if (found.length === 0) {
      return 'This is the first attempt: there is nothing to compare it with yet.';
    }
    opener.open(`Differences ${differing(found[0])}`, { command: 'mlops:compare-run', args: { run } },
      () => new Panel(services, differencesPanel(found), 'Differences'));
  });
  const replaying = new Set<string>();
  add('replay-run', 'Replay Run', async run => {
    if (replaying.has(run)) {
      return 'It is being replayed already.';
    }
    replaying.add(run);
    const waiting = Notification.emit('Running it again in a fresh kernel…', 'in-progress', { autoClose: false });
    try {
      const answer = await api.post<Replay>(`runs/${run}/replay`);
      (answer.reproduced ? Notification.success : Notification.warning)(replayed(answer), { autoClose: false });
    } finally {
      replaying.delete(run);
      Notification.dismiss(waiting);
    }
  });
  add('register-run', 'Register Run', async run => {
    const name = await named('Register as a version of', 'Model, or MODEL.SEGMENT', 'Register');
    if (name) {
      const made = await api.post<Version>(`runs/${run}/register`, { model: name });
      return `It is version ${made.version} of ${made.model}.`;
    }
  });
  add('name-run', 'Name Run', async run => {
    const name = await named('Name of this run', 'Name', 'Name it');
    if (name) {
      await api.post<Run>(`runs/${run}/name`, { name });
      return `The run is called ${name}.`;
    }
  });
}

async function named(title: string, label: string, okLabel: string): Promise<string | null> {
  const asked = await InputDialog.getText({ title, label, okLabel, required: true });
  return asked.button.accept && asked.value ? asked.value : null;
}
