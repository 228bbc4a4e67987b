// Swish, and one step of the Adam family, each in one pass over memory.
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
  float beta1, beta2, epsilon, rate, decay, root_scale, adaptive;
};

FOR_EVERY_PROCESSOR
void adam_range(const AdamNumbers& a, const float* p, const float* g, const float* m,
                const float* v, float* p_next, float* m_next, float* v_next, int64_t begin,
                int64_t end) {
  each_vector(begin, end, [&](int64_t i, int64_t n) ALWAYS_INLINE {
    const Vector slope = get(g + i, n);
    const Vector mean = a.beta1 * get(m + i, n) + (1.0f - a.beta1) * slope;
    const Vector square = a.beta2 * get(v + i, n) + (1.0f - a.beta2) * slope * slope;
    Vector change = a.rate * mean;
    if (a.adaptive != 0.0f) {
      Vector root;
      for (int lane = 0; lane < kLanes; lane++) root[lane] = __builtin_sqrtf(square[lane]);
      change = change / (a.root_scale * root + a.epsilon);
    }
    put(p_next + i, a.decay * get(p + i, n) - change, n);
    put(m_next + i, mean, n);
    put(v_next + i, square, n);
  });
}

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

void run_adam_step(const NoSettings&, Call& call) {
  TF_Tensor* parameter = call.tensor(0);
  const auto shape = Call::shape(parameter);
  const float* p = static_cast<float*>(TF_TensorData(parameter));
  const float* g = call.input(1);
  TF_Tensor *mean = call.tensor(2), *square = call.tensor(3);
  const float* m = static_cast<float*>(TF_TensorData(mean));
  const float* v = static_cast<float*>(TF_TensorData(square));
  const AdamNumbers& numbers = *reinterpret_cast<const AdamNumbers*>(call.input(4));
  float* p_next = call.output(0, shape);
  float *m_next = call.output(1, Call::shape(mean)), *v_next = call.output(2, Call::shape(square));
  parallel_for(size_of(shape), kGrain, [&](int, int64_t begin, int64_t end) {
    adam_range(numbers, p, g, m, v, p_next, m_next, v_next, begin, end);
  });
}

const bool registered = [] {
  register_operation<NoSettings, run_swish>({"CryptsSwish", {"x: float"}, {"y: float"}, {}});
  register_operation<NoSettings, run_swish_gradient>(
      {"CryptsSwishGrad", {"x: float", "dy: float"}, {"dx: float"}, {}});
  register_operation<NoSettings, run_adam_step>(
      {"CryptsAdamStep",
       {"p: float", "g: float", "m: float", "v: float", "numbers: float"},
       {"next_p: float", "next_m: float", "next_v: float"},
       {}});
  return true;
}();

}  // namespace
