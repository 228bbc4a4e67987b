/** One name, one network: folds of another network are never overwritten under its name. */
import { exists } from "../base/mod.ts";
import { describeParameters, type ModelConfig, readSafetensorsHeader } from "../model/mod.ts";
import { foldPaths } from "./fold_result.ts";
import type { CompleteOptions } from "./options.ts";

/**
 * Looks at the fold models that are there under the name of this training.
 *
 * @throws {RangeError} naming the file that holds another network
 */
export async function refuseOtherNetworks(options: CompleteOptions): Promise<void> {
  const own = shapesOf(describeParameters(options.model));
  for (let k = 0; k < options.foldCount; k++) {
    const { best } = foldPaths(options, k);
    if (!await exists(best)) continue;
    const { shapes, metadata } = await readSafetensorsHeader(best);
    const config: Partial<ModelConfig> = JSON.parse(metadata["crypts.config"] ?? "{}");
    const names = ["architecture", "encoder"] as const;
    const same = names.every((key) => (config[key] ?? options.model[key]) === options.model[key]);
    const found = shapesOf([...shapes].map(([name, torchShape]) => ({ name, torchShape })));
    if (same && found === own) continue;
    const what = same
      ? `another ${describe(options.model)} (its layers have other sizes)`
      : `a ${describe(config)}`;
    throw new RangeError(
      `${best} holds ${what}, this training is of a ${describe(options.model)}: ` +
        `give it another modelName than "${options.modelName}", or move the old folds away`,
    );
  }
}

const describe = ({ architecture, encoder }: Partial<ModelConfig>) =>
  `${architecture} with ${encoder}`;

function shapesOf(parameters: readonly { name: string; torchShape: readonly number[] }[]): string {
  return parameters.map(({ name, torchShape }) => `${name} [${torchShape}]`).sort().join("\n");
}
