/** Runs side by side: only what differs. */
import * as React from 'react';
import { Difference, Differences } from '../api';
import { Table } from '../parts/basics';
import { figure } from '../words/words';

const PARTS = ['metrics', 'parameters', 'data', 'environment', 'code'] as const;

export function differencesPanel(found: Differences[]): () => JSX.Element {
  return () => <div className="jp-Mlops-page jp-MlopsRun">{found.map(one => <Sides key={one.one} found={one} />)}</div>;
}

export function Sides({ found, names }: { found: Differences; names?: [string, string] }): JSX.Element {
  const [one, other] = names ?? [found.one.slice(0, 8), found.other.slice(0, 8)];
  const same = PARTS.filter(part => found[part].length === 0);
  return (
    <>
      {!names && <h1>{one} and {other}</h1>}
      {PARTS.filter(part => found[part].length > 0).map(part => (
        <React.Fragment key={part}>
          <h3>{part[0].toUpperCase() + part.slice(1)}</h3>
          <Table caption={part} head={['What', one, other]} rows={found[part].map(row => [row.what, cell(part, row.one), cell(part, row.other)])} />
        </React.Fragment>
      ))}
      {same.length > 0 && <p className="jp-Mlops-quiet">The same: {same.join(', ')}.</p>}
    </>
  );
}

function cell(part: string, value: Difference['one']): React.ReactNode {
  if (value === null) {
    return '–';
  }
  return part === 'code' ? <pre>{value}</pre> : typeof value === 'number' ? figure(value) : value;
}
