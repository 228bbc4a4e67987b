/** A drawing of a segmentation network with its real shapes: encoder, skip connections, decoder. */
import type { SegmentationModel } from "../../model/mod.ts";
import { COLOURS, compose, escapeXml } from "./style.ts";

/** A feature map as the drawing shows it. */
interface Level {
  side: number;
  channels: number;
}

const WIDTH = 860, ROW = 66, BOX = 44, LEFT = 190, RIGHT = 640;

/**
 * The encoder on the left, going down and halving the side, the decoder on the right, coming up again,
 * and between them the skip connections, as a complete SVG. A box is as wide as the logarithm of
 * its number of channels.
 *
 * @param side of a square input in pixels; a multiple of `model.sideMultiple`
 * @throws {RangeError} for a side that the model cannot take
 */
export function networkFigure(model: SegmentationModel, side: number): string {
  if (!(Number.isInteger(side) && side > 0 && side % model.sideMultiple === 0)) {
    throw new RangeError(`side must be a positive multiple of ${model.sideMultiple}, got ${side}`);
  }
  const encoder = model.stageChannels.map((channels, i) => ({ side: side / 2 ** i, channels }));
  const decoder = decoderLevels(model, side), deepest = encoder.length - 1;
  const field = receptiveField(model);
  const shapes = encoder.map((level, i) => {
    const out = decoder.find((one) => one.side === level.side);
    const y = i * ROW;
    return box(level, LEFT, y, COLOURS[0]) +
      (i > 0 ? arrow(LEFT, y - ROW + BOX, LEFT, y) : "") +
      (out
        ? box(out, RIGHT, y, COLOURS[1]) +
          arrow(RIGHT, y + ROW, RIGHT, y + BOX)
        : "") +
      (out && i > 0 ? skip(LEFT, RIGHT, y, level, out) : "");
  });
  const bottom = deepest * ROW;
  const turn = `<path d="M${LEFT + halfWidth(encoder[deepest])},${bottom + BOX / 2}` +
    `H${RIGHT}V${bottom}" fill="none" stroke="#333" stroke-width="1.6"/>`;
  const { architecture, encoder: name, classes } = model.config;
  const head = `<text x="${RIGHT}" y="${-14}" font-size="13" text-anchor="middle">` +
    `${classes} ${classes === 1 ? "class" : "classes"} per pixel</text>`;
  return compose({
    title: `${architecture} with ${name}`,
    subtitle: `${(model.parameterCount / 1e6).toFixed(2)} million parameters, input of ${side} px` +
      (field ? `; a pixel of the deepest map sees ${field} px of the image` : ""),
    width: WIDTH,
    legend: [
      { label: "encoder: what", colour: COLOURS[0], mark: "box" },
      { label: "decoder: where", colour: COLOURS[1], mark: "box" },
      { label: "skip connection", colour: "#777", mark: "dashed" },
    ],
    panels: [{
      svg: `<g transform="translate(0,24)">${shapes.join("")}${turn}${head}</g>`,
      ...{ x: 0, y: 0, width: WIDTH, height: encoder.length * ROW + 24 },
    }],
  });
}

/** The decoder's last map at each size, the greatest size first. */
function decoderLevels(model: SegmentationModel, side: number): Level[] {
  const levels = new Map<number, Level>();
  for (const { layer, output } of model.summary()) {
    if (!layer.startsWith("decoder.") || output.length < 3 || output[0] === 1) continue;
    // Summaries are of 512 px.
    const own = output[0] * side / 512;
    levels.set(own, { side: own, channels: output[2] });
  }
  return [...levels.values()].filter((level) => level.side > side / 2 ** 5);
}

/**
 * The side in pixels of the part of the image that the convolutions of the encoder's deepest map can
 * see (Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", 2019):
 * `1 + Σ (kernel - 1) · (stride of all layers before)`. Squeeze-and-excitation, where there is one,
 * sees the whole image besides.
 *
 * @returns null where the encoder has other layers than those it can follow
 */
export function receptiveField(model: SegmentationModel): number | null {
  const resnet = model.config.encoder.startsWith("resnet");
  if (!resnet && !model.config.encoder.includes("efficientnet")) return null;
  let field = 1, jump = 1, before = 512;
  const layer = (kernel: number, output: number) => {
    field += (kernel - 1) * jump;
    jump *= before / output;
    before = output;
  };
  for (const { layer: name, output } of model.summary()) {
    if (!name.startsWith("encoder.") || output.length < 3) continue;
    // Shortcuts see no more than what they pass by; the 1 x 1 maps are squeeze-and-excitation.
    if (output[0] === 1 || name.includes("downsample")) continue;
    const shape = model.parameters.get(`${name}.weight`)?.torchShape ?? [];
    if (shape.length === 4) layer(shape[2], output[0]);
    if (resnet && name === "encoder.bn1") layer(3, output[0] / 2); // its max pooling
  }
  return field;
}

const halfWidth = ({ channels }: Level) => Math.max(62, 26 + 9 * Math.log2(Math.max(2, channels)));

function box(level: Level, x: number, y: number, colour: string): string {
  const half = halfWidth(level);
  const text = escapeXml(`${level.side} × ${level.side} × ${level.channels}`);
  return `<rect x="${x - half}" y="${y}" width="${
    2 * half
  }" height="${BOX}" rx="4" fill="${colour}" ` +
    `fill-opacity="0.16" stroke="${colour}" stroke-width="1.6"/>` +
    `<text x="${x}" y="${y + 27}" font-size="14" text-anchor="middle">${text}</text>`;
}

function arrow(x: number, y: number, toX: number, toY: number): string {
  const down = toY > y ? -1 : 1;
  return `<path d="M${x},${y}L${toX},${toY}" stroke="#333" stroke-width="1.6"/>` +
    `<path d="M${toX},${toY}l-4,${7 * down}h8z" fill="#333"/>`;
}

function skip(from: number, to: number, y: number, left: Level, right: Level): string {
  const start = from + halfWidth(left), end = to - halfWidth(right), at = y + BOX / 2;
  return `<path d="M${start},${at}H${end}" stroke="#777" stroke-width="1.6" stroke-dasharray="6 4"/>` +
    `<path d="M${end},${at}l-7,-4v8z" fill="#777"/>`;
}
