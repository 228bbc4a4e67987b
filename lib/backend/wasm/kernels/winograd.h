// Winograd's minimal filtering (Lavin and Gray 2016) for 3 x 3 filters, 4 x 4 outputs at a time: 36
// multiplications in place of 144.
//
// A tile of 6 x 6 inputs and the filter are evaluated at the points 0, A, -A, B, -B and infinity in both
// directions, multiplied point by point, summed over the channels, and interpolated back. The usual
// points 1 and 2 lose 4 bits; 3/4 and 3/2 keep the powers near 1 and lose less than one on 16 channels
// (tests/backend/winograd_test.ts measures it against float64).
//
// The filter gradient is the same evaluation with the 4 x 4 outputs' gradient in the filter's place.
#pragma once
#include "simd.h"

enum { TILE = 4, SIDE = 6, POINTS = SIDE * SIDE };

#define A 0.75f
#define B 1.5f
#define A2 (A * A)
#define B2 (B * B)
// One over the product of a point's distances from the others.
#define SCALE_0 (1.0f / (A2 * B2))
#define SCALE_A (1.0f / (2.0f * A2 * (A2 - B2)))
#define SCALE_B (1.0f / (2.0f * B2 * (B2 - A2)))

// Six inputs, evaluated at the points; `from` and `to` are the distances of vectors.
INLINE void evaluate_input(const f4 *d, f4 *v, const int from, const int to) {
  f4 d0 = d[0], d1 = d[from], d2 = d[2 * from], d3 = d[3 * from], d4 = d[4 * from], d5 = d[5 * from];
  f4 even_a = madd(d2, splat(-B2), d4), odd_a = madd(d1, splat(-B2), d3);
  f4 even_b = madd(d2, splat(-A2), d4), odd_b = madd(d1, splat(-A2), d3);
  v[0] = madd(d0, splat(A2 * B2), madd(d2, splat(-A2 - B2), d4));
  v[to] = madd(odd_a, splat(A), even_a);
  v[2 * to] = madd(odd_a, splat(-A), even_a);
  v[3 * to] = madd(odd_b, splat(B), even_b);
  v[4 * to] = madd(odd_b, splat(-B), even_b);
  v[5 * to] = madd(d1, splat(A2 * B2), madd(d3, splat(-A2 - B2), d5));
}

// Three filter taps.
INLINE void evaluate_filter(f4 g0, f4 g1, f4 g2, f4 *v, const int step) {
  f4 even_a = madd(g2, splat(A2 * SCALE_A), g0 * splat(SCALE_A)), odd_a = g1 * splat(A * SCALE_A);
  f4 even_b = madd(g2, splat(B2 * SCALE_B), g0 * splat(SCALE_B)), odd_b = g1 * splat(B * SCALE_B);
  v[0] = g0 * splat(SCALE_0);
  v[step] = even_a + odd_a;
  v[2 * step] = even_a - odd_a;
  v[3 * step] = even_b + odd_b;
  v[4 * step] = even_b - odd_b;
  v[5 * step] = g2;
}

// Four values of the outputs' gradient.
INLINE void evaluate_gradient(f4 g0, f4 g1, f4 g2, f4 g3, f4 *v, const int step) {
  f4 even_a = madd(g2, splat(A2 * SCALE_A), g0 * splat(SCALE_A));
  f4 odd_a = madd(g3, splat(A2 * A * SCALE_A), g1 * splat(A * SCALE_A));
  f4 even_b = madd(g2, splat(B2 * SCALE_B), g0 * splat(SCALE_B));
  f4 odd_b = madd(g3, splat(B2 * B * SCALE_B), g1 * splat(B * SCALE_B));
  v[0] = g0 * splat(SCALE_0);
  v[step] = even_a + odd_a;
  v[2 * step] = even_a - odd_a;
  v[3 * step] = even_b + odd_b;
  v[4 * step] = even_b - odd_b;
  v[5 * step] = g3;
}

