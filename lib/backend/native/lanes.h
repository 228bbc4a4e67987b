// Vectors of LANES floats. No include guard: every_processor.h includes this once for each processor.

constexpr int64_t lanes = LANES;
typedef float V __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t IntV __attribute__((vector_size(LANES * sizeof(int32_t))));
#include "swish_lanes.h"

INLINE V load(const float* at) {
  V v;
  memcpy(&v, at, sizeof v);
  return v;
}

INLINE void store(float* at, V v) { memcpy(at, &v, sizeof v); }

// The first `count` lanes, zero in the others: for what is left at the end of a row.
INLINE V load_some(const float* at, int64_t count) {
  V v = {};
  for (int64_t i = 0; i < count; i++) v[i] = at[i];
  return v;
}

INLINE void store_some(float* at, V v, int64_t count) {
  for (int64_t i = 0; i < count; i++) at[i] = v[i];
}

INLINE bool is_aligned(const float* at) { return reinterpret_cast<uintptr_t>(at) % sizeof(V) == 0; }

// Writes past the caches, to an aligned address; end_stream() before another thread reads it.
INLINE void stream(float* at, V v) {
#if defined(__clang__)
  __builtin_nontemporal_store(v, reinterpret_cast<V*>(at));
#elif defined(__x86_64__) && LEVEL == 4
  __builtin_ia32_movntps512(at, v);
#elif defined(__x86_64__) && LEVEL == 3
  __builtin_ia32_movntps256(at, v);
#else
  store(at, v);
#endif
}

INLINE void end_stream() {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

// A vector of equal lanes. The difference, unlike a sum with zero, is a copy and no arithmetic.
INLINE V every(float value) { return value - V{}; }

// Channels rounded up to whole vectors.
INLINE int64_t whole(int64_t channels) { return (channels + lanes - 1) / lanes * lanes; }

// The first half of both vectors, lane by lane in turns; and the second half.
INLINE V interleave_low(V a, V b) {
#if LANES == 16
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#else
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
#endif
}

INLINE V interleave_high(V a, V b) {
#if LANES == 16
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#else
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#endif
}

// A square of lanes x lanes values, rows `from` apart, to columns `to` apart.
INLINE void transpose(const float* square, int64_t from, float* turned, int64_t to) {
  V rows[LANES], next[LANES];
  UNROLL
  for (int i = 0; i < LANES; i++) rows[i] = load(square + i * from);
  UNROLL
  for (int step = 1; step < LANES; step *= 2) {
    UNROLL
    for (int i = 0; i < LANES / 2; i++) {
      next[2 * i] = interleave_low(rows[i], rows[i + LANES / 2]);
      next[2 * i + 1] = interleave_high(rows[i], rows[i + LANES / 2]);
    }
    UNROLL
    for (int i = 0; i < LANES; i++) rows[i] = next[i];
  }
  UNROLL
  for (int i = 0; i < LANES; i++) store(turned + i * to, rows[i]);
}

// What a convolution does to its sums at the end; NaN passes through.
INLINE V finish(V sum, const Ending& ending, int64_t c) {
  if (!ending.bias) return sum;
  const V z = sum + load(ending.bias + c);
  if (ending.activation == kSwish) return swish(z);
  if (ending.activation == kNone) return z;
  const V positive = z < 0.0f ? V{} : z;
  return ending.activation == kRelu6 ? (positive > 6.0f ? constant(6.0f) : positive) : positive;
}
