/** Folders, models and state_dicts for the tests of weight files. */
import { toTorch } from "../../lib/model/layout.ts";
import type { SegmentationModel } from "../../lib/model/types.ts";
import type { NamedTensor } from "../../lib/model/safetensors.ts";
import { startBackend } from "./reference_models.ts";
import { type FixtureValue, floats, torchFile } from "./torch_fixture.ts";
import { withFolder } from "./temporary.ts";

/** A small model. */
export const CONFIG = {
  architecture: "Unet",
  encoder: "efficientnet-b0",
  decoderChannels: [16, 8, 8, 8, 8],
};

/** Runs `use` with a temporary folder. */
export async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  await startBackend();
  await withFolder(use);
}

/** A model's state_dict in PyTorch's layout. */
export async function stateOf(model: SegmentationModel): Promise<Map<string, NamedTensor>> {
  const state = new Map<string, NamedTensor>();
  for (const { name, torchShape, layout, variable } of model.parameters.values()) {
    const values = toTorch(await variable.data() as Float32Array, torchShape, layout);
    state.set(name, { shape: torchShape, values });
  }
  return state;
}

/** Writes a state_dict as a PyTorch checkpoint. */
export async function writeTorch(
  path: string,
  state: Map<string, NamedTensor>,
  wrap = (entries: [string, FixtureValue][]): FixtureValue => ({ dictionary: entries }),
): Promise<void> {
  const entries = [...state].map(([name, { shape, values }]): [string, FixtureValue] => [
    name,
    floats(shape, values),
  ]);
  await Deno.writeFile(path, torchFile(wrap(entries)));
}
