/** Options of commands in tests. */

/** Options that may be given more than once. */
const REPEATABLE = ["--set", "--models"];

/** The options of `base` and `more`; of an option that `more` gives anew, `base`'s is left out. */
export function withOptions(base: readonly string[], more: readonly string[]): string[] {
  const named = (text: string) => /^--[^=]+/.exec(text)?.[0] ?? "";
  const anew = new Set(more.map(named).filter((name) => name && !REPEATABLE.includes(name)));
  const kept: string[] = [];
  for (let i = 0; i < base.length; i++) {
    if (!anew.has(named(base[i]))) kept.push(base[i]);
    else if (!base[i].includes("=") && base[i + 1] && !base[i + 1].startsWith("--")) i++;
  }
  return [...kept, ...more];
}
