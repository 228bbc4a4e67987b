/** The CSV logs of a training, as the original writes them. */
import pl from "nodejs-polars";
import { writeCsv } from "../tables/mod.ts";

/** The figures of one epoch; losses and soft Dice are means over patches. */
export interface EpochLog {
  fold: number;
  /** 1 for the first. */
  epoch: number;
  trainLoss: number;
  trainDice: number;
  validLoss: number;
  validDice: number;
  /** Dice of crypt, p(background) below 0.5: the mean over patches. */
  validCryptDice: number;
}

/**
 * Writes a fold's log, one row an epoch: `model_name,train_loss,train_dice,valid_loss,valid_dice`, the
 * original's columns, and `valid_crypt_dice` where asked for.
 *
 * @throws {Error} naming the file when it cannot be written
 */
export async function writeFoldLog(
  path: string,
  modelName: string,
  epochs: readonly EpochLog[],
  cryptDice = false,
): Promise<void> {
  await writeCsv(
    path,
    pl.DataFrame({
      model_name: epochs.map(() => modelName),
      train_loss: epochs.map((e) => e.trainLoss),
      train_dice: epochs.map((e) => e.trainDice),
      valid_loss: epochs.map((e) => e.validLoss),
      valid_dice: epochs.map((e) => e.validDice),
      ...(cryptDice ? { valid_crypt_dice: epochs.map((e) => e.validCryptDice) } : {}),
    }),
  );
}

/**
 * Writes the report over folds, one row a model: `model name,valid_loss` (its best).
 *
 * @throws {Error} naming the file when it cannot be written
 */
export async function writeReport(
  path: string,
  rows: readonly { modelName: string; validLoss: number }[],
): Promise<void> {
  await writeCsv(
    path,
    pl.DataFrame({
      "model name": rows.map((r) => r.modelName),
      valid_loss: rows.map((r) => r.validLoss),
    }),
  );
}
