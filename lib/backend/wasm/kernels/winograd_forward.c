// The 3 x 3 convolution with stride 1 by Winograd's filtering, and its input gradient, which is the same
// with the filter flipped and transposed.
#include "activation.h"
#include "tile.h"
#include "winograd.h"

// Evaluates blocks [begin, end) of 8 outputs of a filter to [POINTS][block][in][8]. The filter lies as
// [9][in][out], or when flipped as [9 from the last][out][in].
EXPORT(winograd_pack)
(const float *filter, float *packed, int in, int out, int flipped, int begin, int end) {
  int blocks = (out + COLUMNS - 1) / COLUMNS;
  int from_in = flipped ? 1 : out, from_out = flipped ? in : 1;
  for (int block = begin; block < end; block++) {
    for (int c = 0; c < in; c++) {
      UNROLL
      for (int v = 0; v < VECTORS; v++) {
        int o = block * COLUMNS + 4 * v, lanes = out - o;
        f4 e[3 * SIDE];
        UNROLL
        for (int s = 0; s < 3; s++) {
          f4 g[3];
          UNROLL
          for (int r = 0; r < 3; r++) {
            int tap = 3 * r + s;
            const float *p = filter + (flipped ? 8 - tap : tap) * in * out + c * from_in + o * from_out;
            if (!flipped) {
              g[r] = lanes >= 4 ? load(p) : load_part(p, lanes);
            } else {
              g[r] = splat(0.0f);
              if (lanes > 0) g[r][0] = p[0];
              if (lanes > 1) g[r][1] = p[from_out];
              if (lanes > 2) g[r][2] = p[2 * from_out];
              if (lanes > 3) g[r][3] = p[3 * from_out];
            }
          }
          evaluate_filter(g[0], g[1], g[2], e + s, 3);
        }
        float *to = packed + (block * in + c) * COLUMNS + 4 * v;
        UNROLL
        for (int r = 0; r < SIDE; r++) {
          f4 row[SIDE];
          evaluate_filter(e[3 * r], e[3 * r + 1], e[3 * r + 2], row, 1);
          UNROLL
          for (int s = 0; s < SIDE; s++) store(to + (r * SIDE + s) * blocks * in * COLUMNS, row[s]);
        }
      }
    }
  }
}

// Rows of tiles [n, n + ROWS) below `count` of one point's product, one block of outputs.
INLINE void product(const float *v, const float *w, float *m, int n, int count, int in, int depth,
                    int columns, const int vectors) {
  const float *p[ROWS];
  f4 acc[ROWS][VECTORS];
  UNROLL
  for (int i = 0; i < ROWS; i++) {
    p[i] = v + (n + i < count ? n + i : count - 1) * depth;
    UNROLL
    for (int j = 0; j < vectors; j++) acc[i][j] = splat(0.0f);
  }
  multiply(acc, p, w, in, vectors);
  UNROLL
  for (int i = 0; i < ROWS; i++) {
    if (n + i < count) {
      UNROLL
      for (int j = 0; j < vectors; j++) store(m + (n + i) * columns + 4 * j, acc[i][j]);
    }
  }
}

// Interpolates tiles [first, first + count) from m [POINTS][count][columns] and writes them.
INLINE void write_tiles(const float *m, const float *bias, float *y, Grid g, int first, int count,
                        int columns, int stride, int activation) {
  for (int t = 0; t < count; t++) {
    int tile = first + t, tx = tile % g.tiles_x, rest = tile / g.tiles_x;
    int ty = rest % g.tiles_y;
    int rows = g.height - ty * TILE, width = g.width - tx * TILE;
    float *to = y + ((rest / g.tiles_y * g.height + ty * TILE) * g.width + tx * TILE) * g.channels;
    for (int c = 0; c < g.channels; c += 4) {
      int lanes = g.channels - c;
      f4 b = bias ? load_part(bias + c, lanes) : splat(0.0f);
      f4 e[TILE * SIDE];
      UNROLL
      for (int s = 0; s < SIDE; s++) {
        f4 column[SIDE];
        UNROLL
        for (int r = 0; r < SIDE; r++) column[r] = load(m + (r * SIDE + s) * stride + t * columns + c);
        interpolate(column, e + s, 1, SIDE);
      }
      UNROLL
      for (int r = 0; r < TILE; r++) {
        f4 row[TILE];
        interpolate(e + r * SIDE, row, 1, 1);
        UNROLL
        for (int s = 0; s < TILE; s++) {
          f4 value = row[s] + b;
          float *out = to + (r * g.width + s) * g.channels + c;
          if (r < rows && s < width) {
            if (lanes >= 4) store(out, value);
            else store_part(out, value, lanes);
          }
        }
      }
    }
    for (int r = 0; activation && r < rows && r < TILE; r++) {
      int pixels = width < TILE ? width : TILE;
      activate_in_place(to + r * g.width * g.channels, pixels * g.channels, activation);
    }
  }
}

// Panels [begin, end) of ROWS tiles each, of all samples together, `group` panels at a time. Scratch:
//   POINTS * (group * ROWS * (in rounded up to 4 + out rounded up to 8) + 32) + POINTS * in rounded up
EXPORT(winograd_forward)
(const float *x, const float *packed, const float *bias, float *y, float *scratch, int samples,
 int height, int width, int in, int out_height, int out_width, int out, int pad_top, int pad_left,
 int group, int activation, int begin, int end) {
  int tiles_y = (out_height + TILE - 1) / TILE, tiles_x = (out_width + TILE - 1) / TILE;
  Grid inputs = {height, width, in, tiles_y, tiles_x, pad_top, pad_left};
  Grid outputs = {out_height, out_width, out, tiles_y, tiles_x, 0, 0};
  int depth = whole(in), blocks = (out + COLUMNS - 1) / COLUMNS, columns = blocks * COLUMNS;
  // One cache line more, so that the points do not all fall on the same set of the cache.
  int v_stride = group * ROWS * depth + 16, m_stride = group * ROWS * columns + 16;
  float *v = scratch, *m = v + POINTS * v_stride, *patch = m + POINTS * m_stride;
  int tiles = samples * tiles_y * tiles_x;
  for (int panel = begin; panel < end; panel += group) {
    int first = panel * ROWS;
    int last = (panel + group < end ? panel + group : end) * ROWS;
    int count = (last < tiles ? last : tiles) - first;
    evaluate_tiles(x, v, patch, inputs, first, count, v_stride);
    for (int point = 0; point < POINTS; point++) {
      for (int block = 0; block < blocks; block++) {
        const float *w = packed + (point * blocks + block) * in * COLUMNS;
        float *to = m + point * m_stride + block * COLUMNS;
        for (int n = 0; n < count; n += ROWS) {
          if (out - block * COLUMNS > 4) {
            product(v + point * v_stride, w, to, n, count, in, depth, columns, 2);
          } else {
            product(v + point * v_stride, w, to, n, count, in, depth, columns, 1);
          }
        }
      }
    }
    write_tiles(m, bias, y, outputs, first, count, columns, m_stride, activation);
  }
}
