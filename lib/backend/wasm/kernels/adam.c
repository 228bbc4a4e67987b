// One step of the Adam family, see lib/tensor/adam_step.ts.
#include "simd.h"

INLINE f4 root(f4 v) { return __builtin_wasm_sqrt_f32x4(v); }

INLINE f4 step(f4 p, f4 m, f4 v, float rate, float decay, float root_scale, float epsilon, int adaptive) {
  f4 move = splat(rate) * m;
  if (adaptive) move = move / (splat(root_scale) * root(v) + splat(epsilon));
  return splat(decay) * p - move;
}

EXPORT(adam_step)
(const float *p, const float *g, const float *m, const float *v, float *new_p, float *new_m,
 float *new_v, float beta1, float beta2, float rest1, float rest2, float rate, float decay,
 float root_scale, float epsilon, int adaptive, int begin, int end) {
  for (int i = begin; i < end; i += 4) {
    int lanes = end - i;
    f4 gradient = lanes >= 4 ? load(g + i) : load_part(g + i, lanes);
    f4 mean = lanes >= 4 ? load(m + i) : load_part(m + i, lanes);
    f4 square = lanes >= 4 ? load(v + i) : load_part(v + i, lanes);
    f4 value = lanes >= 4 ? load(p + i) : load_part(p + i, lanes);
    mean = splat(beta1) * mean + splat(rest1) * gradient;
    square = splat(beta2) * square + splat(rest2) * gradient * gradient;
    value = step(value, mean, square, rate, decay, root_scale, epsilon, adaptive);
    if (lanes >= 4) {
      store(new_m + i, mean);
      store(new_v + i, square);
      store(new_p + i, value);
    } else {
      store_part(new_m + i, mean, lanes);
      store_part(new_v + i, square, lanes);
      store_part(new_p + i, value, lanes);
    }
  }
}
