/** Small parts that every panel is made of. */
import { Button, caretDownIcon, caretRightIcon, LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Refusal } from '../api';
import { Act, Answer } from '../hooks';

const TONES: Record<string, string> = {
  pass: 'good', approved: 'good', FINISHED: 'good', counts: 'good', champion: 'good', 'not worse': 'good', better: 'good', healthy: 'good',
  fail: 'bad', rejected: 'bad', FAILED: 'bad', refused: 'bad', worse: 'bad', critical: 'bad',
  inconclusive: 'warn', stale: 'warn', expired: 'warn', withdrawn: 'warn', KILLED: 'warn', pending: 'warn', warning: 'warn', alert: 'warn',
  RUNNING: 'busy', challenger: 'busy'
};

/** A state as a word with a colour; the word alone says it too. */
export function Chip({ state, children }: { state: string; children?: React.ReactNode }): JSX.Element {
  return <span className={`jp-Mlops-chip is-${TONES[state] ?? 'plain'}`}>{children ?? state}</span>;
}

export function Problem({ problem, again }: { problem: Refusal; again?: () => void }): JSX.Element {
  return (
    <div className="jp-Mlops-box is-bad" role="alert">
      <div>{problem.message}</div>
      {problem.fix && <p className="jp-Mlops-quiet">Fix: {problem.fix}</p>}
      {again && <Button type="button" small className="jp-Mlops-button" onClick={again}>Try again</Button>}
    </div>
  );
}

/** What an action came to. It keeps its place, so that nothing below jumps while it is said. */
export function SaidLine({ act, doing }: { act: Act; doing?: string }): JSX.Element {
  const { said, busy } = act;
  return (
    <div aria-live="polite" className="jp-Mlops-said">
      {busy && <div className="jp-Mlops-quiet">{doing ?? 'Doing it…'}</div>}
      {said && (
        <div className={`jp-Mlops-box ${said.ok ? 'is-good' : 'is-bad'}`} role={said.ok ? undefined : 'alert'}>
          <div>{said.message}</div>
          {said.fix && <p className="jp-Mlops-quiet">Fix: {said.fix}</p>}
        </div>
      )}
    </div>
  );
}

/** What was asked for, or that it is on its way, or why it cannot be had. */
export function Loaded<T>(props: { answer: Answer<T>; loading: string; children: (data: T) => JSX.Element | null }): JSX.Element | null {
  const { answer, loading, children } = props;
  if (answer.problem) {
    return <Problem problem={answer.problem} again={answer.again} />;
  }
  if (answer.data === undefined) {
    return <div className="jp-Mlops-quiet jp-Mlops-pad" role="status">{loading}</div>;
  }
  return children(answer.data);
}

export function Section(props: { title: string; count?: number; open?: boolean; tools?: React.ReactNode; children: React.ReactNode }): JSX.Element {
  const [open, set] = React.useState(props.open ?? true);
  const id = React.useId();
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <section aria-labelledby={id} className="jp-Mlops-section">
      <div className="jp-Mlops-title">
        <h3 id={id}>
          <button aria-expanded={open} onClick={() => set(!open)}>
            <Caret.react tag="span" className="jp-Mlops-caret" />
            {props.title}{props.count ? <span className="jp-Mlops-count">{props.count}</span> : null}
          </button>
        </h3>
        {props.tools}
      </div>
      {open && props.children}
    </section>
  );
}

export function IconButton(props: { icon: LabIcon; label: string; onClick: () => void; disabled?: boolean }): JSX.Element {
  const Icon = props.icon;
  return (
    <Button type="button" minimal small className="jp-Mlops-icon" title={props.label} aria-label={props.label} disabled={props.disabled} onClick={props.onClick}>
      <Icon.react tag="span" elementPosition="center" />
    </Button>
  );
}

export function Link({ onClick, children, label }: { onClick: () => void; children: React.ReactNode; label?: string }): JSX.Element {
  return <button type="button" className="jp-Mlops-link" aria-label={label} onClick={onClick}>{children}</button>;
}

/** A table with its headings; nothing where there are no rows. */
export function Table(props: { caption: string; head: string[]; rows: React.ReactNode[][]; numbers?: number[] }): JSX.Element | null {
  const { caption, head, rows, numbers = [] } = props;
  if (rows.length === 0) {
    return null;
  }
  return (
    <table className="jp-Mlops-table" aria-label={caption}>
      <thead><tr>{head.map((word, i) => <th key={i} scope="col" className={numbers.includes(i) ? 'is-number' : ''}>{word}</th>)}</tr></thead>
      <tbody>
        {rows.map((row, n) => (
          <tr key={n}>{row.map((cell, i) => (
            i === 0 ? <th key={i} scope="row">{cell}</th> : <td key={i} className={numbers.includes(i) ? 'is-number' : ''}>{cell}</td>
          ))}</tr>
        ))}
      </tbody>
    </table>
  );
}
