/** Architectures by the names of their decoders, also those that this project does not build. */

type Names = readonly string[];

/** Architectures that are built; the first whose pattern occurs. Names as in smp 0.2 to 0.5. */
const BUILT: [architecture: string, pattern: RegExp][] = [
  ["UnetPlusPlus", /^decoder\.blocks\.x_\d_\d\.conv1\.0\.weight$/],
  ["MAnet", /^decoder\.(center\.top_conv|blocks\.\d+\.hl_conv)\./],
  ["Linknet", /^decoder\.blocks\.\d+\.block\.\d\.\d\.weight$/],
  ["Unet", /^decoder\.blocks\.\d+\.conv[12]\.0\.weight$/],
];

/** Models of smp, torchvision, MONAI and nnU-Net that are not built. */
const OTHERS: [architecture: string, pattern: RegExp][] = [
  ["one with an encoder of timm (smp's tu-…)", /^encoder\.model\./],
  ["FPN", /^decoder\.seg_blocks\./],
  ["UPerNet", /^decoder\.(feature_norms|fpn_stages|fpn_lateral_blocks)\./],
  ["PSPNet", /^decoder\.psp\./],
  ["PAN", /^decoder\.(fpa|gau\d)\./],
  ["DeepLabV3+", /^decoder\.(aspp\.0|block[12])\./],
  ["DeepLabV3", /^decoder\.(aspp|0)\.convs\./],
  ["Segformer", /^decoder\.(mlp_stage|fuse_stage)\./],
  ["DPT", /^decoder\.(projection_blocks|reassemble_blocks|fusion_blocks)\./],
  ["Unet with a center block (VGG encoders)", /^decoder\.center\.0\./],
  ["Unet of nnU-Net", /^encoder\.stages\.\d|^decoder\.stages\.\d|^(conv_blocks_context|tu)\.\d/],
  ["DeepLabV3 of torchvision", /^classifier\.0\.convs\./],
  ["FCN of torchvision", /^backbone\.layer4\./],
  ["Segformer of transformers", /^segformer\.encoder\.|^decode_head\.linear_(c|fuse)/],
  ["UNet of MONAI", /^model\.\d\.(conv\.unit0|submodule)\./],
  ["SAM", /^image_encoder\.(patch_embed|blocks)\./],
];

/**
 * The architecture that a state_dict's names belong to.
 *
 * @param names without a wrapper's prefix
 * @throws {RangeError} naming one that is not built
 */
export function architectureOf(names: Names): string | null {
  const of = (list: typeof BUILT) =>
    list.find(([, pattern]) => names.some((name) => pattern.test(name)))?.[0] ?? null;
  const other = of(OTHERS);
  if (other === null) return of(BUILT);
  throw new RangeError(
    `its architecture is ${other}, which is not built here; built are ` +
      `${BUILT.map(([name]) => name).sort().join(", ")}`,
  );
}
