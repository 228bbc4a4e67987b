/** The components of a run mask, each drawn in its own box, and the parts of one. */
import { labelRuns, type RunMask } from "../annotation/mod.ts";

/** A component: the box around it and its runs. Ends are exclusive. */
export interface Box {
  top: number;
  bottom: number;
  left: number;
  right: number;
  /** Indices of the component's runs, and the row of each. */
  runs: number[];
  rows: number[];
}

/** Pixels in a box of the image. */
export interface Part {
  top: number;
  left: number;
  height: number;
  width: number;
  /** 0/1, row-major. */
  mask: Uint8Array;
}

/** The 8-connected components in the order of their first pixel. */
export function boxesOf(runs: RunMask): Box[] {
  const { labels, count } = labelRuns(runs);
  const boxes = Array.from({ length: count }, (): Box => ({
    top: Infinity,
    bottom: 0,
    left: Infinity,
    right: 0,
    runs: [],
    rows: [],
  }));
  for (let y = 0; y < runs.height; y++) {
    for (let i = runs.rowStart[y]; i < runs.rowStart[y + 1]; i++) {
      const box = boxes[labels[i]];
      if (box.runs.length === 0) box.top = y;
      box.bottom = y + 1;
      if (runs.start[i] < box.left) box.left = runs.start[i];
      if (runs.end[i] > box.right) box.right = runs.end[i];
      box.runs.push(i);
      box.rows.push(y);
    }
  }
  return boxes;
}

/** A component as pixels. */
export function drawBox(runs: RunMask, box: Box): Part {
  const { top, left } = box, height = box.bottom - top, width = box.right - left;
  const mask = new Uint8Array(height * width);
  box.runs.forEach((run, i) => {
    const row = (box.rows[i] - top) * width - left;
    mask.fill(1, row + runs.start[run], row + runs.end[run]);
  });
  return { top, left, height, width, mask };
}

/** The regions of a component, each in its own box, in the order of their first pixel. */
export function partsOf(
  whole: Part,
  regions: { labels: Uint32Array; count: number },
): Part[] {
  const { labels, count } = regions, { width } = whole;
  if (count <= 1) return [whole];
  const top = new Int32Array(count + 1).fill(-1), bottom = new Int32Array(count + 1);
  const left = new Int32Array(count + 1).fill(width), right = new Int32Array(count + 1);
  const order: number[] = [];
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (label === 0) continue;
    const y = Math.floor(i / width), x = i % width;
    if (top[label] < 0) {
      top[label] = y;
      order.push(label);
    }
    bottom[label] = y + 1;
    if (x < left[label]) left[label] = x;
    if (x >= right[label]) right[label] = x + 1;
  }
  return order.map((label) => {
    const out = new Uint8Array((bottom[label] - top[label]) * (right[label] - left[label]));
    for (let y = top[label], o = 0; y < bottom[label]; y++) {
      for (let x = left[label]; x < right[label]; x++) {
        out[o++] = labels[y * width + x] === label ? 1 : 0;
      }
    }
    return {
      top: whole.top + top[label],
      left: whole.left + left[label],
      height: bottom[label] - top[label],
      width: right[label] - left[label],
      mask: out,
    };
  });
}
