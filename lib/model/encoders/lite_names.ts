/** Names of EfficientNet-Lite weights: efficientnet_pytorch's translated to timm's, which smp has. */
import type { KeyStyle } from "../checkpoint/encoder_keys.ts";
import { liteRepeats } from "./efficientnet_lite.ts";

const ENDS: Record<string, string> = {
  "_conv_stem": "conv_stem",
  "_bn0": "bn1",
  "_conv_head": "conv_head",
  "_bn1": "bn2",
};

const BLOCK: Record<string, string> = {
  "_expand_conv": "conv_pw",
  "_bn0": "bn1",
  "_depthwise_conv": "conv_dw",
  "_bn1": "bn2",
  "_project_conv": "conv_pwl",
  "_bn2": "bn3",
};

/** The first block does not expand: timm numbers its norms from its own first one. */
const FIRST_BLOCK: Record<string, string> = {
  "_depthwise_conv": "conv_dw",
  "_bn1": "bn1",
  "_project_conv": "conv_pw",
  "_bn2": "bn2",
};

/**
 * The entries of an encoder's file under smp's names (`encoder.…`); the classifier is left out. Names that
 * are neither library's stay as they are and are found to be unexpected when they are assigned.
 *
 * @param encoder one of `EFFICIENTNET_LITES`
 */
export function toLiteNames<T>(
  entries: ReadonlyMap<string, T>,
  style: KeyStyle,
  encoder: string,
): Map<string, T> {
  const blocks = liteRepeats(encoder).flatMap((repeats, group) =>
    Array.from({ length: repeats }, (_, i) => `blocks.${group}.${i}`)
  );
  const out = new Map<string, T>();
  for (const [name, entry] of entries) {
    if (/^(_fc|classifier)\./.test(name)) continue;
    if (style === "encoder") out.set(name, entry);
    else out.set(`encoder.${style === "bare" ? fromEfficientNet(name, blocks) : name}`, entry);
  }
  return out;
}

function fromEfficientNet(name: string, blocks: string[]): string {
  const [, number, layer, part] = /^(?:_blocks\.(\d+)\.)?(\w+)\.(\w+)$/.exec(name) ?? [];
  if (!layer) return name;
  if (number === undefined) return `${ENDS[layer] ?? layer}.${part}`;
  const names = number === "0" ? FIRST_BLOCK : BLOCK;
  return `${blocks[Number(number)] ?? `_blocks.${number}`}.${names[layer] ?? layer}.${part}`;
}
