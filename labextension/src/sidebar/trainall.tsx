/** Training every segment of a model that `mlops.yaml` declares. */
import { fastForwardIcon } from '@jupyterlab/ui-components';
import { Dialog, InputDialog, showDialog } from '@jupyterlab/apputils';
import * as React from 'react';
import { at, Started } from '../api';
import { Act } from '../hooks';
import { useHere } from '../panel';
import { IconButton } from '../parts/basics';

export function TrainAll({ declared, act }: { declared: Record<string, number>; act: Act }): JSX.Element | null {
  const { api } = useHere();
  const names = Object.keys(declared);
  if (names.length === 0) {
    return null;
  }
  const start = async (): Promise<void> => {
    const name = await chosen(declared);
    if (name) {
      await act.run(async () => {
        await api.post<Started>(`${at(name)}/train`);
        return `Training of ${name} has begun.`;
      });
    }
  };
  return <IconButton icon={fastForwardIcon} label="Train every segment of a model…" onClick={() => void start()} disabled={act.busy} />;
}

async function chosen(declared: Record<string, number>): Promise<string | null> {
  const names = Object.keys(declared);
  if (names.length > 1) {
    const asked = await InputDialog.getItem({ title: 'Train every segment of', items: names, okLabel: 'Train' });
    return asked.button.accept ? asked.value : null;
  }
  const count = declared[names[0]] || 1;
  const jobs = count === 1 ? 'one job' : `${count} jobs, one for each segment`;
  const sure = await showDialog({
    title: `Train ${names[0]}?`,
    body: `This starts ${jobs}, with the parameters of mlops.yaml. Nothing is promoted by it.`,
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: 'Train' })]
  });
  return sure.button.accept ? names[0] : null;
}
