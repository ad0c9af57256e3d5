/** One run, in the main area: what it found, what it was given, what is inside it, and what can be done with it. */
import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Run } from '../api';
import { useAnswer } from '../hooks';
import { useHere } from '../panel';
import { Chip, Link, Loaded, Table } from '../parts/basics';
import { ended, lasting } from '../words/jobs';
import { figure, metricsLine } from '../words/words';

export function runPanel(id: string): () => JSX.Element {
  return () => <RunPanel id={id} />;
}

function RunPanel({ id }: { id: string }): JSX.Element {
  const { panel } = useHere();
  const run = useAnswer<Run>(`runs/${id}`, ['store', 'jobs']);
  const children = useAnswer<Run[]>(`runs/${id}/children`, ['store', 'jobs']);
  React.useEffect(() => {
    const title = panel.parent?.title;
    if (title && run.data) {
      title.label = `Run ${run.data.name}`;
    }
  }, [run.data?.name]);
  return (
    <div className="jp-Mlops-page jp-MlopsRun">
      <Loaded answer={run} loading="Reading the run…">
        {found => <><Head run={found} /><Facts run={found} /></>}
      </Loaded>
      <Loaded answer={children} loading="">{found => <Inside runs={found} />}</Loaded>
    </div>
  );
}

function Head({ run }: { run: Run }): JSX.Element {
  const { commands } = useHere();
  const kind = run.tags['mlops.kind'];
  const seconds = run.ended ? (Date.parse(run.ended) - Date.parse(run.started)) / 1000 : null;
  const act = (name: string, label: string): JSX.Element => (
    <Button small className="jp-mod-styled jp-mod-reject" onClick={() => void commands.execute(`mlops:${name}`, { run: run.run_id })}>{label}</Button>
  );
  return (
    <>
      <h1>{run.name} <Chip state={run.status}>{ended(run.status)}</Chip></h1>
      {run.reason && <p className="jp-Mlops-reason">{run.reason}</p>}
      <p className="jp-Mlops-quiet">
        {run.experiment} · started {new Date(run.started).toLocaleString()}{seconds !== null && ` · ${lasting(seconds)}`}
        {run.tags['mlflow.user'] && ` · by ${run.tags['mlflow.user']}`} · run {run.run_id.slice(0, 8)}
        {run.parent && <> · <Link onClick={() => void commands.execute('mlops:open-run', { run: run.parent })}>{kind === 'job' ? 'its fleet' : 'its job'}</Link></>}
      </p>
      <div className="jp-Mlops-actions">
        {kind === 'job' && act('open-notebook', 'Executed notebook')}
        {kind !== 'fleet' && run.status !== 'RUNNING' && act('replay-run', 'Replay')}
        {kind === undefined && act('compare-run', 'Compare')}
        {kind !== 'fleet' && act('register-run', 'Register…')}
        {act('name-run', 'Name it…')}
      </div>
    </>
  );
}

function Facts({ run }: { run: Run }): JSX.Element {
  const datasets = run.datasets.map(d => [d.context, d.name, `${d.rows.toLocaleString()} × ${d.columns}`, d.digest.slice(0, 12), d.source]);
  const tags = Object.entries(run.tags).filter(([name]) => name !== 'mlops.lease');
  return (
    <>
      <Titled title="Metrics">
        <Table caption="Metrics" head={['Metric', 'Value']} numbers={[1]} rows={Object.entries(run.metrics).map(([k, v]) => [k, figure(v)])} />
      </Titled>
      <Titled title="Parameters">
        <Table caption="Parameters" head={['Parameter', 'Value']} rows={Object.entries(run.parameters)} />
      </Titled>
      <Titled title="Data">
        <Table caption="Data" head={['Used for', 'Name', 'Rows × columns', 'Digest', 'From']} rows={datasets} />
      </Titled>
      <details>
        <summary>Everything else that is known of it ({tags.length})</summary>
        <Table caption="Tags" head={['Tag', 'Value']} rows={tags} />
        <p className="jp-Mlops-quiet">Files: {run.artifacts}</p>
      </details>
    </>
  );
}

/** A heading over a part that has something to show. */
function Titled({ title, children }: { title: string; children: JSX.Element }): JSX.Element | null {
  return children.props.rows.length === 0 ? null : <><h2>{title}</h2>{children}</>;
}

function Inside({ runs }: { runs: Run[] }): JSX.Element | null {
  const { commands } = useHere();
  const rows = runs.map(run => [
    <Link key="open" onClick={() => void commands.execute('mlops:open-run', { run: run.run_id })}>{run.name}</Link>,
    <Chip key="state" state={run.status}>{ended(run.status)}</Chip>,
    metricsLine(run.metrics, 3),
    run.reason
  ]);
  return rows.length === 0 ? null : <><h2>Inside it · {runs.length}</h2><Table caption="Runs inside it" head={['Run', 'State', 'Metrics', 'Reason']} rows={rows} /></>;
}
