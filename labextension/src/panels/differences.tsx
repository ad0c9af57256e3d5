/** Runs side by side, in the main area: only what differs. */
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Difference, Differences } from '../api';
import { differing, figure } from '../logic';

const PARTS: (keyof Differences & ('metrics' | 'parameters' | 'data' | 'environment' | 'code'))[] = [
  'metrics',
  'parameters',
  'data',
  'environment',
  'code'
];

export class DifferencesPanel extends ReactWidget {
  constructor(private found: Differences[]) {
    super();
    this.addClass('jp-MlopsRun');
  }

  protected render(): JSX.Element {
    return (
      <>
        {this.found.map(found => (
          <section key={found.one} aria-label={`Differences ${differing(found)}`}>
            <h1>Runs {differing(found)}</h1>
            {PARTS.map(part => this.table(part, found[part], found))}
          </section>
        ))}
      </>
    );
  }

  private table(part: string, rows: Difference[], found: Differences): JSX.Element {
    const title = part[0].toUpperCase() + part.slice(1);
    if (rows.length === 0) {
      return <p key={part} className="jp-Mlops-quiet">{title}: the same</p>;
    }
    return (
      <React.Fragment key={part}>
        <h3>{title}</h3>
        <table>
          <thead><tr><th scope="col">What</th><th scope="col">{found.one.slice(0, 8)}</th><th scope="col">{found.other.slice(0, 8)}</th></tr></thead>
          <tbody>
            {rows.map((row, n) => (
              <tr key={n}><th scope="row">{row.what}</th><td>{this.cell(part, row.one)}</td><td>{this.cell(part, row.other)}</td></tr>
            ))}
          </tbody>
        </table>
      </React.Fragment>
    );
  }

  private cell(part: string, value: string | number | null): JSX.Element | string {
    if (value === null) {
      return '–';
    }
    return part === 'code' ? <pre>{value}</pre> : typeof value === 'number' ? figure(value) : value;
  }
}
