/** A small disk in memory, which can be filled. */
import { join } from "node:path";
import { must } from "./slurm.ts";

export class SmallDisk {
  private constructor(readonly folder: string) {}

  /** Mounts a disk of so many MB at a new folder. */
  static async mount(folder: string, megabytes: number): Promise<SmallDisk> {
    await Deno.mkdir(folder, { recursive: true });
    await must("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder]);
    return new SmallDisk(folder);
  }

  private get filler(): string {
    return join(this.folder, "filler");
  }

  /** Fills it to the last page. */
  async fill(): Promise<void> {
    const file = await Deno.open(this.filler, { write: true, create: true });
    for (const bytes of [1 << 20, 1 << 12]) {
      try {
        while (await file.write(new Uint8Array(bytes)) > 0);
      } catch (error) {
        if (!/space|ENOSPC/i.test((error as Error).message)) throw error;
      }
    }
    file.close();
  }

  async clear(): Promise<void> {
    await Deno.remove(this.filler);
  }

  async unmount(): Promise<void> {
    await must("umount", ["-l", this.folder]);
  }
}
