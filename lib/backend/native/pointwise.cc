// The 1 x 1 convolution with stride 1 and its gradients: products of matrices with a row for each pixel.
#include <vector>

#include "ending.h"
#include "kernel.h"
#include "processor.h"
#include "scratch.h"
#include "threads.h"

namespace {

struct Settings {
  int32_t turned = 0, activation = kNone;
  explicit Settings(TF_OpKernelConstruction* construction) {
    TF_Status* status = TF_NewStatus();
    TF_OpKernelConstruction_GetAttrInt32(construction, "turned", &turned, status);
    if (TF_OpKernelConstruction_HasAttr(construction, "activation", status))
      TF_OpKernelConstruction_GetAttrInt32(construction, "activation", &activation, status);
    TF_DeleteStatus(status);
  }
};

// result [rows, columns] = left [rows, inner] * right [inner, columns], or [columns, inner] turned.
struct Matrices {
  const float *left, *right;
  float* result;
  int64_t rows, inner, columns;
  bool turned;
  Ending ending;
};

// dw [in, out] = x [pixels, in], turned, * dy [pixels, out].
struct Outer {
  const float *x, *dy;
  int64_t pixels, in, out;
};

struct Kernels {
  // Of a vector, rows of a panel, columns of a block.
  int64_t lanes, rows, width;
  void (*pack_blocks)(const Matrices&, float* packed, int64_t begin, int64_t end);
  void (*multiply_panels)(const Matrices&, const float* packed, int64_t begin, int64_t end);
  void (*multiply_blocks)(const Matrices&, int64_t begin, int64_t end);
  void (*outer_products)(const Outer&, int64_t from, int64_t to, int64_t begin, int64_t end,
                         float* sums);
};

// Inputs of a filter gradient that are taken at once.
constexpr int64_t kSumRows = 8;
// Multiplications that are worth a thread.
constexpr int64_t kGrain = 1 << 16;
// With at least as many pixels, and sums no larger than this many bytes, threads share the pixels.
constexpr int64_t kManyPixels = 1024, kSmallSums = 512 << 10;

}  // namespace

#define KERNELS "pointwise_kernels.h"
#include "every_processor.h"

namespace {

int64_t parts_of(int64_t size, int64_t part) { return (size + part - 1) / part; }

void multiply(const Matrices& m) {
  const Kernels& kernels = WIDEST(kernels);
  const int64_t panels = parts_of(m.rows, kernels.rows), blocks = parts_of(m.columns, kernels.width);
  const int64_t panel_work = kernels.rows * m.inner * m.columns;
  const int64_t block_work = m.rows * m.inner * kernels.width;
  if (panels < 4 * max_parts()) {
    parallel_for(blocks, kGrain / block_work, [&](int, int64_t begin, int64_t end) {
      kernels.multiply_blocks(m, begin, end);
    });
    return;
  }
  float* packed = scratch(kShared, m.inner * parts_of(m.columns, kernels.lanes) * kernels.lanes +
                                       kernels.lanes * kernels.width);
  parallel_for(blocks, kGrain / (m.inner * kernels.width), [&](int, int64_t begin, int64_t end) {
    kernels.pack_blocks(m, packed, begin, end);
  });
  parallel_for(panels, kGrain / panel_work, [&](int, int64_t begin, int64_t end) {
    kernels.multiply_panels(m, packed, begin, end);
  });
}

// Copies sums [inputs from `from` on][all] to their place in dw, or adds those of the other parts.
void add_sums(const Outer& m, const float* sums, int64_t all, int64_t from, int64_t to, int64_t parts,
              int64_t size, float* dw) {
  for (int64_t i = from; i < to; i++) {
    for (int64_t o = 0; o < m.out; o++) {
      float total = sums[(i - from) * all + o];
      for (int64_t part = 1; part < parts; part++) total += sums[part * size + (i - from) * all + o];
      dw[i * m.out + o] = total;
    }
  }
}

void filter_gradient(const Outer& m, float* dw) {
  const Kernels& kernels = WIDEST(kernels);
  const int64_t all = parts_of(m.out, kernels.lanes) * kernels.lanes;
  const int64_t blocks = parts_of(m.in, kSumRows), size = blocks * kSumRows * all;
  if (m.pixels >= kManyPixels && size * static_cast<int64_t>(sizeof(float)) <= kSmallSums) {
    const int64_t wanted = m.pixels / std::max<int64_t>(256, kGrain / (m.in * all));
    const int64_t parts = std::clamp<int64_t>(wanted, 1, max_parts());
    float* sums = scratch(kShared, parts * size);
    parallel_for(parts, 1, [&](int, int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; part++)
        kernels.outer_products(m, 0, m.in, m.pixels * part / parts, m.pixels * (part + 1) / parts,
                               sums + part * size);
    });
    return add_sums(m, sums, all, 0, m.in, parts, size, dw);
  }
  float* sums = scratch(kShared, size);
  parallel_for(blocks, kGrain / (m.pixels * kSumRows * all), [&](int, int64_t begin, int64_t end) {
    const int64_t from = begin * kSumRows, to = std::min(end * kSumRows, m.in);
    kernels.outer_products(m, from, to, 0, m.pixels, sums + from * all);
    add_sums(m, sums + from * all, all, from, to, 1, size, dw);
  });
}

template <bool activated>
void pointwise(const Settings& settings, Call& call) {
  TF_Tensor *input = call.tensor(0), *filter = call.tensor(1);
  const auto shape = Call::shape(input), taps = Call::shape(filter);
  Matrices m;
  m.left = static_cast<float*>(TF_TensorData(input));
  m.right = static_cast<float*>(TF_TensorData(filter));
  m.turned = settings.turned != 0;
  m.rows = shape[0] * shape[1] * shape[2];
  m.inner = shape[3];
  m.columns = m.turned ? taps[2] : taps[3];
  m.result = call.output(0, {shape[0], shape[1], shape[2], m.columns});
  const GivenEnding ending(activated, settings.activation, call, m.columns);
  m.ending = ending;
  multiply(m);
}

void pointwise_filter_grad(const NoSettings&, Call& call) {
  TF_Tensor *input = call.tensor(0), *gradient = call.tensor(1);
  const auto shape = Call::shape(input), dy = Call::shape(gradient);
  Outer m;
  m.x = static_cast<float*>(TF_TensorData(input));
  m.dy = static_cast<float*>(TF_TensorData(gradient));
  m.pixels = shape[0] * shape[1] * shape[2];
  m.in = shape[3];
  m.out = dy[3];
  filter_gradient(m, call.output(0, {1, 1, m.in, m.out}));
}

const bool registered = [] {
  register_operation<Settings, pointwise<false>>(
      {"CryptsPointwise", {"x: float", "filter: float"}, {"y: float"}, {"turned: int"}});
  register_operation<Settings, pointwise<true>>({"CryptsPointwiseActivated",
                                                 {"x: float", "filter: float", "bias: float"},
                                                 {"y: float"},
                                                 {"turned: int", "activation: int"}});
  register_operation<NoSettings, pointwise_filter_grad>(
      {"CryptsPointwiseFilterGrad", {"x: float", "dy: float"}, {"dw: float"}, {}});
  return true;
}();

}  // namespace
