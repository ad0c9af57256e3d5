/** An estimate with its interval, drawn on a line that several of them share. */
import * as React from 'react';
import { Between, interval, place } from '../words/evidence';
import { figure } from '../words/words';

export function Interval(props: { between: Between; span: [number, number]; marks?: { at: number; label: string }[]; tone?: string }): JSX.Element {
  const { between, span, marks = [], tone = 'plain' } = props;
  const [low, high, value] = [between.low, between.high, between.value].map(v => place(v, span));
  const said = [interval(between), ...marks.map(m => `${m.label} ${figure(m.at)}`)].join('; ');
  return (
    <svg className={`jp-Mlops-interval is-${tone}`} width="180" height="18" role="img" aria-label={said}>
      <title>{said}</title>
      <line className="is-axis" x1="0" x2="100%" y1="9" y2="9" />
      {marks.map(mark => (
        <line key={mark.label} className="is-mark" x1={`${place(mark.at, span)}%`} x2={`${place(mark.at, span)}%`} y1="1" y2="17" />
      ))}
      <line className="is-range" x1={`${low}%`} x2={`${high}%`} y1="9" y2="9" />
      <circle className="is-value" cx={`${value}%`} cy="9" r="4" />
    </svg>
  );
}
