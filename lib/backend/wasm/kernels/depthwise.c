// The depthwise convolution and its gradients, four channels at a time.
#include "simd.h"

enum { WIDEST = 7 };

// Output pixels of a register block.
enum { PIXELS = 4 };

// Output pixels [x, x + count) of one row; all windows lie inside the image sideways. `rows` filter
// rows from `w` on meet the image rows from `image` on.
INLINE void forward_block(const float *image, const float *w, f4 bias, float *y, int channels,
                          int rows, int kw, int row_step, int tap_step, int pixel_step,
                          const int count, int relu) {
  f4 acc[PIXELS];
  UNROLL
  for (int i = 0; i < count; i++) acc[i] = bias;
  for (int ky = 0; ky < rows; ky++, image += row_step) {
    const float *p = image;
    for (int kx = 0; kx < kw; kx++, p += tap_step, w += channels) {
      f4 f = load(w);
      UNROLL
      for (int i = 0; i < count; i++) acc[i] = madd(f, load(p + i * pixel_step), acc[i]);
    }
  }
  UNROLL
  for (int i = 0; i < count; i++) {
    store(y + i * channels, relu ? max4(acc[i], splat(0.0f)) : acc[i]);
  }
}

// One output pixel whose window may leave the image, or of fewer than four channels.
INLINE f4 forward_edge(const float *image, const float *w, f4 sum, int width, int channels,
                       int rows, int kw, int row_step, int dil_x, int x, int lanes) {
  for (int ky = 0; ky < rows; ky++, image += row_step) {
    for (int kx = 0; kx < kw; kx++, w += channels) {
      int ix = x + kx * dil_x;
      if (ix >= 0 && ix < width) {
        sum += load_part(w, lanes) * load_part(image + ix * channels, lanes);
      }
    }
  }
  return sum;
}

// y [B, out_height, out_width, channels] for output rows [begin, end) of all samples together.
EXPORT(depthwise_forward)
(const float *x, const float *w, const float *bias, float *y, int height, int width, int channels,
 int out_height, int out_width, int kh, int kw, int sy, int sx, int dil_y, int dil_x, int pad_top,
 int pad_left, int relu, int begin, int end) {
  int reach = (kw - 1) * dil_x;
  // Outputs [low, high) see only pixels inside the image.
  int low = pad_left > 0 ? (pad_left + sx - 1) / sx : 0;
  int high = width - 1 - reach + pad_left >= 0 ? (width - 1 - reach + pad_left) / sx + 1 : 0;
  if (high > out_width) high = out_width;
  if (low > high) low = high;
  for (int row = begin; row < end; row++) {
    int sample = row / out_height, top = (row % out_height) * sy - pad_top;
    int first = top < 0 ? (-top + dil_y - 1) / dil_y : 0;
    int last = top + (kh - 1) * dil_y >= height ? (height - 1 - top + dil_y) / dil_y : kh;
    int rows = last > first ? last - first : 0;
    const float *image = x + (sample * height + top + first * dil_y) * width * channels;
    const float *filter = w + first * kw * channels;
    float *out = y + row * out_width * channels;
    int row_step = dil_y * width * channels, tap = dil_x * channels, pixel = sx * channels;
    for (int c = 0; c < channels; c += 4) {
      int lanes = channels - c;
      f4 b = bias ? load_part(bias + c, lanes) : splat(0.0f);
      for (int ox = 0; ox < out_width;) {
        int left = ox * sx - pad_left;
        const float *p = image + left * channels + c;
        int inside = lanes >= 4 && ox >= low && ox < high;
        if (inside && ox + PIXELS <= high) {
          forward_block(p, filter + c, b, out + ox * channels + c, channels, rows, kw, row_step,
                        tap, pixel, PIXELS, relu);
          ox += PIXELS;
        } else if (inside) {
          forward_block(p, filter + c, b, out + ox * channels + c, channels, rows, kw, row_step,
                        tap, pixel, 1, relu);
          ox++;
        } else {
          f4 sum = forward_edge(image + c, filter + c, b, width, channels, rows, kw, row_step,
                                dil_x, left, lanes);
          store_part(out + ox * channels + c, relu ? max4(sum, splat(0.0f)) : sum, lanes);
          ox++;
        }
      }
    }
  }
}

// One image row of the input gradient for four channels (or fewer).
INLINE void input_row(const float *dy, const float *w, float *dx, int width, int channels,
                      int out_height, int out_width, int kh, int kw, int sy, int sx, int dil_y,
                      int dil_x, int pad_top, int pad_left, int y, int lanes) {
  for (int x = 0; x < width; x++) {
    f4 acc = splat(0.0f);
    for (int ky = 0; ky < kh; ky++) {
      int ty = y + pad_top - ky * dil_y;
      if (ty < 0 || ty % sy) continue;
      int oy = ty / sy;
      if (oy >= out_height) continue;
      for (int kx = 0; kx < kw; kx++) {
        int tx = x + pad_left - kx * dil_x;
        if (tx < 0 || tx % sx) continue;
        int ox = tx / sx;
        if (ox >= out_width) continue;
        const float *g = dy + (oy * out_width + ox) * channels;
        const float *f = w + (ky * kw + kx) * channels;
        if (lanes >= 4) acc = madd(load(g), load(f), acc);
        else acc += load_part(g, lanes) * load_part(f, lanes);
      }
    }
    if (lanes >= 4) store(dx + x * channels, acc);
    else store_part(dx + x * channels, acc, lanes);
  }
}

