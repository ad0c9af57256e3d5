/** From the rows a version learnt from to where it serves, as a list to walk. */
import * as React from 'react';
import { at, LineageStep } from '../api';
import { useAnswer } from '../hooks';
import { useHere } from '../panel';
import { Link, Loaded } from '../parts/basics';
import { ago } from '../words/words';

const KINDS: Record<string, string> = {
  data: 'Data', notebook: 'Notebook', job: 'Job', cell: 'Tracked cell', version: 'Version', evidence: 'Evidence', decision: 'Decision'
};

export function Lineage({ model, version }: { model: string; version: number }): JSX.Element {
  const steps = useAnswer<LineageStep[]>(`${at(model, version)}/lineage`);
  return (
    <Loaded answer={steps} loading="Following where it comes from…">
      {found => <ol className="jp-Mlops-lineage">{found.map((step, n) => <Step key={n} step={step} />)}</ol>}
    </Loaded>
  );
}

function Step({ step }: { step: LineageStep }): JSX.Element {
  const { commands } = useHere();
  const run = step.run_id;
  return (
    <li className={`is-${step.kind}`}>
      <div className="jp-Mlops-quiet">{KINDS[step.kind]}</div>
      <div><b>{run ? <Link onClick={() => void commands.execute('mlops:open-run', { run })}>{step.title}</Link> : step.title}</b></div>
      {step.detail && <div>{step.detail}</div>}
      <div className="jp-Mlops-quiet">
        {step.by && `by ${step.by}`}{step.by && step.at && ', '}{step.at && ago(step.at, Date.now())}
        {run && step.kind !== 'data' && (
          <>{' · '}
            {step.kind === 'job' && <><Link onClick={() => void commands.execute('mlops:open-notebook', { run })}>executed notebook</Link>{' · '}</>}
            <Link label={`Replay ${step.title}`} onClick={() => void commands.execute('mlops:replay-run', { run })}>replay</Link>
          </>
        )}
      </div>
    </li>
  );
}
