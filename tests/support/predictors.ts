/** Predictors for tests: what they answer is known in closed form. */
import type { TilePredictor } from "../../lib/inference/predictor.ts";

type Answer = (r: number, g: number, b: number, y: number, x: number) => number;

/**
 * A predictor that answers `answer(red, green, blue, y, x)` for each pixel of each tile; with
 * `boundary` it is a boundary model, whose second channel that is.
 */
export function fakePredictor(
  answer: Answer,
  options: { name?: string; classes?: number; sideMultiple?: number; boundary?: Answer } = {},
): TilePredictor & { tiles: number; disposed: boolean } {
  const classes = options.classes ?? (options.boundary ? 3 : 2);
  const channels = classes === 3 ? [answer, options.boundary ?? (() => 0)] : [answer];
  return {
    name: options.name ?? "fake",
    engine: "closed form",
    classes,
    channels: classes === 3 ? 2 : 1,
    sideMultiple: options.sideMultiple ?? 1,
    tiles: 0,
    disposed: false,
    predict(rgb, height, width) {
      this.tiles += rgb.length;
      return Promise.resolve(rgb.map((tile) => {
        if (tile.length !== height * width * 3) throw new Error("tile of another size");
        const pixels = height * width, out = new Float32Array(channels.length * pixels);
        for (const [c, of] of channels.entries()) {
          for (let i = 0; i < pixels; i++) {
            const [r, g, b] = tile.subarray(3 * i, 3 * i + 3);
            out[c * pixels + i] = of(r, g, b, Math.floor(i / width), i % width);
          }
        }
        return out;
      }));
    },
    dispose() {
      this.disposed = true;
    },
  };
}
