/** What a user should know although the work goes on: one way for all, once per text. */

const told = new Set<string>();
const listeners = new Set<(text: string) => void>();

/**
 * Tells the user something that was understood but is unusual, by `console.warn` (commands: on the
 * terminal; notebooks: below the cell). The same text is told once per process.
 *
 * @param text one sentence that names the file
 * @example
 * notice("mask a.tiff covers 98.20 % of its image: is crypt what is 0 there?");
 */
export function notice(text: string): void {
  for (const listener of listeners) listener(text);
  if (told.has(text) || listeners.size > 0) return;
  told.add(text);
  console.warn(text);
}

/**
 * Runs `work` and gives the notices of that time instead of telling them, each text once.
 *
 * @example
 * const { result, notices } = await collectNotices(() => openDataset("../my_data"));
 */
export async function collectNotices<T>(
  work: () => T | Promise<T>,
): Promise<{ result: T; notices: string[] }> {
  const notices = new Set<string>(), listener = (text: string) => void notices.add(text);
  listeners.add(listener);
  try {
    return { result: await work(), notices: [...notices] };
  } finally {
    listeners.delete(listener);
  }
}
