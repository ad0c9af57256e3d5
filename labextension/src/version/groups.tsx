/** Where the model is weak, and whom it treats otherwise. */
import * as React from 'react';
import { Evidence, Fairness } from '../api';
import { Chip, Table } from '../parts/basics';
import { Interval } from '../parts/interval';
import { interval, spanOf } from '../words/evidence';
import { figure } from '../words/words';

export function Weak({ found }: { found: Evidence['found'] }): JSX.Element | null {
  if (found.length === 0) {
    return null;
  }
  return (
    <>
      <h2>Where it is weak</h2>
      <p className="jp-Mlops-quiet">Rows that nobody named in advance. The intervals are corrected for having looked at {found[0].looked.toLocaleString()} combinations.</p>
      <Table caption="Weak slices that were found" head={['Rows where', 'Compared with', 'There', 'Elsewhere', 'More by', 'Rows']} numbers={[2, 3, 5]}
        rows={found.map(s => [s.slice, s.kind === 'error' ? `other rows, ${s.loss}` : `the champion, ${s.loss}`, figure(s.value), figure(s.rest),
          interval({ value: s.excess, low: s.low, high: s.high }), s.n.toLocaleString()])} />
    </>
  );
}

export function FairnessView({ fairness }: { fairness: Fairness }): JSX.Element {
  const rates = [...new Set(fairness.groups.flatMap(g => g.rates.map(r => r.metric)))];
  return (
    <>
      <h2>Fairness by {fairness.by}</h2>
      <Table caption={`Gaps by ${fairness.by}`} head={['Between the extreme groups', 'Value (95% interval)', '']}
        rows={fairness.gaps.map(gap => [gap.metric, interval(gap), <Interval key="i" between={gap} span={spanOf([gap], [0])} marks={[{ at: 0, label: 'no difference' }]} />])} />
      <Table caption={`Groups of ${fairness.by}`} head={['Group', 'Rows', ...rates]} numbers={[1]}
        rows={fairness.groups.map(group => [
          <>{group.group} {!group.judged && <Chip state="inconclusive">too few to tell</Chip>}</>,
          group.n.toLocaleString(),
          ...rates.map(rate => { const e = group.rates.find(r => r.metric === rate); return e ? interval(e) : '–'; })
        ])} />
    </>
  );
}
