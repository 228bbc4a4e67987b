/**
 * To be imported first by a command, before the libraries are loaded: they write lines of their own to
 * standard error that say nothing a user can act on. What goes wrong is in the errors that are told.
 */

/** libvips' warnings: those that matter end the decoding, and are in its error. */
if (!Deno.env.get("VIPS_WARNING")) Deno.env.set("VIPS_WARNING", "1");

/**
 * Where no session has set it (containers, clusters), the libraries below WebGPU complain of it. No
 * socket of a display is looked for in a folder that has none.
 */
if (!Deno.env.get("XDG_RUNTIME_DIR") && Deno.build.os === "linux") {
  Deno.env.set("XDG_RUNTIME_DIR", "/tmp");
}
