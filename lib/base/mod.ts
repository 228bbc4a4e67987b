/** What everything stands on: random numbers, folds, whole files, fingerprints, locks, wheels. */
export { clearDone, type Done, readDone, whyNotDone, writeDone } from "./done.ts";
export { editDistance, nearestName } from "./edit_distance.ts";
export { exists, refuseSpecial, sweepTemporary, writeWhole, writeWith } from "./files.ts";
export {
  changes,
  differingKeys,
  digestFile,
  digestOf,
  FileDigests,
  type Fingerprint,
  fingerprint,
  type Json,
} from "./fingerprint.ts";
export { checkId } from "./ids.ts";
export { kFold } from "./kfold.ts";
export { type FolderLock, FolderLockedError, lockFolder } from "./lock.ts";
export { collectNotices, notice } from "./notices.ts";
export { createRandom, type Random } from "./random.ts";
export { PROJECT_ROOT } from "./project.ts";
export { stratifiedGroupKFold } from "./stratified_group_kfold.ts";
export { withLock } from "./wait_lock.ts";
export { downloadWheels, findPip, unpackWheel, type WheelPin } from "./wheels.ts";
export { decodeText, decodeUtf8 } from "./text_file.ts";
