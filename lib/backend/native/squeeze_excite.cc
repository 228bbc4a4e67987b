// Squeeze and excitation: means over pixels and products with a gate, one pass over memory each; and the whole
// of it, x * sigmoid(widen(activation(reduce(means of x)))), in one operation and its gradient in another.
#include <algorithm>
#include <vector>

#include "kernel.h"
#include "processor.h"
#include "threads.h"
#include "vector.h"

namespace {

struct Sides {
  int64_t batch, pixels, channels;
  explicit Sides(const std::vector<int64_t>& shape)
      : batch(shape[0]), pixels(shape[1] * shape[2]), channels(shape[3]) {}
};

// Multiplications that are worth a thread.
constexpr int64_t kProducts = 1 << 16;

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

// y [out] = bias + x [in] * w [in, out].
FOR_EVERY_PROCESSOR
void connect(const float* x, const float* w, const float* bias, int64_t in, int64_t out, float* y) {
  std::copy(bias, bias + out, y);
  for (int64_t i = 0; i < in; i++)
    for (int64_t o = 0; o < out; o++) y[o] += x[i] * w[i * out + o];
}

// dx [in] = w [in, out] * dy [out].
FOR_EVERY_PROCESSOR
void connect_back(const float* dy, const float* w, int64_t in, int64_t out, float* dx) {
  for (int64_t i = 0; i < in; i++) {
    Vector sums = {};
    each_vector(0, out, [&](int64_t o, int64_t n) ALWAYS_INLINE {
      sums += get(w + i * out + o, n) * get(dy + o, n);
    });
    float total = 0;
    for (int64_t lane = 0; lane < kLanes; lane++) total += sums[lane];
    dx[i] = total;
  }
}

// Inputs [begin, end) of dw [in, out] = x [batch, in], turned, * dy [batch, out]; samples of x and dy lie
// x_step and dy_step apart.
FOR_EVERY_PROCESSOR
void outer_sums(const float* x, int64_t x_step, const float* dy, int64_t dy_step, int64_t batch,
                int64_t begin, int64_t end, int64_t out, float* dw) {
  for (int64_t i = begin; i < end; i++) {
    float* row = dw + i * out;
    for (int64_t o = 0; o < out; o++) row[o] = x[i] * dy[o];
    for (int64_t b = 1; b < batch; b++)
      for (int64_t o = 0; o < out; o++) row[o] += x[b * x_step + i] * dy[b * dy_step + o];
  }
}

FOR_EVERY_PROCESSOR
void activate(const float* z, int64_t size, int32_t activation, float* y) {
  each_vector(0, size, [&](int64_t i, int64_t n) ALWAYS_INLINE {
    const Vector at = get(z + i, n), positive = at < 0.0f ? Vector{} : at;
    put(y + i, activation == kSwish ? swish(at) : activation == kRelu ? positive : at, n);
  });
}

// dz = dy * activation'(z); dz may be dy.
FOR_EVERY_PROCESSOR
void activate_back(const float* z, const float* dy, int64_t size, int32_t activation, float* dz) {
  each_vector(0, size, [&](int64_t i, int64_t n) ALWAYS_INLINE {
    const Vector at = get(z + i, n), slope = get(dy + i, n);
    const Vector positive = at > 0.0f ? slope : Vector{};
    put(dz + i, activation == kSwish ? slope * swish_slope(at) : activation == kRelu ? positive : slope, n);
  });
}

FOR_EVERY_PROCESSOR
void open_gate(const float* z, int64_t size, float* gate) {
  each_vector(0, size, [&](int64_t i, int64_t n) ALWAYS_INLINE {
    put(gate + i, sigmoid(get(z + i, n)), n);
  });
}

// dz = dgate * sigmoid'(z), where gate = sigmoid(z); dz may be dgate.
FOR_EVERY_PROCESSOR
void open_gate_back(const float* gate, const float* dgate, int64_t size, float* dz) {
  for (int64_t i = 0; i < size; i++) dz[i] = dgate[i] * gate[i] * (1.0f - gate[i]);
}

// dx = dy * gate + dmean / pixels.
FOR_EVERY_PROCESSOR
void scale_and_spread(const float* dy, const float* gate, const float* dmean, int64_t pixels,
                      int64_t channels, float* dx) {
  std::vector<float> share(channels);
  for (int64_t c = 0; c < channels; c++) share[c] = dmean[c] / pixels;
  const float* shares = share.data();
  for (int64_t p = 0; p < pixels; p++)
    for (int64_t c = 0; c < channels; c++)
      dx[p * channels + c] = dy[p * channels + c] * gate[c] + shares[c];
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

struct Squeezing {
  int32_t activation = kNone;
  explicit Squeezing(TF_OpKernelConstruction* construction) {
    TF_Status* status = TF_NewStatus();
    TF_OpKernelConstruction_GetAttrInt32(construction, "activation", &activation, status);
    TF_DeleteStatus(status);
  }
};

// What the gradient needs of the forward pass, for each sample behind each other: means of all channels,
// squeezed channels before their activation, gate of all channels.
struct Inner {
  int64_t channels, squeezed;
  int64_t size() const { return 2 * channels + squeezed; }
  int64_t narrow() const { return channels; }
  int64_t gate() const { return channels + squeezed; }
};

void squeeze_excite(const Squeezing& settings, Call& call) {
  TF_Tensor* input = call.tensor(0);
  const auto shape = Call::shape(input);
  const Sides s(shape);
  const float* x = static_cast<float*>(TF_TensorData(input));
  const float *reduce = call.input(1), *reduce_bias = call.input(2);
  const float *widen = call.input(3), *widen_bias = call.input(4);
  const Inner in = {s.channels, Call::shape(call.tensor(2))[0]};
  float *y = call.output(0, shape), *inner = call.output(1, {s.batch, in.size()});
  parallel_for(s.batch, 1, [&](int, int64_t begin, int64_t end) {
    std::vector<float> active(in.squeezed);
    for (int64_t b = begin; b < end; b++) {
      const int64_t at = b * s.pixels * s.channels;
      float *mean = inner + b * in.size(), *narrow = mean + in.narrow(), *gate = mean + in.gate();
      average_pixels(x + at, s.pixels, s.channels, mean);
      connect(mean, reduce, reduce_bias, s.channels, in.squeezed, narrow);
      activate(narrow, in.squeezed, settings.activation, active.data());
      connect(active.data(), widen, widen_bias, in.squeezed, s.channels, gate);
      open_gate(gate, s.channels, gate);
      scale_pixels(x + at, gate, s.pixels, s.channels, y + at);
    }
  });
}

void squeeze_excite_grad(const Squeezing& settings, Call& call) {
  TF_Tensor *input = call.tensor(0), *narrowing = call.tensor(1), *widening = call.tensor(2);
  const auto shape = Call::shape(input), taps = Call::shape(narrowing);
  const Sides s(shape);
  const Inner in = {s.channels, taps[3]};
  const float* x = static_cast<float*>(TF_TensorData(input));
  const float* reduce = static_cast<float*>(TF_TensorData(narrowing));
  const float* widen = static_cast<float*>(TF_TensorData(widening));
  const float *inner = call.input(3), *dy = call.input(4);
  float* dx = call.output(0, shape);
  float *dreduce = call.output(1, taps), *dreduce_bias = call.output(2, {in.squeezed});
  float* dwiden = call.output(3, Call::shape(widening));
  float* dwiden_bias = call.output(4, {s.channels});
  // Of each sample: gradients before the sigmoid, and before the activation, which also is kept.
  std::vector<float> wide(s.batch * s.channels);
  std::vector<float> narrow(s.batch * in.squeezed), active(s.batch * in.squeezed);
  parallel_for(s.batch, 1, [&](int, int64_t begin, int64_t end) {
    std::vector<float> dmean(s.channels);
    for (int64_t b = begin; b < end; b++) {
      const int64_t at = b * s.pixels * s.channels;
      const float *z = inner + b * in.size() + in.narrow(), *gate = inner + b * in.size() + in.gate();
      float *dwide = wide.data() + b * s.channels, *dnarrow = narrow.data() + b * in.squeezed;
      dot_pixels(x + at, dy + at, s.pixels, s.channels, dwide);
      open_gate_back(gate, dwide, s.channels, dwide);
      connect_back(dwide, widen, in.squeezed, s.channels, dnarrow);
      activate_back(z, dnarrow, in.squeezed, settings.activation, dnarrow);
      activate(z, in.squeezed, settings.activation, active.data() + b * in.squeezed);
      connect_back(dnarrow, reduce, s.channels, in.squeezed, dmean.data());
      scale_and_spread(dy + at, gate, dmean.data(), s.pixels, s.channels, dx + at);
    }
  });
  const int64_t grain = kProducts / std::max<int64_t>(1, s.batch * in.squeezed);
  parallel_for(s.channels, grain, [&](int, int64_t begin, int64_t end) {
    outer_sums(inner, in.size(), narrow.data(), in.squeezed, s.batch, begin, end, in.squeezed, dreduce);
  });
  parallel_for(in.squeezed, kProducts / (s.batch * s.channels), [&](int, int64_t begin, int64_t end) {
    outer_sums(active.data(), in.squeezed, wide.data(), s.channels, s.batch, begin, end, s.channels,
               dwiden);
  });
  const float one = 1;
  outer_sums(&one, 0, narrow.data(), in.squeezed, s.batch, 0, 1, in.squeezed, dreduce_bias);
  outer_sums(&one, 0, wide.data(), s.channels, s.batch, 0, 1, s.channels, dwiden_bias);
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
  register_operation<Squeezing, squeeze_excite>(
      {"CryptsSqueezeExcite",
       {"x: float", "reduce: float", "reduce_bias: float", "widen: float", "widen_bias: float"},
       {"y: float", "inner: float"},
       {"activation: int"}});
  register_operation<Squeezing, squeeze_excite_grad>(
      {"CryptsSqueezeExciteGrad",
       {"x: float", "reduce: float", "widen: float", "inner: float", "dy: float"},
       {"dx: float", "dreduce: float", "dreduce_bias: float", "dwiden: float", "dwiden_bias: float"},
       {"activation: int"}});
  return true;
}();

}  // namespace
