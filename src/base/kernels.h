// The inner loops, compiled once per instruction set from one source (kernels_unit.c, in GCC vector
// extensions) and chosen at run time: AVX-512, AVX2 with FMA, and the compiler's 128-bit baseline.
//
// Only these units are compiled with floating-point contraction: every multiply-add written as
// a * b + c is one fused operation where the instruction set has it, in vector bodies and scalar
// tails alike, so an element's bits never depend on its position. Sums run in one fixed order.
#ifndef THAW_BASE_KERNELS_H
#define THAW_BASE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One tap of a gathered product: where its slice of A starts relative to each row's pointer (in
// floats), and which row of the panel B it begins at.
struct kernel_tap {
    ptrdiff_t a;
    size_t b;
};

// What becomes of an output x, each part optional, in this order: x * scale + shift, + add,
// min(max(x, 0), most).
struct kernel_tail {
    const float *scale, *shift; // [channels]: BatchNorm by stored statistics; or NULL
    const float *add;           // as x lies in memory; or NULL
    float most;                 // may be infinite; 0: no ReLU. NaN stays.
};

static inline bool kernel_tail_any(const struct kernel_tail *tail) {
    return tail->scale || tail->add || tail->most > 0;
}

// The tail of what begins at element `at` of x, in channel `channel`.
static inline struct kernel_tail kernel_tail_from(const struct kernel_tail *all, size_t at,
                                                  int channel) {
    return (struct kernel_tail){.scale = all->scale ? all->scale + channel : NULL,
                                .shift = all->shift ? all->shift + channel : NULL,
                                .add = all->add ? all->add + at : NULL,
                                .most = all->most};
}

// Of BatchNorm's data gradient, all [channels].
struct kernel_blend {
    const float *mean, *of_dy, *of_x, *rest;
};

// A window of max pooling: rows x columns pixels, rows `row`, pixels `column` floats apart; the
// first one is tap `tap` of the whole window, which is `across` taps wide.
struct kernel_window {
    int rows, columns, tap, across;
    size_t row, column;
};

// An output pixel whose window has an input pixel as its tap `tap`: its gradient, and which tap was
// its maximum; [channels].
struct kernel_reader {
    const float *dy;
    const uint8_t *at;
    int tap;
};

// A two-dimensional transform of a grid of vectors of channels: rows `row`, pixels `column` floats
// apart, for `vectors` whole vectors.
typedef void kernel_transform(int vectors, const float *from, size_t row, size_t column, float *to,
                              size_t to_row, size_t to_column);

// Which elements are dropped (ops/drops.h): element i of a call that begins at draw 4 * first is
// kept, and multiplied by `factor`, when the upper 24 bits of Philox's word i % 4 of counter (a, b,
// first + i / 4, 0) are at least `lowest`.
struct kernel_drop {
    uint32_t key[2], a, b;
    int32_t lowest;
    float factor;
};

enum { CACHE_LINE = 16 }; // floats

enum {
    SPLIT_SIDE = 32,                             // of a block of split floats, 32 x 32 of them
    SPLIT_NUMBERS = 3 * SPLIT_SIDE * SPLIT_SIDE, // that it takes
};

// The matrix kernels multiply by packed panels: rows of `panel` contiguous floats (ops/panels.h
// packs them). `columns` <= panel says how many are used; whole vectors are read.
struct kernels {
    const char *isa; // "amx" (AVX-512 with tiles), "avx512", "avx2", "baseline"
    int width;       // floats in a vector
    int panel;       // columns of a packed panel: two vectors
    int rows;        // rows of the register block: the most that one call of `gather` takes

    // out[i][j] (= or +=) sum over taps t, over k < depth, of a[i][t.a + k] * b[(t.b + k) * panel +
    // j] for i < count <= rows, j < columns <= panel: one sequential chain over (t, k) per output,
    // so that its bits do not depend on i, j, count or columns. a and out are row pointers; nothing
    // needs alignment. `tail`, unless NULL, is then done to out; tail->add belongs to out[0], and
    // its rows lie apart as those of out do. From `next` on, unless NULL, lie the rows of A that
    // are read next: they are fetched into the cache meanwhile.
    void (*gather)(int count, const float *const *a, float *const *out, int columns,
                   const struct kernel_tap *taps, int tap_count, int depth, const float *b,
                   bool add, const struct kernel_tail *tail, const float *next);

    // out[i * out_stride + j] = sum over k < depth of a[i * a_stride + k] * b[k * panel + j], for i
    // < rows (any number), and j up to `columns` <= panel rounded up to whole vectors: one
    // sequential chain per output, begun at 0 or, with `carry`, at what stands in out: a long chain
    // may be cut anywhere.
    void (*product)(int rows, int columns, int depth, const float *a, size_t a_stride,
                    const float *b, float *out, size_t out_stride, bool carry);

