// The exponential and swish of vectors `V` of floats, with `IntV` as many integers. No include guard:
// every_processor.h includes this once for each processor, vector.h once more.

INLINE V constant(float value) { return V{} + value; }

// e^x to 2 units in the last place, between 2^-126 and 2^127 (Cephes' expf).
INLINE V exponential(V x) {
  x = x > 88.0f ? constant(88.0f) : x;
  x = x < -87.0f ? constant(-87.0f) : x;
  // Adding 1.5 * 2^23 leaves no bits for a fraction: this rounds.
  const V whole = (x * 1.44269504088896341f + 12582912.0f) - 12582912.0f;
  const V r = (x - whole * 0.693359375f) - whole * -2.12194440e-4f;
  V p = constant(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const IntV power = (__builtin_convertvector(whole, IntV) + 127) << 23;
  V scale;
  memcpy(&scale, &power, sizeof scale);
  return p * scale;
}

INLINE V sigmoid(V x) { return 1.0f / (1.0f + exponential(-x)); }

INLINE V swish(V x) { return x * sigmoid(x); }

INLINE V swish_slope(V x) {
  const V s = sigmoid(x);
  return s * (1.0f + x * (1.0f - s));
}
