// The register tile of the convolutions: 6 rows by 8 columns of a matrix product. 12 accumulators, two
// vectors of the right side and one of the left fill the 15 registers that V8 leaves on x86-64.
#pragma once
#include "simd.h"

enum { ROWS = 6, VECTORS = 2, COLUMNS = 4 * VECTORS };

// acc[i] += sum over k < depth of p[i][k] * w[k * COLUMNS ...]; returns w behind the last.
INLINE const float *multiply(f4 acc[ROWS][VECTORS], const float *const p[ROWS], const float *w,
                             int depth, const int vectors) {
#pragma clang loop unroll_count(4)
  for (int k = 0; k < depth; k++, w += COLUMNS) {
    f4 f[VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++) f[v] = load(w + 4 * v);
    UNROLL
    for (int i = 0; i < ROWS; i++) {
      f4 s = splat(p[i][k]);
      UNROLL
      for (int v = 0; v < vectors; v++) acc[i][v] = madd(s, f[v], acc[i][v]);
    }
  }
  return w;
}

// m[i][...] = sum over n < count of x[n * x_step + i] * y[n * y_step ...], for `rows` values of i; added
// to what is there if `add`.
INLINE void outer(const float *x, const float *y, float *m, int count, int x_step, int y_step,
                  int columns, int add, const int rows, const int vectors) {
  f4 acc[ROWS][VECTORS];
  UNROLL
  for (int i = 0; i < rows; i++) {
    UNROLL
    for (int v = 0; v < vectors; v++) acc[i][v] = splat(0.0f);
  }
#pragma clang loop unroll_count(2)
  for (int n = 0; n < count; n++, x += x_step, y += y_step) {
    f4 g[VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++) g[v] = load(y + 4 * v);
    UNROLL
    for (int i = 0; i < rows; i++) {
      f4 s = splat(x[i]);
      UNROLL
      for (int v = 0; v < vectors; v++) acc[i][v] = madd(s, g[v], acc[i][v]);
    }
  }
  UNROLL
  for (int i = 0; i < rows; i++) {
    UNROLL
    for (int v = 0; v < vectors; v++) {
      float *to = m + i * columns + 4 * v;
      store(to, add ? load(to) + acc[i][v] : acc[i][v]);
    }
  }
}

// The same for all rows [0, depth), a multiple of 4: 6 at a time, or 4 where 6 leaves a rest of 2.
INLINE void outer_rows(const float *x, const float *y, float *m, int count, int depth, int x_step,
                       int y_step, int columns, int add, const int vectors) {
  for (int i = 0; i < depth;) {
    int rest = depth - i;
    if (rest > 4 && rest != 8) {
      outer(x + i, y, m + i * columns, count, x_step, y_step, columns, add, 6, vectors);
      i += 6;
    } else {
      outer(x + i, y, m + i * columns, count, x_step, y_step, columns, add, 4, vectors);
      i += 4;
    }
  }
}
