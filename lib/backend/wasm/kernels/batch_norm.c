// Batch normalization over rows of [rows, channels] in training mode, with an activation behind it.
#include "activation.h"

// Rows whose sums are added up before they join the total: keeps float32 sums accurate.
enum { CHUNK = 128 };

// Adds to sum and square, [channels] each, the sums of x - origin and its square over rows
// [begin, end). An origin near the mean keeps the squares from cancelling.
EXPORT(batch_norm_sums)
(const float *x, const float *origin, float *sum, float *square, int channels, int begin, int end) {
  for (int first = begin; first < end; first += CHUNK) {
    int last = first + CHUNK < end ? first + CHUNK : end;
    int c = 0;
    for (; c + 16 <= channels; c += 16) {
      f4 s[4], q[4], o[4];
      for (int v = 0; v < 4; v++) s[v] = q[v] = splat(0.0f), o[v] = load(origin + c + 4 * v);
      const float *p = x + first * channels + c;
      for (int row = first; row < last; row++, p += channels) {
        for (int v = 0; v < 4; v++) {
          f4 d = load(p + 4 * v) - o[v];
          s[v] += d;
          q[v] = madd(d, d, q[v]);
        }
      }
      for (int v = 0; v < 4; v++) {
        store(sum + c + 4 * v, load(sum + c + 4 * v) + s[v]);
        store(square + c + 4 * v, load(square + c + 4 * v) + q[v]);
      }
    }
    for (; c < channels; c += 4) {
      int lanes = channels - c;
      f4 s = splat(0.0f), q = s, o = load_part(origin + c, lanes);
      const float *p = x + first * channels + c;
      for (int row = first; row < last; row++, p += channels) {
        f4 d = (lanes >= 4 ? load(p) : load_part(p, lanes)) - o;
        s += d;
        q += d * d;
      }
      store_part(sum + c, load_part(sum + c, lanes) + s, lanes);
      store_part(square + c, load_part(square + c, lanes) + q, lanes);
    }
  }
}

INLINE void apply(const float *x, const float *scale, const float *shift, float *y, int channels,
                  int begin, int end, const int activation) {
  for (int row = begin; row < end; row++) {
    const float *p = x + row * channels;
    float *out = y + row * channels;
    int c = 0;
    for (; c + 4 <= channels; c += 4) {
      store(out + c, activate(madd(load(p + c), load(scale + c), load(shift + c)), activation));
    }
    if (c < channels) {
      int n = channels - c;
      f4 z = load_part(p + c, n) * load_part(scale + c, n) + load_part(shift + c, n);
      store_part(out + c, activate(z, activation), n);
    }
  }
}

// y = activation(x * scale + shift).
EXPORT(batch_norm_apply)
(const float *x, const float *scale, const float *shift, float *y, int channels, int begin, int end,
 int activation) {
  if (activation == RELU) apply(x, scale, shift, y, channels, begin, end, RELU);
  else if (activation == RELU6) apply(x, scale, shift, y, channels, begin, end, RELU6);
  else if (activation == SWISH) apply(x, scale, shift, y, channels, begin, end, SWISH);
  else apply(x, scale, shift, y, channels, begin, end, NONE);
}

// The backward sums of `vectors` vectors of channels (or of fewer than 4 channels). Swish writes
// g = dy * activation'(z) to dx: an exponential costs more than writing and reading it. Four vectors are a whole cache line of every row.
INLINE void gradient_lanes(const float *x, const float *dy, const float *mean, const float *scale,
                           const float *shift, float *dx, float *sum, float *dot, int channels,
                           int first, int last, int lanes, const int vectors, const int activation) {
  f4 m[4], a[4], b[4], s[4], d[4];
  UNROLL
  for (int v = 0; v < vectors; v++) {
    m[v] = load_part(mean + 4 * v, lanes), a[v] = load_part(scale + 4 * v, lanes);
    b[v] = load_part(shift + 4 * v, lanes), s[v] = d[v] = splat(0.0f);
  }
  for (int row = first; row < last; row++) {
    UNROLL
    for (int v = 0; v < vectors; v++) {
      int at = row * channels + 4 * v;
      f4 value = lanes >= 4 ? load(x + at) : load_part(x + at, lanes);
      f4 g = lanes >= 4 ? load(dy + at) : load_part(dy + at, lanes);
      g = activation_gradient(madd(value, a[v], b[v]), g, activation);
      if (activation == SWISH) {
        if (lanes >= 4) store(dx + at, g);
        else store_part(dx + at, g, lanes);
      }
      s[v] += g;
      d[v] = madd(g, value - m[v], d[v]);
    }
  }
  UNROLL
  for (int v = 0; v < vectors; v++) {
    store_part(sum + 4 * v, load_part(sum + 4 * v, lanes) + s[v], lanes);
    store_part(dot + 4 * v, load_part(dot + 4 * v, lanes) + d[v], lanes);
  }
}

