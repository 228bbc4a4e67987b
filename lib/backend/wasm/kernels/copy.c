// Moving values: columns of rows (concatenation and its gradient), upsampling by whole factors.
#include "simd.h"

INLINE void copy(const float *from, float *to, int count) {
  int i = 0;
  for (; i + 4 <= count; i += 4) store(to + i, load(from + i));
  for (; i < count; i++) to[i] = from[i];
}

// to[row * to_width + i] = from[row * from_width + i] for i < count.
EXPORT(copy_columns)(const float *from, float *to, int from_width, int to_width, int count, int begin, int end) {
  for (int row = begin; row < end; row++) copy(from + row * from_width, to + row * to_width, count);
}

// Every pixel of x [B, height, width, channels] becomes a block of by_y x by_x pixels. Input rows
// [begin, end) of all samples together.
EXPORT(upsample)(const float *x, float *y, int width, int channels, int by_y, int by_x, int begin, int end) {
  int out_row = width * by_x * channels;
  for (int row = begin; row < end; row++) {
    const float *from = x + row * width * channels;
    float *to = y + row * by_y * out_row;
    for (int i = 0; i < width; i++) {
      for (int r = 0; r < by_x; r++) copy(from + i * channels, to + (i * by_x + r) * channels, channels);
    }
    for (int r = 1; r < by_y; r++) copy(to, to + r * out_row, out_row);
  }
}

// The gradient of upsample: dx is the sum over each block of dy.
EXPORT(upsample_gradient)(const float *dy, float *dx, int width, int channels, int by_y, int by_x, int begin, int end) {
  int out_row = width * by_x * channels;
  for (int row = begin; row < end; row++) {
    const float *block = dy + row * by_y * out_row;
    float *to = dx + row * width * channels;
    for (int i = 0; i < width; i++, block += by_x * channels, to += channels) {
      for (int c = 0; c < channels; c += 4) {
        int lanes = channels - c;
        f4 sum = splat(0.0f);
        for (int ry = 0; ry < by_y; ry++) {
          for (int rx = 0; rx < by_x; rx++) {
            const float *p = block + ry * out_row + rx * channels + c;
            sum += lanes >= 4 ? load(p) : load_part(p, lanes);
          }
        }
        store_part(to + c, sum, lanes);
      }
    }
  }
}
