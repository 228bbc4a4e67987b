/** Text of a file in a sentence for a terminal. */

/** `text` without control characters, which could steer the terminal, and no longer than a line. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  const shown = text.replace(/[\x00-\x1f\x7f-\x9f]/g, "?");
  return shown.length > 120 ? `${shown.slice(0, 120)}…` : shown;
}
