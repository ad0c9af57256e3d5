/** Challenger and champion: on the same rows, as the evidence has it; and what differs in how they were made. */
import * as React from 'react';
import { at, Comparison, Differences, Evidence, Version } from '../api';
import { useAnswer } from '../hooks';
import { Sides } from '../panels/differences';
import { Chip, Loaded, Table } from '../parts/basics';
import { Interval } from '../parts/interval';
import { interval, spanOf } from '../words/evidence';
import { figure } from '../words/words';

export function Champion({ found, evidence }: { found: Version; evidence: Evidence | null }): JSX.Element {
  const compared = useAnswer<Differences | null>(`${at(found.model, found.version)}/compared`);
  if (found.aliases.includes('champion')) {
    return <div className="jp-Mlops-box">This version is the champion: others are held against it.</div>;
  }
  return (
    <>
      <h2>On the same rows</h2>
      <OnTheSameRows comparisons={evidence?.comparisons ?? []} judged={evidence !== null} />
      <h2>How they were made</h2>
      <Loaded answer={compared} loading="Comparing how they were made…">
        {differences => (differences === null
          ? <p className="jp-Mlops-quiet">There is no champion to compare with yet.</p>
          : <Sides found={differences} names={['champion', `version ${found.version}`]} />)}
      </Loaded>
    </>
  );
}

function OnTheSameRows({ comparisons, judged }: { comparisons: Comparison[]; judged: boolean }): JSX.Element {
  if (comparisons.length === 0) {
    const why = judged ? 'When it was judged there was no other champion, or no gate asks for the comparison.' : 'It was never judged. “Judge it” compares the two.';
    return <p className="jp-Mlops-quiet">{why}</p>;
  }
  return (
    <>
      <p className="jp-Mlops-quiet">Version minus champion, paired row by row, signed so that more is better for this version.</p>
      <Table caption="Against the champion" head={['Metric', 'Answer', 'Difference', '', 'Champion', 'Rows', '']} numbers={[4, 5]}
        rows={comparisons.map(c => {
          const between = { value: c.difference, low: c.low, high: c.high };
          const marks = [{ at: 0, label: 'no difference' }, ...(c.margin ? [{ at: -c.margin, label: 'as much worse as is allowed' }] : [])];
          return [
            `${c.metric}${c.slice ? ` where ${c.slice}` : ''}`, <Chip key="v" state={c.verdict} />, interval(between),
            <Interval key="i" between={between} span={spanOf([between], marks.map(m => m.at))} marks={marks} />,
            c.champion === null ? '' : figure(c.champion), c.n.toLocaleString(), needs(c)
          ];
        })} />
    </>
  );
}

function needs(c: Comparison): string {
  return c.verdict === 'inconclusive' && c.rows_more ? `about ${c.rows_more.toLocaleString()} more rows would settle it` : '';
}
