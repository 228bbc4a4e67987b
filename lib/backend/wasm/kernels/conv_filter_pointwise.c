// The filter gradient of the 1 x 1 convolution: dw [in][out] is x [pixels][in] transposed times
// dy [pixels][out]. Both are read as they lie; their channels are multiples of 4.
#include "tile.h"

// Pixels whose values of 8 channels stay in the first cache level.
enum { CHUNK = 64 };

// dw becomes what comes of pixels [begin, end).
EXPORT(pointwise_filter_gradient)
(const float *x, const float *dy, float *dw, int in, int out, int begin, int end) {
  for (int first = begin; first < end; first += CHUNK) {
    int count = end - first < CHUNK ? end - first : CHUNK;
    const float *image = x + first * in;
    int add = first > begin;
    for (int o = 0; o < out; o += COLUMNS) {
      const float *g = dy + first * out + o;
      if (out - o > 4) outer_rows(image, g, dw + o, count, in, in, out, out, add, 2);
      else outer_rows(image, g, dw + o, count, in, in, out, out, add, 1);
    }
  }
}
