/** The models with their champions; each opens to its versions. */
import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Alert, at, Model, Version } from '../api';
import { useAnswer } from '../hooks';
import { useHere } from '../panel';
import { Chip, Link, Loaded, Section } from '../parts/basics';
import { ago, grouped, metricsLine } from '../words/words';

export function Models({ alerts }: { alerts: Alert[] }): JSX.Element {
  const models = useAnswer<Model[]>('models');
  const [words, setWords] = React.useState('');
  return (
    <Section title="Models" count={models.data?.length}>
      <Loaded answer={models} loading="Reading the registry…">
        {found => (found.length === 0 ? <Empty /> : (
          <>
            <input type="search" className="jp-mod-styled jp-Mlops-search" aria-label="Find a model" placeholder="Find a model"
              value={words} onChange={event => setWords(event.target.value)} />
            <Groups models={found} words={words} alerts={alerts} />
          </>
        ))}
      </Loaded>
    </Section>
  );
}

function Groups({ models, words, alerts }: { models: Model[]; words: string; alerts: Alert[] }): JSX.Element {
  const groups = grouped(models, words);
  if (groups.length === 0) {
    return <div className="jp-Mlops-quiet jp-Mlops-pad" role="status">No model is called so.</div>;
  }
  return (
    <>
      {groups.map(([name, group]) => (
        <div key={name} role="group" aria-label={name}>
          {(groups.length > 1 || group.some(m => m.segment)) && <div className="jp-Mlops-group">{name} · {group.length}</div>}
          <ul>{group.map(model => <One key={model.name} model={model} alerts={alerts} />)}</ul>
        </div>
      ))}
    </>
  );
}

function One({ model, alerts }: { model: Model; alerts: Alert[] }): JSX.Element {
  const [open, set] = React.useState(false);
  const champion = model.aliases.champion;
  const alerted = alerts.some(a => a.model === model.model && (a.segment ?? null) === (model.segment ?? null));
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <li>
      <button className="jp-Mlops-row" aria-expanded={open} onClick={() => set(!open)}>
        <Caret.react tag="span" className="jp-Mlops-caret" />
        <span className="jp-Mlops-grow jp-Mlops-cut" title={model.name}>{model.segment ?? model.name}</span>
        {alerted && <Chip state="alert"><span aria-hidden="true" title="It has an alert">!</span><span className="jp-Mlops-unseen">alert</span></Chip>}
        <span className="jp-Mlops-figure">{metricsLine(model.metrics, 1)}</span>
        {champion ? <Chip state="champion">champion v{champion}</Chip> : <Chip state="none">no champion</Chip>}
      </button>
      {open && <Versions model={model.name} />}
    </li>
  );
}

function Versions({ model }: { model: string }): JSX.Element {
  const { commands } = useHere();
  const versions = useAnswer<Version[]>(`${at(model)}/versions`);
  return (
    <Loaded answer={versions} loading="Reading its versions…">
      {found => (
        <ul className="jp-Mlops-inner">{found.map(version => {
          const verdict = version.tags['mlops.verdict'];
          return (
            <li key={version.version}>
              <Link label={`Open version ${version.version} of ${model}`}
                onClick={() => void commands.execute('mlops:open-version', { model, version: version.version })}>v{version.version}</Link>{' '}
              {version.aliases.map(alias => <Chip key={alias} state={alias} />)}
              <div className="jp-Mlops-figure">{metricsLine(version.metrics, 4)}</div>
              <div className="jp-Mlops-quiet">
                {verdict ? `gates: ${verdict}` : 'not judged yet'}, {ago(version.created, Date.now())}{' '}
                {version.run_id && (
                  <Link label={`Open the run of version ${version.version}`}
                    onClick={() => void commands.execute('mlops:open-run', { run: version.run_id })}>open run</Link>
                )}
              </div>
            </li>
          );
        })}</ul>
      )}
    </Loaded>
  );
}

function Empty(): JSX.Element {
  return (
    <div className="jp-Mlops-box">
      <div>No models yet.</div>
      <p className="jp-Mlops-quiet">Write <code>%%track</code> over the cell that trains one, run it, and press “Register…” on its card.</p>
      <p className="jp-Mlops-quiet">Or see the whole loop on real data: <code>jupyter mlops quickstart</code>.</p>
    </div>
  );
}
