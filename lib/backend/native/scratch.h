// Memory that kernels need while they run. Kept from call to call, since the first touch of fresh pages
// costs as much as the work on them.
#ifndef CRYPTS_SCRATCH_H_
#define CRYPTS_SCRATCH_H_

#include <cstdint>

// What the buffers of one thread are for; those of different uses do not overlap.
enum ScratchUse { kShared, kOwn, kScratchUses };

// At least `count` floats on a cache line's border, of this thread; what they hold is not defined, and
// the next call with the same use may move them.
float* scratch(ScratchUse use, int64_t count);

#endif  // CRYPTS_SCRATCH_H_
