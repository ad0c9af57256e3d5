/** What people say to each other about a version; `@name` mentions somebody. */
import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';
import { at, Standing } from '../api';
import { useAct } from '../hooks';
import { useHere } from '../panel';
import { SaidLine } from '../parts/basics';
import { mentioned } from '../words/mentions';
import { ago } from '../words/words';

export function Comments({ found }: { found: Standing }): JSX.Element {
  const { api, live } = useHere();
  const [text, set] = React.useState('');
  const act = useAct();
  const id = React.useId();
  const send = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    const done = await act.run(async () => {
      await api.post(`${at(found.model)}/say`, { version: found.version, decision: 'comment', reason: text });
      live.all();
    });
    if (done) {
      set('');
    }
  };
  return (
    <>
      <h2>Comments{found.comments.length > 0 && ` · ${found.comments.length}`}</h2>
      {found.comments.map((comment, n) => (
        <div key={n} className="jp-Mlops-comment">
          <div className="jp-Mlops-quiet"><b>{comment.by}</b>, {ago(comment.at, Date.now())}</div>
          <div>{mentioned(comment.text, comment.mentions).map(([part, isName], i) => (isName ? <mark key={i}>{part}</mark> : part))}</div>
        </div>
      ))}
      <form className="jp-Mlops-say" onSubmit={event => void send(event)}>
        <label htmlFor={id} className="jp-Mlops-quiet">Say something; @name mentions somebody. It is entered in the ledger for good.</label>
        <textarea id={id} className="jp-mod-styled" rows={3} value={text} onChange={event => set(event.target.value)} />
        <div className="jp-Mlops-actions"><Button className="jp-mod-styled jp-mod-reject" type="submit" disabled={act.busy || text.trim() === ''}>Comment</Button></div>
      </form>
      <SaidLine act={act} />
    </>
  );
}
