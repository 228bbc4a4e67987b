/** Folders that live as long as a test. */

/** Runs `test` with a new empty folder, which is removed afterwards whatever happens. */
export async function withFolder(test: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "crypts_" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Every file below `folder`, sorted, relative to it. */
export async function filesBelow(folder: string, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(`${folder}/${prefix}`)) {
    const name = prefix + entry.name;
    if (entry.isDirectory) names.push(...await filesBelow(folder, `${name}/`));
    else names.push(name);
  }
  return names.sort();
}
