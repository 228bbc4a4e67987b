// Winograd's points and tiles. No include guard: every_processor.h includes this for each processor.

// Vectors of output channels in one step of the products, and tiles (or input channels of the filter
// gradient): as many as there are registers for.
constexpr int kVectors = 2, kRows = LANES == 16 ? 8 : 6;

// Six inputs, evaluated at the points; `from` and `to` are the distances of vectors.
INLINE void evaluate_input(const V* d, V* v, int from, int to) {
  const V d0 = d[0], d1 = d[from], d2 = d[2 * from], d3 = d[3 * from], d4 = d[4 * from];
  const V even_a = d4 - kB2 * d2, odd_a = d3 - kB2 * d1;
  const V even_b = d4 - kA2 * d2, odd_b = d3 - kA2 * d1;
  v[0] = kA2 * kB2 * d0 + (d4 - (kA2 + kB2) * d2);
  v[to] = even_a + kA * odd_a;
  v[2 * to] = even_a - kA * odd_a;
  v[3 * to] = even_b + kB * odd_b;
  v[4 * to] = even_b - kB * odd_b;
  v[5 * to] = kA2 * kB2 * d1 + (d[5 * from] - (kA2 + kB2) * d3);
}

// Three filter taps.
INLINE void evaluate_filter(V g0, V g1, V g2, V* v, int step) {
  const V even_a = kA2 * kScaleA * g2 + kScaleA * g0, odd_a = kA * kScaleA * g1;
  const V even_b = kB2 * kScaleB * g2 + kScaleB * g0, odd_b = kB * kScaleB * g1;
  v[0] = kScale0 * g0;
  v[step] = even_a + odd_a;
  v[2 * step] = even_a - odd_a;
  v[3 * step] = even_b + odd_b;
  v[4 * step] = even_b - odd_b;
  v[5 * step] = g2;
}

// Four values of the outputs' gradient.
INLINE void evaluate_gradient(V g0, V g1, V g2, V g3, V* v, int step) {
  const V even_a = kA2 * kScaleA * g2 + kScaleA * g0;
  const V odd_a = kA2 * kA * kScaleA * g3 + kA * kScaleA * g1;
  const V even_b = kB2 * kScaleB * g2 + kScaleB * g0;
  const V odd_b = kB2 * kB * kScaleB * g3 + kB * kScaleB * g1;
  v[0] = kScale0 * g0;
  v[step] = even_a + odd_a;
  v[2 * step] = even_a - odd_a;
  v[3 * step] = even_b + odd_b;
  v[4 * step] = even_b - odd_b;
  v[5 * step] = g3;
}

// Four outputs from their products at the six points.
INLINE void interpolate(const V* m, V* y, int from, int to) {
  const V sum_a = m[from] + m[2 * from], difference_a = m[from] - m[2 * from];
  const V sum_b = m[3 * from] + m[4 * from], difference_b = m[3 * from] - m[4 * from];
  y[0] = m[0] + sum_a + sum_b;
  y[to] = kA * difference_a + kB * difference_b;
  y[2 * to] = kA2 * sum_a + kB2 * sum_b;
  y[3 * to] = kA2 * kA * difference_a + (kB2 * kB * difference_b + m[5 * from]);
}

// Three taps of the filter gradient.
INLINE void interpolate_taps(const V* m, V* y, int from, int to) {
  const V sum_a = m[from] + m[2 * from], difference_a = m[from] - m[2 * from];
  const V sum_b = m[3 * from] + m[4 * from], difference_b = m[3 * from] - m[4 * from];
  y[0] = m[0] + sum_a + sum_b;
  y[to] = kA * difference_a + kB * difference_b;
  y[2 * to] = kA2 * sum_a + (kB2 * sum_b + m[5 * from]);
}

// Lets `pixels` point to copies of their channels from c on, fewer than a vector, zeros after them.
template <int count>
INLINE void copy_rest(const float** pixels, int64_t c, int64_t channels, float* copy) {
  for (int i = 0; i < count; i++, copy += lanes) {
    store(copy, V{});
    for (int64_t k = c; k < channels; k++) copy[k - c] = pixels[i][k];
    pixels[i] = copy;
  }
}

// One tile of inputs to the points, `stride` floats apart; vectors of channels go `chunk` floats apart.
// `zeros` are as many as channels.
INLINE void evaluate_tile(const float* x, const Grid& g, int64_t tile, const float* zeros, float* v,
                          int64_t stride, int64_t chunk) {
  const float* pixels[kPoints];
  float rest[kPoints * lanes];
  find_pixels<kSide>(x, g, tile, zeros, pixels);
  for (int64_t c = 0; c < g.channels; c += lanes, v += chunk) {
    int64_t at = c;
    if (c + lanes > g.channels) {
      copy_rest<kPoints>(pixels, c, g.channels, rest);
      at = 0;
    }
    V e[kPoints];
    UNROLL
    for (int s = 0; s < kSide; s++) {
      V d[kSide];
      UNROLL
      for (int r = 0; r < kSide; r++) d[r] = load(pixels[r * kSide + s] + at);
      evaluate_input(d, e + s, 1, kSide);
    }
    UNROLL
    for (int r = 0; r < kSide; r++) {
      V row[kSide];
      evaluate_input(e + r * kSide, row, 1, 1);
      UNROLL
      for (int s = 0; s < kSide; s++) store(v + (r * kSide + s) * stride, row[s]);
    }
  }
}
