/** Runs `deno task infer` in this process; what it says comes back instead of being shown. */
import { infer } from "../../scripts/infer.ts";

export async function quietInfer(...args: string[]): Promise<{ code: number; text: string }> {
  const { error, log, warn } = console, lines: string[] = [];
  console.error = console.log = console.warn = (line: string) => lines.push(line);
  try {
    return { code: await infer(args), text: lines.join("\n") };
  } finally {
    Object.assign(console, { error, log, warn });
  }
}
