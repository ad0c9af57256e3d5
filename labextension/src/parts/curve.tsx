/** The mean answer as one column goes from low to high, with its interval; bars where the column holds words. */
import * as React from 'react';
import { Dependence } from '../api';
import { place, spanOf } from '../words/evidence';
import { figure } from '../words/words';

const WIDTH = 260;
const HEIGHT = 120;
const LEFT = 44;
const BOTTOM = 18;

export function Curve({ curve }: { curve: Dependence }): JSX.Element {
  const span = spanOf(curve.answer.map((value, i) => ({ value, low: curve.low[i], high: curve.high[i] })));
  const words = curve.at.some(v => typeof v === 'string');
  const across = words ? undefined : spanOf(curve.at.map(v => ({ value: Number(v), low: Number(v), high: Number(v) })));
  const x = (i: number): number => LEFT + ((across ? place(Number(curve.at[i]), across) : (100 * (i + 0.5)) / curve.at.length) / 100) * (WIDTH - LEFT);
  const y = (value: number): number => (HEIGHT - BOTTOM) * (1 - place(value, span) / 100);
  const points = curve.at.map((_, i) => i);
  const band = [...points.map(i => `${x(i)},${y(curve.high[i])}`), ...[...points].reverse().map(i => `${x(i)},${y(curve.low[i])}`)];
  const of = curve.answer_of ? `the score of ${curve.answer_of}` : 'the answer';
  const said = points.map(i => `${word(curve.at[i])}: ${figure(curve.answer[i])}`).join('; ');
  return (
    <figure className="jp-Mlops-curve">
      <figcaption>{curve.column} <span className="jp-Mlops-quiet">mean of {of}</span></figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={`${curve.column}, ${of}: ${said}`}>
        <title>{said}</title>
        <line className="is-axis" x1={LEFT} x2={LEFT} y1="0" y2={HEIGHT - BOTTOM} />
        <line className="is-axis" x1={LEFT} x2={WIDTH} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
        <text x={LEFT - 5} y="10" textAnchor="end">{figure(span[1])}</text>
        <text x={LEFT - 5} y={HEIGHT - BOTTOM} textAnchor="end">{figure(span[0])}</text>
        {words
          ? points.map(i => <line key={i} className="is-range" x1={x(i)} x2={x(i)} y1={y(curve.low[i])} y2={y(curve.high[i])} />)
          : <polygon className="is-band" points={band.join(' ')} />}
        {!words && <polyline className="is-line" points={points.map(i => `${x(i)},${y(curve.answer[i])}`).join(' ')} />}
        {points.map(i => <circle key={i} className="is-value" cx={x(i)} cy={y(curve.answer[i])} r={words ? 3.5 : 2} />)}
        {ticks(points, words).map((i, n, all) => (
          <text key={i} x={x(i)} y={HEIGHT - 5} textAnchor={words ? 'middle' : n === 0 ? 'start' : n === all.length - 1 ? 'end' : 'middle'}>{word(curve.at[i])}</text>
        ))}
      </svg>
    </figure>
  );
}

/** Which points are named below: of numbers the first and the last, of words all while there is room. */
function ticks(points: number[], words: boolean): number[] {
  return words && points.length <= 4 ? points : [...new Set([points[0], points[points.length - 1]])];
}

function word(value: number | string): string {
  const said = typeof value === 'number' ? figure(value) : value;
  return said.length > 12 ? `${said.slice(0, 11)}…` : said;
}
