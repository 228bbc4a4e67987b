/** Where a batch keeps what it knows of an image. */
import { join } from "node:path";

/** Where the state of an image lies. */
export function statePath(outDir: string, id: string): string {
  return join(outDir, "state", `${id}.json`);
}

/**
 * The file that is there while an image is worked on: between two states its files are known by it as
 * a batch's own, also after a kill. Ids begin with no dot.
 */
export function begunPath(outDir: string, id: string): string {
  return join(outDir, "state", `.begun-${id}.json`);
}
