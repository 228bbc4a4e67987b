// What may follow a convolution or a batch norm. Where x is NaN, so is the result.
#pragma once
#include "simd.h"

// As ACTIVATIONS in activation.ts.
enum { NONE, RELU, RELU6, SWISH };

INLINE f4 activate(f4 z, const int activation) {
  if (activation == RELU) return max4(z, splat(0.0f));
  if (activation == RELU6) return min4(max4(z, splat(0.0f)), splat(6.0f));
  if (activation == SWISH) return z * sigmoid4(z);
  return z;
}

// dy times the slope at z: 0 where ReLU is 0, and where ReLU6 is 0 or 6.
INLINE f4 activation_gradient(f4 z, f4 dy, const int activation) {
  if (activation == RELU) return (f4)((i4)dy & (i4)(z > splat(0.0f)));
  if (activation == RELU6) {
    return (f4)((i4)dy & (i4)(z > splat(0.0f)) & (i4)(z < splat(6.0f)));
  }
  if (activation == SWISH) {
    f4 s = sigmoid4(z);
    return dy * s * madd(z, splat(1.0f) - s, splat(1.0f));
  }
  return dy;
}

// y[i] = activation(x[i]) for begin <= i < end.
INLINE void map(const float *x, float *y, int begin, int end, const int activation) {
  int i = begin;
  for (; i + 4 <= end; i += 4) store(y + i, activate(load(x + i), activation));
  if (i < end) store_part(y + i, activate(load_part(x + i, end - i), activation), end - i);
}

// The same in place, for values that have just been written and are still in the cache.
static __attribute__((noinline, unused)) void activate_in_place(float *y, int count, int activation) {
  if (activation == RELU) map(y, y, 0, count, RELU);
  else if (activation == RELU6) map(y, y, 0, count, RELU6);
  else if (activation == SWISH) map(y, y, 0, count, SWISH);
}
