/** Chooses the TensorFlow.js backend: the best one of this machine that passes the self-test. */
import * as tf from "@tensorflow/tfjs-core";
import "./gradients.ts";
import type { BackendCandidate } from "./candidate.ts";
import { releaseEarly } from "./early_release.ts";
import { selfTest } from "./self_test.ts";

/** What {@link selectBackend} chose, and why nothing better. */
export interface BackendReport {
  /** "tfjs-node-gpu" | "tfjs-node" | "webgpu" | "wasm" | "cpu". */
  name: string;
  /** The device in words. */
  device: string;
  /** All of it in one line, for a log. */
  line: string;
  /** The better backends that were passed over, best first. */
  refused: { name: string; reason: string }[];
}

let active: BackendReport | null = null;

/** What {@link selectBackend} activated last in this process; null before. */
export function activeBackend(): BackendReport | null {
  return active;
}

/** Best first: the module that holds each and the name that it exports it under. */
const CANDIDATES: Record<string, [module: string, name: string]> = {
  "tfjs-node-gpu": ["./native.ts", "nativeGpu"],
  "tfjs-node": ["./native.ts", "nativeCpu"],
  "webgpu": ["./webgpu.ts", "webgpu"],
  "wasm": ["./wasm.ts", "wasm"],
  "cpu": ["./cpu.ts", "cpu"],
};

/** The backends that can be asked for, best first. */
export const BACKENDS: readonly string[] = Object.keys(CANDIDATES);

/**
 * Activates the best backend that loads here and passes {@link selfTest}, or the one asked for.
 *
 * @param preference a name of {@link BACKENDS}: that one or an error; default: the environment
 *   variable `CRYPTS_BACKEND`, else the best
 * @throws {RangeError} when the preference is no such name
 * @throws {Error} when the preferred backend cannot be used, naming the reason
 */
export async function selectBackend(preference?: string): Promise<BackendReport> {
  const wanted = preference ?? Deno.env.get("CRYPTS_BACKEND") ?? "";
  if (wanted && !Object.hasOwn(CANDIDATES, wanted)) {
    throw new RangeError(
      `backend "${wanted}" (CRYPTS_BACKEND or argument) is not one of ${BACKENDS.join(", ")}`,
    );
  }
  const refused: BackendReport["refused"] = [];
  for (const name of wanted ? [wanted] : BACKENDS) {
    try {
      const candidate = await load(...CANDIDATES[name]);
      const device = await candidate.activate();
      await tf.ready();
      releaseEarly(tf.getBackend());
      await selfTest();
      active = { name, device, line: describe(name, device, refused), refused };
      return active;
    } catch (error) {
      refused.push({ name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  const reasons = refused.map((r) => `${r.name}: ${r.reason}`).join("; ");
  throw new Error(`no usable backend (${reasons})`);
}

/** The report as rows of a table: every backend, best first, and what became of it. */
export function backendRows(
  report: BackendReport,
): { backend: string; state: string; "device or reason": string }[] {
  return BACKENDS.map((backend) => {
    const refused = report.refused.find(({ name }) => name === backend);
    const chosen = backend === report.name;
    const state = chosen ? "chosen" : refused ? "cannot be used" : "not tried";
    const words = chosen ? report.device : refused ? refused.reason.split("\n")[0] : "–";
    return { backend, state, "device or reason": words };
  });
}

/** On demand, since a backend's packages need not be installed. */
async function load(module: string, name: string): Promise<BackendCandidate> {
  const exports = await import(new URL(module, import.meta.url).href);
  return exports[name];
}

function describe(name: string, device: string, refused: BackendReport["refused"]): string {
  const why = refused.map((r) => `${r.name}: ${r.reason.split("\n")[0]}`);
  return `${name} on ${device}` + (why.length ? ` (not ${why.join("; not ")})` : "");
}
