/** One parameter of a form: its control, what it takes, and what is wrong with it, said where it is. */
import { Button, HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';
import { FieldProblem, FormField } from '../api';
import { allowed, control, Typed } from '../words/fields';

interface Props {
  field: FormField;
  typed: Typed;
  problem?: FieldProblem;
  onChange(typed: Typed): void;
}

export function FieldInput({ field, typed, problem, onChange }: Props): JSX.Element {
  const id = React.useId();
  const kind = control(field);
  const several = (): void => onChange({ text: typed.text, several: !typed.several });
  return (
    <div className={`jp-Mlops-field ${problem ? 'is-wrong' : ''}`}>
      <div className="jp-Mlops-fieldhead">
        <label htmlFor={id}>{field.name}</label>
        <span className="jp-Mlops-quiet jp-Mlops-grow" id={`${id}-about`}>{allowed(field)}</span>
        {kind !== 'switch' && (
          <Button type="button" minimal small aria-pressed={typed.several} aria-label={`Several values of ${field.name}`} className="jp-Mlops-several"
            title="One job for each value, parted by commas" onClick={several}>{typed.several ? 'one value' : 'several values'}</Button>
        )}
      </div>
      <Control id={id} field={field} typed={typed} wrong={problem !== undefined} onChange={onChange} />
      {field.help && <div className="jp-Mlops-quiet">{field.help}</div>}
      <div id={`${id}-wrong`} className="jp-Mlops-wrong" aria-live="polite">
        {problem && <>{problem.message}{problem.fix && ` — ${problem.fix}`}</>}
      </div>
    </div>
  );
}

function Control({ id, field, typed, wrong, onChange }: Omit<Props, 'problem'> & { id: string; wrong: boolean }): JSX.Element {
  const kind = typed.several ? 'text' : control(field);
  const said = { id, 'aria-invalid': wrong, 'aria-describedby': `${id}-about ${id}-wrong` };
  const set = (text: string): void => onChange({ ...typed, text });
  if (kind === 'choice') {
    return (
      <HTMLSelect {...said} value={typed.text} onChange={event => set(event.target.value)}>
        {!field.choices.includes(typed.text) && <option value={typed.text}>{typed.text || 'choose one'}</option>}
        {field.choices.map(choice => <option key={choice}>{choice}</option>)}
      </HTMLSelect>
    );
  }
  if (kind === 'switch') {
    return <input type="checkbox" {...said} checked={typed.text === 'true'} onChange={event => set(String(event.target.checked))} />;
  }
  // A number is typed as text: what is no number is told by the server in words, where the browser would only drop it.
  return (
    <input type="text" inputMode={kind === 'number' ? 'decimal' : undefined} autoComplete="off" spellCheck={false} className="jp-mod-styled" {...said}
      required={field.required} value={typed.text} placeholder={placeholder(field, typed)} onChange={event => set(event.target.value)} />
  );
}

function placeholder(field: FormField, typed: Typed): string {
  if (typed.several) {
    return 'values, parted by commas';
  }
  return field.text === '' ? (field.computed ? 'as the notebook computes it' : field.optional ? 'null' : '') : `default ${field.text}`;
}
