/** The folder of downloaded weights, which the projects of a user share. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The environment variable that moves the folder. */
export const FOLDER_VARIABLE = "CRYPTS_WEIGHTS";

/** `CRYPTS_WEIGHTS`, else `crypts/weights` in the user's cache folder. */
export function weightsFolder(): string {
  const chosen = Deno.env.get(FOLDER_VARIABLE);
  return chosen ? resolve(chosen) : join(userCache(), "crypts", "weights");
}

function userCache(): string {
  if (Deno.build.os === "darwin") return join(homedir(), "Library", "Caches");
  if (Deno.build.os === "windows") {
    return Deno.env.get("LOCALAPPDATA") ?? join(homedir(), "AppData", "Local");
  }
  return Deno.env.get("XDG_CACHE_HOME") || join(homedir(), ".cache");
}
