// Batch normalization in training mode with its activation: two passes over memory forward, two back.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernel.h"
#include "threads.h"
#include "vector.h"

namespace {

// As ACTIVATIONS in fused_kernels.ts.
enum Activation { kNone, kRelu, kSwish };

struct Settings {
  float epsilon = 0;
  int32_t activation = kNone;
  explicit Settings(TF_OpKernelConstruction* construction) {
    TF_Status* status = TF_NewStatus();
    TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &epsilon, status);
    TF_OpKernelConstruction_GetAttrInt32(construction, "activation", &activation, status);
    TF_DeleteStatus(status);
  }
};

// Rows summed in single precision before they are added up in double.
constexpr int64_t kBlock = 64;
// Rows taken together, so that the sums are loaded and stored once for all of them.
constexpr int64_t kTogether = 4;
// Fewer values than this are not worth a second thread.
constexpr int64_t kGrain = 1 << 14;

INLINE Vector activate(Vector z, int activation) {
  if (activation == kSwish) return swish(z);
  if (activation == kRelu) return z > 0.0f ? z : all(0.0f);
  return z;
}

INLINE Vector through(Vector dy, Vector z, int activation) {
  if (activation == kSwish) return dy * swish_slope(z);
  if (activation == kRelu) return z > 0.0f ? dy : all(0.0f);
  return dy;
}

// Calls body(c, load, store) for the channels of a row, eight at a time and then the rest.
template <typename Body>
INLINE void each_channel(int64_t channels, Body body) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) body(c, kLanes);
  if (c < channels) body(c, channels - c);
}

INLINE Vector get(const float* at, int64_t count) {
  return count == kLanes ? load(at) : load_some(at, count);
}

INLINE void put(float* at, Vector v, int64_t count) {
  if (count == kLanes) store(at, v);
  else store_some(at, v, count);
}

// Calls body(row, together, c, count) in the order in which the values lie in memory.
template <typename Body>
INLINE void each_row(int64_t rows, int64_t channels, Body body) {
  int64_t r = 0;
  for (; r + kTogether <= rows; r += kTogether)
    each_channel(channels, [&](int64_t c, int64_t n) ALWAYS_INLINE { body(r, kTogether, c, n); });
  for (; r < rows; r++)
    each_channel(channels, [&](int64_t c, int64_t n) ALWAYS_INLINE { body(r, 1, c, n); });
}

// Adds x - origin and its square to the sums of each channel, over one block of rows.
FOR_EVERY_PROCESSOR
void add_moments(const float* x, const float* origin, int64_t rows, int64_t channels, float* sum,
                 float* square) {
  each_row(rows, channels, [&](int64_t r, int64_t together, int64_t c, int64_t n) ALWAYS_INLINE {
    const Vector o = get(origin + c, n);
    Vector s = get(sum + c, n), q = get(square + c, n);
    for (int64_t i = 0; i < together; i++) {
      const Vector v = get(x + (r + i) * channels + c, n) - o;
      s += v;
      q += v * v;
    }
    put(sum + c, s, n);
    put(square + c, q, n);
  });
}

template <int activation>
INLINE void apply_rows(const float* x, const float* scale, const float* shift, int64_t rows,
                       int64_t channels, float* y) {
  for (int64_t r = 0; r < rows; r++, x += channels, y += channels) {
    each_channel(channels, [&](int64_t c, int64_t n) ALWAYS_INLINE {
      const Vector z = get(x + c, n) * get(scale + c, n) + get(shift + c, n);
      put(y + c, activate(z, activation), n);
    });
  }
}

FOR_EVERY_PROCESSOR
void apply(const float* x, const float* scale, const float* shift, int64_t rows, int64_t channels,
           int activation, float* y) {
  if (activation == kSwish) apply_rows<kSwish>(x, scale, shift, rows, channels, y);
  else if (activation == kRelu) apply_rows<kRelu>(x, scale, shift, rows, channels, y);
  else apply_rows<kNone>(x, scale, shift, rows, channels, y);
}

