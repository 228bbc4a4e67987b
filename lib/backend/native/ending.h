// The bias and activation of a convolution in evaluation, as the operations are given them.
#ifndef CRYPTS_ENDING_H_
#define CRYPTS_ENDING_H_

#include <vector>

#include "kernel.h"
#include "processor.h"

class GivenEnding {
 public:
  // The bias is input 2 of an operation that has one.
  GivenEnding(bool given, int32_t activation, Call& call, int64_t channels) {
    if (!given) return;
    // No vector is wider.
    bias_.assign((channels + 15) / 16 * 16, 0.0f);
    const float* values = call.input(2);
    std::copy(values, values + channels, bias_.begin());
    ending_ = {bias_.data(), activation};
  }
  operator const Ending&() const { return ending_; }

 private:
  std::vector<float> bias_;
  Ending ending_;
};

#endif  // CRYPTS_ENDING_H_
