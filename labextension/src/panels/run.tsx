/** One run, in the main area. */
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Api, Run } from '../api';
import { figure } from '../logic';

export class RunPanel extends ReactWidget {
  constructor(
    private api: Api,
    private runId: string
  ) {
    super();
    this.addClass('jp-MlopsRun');
  }

  protected onAfterAttach(): void {
    this.api.get<Run>(`runs/${this.runId}`).then(
      run => { this.run = run; this.title.label = run.name; this.update(); },
      error => { this.problem = String(error.message); this.update(); }
    );
  }

  protected render(): JSX.Element {
    const { run } = this;
    if (!run) {
      return <div role="status">{this.problem ?? 'Loading the run…'}</div>;
    }
    const seconds = run.ended ? (Date.parse(run.ended) - Date.parse(run.started)) / 1000 : null;
    return (
      <>
        <h1>{run.name}</h1>
        <p>{run.status}{run.reason && `: ${run.reason}`} · started {new Date(run.started).toLocaleString()}
          {seconds !== null && ` · ${figure(seconds)} s`} · run {run.run_id.slice(0, 8)}</p>
        {this.table('Metrics', Object.entries(run.metrics ?? {}).map(([k, v]) => [k, figure(v)]))}
        {this.table('Parameters', Object.entries(run.parameters ?? {}))}
        {this.table('Data', (run.datasets ?? []).map(d => [d.context ?? '', `${d.name}: ${d.rows} rows of ${d.columns} columns, digest ${d.digest.slice(0, 12)}, from ${d.source}`]))}
        {this.table('Tags', Object.entries(run.tags ?? {}).filter(([k]) => k !== 'mlops.lease'))}
        <p className="jp-Mlops-quiet">Files: {run.artifacts}</p>
      </>
    );
  }

  private table(title: string, rows: string[][]): JSX.Element | null {
    if (rows.length === 0) {
      return null;
    }
    return (
      <>
        <h3>{title}</h3>
        <table><tbody>{rows.map(([name, value]) => <tr key={name + value}><th scope="row">{name}</th><td className="num">{value}</td></tr>)}</tbody></table>
      </>
    );
  }

  private run?: Run;
  private problem?: string;
}
