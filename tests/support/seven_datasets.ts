/** Seven kinds of valid data sets, made from the synthetic one: what a notebook must be able to show. */
import { join } from "node:path";
import { INFORMATION_CSV } from "../../lib/dataset/information.ts";
import { generateDataset } from "../../lib/synthetic/generate.ts";

/** What each kind lacks; the names say what it has. */
export const SEVEN = [
  "masks only",
  "annotations only",
  "tables only",
  "no test split",
  "unannotated test images",
  "one image",
  "one patient",
] as const;

/** The only training image that has polygons, and of patient S001 as two others. */
const DRAWN = "CL_HandE_S001_topleft";

/** Writes the kind `kind` to `root`. */
export async function writeKind(root: string, kind: typeof SEVEN[number]): Promise<void> {
  await generateDataset(root, { seed: 3, size: [300, 320] });
  const drop = (...names: string[]) =>
    Promise.all(names.map((name) => Deno.remove(join(root, name), { recursive: true })));
  const keepTrain = async (kept: (id: string) => boolean) => {
    for (const folder of ["train", "train_mask"]) {
      for (const { name } of [...Deno.readDirSync(join(root, folder))]) {
        if (!kept(name.replace(/\.\w+$/, ""))) await drop(join(folder, name));
      }
    }
  };
  const tables = ["train.csv", "test.csv", INFORMATION_CSV], masks = ["train_mask", "test_mask"];
  if (kind === "masks only") await drop(...tables, join("train", `${DRAWN}.json`));
  if (kind === "annotations only") await drop(...tables, ...masks);
  if (kind === "tables only") await drop(...masks, join("train", `${DRAWN}.json`));
  if (kind === "no test split") await drop("test", "test_mask", "test.csv");
  if (kind === "unannotated test images") await drop("test_mask", "test.csv");
  if (kind === "one image") {
    await keepTrain((id) => id === DRAWN);
    await drop("test", ...tables, "test_mask");
  }
  if (kind === "one patient") {
    await keepTrain((id) => id.includes("S001"));
    await drop("test", "test_mask", "train.csv", "test.csv");
  }
}
