// Compiled for each processor by depthwise.cc.

// Outputs of a row that are summed at once: each has a sum of its own, and shares the loaded pixels.
constexpr int kTogether = 4;
// Bytes of a group of rows, which stays near the processor while the channels go by.
constexpr int64_t kNear = 400 << 10;

// The rows of one image that are worked on at once.
INLINE int64_t rows_of(const Window& w) {
  const int64_t row = w.width * w.channels * w.stride_y * sizeof(float);
  return std::clamp<int64_t>(kNear / row, 1, w.out_height);
}

// Outputs [low, high) of a row have all their taps inside the image.
struct Inside {
  int64_t low, high;
};

INLINE Inside inside_of(const Window& w) {
  const int64_t low = std::min((w.pad_left + w.stride_x - 1) / w.stride_x, w.out_width);
  const int64_t last = w.width - w.taps_x + w.pad_left;
  const int64_t high = last < 0 ? low : std::min(last / w.stride_x + 1, w.out_width);
  return {low, std::max(low, high)};
}

// The first channel of a vector: the last vector overlaps the one before where the channels are not whole.
INLINE int64_t channel_of(const Window& w, int64_t vector) {
  return std::min(vector * lanes, w.channels - lanes);
}

// One output with taps outside the image.
template <int taps_x>
INLINE V border(const Window& w, const float* image, const float* weights, int64_t oy, int64_t ox) {
  V sum = {};
  for (int64_t ky = 0; ky < w.taps_y; ky++) {
    const int64_t y = oy * w.stride_y + ky - w.pad_top;
    if (y < 0 || y >= w.height) continue;
    for (int64_t kx = 0; kx < taps_x; kx++) {
      const int64_t x = ox * w.stride_x + kx - w.pad_left;
      if (x < 0 || x >= w.width) continue;
      sum += load(image + (y * w.width + x) * w.channels) * load(weights + (ky * taps_x + kx) * lanes);
    }
  }
  return sum;
}

// One row of outputs of one vector of channels; `weights` are [tap][lane].
template <int taps_x, int stride_x>
INLINE void convolve_row(const Window& w, const float* image, const float* weights, int64_t oy,
                         Inside inside, int64_t c, float* row) {
  const int64_t step = w.channels;
  const int64_t from = std::max<int64_t>(0, w.pad_top - oy * w.stride_y);
  const int64_t to = std::min(w.taps_y, w.height + w.pad_top - oy * w.stride_y);
  int64_t ox = 0;
  for (; ox < inside.low; ox++)
    store(row + ox * step, finish(border<taps_x>(w, image, weights, oy, ox), w.ending, c));
  for (; ox + kTogether <= inside.high; ox += kTogether) {
    V sum[kTogether] = {};
    for (int64_t ky = from; ky < to; ky++) {
      const int64_t y = oy * w.stride_y + ky - w.pad_top, x = ox * stride_x - w.pad_left;
      const float *pixels = image + (y * w.width + x) * step, *tap = weights + ky * taps_x * lanes;
      V values[(kTogether - 1) * stride_x + taps_x];
      UNROLL
      for (int i = 0; i < (kTogether - 1) * stride_x + taps_x; i++) values[i] = load(pixels + i * step);
      UNROLL
      for (int kx = 0; kx < taps_x; kx++) {
        const V weight = load(tap + kx * lanes);
        UNROLL
        for (int i = 0; i < kTogether; i++) sum[i] += values[i * stride_x + kx] * weight;
      }
    }
    UNROLL
    for (int i = 0; i < kTogether; i++) store(row + (ox + i) * step, finish(sum[i], w.ending, c));
  }
  for (; ox < w.out_width; ox++)
    store(row + ox * step, finish(border<taps_x>(w, image, weights, oy, ox), w.ending, c));
}

template <int taps_x, int stride_x>
INLINE void convolve(const Window& w, const float* x, const float* filter, float* y, int64_t begin,
                     int64_t end) {
  const int64_t taps = w.taps_y * taps_x, group = rows_of(w);
  const Inside inside = inside_of(w);
  float* weights = scratch(kOwn, taps * lanes);
  for (int64_t first = begin; first < end;) {
    const int64_t sample = first / w.out_height, oy = first % w.out_height;
    const int64_t count = std::min({group, end - first, w.out_height - oy});
    const float* image = x + sample * w.height * w.width * w.channels;
    for (int64_t vector = 0; vector * lanes < w.channels; vector++) {
      const int64_t c = channel_of(w, vector);
      for (int64_t tap = 0; tap < taps; tap++)
        store(weights + tap * lanes, load(filter + (w.flipped ? taps - 1 - tap : tap) * w.channels + c));
      for (int64_t i = 0; i < count; i++)
        convolve_row<taps_x, stride_x>(w, image + c, weights, oy + i, inside, c,
                                       y + (first + i) * w.out_width * w.channels + c);
    }
    first += count;
  }
}

