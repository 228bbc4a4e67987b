/** A profile by its name and what is set otherwise, checked. */
import { nearestName } from "../base/mod.ts";
import { checkProfile, isFoldCount } from "./profile_checks.ts";
import type { Profile } from "./profile_settings.ts";
import { paper, PROFILES } from "./profiles.ts";

/**
 * A profile by name, with single settings replaced.
 *
 * A profile's `initialWeights` fit its own network: with another `model`, `target` or
 * `encoderWeights` training starts from `encoderWeights`, unless `initialWeights` are named too.
 *
 * With another `foldCount` than the profile's, all of its folds are trained, unless `folds` are named too.
 *
 * @param name `"paper"`, `"demo"`, `"glas"` or `"tiny"`; default: the environment variable
 *   `CRYPTS_PROFILE`, else `"demo"`
 * @param overrides settings that replace the profile's, e.g. `{ epochs: 8 }`
 * @throws {RangeError} naming an unknown profile, an unknown setting or one out of its range
 */
export function chooseProfile(name?: string, overrides: Partial<Profile> = {}): Profile {
  const key = name ?? (Deno.env.get("CRYPTS_PROFILE") || "demo");
  const base = PROFILES[key];
  if (!base) {
    throw new RangeError(`no profile "${key}"; there are ${Object.keys(PROFILES).join(", ")}`);
  }
  Object.keys(overrides).forEach(checkSetting);
  const profile = { ...base, ...overrides };
  if (overrides.initialWeights === undefined && startsOtherwise(base, overrides)) {
    profile.initialWeights = null;
  }
  const { foldCount } = profile;
  // A count that is none is refused below, by its own name.
  if (
    overrides.folds === undefined && foldCount !== base.foldCount && isFoldCount(foldCount)
  ) {
    profile.folds = Array.from({ length: foldCount }, (_, fold) => fold);
  }
  checkProfile(profile);
  return profile;
}

/** @throws {RangeError} naming a setting that profiles do not have, and the one that it nearly is */
export function checkSetting(key: string): void {
  if (Object.hasOwn(paper, key)) return;
  const names = Object.keys(paper), meant = nearestName(key, names);
  throw new RangeError(
    `a profile has no setting "${key}"` +
      (meant === null ? `; it has ${names.join(", ")}` : `: did you mean ${meant}?`),
  );
}

/** Whether `overrides` ask for another network than `base`'s or for an encoder's own start. */
function startsOtherwise(base: Profile, overrides: Partial<Profile>): boolean {
  if (overrides.encoderWeights !== undefined) return true;
  return (["model", "target"] as const).some((key) =>
    overrides[key] !== undefined && JSON.stringify(overrides[key]) !== JSON.stringify(base[key])
  );
}

/** The settings as rows for a table, the ones that differ from `paper` marked. */
export function profileRows(
  profile: Profile,
): { setting: string; value: string; "paper's": string }[] {
  const text = (value: unknown) =>
    typeof value === "object" ? JSON.stringify(value) : String(value);
  return (Object.keys(profile) as (keyof Profile)[]).map((key) => ({
    setting: key,
    value: text(profile[key]),
    "paper's": text(profile[key]) === text(paper[key]) ? "same" : text(paper[key]),
  }));
}
