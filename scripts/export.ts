/** Writes a model as ONNX or safetensors: `deno task export --model FILE --out FILE` (see `--help`). */
import "./quiet_libraries.ts";
import { extname } from "node:path";
import { selectBackend } from "crypts/backend";
import {
  exportOnnx,
  loadModel,
  type OnnxOptions,
  type Padding,
  PADDINGS,
  saveWeights,
} from "crypts/model";
import { parseOptions, UsageError } from "./command.ts";

const OUTPUTS = ["logits", "probabilities", "features"] as const;

const HELP =
  `Writes a model of any weight file as ONNX, for QuPath, Python, C++ and browsers, or as safetensors.

deno task export --model FILE --out FILE [options]

  --model FILE     .safetensors, .pth, .pt, .ckpt, .bin or .tar
  --out FILE       .onnx, or .safetensors with the model alone
  --sides H,W      height and width of the input: the file takes these alone, one image at a time.
                   OpenCV 4.11, which QuPath uses, reads such files only. Default: free
  --output NAME    ${OUTPUTS.join(", ")} (default: logits)
  --prefix TEXT    what stands before the model's names, where the file holds several models
  --padding NAME   ${PADDINGS.join(", ")}: how the EfficientNet pads, where the file does not say it
  --force          replaces a file that is there

Exit: 0 done, 1 the model cannot be read or written, 2 the command cannot be run.`;

/** Runs the command. @returns the exit code */
export async function runExport(args: string[]): Promise<number> {
  let command: Command | null;
  try {
    command = parseCommand(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n(deno task export --help lists the options)`);
    return 2;
  }
  if (!command) {
    console.log(HELP);
    return 0;
  }
  try {
    console.log(await run(command));
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** A command line, understood. */
export interface Command {
  model: string;
  out: string;
  prefix?: string;
  padding?: Padding;
  sides?: [number, number];
  output: NonNullable<OnnxOptions["output"]>;
  force: boolean;
}

/**
 * Understands the arguments; null asks for help.
 *
 * @throws {RangeError} or {TypeError} naming the argument that cannot be used
 */
export function parseCommand(args: string[]): Command | null {
  const { values } = parseOptions({
    args,
    allowPositionals: false,
    options: {
      model: { type: "string" },
      out: { type: "string" },
      sides: { type: "string" },
      output: { type: "string" },
      prefix: { type: "string" },
      padding: { type: "string" },
      force: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const { model, out, prefix, force } = values;
  if (!model) throw new RangeError("--model needs a weight file");
  const kind = extname(out ?? "").toLowerCase();
  if (!out || ![".onnx", ".safetensors"].includes(kind)) {
    throw new RangeError(`--out must be an .onnx or .safetensors file, got ${out ?? "nothing"}`);
  }
  const output = OUTPUTS.find((name) => name === (values.output ?? "logits"));
  if (!output) {
    throw new RangeError(`--output must be one of ${OUTPUTS.join(", ")}, got "${values.output}"`);
  }
  if (kind === ".safetensors" && (values.sides ?? values.output) !== undefined) {
    throw new RangeError("--sides and --output are for .onnx files");
  }
  const padding = PADDINGS.find((name) => name === values.padding);
  if (values.padding !== undefined && !padding) {
    throw new RangeError(
      `--padding must be one of ${PADDINGS.join(", ")}, got "${values.padding}"`,
    );
  }
  return { model, out, prefix, padding, sides: parseSides(values.sides), output, force };
}

function parseSides(text: string | undefined): [number, number] | undefined {
  if (text === undefined) return undefined;
  const match = /^([1-9]\d{0,5})[,x]([1-9]\d{0,5})$/.exec(text);
  if (!match) {
    throw new RangeError(`--sides must be a height and a width as 512,512, got "${text}"`);
  }
  return [Number(match[1]), Number(match[2])];
}

async function run(
  { model: path, out, prefix, padding, sides, output, force }: Command,
): Promise<string> {
  await requireOther(path, out);
  if (!force) await requireAbsent(out);
  // Weights pass through once: no backend is faster than another.
  await selectBackend("cpu");
  const { model, metadata } = await loadModel(path, { prefix, padding });
  try {
    const { architecture, encoder, inChannels, classes } = model.config;
    const what = `${architecture} with ${encoder}, ${classes} classes`;
    for (const side of sides ?? []) {
      if (side % model.sideMultiple === 0) continue;
      throw new UsageError(
        `--sides must be multiples of ${model.sideMultiple} for this model, got ${sides}`,
      );
    }
    if (/\.safetensors$/i.test(out)) {
      await saveWeights(model, out, metadata);
      return `${what} → ${out}`;
    }
    await exportOnnx(model, out, { output, sides, metadata });
    const [height, width] = sides ?? ["height", "width"];
    return `${what} → ${out}: input [${
      sides ? 1 : "batch"
    }, ${inChannels}, ${height}, ${width}], output ${output}`;
  } finally {
    model.dispose();
  }
}

/** A file cannot be read and replaced by itself, by whatever name or link. */
async function requireOther(model: string, out: string): Promise<void> {
  const [from, to] = await Promise.all(
    [model, out].map((path) => Deno.stat(path).catch(() => null)),
  );
  if (from === null || to === null) return;
  if (from.dev !== to.dev || from.ino !== to.ino) return;
  throw new UsageError(`--out ${out} is the file of --model: give another name`);
}

async function requireAbsent(path: string): Promise<void> {
  try {
    await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new Error(`${path} is there already: give --force to replace it`);
}

if (import.meta.main) Deno.exit(await runExport(Deno.args));
