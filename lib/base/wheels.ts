/** Wheels from PyPI (or the mirror that the user's pip is configured for), verified by pip, unpacked by Python. */
import { join } from "node:path";
import { exists } from "./files.ts";

/** The version of Python the pinned wheels are for; its libraries do not depend on it. */
const PYTHON = { version: "3.11", abi: "cp311" };

/** A wheel on the index: `name==version`, and the SHA-256 of its file. */
export type WheelPin = readonly [requirement: string, sha256: string];

/**
 * The Python that has pip.
 *
 * @param purpose what is to be downloaded, for the message
 * @throws {Error} saying what to install
 */
export async function findPip(purpose: string): Promise<string> {
  for (const python of ["python3", "python"]) {
    if (await succeeds(python, ["-m", "pip", "--version"])) return python;
  }
  throw new Error(
    `Python 3 with pip is needed to download ${purpose}, and none was found on PATH: ` +
      (Deno.build.os === "darwin"
        ? "xcode-select --install, or brew install python"
        : "install it, e.g. apt install python3-pip, or dnf install python3-pip"),
  );
}

/**
 * Downloads wheels whose SHA-256 must be the given one; what is in `folder` already is kept.
 *
 * @param platforms pip's `--platform` values, the most specific first; empty for wheels of pure Python
 * @returns the paths of the files, in the order of `requirements`
 * @throws {Error} with pip's message: no connection, no such file, wrong checksum
 */
export async function downloadWheels(
  python: string,
  requirements: readonly WheelPin[],
  platforms: readonly string[],
  folder: string,
): Promise<string[]> {
  await Deno.mkdir(folder, { recursive: true });
  const list = join(folder, "requirements.txt");
  await Deno.writeTextFile(
    list,
    requirements.map(([name, sha256]) => `${name} --hash=sha256:${sha256}\n`).join(""),
  );
  const args = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
  args.push("--only-binary=:all:", "--require-hashes", "--requirement", list, "--dest", folder);
  if (platforms.length > 0) {
    args.push("--python-version", PYTHON.version, "--implementation", "cp");
    args.push("--abi", PYTHON.abi, "--abi", "none");
  }
  for (const platform of platforms) args.push("--platform", platform);
  const { success, stderr } = await new Deno.Command(python, {
    args,
    // Read by pip 25.1 and newer, which resume a broken download; older ones start the file again.
    env: { PIP_RESUME_RETRIES: "20" },
    stdout: "inherit",
    stderr: "piped",
  }).output();
  if (!success) {
    const errors = new TextDecoder().decode(stderr).split("\n").filter((l) => /ERROR/.test(l));
    throw new Error(`pip could not download the files: ${errors.join(" ") || "see above"}`);
  }
  return await Promise.all(requirements.map(([name]) => findWheel(folder, name)));
}

/** The file of `name==version` in `folder`. */
async function findWheel(folder: string, requirement: string): Promise<string> {
  const start = requirement.replaceAll("-", "_").replace("==", "-") + "-";
  for await (const { name } of Deno.readDir(folder)) {
    if (name.startsWith(start) && name.endsWith(".whl")) return join(folder, name);
  }
  throw new Error(`pip left no file for ${requirement} in ${folder}`);
}

const UNPACK = `
import sys, zipfile
wheel, target, *prefixes = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.startswith(tuple(prefixes)):
            archive.extract(name, target)
`;

/**
 * Unpacks the members of a wheel that begin with one of `prefixes` into `folder`.
 *
 * @throws {Error} when Python fails, e.g. because the disk is full
 */
export async function unpackWheel(
  python: string,
  wheel: string,
  folder: string,
  prefixes: string[],
): Promise<void> {
  if (!await exists(wheel)) throw new Error(`${wheel} is missing`);
  const { success, stderr } = await new Deno.Command(python, {
    args: ["-c", UNPACK, wheel, folder, ...prefixes],
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(`cannot unpack ${wheel}: ${new TextDecoder().decode(stderr).trim()}`);
  }
}

async function succeeds(program: string, args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, { args, stdout: "null", stderr: "null" })
      .output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
