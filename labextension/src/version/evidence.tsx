/** The evidence as it is kept with the version: nothing here is computed again. */
import * as React from 'react';
import { Estimate, Evidence, Gate } from '../api';
import { Answer } from '../hooks';
import { Chip, Loaded, Table } from '../parts/basics';
import { Interval } from '../parts/interval';
import { byWeight, interval, spanOf, tally } from '../words/evidence';
import { figure } from '../words/words';
import { FairnessView, Weak } from './groups';
import { OneAnswer, Reasons } from './reasons';

export function EvidenceView({ answer }: { answer: Answer<Evidence | null> }): JSX.Element {
  return (
    <Loaded answer={answer} loading="Reading the evidence…">
      {found => (found === null ? (
        <div className="jp-Mlops-box">
          <div>This version was never judged.</div>
          <p className="jp-Mlops-quiet">“Judge it” holds it against the gates of mlops.yaml, on rows it never saw. Nothing is promoted by that.</p>
        </div>
      ) : <Whole evidence={found} />)}
    </Loaded>
  );
}

function Whole({ evidence }: { evidence: Evidence }): JSX.Element {
  const { data } = evidence;
  return (
    <>
      <Gates gates={evidence.gates} />
      <Metrics estimates={evidence.estimates} />
      <Weak found={evidence.found} />
      {evidence.fairness.map(fairness => <FairnessView key={fairness.by} fairness={fairness} />)}
      {evidence.explanation && <Reasons explanation={evidence.explanation} />}
      <OneAnswer model={evidence.model} version={evidence.version} rows={data.rows} />
      <h2>What it rests on</h2>
      {evidence.notes.map((note, n) => <p key={n}>{note}</p>)}
      <p className="jp-Mlops-quiet">
        {data.rows.toLocaleString()} rows of {data.source}, digest {data.digest.slice(0, 12)}; resampled by {evidence.design}, seed {evidence.seed}.
        Evidence {evidence.digest.slice(0, 12)}: read from what is kept with the version, not computed again.
      </p>
    </>
  );
}

function Gates({ gates }: { gates: Gate[] }): JSX.Element {
  if (gates.length === 0) {
    return <div className="jp-Mlops-box">No gate is declared for this model, so nothing says that it may be promoted. Declare some under <code>gates</code> in mlops.yaml.</div>;
  }
  return (
    <>
      <h2>Gates · {tally(gates)}</h2>
      <ul className="jp-Mlops-gates">
        {byWeight(gates).map(gate => (
          <li key={gate.gate}>
            <Chip state={gate.verdict} />
            <div className="jp-Mlops-grow"><div>{gate.sentence}</div><div className="jp-Mlops-quiet">{gate.gate}</div></div>
          </li>
        ))}
      </ul>
    </>
  );
}

function Metrics({ estimates }: { estimates: Estimate[] }): JSX.Element {
  const whole = estimates.filter(e => e.slice === '');
  const names = [...new Set(estimates.filter(e => e.slice !== '').map(e => e.metric))];
  return (
    <>
      <h2>Metrics</h2>
      <Table caption="Metrics with their intervals" head={['Metric', 'Value (95% interval)', '', 'Rows']} numbers={[3]}
        rows={whole.map(e => [e.metric, interval(e), <Interval key="i" between={e} span={spanOf([e], [0])} />, e.n.toLocaleString()])} />
      {names.length > 0 && <h2>By slice</h2>}
      {names.map((name, n) => <Slices key={name} first={n === 0} all={estimates.filter(e => e.metric === name)} name={name} />)}
    </>
  );
}

function Slices({ all, name, first }: { all: Estimate[]; name: string; first: boolean }): JSX.Element {
  const span = spanOf(all);
  const whole = all.find(e => e.slice === '');
  const marks = whole ? [{ at: whole.value, label: 'over all rows' }] : [];
  return (
    <details open={first}>
      <summary>{name}{whole && `, ${figure(whole.value)} over all rows`}</summary>
      <Table caption={`${name} by slice`} head={['Slice', 'Value (95% interval)', '', 'Rows']} numbers={[3]}
        rows={all.filter(e => e.slice).map(e => [e.slice, interval(e), <Interval key="i" between={e} span={span} marks={marks} />, e.n.toLocaleString()])} />
    </details>
  );
}
