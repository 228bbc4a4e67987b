// Batch normalization in training mode with its activation: two passes over memory forward, two back.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernel.h"
#include "processor.h"
#include "threads.h"

namespace {

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
// Fewer values than this are not worth a second thread.
constexpr int64_t kGrain = 1 << 14;
// From so many bytes on, results are written past the caches: they would not be there any more when they are
// read, and what they overwrite need not be read first.
constexpr int64_t kLarge = 24 << 20;

// Of each channel: z = scale * x + shift, dx = scale * g + slope * x + offset.
struct Factors {
  const float *scale, *shift, *slope, *offset;
};

struct Kernels {
  void (*add_moments)(const float* x, const float* origin, int64_t rows, int64_t channels, float* sum,
                      float* square);
  void (*apply)(const float* x, const float* scale, const float* shift, int64_t rows,
                int64_t channels, int activation, bool large, float* y);
  void (*gradient_sums)(const float* x, const float* dy, const float* mean, const float* scale,
                        const float* shift, int64_t rows, int64_t channels, int activation,
                        float* sum, float* dot);
  void (*gradient)(const float* x, const float* dy, const Factors& factors, int64_t rows,
                   int64_t channels, int activation, bool large, float* dx);
};

}  // namespace

#define KERNELS "batch_norm_kernels.h"
#include "every_processor.h"

namespace {

bool is_large(int64_t rows, int64_t channels) {
  return rows * channels * static_cast<int64_t>(sizeof(float)) >= kLarge;
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
  const Kernels& kernels = WIDEST(kernels);
  std::vector<double> sum, square;
  // The first pixel is the origin of the sums: the variance loses no digits to a large mean.
  sum_blocks(rows, channels, sum, square, [&](int64_t r, int64_t n, float* s, float* q) {
    kernels.add_moments(x + r * channels, x, n, channels, s, q);
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
    kernels.apply(x + begin * channels, scale.data(), shift.data(), end - begin, channels,
                  settings.activation, is_large(rows, channels), y + begin * channels);
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
  const Kernels& kernels = WIDEST(kernels);
  std::vector<double> sum, dot;
  sum_blocks(rows, channels, sum, dot, [&](int64_t r, int64_t n, float* s, float* d) {
    kernels.gradient_sums(x + r * channels, dy + r * channels, mean, scale.data(), shift.data(), n,
                          channels, settings.activation, s, d);
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
  const Factors factors = {scale.data(), shift.data(), slope.data(), offset.data()};
  parallel_for(rows, std::max<int64_t>(1, kGrain / channels), [&](int, int64_t begin, int64_t end) {
    kernels.gradient(x + begin * channels, dy + begin * channels, factors, end - begin, channels,
                     settings.activation, is_large(rows, channels), dx + begin * channels);
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
