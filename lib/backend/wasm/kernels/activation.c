// Activations by themselves, and their gradients.
#include "activation.h"

INLINE void map_gradient(const float *x, const float *dy, float *dx, int begin, int end,
                         const int activation) {
  int i = begin;
  for (; i + 4 <= end; i += 4) {
    store(dx + i, activation_gradient(load(x + i), load(dy + i), activation));
  }
  if (i < end) {
    int lanes = end - i;
    f4 g = activation_gradient(load_part(x + i, lanes), load_part(dy + i, lanes), activation);
    store_part(dx + i, g, lanes);
  }
}

EXPORT(swish)(const float *x, float *y, int begin, int end) { map(x, y, begin, end, SWISH); }

EXPORT(relu6)(const float *x, float *y, int begin, int end) { map(x, y, begin, end, RELU6); }

EXPORT(swish_gradient_of)(const float *x, const float *dy, float *dx, int begin, int end) {
  map_gradient(x, dy, dx, begin, end, SWISH);
}

EXPORT(relu6_gradient_of)(const float *x, const float *dy, float *dx, int begin, int end) {
  map_gradient(x, dy, dx, begin, end, RELU6);
}
