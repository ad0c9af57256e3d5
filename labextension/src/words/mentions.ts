/** A comment in parts: which of them are the names it mentions. */
export function mentioned(text: string, names: string[]): [string, boolean][] {
  const parts: [string, boolean][] = [];
  let rest = 0;
  for (const found of text.matchAll(/@([A-Za-z0-9][A-Za-z0-9._+@-]*)/g)) {
    const name = [...names].sort((a, b) => b.length - a.length).find(n => found[1].startsWith(n));
    if (name === undefined || found.index < rest) {
      continue;
    }
    parts.push([text.slice(rest, found.index), false], [`@${name}`, true]);
    rest = found.index + name.length + 1;
  }
  return [...parts, [text.slice(rest), false] as [string, boolean]].filter(([part]) => part !== '');
}
