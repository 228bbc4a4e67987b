/** Figures on disk. */
import sharp from "sharp";
import { writeWhole, writeWith } from "../../base/mod.ts";

/**
 * A figure as PNG, for pages that show no SVG (a notebook that is not trusted, GitHub).
 *
 * @param scale pixels for each unit of the SVG; default 1.5
 * @throws {Error} when the SVG cannot be rendered
 */
export async function figurePng(svg: string, scale = 1.5): Promise<Uint8Array> {
  return await sharp(new TextEncoder().encode(svg), { density: 72 * scale })
    .flatten({ background: "#fff" }).png({ compressionLevel: 9, palette: true }).toBuffer();
}

/**
 * Writes a figure as `<stem>.svg` and `<stem>.jpg`, each whole or not at all.
 *
 * @param scale pixels of the JPEG for each unit of the SVG; default 2
 * @throws {Error} naming the file that cannot be rendered or written
 */
export async function writeFigure(stem: string, svg: string, scale = 2): Promise<void> {
  await writeWhole(`${stem}.svg`, svg);
  await writeWith(
    `${stem}.jpg`,
    (path) =>
      sharp(new TextEncoder().encode(svg), { density: 72 * scale }).flatten({ background: "#fff" })
        .jpeg({ quality: 92, chromaSubsampling: "4:4:4" }).toFile(path),
  );
}

/**
 * A figure as JPEG, for pages that show neither its HTML nor its SVG.
 *
 * @param scale pixels for each unit of the SVG; default 1.5
 * @throws {Error} when the SVG cannot be rendered
 */
export async function figureJpeg(svg: string, scale = 1.5): Promise<Uint8Array> {
  return await sharp(new TextEncoder().encode(svg), { density: 72 * scale })
    .flatten({ background: "#fff" }).jpeg({ quality: 85 }).toBuffer();
}
