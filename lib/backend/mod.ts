/** TensorFlow.js backends, completed so that they can train: native, WebGPU, WebAssembly. */
export { type Addon, type Attribute, execute } from "./native/addon.ts";
export {
  ADDON,
  MACHINE,
  MANIFEST,
  NATIVE_FOLDER,
  type NativeManifest,
  readManifest,
  sourceDigest,
  sourceFiles,
} from "./native/files.ts";
export {
  activeBackend,
  type BackendReport,
  backendRows,
  BACKENDS,
  selectBackend,
} from "./select.ts";
