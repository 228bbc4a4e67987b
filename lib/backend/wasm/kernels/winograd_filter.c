// The filter gradient of the 3 x 3 convolution with stride 1 by Winograd's filtering.
#include "tile.h"
#include "winograd.h"

// Evaluates the outputs' gradient of tiles [first, first + count) to e [POINTS][count][columns].
INLINE void evaluate_gradients(const float *dy, float *e, float *patch, Grid g, int first, int count,
                               int columns, int stride) {
  for (int t = 0; t < count; t++) {
    int tile = first + t, tx = tile % g.tiles_x, rest = tile / g.tiles_x;
    int top = (rest % g.tiles_y) * TILE, left = tx * TILE;
    const float *image = dy + rest / g.tiles_y * g.height * g.width * g.channels;
    const float *from = image + (top * g.width + left) * g.channels;
    int line = g.width * g.channels, depth = whole(g.channels);
    if (top + TILE > g.height || left + TILE > g.width || depth > g.channels) {
      copy_patch(image, patch, g.height, g.width, g.channels, top, left, TILE, TILE, depth);
      from = patch;
      line = TILE * depth;
    }
    for (int c = 0; c < depth; c += 4) {
      f4 rows[TILE * SIDE];
      UNROLL
      for (int s = 0; s < TILE; s++) {
        const float *p = from + s * depth + c;
        evaluate_gradient(load(p), load(p + line), load(p + 2 * line), load(p + 3 * line), rows + s,
                          TILE);
      }
      UNROLL
      for (int r = 0; r < SIDE; r++) {
        const f4 *row = rows + r * TILE;
        f4 points[SIDE];
        evaluate_gradient(row[0], row[1], row[2], row[3], points, 1);
        UNROLL
        for (int s = 0; s < SIDE; s++) store(e + (r * SIDE + s) * stride + t * columns + c, points[s]);
      }
    }
  }
}

// m [POINTS][in rounded up to 4][out rounded up to 8] becomes the products of panels [begin, end) of
// ROWS tiles each, `group` panels at a time. Scratch as in winograd_forward.
EXPORT(winograd_filter_products)
(const float *x, const float *dy, float *m, float *scratch, int samples, int height, int width, int in,
 int out_height, int out_width, int out, int pad_top, int pad_left, int group, int begin, int end) {
  int tiles_y = (out_height + TILE - 1) / TILE, tiles_x = (out_width + TILE - 1) / TILE;
  Grid inputs = {height, width, in, tiles_y, tiles_x, pad_top, pad_left};
  Grid outputs = {out_height, out_width, out, tiles_y, tiles_x, 0, 0};
  int depth = whole(in), blocks = (out + COLUMNS - 1) / COLUMNS, columns = blocks * COLUMNS;
  int v_stride = group * ROWS * depth + 16, e_stride = group * ROWS * columns + 16;
  float *v = scratch, *e = v + POINTS * v_stride, *patch = e + POINTS * e_stride;
  int tiles = samples * tiles_y * tiles_x;
  for (int panel = begin; panel < end; panel += group) {
    int first = panel * ROWS, add = panel > begin;
    int last = (panel + group < end ? panel + group : end) * ROWS;
    int count = (last < tiles ? last : tiles) - first;
    evaluate_tiles(x, v, patch, inputs, first, count, v_stride);
    evaluate_gradients(dy, e, patch, outputs, first, count, columns, e_stride);
    for (int point = 0; point < POINTS; point++) {
      for (int o = 0; o < out; o += COLUMNS) {
        const float *images = v + point * v_stride, *gradients = e + point * e_stride + o;
        float *to = m + point * depth * columns + o;
        if (out - o > 4) outer_rows(images, gradients, to, count, depth, depth, columns, columns, add, 2);
        else outer_rows(images, gradients, to, count, depth, depth, columns, columns, add, 1);
      }
    }
  }
}

// dw [9][in][out] of input channels [begin, end) from the sum of `copies` of m, `size` floats apart.
EXPORT(winograd_filter_taps)
(const float *m, float *dw, int copies, int size, int in, int out, int begin, int end) {
  int columns = (out + COLUMNS - 1) / COLUMNS * COLUMNS, stride = whole(in) * columns;
  for (int i = begin; i < end; i++) {
    for (int o = 0; o < out; o += 4) {
      int lanes = out - o;
      f4 e[3 * SIDE];
      UNROLL
      for (int s = 0; s < SIDE; s++) {
        f4 column[SIDE];
        UNROLL
        for (int r = 0; r < SIDE; r++) {
          const float *p = m + (r * SIDE + s) * stride + i * columns + o;
          column[r] = load(p);
          for (int copy = 1; copy < copies; copy++) column[r] += load(p + copy * size);
        }
        interpolate_taps(column, e + s, 1, SIDE);
      }
      UNROLL
      for (int r = 0; r < 3; r++) {
        f4 row[3];
        interpolate_taps(e + r * SIDE, row, 1, 1);
        UNROLL
        for (int s = 0; s < 3; s++) {
          float *to = dw + ((3 * r + s) * in + i) * out + o;
          if (lanes >= 4) store(to, row[s]);
          else store_part(to, row[s], lanes);
        }
      }
    }
  }
}
