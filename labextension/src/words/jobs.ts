/** What is said of jobs: how far, how long, how they ended. */

export interface Far {
  unit: 'cell' | 'job';
  done: number;
  of: number | null;
  left: number | null;
  running: { cell: number; line: string; name: string }[];
}

/** Seconds as people say them. */
export function lasting(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return `${whole} s`;
  }
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  }
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** How much is done, between 0 and 1; null where nobody knows of how much. */
export function share(far: Far | null | undefined): number | null {
  return far && far.of ? Math.min(1, far.done / far.of) : null;
}

/** `3 of 12 cells`. */
export function counted(far: Far | null | undefined): string {
  if (!far || far.of === null) {
    return 'starting';
  }
  return `${far.done} of ${far.of} ${far.unit}${far.of === 1 ? '' : 's'}`;
}

/** Time left, less what has passed since that was said; nothing is guessed where nothing is known. */
export function remaining(far: Far | null | undefined, secondsSince: number): string {
  if (!far || far.left === null) {
    return 'time left not known yet';
  }
  const left = far.left - secondsSince;
  return left > 1 ? `about ${lasting(left)} left` : 'longer than the last time';
}

/** What runs now, in a line. */
export function running(far: Far | null | undefined): string {
  const now = far?.running ?? [];
  if (now.length === 0) {
    return '';
  }
  if (far?.unit === 'job') {
    return `now ${now.map(cell => cell.name).join(', ')}`;
  }
  return `now cell ${now[0].cell + 1}: ${now[0].line}`;
}

const ENDS: Record<string, string> = {
  RUNNING: 'running',
  SCHEDULED: 'waiting',
  FINISHED: 'finished',
  FAILED: 'failed',
  KILLED: 'ended early'
};

export function ended(status: string): string {
  return ENDS[status] ?? status.toLowerCase();
}

/** A job's name beside its fleet's: what all of them share is left out. */
export function short(name: string, shared: string): string {
  const rest = name.startsWith(shared) ? name.slice(shared.length).replace(/^[ .]/, '') : name;
  return rest || name;
}

/** How many of a fleet's jobs finished, once it ended. */
export function finished(metrics: Record<string, number>): string {
  return metrics.jobs === undefined ? '' : `${metrics['jobs.finished'] ?? 0} of ${metrics.jobs} jobs finished`;
}
