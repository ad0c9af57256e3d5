/** What needs no browser: grouping, filtering, wording. */

export interface Named {
  name: string;
  model: string;
  segment?: string | null;
}

/** Registered models by the project's model they belong to, in the order they came; only those that match the words. */
export function grouped<M extends Named>(models: M[], words: string): [string, M[]][] {
  const wanted = words.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, M[]>();
  for (const model of models) {
    if (wanted.every(word => model.name.toLowerCase().includes(word))) {
      groups.set(model.model, [...(groups.get(model.model) ?? []), model]);
    }
  }
  return [...groups];
}

/** A number in at most four significant digits. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) {
    return '–';
  }
  return Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-4)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(4)));
}

/** The first metrics by name, as one line. */
export function metricsLine(metrics: Record<string, number> | undefined, most = 2): string {
  return Object.entries(metrics ?? {})
    .sort(([a], [b]) => a.localeCompare(b))
    .slice(0, most)
    .map(([name, value]) => `${name} ${figure(value)}`)
    .join(' · ');
}

/** A moment as people say it. */
export function ago(at: string, now: number): string {
  const minutes = Math.round((now - Date.parse(at)) / 60000);
  if (minutes < 1) {
    return 'just now';
  }
  if (minutes < 60) {
    return `${minutes} min ago`;
  }
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.round(hours / 24)} days ago`;
}

/** What a replay came to, in a sentence. */
export function replayed(answer: { reproduced: boolean; culprit: string | null; metrics: Record<string, unknown> }): string {
  const names = Object.keys(answer.metrics).join(', ');
  return answer.reproduced ? `Reproduced: ${names} came out the same.` : `Not reproduced: ${answer.culprit}`;
}

/** The two runs of a comparison, as a title. */
export function differing(found: { one: string; other: string }): string {
  return `${found.one.slice(0, 8)} and ${found.other.slice(0, 8)}`;
}
