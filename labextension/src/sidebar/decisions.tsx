/** The last decisions, with who and why. */
import * as React from 'react';
import { Entry } from '../api';
import { useAnswer } from '../hooks';
import { Loaded, Section } from '../parts/basics';
import { ago } from '../words/words';

const SHOWN = /alias|promotion|retrain|approv|reject|glass|silenced|alert (resolved|acknowledged)/;
const MOST = 8;

export function Decisions(): JSX.Element {
  const entries = useAnswer<Entry[]>('ledger?limit=200');
  return (
    <Section title="Last decisions">
      <Loaded answer={entries} loading="Reading the ledger…">
        {found => {
          const decisions = found.filter(entry => SHOWN.test(entry.action)).slice(0, MOST);
          return decisions.length === 0
            ? <div className="jp-Mlops-quiet jp-Mlops-pad">None yet. Whoever promotes, approves or resolves is entered here with their reason.</div>
            : <ul>{decisions.map(entry => <Line key={entry.seq} entry={entry} />)}</ul>;
        }}
      </Loaded>
    </Section>
  );
}

function Line({ entry }: { entry: Entry }): JSX.Element {
  return (
    <li className="jp-Mlops-line">
      <div>{entry.action} <b>{entry.subject}</b></div>
      <div className="jp-Mlops-quiet">{entry.actor}, {ago(entry.at, Date.now())}{entry.reason && `: ${entry.reason}`}</div>
    </li>
  );
}
