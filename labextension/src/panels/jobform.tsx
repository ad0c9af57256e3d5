/** A training job from a notebook: what its parameters cell declares, as a form. What does not fit is said at its field. */
import { Button, runIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { FieldProblem, FormField, JobForm, Refusal, Run, Started } from '../api';
import { useAnswer } from '../hooks';
import { useHere } from '../panel';
import { Link, Loaded, Problem } from '../parts/basics';
import { FieldInput } from '../parts/fieldinput';
import { Filled, initial, request, Typed } from '../words/fields';

const PAUSE = 300; // milliseconds without a key before what was typed is looked at

export function jobFormPanel(path: string, run?: string): () => JSX.Element {
  return () => <JobFormPanel path={path} run={run} />;
}

function JobFormPanel({ path, run }: { path: string; run?: string }): JSX.Element {
  const { commands } = useHere();
  const form = useAnswer<JobForm>(`form?notebook=${encodeURIComponent(path)}`, []);
  const earlier = useAnswer<Run>(run ? `runs/${run}` : null, []);
  return (
    <div className="jp-Mlops-page">
      <h1>Run {path.split('/').pop()} as a job</h1>
      <p className="jp-Mlops-quiet">
        In a kernel of its own, from the notebook <Link onClick={() => void commands.execute('docmanager:open', { path })}>{path}</Link> as it is saved.
        It goes on when you close JupyterLab.
      </p>
      <Loaded answer={form} loading="Reading the parameters cell…">
        {found => (run && earlier.loading
          ? <div className="jp-Mlops-quiet" role="status">Reading what the earlier run was given…</div>
          : <Form key={found.notebook} path={path} form={found} given={earlier.data?.parameters} />)}
      </Loaded>
    </div>
  );
}

interface Checked {
  fields: Record<string, FieldProblem>;
  count: number | null;
  problem?: Refusal;
}

function Form({ path, form, given }: { path: string; form: JobForm; given?: Record<string, string> }): JSX.Element {
  const { api, commands } = useHere();
  const [filled, setFilled] = React.useState<Filled>(() => initial(form.fields, unmasked(form.fields, given)));
  const [touched, touch] = React.useState(false);
  const [force, setForce] = React.useState(given !== undefined);
  const [busy, setBusy] = React.useState(false);
  const [refused, refuse] = React.useState<Checked | null>(null);
  const checked = useChecked(path, form.fields, filled, touched);
  const found = refused ?? checked;

  const change = (name: string, typed: Typed): void => {
    touch(true);
    refuse(null);
    setFilled({ ...filled, [name]: typed });
  };
  const start = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      const { run_id } = await api.post<Started>('jobs', { notebook: path, force, ...request(form.fields, filled) });
      await commands.execute('mlops:started', { run: run_id });
    } catch (error) {
      refuse(wrong(error));
      window.requestAnimationFrame(() => document.querySelector<HTMLElement>('.jp-Mlops-field.is-wrong input, .jp-Mlops-field.is-wrong select')?.focus());
    } finally {
      setBusy(false);
    }
  };
  const count = found.count ?? 1;
  return (
    <form onSubmit={event => void start(event)} noValidate aria-label="Parameters">
      {form.fields.length === 0 && <NoFields />}
      {form.fields.map(field => (
        <FieldInput key={field.name} field={field} typed={filled[field.name]} problem={found.fields[field.name]} onChange={typed => change(field.name, typed)} />
      ))}
      <label className="jp-Mlops-check">
        <input type="checkbox" checked={force} onChange={event => setForce(event.target.checked)} />
        Run it even if a run with the same notebook, values, environment and data has finished
      </label>
      <div className="jp-Mlops-actions">
        <Button className="jp-mod-styled jp-mod-accept" type="submit" disabled={busy}>
          <runIcon.react tag="span" elementPosition="center" />{busy ? 'Starting…' : count > 1 ? `Start ${count} jobs` : 'Start the job'}
        </Button>
        <span className="jp-Mlops-quiet" aria-live="polite">{busy ? 'This takes some seconds; the job shows in the sidebar.' : ''}</span>
      </div>
      {found.problem && Object.keys(found.fields).length === 0 && <Problem problem={found.problem} />}
    </form>
  );
}

function NoFields(): JSX.Element {
  return (
    <div className="jp-Mlops-box">
      This notebook takes no parameters, so it runs as it is. To make some, tag the cell that assigns them <code>parameters</code> (in
      the property inspector, right) and save.
    </div>
  );
}

/** What an earlier run was given; a secret is not kept, so its field stays as the notebook has it. */
function unmasked(fields: FormField[], given: Record<string, string> = {}): Record<string, string> {
  const known = fields.filter(field => given[field.name] !== undefined && given[field.name] !== '***');
  return Object.fromEntries(known.map(({ name }) => [name, yaml(given[name])]));
}

/** A run keeps values as Python writes them. */
function yaml(text: string): string {
  return { True: 'true', False: 'false', None: 'null' }[text] ?? text;
}

function wrong(error: unknown): Checked {
  const problem = Refusal.from(error);
  return { fields: problem.fields, count: null, problem };
}

/** What the server says of what is filled in, a moment after the last key; nothing is started by it. */
function useChecked(path: string, fields: FormField[], filled: Filled, touched: boolean): Checked {
  const { api } = useHere();
  const [checked, set] = React.useState<Checked>({ fields: {}, count: null });
  React.useEffect(() => {
    if (!touched) {
      return;
    }
    let gone = false;
    const timer = window.setTimeout(() => {
      const asked = api.post<unknown[]>('form', { notebook: path, ...request(fields, filled) });
      asked.then(jobs => ({ fields: {}, count: jobs.length }), wrong).then(found => { if (!gone) { set(found); } });
    }, PAUSE);
    return () => { gone = true; window.clearTimeout(timer); };
  }, [path, filled, touched]);
  return checked;
}
