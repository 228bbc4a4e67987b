// Eight floats at a time in the compiler's own vector type: AVX2, AVX-512 and NEON from one source.
#ifndef CRYPTS_VECTOR_H_
#define CRYPTS_VECTOR_H_

#include <cstdint>
#include <cstring>

#define ALWAYS_INLINE __attribute__((always_inline))
#define INLINE static inline ALWAYS_INLINE

// A function so marked is compiled for each of these processors, and the right one is taken when the
// addon is loaded: the build needs no knowledge of the machine that it will run on.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)
#define FOR_EVERY_PROCESSOR \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EVERY_PROCESSOR
#endif

constexpr int64_t kLanes = 8;
typedef float Vector __attribute__((vector_size(32)));
typedef int32_t IntVector __attribute__((vector_size(32)));

INLINE Vector load(const float* at) {
  Vector v;
  memcpy(&v, at, sizeof v);
  return v;
}

INLINE void store(float* at, Vector v) { memcpy(at, &v, sizeof v); }

// The first `count` lanes, zero in the others: for what is left at the end of a row.
INLINE Vector load_some(const float* at, int64_t count) {
  Vector v = {};
  for (int64_t i = 0; i < count; i++) v[i] = at[i];
  return v;
}

INLINE void store_some(float* at, Vector v, int64_t count) {
  for (int64_t i = 0; i < count; i++) at[i] = v[i];
}

INLINE Vector all(float value) { return Vector{} + value; }

// e^x to 2 units in the last place, between 2^-126 and 2^127 (Cephes' expf).
INLINE Vector exponential(Vector x) {
  x = x > 88.0f ? all(88.0f) : x;
  x = x < -87.0f ? all(-87.0f) : x;
  // Adding 1.5 * 2^23 leaves no bits for a fraction: this rounds.
  const Vector whole = (x * 1.44269504088896341f + 12582912.0f) - 12582912.0f;
  const Vector r = (x - whole * 0.693359375f) - whole * -2.12194440e-4f;
  Vector p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const IntVector power = (__builtin_convertvector(whole, IntVector) + 127) << 23;
  Vector scale;
  memcpy(&scale, &power, sizeof scale);
  return p * scale;
}

INLINE Vector sigmoid(Vector x) { return 1.0f / (1.0f + exponential(-x)); }

INLINE Vector swish(Vector x) { return x * sigmoid(x); }

INLINE Vector swish_slope(Vector x) {
  const Vector s = sigmoid(x);
  return s * (1.0f + x * (1.0f - s));
}

#endif  // CRYPTS_VECTOR_H_
