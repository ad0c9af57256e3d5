/** Evidence as sentences and as places on a line. */
import { figure } from './words';

export interface Between {
  value: number;
  low: number;
  high: number;
}

/** `0.41 (0.39 to 0.44)`. */
export function interval(e: Between): string {
  return `${figure(e.value)} (${figure(e.low)} to ${figure(e.high)})`;
}

/** The span that all of these fit in, a little wider; never empty. */
export function spanOf(items: Between[], include: number[] = []): [number, number] {
  const ends = [...items.flatMap(i => [i.low, i.high, i.value]), ...include].filter(Number.isFinite);
  const low = Math.min(...ends);
  const high = Math.max(...ends);
  if (ends.length === 0 || low === high) {
    return ends.length === 0 ? [0, 1] : [low - 1, high + 1];
  }
  const room = (high - low) * 0.06;
  return [low - room, high + room];
}

/** Where a value is on that span, in percent. */
export function place(value: number, [low, high]: [number, number]): number {
  return Math.max(0, Math.min(100, ((value - low) / (high - low)) * 100));
}

const ORDER = ['fail', 'inconclusive', 'not run', 'pass'];

/** The gates, the ones that say no first. */
export function byWeight<G extends { verdict: string }>(gates: G[]): G[] {
  return [...gates].sort((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict));
}

/** `2 pass, 1 inconclusive`, the ones that say no first. */
export function tally(gates: { verdict: string }[]): string {
  return ORDER.map(verdict => [verdict, gates.filter(g => g.verdict === verdict).length] as const)
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => `${count} ${verdict}`)
    .join(', ');
}

/** Who is still wanted: `1 validator and 2 risk-officers`. */
export function wanted(missing: Record<string, number>): string {
  const parts = Object.entries(missing).map(([role, count]) => `${count} ${role}${count > 1 ? 's' : ''}`);
  return parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}` : parts[0] ?? '';
}

/** What a state of approval means, in a sentence. */
export function standing(state: string): string {
  return STANDINGS[state] ?? state;
}

const STANDINGS: Record<string, string> = {
  declared: 'A policy of mlops.yaml will ask for approval; it is in force with the next decision.',
  'not needed': 'No policy asks for approval of this version.',
  'not asked': 'Approval is needed, and nobody has been asked yet.',
  pending: 'Waiting for people.',
  approved: 'Approved by everyone who must.',
  rejected: 'Rejected. One standing rejection outweighs every approval.',
  stale: 'An approval no longer counts, because what was approved has changed since.',
  expired: 'An approval is too old to count.',
  withdrawn: 'An approval was taken back.',
  unknown: 'The tracking server keeps this; it cannot be seen from here.'
};