// dx [B, height, width, channels] for rows [begin, end) of all samples together.
EXPORT(depthwise_input_gradient)
(const float *dy, const float *w, float *dx, int height, int width, int channels, int out_height,
 int out_width, int kh, int kw, int sy, int sx, int dil_y, int dil_x, int pad_top, int pad_left,
 int begin, int end) {
  for (int row = begin; row < end; row++) {
    int sample = row / height, y = row % height;
    const float *g = dy + sample * out_height * out_width * channels;
    float *out = dx + row * width * channels;
    int c = 0;
    for (; c + 4 <= channels; c += 4) {
      input_row(g + c, w + c, out + c, width, channels, out_height, out_width, kh, kw, sy, sx,
                dil_y, dil_x, pad_top, pad_left, y, 4);
    }
    if (c < channels) {
      input_row(g + c, w + c, out + c, width, channels, out_height, out_width, kh, kw, sy, sx,
                dil_y, dil_x, pad_top, pad_left, y, channels - c);
    }
  }
}

// Adds to dw the products of one output row with one input row, for `taps` (a constant) filter columns.
INLINE void filter_row(const float *x, const float *dy, float *dw, int width, int channels,
                       int out_width, int sx, int dil_x, int pad_left, int kx, const int taps,
                       int lanes) {
  f4 acc[WIDEST];
  UNROLL
  for (int t = 0; t < taps; t++) acc[t] = splat(0.0f);
  // Outputs [low, high) see only pixels inside the image.
  int left = kx * dil_x - pad_left, right = left + (taps - 1) * dil_x;
  int low = left < 0 ? (-left + sx - 1) / sx : 0;
  int high = right < width ? (width - 1 - right) / sx + 1 : 0;
  if (low > out_width) low = out_width;
  if (high > out_width) high = out_width;
  if (high < low) high = low;
  for (int ox = 0; ox < out_width; ox++) {
    if (ox == low && lanes >= 4) {
      for (; ox < high; ox++) {
        f4 g = load(dy + ox * channels);
        const float *p = x + (ox * sx + left) * channels;
        UNROLL
  for (int t = 0; t < taps; t++) acc[t] = madd(g, load(p + t * dil_x * channels), acc[t]);
      }
      if (ox >= out_width) break;
    }
    f4 g = load_part(dy + ox * channels, lanes);
    UNROLL
  for (int t = 0; t < taps; t++) {
      int ix = ox * sx + left + t * dil_x;
      if (ix >= 0 && ix < width) acc[t] += g * load_part(x + ix * channels, lanes);
    }
  }
  UNROLL
  for (int t = 0; t < taps; t++) {
    float *out = dw + (kx + t) * channels;
    store_part(out, load_part(out, lanes) + acc[t], lanes);
  }
}

// Adds to dw [kh, kw, channels] the gradient from output rows [begin, end) of all samples together.
EXPORT(depthwise_filter_gradient)
(const float *x, const float *dy, float *dw, int height, int width, int channels, int out_height,
 int out_width, int kh, int kw, int sy, int sx, int dil_y, int dil_x, int pad_top, int pad_left,
 int begin, int end) {
  for (int row = begin; row < end; row++) {
    int sample = row / out_height, oy = row % out_height;
    for (int ky = 0; ky < kh; ky++) {
      int iy = oy * sy - pad_top + ky * dil_y;
      if (iy < 0 || iy >= height) continue;
      const float *image = x + (sample * height + iy) * width * channels;
      const float *g = dy + row * out_width * channels;
      float *target = dw + ky * kw * channels;
      for (int c = 0; c < channels; c += 4) {
        int lanes = channels - c < 4 ? channels - c : 4;
        int kx = 0;
        for (; kx + 5 <= kw; kx += 5) {
          filter_row(image + c, g + c, target + c, width, channels, out_width, sx, dil_x, pad_left,
                     kx, 5, lanes);
        }
        for (; kx + 3 <= kw; kx += 3) {
          filter_row(image + c, g + c, target + c, width, channels, out_width, sx, dil_x, pad_left,
                     kx, 3, lanes);
        }
        for (; kx < kw; kx++) {
          filter_row(image + c, g + c, target + c, width, channels, out_width, sx, dil_x, pad_left,
                     kx, 1, lanes);
        }
      }
    }
  }
}
