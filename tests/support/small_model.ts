/** A model file that is written and opened in a moment. */
import { createModel } from "../../lib/model/segmentation_model.ts";
import { saveWeights } from "../../lib/model/weights.ts";

/**
 * Writes a Unet of random weights.
 *
 * @param training its metadata `crypts.training`
 */
export async function writeSmallModel(path: string, training: object): Promise<void> {
  const model = createModel({
    ...{ architecture: "Unet", encoder: "efficientnet-b0", seed: 3 },
    decoderChannels: [16, 12, 8, 8, 4],
  });
  await saveWeights(model, path, { "crypts.training": JSON.stringify(training) });
  model.dispose();
}
