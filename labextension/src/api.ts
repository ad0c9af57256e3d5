/** The REST API, typed by what the server says of itself. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { components } from './types';

type Schemas = components['schemas'];
export type Status = Schemas['Status'];
export type Model = Schemas['RegisteredModel'];
export type Version = Schemas['ModelVersion'];
export type Run = Schemas['Run'];
export type Alert = Schemas['Alert'];
export type Entry = Schemas['LedgerEntry'];

export interface Difference {
  what: string;
  one: string | number | null;
  other: string | number | null;
}

export interface Differences {
  one: string;
  other: string;
  code: Difference[];
  data: Difference[];
  environment: Difference[];
  parameters: Difference[];
  metrics: Difference[];
}

export interface Replay {
  run_id: string;
  reproduced: boolean;
  metrics: Record<string, { recorded: number | null; replayed: number | null }>;
  culprit: string | null;
}

/** A refusal of the server: what happened, and the fix. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly fix: string
  ) {
    super(message);
  }
}

export class Api {
  constructor(private settings: ServerConnection.ISettings) {}

  async get<T>(path: string): Promise<T> {
    return this.ask<T>(path, { method: 'GET' });
  }

  async post<T>(path: string, body: object = {}): Promise<T> {
    return this.ask<T>(path, { method: 'POST', body: JSON.stringify(body) });
  }

  private async ask<T>(path: string, init: RequestInit): Promise<T> {
    const url = URLExt.join(this.settings.baseUrl, 'jupyter-mlops', path);
    const response = await ServerConnection.makeRequest(url, init, this.settings);
    const answer = await response.json().catch(() => null);
    if (answer?.ok) {
      return answer.data as T;
    }
    const error = answer?.error ?? { message: `the server answered ${response.status}`, fix: 'look at its log' };
    throw new Refusal(error.message, error.fix);
  }
}
