/** A process that fetches one file of weights: `deno run fetch_process.ts SHA256`; prints its messages. */
import { fetchWeights } from "../../lib/model/pretrained/fetch_weights.ts";
import { ENCODER_WEIGHTS } from "../../lib/model/pretrained/sources.ts";

const source = { ...ENCODER_WEIGHTS["resnet18"].imagenet!, sha256: Deno.args[0] };
try {
  console.log(await fetchWeights(source, "the weights", { tries: 1 }));
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`);
  Deno.exit(3);
}