    // out[i * out_stride + j] (= or +=) sum over runs q, over p < length, of
    // a[q][a_offset + p * a_stride + i] * b[(q * length + p) * panel + j], for i < rows (any
    // number), j < columns <= panel: one sequential chain over (q, p) per output, begun at 0.
    void (*outer)(int rows, int columns, int runs, int length, const float *const *a,
                  size_t a_stride, size_t a_offset, const float *b, float *out, size_t out_stride,
                  bool add);

    // Packs rows x columns (any number) of a matrix into panels `step` floats apart, with zeros to
    // the end of the last vector: to[j / panel * step + r * panel + j % panel] = from[r * stride +
    // j].
    void (*pack)(int rows, int columns, const float *from, size_t stride, float *to, size_t step);

    // Packs a panel from a transposed matrix: to[r * panel + j] = from[j * stride + r] for r <
    // rows, j < columns <= panel, and zeros from there to the end of the vector.
    void (*pack_transposed)(int rows, int columns, const float *from, size_t stride, float *to);

    // out[i][j] (= or +=) sum over k < depth of a[i][k] * b[j * b_stride + k], i < rows, j <
    // columns (any numbers): chains over every `width`-th k, added in one order, so that the bits
    // of an output depend neither on where it stands nor on rows and columns. Nothing is packed.
    void (*dots)(int rows, int columns, int depth, const float *const *a, const float *b,
                 size_t b_stride, float *const *out, bool add);

    // Products of split floats (kernels_split.h), quicker and no less exact; NULL where the
    // processor has no tiles. Each call splits a block of at most 32 x 32 floats of a left side
    // (rows along the depth) or right side (rows across it, or columns along it), with zeros
    // around it.
    void (*split_left)(int rows, int depth, const float *const *row, uint16_t *to);
    void (*split_right)(int depth, int columns, const float *const *row, uint16_t *to);
    void (*split_right_transposed)(int columns, int depth, const float *const *column,
                                   uint16_t *to);
    // Before and after products on a thread.
    void (*split_open)(void);
    void (*split_close)(void);
    // out[i][j] (= or +=) the product of `blocks` blocks each along the depth, + bias[j] unless
    // NULL, for i < rows <= 32, j < columns <= 32: sums in one order for every output.
    void (*split_product)(int blocks, const uint16_t *left, const uint16_t *right, int rows,
                          int columns, const float *bias, float *const *out, bool add);

    // Each channel by itself, for `count` pixels that lie x_step and y_step floats apart:
    // y[p * y_step + c] = sum over t of x[p * x_step + tap[t].a + c] * w[tap[t].b * channels + c],
    // one sequential chain begun at 0, to which bias[c] (unless NULL) or, with `add`, y is added.
    void (*depthwise)(int count, int channels, const float *x, ptrdiff_t x_step, int taps,
                      const struct kernel_tap *tap, const float *w, const float *bias, float *y,
                      ptrdiff_t y_step, bool add);
    // dw[tap[t].b * channels + c] += sum over p of x[p * x_step + tap[t].a + c] * dy[p * channels +
    // c]: one sequential chain over p, begun at 0.
    void (*depthwise_weight)(int count, int channels, const float *x, ptrdiff_t x_step, int taps,
                             const struct kernel_tap *tap, const float *dy, float *dw);

    // Winograd's F(4x4, 3x3) (kernels_winograd.h): y = A' ((G g G') . (B' d B)) A with d a 6x6 tile
    // of the input, g the 3x3 weights, y a 4x4 tile of the output, the product summed over
    // channels.
    kernel_transform *winograd_input;       // 6x6 -> 6x6: B' d B
    kernel_transform *winograd_weight;      // 3x3 -> 6x6: G g G'
    kernel_transform *winograd_output;      // 6x6 -> 4x4: A' m A
    kernel_transform *winograd_output_add;  // the same, added to what stands there
    kernel_transform *winograd_gradient;    // 4x4 -> 6x6: A dy A', for the gradient of the weights
    kernel_transform *winograd_weight_back; // 6x6 -> 3x3: G' du G

    // The largest value of each channel under a window whose first pixel is x; at: its tap, or
    // NULL. The first maximum in order wins, NaN wins over everything.
    void (*max_pool)(const struct kernel_window *window, int channels, const float *x, float *y,
                     uint8_t *at);
    // An input pixel's gradient from `count` readers, added up in order: dx (= or +=) sum of those
    // dy whose maximum it was.
    void (*max_pool_back)(int count, const struct kernel_reader *readers, int channels, float *dx,
                          bool add);

