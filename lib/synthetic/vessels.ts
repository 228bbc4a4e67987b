/** Vessels: rings of wall around a lumen, of the size of crypts and none of them. */
import type { Random } from "../base/mod.ts";
import type { Canvas } from "./canvas.ts";
import type { Obstacle } from "./crypts.ts";
import { paintSpindle } from "./cells.ts";
import type { SlidePlan } from "./plan.ts";
import type { Zones } from "./zones.ts";

/** Vessels and lymphoid clusters of one image. */
export function placeObstacles(
  plan: SlidePlan,
  zones: Zones,
  random: Random,
): { vessels: Obstacle[]; clusters: Obstacle[] } {
  const area = zones.width * zones.height / 1e6;
  const vessels: Obstacle[] = [], clusters: Obstacle[] = [];
  const place = (list: Obstacle[], density: number, radius: () => number, everywhere: boolean) => {
    for (let left = Math.round(density * area); left > 0; left--) {
      for (let attempt = 0; attempt < 30; attempt++) {
        const o = {
          x: random.uniform(0, zones.width),
          y: random.uniform(0, zones.height),
          radius: radius(),
        };
        const up = zones.toMuscle(o.x, o.y);
        const roomy = everywhere ? up > o.radius || up < -o.radius - 30 : up > o.radius;
        const apart = [...vessels, ...clusters].every((p) =>
          Math.hypot(p.x - o.x, p.y - o.y) > p.radius + o.radius + 12
        );
        if (!roomy || !apart || zones.depth(o.x, o.y) < o.radius + 25) continue;
        list.push(o);
        break;
      }
    }
  };
  place(clusters, plan.lymphoid, () => random.uniform(42, 70), false);
  place(vessels, plan.vessels, () => random.uniform(20, 38), true);
  place(vessels, 16, () => random.uniform(6, 12), true);
  return { vessels, clusters };
}

/** Paints one vessel: adventitia, muscular wall, endothelium, lumen with or without blood. */
export function paintVessel(canvas: Canvas, vessel: Obstacle, random: Random): void {
  const { x, y, radius } = vessel;
  const angle = random.uniform(0, Math.PI);
  const flat = radius < 14 ? random.uniform(0.35, 0.9) : random.uniform(0.5, 1);
  const wall = radius < 14 ? 2.2 : random.uniform(0.2, 0.38) * radius;
  canvas.ellipse(x, y, radius + 1.5, (radius + 1.5) * flat, angle, {
    haematoxylin: 0.04,
    eosin: 0.16,
    cover: 0.8,
    softness: 4,
    wobble: 0.2,
    label: 0,
  });
  // Concentric layers, alternately denser and paler, make the muscle's lamellae.
  const layers = Math.max(1, Math.round(wall / 1.6));
  for (let k = 0; k < layers; k++) {
    const r = radius - wall * k / layers;
    canvas.ellipse(x, y, r, r * flat, angle, {
      haematoxylin: 0.1,
      eosin: k % 2 ? 0.3 : 0.45,
      grain: 0.3,
      cover: 0.9,
      softness: 1,
      wobble: 0.2,
      label: 0,
    });
  }
  const inner = radius - wall;
  canvas.ellipse(x, y, inner, inner * flat, angle, {
    haematoxylin: 0.01,
    eosin: 0.03,
    cover: 1,
    wobble: 0.2,
    label: 0,
  });
  const ring = (r: number, spacing: number) => {
    const step = spacing / r;
    for (
      let phi = random.uniform(0, step);
      phi < 2 * Math.PI;
      phi += step * random.uniform(0.6, 1.6)
    ) {
      const u = r * Math.cos(phi), v = r * flat * Math.sin(phi);
      const tangent = angle + Math.atan2(flat * Math.cos(phi), -Math.sin(phi));
      paintSpindle(
        canvas,
        x + u * Math.cos(angle) - v * Math.sin(angle),
        y + u * Math.sin(angle) + v * Math.cos(angle),
        tangent + random.normal(0, 0.12),
        random,
      );
    }
  };
  if (random.next() < 0.85) paintBlood(canvas, x, y, inner, inner * flat, angle, random);
  ring(inner + 0.8, radius < 14 ? 16 : 12);
  if (radius >= 14) { for (let r = inner + 5; r < radius; r += 4.5) ring(r, 15); }
}

function paintBlood(
  canvas: Canvas,
  x: number,
  y: number,
  a: number,
  b: number,
  angle: number,
  random: Random,
): void {
  const full = random.uniform(0.5, 1);
  const cells = Math.round(full * a * b * Math.PI / 16);
  for (let n = 0; n < cells; n++) {
    const phi = random.uniform(0, 2 * Math.PI);
    const r = Math.sqrt(random.next()) * (1 - 2.6 / b);
    if (r <= 0) continue;
    const u = a * r * Math.cos(phi), v = b * r * Math.sin(phi);
    canvas.ellipse(
      x + u * Math.cos(angle) - v * Math.sin(angle),
      y + u * Math.sin(angle) + v * Math.cos(angle),
      random.uniform(2.2, 3),
      random.uniform(1.8, 2.6),
      random.uniform(0, Math.PI),
      {
        haematoxylin: 0.02,
        eosin: random.uniform(0.5, 0.85),
        rim: 0.3,
        cover: 0.85,
        softness: 0.8,
        label: 0,
      },
    );
  }
}