// Rows [begin, end) of the outputs of all images.
void convolve_rows(const Window& w, const float* x, const float* filter, float* y, int64_t begin,
                   int64_t end) {
  if (w.taps_x == 3 && w.stride_x == 1) convolve<3, 1>(w, x, filter, y, begin, end);
  else if (w.taps_x == 3) convolve<3, 2>(w, x, filter, y, begin, end);
  else if (w.stride_x == 1) convolve<5, 1>(w, x, filter, y, begin, end);
  else convolve<5, 2>(w, x, filter, y, begin, end);
}

// Adds one row of outputs to the sums of the taps of one row of the filter.
template <int taps_x, int stride_x>
INLINE void add_row(const Window& w, const float* pixels, const float* dy, Inside inside, V* sum) {
  const int64_t step = w.channels;
  const auto add_border = [&](int64_t ox) ALWAYS_INLINE {
    UNROLL
    for (int kx = 0; kx < taps_x; kx++) {
      const int64_t x = ox * stride_x + kx - w.pad_left;
      if (x >= 0 && x < w.width) sum[kx] += load(pixels + x * step) * load(dy + ox * step);
    }
  };
  int64_t ox = 0;
  for (; ox < inside.low; ox++) add_border(ox);
  for (; ox < inside.high; ox++) {
    const V g = load(dy + ox * step);
    const float* at = pixels + (ox * stride_x - w.pad_left) * step;
    UNROLL
    for (int kx = 0; kx < taps_x; kx++) sum[kx] += load(at + kx * step) * g;
  }
  for (; ox < w.out_width; ox++) add_border(ox);
}

template <int taps_x, int stride_x>
INLINE void filter_sums(const Window& w, const float* x, const float* dy, int64_t begin, int64_t end,
                        float* sums) {
  const int64_t group = rows_of(w), vectors = whole(w.channels) / lanes;
  const Inside inside = inside_of(w);
  std::fill(sums, sums + w.taps_y * taps_x * vectors * lanes, 0.0f);
  for (int64_t first = begin; first < end;) {
    const int64_t sample = first / w.out_height, oy = first % w.out_height;
    const int64_t count = std::min({group, end - first, w.out_height - oy});
    const float* image = x + sample * w.height * w.width * w.channels;
    for (int64_t vector = 0; vector < vectors; vector++) {
      const int64_t c = channel_of(w, vector);
      for (int64_t ky = 0; ky < w.taps_y; ky++) {
        float* to = sums + (vector * w.taps_y + ky) * taps_x * lanes;
        V sum[taps_x];
        UNROLL
        for (int kx = 0; kx < taps_x; kx++) sum[kx] = load(to + kx * lanes);
        for (int64_t i = 0; i < count; i++) {
          const int64_t row = (oy + i) * w.stride_y + ky - w.pad_top;
          if (row < 0 || row >= w.height) continue;
          add_row<taps_x, stride_x>(w, image + row * w.width * w.channels + c,
                                    dy + (first + i) * w.out_width * w.channels + c, inside, sum);
        }
        UNROLL
        for (int kx = 0; kx < taps_x; kx++) store(to + kx * lanes, sum[kx]);
      }
    }
    first += count;
  }
}

// The filter's gradient of rows [begin, end) of the outputs of all images, to sums [vector][tap][lane].
void filter_sum_rows(const Window& w, const float* x, const float* dy, int64_t begin, int64_t end,
                     float* sums) {
  if (w.taps_x == 3 && w.stride_x == 1) filter_sums<3, 1>(w, x, dy, begin, end, sums);
  else if (w.taps_x == 3) filter_sums<3, 2>(w, x, dy, begin, end, sums);
  else if (w.stride_x == 1) filter_sums<5, 1>(w, x, dy, begin, end, sums);
  else filter_sums<5, 2>(w, x, dy, begin, end, sums);
}

// Adds up `parts` sums, `size` floats apart, to dw [tap][channel].
void gather_sums(const Window& w, const float* sums, int64_t parts, int64_t size, float* dw) {
  const int64_t taps = w.taps_y * w.taps_x;
  for (int64_t vector = 0; vector * lanes < w.channels; vector++) {
    for (int64_t tap = 0; tap < taps; tap++) {
      const float* at = sums + (vector * taps + tap) * lanes;
      V total = load(at);
      for (int64_t part = 1; part < parts; part++) total += load(at + part * size);
      store(dw + tap * w.channels + channel_of(w, vector), total);
    }
  }
}

const Kernels kernels = {lanes, convolve_rows, filter_sum_rows, gather_sums};
