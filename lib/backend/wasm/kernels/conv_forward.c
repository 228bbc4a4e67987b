// The convolution itself: a packed filter times blocks of output pixels. Its input gradient is the
// same thing with the filter flipped and transposed and zeros between the pixels of a strided one.
#include "activation.h"
#include "tile.h"

// Packs blocks [begin, end) of a filter [taps, in, out] as [block of 8 out][tap][in][8].
EXPORT(conv_pack_filter)(const float *filter, float *packed, int taps, int in, int out, int begin, int end) {
  for (int block = begin; block < end; block++) {
    float *to = packed + block * taps * in * COLUMNS;
    int lanes = out - block * COLUMNS;
    const float *from = filter + block * COLUMNS;
    for (int k = 0; k < taps * in; k++, from += out, to += COLUMNS) {
      if (lanes >= COLUMNS) {
        store(to, load(from));
        store(to + 4, load(from + 4));
      } else {
        store(to, load_part(from, lanes));
        store(to + 4, load_part(from + 4, lanes - 4));
      }
    }
  }
}

// The same for the flipped, transposed filter: [block of 8 in][last tap first][out][8].
EXPORT(conv_pack_flipped)(const float *filter, float *packed, int taps, int in, int out, int begin, int end) {
  for (int block = begin; block < end; block++) {
    float *to = packed + block * taps * out * COLUMNS;
    int lanes = in - block * COLUMNS;
    for (int t = taps - 1; t >= 0; t--) {
      const float *from = filter + (t * in + block * COLUMNS) * out;
      for (int o = 0; o < out; o++, to += COLUMNS) {
        for (int l = 0; l < COLUMNS; l++) to[l] = l < lanes ? from[l * out + o] : 0.0f;
      }
    }
  }
}

// Copies rows from (y, x) of an image on, with `gap` - 1 zeros between its pixels and zeros outside.
INLINE void window(const float *image, float *to, int height, int width, int channels, int gap_y,
                   int gap_x, int y, int x, int rows, int columns) {
  for (int r = 0; r < rows; r++) {
    int vy = y + r;
    int empty = vy < 0 || vy % gap_y || vy / gap_y >= height;
    const float *row = image + (empty ? 0 : vy / gap_y) * width * channels;
    for (int c = 0; c < columns; c++, to += channels) {
      int vx = x + c;
      int i = 0;
      if (empty || vx < 0 || vx % gap_x || vx / gap_x >= width) {
        for (; i + 4 <= channels; i += 4) store(to + i, splat(0.0f));
        for (; i < channels; i++) to[i] = 0.0f;
      } else {
        const float *from = row + (vx / gap_x) * channels;
        for (; i + 4 <= channels; i += 4) store(to + i, load(from + i));
        for (; i < channels; i++) to[i] = from[i];
      }
    }
  }
}

// Output pixels n to n + ROWS - 1 (those below `count` are stored) for one block of channels.
INLINE void tile(const float *image, const float *w, const float *bias, float *y, int n, int count,
                 int out_width, int row_step, int pixel_step, int kh, int run, int image_row,
                 int channels, int lanes, const int vectors) {
  const float *p[ROWS];
  f4 acc[ROWS][VECTORS];
  int oy = n / out_width, ox = n % out_width;
  UNROLL
  for (int i = 0; i < ROWS; i++) {
    p[i] = image + oy * row_step + ox * pixel_step;
    // The last pixel again and again where there is none any more.
    if (n + i + 1 < count && ++ox == out_width) ox = 0, oy++;
    UNROLL
    for (int v = 0; v < vectors; v++) {
      acc[i][v] = bias ? load_part(bias + 4 * v, lanes - 4 * v) : splat(0.0f);
    }
  }
  for (int ky = 0; ky < kh; ky++) {
    w = multiply(acc, p, w, run, vectors);
    UNROLL
    for (int i = 0; i < ROWS; i++) p[i] += image_row;
  }
  UNROLL
  for (int i = 0; i < ROWS; i++) {
    if (n + i < count) {
      UNROLL
      for (int v = 0; v < vectors; v++) {
        float *out = y + (n + i) * channels + 4 * v;
        if (lanes - 4 * v >= 4) store(out, acc[i][v]);
        else store_part(out, acc[i][v], lanes - 4 * v);
      }
    }
  }
}

// Output rows [begin, end) of all samples together (row = sample * out_height + y), `group` at a time.
// With scratch 0 the image is used as it lies: only for 1 x 1 filters without gaps or padding.
EXPORT(conv_forward)
(const float *x, const float *packed, const float *bias, float *y, float *scratch, int height,
 int width, int in, int out_height, int out_width, int out, int kh, int kw, int stride_y,
 int stride_x, int gap_y, int gap_x, int pad_top, int pad_left, int group, int activation, int begin,
 int end) {
  int columns = (out_width - 1) * stride_x + kw;
  for (int first = begin; first < end;) {
    int sample = first / out_height, oy = first % out_height;
    int count = out_height - oy;
    if (count > group) count = group;
    if (count > end - first) count = end - first;
    const float *image = x + sample * height * width * in;
    int row = columns * in;
    if (scratch) {
      window(image, scratch, height, width, in, gap_y, gap_x, oy * stride_y - pad_top, -pad_left,
             (count - 1) * stride_y + kh, columns);
      image = scratch;
    } else {
      row = width * in;
      image += oy * stride_y * row;
    }
    float *to = y + first * out_width * out;
    int pixels = count * out_width;
    for (int o = 0; o < out; o += COLUMNS) {
      const float *w = packed + o * kh * kw * in;
      const float *b = bias ? bias + o : 0;
      for (int n = 0; n < pixels; n += ROWS) {
        if (out - o > 4) {
          tile(image, w, b, to + o, n, pixels, out_width, stride_y * row, stride_x * in, kh,
               kw * in, row, out, out - o, 2);
        } else {
          tile(image, w, b, to + o, n, pixels, out_width, stride_y * row, stride_x * in, kh,
               kw * in, row, out, out - o, 1);
        }
      }
    }
    activate_in_place(to, pixels * out, activation);
    first += count;
  }
}
