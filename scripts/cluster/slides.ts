/** Small drawn slides for the test of the workflows, one of which cannot be read. */
import { join } from "node:path";
import { writeRgb } from "crypts/image";
import { drawTeaching } from "crypts/synthetic";

/** The slide that cannot be read. */
export const BAD_SLIDE = "slide07";

/**
 * Draws `slide00.tiff` … with sides of 256 to 400 px; {@link BAD_SLIDE} is noise named `.tiff`.
 *
 * @returns the ids of the good ones
 */
export async function drawSlides(folder: string, count: number): Promise<string[]> {
  await Deno.mkdir(folder, { recursive: true });
  const good: string[] = [];
  for (let i = 0; i < count; i++) {
    const id = `slide${String(i).padStart(2, "0")}`, path = join(folder, `${id}.tiff`);
    if (id === BAD_SLIDE) {
      await Deno.writeFile(path, crypto.getRandomValues(new Uint8Array(20_000)));
      continue;
    }
    const { image } = drawTeaching(18, i, { side: 256 + (i % 4) * 48, pixelSize: 1 });
    await writeRgb(path, image);
    good.push(id);
  }
  return good;
}
