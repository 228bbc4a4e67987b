/**
 * What a result was made from, by content: the one rule of all stores (patches, training, features,
 * batch inference) for whether something is up to date.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { exists, refuseSpecial, writeWhole } from "./files.ts";

/** A value that survives JSON unchanged. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What a result depends on. Two results of equal fingerprints are equal. */
export interface Fingerprint {
  /** The name of the step that makes the result, e.g. `"patches"`. */
  step: string;
  /** The step's own version: raised when the same inputs begin to give other results. */
  version: number;
  /** Every setting that decides the result. */
  settings: { [key: string]: Json };
  /** SHA-256 by the name of the input, e.g. `{ image: "9f86…", mask: "60303…" }`. */
  inputs: { [name: string]: string };
}

/**
 * The fingerprint of a result. Settings that are `undefined` are left out.
 *
 * @throws {TypeError} naming a setting that JSON cannot hold: a function, NaN, an infinite number
 * @example
 * ```ts
 * const now = fingerprint("patches", 1, { window: 512 }, { image: await digestFile("deno.json") });
 * console.log(changes(null, now)); // ["not made yet"]
 * ```
 */
export function fingerprint(
  step: string,
  version: number,
  settings: Readonly<Record<string, unknown>>,
  inputs: Readonly<Record<string, string>>,
): Fingerprint {
  return {
    step,
    version,
    settings: toJson(settings, `settings of ${step}`) as { [key: string]: Json },
    inputs: { ...inputs },
  };
}

/** What differs between two fingerprints, in the words of their names; empty when nothing does. */
export function changes(before: Fingerprint | null, now: Fingerprint): string[] {
  if (before === null) return ["not made yet"];
  if (before.step !== now.step || before.version !== now.version) {
    return [`made by version ${before.version} of ${before.step}`];
  }
  return [
    ...differingKeys(before.settings, now.settings),
    ...differingKeys(before.inputs, now.inputs),
  ];
}

/** The keys under which two objects hold different values, in any order of their own keys. */
export function differingKeys(
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((key) => canonical(a[key]) !== canonical(b[key]));
}

/**
 * SHA-256 (hexadecimal) of a plain value; the order of an object's keys plays no part.
 *
 * @throws {TypeError} naming what JSON cannot hold
 */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(canonical(toJson(value, "value"))).digest("hex");
}

/**
 * SHA-256 (hexadecimal) of a file's bytes, read in pieces.
 *
 * @throws {Error} naming the file when it cannot be read
 */
export async function digestFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    refuseSpecial(path, "it");
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch (cause) {
    throw new Error(`cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  return hash.digest("hex");
}

function toJson(value: unknown, name: string): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item, i) => toJson(item, `${name}[${i}]`));
  if (typeof value === "object") {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, toJson(item, `${name}.${key}`)]));
  }
  throw new TypeError(`${name} must be a plain value, got ${String(value)}`);
}

function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, item) =>
      item !== null && typeof item === "object" && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => a < b ? -1 : 1))
        : item,
  ) ?? "undefined";
}

/** What was known of a file when it was hashed. */
interface Known {
  size: number;
  /** Times of the last change of content and of state, in ms. */
  mtime: number;
  ctime: number;
  digest: string;
}

/** A file changed less than this before it was hashed may change again within a tick of its clock (1 s). */
const SETTLED_MS = 2000;

/**
 * Digests of files that are hashed once: as long as size and times of a file stay the same, its
 * digest is taken from a small index. Files changed within the last two seconds are never taken from
 * it, since their times could not tell a further change.
 */
export class FileDigests {
  private constructor(
    private readonly path: string | null,
    private readonly known: Map<string, Known>,
  ) {}

  /** The digests remembered in the file `path`; without one they are remembered while it lives. */
  static async open(path: string | null = null): Promise<FileDigests> {
    if (path === null || !await exists(path)) return new FileDigests(path, new Map());
    try {
      const { files } = JSON.parse(await Deno.readTextFile(path));
      return new FileDigests(path, new Map(Object.entries(files)));
    } catch {
      // A damaged index says nothing; hashing again is the answer.
      return new FileDigests(path, new Map());
    }
  }

  /**
   * The SHA-256 of the file at `path`.
   *
   * @throws {Error} naming the file when it cannot be read
   */
  async of(path: string): Promise<string> {
    const key = this.key(path), known = this.known.get(key);
    const before = await stat(path);
    if (known && sameState(known, before)) return known.digest;
    const hashed = Date.now(), digest = await digestFile(path);
    const settled = hashed - Math.max(before.mtime, before.ctime) >= SETTLED_MS;
    if (settled && sameState(before, await stat(path))) this.known.set(key, { ...before, digest });
    else this.known.delete(key);
    return digest;
  }

  /** {@link of} where there is a file, else null. */
  async ofExisting(path: string | null): Promise<string | null> {
    return path !== null && await exists(path) ? await this.of(path) : null;
  }

  /** Writes the index; files that are gone leave it. */
  async save(): Promise<void> {
    if (this.path === null) return;
    const folder = dirname(this.path), files: Record<string, Known> = {};
    for (const [key, known] of [...this.known].sort(([a], [b]) => a < b ? -1 : 1)) {
      if (await exists(resolve(folder, key))) files[key] = known;
    }
    await writeWhole(this.path, JSON.stringify({ files }) + "\n");
  }

  /** Paths are kept as seen from the index, so that a project that is moved keeps its digests. */
  private key(path: string): string {
    return this.path === null ? resolve(path) : relative(dirname(this.path), resolve(path));
  }
}

async function stat(path: string): Promise<Omit<Known, "digest">> {
  try {
    const { size, mtime, ctime } = await Deno.stat(path);
    return { size, mtime: mtime?.getTime() ?? NaN, ctime: ctime?.getTime() ?? 0 };
  } catch (cause) {
    throw new Error(`cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

function sameState(a: Omit<Known, "digest">, b: Omit<Known, "digest">): boolean {
  return a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime;
}