    // Element by element and channel by channel (rows x channels, channels fastest).
    // y = x with its tail; rows `step` floats apart in x, y and tail->add. y may be x or tail->add.
    void (*finish)(size_t rows, int channels, size_t step, const float *x,
                   const struct kernel_tail *tail, float *y);
    // sum[c] = sum over rows of x; square[c] = sum over rows of (x - mean)^2 (mean may be NULL: 0).
    // Either destination may be NULL.
    void (*channel_sums)(size_t rows, int channels, const float *x, const float *mean, float *sum,
                         float *square);
    // sum[c] = sum over rows of dy; dot[c] = sum over rows of dy * (x - mean) * invstd. With `relu`
    // (else NULL), dy counts only where 0 < x * scale + shift < most.
    void (*norm_dots)(size_t rows, int channels, const float *dy, const float *x, const float *mean,
                      const float *invstd, const struct kernel_tail *relu, float *sum, float *dot);
    // dx (= or +=) dy * of_dy + (x - mean) * of_x + rest, per channel: BatchNorm's data gradient.
    // `relu` as before; dx may be dy.
    void (*norm_blend)(size_t rows, int channels, const float *dy, const float *x,
                       const struct kernel_blend *blend, const struct kernel_tail *relu, float *dx,
                       bool add);
    // dx (= or +=) 0 < y < most ? dy : 0
    void (*relu_back)(size_t n, const float *y, float most, const float *dy, float *dx, bool add);
    void (*sum)(size_t n, const float *a, const float *b, float *y); // y = a + b; y may be a
    void (*scale)(size_t n, const float *x, float factor, float *y, bool add);
    double (*square_sum)(size_t n, const float *x); // in double, in one order for all sets

    // PyTorch's updates; see optim.h for the formulas. sgd: moment NULL when there is no momentum.
    // adam: l2 * w is added to the gradient (Adam's weight decay); w is first multiplied by
    // 1 - decay (AdamW's: decay = lr * weight_decay); step_size = lr / (1 - beta1^t),
    // root_correction2 = sqrt(1 - beta2^t). The betas are doubles because 1 - beta is what counts.
    void (*sgd)(size_t n, float *w, const float *g, float *moment, float lr, float weight_decay,
                float momentum, bool nesterov, bool first);
    void (*adam)(size_t n, float *w, const float *g, float *m, float *v, float step_size,
                 double beta1, double beta2, float root_correction2, float eps, float l2,
                 float decay);

    // The sum of exp(x - largest), n >= 1, also giving the largest; and, by that,
    // y (= or +=) exp(x - largest) * factor. To about one unit in the last place; what lies more
    // than 87 below the largest counts as 87 below.
    double (*exp_sum)(size_t n, const float *x, float *largest);
    void (*exp_scale)(size_t n, const float *x, float largest, float factor, float *y, bool add);

    // Of texts, row by row. softmax: x = exp(scale * x) / sum, in place, n >= 1; returns the
    // logarithm of the sum, by which softmax_again gives the same from the same x (but for
    // rounding) without a second look at all of them. softmax_back: dp = p * (dp - sum of p * dp)
    // * scale.
    float (*softmax)(size_t n, float scale, float *x);
    void (*softmax_again)(size_t n, float scale, float log_sum, float *x);
    void (*softmax_back)(size_t n, float scale, const float *p, float *dp);
    // y = x * normal distribution below x: exactly, or by_tanh; dx (= or +=) dy * its slope.
    void (*gelu)(size_t n, const float *x, bool by_tanh, float *y);
    void (*gelu_back)(size_t n, const float *x, bool by_tanh, const float *dy, float *dx, bool add);
    // to (= or +=) from * mask; `to` may be `from`.
    void (*drop)(size_t n, const struct kernel_drop *drop, uint32_t first, const float *from,
                 float *to, bool add);
    // One row: y = (x - mean) * scale * weight + bias, scale = 1 / sqrt(variance + eps); moments:
    // mean, scale.
    void (*layer_norm)(int channels, const float *x, const float *weight, const float *bias,
                       float eps, float *y, float moments[2]);
    void (*layer_norm_back)(int channels, const float *dy, const float *x, const float *weight,
                            const float moments[2], float *dx, bool add);
    // dot[c] = sum over rows of dy * (x - mean) * scale, moments [rows][2].
    void (*layer_norm_sums)(size_t rows, int channels, const float *dy, const float *x,
                            const float *moments, float *dot);
};

// The kernels in use: the best that this machine has, or what THAW_ISA names. Chosen at first use;
// an unknown or unsupported THAW_ISA is ignored (isa_list tells `thaw doctor`).
const struct kernels *kernels(void);

// Forces an instruction set by name for tests; false when this machine lacks it.
bool kernels_force(const char *isa);

// All that this build has and this machine can run, best first; NULL-terminated.
const struct kernels *const *kernels_available(void);

// What kernels_unit.c defines, once per build of it; for kernels.c alone.
extern const struct kernels kernels_amx, kernels_avx512, kernels_avx2, kernels_baseline;

#endif
