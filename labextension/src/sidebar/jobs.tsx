/** Training jobs: what runs, with its progress, and how the last ones ended; a fleet opens to its jobs. */
import { caretDownIcon, caretRightIcon, notebookIcon, stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { JobRow } from '../api';
import { Act, useAct, useAnswer, useNow } from '../hooks';
import { useHere } from '../panel';
import { Chip, IconButton, Link, Loaded, SaidLine, Section } from '../parts/basics';
import { counted, ended, finished, lasting, remaining, running, share, short } from '../words/jobs';
import { ago, metricsLine } from '../words/words';
import { TrainAll } from './trainall';

const FIRST = 6;

export function JobList({ declared }: { declared: Record<string, number> }): JSX.Element {
  const jobs = useAnswer<JobRow[]>('jobs', ['store', 'jobs']);
  const [all, showAll] = React.useState(false);
  const act = useAct();
  const active = jobs.data?.filter(row => row.run.status === 'RUNNING').length;
  return (
    <Section title="Jobs" count={active} tools={<TrainAll declared={declared} act={act} />}>
      <SaidLine act={act} doing="On its way. Starting takes some seconds…" />
      <Loaded answer={jobs} loading="Looking for jobs…">
        {rows => (rows.length === 0 ? <Empty /> : (
          <>
            <ul>{(all ? rows : rows.filter((row, n) => n < FIRST || row.run.status === 'RUNNING')).map(row => <Row key={row.run.run_id} row={row} act={act} />)}</ul>
            {rows.length > FIRST && (
              <div className="jp-Mlops-line"><Link onClick={() => showAll(!all)}>{all ? 'Only the newest' : `All ${rows.length}`}</Link></div>
            )}
          </>
        ))}
      </Loaded>
    </Section>
  );
}

function Row({ row, act, inside }: { row: JobRow; act: Act; inside?: boolean }): JSX.Element {
  const { commands } = useHere();
  const [open, set] = React.useState(false);
  const { run, kind } = row;
  const Caret = open ? caretDownIcon : caretRightIcon;
  const look = (): void => void commands.execute(kind === 'job' ? 'mlops:open-notebook' : 'mlops:open-run', { run: run.run_id });
  return (
    <li className="jp-Mlops-job">
      <div className="jp-Mlops-jobhead">
        {kind === 'fleet' ? (
          <button className="jp-Mlops-fold" aria-expanded={open} aria-label={`Jobs of ${run.name}`} onClick={() => set(!open)}><Caret.react tag="span" className="jp-Mlops-caret" /></button>
        ) : <span className="jp-Mlops-fold" />}
        <span className="jp-Mlops-grow jp-Mlops-cut" title={run.name}><Link onClick={look} label={`Open ${run.name}`}>{inside ? short(run.name, run.experiment) : run.name}</Link></span>
        <Chip state={run.status}>{ended(run.status)}</Chip>
        <Tools row={row} act={act} />
      </div>
      <div className="jp-Mlops-jobbody">{run.status === 'RUNNING' ? <Far row={row} /> : <Ended row={row} act={act} />}</div>
      {open && <Fleet run={run.run_id} act={act} />}
    </li>
  );
}

function Tools({ row, act }: { row: JobRow; act: Act }): JSX.Element {
  const { api, commands } = useHere();
  const { run, kind } = row;
  const cancel = (): void => void act.run(async () => {
    await api.post(`jobs/${run.run_id}/cancel`);
    return `${run.name} was asked to end.`;
  });
  return (
    <span className="jp-Mlops-tools">
      {kind === 'job' && <IconButton icon={notebookIcon} label={`Open the notebook of ${run.name}`} onClick={() => void commands.execute('mlops:open-notebook', { run: run.run_id })} />}
      {run.status === 'RUNNING' && <IconButton icon={stopIcon} label={`Cancel ${run.name}`} onClick={cancel} disabled={act.busy} />}
    </span>
  );
}

function Far({ row }: { row: JobRow }): JSX.Element {
  const { run, progress } = row;
  const answered = React.useRef({ progress, at: Date.now() });
  if (answered.current.progress !== progress) {
    answered.current = { progress, at: Date.now() };
  }
  const now = useNow(true);
  const done = share(progress);
  return (
    <>
      <progress max={1} value={done ?? undefined} aria-label={`${run.name}: ${counted(progress)}`} />
      <div className="jp-Mlops-figure">
        {counted(progress)} · {lasting((now - Date.parse(run.started)) / 1000)} · {remaining(progress, (now - answered.current.at) / 1000)}
      </div>
      <div className="jp-Mlops-quiet jp-Mlops-cut" title={running(progress)}>{running(progress) || '\u00a0'}</div>
    </>
  );
}

function Ended({ row, act }: { row: JobRow; act: Act }): JSX.Element {
  const { api, commands } = useHere();
  const { run, kind, notebook } = row;
  const seconds = run.ended ? (Date.parse(run.ended) - Date.parse(run.started)) / 1000 : 0;
  const resume = (): void => void act.run(async () => {
    await api.post(`jobs/${run.run_id}/resume`);
    return `${run.name} goes on with what did not finish.`;
  });
  const figures = kind === 'fleet' ? finished(run.metrics) : metricsLine(run.metrics, 2);
  return (
    <>
      {run.reason && <div className="jp-Mlops-reason">{run.reason}</div>}
      <div className="jp-Mlops-quiet">{ago(run.started, Date.now())}, {lasting(seconds)}{figures && ` · ${figures}`}</div>
      {run.status !== 'FINISHED' && (
        <div className="jp-Mlops-row-actions">
          {kind === 'fleet' && <Link onClick={resume} label={`Go on with ${run.name}`}>Go on with the rest</Link>}
          {kind === 'job' && row.cell !== null && (
            <Link label={`Open cell ${row.cell + 1} of ${run.name}`} onClick={() => void commands.execute('mlops:open-notebook', { run: run.run_id })}>Open cell {row.cell + 1}</Link>
          )}
          {kind === 'job' && notebook && (
            <Link label={`Run ${run.name} again`} onClick={() => void commands.execute('mlops:run-notebook', { path: notebook, run: run.run_id })}>Run again…</Link>
          )}
        </div>
      )}
    </>
  );
}

function Fleet({ run, act }: { run: string; act: Act }): JSX.Element {
  const jobs = useAnswer<JobRow[]>(`jobs/${run}/jobs`, ['store', 'jobs']);
  return (
    <Loaded answer={jobs} loading="Looking for its jobs…">
      {rows => <ul className="jp-Mlops-inner">{rows.map(row => <Row key={row.run.run_id} row={row} act={act} inside />)}</ul>}
    </Loaded>
  );
}

function Empty(): JSX.Element {
  return (
    <div className="jp-Mlops-box">
      <div>No jobs yet.</div>
      <p className="jp-Mlops-quiet">Tag one cell of a notebook <code>parameters</code>, and press “Run as job” in its toolbar: what that cell assigns becomes a form.</p>
    </div>
  );
}
