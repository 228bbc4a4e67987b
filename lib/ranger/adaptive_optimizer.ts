/** What Ranger and Adam share: running means of gradients, packed, saved and restored by name. */
import * as tf from "@tensorflow/tfjs-core";
import {
  type AdamState,
  type AdamStepAttrs,
  adamSteps,
  hasAdamSteps,
  hasFusedAdamStep,
} from "../tensor/mod.ts";
import { pack, packedSteps, replace } from "./packing.ts";

/**
 * Variables are packed into flat tensors up to this many values, so that a step is a few operations
 * on tensors that fit a cache instead of a dozen on each of hundreds of variables. A backend with a kernel
 * for one variable gets them one by one, one with a kernel for many as many as there are.
 */
const GROUP_SIZE = 1 << 18;

/** One step of a group: the attributes of {@link adamStep}, and the pull to the slow weights. */
export interface StepRule extends AdamStepAttrs {
  /** Lookahead: how far the slow weights move to the fast ones, which then start there again. */
  lookahead?: number;
}

/** Factor on the learning rate of a parameter, by its state_dict name; above 0. */
export type RateFactor = (name: string) => number;

/** What {@link AdaptiveOptimizer.saveState} returns. */
export interface OptimizerState {
  /** Steps taken, by parameter name. */
  steps: Record<string, number>;
  /**
   * Values by `<parameter name>.exp_avg`, `.exp_avg_sq` and (Ranger) `.slow_buffer`, the names that
   * PyTorch gives them; in the variable's own layout.
   */
  tensors: Record<string, Float32Array>;
}

interface Member {
  variable: tf.Variable;
  name: string;
}

/** The state is flat, or in the shape of the only member. */
interface Group extends AdamState {
  members: Member[];
  rateFactor: number;
  step: number;
}

type Slot = "exp_avg" | "exp_avg_sq" | "slow_buffer";

/** Base of {@link Ranger} and {@link Adam}: a `tf.Optimizer` whose state can be saved and restored. */
export abstract class AdaptiveOptimizer extends tf.Optimizer {
  private groups: Group[] = [];
  private readonly groupOf = new Map<string, Group>();
  private restored: OptimizerState | null = null;

  /**
   * @param learningRate may be set anew before every step, as schedules do
   * @param rateFactor e.g. smaller steps for a pretrained encoder; asked once per parameter
   */
  constructor(public learningRate: number, private readonly rateFactor: RateFactor = () => 1) {
    super();
    if (!(learningRate > 0 && Number.isFinite(learningRate))) {
      throw new RangeError(`learning rate must be a positive number, got ${learningRate}`);
    }
  }

  /** The numbers of step `step` (1 for the first) at a learning rate. */
  protected abstract rule(step: number, learningRate: number): StepRule;
  /** Whether slow weights are kept. */
  protected abstract readonly slowWeights: boolean;

  /**
   * Takes one step. Variables without a gradient are left alone, as PyTorch does.
   *
   * @throws {RangeError} when a variable that had a gradient in earlier steps has none
   */
  applyGradients(gradients: tf.NamedTensorMap | { name: string; tensor: tf.Tensor }[]): void {
    const byName = new Map<string, tf.Tensor>();
    const pairs = Array.isArray(gradients)
      ? gradients.map(({ name, tensor }) => [name, tensor] as const)
      : Object.entries(gradients);
    for (const [name, tensor] of pairs) if (tensor) byName.set(name, tensor);
    this.admit([...byName.keys()].filter((name) => !this.groupOf.has(name)));
    for (const group of this.groups) {
      tf.tidy(() => this.stepGroup(group, group.members.map((m) => gradientOf(m, byName))));
    }
    this.incrementIterations();
  }

  private stepGroup(group: Group, gradients: tf.Tensor[]): void {
    const variables = group.members.map((m) => m.variable);
    if (this.slowWeights && !group.slow) group.slow = tf.keep(tf.clone(pack(variables)));
    const { lookahead, ...attrs } = this.rule(++group.step, this.learningRate * group.rateFactor);
    const step = hasAdamSteps() ? adamSteps : packedSteps;
    const { parameters, state } = step(variables, gradients, group, { ...attrs, lookahead });
    group.mean = replace(group.mean, state.mean);
    group.square = replace(group.square, state.square);
    if (group.slow && state.slow) group.slow = replace(group.slow, state.slow);
    parameters.forEach((t, i) => variables[i].assign(t));
  }

