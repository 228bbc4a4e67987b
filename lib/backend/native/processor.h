// Which of the kernels that every_processor.h compiles this processor runs.
#ifndef CRYPTS_PROCESSOR_H_
#define CRYPTS_PROCESSOR_H_

#include <algorithm>
#include <cstdint>
#include <cstring>

#define ALWAYS_INLINE __attribute__((always_inline))
#define INLINE static inline ALWAYS_INLINE
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

// The level of x86-64: 4, 3, or 1 for less; 0 on other processors. CRYPTS_PROCESSOR=x86-64-v3 (or x86-64)
// lowers it, for tests.
int processor_level();

// As ACTIVATIONS in own_convolution.ts.
enum Activation { kNone, kRelu, kSwish, kRelu6 };

// What follows a convolution: nothing, or a bias with zeros up to a whole vector, and an activation.
struct Ending {
  const float* bias = nullptr;
  int32_t activation = kNone;
};

#endif  // CRYPTS_PROCESSOR_H_
