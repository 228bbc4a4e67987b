/**
 * ONNX forms of weight files, kept beside them: `.onnx/<weights>.<output>.<key>-<checksum>.onnx`. The key is
 * of the weights' content and the exporter's version, the checksum of the form itself, so that neither new
 * weights under an old name nor a damaged form is ever run.
 */
import { basename, dirname, join } from "node:path";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { writeWhole } from "../../base/mod.ts";

/**
 * To be raised whenever the exporter writes other bytes for the same weights; the test of the pinned digest
 * in `tests/model/onnx_form_cache_test.ts` says when.
 */
export const EXPORTER_VERSION = 3;

/** The folder of the forms, beside the weights. */
const FOLDER = ".onnx";

/** Where the form of a weight file is kept. */
export class FormCache {
  private readonly folder: string;
  private readonly prefix: string;
  private readonly key: string;

  /**
   * @param path the weight file
   * @param digest of its content
   * @param variant what else decides the form: the output, a prefix
   */
  constructor(path: string, digest: string, variant: readonly string[]) {
    this.folder = join(dirname(path), FOLDER);
    this.prefix = `${basename(path)}.${variant[0]}.`;
    this.key = createHash("sha256").update(JSON.stringify([EXPORTER_VERSION, digest, ...variant]))
      .digest("hex").slice(0, 16);
  }

  /** The form, or null where there is none that is whole. */
  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    for (const name of await this.names()) {
      const checksum = new RegExp(`^${this.key}-([0-9a-f]{8})\\.onnx$`).exec(
        name.slice(this.prefix.length),
      )?.[1];
      if (checksum === undefined) continue;
      const bytes = await Deno.readFile(join(this.folder, name)).catch(() => null);
      if (bytes && hex(crc32(bytes)) === checksum) return bytes;
    }
    return null;
  }

  /**
   * Keeps a form, and removes those of other weights or versions under the same name.
   *
   * @returns the path, or null where the folder cannot be written: the form is then not kept
   */
  async write(bytes: Uint8Array): Promise<string | null> {
    const name = `${this.prefix}${this.key}-${hex(crc32(bytes))}.onnx`;
    try {
      await writeWhole(join(this.folder, name), bytes);
    } catch {
      return null;
    }
    for (const other of await this.names()) {
      if (other !== name) await Deno.remove(join(this.folder, other)).catch(() => {});
    }
    return join(this.folder, name);
  }

  /** Names of forms of this weight file and output. */
  private async names(): Promise<string[]> {
    const names: string[] = [];
    try {
      for await (const { name } of Deno.readDir(this.folder)) {
        if (name.startsWith(this.prefix) && /^[0-9a-f]{16}-/.test(name.slice(this.prefix.length))) {
          names.push(name);
        }
      }
    } catch {
      // No folder, or none that can be read: no forms.
    }
    return names.sort();
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
