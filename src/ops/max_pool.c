// The largest value under a sliding window; padding never wins. As in PyTorch, the first maximum in
// row-major order gets the gradient, and NaN wins over everything, so that a diverging run shows.
// keep: for each output a byte, the tap of its window (row-major) that is its maximum.
#include "base/kernels.h"
#include "ops/pool_window.h"

enum { KERNEL_MAX = 16 }; // taps that a byte can count

static bool max_pool_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                           struct error *error) {
    if (!pool_window_infer("max_pool", attr, in[0], out, error))
        return false;
    return attr->pool.kernel <= KERNEL_MAX ||
           error_set(error, "max_pool: a window of %dx%d: at most %dx%d", attr->pool.kernel,
                     attr->pool.kernel, KERNEL_MAX, KERNEL_MAX);
}

static size_t max_pool_keep(const struct op_call *call) {
    return (call->n * shape_count(call->out_shape) + sizeof(float) - 1) / sizeof(float);
}

// One output pixel; x: the sample, y, at: [c]; at NULL: not kept.
static void max_pool_pixel(const struct op_call *call, int h, int w, const float *x, float *y,
                           uint8_t *at) {
    const struct shape in = call->in_shape[0];
    const struct pool_window window = pool_window_at(call->attr, in, h, w);
    const int stride = call->attr->pool.stride, pad = call->attr->pool.pad;
    const int across = call->attr->pool.kernel;
    const struct kernel_window pixels = {.rows = window.bottom - window.top,
                                         .columns = window.right - window.left,
                                         .tap = (window.top - (h * stride - pad)) * across +
                                                window.left - (w * stride - pad),
                                         .across = across,
                                         .row = (size_t)in.w * (size_t)in.c,
                                         .column = (size_t)in.c};
    const size_t first = (size_t)window.top * (size_t)in.w + (size_t)window.left;
    kernels()->max_pool(&pixels, in.c, x + first * (size_t)in.c, y, at);
}

static void max_pool_forward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    const struct shape out = call->out_shape;
    size_t at = (size_t)first * shape_count(out);
    uint8_t *keep = (uint8_t *)call->keep;
    for (int i = first; i < first + count; i++) {
        const float *x = call->in[0] + (size_t)i * shape_count(call->in_shape[0]);
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++, at += (size_t)out.c)
                max_pool_pixel(call, h, w, x, call->out + at, keep ? keep + at : NULL);
    }
}

static void max_pool_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), max_pool_forward_samples);
}

// Along one side: outputs first .. end - 1 have pixel i in their windows.
struct max_pool_side {
    int first, end;
};

static struct max_pool_side max_pool_side(const struct op_call *call, int i, int outs) {
    const int kernel = call->attr->pool.kernel, stride = call->attr->pool.stride;
    const int at = i + call->attr->pool.pad;
    const int first = at < kernel ? 0 : (at - kernel) / stride + 1, end = at / stride + 1;
    return (struct max_pool_side){first, end < outs ? end : outs};
}

// The outputs of sample `sample` that read its pixel (h, w), in order.
static int max_pool_readers(const struct op_call *call, int sample, int h, int w,
                            struct kernel_reader *to) {
    const struct shape out = call->out_shape;
    const int kernel = call->attr->pool.kernel, stride = call->attr->pool.stride;
    const int pad = call->attr->pool.pad;
    const struct max_pool_side down = max_pool_side(call, h, out.h);
    const struct max_pool_side across = max_pool_side(call, w, out.w);
    int count = 0;
    for (int y = down.first; y < down.end; y++)
        for (int x = across.first; x < across.end; x++) {
            const size_t row = (size_t)sample * (size_t)out.h + (size_t)y;
            const size_t at = (row * (size_t)out.w + (size_t)x) * (size_t)out.c;
            to[count++] =
                (struct kernel_reader){call->dout + at, (const uint8_t *)call->keep + at,
                                       (h + pad - y * stride) * kernel + w + pad - x * stride};
        }
    return count;
}

static void max_pool_backward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    const struct shape in = call->in_shape[0];
    struct kernel_reader readers[KERNEL_MAX * KERNEL_MAX];
    float *dx = call->din[0].to + (size_t)first * shape_count(in);
    for (int i = first; i < first + count; i++)
        for (int h = 0; h < in.h; h++)
            for (int w = 0; w < in.w; w++, dx += in.c)
                kernels()->max_pool_back(max_pool_readers(call, i, h, w, readers), readers, in.c,
                                         dx, call->din[0].add);
}

static void max_pool_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), max_pool_backward_samples);
}

static struct op_flops max_pool_flops(const union op_attr *attr, const struct shape *in,
                                      struct shape out) {
    (void)in;
    double count = (double)shape_count(out), window = (double)attr->pool.kernel * attr->pool.kernel;
    return (struct op_flops){.forward = count * window, .data = count};
}

const struct operation op_max_pool = {
    .name = "max_pool",
    .inputs = 1,
    .pure = true,
    .infer = max_pool_infer,
    .keep = max_pool_keep,
    .forward = max_pool_forward,
    .backward = max_pool_backward,
    .flops = max_pool_flops,
};
