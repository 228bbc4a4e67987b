/** A batch in a process of its own, to be killed: `IMAGES OUT THRESHOLD`. */
import { runBatch } from "../../lib/inference/batch.ts";
import { listBatch } from "../../lib/inference/batch_list.ts";
import { fakePredictor } from "./predictors.ts";

const [images, outDir, threshold] = Deno.args;
console.log("started");
await runBatch(await listBatch(images), [fakePredictor((r, g) => r > g + 50 ? 0.9 : 0.1)], {
  ...{ outDir, models: "1", tile: 32, mode: "sliding", threshold: Number(threshold) },
  ...{ geojson: true, labels: true, overlay: true },
});
