/** OpenCV 4.11 of PyPI, where a Python has it: the reader of ONNX files that QuPath uses. */

const CANDIDATES = [
  Deno.env.get("CRYPTS_OPENCV_PYTHON"),
  decodeURIComponent(new URL("../../.venv/bin/python", import.meta.url).pathname),
  "python3",
];

const SCRIPT = `
import sys
import cv2
import numpy as np
for model, given, shape, out in zip(*[iter(sys.argv[1:])] * 4):
    net = cv2.dnn.readNetFromONNX(model)
    net.setInput(np.fromfile(given, np.float32).reshape([int(n) for n in shape.split(",")]))
    net.forward().astype(np.float32).tofile(out)
`;

async function python(path: string, ...args: string[]): Promise<{ ok: boolean; text: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(path, { args }).output();
    return { ok: success, text: new TextDecoder().decode(success ? stdout : stderr) };
  } catch (error) {
    return { ok: false, text: (error as Error).message };
  }
}

/** A Python with OpenCV 4.11, or null; tests that need it are ignored otherwise, and say so. */
export const opencvPython: string | null = await (async () => {
  for (const path of CANDIDATES) {
    if (!path) continue;
    const { ok, text } = await python(path, "-c", "import cv2; print(cv2.__version__)");
    if (ok && text.startsWith("4.11.")) return path;
  }
  console.warn("no Python with opencv-python-headless==4.11.*: the tests that use it are skipped");
  return null;
})();

/** A test that needs OpenCV 4.11; skipped, and named so, where no Python has it. */
export function opencvTest(name: string, run: () => Promise<void>): void {
  const skipped = `${name} (skipped: no Python with opencv-python-headless==4.11.*)`;
  Deno.test({ name: opencvPython ? name : skipped, ignore: !opencvPython, fn: run });
}

/** A model file and its input. */
export interface OpencvRun {
  model: string;
  input: Float32Array;
  shape: readonly number[];
}

/** What OpenCV makes of each input; @throws {Error} with what Python says when it reads a file not */
export async function runInOpencv(folder: string, runs: OpencvRun[]): Promise<Float32Array[]> {
  const args: string[] = [];
  for (const [i, { model, input, shape }] of runs.entries()) {
    const { buffer, byteOffset, byteLength } = input;
    await Deno.writeFile(
      `${folder}/${i}.in`,
      new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
    );
    args.push(model, `${folder}/${i}.in`, shape.join(), `${folder}/${i}.out`);
  }
  const { ok, text } = await python(opencvPython!, "-c", SCRIPT, ...args);
  if (!ok) throw new Error(text);
  return runs.map((_, i) => new Float32Array(Deno.readFileSync(`${folder}/${i}.out`).buffer));
}
