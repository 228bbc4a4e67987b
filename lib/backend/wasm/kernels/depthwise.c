// The depthwise convolution and its gradients, four channels at a time.
#include "activation.h"

enum { WIDEST = 7 };

// Output pixels of a register block.
enum { PIXELS = 4 };

// What all output pixels of a row share: `rows` filter rows of `width` taps meet the image rows, the
// steps lead to the next image row, tap and output pixel, and to the next filter row.
typedef struct {
  int rows, row_step, tap_step, pixel_step, filter_step, channels;
} Window;

// `count` (a constant) output pixels, whose windows are `taps` wide and lie inside the image.
INLINE void forward_block(const float *image, const float *w, f4 bias, float *y, Window s, int taps,
                          const int count) {
  f4 acc[PIXELS];
  UNROLL
  for (int i = 0; i < count; i++) acc[i] = bias;
  for (int ky = 0; ky < s.rows; ky++, image += s.row_step, w += s.filter_step) {
    const float *p = image, *f = w;
    for (int kx = 0; kx < taps; kx++, p += s.tap_step, f += s.channels) {
      f4 tap = load(f);
      UNROLL
      for (int i = 0; i < count; i++) acc[i] = madd(tap, load(p + i * s.pixel_step), acc[i]);
    }
  }
  UNROLL
  for (int i = 0; i < count; i++) store(y + i * s.channels, acc[i]);
}

// The same for PIXELS pixels with stride 1 and `taps` a constant: neighbours share what they load.
INLINE void forward_slide(const float *image, const float *w, f4 bias, float *y, Window s,
                          const int taps) {
  f4 acc[PIXELS];
  UNROLL
  for (int i = 0; i < PIXELS; i++) acc[i] = bias;
  for (int ky = 0; ky < s.rows; ky++, image += s.row_step, w += s.filter_step) {
    f4 f[WIDEST];
    UNROLL
    for (int k = 0; k < taps; k++) f[k] = load(w + k * s.channels);
    UNROLL
    for (int j = 0; j < taps + PIXELS - 1; j++) {
      f4 v = load(image + j * s.channels);
      UNROLL
      for (int i = 0; i < PIXELS; i++) {
        if (j - i >= 0 && j - i < taps) acc[i] = madd(f[j - i], v, acc[i]);
      }
    }
  }
  UNROLL
  for (int i = 0; i < PIXELS; i++) store(y + i * s.channels, acc[i]);
}

// One output pixel of fewer than four channels.
INLINE void forward_part(const float *image, const float *w, f4 sum, float *y, Window s, int taps,
                         int lanes) {
  for (int ky = 0; ky < s.rows; ky++, image += s.row_step, w += s.filter_step) {
    for (int kx = 0; kx < taps; kx++) {
      sum += load_part(w + kx * s.channels, lanes) * load_part(image + kx * s.tap_step, lanes);
    }
  }
  store_part(y, sum, lanes);
}

