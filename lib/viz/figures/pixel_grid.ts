/** A tiny mask drawn pixel by pixel with its run-length numbering, to teach the encoding. */
import { COLOURS, compose } from "./style.ts";

/**
 * Draws a small mask as a grid: crypt pixels filled, each pixel with its 1-based, column-major
 * number, and an arrow that follows the reading direction.
 *
 * @param mask 0/1, row-major, at most 20 x 20 pixels
 * @returns an SVG
 * @throws {RangeError} when the mask is larger or its length is not `height * width`
 */
export function pixelGridFigure(
  mask: Uint8Array,
  height: number,
  width: number,
  title: string,
): string {
  if (mask.length !== height * width || height > 20 || width > 20) {
    throw new RangeError(
      `expected a mask of at most 20 x 20 pixels, got ${mask.length} values for ${height} x ${width}`,
    );
  }
  const side = 44;
  const cells: string[] = [];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x, y] = [column * side, row * side];
      const inside = mask[row * width + column] !== 0;
      cells.push(
        `<rect x="${x}" y="${y}" width="${side}" height="${side}" stroke="#888" ` +
          `fill="${inside ? COLOURS[5] : "#fff"}"/>` +
          `<text x="${x + side / 2}" y="${y + side / 2 + 5}" font-size="14" ` +
          `text-anchor="middle">${column * height + row + 1}</text>`,
      );
    }
  }
  const bottom = height * side;
  const path = Array.from({ length: width }, (_, c) => {
    const x = c * side + 7;
    return `${c === 0 ? "M" : "L"}${x},6L${x},${bottom - 6}`;
  }).join("");
  const arrow = `<path d="${path}" fill="none" stroke="${COLOURS[1]}" stroke-width="1.5" ` +
    `stroke-dasharray="3 3"/>`;
  const caption = `<text x="${width * side + 20}" y="20" font-size="14" fill="${COLOURS[1]}">` +
    "read down each column,</text>" +
    `<text x="${width * side + 20}" y="40" font-size="14" fill="${COLOURS[1]}">` +
    "then on to the next</text>";
  return compose({
    title,
    width: Math.max(width * side + 220, title.length * 10 + 40),
    panels: [{
      svg: cells.join("") + arrow + caption,
      x: 16,
      y: 4,
      width: width * side + 200,
      height: bottom + 12,
    }],
  });
}
