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

// Calls body(i, count) for every eight values and then for the rest.
template <typename Body>
INLINE void each_vector(int64_t begin, int64_t end, Body body) {
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) body(i, kLanes);
  if (i < end) body(i, end - i);
}

INLINE Vector get(const float* at, int64_t count) {
  return count == kLanes ? load(at) : load_some(at, count);
}

INLINE void put(float* at, Vector v, int64_t count) {
  if (count == kLanes) store(at, v);
  else store_some(at, v, count);
}

typedef Vector V;
typedef IntVector IntV;
#include "swish_lanes.h"

#endif  // CRYPTS_VECTOR_H_