// y [B, out_height, out_width, channels] for output rows [begin, end) of all samples together.
EXPORT(depthwise_forward)
(const float *x, const float *w, const float *bias, float *y, int height, int width, int channels,
 int out_height, int out_width, int kh, int kw, int sy, int sx, int dil_y, int dil_x, int pad_top,
 int pad_left, int activation, int begin, int end) {
  int reach = (kw - 1) * dil_x;
  // Outputs [low, high) see only pixels inside the image.
  int low = pad_left > 0 ? (pad_left + sx - 1) / sx : 0;
  int high = width - 1 - reach + pad_left >= 0 ? (width - 1 - reach + pad_left) / sx + 1 : 0;
  if (high > out_width) high = out_width;
  if (low > high) low = high;
  int slides = sx == 1 && dil_x == 1;
  for (int row = begin; row < end; row++) {
    int sample = row / out_height, top = (row % out_height) * sy - pad_top;
    int first = top < 0 ? (-top + dil_y - 1) / dil_y : 0;
    int last = top + (kh - 1) * dil_y >= height ? (height - 1 - top + dil_y) / dil_y : kh;
    const float *image = x + (sample * height + top + first * dil_y) * width * channels;
    float *out = y + row * out_width * channels;
    Window s = {last > first ? last - first : 0, dil_y * width * channels, dil_x * channels,
                sx * channels, kw * channels, channels};
    for (int c = 0; c < channels; c += 4) {
      int lanes = channels - c;
      f4 b = bias ? load_part(bias + c, lanes) : splat(0.0f);
      const float *filter = w + first * kw * channels + c;
      for (int ox = 0; ox < out_width;) {
        int left = ox * sx - pad_left;
        const float *p = image + left * channels + c;
        float *to = out + ox * channels + c;
        if (lanes >= 4 && ox >= low && ox + PIXELS <= high) {
          if (slides && kw == 3) forward_slide(p, filter, b, to, s, 3);
          else if (slides && kw == 5) forward_slide(p, filter, b, to, s, 5);
          else forward_block(p, filter, b, to, s, kw, PIXELS);
          ox += PIXELS;
          continue;
        }
        // Taps [from, end_tap) see the image.
        int from = left < 0 ? (-left + dil_x - 1) / dil_x : 0;
        int end_tap = left + reach >= width ? (width - left + dil_x - 1) / dil_x : kw;
        const float *inside = p + from * s.tap_step, *f = filter + from * channels;
        if (lanes >= 4) forward_block(inside, f, b, to, s, end_tap - from, 1);
        else forward_part(inside, f, b, to, s, end_tap - from, lanes);
        ox++;
      }
    }
    activate_in_place(out, out_width * channels, activation);
  }
}

// One image row of the input gradient, without dilation: of the filter's rows and columns only every
// sy-th and sx-th meets an output.
INLINE void input_row(const float *dy, const float *w, float *dx, int width, int channels,
                      int out_height, int out_width, int kh, int kw, int sy, int sx, int pad_top,
                      int pad_left, int y) {
  int line = out_width * channels;
  for (int x = 0; x < width; x++, dx += channels) {
    // The first tap that meets an output inside the result, and that output.
    int ky = (y + pad_top) % sy, oy = (y + pad_top) / sy;
    int kx = (x + pad_left) % sx, ox = (x + pad_left) / sx;
    for (; oy >= out_height; oy--) ky += sy;
    for (; ox >= out_width; ox--) kx += sx;
    for (int c = 0; c < channels; c += 4) {
      int lanes = channels - c;
      f4 acc = splat(0.0f);
      for (int k = ky, o = oy; k < kh && o >= 0; k += sy, o--) {
        const float *f = w + (k * kw + kx) * channels + c, *g = dy + o * line + ox * channels + c;
        for (int l = kx, q = ox; l < kw && q >= 0; l += sx, q--) {
          if (lanes >= 4) acc = madd(load(g), load(f), acc);
          else acc = madd(load_part(g, lanes), load_part(f, lanes), acc);
          f += sx * channels;
          g -= channels;
        }
      }
      if (lanes >= 4) store(dx + c, acc);
      else store_part(dx + c, acc, lanes);
    }
  }
}

// The same with dilation, tap by tap.
INLINE void input_row_dilated(const float *dy, const float *w, float *dx, int width, int channels,
                              int out_height, int out_width, int kh, int kw, int sy, int sx, int dil_y,
                              int dil_x, int pad_top, int pad_left, int y) {
  for (int x = 0; x < width; x++) {
    for (int c = 0; c < channels; c++) dx[x * channels + c] = 0.0f;
    for (int ky = 0; ky < kh; ky++) {
      int ty = y + pad_top - ky * dil_y;
      if (ty < 0 || ty % sy || ty / sy >= out_height) continue;
      for (int kx = 0; kx < kw; kx++) {
        int tx = x + pad_left - kx * dil_x;
        if (tx < 0 || tx % sx || tx / sx >= out_width) continue;
        const float *g = dy + (ty / sy * out_width + tx / sx) * channels;
        const float *f = w + (ky * kw + kx) * channels;
        for (int c = 0; c < channels; c++) dx[x * channels + c] += g[c] * f[c];
      }
    }
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
    if (dil_y == 1 && dil_x == 1) {
      input_row(g, w, out, width, channels, out_height, out_width, kh, kw, sy, sx, pad_top, pad_left,
                y);
    } else {
      input_row_dilated(g, w, out, width, channels, out_height, out_width, kh, kw, sy, sx, dil_y,
                        dil_x, pad_top, pad_left, y);
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
