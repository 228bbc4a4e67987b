// Swish, one step of the Adam family on all parameters, blends of many tensors: one pass over memory each.
#include <algorithm>
#include <vector>

#include "kernel.h"
#include "threads.h"
#include "vector.h"

namespace {

constexpr int64_t kGrain = 1 << 14;

int64_t size_of(const std::vector<int64_t>& shape) {
  int64_t size = 1;
  for (int64_t side : shape) size *= side;
  return size;
}

FOR_EVERY_PROCESSOR
void swish_range(const float* x, float* y, int64_t begin, int64_t end) {
  each_vector(begin, end, [&](int64_t i, int64_t n) ALWAYS_INLINE { put(y + i, swish(get(x + i, n)), n); });
}

FOR_EVERY_PROCESSOR
void swish_gradient_range(const float* x, const float* dy, float* dx, int64_t begin, int64_t end) {
  each_vector(begin, end, [&](int64_t i, int64_t n) ALWAYS_INLINE {
    put(dx + i, get(dy + i, n) * swish_slope(get(x + i, n)), n);
  });
}

// As ADAM_NUMBERS in fused_kernels.ts.
struct AdamNumbers {
  float beta1, beta2, epsilon, rate, decay, root_scale, adaptive, lookahead;
};

// One parameter, or a part of it; without slow weights their pointers are null.
struct AdamRange {
  const float *p, *g, *m, *v, *slow;
  float *p_next, *m_next, *v_next, *slow_next;
};

FOR_EVERY_PROCESSOR
void blend_range(const float* from, const float* to, float share, int64_t size, float* blended) {
  each_vector(0, size, [&](int64_t i, int64_t n) ALWAYS_INLINE {
    const Vector start = get(from + i, n);
    put(blended + i, start + share * (get(to + i, n) - start), n);
  });
}

// Divides the values of many tensors, the first at starts[0] = 0, among the threads: calls
// body(tensor, first value in it, first value in all, values).
template <typename Body>
void for_tensors(const std::vector<int64_t>& starts, const Body& body) {
  parallel_for(starts.back(), kGrain, [&](int, int64_t begin, int64_t end) {
    int64_t k = std::upper_bound(starts.begin(), starts.end(), begin) - starts.begin() - 1;
    for (; begin < end; k++) {
      const int64_t size = std::min(end, starts[k + 1]) - begin;
      body(k, begin - starts[k], begin, size);
      begin += size;
    }
  });
}

FOR_EVERY_PROCESSOR
void adam_range(const AdamNumbers& a, const AdamRange& r, int64_t size) {
  each_vector(0, size, [&](int64_t i, int64_t n) ALWAYS_INLINE {
    const Vector slope = get(r.g + i, n);
    const Vector mean = a.beta1 * get(r.m + i, n) + (1.0f - a.beta1) * slope;
    const Vector square = a.beta2 * get(r.v + i, n) + (1.0f - a.beta2) * slope * slope;
    Vector change = a.rate * mean;
    if (a.adaptive != 0.0f) {
      Vector root;
      for (int lane = 0; lane < kLanes; lane++) root[lane] = __builtin_sqrtf(square[lane]);
      change = change / (a.root_scale * root + a.epsilon);
    }
    Vector next = a.decay * get(r.p + i, n) - change;
    if (r.slow) {
      const Vector slow = get(r.slow + i, n);
      next = slow + a.lookahead * (next - slow);
      put(r.slow_next + i, next, n);
    }
    put(r.p_next + i, next, n);
    put(r.m_next + i, mean, n);
    put(r.v_next + i, square, n);
  });
}

// How many parameters an operation is given, and how many flat tensors of slow weights: one or none.
struct Counts {
  int64_t parameters = 0, slows = 0;
  explicit Counts(TF_OpKernelConstruction* construction) {
    TF_Status* status = TF_NewStatus();
    TF_OpKernelConstruction_GetAttrInt64(construction, "parameters", &parameters, status);
    TF_OpKernelConstruction_GetAttrInt64(construction, "slows", &slows, status);
    TF_DeleteStatus(status);
  }
};

void run_swish(const NoSettings&, Call& call) {
  TF_Tensor* input = call.tensor(0);
  const auto shape = Call::shape(input);
  const float* x = static_cast<float*>(TF_TensorData(input));
  float* y = call.output(0, shape);
  parallel_for(size_of(shape), kGrain,
               [&](int, int64_t begin, int64_t end) { swish_range(x, y, begin, end); });
}

void run_swish_gradient(const NoSettings&, Call& call) {
  TF_Tensor* input = call.tensor(0);
  const auto shape = Call::shape(input);
  const float *x = static_cast<float*>(TF_TensorData(input)), *dy = call.input(1);
  float* dx = call.output(0, shape);
  parallel_for(size_of(shape), kGrain, [&](int, int64_t begin, int64_t end) {
    swish_gradient_range(x, dy, dx, begin, end);
  });
}

// Means, squares and slow weights of all parameters lie one behind the other in a tensor each.
void run_adam_steps(const Counts& counts, Call& call) {
  const int64_t count = counts.parameters;
  std::vector<AdamRange> ranges(count);
  std::vector<int64_t> starts(1, 0);
  for (int64_t k = 0; k < count; k++) {
    TF_Tensor* parameter = call.tensor(k);
    const auto shape = Call::shape(parameter);
    ranges[k].p = static_cast<float*>(TF_TensorData(parameter));
    ranges[k].g = call.input(count + k);
    ranges[k].p_next = call.output(k, shape);
    starts.push_back(starts[k] + size_of(shape));
  }
  // The state at input 2 * count + i and output count + i; null where there is none.
  auto flat = [&](int64_t i, const float** old, float** next) {
    TF_Tensor* tensor = call.tensor(2 * count + i);
    *old = static_cast<float*>(TF_TensorData(tensor));
    *next = call.output(count + i, Call::shape(tensor));
  };
  AdamRange state = {};
  flat(0, &state.m, &state.m_next);
  flat(1, &state.v, &state.v_next);
  if (counts.slows) flat(2, &state.slow, &state.slow_next);
  const float* numbers = call.input(2 * count + 2 + counts.slows);
  const AdamNumbers& a = *reinterpret_cast<const AdamNumbers*>(numbers);
  for_tensors(starts, [&](int64_t k, int64_t at, int64_t begin, int64_t size) {
    const auto slow = state.slow ? state.slow + begin : nullptr;
    const auto slow_next = state.slow ? state.slow_next + begin : nullptr;
    const AdamRange range = {ranges[k].p + at,     ranges[k].g + at,     state.m + begin,
                             state.v + begin,      slow,                 ranges[k].p_next + at,
                             state.m_next + begin, state.v_next + begin, slow_next};
    adam_range(a, range, size);
  });
}

struct Count {
  int64_t tensors = 0;
  explicit Count(TF_OpKernelConstruction* construction) {
    TF_Status* status = TF_NewStatus();
    TF_OpKernelConstruction_GetAttrInt64(construction, "tensors", &tensors, status);
    TF_DeleteStatus(status);
  }
};

void run_blend(const Count& count, Call& call) {
  std::vector<const float*> from, to;
  std::vector<float*> blended;
  std::vector<int64_t> starts(1, 0);
  for (int64_t k = 0; k < count.tensors; k++) {
    TF_Tensor* tensor = call.tensor(k);
    const auto shape = Call::shape(tensor);
    from.push_back(static_cast<float*>(TF_TensorData(tensor)));
    to.push_back(call.input(count.tensors + k));
    blended.push_back(call.output(k, shape));
    starts.push_back(starts[k] + size_of(shape));
  }
  const float share = *call.input(2 * count.tensors);
  for_tensors(starts, [&](int64_t k, int64_t at, int64_t, int64_t size) {
    blend_range(from[k] + at, to[k] + at, share, size, blended[k] + at);
  });
}

const bool registered = [] {
  register_operation<NoSettings, run_swish>({"CryptsSwish", {"x: float"}, {"y: float"}, {}});
  register_operation<NoSettings, run_swish_gradient>(
      {"CryptsSwishGrad", {"x: float", "dy: float"}, {"dx: float"}, {}});
  register_operation<Counts, run_adam_steps>(
      {"CryptsAdamSteps",
       {"p: parameters * float", "g: parameters * float", "m: float", "v: float",
        "slow: slows * float", "numbers: float"},
       {"next_p: parameters * float", "next_m: float", "next_v: float",
        "next_slow: slows * float"},
       {"parameters: int >= 1", "slows: int >= 0"}});
  register_operation<Count, run_blend>({"CryptsBlend",
                                        {"from: tensors * float", "to: tensors * float", "share: float"},
                                        {"blended: tensors * float"},
                                        {"tensors: int >= 1"}});
  return true;
}();

}  // namespace