  /** Makes groups for variables seen for the first time, with restored state where there is some. */
  private admit(names: string[]): void {
    const limit = hasAdamSteps() ? Infinity : hasFusedAdamStep() ? 0 : GROUP_SIZE;
    let members: Member[] = [];
    let size = 0;
    const flush = () => {
      if (members.length > 0) this.addGroup(members);
      members = [];
      size = 0;
    };
    const stepOf = (name: string) => this.restored?.steps[name] ?? 0;
    for (const full of names) {
      const variable = tf.engine().registeredVariables[full];
      if (!variable) throw new RangeError(`there is a gradient for "${full}" but no such variable`);
      const name = stateName(full);
      if (this.groups.some((g) => g.members.some((m) => m.name === name))) {
        throw new RangeError(`two variables have the state_dict name "${name}"`);
      }
      const together = members.length > 0 && size + variable.size <= limit &&
        stepOf(members[0].name) === stepOf(name) &&
        this.rateFactor(members[0].name) === this.rateFactor(name);
      if (!together) flush();
      members.push({ variable, name });
      size += variable.size;
    }
    flush();
  }

  private addGroup(members: Member[]): void {
    const steps = this.restored?.steps[members[0].name] ?? 0;
    const rateFactor = this.rateFactor(members[0].name);
    if (!(rateFactor > 0 && Number.isFinite(rateFactor))) {
      throw new RangeError(
        `the learning rate's factor of "${members[0].name}" must be positive, got ${rateFactor}`,
      );
    }
    const flat = (slot: Slot) => {
      const size = members.reduce((sum, m) => sum + m.variable.size, 0);
      const values = new Float32Array(size);
      let at = 0;
      for (const { name, variable } of members) {
        const saved = this.restored?.tensors[`${name}.${slot}`];
        if (saved && saved.length !== variable.size) {
          throw new RangeError(
            `the saved ${name}.${slot} has ${saved.length} values, the variable ${variable.size}`,
          );
        }
        if (saved) values.set(saved, at);
        at += variable.size;
      }
      return tf.keep(tf.tensor(values, members.length === 1 ? members[0].variable.shape : [size]));
    };
    const group: Group = {
      members,
      rateFactor,
      step: steps,
      mean: flat("exp_avg"),
      square: flat("exp_avg_sq"),
      slow: this.slowWeights && steps > 0 ? flat("slow_buffer") : null,
    };
    this.groups.push(group);
    for (const { variable } of members) this.groupOf.set(variable.name, group);
  }

  /** The state of every parameter, by its state_dict name; independent of how it is packed. */
  async saveState(): Promise<OptimizerState> {
    const state: OptimizerState = { steps: {}, tensors: {} };
    for (const { members, step, mean, square, slow } of this.groups) {
      const slots: [Slot, tf.Tensor | null][] = [
        ["exp_avg", mean],
        ["exp_avg_sq", square],
        ["slow_buffer", slow],
      ];
      for (const [slot, tensor] of slots) {
        if (!tensor) continue;
        const values = await tensor.data() as Float32Array;
        let at = 0;
        for (const { name, variable } of members) {
          state.tensors[`${name}.${slot}`] = values.slice(at, at += variable.size);
        }
      }
      for (const { name } of members) state.steps[name] = step;
    }
    return state;
  }

  /**
   * Goes on from `state`: the next steps equal those that the saved optimizer would have taken.
   * Sizes are checked when the variables are seen, in the next step.
   */
  restoreState(state: OptimizerState): void {
    this.clear();
    this.restored = state;
    this.iterations_ = Math.max(0, ...Object.values(state.steps));
  }

  override dispose(): void {
    this.clear();
  }

  private clear(): void {
    for (const { mean, square, slow } of this.groups) {
      mean.dispose();
      square.dispose();
      slow?.dispose();
    }
    this.groups = [];
    this.groupOf.clear();
    this.restored = null;
  }
}

/** @throws {RangeError} for betas outside [0, 1), or a negative epsilon or weight decay */
export function checkAdamSettings(
  betas: readonly [number, number],
  epsilon: number,
  weightDecay: number,
): void {
  if (!betas.every((beta) => beta >= 0 && beta < 1)) {
    throw new RangeError(`betas must be in [0, 1), got [${betas}]`);
  }
  if (!(epsilon > 0)) throw new RangeError(`epsilon must be positive, got ${epsilon}`);
  if (!(weightDecay >= 0)) throw new RangeError(`weight decay must be >= 0, got ${weightDecay}`);
}

/** `model3/encoder.conv.weight` to `encoder.conv.weight`. */
function stateName(variable: string): string {
  return variable.slice(variable.lastIndexOf("/") + 1);
}

function gradientOf({ variable }: Member, byName: Map<string, tf.Tensor>): tf.Tensor {
  const gradient = byName.get(variable.name);
  if (!gradient) throw new RangeError(`variable "${variable.name}" has no gradient in this step`);
  return gradient;
}
