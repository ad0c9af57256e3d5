/** The sidebar: what needs a person, what runs, the models, the last decisions, the pages. */
import { refreshIcon, runIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Alert, Refusal, Status } from '../api';
import { useAnswer } from '../hooks';
import { useHere } from '../panel';
import { IconButton, Link, Loaded, Problem, Section } from '../parts/basics';
import { Attention } from './attention';
import { Decisions } from './decisions';
import { JobList } from './jobs';
import { Models } from './models';

export function Sidebar(): JSX.Element {
  const { commands, live } = useHere();
  const status = useAnswer<Status>('status');
  return (
    <>
      <header className="jp-Mlops-head">
        <div className="jp-Mlops-grow">
          <h2>{status.data?.project || 'MLOps'}</h2>
          <div className="jp-Mlops-quiet">{status.data?.business_unit || '\u00a0'}</div>
        </div>
        <IconButton icon={runIcon} label="Run a notebook as a job…" onClick={() => void commands.execute('mlops:run-notebook')} />
        <IconButton icon={refreshIcon} label="Refresh" onClick={() => live.all()} />
      </header>
      <Loaded answer={status} loading="Opening the registry…">
        {found => (found.state === 'broken'
          ? <Problem problem={new Refusal(found.problem, found.fix)} again={() => live.all()} />
          : <Content status={found} />)}
      </Loaded>
    </>
  );
}

function Content({ status }: { status: Status }): JSX.Element {
  const alerts = useAnswer<Alert[]>('alerts', ['store']);
  return (
    <>
      <Attention alerts={alerts} />
      <JobList declared={status.models} />
      <Models alerts={alerts.data ?? []} />
      <Decisions />
      <Pages pages={status.dashboards} />
    </>
  );
}

function Pages({ pages }: { pages: Status['dashboards'] }): JSX.Element | null {
  const { commands } = useHere();
  if (pages.length === 0) {
    return null;
  }
  return (
    <Section title="Dashboards">
      <ul>{pages.map(page => (
        <li key={page.name} className="jp-Mlops-line">
          <Link onClick={() => void commands.execute('mlops:open-dashboard', { name: page.name })}>{page.title}</Link>
        </li>
      ))}</ul>
    </Section>
  );
}
