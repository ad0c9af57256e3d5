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
export type Decision = Schemas['Decision'];
export type Evidence = Schemas['Evidence'];
export type Estimate = Schemas['Estimate'];
export type Gate = Schemas['GateResult'];
export type Comparison = Schemas['Comparison'];
export type Fairness = Schemas['Fairness'];
export type Explanation = Schemas['Explanation'];
export type Importance = Schemas['Importance'];
export type Dependence = Schemas['Dependence'];
export type Reason = Schemas['Reason'];
export type Standing = Schemas['Standing'];
export type LineageStep = Schemas['LineageStep'];
export type Differences = Schemas['Differences'];
export type Difference = Schemas['Difference'];
export type Replay = Schemas['Replay'];
export type JobRow = Schemas['JobRow'];
export type JobForm = Schemas['JobForm'];
export type FormField = Schemas['FormField'];
export type Progress = Schemas['Progress'];
export type Executed = Schemas['Executed'];
export type Started = Schemas['Started'];
export type Silence = Schemas['Silence'];

export interface FieldProblem {
  message: string;
  fix: string;
}

/** A refusal of the server: what happened, and the fix; of a form, what is wrong with each field. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly fix: string,
    readonly fields: Record<string, FieldProblem> = {}
  ) {
    super(message);
  }

  static from(error: unknown): Refusal {
    if (error instanceof Refusal) {
      return error;
    }
    return error instanceof ServerConnection.NetworkError
      ? new Refusal('The Jupyter server does not answer.', 'look whether it still runs, then try again')
      : new Refusal(String((error as Error).message ?? error), '');
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
    throw new Refusal(error.message, error.fix, error.details?.fields ?? {});
  }
}

/** The path of a model, or of one of its versions. */
export function at(model: string, version?: number): string {
  const name = `models/${encodeURIComponent(model)}`;
  return version === undefined ? name : `${name}/versions/${version}`;
}
