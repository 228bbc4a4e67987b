/* Squared Euclidean distances of all pairs of rows, for one block of columns. */
#include <wasm_simd128.h>

#define ROWS 2
#define OTHERS 4

static double sum(v128_t v) {
  return (double)wasm_f32x4_extract_lane(v, 0) + (double)wasm_f32x4_extract_lane(v, 1) +
         (double)wasm_f32x4_extract_lane(v, 2) + (double)wasm_f32x4_extract_lane(v, 3);
}

/*
 * Adds to out[i * n + j] for j < i the squared distances of rows i and j of x [n, width].
 * n is a multiple of 4 and width one of 4; pairs at and above the diagonal may be written too.
 */
__attribute__((export_name("add_squares"))) void add_squares(const float *x, int n, int width,
                                                             double *out) {
  for (int i = 0; i < n; i += ROWS) {
    for (int j = 0; j < i + ROWS; j += OTHERS) {
      const float *a = x + (long)i * width, *b = x + (long)j * width;
      v128_t s[ROWS][OTHERS];
#pragma clang loop unroll(full)
      for (int r = 0; r < ROWS; r++)
#pragma clang loop unroll(full)
        for (int o = 0; o < OTHERS; o++) s[r][o] = wasm_f32x4_const_splat(0);
      for (int c = 0; c < width; c += 4) {
#pragma clang loop unroll(full)
        for (int r = 0; r < ROWS; r++) {
          v128_t v = wasm_v128_load(a + r * width + c);
#pragma clang loop unroll(full)
          for (int o = 0; o < OTHERS; o++) {
            v128_t d = wasm_f32x4_sub(v, wasm_v128_load(b + o * width + c));
            s[r][o] = wasm_f32x4_add(s[r][o], wasm_f32x4_mul(d, d));
          }
        }
      }
#pragma clang loop unroll(full)
      for (int r = 0; r < ROWS; r++)
#pragma clang loop unroll(full)
        for (int o = 0; o < OTHERS; o++) out[(long)(i + r) * n + j + o] += sum(s[r][o]);
    }
  }
}
