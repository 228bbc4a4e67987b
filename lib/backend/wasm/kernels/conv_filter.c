// The filter gradient of a convolution as one blocked matrix product of packed panels.
#include "simd.h"

// A register block: input channels by output channels (in vectors of 4).
enum { ROWS = 4, VECTORS = 2, COLUMNS = 4 * VECTORS };

// Packs `rows` image rows from (y, x) on as [block][row][pixel][ROWS], zeros
// where the window leaves the image.
INLINE void pack_image(const float *image, float *packed, int height, int width, int channels,
                       int y, int x, int rows, int columns) {
  for (int first = 0; first < channels; first += ROWS) {
    int lanes = channels - first < ROWS ? channels - first : ROWS;
    for (int r = 0; r < rows; r++) {
      int iy = y + r;
      for (int c = 0; c < columns; c++, packed += ROWS) {
        int ix = x + c;
        int inside = iy >= 0 && iy < height && ix >= 0 && ix < width;
        const float *p = image + (iy * width + ix) * channels + first;
        store(packed, !inside ? splat(0.0f) : lanes == ROWS ? load(p) : load_part(p, lanes));
      }
    }
  }
}

// Packs `pixels` pixels as [block][pixel][COLUMNS].
INLINE void pack_gradient(const float *dy, float *packed, int channels, int pixels) {
  for (int first = 0; first < channels; first += COLUMNS) {
    int lanes = channels - first;
    for (int i = 0; i < pixels; i++, packed += COLUMNS) {
      const float *p = dy + i * channels + first;
      if (lanes >= COLUMNS) {
        store(packed, load(p));
        store(packed + 4, load(p + 4));
      } else {
        store(packed, load_part(p, lanes));
        store(packed + 4, load_part(p + 4, lanes - 4));
      }
    }
  }
}

// dw[ROWS x 4 * vectors] += sum over rows and pixels of x (outer product) dy.
INLINE void product(const float *x, const float *dy, float *dw, int rows, int pixels, int x_row,
                    int x_step, int channels, int valid_rows, int valid_columns,
                    const int vectors) {
  f4 acc[ROWS][VECTORS];
  UNROLL
  for (int i = 0; i < ROWS; i++)
    UNROLL
    for (int v = 0; v < vectors; v++) acc[i][v] = splat(0.0f);
  for (int r = 0; r < rows; r++) {
    const float *p = x + r * x_row;
    for (int n = 0; n < pixels; n++, p += x_step, dy += COLUMNS) {
      f4 g[VECTORS];
      UNROLL
      for (int v = 0; v < vectors; v++) g[v] = load(dy + 4 * v);
      UNROLL
      for (int i = 0; i < ROWS; i++) {
        f4 s = splat(p[i]);
        UNROLL
        for (int v = 0; v < vectors; v++) acc[i][v] = madd(s, g[v], acc[i][v]);
      }
    }
  }
  UNROLL
  for (int i = 0; i < ROWS; i++) {
    if (i < valid_rows) {
      UNROLL
      for (int v = 0; v < vectors; v++) {
        float *out = dw + i * channels + 4 * v;
        int lanes = valid_columns - 4 * v;
        if (lanes >= 4) store(out, load(out) + acc[i][v]);
        else store_part(out, load_part(out, lanes) + acc[i][v], lanes);
      }
    }
  }
}

// Adds to dw [kh, kw, in, out] the gradient from output rows [begin, end) of all samples together
// (row = sample * out_height + y), `group` of them at a time; `packed` is scratch of
//   ceil(in / 4) * 4 * ((group - 1) * stride_y + kh) * ((out_width - 1) * stride_x + kw)
//   + ceil(out / 8) * 8 * group * out_width floats.
EXPORT(conv_filter_gradient)
(const float *x, const float *dy, float *dw, float *packed, int height, int width, int in,
 int out_height, int out_width, int out, int kh, int kw, int stride_y, int stride_x, int pad_top,
 int pad_left, int group, int begin, int end) {
  int columns = (out_width - 1) * stride_x + kw;
  int blocks_in = (in + ROWS - 1) / ROWS;
  for (int first = begin; first < end;) {
    int sample = first / out_height, oy = first % out_height;
    int count = out_height - oy;
    if (count > group) count = group;
    if (count > end - first) count = end - first;
    int rows = (count - 1) * stride_y + kh;
    int pixels = count * out_width;
    float *packed_dy = packed + blocks_in * ROWS * rows * columns;
    pack_image(x + sample * height * width * in, packed, height, width, in,
               oy * stride_y - pad_top, -pad_left, rows, columns);
    pack_gradient(dy + first * out_width * out, packed_dy, out, pixels);
    for (int o = 0; o < out; o += COLUMNS) {
      const float *g = packed_dy + (o / COLUMNS) * pixels * COLUMNS;
      for (int i = 0; i < in; i += ROWS) {
        const float *image = packed + (i / ROWS) * rows * columns * ROWS;
        for (int ky = 0; ky < kh; ky++) {
          for (int kx = 0; kx < kw; kx++) {
            const float *p = image + (ky * columns + kx) * ROWS;
            float *target = dw + ((ky * kw + kx) * in + i) * out + o;
            int x_row = stride_y * columns * ROWS, x_step = stride_x * ROWS;
            if (out - o > 4) {
              product(p, g, target, count, out_width, x_row, x_step, out, in - i, out - o, 2);
            } else {
              product(p, g, target, count, out_width, x_row, x_step, out, in - i, out - o, 1);
            }
          }
        }
      }
    }
    first += count;
  }
}
