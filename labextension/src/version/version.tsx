/** One version of a model: on what it was judged, who agreed, what it comes from; and the decisions about it. */
import * as React from 'react';
import { at, Evidence, Refusal, Standing, Version } from '../api';
import { useAnswer } from '../hooks';
import { useHere } from '../panel';
import { Chip, Link, Loaded, Problem } from '../parts/basics';
import { Tabs } from '../parts/tabs';
import { ago, metricsLine } from '../words/words';
import { Approval } from './approval';
import { Champion } from './champion';
import { Decide } from './decide';
import { EvidenceView } from './evidence';
import { Lineage } from './lineage';

export function versionPanel(model: string, version: number, tab?: string): () => JSX.Element {
  return () => <VersionPanel model={model} version={version} tab={tab} />;
}

function VersionPanel({ model, version, tab }: { model: string; version: number; tab?: string }): JSX.Element {
  const versions = useAnswer<Version[]>(`${at(model)}/versions`);
  return (
    <div className="jp-Mlops-page">
      <Loaded answer={versions} loading="Reading the version…">
        {all => {
          const found = all.find(v => v.version === version);
          const have = `there are ${all.map(v => v.version).join(', ')}`;
          return found ? <Page found={found} all={all} tab={tab} /> : <Problem problem={new Refusal(`${model} has no version ${version}.`, have)} />;
        }}
      </Loaded>
    </div>
  );
}

function Page({ found, all, tab }: { found: Version; all: Version[]; tab?: string }): JSX.Element {
  const { model, version } = found;
  const evidence = useAnswer<Evidence | null>(`${at(model, version)}/evidence`);
  const standing = useAnswer<Standing>(`${at(model)}/approvals?version=${version}`);
  const state = standing.data?.state;
  return (
    <>
      <Head found={found} all={all} />
      <Decide found={found} all={all} evidence={evidence.data} standing={standing.data} />
      <Tabs label={`About version ${version}`} first={tab} tabs={[
        { name: 'evidence', label: 'Evidence', content: () => <EvidenceView answer={evidence} /> },
        { name: 'champion', label: 'Against the champion', content: () => <Champion found={found} evidence={evidence.data ?? null} /> },
        { name: 'approval', label: state && state !== 'not needed' ? `Approval: ${state}` : 'Approval', content: () => <Approval answer={standing} /> },
        { name: 'lineage', label: 'Lineage', content: () => <Lineage model={found.model} version={found.version} /> }
      ]} />
    </>
  );
}

function Head({ found, all }: { found: Version; all: Version[] }): JSX.Element {
  const { commands } = useHere();
  const verdict = found.tags['mlops.verdict'];
  const others = all.filter(v => v.version !== found.version).slice(0, 8);
  return (
    <>
      <h1>{found.model} <span className="jp-Mlops-light">version {found.version}</span> {found.aliases.map(a => <Chip key={a} state={a} />)} {verdict && <Chip state={verdict}>gates: {verdict}</Chip>}</h1>
      <p className="jp-Mlops-quiet">
        Registered {ago(found.created, Date.now())}
        {found.run_id && <> from <Link onClick={() => void commands.execute('mlops:open-run', { run: found.run_id })}>its run</Link></>}
        {metricsLine(found.metrics, 3) && ` · in training ${metricsLine(found.metrics, 3)}`}
        {others.length > 0 && <> · other versions: {others.map((v, n) => (
          <React.Fragment key={v.version}>{n > 0 && ', '}<Link label={`Open version ${v.version}`} onClick={() => void commands.execute('mlops:open-version', { model: v.model, version: v.version })}>{v.version}</Link></React.Fragment>
        ))}</>}
      </p>
    </>
  );
}
