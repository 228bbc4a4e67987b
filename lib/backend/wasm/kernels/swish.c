// Swish, x * sigmoid(x), and its gradient.
#include "simd.h"

INLINE f4 swish_gradient(f4 x, f4 dy) {
  f4 s = sigmoid4(x);
  return dy * s * (splat(1.0f) + x * (splat(1.0f) - s));
}

EXPORT(swish)(const float *x, float *y, int begin, int end) {
  int i = begin;
  for (; i + 4 <= end; i += 4) store(y + i, load(x + i) * sigmoid4(load(x + i)));
  if (i < end) {
    f4 v = load_part(x + i, end - i);
    store_part(y + i, v * sigmoid4(v), end - i);
  }
}

EXPORT(swish_gradient_of)(const float *x, const float *dy, float *dx, int begin, int end) {
  int i = begin;
  for (; i + 4 <= end; i += 4) store(dx + i, swish_gradient(load(x + i), load(dy + i)));
  if (i < end) {
    f4 g = swish_gradient(load_part(x + i, end - i), load_part(dy + i, end - i));
    store_part(dx + i, g, end - i);
  }
}
