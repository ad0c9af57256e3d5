/** What a model's answers rest on: importances, curves, and why one row was answered as it was. */
import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';
import { at, Explanation, Importance, Reason } from '../api';
import { useAct } from '../hooks';
import { useHere } from '../panel';
import { SaidLine, Table } from '../parts/basics';
import { Curve } from '../parts/curve';
import { Interval } from '../parts/interval';
import { interval, spanOf } from '../words/evidence';
import { figure } from '../words/words';

const MOST_COLUMNS = 15;

export function Reasons({ explanation }: { explanation: Explanation }): JSX.Element {
  const whole = explanation.importances.filter(i => i.slice === '');
  const slices = [...new Set(explanation.importances.map(i => i.slice).filter(Boolean))];
  return (
    <>
      <h2>What its answers rest on</h2>
      <p className="jp-Mlops-quiet">
        How much {explanation.loss} grows when a column is shuffled, over {explanation.rows.toLocaleString()} rows.
        {explanation.agreement !== null && ` Agreement with the champion's order: ${figure(explanation.agreement)}.`}
        {explanation.moved.length > 0 && ` Weighs otherwise than in the champion: ${explanation.moved.join(', ')}.`}
      </p>
      <Importances caption="Importance of columns" found={whole} champion={explanation.champion} />
      {explanation.dependence.length > 0 && <h2>How the answer follows a column</h2>}
      <div className="jp-Mlops-curves">
        {explanation.dependence.map(curve => <Curve key={curve.column} curve={curve} />)}
      </div>
      {explanation.shap.length > 0 && (
        <details>
          <summary>By SHAP values</summary>
          <Importances caption="Mean absolute SHAP value of columns" found={explanation.shap} champion={[]} />
        </details>
      )}
      {slices.length > 0 && (
        <details>
          <summary>By slice</summary>
          {slices.map(slice => (
            <Importances key={slice} caption={`Importance of columns where ${slice}`} title={slice} champion={[]}
              found={explanation.importances.filter(i => i.slice === slice)} />
          ))}
        </details>
      )}
    </>
  );
}

function Importances(props: { caption: string; title?: string; found: Importance[]; champion: Importance[] }): JSX.Element {
  const { caption, title, champion } = props;
  const found = props.found.slice(0, MOST_COLUMNS);
  const span = spanOf(found, [0, ...champion.map(i => i.value)]);
  const marks = (column: string): { at: number; label: string }[] => {
    const theirs = champion.find(i => i.column === column);
    return [{ at: 0, label: 'no use' }, ...(theirs ? [{ at: theirs.value, label: 'in the champion' }] : [])];
  };
  return (
    <Table caption={caption} head={[title ?? 'Column', 'Importance (95% interval)', '']}
      rows={found.map(i => [i.column, interval(i), <Interval key="i" between={i} span={span} marks={marks(i.column)} />])} />
  );
}

/** Why one row of the evaluation rows is answered as it is. The model is asked now, for that row only. */
export function OneAnswer({ model, version, rows }: { model: string; version: number; rows: number }): JSX.Element {
  const { api } = useHere();
  const act = useAct();
  const [row, setRow] = React.useState('0');
  const [found, setFound] = React.useState<{ row: string; reasons: Reason[] } | undefined>();
  const ask = (): void => void act.run(async () => {
    setFound(undefined);
    setFound({ row, reasons: await api.get<Reason[]>(`${at(model, version)}/reasons?row=${encodeURIComponent(row)}`) });
  });
  const id = React.useId();
  return (
    <>
      <h2>Why one row is answered as it is</h2>
      <form className="jp-Mlops-ask" onSubmit={event => { event.preventDefault(); ask(); }}>
        <label htmlFor={id}>Row of the evaluation rows, from 0</label>
        <input id={id} type="number" min={0} max={rows - 1} step={1} required value={row} onChange={event => setRow(event.target.value)} />
        <Button type="submit" small className="jp-Mlops-button" disabled={act.busy}>Explain it</Button>
      </form>
      <SaidLine act={act} doing="Asking the model…" />
      {found && (
        <Table caption={`Reasons of row ${found.row}`} head={['Reason', 'Adds', '']} numbers={[1]}
          rows={found.reasons.slice(0, MOST_COLUMNS).map(r => [r.sentence, figure(r.contribution),
            <Interval key="i" between={{ value: r.contribution, low: Math.min(0, r.contribution), high: Math.max(0, r.contribution) }}
              span={spanOf(found.reasons.map(one => ({ value: one.contribution, low: one.contribution, high: one.contribution })), [0])}
              marks={[{ at: 0, label: 'adds nothing' }]} />])} />
      )}
    </>
  );
}
