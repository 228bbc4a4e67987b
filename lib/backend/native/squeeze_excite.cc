// Squeeze and excitation: means over pixels and products with a gate, one pass over memory each.
#include <vector>

#include "kernel.h"
#include "threads.h"
#include "vector.h"

namespace {

struct Sides {
  int64_t batch, pixels, channels;
  explicit Sides(const std::vector<int64_t>& shape)
      : batch(shape[0]), pixels(shape[1] * shape[2]), channels(shape[3]) {}
};

// Plain loops over channels: the compiler turns them into vector code by itself.
FOR_EVERY_PROCESSOR
void average_pixels(const float* x, int64_t pixels, int64_t channels, float* y) {
  std::vector<double> total(channels, 0.0);
  for (int64_t p = 0; p < pixels; p++)
    for (int64_t c = 0; c < channels; c++) total[c] += x[p * channels + c];
  for (int64_t c = 0; c < channels; c++) y[c] = static_cast<float>(total[c] / pixels);
}

FOR_EVERY_PROCESSOR
void dot_pixels(const float* x, const float* dy, int64_t pixels, int64_t channels, float* dgate) {
  std::vector<double> total(channels, 0.0);
  for (int64_t p = 0; p < pixels; p++)
    for (int64_t c = 0; c < channels; c++)
      total[c] += x[p * channels + c] * dy[p * channels + c];
  for (int64_t c = 0; c < channels; c++) dgate[c] = static_cast<float>(total[c]);
}

FOR_EVERY_PROCESSOR
void scale_pixels(const float* x, const float* gate, int64_t pixels, int64_t channels, float* y) {
  for (int64_t p = 0; p < pixels; p++)
    for (int64_t c = 0; c < channels; c++) y[p * channels + c] = x[p * channels + c] * gate[c];
}

FOR_EVERY_PROCESSOR
void spread_pixels(const float* dy, int64_t pixels, int64_t channels, float* dx) {
  const float share = 1.0f / pixels;
  for (int64_t p = 0; p < pixels; p++)
    for (int64_t c = 0; c < channels; c++) dx[p * channels + c] = dy[c] * share;
}

void global_average(const NoSettings&, Call& call) {
  TF_Tensor* input = call.tensor(0);
  const Sides s(Call::shape(input));
  const float* x = static_cast<float*>(TF_TensorData(input));
  float* y = call.output(0, {s.batch, 1, 1, s.channels});
  parallel_for(s.batch, 1, [&](int, int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++)
      average_pixels(x + b * s.pixels * s.channels, s.pixels, s.channels, y + b * s.channels);
  });
}

struct Shape {
  std::vector<int64_t> sides = std::vector<int64_t>(4);
  explicit Shape(TF_OpKernelConstruction* construction) {
    TF_Status* status = TF_NewStatus();
    TF_OpKernelConstruction_GetAttrInt64List(construction, "sides", sides.data(), 4, status);
    TF_DeleteStatus(status);
  }
};

void global_average_grad(const Shape& shape, Call& call) {
  const Sides s(shape.sides);
  const float* dy = call.input(0);
  float* dx = call.output(0, shape.sides);
  parallel_for(s.batch, 1, [&](int, int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++)
      spread_pixels(dy + b * s.channels, s.pixels, s.channels, dx + b * s.pixels * s.channels);
  });
}

void channel_scale(const NoSettings&, Call& call) {
  TF_Tensor* input = call.tensor(0);
  const auto shape = Call::shape(input);
  const Sides s(shape);
  const float *x = static_cast<float*>(TF_TensorData(input)), *gate = call.input(1);
  float* y = call.output(0, shape);
  parallel_for(s.batch, 1, [&](int, int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      const int64_t at = b * s.pixels * s.channels;
      scale_pixels(x + at, gate + b * s.channels, s.pixels, s.channels, y + at);
    }
  });
}

void channel_scale_gate_grad(const NoSettings&, Call& call) {
  TF_Tensor* input = call.tensor(0);
  const Sides s(Call::shape(input));
  const float *x = static_cast<float*>(TF_TensorData(input)), *dy = call.input(1);
  float* dgate = call.output(0, {s.batch, 1, 1, s.channels});
  parallel_for(s.batch, 1, [&](int, int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      const int64_t at = b * s.pixels * s.channels;
      dot_pixels(x + at, dy + at, s.pixels, s.channels, dgate + b * s.channels);
    }
  });
}

const bool registered = [] {
  register_operation<NoSettings, global_average>(
      {"CryptsGlobalAverage", {"x: float"}, {"y: float"}, {}});
  register_operation<Shape, global_average_grad>(
      {"CryptsGlobalAverageGrad", {"dy: float"}, {"dx: float"}, {"sides: list(int)"}});
  register_operation<NoSettings, channel_scale>(
      {"CryptsChannelScale", {"x: float", "gate: float"}, {"y: float"}, {}});
  register_operation<NoSettings, channel_scale_gate_grad>(
      {"CryptsChannelScaleGateGrad", {"x: float", "dy: float"}, {"dgate: float"}, {}});
  return true;
}();

}  // namespace
