/** The sidebar: models with their champions, alerts, the last decisions, the dashboards. */
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Alert, Api, Entry, Model, Refusal, Status, Version } from '../api';
import { ago, grouped, metricsLine } from '../logic';

export interface Actions {
  openRun(runId: string): void;
  openDashboard(name: string): void;
}

interface State {
  status?: Status;
  models: Model[];
  alerts: Alert[];
  entries: Entry[];
  versions: Record<string, Version[]>;
  open: Set<string>;
  words: string;
  problem?: Refusal;
  loading: boolean;
}

export class RegistryPanel extends ReactWidget {
  constructor(
    private api: Api,
    private actions: Actions
  ) {
    super();
    this.addClass('jp-Mlops');
    this.node.setAttribute('aria-label', 'MLOps');
  }

  /** Ask for everything shown; what cannot be had is shown as such, with its fix. */
  async refresh(): Promise<void> {
    try {
      const status = await this.api.get<Status>('status');
      this.state.status = status;
      if (status.state === 'broken') {
        throw new Refusal(status.problem ?? '', status.fix ?? '');
      }
      const [models, alerts, entries] = await Promise.all([
        this.api.get<Model[]>('models'),
        this.api.get<Alert[]>('alerts'),
        this.api.get<Entry[]>('ledger?limit=200')
      ]);
      Object.assign(this.state, { models, alerts, entries, problem: undefined });
      await Promise.all([...this.state.open].map(name => this.loadVersions(name)));
    } catch (error) {
      this.state.problem = error instanceof Refusal ? error : new Refusal(String(error), 'look at the server log');
    }
    this.state.loading = false;
    this.update();
  }

  protected onAfterShow(): void {
    void this.refresh();
  }

  private async loadVersions(name: string): Promise<void> {
    this.state.versions[name] = await this.api.get<Version[]>(`models/${encodeURIComponent(name)}/versions`);
  }

  private async toggle(name: string): Promise<void> {
    const { open } = this.state;
    open.has(name) ? open.delete(name) : open.add(name);
    this.update();
    if (open.has(name)) {
      await this.loadVersions(name);
      this.update();
    }
  }

  private async acknowledge(alert: Alert): Promise<void> {
    await this.api.post(`alerts/${alert.alert_id}/acknowledge`);
    await this.refresh();
  }

  protected render(): JSX.Element {
    const { status, problem, loading } = this.state;
    return (
      <>
        <header>
          <h2>{status?.project || 'MLOps'}</h2>
          {status?.business_unit && <div className="jp-Mlops-quiet">{status.business_unit}</div>}
        </header>
        {problem ? this.broken(problem) : loading ? this.waiting() : this.content()}
      </>
    );
  }

  private waiting(): JSX.Element {
    return <div className="jp-Mlops-box jp-Mlops-quiet" role="status">Opening the registry…</div>;
  }

  private broken(problem: Refusal): JSX.Element {
    return (
      <div className="jp-Mlops-box is-error" role="alert">
        <div>{problem.message}</div>
        {problem.fix && <p className="jp-Mlops-quiet">Fix: {problem.fix}</p>}
        <button className="jp-Mlops-link" onClick={() => void this.refresh()}>Try again</button>
      </div>
    );
  }

  private content(): JSX.Element {
    const { models, alerts, words } = this.state;
    const dashboards = this.state.status?.dashboards ?? [];
    const decisions = this.state.entries.filter(e => /alias|promotion|retrain/.test(e.action)).slice(0, 8);
    return (
      <>
        {models.length === 0 ? this.empty() : (
          <>
            <input type="search" aria-label="Find a model" placeholder="Find a model" value={words}
              onChange={event => { this.state.words = event.target.value; this.update(); }} />
            {grouped(models, words).map(([name, group]) => (
              <section key={name} aria-label={name}>
                <h3>{name} · {group.length}</h3>
                <ul>{group.map(model => this.model(model))}</ul>
              </section>
            ))}
          </>
        )}
        {alerts.length > 0 && (
          <section aria-label="Alerts">
            <h3>Needs a person · {alerts.length}</h3>
            {alerts.map(alert => (
              <div key={alert.alert_id} className={`jp-Mlops-alert ${alert.severity === 'critical' ? 'is-critical' : ''}`}>
                <b>{alert.segment ?? alert.model}</b> {alert.sentence}{' '}
                <button className="jp-Mlops-link" onClick={() => void this.acknowledge(alert)}>Acknowledge</button>
              </div>
            ))}
          </section>
        )}
        {dashboards.length > 0 && (
          <section aria-label="Dashboards">
            <h3>Dashboards</h3>
            <ul>{dashboards.map(page => (
              <li key={page.name}>
                <button className="jp-Mlops-row" onClick={() => this.actions.openDashboard(page.name)}>{page.title}</button>
              </li>
            ))}</ul>
          </section>
        )}
        {decisions.length > 0 && (
          <section aria-label="Last decisions">
            <h3>Last decisions</h3>
            <ul>{decisions.map(entry => (
              <li key={entry.seq} style={{ padding: '3px 12px' }}>
                <div>{entry.action} <b>{entry.subject}</b></div>
                <div className="jp-Mlops-quiet">{entry.actor}, {ago(entry.at, Date.now())}: {entry.reason}</div>
              </li>
            ))}</ul>
          </section>
        )}
      </>
    );
  }

  private empty(): JSX.Element {
    return (
      <div className="jp-Mlops-box">
        <div>No models yet.</div>
        <p className="jp-Mlops-quiet">Write <code>%%track</code> over the cell that trains one, then <code>jupyter mlops register RUN NAME</code>.</p>
        <p className="jp-Mlops-quiet">Or see the whole loop on real data: <code>jupyter mlops quickstart</code>.</p>
      </div>
    );
  }

  private model(model: Model): JSX.Element {
    const isOpen = this.state.open.has(model.name);
    const champion = model.aliases?.champion;
    const alerted = this.state.alerts.some(a => a.model === model.model && (a.segment ?? null) === (model.segment ?? null));
    return (
      <li key={model.name}>
        <button className="jp-Mlops-row" aria-expanded={isOpen} onClick={() => void this.toggle(model.name)}>
          <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span>
          <span className="jp-Mlops-grow" title={model.name}>{model.segment ?? model.name}</span>
          {alerted && <span className="jp-Mlops-chip is-alert">alert</span>}
          <span className="jp-Mlops-figure">{metricsLine(model.metrics, 1)}</span>
          {champion ? <span className="jp-Mlops-chip is-champion">champion v{champion}</span> : <span className="jp-Mlops-chip">no champion</span>}
        </button>
        {isOpen && (
          <ul className="jp-Mlops-inner">
            {(this.state.versions[model.name] ?? []).map(version => (
              <li key={version.version}>
                <b>v{version.version}</b>{' '}
                {(version.aliases ?? []).map(alias => <span key={alias} className={`jp-Mlops-chip is-${alias}`}>{alias}</span>)}
                <div className="jp-Mlops-figure">{metricsLine(version.metrics, 4)}</div>
                <div className="jp-Mlops-quiet">
                  {version.tags?.['mlops.verdict'] ? `gates: ${version.tags['mlops.verdict']}` : 'not judged yet'},{' '}
                  {ago(version.created, Date.now())}{' '}
                  <button className="jp-Mlops-link" onClick={() => this.actions.openRun(version.run_id)}>open run</button>
                </div>
              </li>
            ))}
          </ul>
        )}
      </li>
    );
  }

  private state: State = {
    models: [], alerts: [], entries: [], versions: {}, open: new Set(), words: '', loading: true
  };
}
