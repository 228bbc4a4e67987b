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

// A constant that the compiler may move out of loops: V8 builds one written as such anew, from three
// instructions, wherever it is used.
INLINE f4 constant(float v) {
  int bits = __builtin_bit_cast(int, v);
  __asm__("" : "+r"(bits));
  return (f4)(i4){bits, bits, bits, bits};
}

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

// e^x to 1 ulp or so within [-87, 88], clamped outside: Cephes' expf. What comes of NaN is undefined.
INLINE f4 exp4(f4 x) {
  x = max4(min4(x, constant(88.0f)), constant(-87.0f));
  // Adding 1.5 * 2^23 rounds x / ln 2 to a whole number, which then lies in the lowest bits.
  f4 shifted = madd(x, constant(1.44269504088896341f), constant(12582912.0f));
  f4 n = shifted - constant(12582912.0f);
  f4 r = madd(n, constant(2.12194440e-4f), madd(n, constant(-0.693359375f), x));
  f4 p = constant(1.9875691500e-4f);
  p = madd(p, r, constant(1.3981999507e-3f));
  p = madd(p, r, constant(8.3334519073e-3f));
  p = madd(p, r, constant(4.1665795894e-2f));
  p = madd(p, r, constant(1.6666665459e-1f));
  p = madd(p, r, constant(5.0000001201e-1f));
  p = madd(p, r * r, r) + constant(1.0f);
  // Times 2^n: n is added to the exponent.
  return (f4)((i4)p + ((i4)shifted << 23));
}

// 1 / (1 + e^-x), NaN excepted.
INLINE f4 sigmoid4(f4 x) { return constant(1.0f) / (constant(1.0f) + exp4(-x)); }

// The first `count` of four floats, the others 0; and the way back.
INLINE f4 load_part(const float *p, int count) {
  if (count >= 4) return load(p);
  f4 v = splat(0.0f);
  if (count > 0) v[0] = p[0];
  if (count > 1) v[1] = p[1];
  if (count > 2) v[2] = p[2];
  return v;
}

INLINE void store_part(float *p, f4 v, int count) {
  if (count >= 4) {
    store(p, v);
    return;
  }
  if (count > 0) p[0] = v[0];
  if (count > 1) p[1] = v[1];
  if (count > 2) p[2] = v[2];
}