// Adds g, the gradient before the activation, and g * (x - mean) to the sums of each channel. g is kept, since an exponential costs more than writing and reading it.
template <int activation>
INLINE void gradient_sums_of(const float* x, const float* dy, const float* mean,
                             const float* scale, const float* shift, int64_t rows,
                             int64_t channels, float* kept, float* sum, float* dot) {
  each_row(rows, channels, [&](int64_t r, int64_t together, int64_t c, int64_t n) ALWAYS_INLINE {
    const Vector m = get(mean + c, n), a = get(scale + c, n), b = get(shift + c, n);
    Vector s = get(sum + c, n), d = get(dot + c, n);
    for (int64_t i = 0; i < together; i++) {
      const int64_t at = (r + i) * channels + c;
      const Vector v = get(x + at, n);
      const Vector g = through(get(dy + at, n), v * a + b, activation);
      if (activation != kNone) put(kept + at, g, n);
      s += g;
      d += g * (v - m);
    }
    put(sum + c, s, n);
    put(dot + c, d, n);
  });
}

FOR_EVERY_PROCESSOR
void gradient_sums(const float* x, const float* dy, const float* mean, const float* scale,
                   const float* shift, int64_t rows, int64_t channels, int activation, float* kept,
                   float* sum, float* dot) {
  if (activation == kSwish)
    gradient_sums_of<kSwish>(x, dy, mean, scale, shift, rows, channels, kept, sum, dot);
  else if (activation == kRelu)
    gradient_sums_of<kRelu>(x, dy, mean, scale, shift, rows, channels, kept, sum, dot);
  else
    gradient_sums_of<kNone>(x, dy, mean, scale, shift, rows, channels, kept, sum, dot);
}

// dx = scale * g + slope * x + offset; g may lie where dx shall.
FOR_EVERY_PROCESSOR
void gradient(const float* x, const float* g, const float* scale, const float* slope,
              const float* offset, int64_t rows, int64_t channels, float* dx) {
  for (int64_t r = 0; r < rows; r++, x += channels, g += channels, dx += channels) {
    each_channel(channels, [&](int64_t c, int64_t n) ALWAYS_INLINE {
      const Vector tilted = get(slope + c, n) * get(x + c, n) + get(offset + c, n);
      put(dx + c, get(scale + c, n) * get(g + c, n) + tilted, n);
    });
  }
}

// Two sums for every channel over all rows: `block` adds up one block in single precision.
template <typename Block>
void sum_blocks(int64_t rows, int64_t channels, std::vector<double>& first,
                std::vector<double>& second, const Block& block) {
  std::vector<std::vector<double>> parts(max_parts());
  parallel_for(rows, std::max<int64_t>(1, kGrain / channels),
               [&](int part, int64_t begin, int64_t end) {
                 std::vector<double>& total = parts[part];
                 total.assign(2 * channels, 0.0);
                 std::vector<float> sums(2 * channels);
                 for (int64_t r = begin; r < end; r += kBlock) {
                   std::fill(sums.begin(), sums.end(), 0.0f);
                   block(r, std::min(kBlock, end - r), sums.data(), sums.data() + channels);
                   for (int64_t i = 0; i < 2 * channels; i++) total[i] += sums[i];
                 }
               });
  first.assign(channels, 0.0);
  second.assign(channels, 0.0);
  for (const auto& total : parts) {
    if (total.empty()) continue;
    for (int64_t c = 0; c < channels; c++) {
      first[c] += total[c];
      second[c] += total[channels + c];
    }
  }
}

void batch_norm_train(const Settings& settings, Call& call) {
  TF_Tensor* input = call.tensor(0);
  const auto shape = Call::shape(input);
  const int64_t channels = shape[3], rows = shape[0] * shape[1] * shape[2];
  const float* x = static_cast<float*>(TF_TensorData(input));
  const float *gamma = call.input(1), *beta = call.input(2);
  float* y = call.output(0, shape);
  float *mean = call.output(1, {channels}), *variance = call.output(2, {channels});
  std::vector<double> sum, square;
  // The first pixel is the origin of the sums: the variance loses no digits to a large mean.
  sum_blocks(rows, channels, sum, square, [&](int64_t r, int64_t n, float* s, float* q) {
    add_moments(x + r * channels, x, n, channels, s, q);
  });
  std::vector<float> scale(channels), shift(channels);
  for (int64_t c = 0; c < channels; c++) {
    const double away = sum[c] / rows;
    mean[c] = static_cast<float>(x[c] + away);
    variance[c] = static_cast<float>(std::max(0.0, square[c] / rows - away * away));
    scale[c] = gamma[c] / std::sqrt(variance[c] + settings.epsilon);
    shift[c] = beta[c] - mean[c] * scale[c];
  }
  parallel_for(rows, std::max<int64_t>(1, kGrain / channels), [&](int, int64_t begin, int64_t end) {
    apply(x + begin * channels, scale.data(), shift.data(), end - begin, channels,
          settings.activation, y + begin * channels);
  });
}

