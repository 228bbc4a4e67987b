/** Figures as SVG and JPEG in one style (see `lib/figures/` for the kinds). */
import { escapeXml, FONT } from "./style.ts";

/** Complete SVG figures in a grid (default 3 a row), each scaled to `cell` units of width. */
export function contactSheet(
  figures: readonly string[],
  options: { columns?: number; cell?: number; title?: string } = {},
): string {
  if (figures.length === 0) throw new RangeError("a contact sheet needs at least one figure");
  const columns = options.columns ?? 3, cell = options.cell ?? 400, head = options.title ? 44 : 0;
  let tall = 0;
  const sized = figures.map((svg, i) => {
    const size = /^<svg[^>]*? width="([\d.]+)" height="([\d.]+)"/.exec(svg);
    if (!size) throw new RangeError(`figure ${i} is no complete SVG with width and height`);
    const height = cell * Number(size[2]) / Number(size[1]);
    tall = Math.max(tall, height);
    return svg.replace(
      /^<svg([^>]*?) width="[\d.]+" height="[\d.]+"/,
      `<svg$1 x="${(i % columns) * cell}" y="@${i}" width="${cell}" height="${height}"`,
    );
  });
  const rows = Math.ceil(figures.length / columns), width = columns * cell;
  const height = head + rows * tall;
  const body = sized.map((svg, i) =>
    svg.replace(`y="@${i}"`, `y="${head + Math.floor(i / columns) * tall}"`)
  );
  const title = options.title
    ? `<text x="16" y="30" font-size="21" font-weight="bold">${escapeXml(options.title)}</text>`
    : "";
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" font-family="${FONT}"><rect width="100%" height="100%" fill="#fff"/>${title}${
      body.join("")
    }</svg>`;
}
