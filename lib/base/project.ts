/** Where the project lies on this machine. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder, two levels above this one. */
export const PROJECT_ROOT: string = resolve(fileURLToPath(new URL("../..", import.meta.url)));
