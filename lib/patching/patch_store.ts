/** The patches of a data set on disk: by image, which are done, and the removal of those that are not. */
import { join } from "node:path";
import {
  clearDone,
  exists,
  FileDigests,
  type Fingerprint,
  fingerprint,
  readDone,
  sweepTemporary,
  whyNotDone,
  writeDone,
} from "../base/mod.ts";
import { type ImageRecord, recordInputs } from "../dataset/mod.ts";
import { parentImage, patchName } from "./patch_names.ts";

/** Raise it when the same images and settings begin to give other patches. */
const VERSION = 1;

/** The folders of patch files below a store's folder. */
const FOLDERS = ["patches", "masks"] as const;

/** What became of one window. */
export interface PatchSummary {
  /** Id of the image. */
  image: string;
  /** Number of the window within its image, row-major, kept or not. */
  index: number;
  /** Top-left pixel as in `PatchExtractor.positions`. */
  row: number;
  column: number;
  /** The class of the patch: whether it holds any crypt. */
  crypt: boolean;
  kept: boolean;
  /** Why it was kept (`"crypt"`, `"tissue"`) or dropped (`"dark"`, `"bright"`). */
  reason: "crypt" | "tissue" | "dark" | "bright";
  /** Share of dark pixels. */
  dark: number;
  /** Share of bright pixels. */
  bright: number;
}

/** One image's patches, as {@link PatchStore.look} finds them. */
export interface StoredPatches {
  /** What they must have been made from. */
  wanted: Fingerprint;
  /** What became of the image's windows; null when they must be cut. */
  windows: PatchSummary[] | null;
  /** Why they must be cut again; null when there were none, or they are right. */
  changed: string | null;
}

/**
 * `patches/` and `masks/` with a state for each image in `state/<image>.json`: what its patches were
 * cut from, the digests of their files, and what became of each window. One run at a time may write
 * (see `lockFolder`).
 */
export class PatchStore {
  private constructor(
    private readonly folder: string,
    private readonly settings: Readonly<Record<string, unknown>>,
    private readonly digests: FileDigests,
  ) {}

  /** @param settings everything that decides the patches of an image */
  static async open(
    folder: string,
    settings: Readonly<Record<string, unknown>>,
  ): Promise<PatchStore> {
    const digests = await FileDigests.open(join(folder, "state", ".digests.json"));
    return new PatchStore(folder, settings, digests);
  }

  /**
   * Whether the patches of an image are those that would be cut now.
   *
   * @param own settings that follow from the image itself
   */
  async look(
    record: ImageRecord,
    own: Readonly<Record<string, unknown>> = {},
  ): Promise<StoredPatches> {
    const inputs = await recordInputs(record, this.digests);
    const wanted = fingerprint("patches", VERSION, { ...this.settings, ...own }, inputs);
    const path = this.statePath(record.id), state = await readDone<PatchSummary[]>(path);
    const why = await whyNotDone(path, state, wanted, this.digests);
    if (why === null) return { wanted, windows: state!.note, changed: null };
    return { wanted, windows: null, changed: state && why };
  }

  /** Removes the patches of an image, its state first. */
  async remove(image: string): Promise<void> {
    await clearDone(this.statePath(image));
    for (const folder of FOLDERS) {
      for (const name of await this.list(folder)) {
        if (isOf(name, image)) await Deno.remove(join(this.folder, folder, name));
      }
    }
  }

  /** Says that the patches of an image are cut: those of `windows` that are kept. */
  async finish(
    image: string,
    wanted: Fingerprint,
    windows: readonly PatchSummary[],
  ): Promise<void> {
    const kept = windows.filter((window) => window.kept);
    const files = FOLDERS.flatMap((folder) => kept.map((w) => this.path(folder, image, w.index)));
    await writeDone(this.statePath(image), wanted, files, this.digests, windows);
  }

  /** The images that have a state. */
  async images(): Promise<string[]> {
    const names = await this.list("state");
    return names.filter((name) => /^[^.].*\.json$/.test(name)).map((name) => name.slice(0, -5));
  }

  /** Removes what a run that died has left half-written. */
  async sweep(): Promise<void> {
    for (const folder of ["state", ...FOLDERS]) await sweepTemporary(join(this.folder, folder));
  }

  /** Remembers the digests for the next run. */
  async close(): Promise<void> {
    await this.digests.save();
  }

  path(folder: typeof FOLDERS[number], image: string, index: number): string {
    return join(this.folder, folder, patchName(image, index));
  }

  private statePath(image: string): string {
    return join(this.folder, "state", `${image}.json`);
  }

  private async list(folder: string): Promise<string[]> {
    const path = join(this.folder, folder);
    if (!await exists(path)) return [];
    return [...Deno.readDirSync(path)].filter((entry) => entry.isFile).map((entry) => entry.name);
  }
}

function isOf(name: string, image: string): boolean {
  return name.startsWith(image) && /\d\.tiff$/.test(name) && parentImage(name) === image;
}
