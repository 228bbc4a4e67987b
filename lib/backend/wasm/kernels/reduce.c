// Sums of what the threads found each for itself.
#include "simd.h"

// out[i] = the sum over `count` parts of `size` floats each.
EXPORT(sum_parts)(const float *parts, float *out, int count, int size, int begin, int end) {
  int i = begin;
  for (; i + 4 <= end; i += 4) {
    f4 sum = load(parts + i);
    for (int p = 1; p < count; p++) sum += load(parts + p * size + i);
    store(out + i, sum);
  }
  for (; i < end; i++) {
    float sum = parts[i];
    for (int p = 1; p < count; p++) sum += parts[p * size + i];
    out[i] = sum;
  }
}
