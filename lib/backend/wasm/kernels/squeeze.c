// Squeeze and excitation: means over the pixels of a sample, products with one value a channel.
#include "simd.h"

enum { CHUNK = 128 };

// sum[sample, channel] over the pixels of samples [begin, end) of x [samples, pixels, channels].
EXPORT(pixel_sums)(const float *x, float *sum, float scale, int pixels, int channels, int begin, int end) {
  for (int b = begin; b < end; b++) {
    const float *image = x + b * pixels * channels;
    for (int c = 0; c < channels; c += 4) {
      int lanes = channels - c;
      f4 total = splat(0.0f);
      for (int first = 0; first < pixels; first += CHUNK) {
        int last = first + CHUNK < pixels ? first + CHUNK : pixels;
        f4 s = splat(0.0f);
        if (lanes >= 4) {
          for (int i = first; i < last; i++) s += load(image + i * channels + c);
        } else {
          for (int i = first; i < last; i++) s += load_part(image + i * channels + c, lanes);
        }
        total += s;
      }
      store_part(sum + b * channels + c, total * splat(scale), lanes);
    }
  }
}

// As pixel_sums, of the products x * y.
EXPORT(pixel_dots)(const float *x, const float *y, float *sum, int pixels, int channels, int begin, int end) {
  for (int b = begin; b < end; b++) {
    int base = b * pixels * channels;
    for (int c = 0; c < channels; c += 4) {
      int lanes = channels - c;
      f4 total = splat(0.0f);
      for (int first = 0; first < pixels; first += CHUNK) {
        int last = first + CHUNK < pixels ? first + CHUNK : pixels;
        f4 s = splat(0.0f);
        if (lanes >= 4) {
          for (int i = first; i < last; i++) {
            s += load(x + base + i * channels + c) * load(y + base + i * channels + c);
          }
        } else {
          for (int i = first; i < last; i++) {
            int at = base + i * channels + c;
            s += load_part(x + at, lanes) * load_part(y + at, lanes);
          }
        }
        total += s;
      }
      store_part(sum + b * channels + c, total, lanes);
    }
  }
}

// y = x * gate[sample, channel].
EXPORT(channel_scale)(const float *x, const float *gate, float *y, int pixels, int channels, int begin, int end) {
  for (int b = begin; b < end; b++) {
    const float *g = gate + b * channels;
    for (int i = 0; i < pixels; i++) {
      int at = (b * pixels + i) * channels;
      int c = 0;
      for (; c + 4 <= channels; c += 4) store(y + at + c, load(x + at + c) * load(g + c));
      for (; c < channels; c++) y[at + c] = x[at + c] * g[c];
    }
  }
}

// y = scale * value[sample, channel], the same for every pixel.
EXPORT(channel_fill)(const float *value, float *y, float scale, int pixels, int channels, int begin, int end) {
  for (int b = begin; b < end; b++) {
    const float *v = value + b * channels;
    for (int i = 0; i < pixels; i++) {
      float *out = y + (b * pixels + i) * channels;
      int c = 0;
      for (; c + 4 <= channels; c += 4) store(out + c, load(v + c) * splat(scale));
      for (; c < channels; c++) out[c] = v[c] * scale;
    }
  }
}
