#include "scratch.h"

#include <cstdlib>
#include <new>

namespace {

struct Buffer {
  float* at = nullptr;
  int64_t count = 0;
  ~Buffer() { std::free(at); }
};

thread_local Buffer buffers[kScratchUses];

}  // namespace

float* scratch(ScratchUse use, int64_t count) {
  Buffer& buffer = buffers[use];
  if (buffer.count < count) {
    std::free(buffer.at);
    buffer.at = nullptr;
    buffer.count = 0;
    const size_t bytes = (count * sizeof(float) + 63) / 64 * 64;
    void* at = nullptr;
    if (posix_memalign(&at, 64, bytes) != 0) throw std::bad_alloc();
    buffer.at = static_cast<float*>(at);
    buffer.count = count;
  }
  return buffer.at;
}
