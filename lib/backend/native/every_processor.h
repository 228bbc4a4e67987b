// Compiles the file KERNELS for every level of processors, each in a namespace of its own, with vectors
// `V` as wide as the processor's. WIDEST(name) is the one for this processor, chosen when it runs: the
// build needs no knowledge of the machine that it will run on.
//
// The compiler takes operations on vectors apart where they are wider than the target's, and does so before
// it inlines: all functions must be compiled for the target themselves, which target_clones on the
// outermost alone does not do.
#include "processor.h"

#if defined(__x86_64__) && defined(__linux__)

#if defined(__clang__)
#define TARGET_V4 \
  _Pragma("clang attribute push(__attribute__((target(\"arch=x86-64-v4\"))), apply_to = function)")
#define TARGET_V3 \
  _Pragma("clang attribute push(__attribute__((target(\"arch=x86-64-v3\"))), apply_to = function)")
#define TARGET_END _Pragma("clang attribute pop")
#else
#define TARGET_V4 _Pragma("GCC push_options") _Pragma("GCC target(\"arch=x86-64-v4\")")
#define TARGET_V3 _Pragma("GCC push_options") _Pragma("GCC target(\"arch=x86-64-v3\")")
#define TARGET_END _Pragma("GCC pop_options")
#endif

TARGET_V4
namespace {
namespace v4 {
#define LEVEL 4
#define LANES 16
#include "lanes.h"
#include KERNELS
#undef LANES
#undef LEVEL
}  // namespace v4
}  // namespace
TARGET_END

TARGET_V3
namespace {
namespace v3 {
#define LEVEL 3
#define LANES 8
#include "lanes.h"
#include KERNELS
#undef LANES
#undef LEVEL
}  // namespace v3
}  // namespace
TARGET_END

#define WIDEST(name) \
  (processor_level() == 4 ? v4::name : processor_level() == 3 ? v3::name : any::name)

#else

#define WIDEST(name) any::name

#endif

namespace {
namespace any {
#define LEVEL 0
#define LANES 8
#include "lanes.h"
#include KERNELS
#undef LANES
#undef LEVEL
}  // namespace any
}  // namespace