// Four outputs from their products at the six points.
INLINE void interpolate(const f4 *m, f4 *y, const int from, const int to) {
  f4 sum_a = m[from] + m[2 * from], difference_a = m[from] - m[2 * from];
  f4 sum_b = m[3 * from] + m[4 * from], difference_b = m[3 * from] - m[4 * from];
  y[0] = m[0] + sum_a + sum_b;
  y[to] = madd(difference_a, splat(A), difference_b * splat(B));
  y[2 * to] = madd(sum_a, splat(A2), sum_b * splat(B2));
  y[3 * to] = madd(difference_a, splat(A2 * A), madd(difference_b, splat(B2 * B), m[5 * from]));
}

// Three taps of the filter gradient.
INLINE void interpolate_taps(const f4 *m, f4 *y, const int from, const int to) {
  f4 sum_a = m[from] + m[2 * from], difference_a = m[from] - m[2 * from];
  f4 sum_b = m[3 * from] + m[4 * from], difference_b = m[3 * from] - m[4 * from];
  y[0] = m[0] + sum_a + sum_b;
  y[to] = madd(difference_a, splat(A), difference_b * splat(B));
  y[2 * to] = madd(sum_a, splat(A2), madd(sum_b, splat(B2), m[5 * from]));
}

// An image [samples, height, width, channels] cut into tiles of TILE x TILE outputs, row by row.
typedef struct {
  int height, width, channels, tiles_y, tiles_x, pad_top, pad_left;
} Grid;

// Channels rounded up to whole vectors.
INLINE int whole(int channels) { return (channels + 3) & -4; }

// Copies rows x columns pixels from (y, x) of an image on, `depth` channels each, zeros outside.
INLINE void copy_patch(const float *image, float *to, int height, int width, int channels, int y,
                       int x, int rows, int columns, int depth) {
  for (int r = y; r < y + rows; r++) {
    for (int s = x; s < x + columns; s++, to += depth) {
      if (r < 0 || r >= height || s < 0 || s >= width) {
        for (int c = 0; c < depth; c += 4) store(to + c, splat(0.0f));
      } else {
        const float *p = image + (r * width + s) * channels;
        int c = 0;
        for (; c + 4 <= channels; c += 4) store(to + c, load(p + c));
        if (c < channels) store(to + c, load_part(p + c, channels - c));
      }
    }
  }
}

// Evaluates the inputs of tiles [first, first + count) to v [POINTS][count][depth], `stride` floats
// from point to point. `patch` is scratch of POINTS * depth floats, for tiles at the border.
INLINE void evaluate_tiles(const float *x, float *v, float *patch, Grid g, int first, int count,
                           int stride) {
  int depth = whole(g.channels);
  for (int t = 0; t < count; t++) {
    int tile = first + t, tx = tile % g.tiles_x, rest = tile / g.tiles_x;
    int top = (rest % g.tiles_y) * TILE - g.pad_top, left = tx * TILE - g.pad_left;
    const float *image = x + rest / g.tiles_y * g.height * g.width * g.channels;
    const float *from = image + (top * g.width + left) * g.channels;
    int line = g.width * g.channels;
    if (top < 0 || left < 0 || top + SIDE > g.height || left + SIDE > g.width || depth > g.channels) {
      copy_patch(image, patch, g.height, g.width, g.channels, top, left, SIDE, SIDE, depth);
      from = patch;
      line = SIDE * depth;
    }
    for (int c = 0; c < depth; c += 4) {
      f4 e[POINTS];
      UNROLL
      for (int s = 0; s < SIDE; s++) {
        f4 d[SIDE];
        UNROLL
        for (int r = 0; r < SIDE; r++) d[r] = load(from + r * line + s * depth + c);
        evaluate_input(d, e + s, 1, SIDE);
      }
      UNROLL
      for (int r = 0; r < SIDE; r++) {
        f4 row[SIDE];
        evaluate_input(e + r * SIDE, row, 1, 1);
        UNROLL
        for (int s = 0; s < SIDE; s++) store(v + (r * SIDE + s) * stride + t * depth + c, row[s]);
      }
    }
  }
}
