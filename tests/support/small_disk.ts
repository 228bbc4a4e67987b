/** A disk that is soon full. */

/** Runs `work` in a file system of one megabyte; null where this process may not mount one. */
export async function onSmallDisk<T>(folder: string, work: () => Promise<T>): Promise<T | null> {
  const call = async (name: string, ...args: string[]) => {
    try {
      return (await new Deno.Command(name, { args, stderr: "null" }).output()).success;
    } catch {
      return false;
    }
  };
  await Deno.mkdir(folder);
  if (!await call("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder)) return null;
  try {
    return await work();
  } finally {
    await call("umount", folder);
  }
}
