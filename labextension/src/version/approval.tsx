/** Where a version stands with the people who must agree, and one's own word on it. */
import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';
import { at, Standing } from '../api';
import { Answer, useAct } from '../hooks';
import { useHere } from '../panel';
import { Chip, Loaded, SaidLine, Table } from '../parts/basics';
import { askWhy } from '../parts/dialogs';
import { standing as sentence, wanted } from '../words/evidence';
import { ago } from '../words/words';
import { Comments } from './comments';

const SAID: Record<string, string> = {
  approve: 'Your approval is entered.', reject: 'Your rejection is entered.', withdraw: 'Your word is taken back.',
  request: 'They are asked.', review: 'Your review is entered.'
};

export function Approval({ answer }: { answer: Answer<Standing> }): JSX.Element {
  return <Loaded answer={answer} loading="Reading where it stands…">{found => <Stands found={found} />}</Loaded>;
}

function Stands({ found }: { found: Standing }): JSX.Element {
  const { api, live } = useHere();
  const act = useAct();
  const say = async (decision: string, title: string, about: string, accept: string): Promise<void> => {
    const reason = await askWhy(title, about, accept);
    if (reason) {
      await act.run(async () => {
        await api.post(`${at(found.model)}/say`, { version: found.version, decision, reason });
        live.all();
        return SAID[decision];
      });
    }
  };
  const button = (decision: string, label: string, title: string, about: string): JSX.Element => (
    <Button className={`jp-mod-styled ${decision === 'approve' ? 'jp-mod-accept' : 'jp-mod-reject'}`} disabled={act.busy} onClick={() => void say(decision, title, about, label)}>{label}…</Button>
  );
  const governed = found.policies.length > 0;
  const bound = 'Your word is bound to this version’s files, its evidence and the policy as they are now.';
  return (
    <>
      <p className="jp-Mlops-lead"><Chip state={found.state} /> {sentence(found.state)}</p>
      {found.frozen.map(freeze => (
        <div key={`${freeze.policy} ${freeze.until}`} className="jp-Mlops-box" role="note">
          Policy <b>{freeze.policy}</b> holds {freeze.aliases.join(', ')} where it is until {new Date(freeze.until).toLocaleString()}{freeze.why && `: ${freeze.why}`}. Nothing is promoted until then, whoever agrees.
        </div>
      ))}
      {found.unreviewed.map(glass => (
        <div key={glass.entry} className="jp-Mlops-box is-bad" role="alert">
          <div><b>{glass.by}</b> broke the glass (entry {glass.entry}): {glass.reason}. Why it could not wait: {glass.why_now}.</div>
          <div className="jp-Mlops-actions">{button('review', 'Review it', 'Review the broken glass', 'You say that you have looked at what was done past the policy, and what you found. Who broke it cannot review it.')}</div>
        </div>
      ))}
      {found.policies.map(policy => <Policy key={policy.policy} policy={policy} />)}
      {governed && (
        <>
          <div className="jp-Mlops-actions">
            {button('approve', 'Approve', `Approve version ${found.version}?`, bound)}
            {button('reject', 'Reject', `Reject version ${found.version}?`, `${bound} A standing rejection outweighs every approval.`)}
            {button('request', 'Ask for approval', 'Ask for approval', 'Those who may give it see it under what needs a person. Say what they should know.')}
            {button('withdraw', 'Withdraw my word', 'Withdraw your word', 'Your approval or rejection no longer counts from then on.')}
          </div>
          {found.me && <p className="jp-Mlops-quiet">You are <b>{found.me}</b> here.</p>}
        </>
      )}
      <SaidLine act={act} />
      <Comments found={found} />
    </>
  );
}

function Policy({ policy }: { policy: Standing['policies'][number] }): JSX.Element {
  const missing = wanted(policy.missing);
  return (
    <>
      <h2>Policy {policy.policy} <Chip state={policy.state} /></h2>
      <p>{missing ? `Wants ${missing} more.` : 'Nobody is missing.'} <span className="jp-Mlops-quiet">In force as {policy.digest.slice(0, 12)}.</span></p>
      {policy.votes.length === 0 ? <p className="jp-Mlops-quiet">Nobody has said anything yet.</p> : (
        <Table caption={`Words on it under ${policy.policy}`} head={['Who', 'Word', 'Does it count', 'Reason', 'When']}
          rows={policy.votes.map(vote => [
            `${vote.by}${vote.roles.length ? ` (${vote.roles.join(', ')})` : ''}`,
            vote.approve ? 'approves' : 'rejects',
            <><Chip state={vote.state} />{vote.why && <div className="jp-Mlops-quiet">{vote.why}</div>}</>,
            vote.reason,
            ago(vote.at, Date.now())
          ])} />
      )}
    </>
  );
}
