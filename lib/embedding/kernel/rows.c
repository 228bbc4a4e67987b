/* Squared Euclidean distances from a few rows to all rows of a table, and the nearest by them. */
#include <wasm_simd128.h>

#define ROWS 2
#define OTHERS 4
/* Columns of one float32 sum: few enough that nothing that matters is lost. */
#define BLOCK 512

static double sum(v128_t v) {
  return (double)wasm_f32x4_extract_lane(v, 0) + (double)wasm_f32x4_extract_lane(v, 1) +
         (double)wasm_f32x4_extract_lane(v, 2) + (double)wasm_f32x4_extract_lane(v, 3);
}

/*
 * out[i * n + j] is the squared distance of row i of a [m, width] and row j of b [n, width].
 * m is even, n a multiple of 4 and width one of 4; columns beyond the table's own are zero.
 */
__attribute__((export_name("squares_between"))) void squares_between(const float *a, int m,
                                                                     const float *b, int n,
                                                                     int width, double *out) {
  for (int j = 0; j < n; j += OTHERS) {
    for (int i = 0; i < m; i += ROWS) {
      const float *x = a + (long)i * width, *y = b + (long)j * width;
      double total[ROWS][OTHERS] = {{0}};
      for (int from = 0; from < width; from += BLOCK) {
        int to = from + BLOCK < width ? from + BLOCK : width;
        v128_t s[ROWS][OTHERS];
#pragma clang loop unroll(full)
        for (int r = 0; r < ROWS; r++)
#pragma clang loop unroll(full)
          for (int o = 0; o < OTHERS; o++) s[r][o] = wasm_f32x4_const_splat(0);
        for (int c = from; c < to; c += 4) {
#pragma clang loop unroll(full)
          for (int r = 0; r < ROWS; r++) {
            v128_t v = wasm_v128_load(x + (long)r * width + c);
#pragma clang loop unroll(full)
            for (int o = 0; o < OTHERS; o++) {
              v128_t d = wasm_f32x4_sub(v, wasm_v128_load(y + (long)o * width + c));
              s[r][o] = wasm_f32x4_add(s[r][o], wasm_f32x4_mul(d, d));
            }
          }
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < ROWS; r++)
#pragma clang loop unroll(full)
          for (int o = 0; o < OTHERS; o++) total[r][o] += sum(s[r][o]);
      }
#pragma clang loop unroll(full)
      for (int r = 0; r < ROWS; r++)
#pragma clang loop unroll(full)
        for (int o = 0; o < OTHERS; o++) out[(long)(i + r) * n + j + o] = total[r][o];
    }
  }
}

/*
 * The k smallest of the first `count` values of each row of d [m, n], small to large, ties by
 * index, into which [m, k] and values [m, k]. Index skip[i] of row i is left out (-1: none).
 */
__attribute__((export_name("smallest"))) void smallest(const double *d, int m, int n, int count,
                                                       int k, const int *skip, int *which,
                                                       double *values) {
  for (int i = 0; i < m; i++) {
    const double *row = d + (long)i * n;
    int *index = which + (long)i * k, held = 0, out = skip[i];
    double *value = values + (long)i * k, limit = 0;
    for (int j = 0; j < count; j++) {
      double v = row[j];
      if ((held == k && v >= limit) || j == out) continue;
      int at = held < k ? held++ : k - 1;
      for (; at > 0 && value[at - 1] > v; at--) {
        value[at] = value[at - 1];
        index[at] = index[at - 1];
      }
      value[at] = v;
      index[at] = j;
      limit = value[held - 1];
    }
  }
}