INLINE void gradient_sums(const float *x, const float *dy, const float *mean, const float *scale,
                          const float *shift, float *dx, float *sum, float *dot, int channels,
                          int begin, int end, const int activation) {
  for (int first = begin; first < end; first += CHUNK) {
    int last = first + CHUNK < end ? first + CHUNK : end;
    int c = 0;
    // An exponential leaves registers for one vector only.
    for (; activation != SWISH && c + 16 <= channels; c += 16) {
      gradient_lanes(x + c, dy + c, mean + c, scale + c, shift + c, dx + c, sum + c, dot + c,
                     channels, first, last, 4, 4, activation);
    }
    for (; c + 4 <= channels; c += 4) {
      gradient_lanes(x + c, dy + c, mean + c, scale + c, shift + c, dx + c, sum + c, dot + c,
                     channels, first, last, 4, 1, activation);
    }
    if (c < channels) {
      gradient_lanes(x + c, dy + c, mean + c, scale + c, shift + c, dx + c, sum + c, dot + c,
                     channels, first, last, channels - c, 1, activation);
    }
  }
}

// First backward pass: adds to sum and dot the sums of g, the gradient behind the activation, and of
// g * (x - mean). With swish, dx = g.
EXPORT(batch_norm_gradient_sums)
(const float *x, const float *dy, const float *mean, const float *scale, const float *shift,
 float *dx, float *sum, float *dot, int channels, int begin, int end, int activation) {
  if (activation == RELU) {
    gradient_sums(x, dy, mean, scale, shift, dx, sum, dot, channels, begin, end, RELU);
  } else if (activation == RELU6) {
    gradient_sums(x, dy, mean, scale, shift, dx, sum, dot, channels, begin, end, RELU6);
  } else if (activation == SWISH) {
    gradient_sums(x, dy, mean, scale, shift, dx, sum, dot, channels, begin, end, SWISH);
  } else {
    gradient_sums(x, dy, mean, scale, shift, dx, sum, dot, channels, begin, end, NONE);
  }
}

INLINE void gradient_apply(const float *x, const float *dy, const float *scale, const float *shift,
                           const float *slope, const float *rest, float *dx, int channels, int begin,
                           int end, const int activation) {
  for (int row = begin; row < end; row++) {
    const float *p = x + row * channels, *q = dy + row * channels;
    float *out = dx + row * channels;
    for (int c = 0; c < channels; c += 4) {
      int n = channels - c;
      f4 a = load_part(scale + c, n), value = n >= 4 ? load(p + c) : load_part(p + c, n);
      f4 g = n >= 4 ? load(q + c) : load_part(q + c, n);
      if (activation != NONE) {
        g = activation_gradient(madd(value, a, load_part(shift + c, n)), g, activation);
      }
      g = madd(a, g, madd(load_part(slope + c, n), value, load_part(rest + c, n)));
      if (n >= 4) store(out + c, g);
      else store_part(out + c, g, n);
    }
  }
}

// Second backward pass: dx = scale * g + slope * x + rest by channel. With swish, dx holds g already.
EXPORT(batch_norm_gradient_apply)
(const float *x, const float *dy, const float *scale, const float *shift, const float *slope,
 const float *rest, float *dx, int channels, int begin, int end, int activation) {
  if (activation == RELU) {
    gradient_apply(x, dy, scale, shift, slope, rest, dx, channels, begin, end, RELU);
  } else if (activation == RELU6) {
    gradient_apply(x, dy, scale, shift, slope, rest, dx, channels, begin, end, RELU6);
  } else {
    const float *g = activation == SWISH ? dx : dy;
    gradient_apply(x, g, scale, shift, slope, rest, dx, channels, begin, end, NONE);
  }
}
