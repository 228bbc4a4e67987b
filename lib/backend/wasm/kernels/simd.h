// Four floats at a time, for kernels that run inside TensorFlow.js's WebAssembly memory.
//
// No kernel may use the C stack or static data: the memory belongs to another module, which knows
// nothing of ours. (tests/kernels_test.ts checks that the binary has neither.)
#pragma once

typedef float f4 __attribute__((vector_size(16), aligned(4)));
typedef int i4 __attribute__((vector_size(16), aligned(4)));

#define EXPORT(name) __attribute__((export_name(#name))) void name
#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

INLINE f4 load(const float *p) { return *(const f4 *)p; }
INLINE void store(float *p, f4 v) { *(f4 *)p = v; }
INLINE f4 splat(float v) { return (f4){v, v, v, v}; }
// a * b + c, with one rounding in the relaxed binary and two in the plain one.
INLINE f4 madd(f4 a, f4 b, f4 c) {
#ifdef __wasm_relaxed_simd__
  return __builtin_wasm_relaxed_madd_f32x4(a, b, c);
#else
  return a * b + c;
#endif
}

INLINE f4 max4(f4 a, f4 b) { return (f4)__builtin_wasm_pmax_f32x4(a, b); }
INLINE f4 min4(f4 a, f4 b) { return (f4)__builtin_wasm_pmin_f32x4(a, b); }

// e^x to 1 ulp or so within [-87, 88], clamped outside: Cephes' expf.
INLINE f4 exp4(f4 x) {
  x = max4(min4(x, splat(88.0f)), splat(-87.0f));
  f4 n = __builtin_wasm_nearest_f32x4(x * splat(1.44269504088896341f));
  f4 r = x - n * splat(0.693359375f) + n * splat(2.12194440e-4f);
  f4 p = splat(1.9875691500e-4f);
  p = madd(p, r, splat(1.3981999507e-3f));
  p = madd(p, r, splat(8.3334519073e-3f));
  p = madd(p, r, splat(4.1665795894e-2f));
  p = madd(p, r, splat(1.6666665459e-1f));
  p = madd(p, r, splat(5.0000001201e-1f));
  p = madd(p, r * r, r) + splat(1.0f);
  i4 exponent = (__builtin_convertvector(n, i4) + 127) << 23;
  return p * (f4)exponent;
}

INLINE f4 sigmoid4(f4 x) { return splat(1.0f) / (splat(1.0f) + exp4(-x)); }

// The first `count` (0 to 4) of four floats, the others 0; and the way back.
INLINE f4 load_part(const float *p, int count) {
  f4 v = splat(0.0f);
  if (count > 0) v[0] = p[0];
  if (count > 1) v[1] = p[1];
  if (count > 2) v[2] = p[2];
  if (count > 3) v[3] = p[3];
  return v;
}

INLINE void store_part(float *p, f4 v, int count) {
  if (count > 0) p[0] = v[0];
  if (count > 1) p[1] = v[1];
  if (count > 2) p[2] = v[2];
  if (count > 3) p[3] = v[3];
}
