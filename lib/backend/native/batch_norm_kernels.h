// Compiled for each processor by batch_norm.cc.

// Rows taken together, so that the sums are loaded and stored once for all of them.
constexpr int64_t kTogether = 4;

template <int activation>
INLINE V activate(V z) {
  if (activation == kSwish) return swish(z);
  if (activation == kRelu) return z > 0.0f ? z : V{};
  return z;
}

template <int activation>
INLINE V through(V dy, V z) {
  if (activation == kSwish) return dy * swish_slope(z);
  if (activation == kRelu) return z > 0.0f ? dy : V{};
  return dy;
}

// Calls body(c, count) for the channels of a row, a vector at a time and then the rest.
template <typename Body>
INLINE void each_channel(int64_t channels, Body body) {
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) body(c, lanes);
  if (c < channels) body(c, channels - c);
}

INLINE V get(const float* at, int64_t count) {
  return count == lanes ? load(at) : load_some(at, count);
}

INLINE void put(float* at, V v, int64_t count) {
  if (count == lanes) store(at, v);
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
void add_moments(const float* x, const float* origin, int64_t rows, int64_t channels, float* sum,
                 float* square) {
  each_row(rows, channels, [&](int64_t r, int64_t together, int64_t c, int64_t n) ALWAYS_INLINE {
    const V o = get(origin + c, n);
    V s = get(sum + c, n), q = get(square + c, n);
    for (int64_t i = 0; i < together; i++) {
      const V v = get(x + (r + i) * channels + c, n) - o;
      s += v;
      q += v * v;
    }
    put(sum + c, s, n);
    put(square + c, q, n);
  });
}

template <int activation, bool streamed>
INLINE void apply_rows(const float* x, const float* scale, const float* shift, int64_t rows,
                       int64_t channels, float* y) {
  for (int64_t r = 0; r < rows; r++, x += channels, y += channels) {
    each_channel(channels, [&](int64_t c, int64_t n) ALWAYS_INLINE {
      const V z = get(x + c, n) * get(scale + c, n) + get(shift + c, n);
      if (streamed) stream(y + c, activate<activation>(z));
      else put(y + c, activate<activation>(z), n);
    });
  }
}

template <int activation>
INLINE void apply_to(const float* x, const float* scale, const float* shift, int64_t rows,
                     int64_t channels, bool large, float* y) {
  if (large && channels % lanes == 0 && is_aligned(y)) {
    apply_rows<activation, true>(x, scale, shift, rows, channels, y);
    end_stream();
  } else {
    apply_rows<activation, false>(x, scale, shift, rows, channels, y);
  }
}

void apply(const float* x, const float* scale, const float* shift, int64_t rows, int64_t channels,
           int activation, bool large, float* y) {
  if (activation == kSwish) apply_to<kSwish>(x, scale, shift, rows, channels, large, y);
  else if (activation == kRelu) apply_to<kRelu>(x, scale, shift, rows, channels, large, y);
  else apply_to<kNone>(x, scale, shift, rows, channels, large, y);
}

// Adds g, the gradient before the activation, and g * (x - mean) to the sums of each channel.
template <int activation>
INLINE void gradient_sums_of(const float* x, const float* dy, const float* mean,
                             const float* scale, const float* shift, int64_t rows,
                             int64_t channels, float* sum, float* dot) {
  each_row(rows, channels, [&](int64_t r, int64_t together, int64_t c, int64_t n) ALWAYS_INLINE {
    const V m = get(mean + c, n), a = get(scale + c, n), b = get(shift + c, n);
    V s = get(sum + c, n), d = get(dot + c, n);
    for (int64_t i = 0; i < together; i++) {
      const int64_t at = (r + i) * channels + c;
      const V v = get(x + at, n), g = through<activation>(get(dy + at, n), v * a + b);
      s += g;
      d += g * (v - m);
    }
    put(sum + c, s, n);
    put(dot + c, d, n);
  });
}

void gradient_sums(const float* x, const float* dy, const float* mean, const float* scale,
                   const float* shift, int64_t rows, int64_t channels, int activation, float* sum,
                   float* dot) {
  if (activation == kSwish)
    gradient_sums_of<kSwish>(x, dy, mean, scale, shift, rows, channels, sum, dot);
  else if (activation == kRelu)
    gradient_sums_of<kRelu>(x, dy, mean, scale, shift, rows, channels, sum, dot);
  else
    gradient_sums_of<kNone>(x, dy, mean, scale, shift, rows, channels, sum, dot);
}

// dx = scale * g + slope * x + offset, with g computed again: an exponential costs less than writing g and
// reading it.
template <int activation, bool streamed>
INLINE void gradient_rows(const float* x, const float* dy, const Factors& f, int64_t rows,
                          int64_t channels, float* dx) {
  for (int64_t r = 0; r < rows; r++, x += channels, dy += channels, dx += channels) {
    each_channel(channels, [&](int64_t c, int64_t n) ALWAYS_INLINE {
      const V v = get(x + c, n), a = get(f.scale + c, n);
      const V g = through<activation>(get(dy + c, n), v * a + get(f.shift + c, n));
      const V result = a * g + (get(f.slope + c, n) * v + get(f.offset + c, n));
      if (streamed) stream(dx + c, result);
      else put(dx + c, result, n);
    });
  }
}

template <int activation>
INLINE void gradient_to(const float* x, const float* dy, const Factors& f, int64_t rows,
                        int64_t channels, bool large, float* dx) {
  if (large && channels % lanes == 0 && is_aligned(dx)) {
    gradient_rows<activation, true>(x, dy, f, rows, channels, dx);
    end_stream();
  } else {
    gradient_rows<activation, false>(x, dy, f, rows, channels, dx);
  }
}

void gradient(const float* x, const float* dy, const Factors& f, int64_t rows, int64_t channels,
              int activation, bool large, float* dx) {
  if (activation == kSwish) gradient_to<kSwish>(x, dy, f, rows, channels, large, dx);
  else if (activation == kRelu) gradient_to<kRelu>(x, dy, f, rows, channels, large, dx);
  else gradient_to<kNone>(x, dy, f, rows, channels, large, dx);
}

const Kernels kernels = {add_moments, apply, gradient_sums, gradient};
