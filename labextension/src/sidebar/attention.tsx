/** What needs a person: alerts, and versions that wait for approval. */
import * as React from 'react';
import { Alert, Standing } from '../api';
import { Act, Answer, useAct, useAnswer } from '../hooks';
import { useHere } from '../panel';
import { Chip, Link, Loaded, SaidLine, Section } from '../parts/basics';
import { ask, askWhy } from '../parts/dialogs';
import { wanted } from '../words/evidence';
import { ago } from '../words/words';

export function Attention({ alerts }: { alerts: Answer<Alert[]> }): JSX.Element {
  const waiting = useAnswer<Standing[]>('approvals');
  const act = useAct();
  const count = (alerts.data?.length ?? 0) + (waiting.data?.length ?? 0);
  return (
    <Section title="Needs a person" count={count}>
      <SaidLine act={act} />
      <Loaded answer={waiting} loading="">{found => <>{found.map(s => <Waiting key={`${s.model}/${s.version}`} standing={s} />)}</>}</Loaded>
      <Loaded answer={alerts} loading="Looking for alerts…">
        {found => (count === 0
          ? <div className="jp-Mlops-quiet jp-Mlops-pad">Nothing. Alerts and questions to you appear here by themselves.</div>
          : <>{found.map(alert => <One key={alert.alert_id} alert={alert} act={act} />)}</>)}
      </Loaded>
    </Section>
  );
}

function Waiting({ standing }: { standing: Standing }): JSX.Element {
  const { commands } = useHere();
  const missing = standing.policies.map(policy => wanted(policy.missing)).filter(Boolean).join('; ');
  const open = (): void => void commands.execute('mlops:open-version', { model: standing.model, version: standing.version, tab: 'approval' });
  return (
    <div className="jp-Mlops-card is-warn">
      <div><b>{standing.model}</b> version {standing.version} <Chip state={standing.state} /></div>
      {missing && <div className="jp-Mlops-quiet">Wants {missing}.</div>}
      <div className="jp-Mlops-row-actions"><Link onClick={open} label={`Look at ${standing.model} version ${standing.version}`}>Look at it</Link></div>
    </div>
  );
}

function One({ alert, act }: { alert: Alert; act: Act }): JSX.Element {
  const { api, commands } = useHere();
  const name = alert.segment ? `${alert.model}.${alert.segment}` : alert.model;
  const post = (what: string, body: object, said: string): Promise<boolean> =>
    act.run(async () => { await api.post(`alerts/${alert.alert_id}/${what}`, body); return said; });
  const resolve = async (): Promise<void> => {
    const reason = await askWhy('It is over', alert.sentence, 'Resolve', 'What was it, and what was done?');
    if (reason) { await post('resolve', { reason }, `The alert about ${name} is resolved.`); }
  };
  const silence = async (): Promise<void> => {
    const given = await ask({
      title: `Silence ${name}`, accept: 'Silence',
      about: 'Until then, whatever is found about it is kept and shown, and nobody is told.',
      questions: [{ name: 'period', label: 'For how long (90m, 8h, 2d)', value: '8h', lines: 1 }, { name: 'reason', label: 'Reason' }]
    });
    if (given) {
      await act.run(async () => { await api.post('silences', { name, ...given }); return `${name} is silenced for ${given.period}.`; });
    }
  };
  return (
    <div className={`jp-Mlops-card ${alert.severity === 'critical' ? 'is-bad' : 'is-warn'}`}>
      <div><b>{alert.segment ?? alert.model}</b> <Chip state={alert.severity} /></div>
      <div>{alert.sentence}</div>
      <div className="jp-Mlops-quiet">
        {alert.kind}, {ago(alert.opened, Date.now())}{alert.acknowledged_by && `, with ${alert.acknowledged_by}`}
      </div>
      <div className="jp-Mlops-row-actions">
        {alert.state === 'open' && (
          <Link label={`Acknowledge: ${name}`} onClick={() => void post('acknowledge', {}, `You look after ${name}.`)}>Acknowledge</Link>
        )}
        <Link label={`Resolve: ${name}`} onClick={() => void resolve()}>Resolve…</Link>
        <Link label={`Silence ${name}`} onClick={() => void silence()}>Silence…</Link>
        <Link label={`Monitoring of ${name}`} onClick={() => void commands.execute('mlops:open-dashboard', { name: 'monitoring' })}>Look closer</Link>
      </div>
    </div>
  );
}
