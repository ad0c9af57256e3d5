/** How parts get what they show, and do what a person asked. */
import * as React from 'react';
import { Refusal } from './api';
import { What } from './live';
import { useHere } from './panel';

export interface Answer<T> {
  data?: T;
  problem?: Refusal;
  loading: boolean;
  again(): void;
}

/**
 * What the server answers at `path`, asked again when it says that one of `on` changed. What was there stays until the new
 * answer is; two changes during one question make one more question; a panel that nobody sees asks when it is seen.
 */
export function useAnswer<T>(path: string | null, on: What[] = ['ledger']): Answer<T> {
  const { api, live, panel } = useHere();
  const [state, set] = React.useState<{ path: string | null; data?: T; problem?: Refusal }>({ path });
  const asking = React.useRef({ now: false, more: false, path, gone: false });
  asking.current.path = path;

  const ask = React.useCallback(async (): Promise<void> => {
    const mine = asking.current;
    if (mine.path === null || !panel.isVisible || mine.now) {
      mine.more = true;
      return;
    }
    mine.now = true;
    do {
      mine.more = false;
      const asked: string = mine.path;
      try {
        const data = await api.get<T>(asked);
        if (!mine.gone && asked === mine.path) {
          set({ path: asked, data });
        }
      } catch (error) {
        if (!mine.gone && asked === mine.path) {
          set({ path: asked, problem: Refusal.from(error) });
        }
      }
    } while (!mine.gone && (mine.more || false));
    mine.now = false;
  }, [api, panel]);

  React.useEffect(() => {
    const mine = asking.current;
    mine.gone = false;
    const changed = (_: unknown, what: What): void => {
      if (on.includes(what)) {
        void ask();
      }
    };
    const shown = (): void => void ask();
    live.changed.connect(changed);
    panel.shown.connect(shown);
    void ask();
    return () => {
      mine.gone = true;
      live.changed.disconnect(changed);
      panel.shown.disconnect(shown);
    };
  }, [path, ask]);

  const known = state.path === path;
  return {
    data: known ? state.data : undefined,
    problem: known ? state.problem : undefined,
    loading: !known || (state.data === undefined && state.problem === undefined),
    again: () => void ask()
  };
}

export interface Said {
  ok: boolean;
  message: string;
  fix?: string;
}

export interface Act {
  busy: boolean;
  said?: Said;
  /** Do it once; what comes of it is `said`, a refusal with its fix. Gives whether it was done. */
  run(work: () => Promise<string | void>): Promise<boolean>;
  clear(): void;
}

export function useAct(): Act {
  const [busy, setBusy] = React.useState(false);
  const [said, setSaid] = React.useState<Said | undefined>();
  const under = React.useRef(false);
  const run = async (work: () => Promise<string | void>): Promise<boolean> => {
    if (under.current) {
      return false;
    }
    under.current = true;
    setBusy(true);
    setSaid(undefined);
    try {
      const message = await work();
      setSaid(message ? { ok: true, message } : undefined);
      return true;
    } catch (error) {
      const refusal = Refusal.from(error);
      setSaid({ ok: false, message: refusal.message, fix: refusal.fix });
      return false;
    } finally {
      under.current = false;
      setBusy(false);
    }
  };
  return { busy, said, run, clear: () => setSaid(undefined) };
}

/** The time, once a second while `running`: for clocks, which ask nobody. */
export function useNow(running: boolean): number {
  const [now, set] = React.useState(() => Date.now());
  React.useEffect(() => {
    if (!running) {
      return;
    }
    const timer = window.setInterval(() => set(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [running]);
  return running ? Math.max(now, Date.now() - 1000) : now;
}
