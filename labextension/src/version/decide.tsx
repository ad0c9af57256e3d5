/** The decisions about a version. Each asks for its reason; a refusal is told in the server's own words. */
import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';
import { at, Decision, Evidence, Refusal, Standing, Version } from '../api';
import { useAct } from '../hooks';
import { useHere } from '../panel';
import { SaidLine } from '../parts/basics';
import { ask, askWhy } from '../parts/dialogs';

interface Props {
  found: Version;
  all: Version[];
  evidence?: Evidence | null;
  standing?: Standing;
}

export function Decide({ found, all, evidence, standing }: Props): JSX.Element {
  const { api, live } = useHere();
  const act = useAct();
  const { model, version } = found;
  const champion = all.find(v => v.aliases.includes('champion'));
  const isChampion = champion?.version === version;

  const validate = (): void => void act.run(async () => {
    const made = await api.post<Evidence>(`${at(model, version)}/validate`);
    live.all();
    return `Judged on ${made.data.rows.toLocaleString()} rows. The evidence below is of now.`;
  });
  const decided = async (path: string, body: object): Promise<void> => {
    await act.run(async () => {
      const made = await api.post<Decision>(path, body);
      live.all();
      if (!made.done) {
        throw new Refusal(`Version ${version} stays where it is: ${made.reason}.`, 'see the gates below; what would settle it stands beside each');
      }
      return `Version ${made.version} is ${made.alias} now, ledger entry ${made.entry}.`;
    });
  };
  const promote = async (): Promise<void> => {
    const about = 'It is judged first, on rows it never saw. If a gate says no, or an approval is wanting, it stays where it is, and that you tried is entered.';
    const reason = await askWhy(`Make version ${version} champion?`, about, 'Promote');
    if (reason) { await decided(`${at(model)}/promote`, { version, reason }); }
  };
  const breakGlass = async (): Promise<void> => {
    const given = await ask({
      title: 'Break the glass?', accept: 'Break the glass', warn: true,
      about: `Version ${version} goes into service past its policy. Everybody is told, and somebody else must review it afterwards.`,
      questions: [{ name: 'reason', label: 'Why this version' }, { name: 'break_glass', label: 'Why it cannot wait for approval' }]
    });
    if (given) { await decided(`${at(model)}/promote`, { version, ...given }); }
  };
  const rollback = async (): Promise<void> => {
    const reason = await askWhy(`Take version ${version} back?`, 'The champion before it goes back into service.', 'Roll back', 'Why');
    if (reason) { await decided(`${at(model)}/rollback`, { reason }); }
  };
  const governed = (standing?.policies.length ?? 0) > 0;
  return (
    <>
      <div className="jp-Mlops-actions">
        {!isChampion && <Button className="jp-mod-styled jp-mod-accept" disabled={act.busy} onClick={() => void promote()}>Promote…</Button>}
        {isChampion && <Button className="jp-mod-styled jp-mod-warn" disabled={act.busy || all.length < 2} onClick={() => void rollback()}>Roll back…</Button>}
        <Button className="jp-mod-styled jp-mod-reject" disabled={act.busy} onClick={validate}>{evidence ? 'Judge again' : 'Judge it'}</Button>
        {governed && !isChampion && <Button className="jp-mod-styled jp-mod-reject" disabled={act.busy} onClick={() => void breakGlass()}>Break the glass…</Button>}
      </div>
      <SaidLine act={act} doing="Judging it on rows it never saw. This takes a while…" />
    </>
  );
}
