// The depthwise convolution of 3 or 5 taps a row with stride 1 or 2, and its gradients.
#include <vector>

#include "ending.h"
#include "kernel.h"
#include "processor.h"
#include "scratch.h"
#include "threads.h"

namespace {

struct Settings {
  std::vector<int64_t> window = std::vector<int64_t>(2);  // taps
  std::vector<int64_t> strides = std::vector<int64_t>(2);
  std::vector<int64_t> pads = std::vector<int64_t>(4);  // top, bottom, left, right
  int32_t activation = kNone, flipped = 0;  // with stride 1 that is the gradient by the image, from the outputs'
  explicit Settings(TF_OpKernelConstruction* construction) {
    TF_Status* status = TF_NewStatus();
    TF_OpKernelConstruction_GetAttrInt64List(construction, "window", window.data(), 2, status);
    TF_OpKernelConstruction_GetAttrInt64List(construction, "strides", strides.data(), 2, status);
    TF_OpKernelConstruction_GetAttrInt64List(construction, "pads", pads.data(), 4, status);
    TF_OpKernelConstruction_GetAttrInt32(construction, "flipped", &flipped, status);
    if (TF_OpKernelConstruction_HasAttr(construction, "activation", status))
      TF_OpKernelConstruction_GetAttrInt32(construction, "activation", &activation, status);
    TF_DeleteStatus(status);
  }
};

// Images [samples, height, width, channels] and their outputs; at least as many channels as lanes.
struct Window {
  int64_t samples, height, width, channels, out_height, out_width;
  int64_t taps_y, taps_x, stride_y, stride_x, pad_top, pad_left;
  bool flipped;
  Ending ending;
};

struct Kernels {
  int64_t lanes;
  void (*convolve_rows)(const Window&, const float* x, const float* filter, float* y, int64_t begin,
                        int64_t end);
  void (*filter_sum_rows)(const Window&, const float* x, const float* dy, int64_t begin, int64_t end,
                          float* sums);
  void (*gather_sums)(const Window&, const float* sums, int64_t parts, int64_t size, float* dw);
};

// Multiplications that are worth a thread.
constexpr int64_t kGrain = 1 << 17;

}  // namespace

#define KERNELS "depthwise_kernels.h"
#include "every_processor.h"

namespace {

int64_t out_side(int64_t side, int64_t before, int64_t after, int64_t taps, int64_t stride) {
  return (side + before + after - taps) / stride + 1;
}

// The window over images of this shape.
Window window_of(const Settings& s, const std::vector<int64_t>& shape) {
  Window w;
  w.samples = shape[0];
  w.height = shape[1];
  w.width = shape[2];
  w.channels = shape[3];
  w.taps_y = s.window[0];
  w.taps_x = s.window[1];
  w.stride_y = s.strides[0];
  w.stride_x = s.strides[1];
  w.pad_top = s.pads[0];
  w.pad_left = s.pads[2];
  w.out_height = out_side(w.height, s.pads[0], s.pads[1], w.taps_y, w.stride_y);
  w.out_width = out_side(w.width, s.pads[2], s.pads[3], w.taps_x, w.stride_x);
  w.flipped = s.flipped != 0;
  return w;
}

int64_t grain_of(const Window& w) {
  return kGrain / (w.out_width * w.channels * w.taps_y * w.taps_x);
}

template <bool activated>
void depthwise(const Settings& settings, Call& call) {
  TF_Tensor* input = call.tensor(0);
  Window w = window_of(settings, Call::shape(input));
  const GivenEnding ending(activated, settings.activation, call, w.channels);
  w.ending = ending;
  const float *x = static_cast<float*>(TF_TensorData(input)), *filter = call.input(1);
  float* y = call.output(0, {w.samples, w.out_height, w.out_width, w.channels});
  const Kernels& kernels = WIDEST(kernels);
  parallel_for(w.samples * w.out_height, grain_of(w), [&](int, int64_t begin, int64_t end) {
    kernels.convolve_rows(w, x, filter, y, begin, end);
  });
}

void depthwise_filter_grad(const Settings& settings, Call& call) {
  TF_Tensor* input = call.tensor(0);
  const Window w = window_of(settings, Call::shape(input));
  const float *x = static_cast<float*>(TF_TensorData(input)), *dy = call.input(1);
  float* dw = call.output(0, {w.taps_y, w.taps_x, w.channels, 1});
  const Kernels& kernels = WIDEST(kernels);
  const int64_t rows = w.samples * w.out_height;
  const int64_t all = (w.channels + kernels.lanes - 1) / kernels.lanes * kernels.lanes;
  const int64_t size = w.taps_y * w.taps_x * all;
  const int64_t parts = std::clamp<int64_t>(rows / std::max<int64_t>(1, grain_of(w)), 1, max_parts());
  float* sums = scratch(kShared, parts * size);
  parallel_for(parts, 1, [&](int, int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++)
      kernels.filter_sum_rows(w, x, dy, rows * part / parts, rows * (part + 1) / parts,
                              sums + part * size);
  });
  kernels.gather_sums(w, sums, parts, size, dw);
}

const bool registered = [] {
  const std::vector<const char*> window = {"window: list(int)", "strides: list(int)",
                                           "pads: list(int)", "flipped: int"};
  std::vector<const char*> with_activation = window;
  with_activation.push_back("activation: int");
  register_operation<Settings, depthwise<false>>(
      {"CryptsDepthwise", {"x: float", "filter: float"}, {"y: float"}, window});
  register_operation<Settings, depthwise<true>>({"CryptsDepthwiseActivated",
                                                 {"x: float", "filter: float", "bias: float"},
                                                 {"y: float"},
                                                 with_activation});
  register_operation<Settings, depthwise_filter_grad>(
      {"CryptsDepthwiseFilterGrad", {"x: float", "dy: float"}, {"dw: float"}, window});
  return true;
}();

}  // namespace