void batch_norm_train_grad(const Settings& settings, Call& call) {
  TF_Tensor* input = call.tensor(0);
  const auto shape = Call::shape(input);
  const int64_t channels = shape[3], rows = shape[0] * shape[1] * shape[2];
  const float* x = static_cast<float*>(TF_TensorData(input));
  const float *gamma = call.input(1), *beta = call.input(2), *mean = call.input(3);
  const float *variance = call.input(4), *dy = call.input(5);
  float* dx = call.output(0, shape);
  float *dgamma = call.output(1, {channels}), *dbeta = call.output(2, {channels});
  std::vector<float> scale(channels), shift(channels), slope(channels), offset(channels);
  for (int64_t c = 0; c < channels; c++) {
    scale[c] = gamma[c] / std::sqrt(variance[c] + settings.epsilon);
    shift[c] = beta[c] - mean[c] * scale[c];
  }
  std::vector<double> sum, dot;
  sum_blocks(rows, channels, sum, dot, [&](int64_t r, int64_t n, float* s, float* d) {
    gradient_sums(x + r * channels, dy + r * channels, mean, scale.data(), shift.data(), n,
                  channels, settings.activation, dx + r * channels, s, d);
  });
  // dx = scale * (g - mean(g) - (x - mean) * mean(g * (x - mean)) / (variance + epsilon))
  for (int64_t c = 0; c < channels; c++) {
    const double inverse = 1 / std::sqrt(static_cast<double>(variance[c]) + settings.epsilon);
    dgamma[c] = static_cast<float>(dot[c] * inverse);
    dbeta[c] = static_cast<float>(sum[c]);
    const double tilt = -scale[c] * inverse * inverse * dot[c] / rows;
    slope[c] = static_cast<float>(tilt);
    offset[c] = static_cast<float>(-scale[c] * sum[c] / rows - tilt * mean[c]);
  }
  const float* g = settings.activation == kNone ? dy : dx;
  parallel_for(rows, std::max<int64_t>(1, kGrain / channels), [&](int, int64_t begin, int64_t end) {
    gradient(x + begin * channels, g + begin * channels, scale.data(), slope.data(), offset.data(),
             end - begin, channels, dx + begin * channels);
  });
}

struct Blend {
  float momentum = 0, unbiased = 0;
  explicit Blend(TF_OpKernelConstruction* construction) {
    TF_Status* status = TF_NewStatus();
    TF_OpKernelConstruction_GetAttrFloat(construction, "momentum", &momentum, status);
    TF_OpKernelConstruction_GetAttrFloat(construction, "unbiased", &unbiased, status);
    TF_DeleteStatus(status);
  }
};

void running_statistics(const Blend& blend, Call& call) {
  const auto shape = Call::shape(call.tensor(0));
  const float *mean = call.input(0), *variance = call.input(1), *batches = call.input(2);
  const float *batch_mean = call.input(3), *batch_variance = call.input(4);
  float *next_mean = call.output(0, shape), *next_variance = call.output(1, shape);
  call.output(2, {})[0] = batches[0] + 1;
  const float keep = 1 - blend.momentum, take = blend.momentum * blend.unbiased;
  for (int64_t c = 0; c < shape[0]; c++) {
    next_mean[c] = keep * mean[c] + blend.momentum * batch_mean[c];
    next_variance[c] = keep * variance[c] + take * batch_variance[c];
  }
}

const bool registered = [] {
  const std::vector<const char*> settings = {"epsilon: float", "activation: int"};
  register_operation<Settings, batch_norm_train>({"CryptsBatchNormTrain",
                                                  {"x: float", "gamma: float", "beta: float"},
                                                  {"y: float", "mean: float", "variance: float"},
                                                  settings});
  register_operation<Settings, batch_norm_train_grad>(
      {"CryptsBatchNormTrainGrad",
       {"x: float", "gamma: float", "beta: float", "mean: float", "variance: float", "dy: float"},
       {"dx: float", "dgamma: float", "dbeta: float"},
       settings});
  register_operation<Blend, running_statistics>(
      {"CryptsRunningStatistics",
       {"mean: float", "variance: float", "batches: float", "batch_mean: float",
        "batch_variance: float"},
       {"next_mean: float", "next_variance: float", "next_batches: float"},
       {"momentum: float", "unbiased: float"}});
  return true;
}();

}  // namespace
