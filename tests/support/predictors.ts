/** Predictors for tests: what they answer is known in closed form. */
import type { TilePredictor } from "../../lib/inference/predictor.ts";

/** A predictor that answers `answer(red, green, blue, y, x)` for each pixel of each tile. */
export function fakePredictor(
  answer: (r: number, g: number, b: number, y: number, x: number) => number,
  options: { name?: string; classes?: number; sideMultiple?: number } = {},
): TilePredictor & { tiles: number; disposed: boolean } {
  return {
    name: options.name ?? "fake",
    classes: options.classes ?? 2,
    sideMultiple: options.sideMultiple ?? 1,
    tiles: 0,
    disposed: false,
    predict(rgb, height, width) {
      this.tiles += rgb.length;
      return Promise.resolve(rgb.map((tile) => {
        if (tile.length !== height * width * 3) throw new Error("tile of another size");
        return Float32Array.from(
          { length: height * width },
          (_, i) =>
            answer(
              tile[3 * i],
              tile[3 * i + 1],
              tile[3 * i + 2],
              Math.floor(i / width),
              i % width,
            ),
        );
      }));
    },
    dispose() {
      this.disposed = true;
    },
  };
}
