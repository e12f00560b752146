// Direct convolution by the matrix kernels, without im2col. Padded rows of the input are copied
// into strips that stay in cache; weights are packed once per call. Depthwise ones have a way of
// their own (conv2d_depthwise.h), and so have 3x3 ones of stride 1 (conv2d_winograd.h) unless
// mode.precise. params: weight [r][s][c/groups][k], bias [k] or NULL.
//
// out[y][x][k] = bias[k] + sum over r, s, c of in[y * stride + r - pad][x * stride + s - pad][c]
//                * weight[r][s][c][k], c and k within the same group.
#include "base/kernels.h"
#include "ops/bias.h"
#include "ops/conv2d_depthwise.h"
#include "ops/conv2d_gather.h"
#include "ops/conv2d_weight.h"
#include "ops/conv2d_winograd.h"
#include "ops/conv2d_winograd_weight.h"
#include "ops/panels.h"

enum { WEIGHT, BIAS };

static bool conv2d_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                         struct error *error) {
    const int r = attr->conv.kernel_h, s = attr->conv.kernel_w, stride = attr->conv.stride;
    const int pad = attr->conv.pad, groups = attr->conv.groups, k = attr->conv.out;
    if (r < 1 || s < 1 || stride < 1 || pad < 0 || groups < 1 || k < 1)
        return error_set(error,
                         "conv2d: sizes, stride and groups must be at least 1, pad at least 0");
    if (r > CONV2D_TAPS / s || stride > CONV2D_STRIDE)
        return error_set(error, "conv2d: kernel %dx%d, stride %d: at most %d taps and stride %d", r,
                         s, stride, CONV2D_TAPS, CONV2D_STRIDE);
    if (in[0].c % groups || k % groups)
        return error_set(error,
                         "conv2d: %d input and %d output channels do not divide into %d groups",
                         in[0].c, k, groups);
    if (in[0].h + 2 * pad < r || in[0].w + 2 * pad < s)
        return error_set(error, "conv2d: a %dx%d kernel does not fit an input of %dx%d with pad %d",
                         r, s, in[0].h, in[0].w, pad);
    *out = (struct shape){(in[0].h + 2 * pad - r) / stride + 1,
                          (in[0].w + 2 * pad - s) / stride + 1, k};
    return true;
}

// The input as the forward pass and the weight gradient see it.
static struct conv2d_image conv2d_input(const struct op_call *call) {
    const int pad = call->attr->conv.pad;
    struct conv2d_image image = conv2d_image_dense(call->in[0], call->in_shape[0]);
    image.top = image.left = pad;
    image.padded_h += 2 * pad;
    image.padded_w += 2 * pad;
    image.rows = call->out_shape.h;
    image.step = call->attr->conv.stride;
    image.window = call->attr->conv.kernel_h;
    return image;
}

// The packing of all panels of all phases, one after another: a piece each.
struct conv2d_packing {
    const struct op_call *call;
    const struct conv2d_gather *gather;
    float *to;
};

// Forward.

static void conv2d_pack_forward(void *context, int piece, int worker) {
    (void)worker;
    const struct conv2d_packing *p = context;
    const struct shape in = p->call->in_shape[0];
    const int groups = p->gather->groups, k = p->call->out_shape.c;
    const int panel = kernels()->panel, panels = panels_count(k / groups);
    const int rows = p->call->attr->conv.kernel_h * p->call->attr->conv.kernel_w * in.c / groups;
    const int j = piece % panels * panel, left = k / groups - j;
    panels_pack(rows, left < panel ? left : panel,
                p->call->param[WEIGHT] + piece / panels * (k / groups) + j, (size_t)k,
                p->to + (size_t)piece * (size_t)rows * (size_t)panel);
}

// As the forward pass gathers it: of a single tap only those pixels that it reads.
static struct conv2d_image conv2d_forward_image(const struct op_call *call) {
    struct conv2d_image image = conv2d_input(call);
    const struct shape out = call->out_shape;
    if (image.window == 1 && call->attr->conv.kernel_w == 1 && image.top == 0) {
        image.row_step *= (size_t)image.step;
        image.pixel_step *= (size_t)image.step;
        image.step = 1;
        image.shape.h = image.padded_h = out.h;
        image.shape.w = image.padded_w = out.w;
    }
    conv2d_image_spread(&image);
    return image;
}

static struct conv2d_gather conv2d_forward_gather(const struct op_call *call) {
    return (struct conv2d_gather){
        .image = conv2d_forward_image(call),
        .n = call->n,
        .groups = call->attr->conv.groups,
        .out_step = 1,
        .out = call->out,
        .out_shape = call->out_shape,
        .bias = call->param[BIAS],
        .tail = call->tail,
        .phase_count = 1,
        .phases = {{.tap_rows = call->attr->conv.kernel_h,
                    .tap_columns = call->attr->conv.kernel_w}},
    };
}

static void conv2d_forward(const struct op_call *call) {
    if (conv2d_is_depthwise(call)) {
        conv2d_depthwise_forward(call);
        return;
    }
    if (conv2d_is_winograd(call)) {
        conv2d_winograd_forward(call);
        return;
    }
    struct conv2d_gather g = conv2d_forward_gather(call);
    struct conv2d_packing packing = {call, &g, call->scratch};
    const int panels = g.groups * panels_count(call->out_shape.c / g.groups);
    pool_run(call->pool, panels, conv2d_pack_forward, &packing);
    g.b = call->scratch;
    g.strips = call->scratch + conv2d_gather_weights(&g, g.phases);
    conv2d_gather(&g, call->pool);
}

// Gradient of the input. With s = stride, input pixel y = s * i + p gets from tap r the gradient of
// output pixel (y + pad - r) / s = i + (p + pad - r) / s, where that is a whole number: one of
// every s taps, so that each p is a phase of its own. Taps are taken with r falling, the output
// pixel rising.

// The taps of phase p along one side of a kernel of `size`.
struct conv2d_side {
    int last, count; // taps last, last - stride, ...
    int at;          // the output pixel that tap `last` reads for i = 0; may be negative
};

static struct conv2d_side conv2d_side(const struct op_call *call, int size, int p) {
    const int stride = call->attr->conv.stride, pad = call->attr->conv.pad;
    const int least = (p + pad) % stride;
    if (least >= size)
        return (struct conv2d_side){0};
    const int count = (size - 1 - least) / stride + 1, last = least + (count - 1) * stride;
    return (struct conv2d_side){last, count, (p + pad - last) / stride};
}

// Phases of the gradient with their windows in the padded dout, from which the padding follows.
static void conv2d_data_phases(const struct op_call *call, struct conv2d_gather *g) {
    const int stride = g->out_step, r = call->attr->conv.kernel_h, s = call->attr->conv.kernel_w;
    struct conv2d_image *image = &g->image;
    int right = 0;
    for (int p = 0; p < stride; p++) {
        const struct conv2d_side y = conv2d_side(call, r, p), x = conv2d_side(call, s, p);
        image->top = -y.at > image->top ? -y.at : image->top;
        image->left = -x.at > image->left ? -x.at : image->left;
    }
    for (int i = 0; i < stride * stride; i++) {
        const struct conv2d_side y = conv2d_side(call, r, i / stride);
        const struct conv2d_side x = conv2d_side(call, s, i % stride);
        struct conv2d_phase *phase = &g->phases[i];
        *phase = (struct conv2d_phase){
            i / stride, i % stride, image->top + y.at, image->left + x.at, y.count, x.count, 0};
        if (i > 0)
            phase->b = phase[-1].b + conv2d_gather_weights(g, phase - 1);
        const int low = phase->row + phase->tap_rows, wide = phase->column + phase->tap_columns;
        image->window = low > image->window ? low : image->window;
        right = wide > right ? wide : right;
    }
    const int columns = (g->out_shape.w + stride - 1) / stride;
    const int low = image->rows - 1 + image->window, wide = columns - 1 + right;
    image->padded_h = image->top + image->shape.h > low ? image->top + image->shape.h : low;
    image->padded_w = image->left + image->shape.w > wide ? image->left + image->shape.w : wide;
}

// A panel of input channels: its taps in the order of the phase, each a transposed block of
// weights.
static void conv2d_pack_data(void *context, int piece, int worker) {
    (void)worker;
    const struct conv2d_packing *p = context;
    const union op_attr *attr = p->call->attr;
    const int stride = attr->conv.stride, groups = attr->conv.groups, k = p->call->out_shape.c;
    const int in = p->call->in_shape[0].c / groups, panel = kernels()->panel;
    const int panels = panels_count(in), index = piece % (groups * panels);
    const int group = index / panels, j = index % panels * panel;
    const int i = piece / (groups * panels), rows = k / groups;
    const struct conv2d_side y = conv2d_side(p->call, attr->conv.kernel_h, i / stride);
    const struct conv2d_side x = conv2d_side(p->call, attr->conv.kernel_w, i % stride);
    const size_t block = (size_t)rows * (size_t)panel;
    float *to = p->to + p->gather->phases[i].b + (size_t)(index * y.count * x.count) * block;
    for (int t = 0; t < y.count * x.count; t++, to += block) {
        const int r = y.last - t / x.count * stride, s = x.last - t % x.count * stride;
        const size_t row = ((size_t)r * (size_t)attr->conv.kernel_w + (size_t)s) * (size_t)in;
        panels_pack_transposed(
            rows, in - j < panel ? in - j : panel,
            p->call->param[WEIGHT] + (row + (size_t)j) * (size_t)k + group * rows, (size_t)k, to);
    }
}

static struct conv2d_gather conv2d_data_gather(const struct op_call *call) {
    const int stride = call->attr->conv.stride;
    struct conv2d_gather g = {
        .image = conv2d_image_dense(call->dout, call->out_shape),
        .n = call->n,
        .groups = call->attr->conv.groups,
        .out_step = stride,
        .out = call->din[0].to,
        .out_shape = call->in_shape[0],
        .add = call->din[0].add,
        .phase_count = stride * stride,
    };
    g.image.rows = (call->in_shape[0].h + stride - 1) / stride;
    g.image.step = 1;
    conv2d_data_phases(call, &g);
    conv2d_image_spread(&g.image);
    return g;
}

// Of all phases.
static size_t conv2d_data_weights(const struct conv2d_gather *g) {
    const struct conv2d_phase *last = &g->phases[g->phase_count - 1];
    return last->b + conv2d_gather_weights(g, last);
}

static void conv2d_data(const struct op_call *call) {
    struct conv2d_gather g = conv2d_data_gather(call);
    struct conv2d_packing packing = {call, &g, call->scratch};
    const int panels = g.groups * panels_count(call->in_shape[0].c / g.groups);
    pool_run(call->pool, g.phase_count * panels, conv2d_pack_data, &packing);
    g.b = call->scratch;
    g.strips = call->scratch + conv2d_data_weights(&g);
    conv2d_gather(&g, call->pool);
}

static unsigned conv2d_reads(const struct op_call *call) {
    return call->dparam[WEIGHT].to ? OP_READS_IN : 0;
}

static void conv2d_product(const struct op_call *call) {
    const struct conv2d_image image = conv2d_input(call);
    conv2d_weight(call, &image, call->scratch);
}

static void conv2d_backward(const struct op_call *call) {
    const bool depthwise = conv2d_is_depthwise(call), winograd = conv2d_is_winograd(call);
    if (call->din[0].to)
        (depthwise ? conv2d_depthwise_data : winograd ? conv2d_winograd_data : conv2d_data)(call);
    if (call->dparam[WEIGHT].to)
        (depthwise  ? conv2d_depthwise_weight
         : winograd ? conv2d_winograd_weight
                    : conv2d_product)(call);
    if (call->dparam[BIAS].to)
        bias_gradient(call, call->dparam[BIAS], call->scratch);
}

static size_t conv2d_larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t conv2d_forward_scratch(const struct op_call *call) {
    const struct conv2d_gather g = conv2d_forward_gather(call);
    return conv2d_gather_weights(&g, g.phases) + conv2d_gather_strips(&g, pool_threads(call->pool));
}

static size_t conv2d_data_scratch(const struct op_call *call) {
    const struct conv2d_gather g = conv2d_data_gather(call);
    return conv2d_data_weights(&g) + conv2d_gather_strips(&g, pool_threads(call->pool));
}

static size_t conv2d_product_scratch(const struct op_call *call) {
    const struct conv2d_image image = conv2d_input(call);
    return conv2d_weight_scratch(call, &image);
}

// The gradients are computed one after another and share their scratch.
static size_t conv2d_scratch(const struct op_call *call, bool backward) {
    const bool depthwise = conv2d_is_depthwise(call), winograd = conv2d_is_winograd(call);
    size_t floats = 0;
    if (!backward)
        return depthwise  ? 0
               : winograd ? conv2d_winograd_forward_scratch(call)
                          : conv2d_forward_scratch(call);
    if (call->din[0].to && !depthwise)
        floats = (winograd ? conv2d_winograd_data_scratch : conv2d_data_scratch)(call);
    if (call->dparam[WEIGHT].to)
        floats = conv2d_larger(floats, (depthwise  ? conv2d_depthwise_scratch
                                        : winograd ? conv2d_winograd_weight_scratch
                                                   : conv2d_product_scratch)(call));
    return call->dparam[BIAS].to ? conv2d_larger(floats, bias_scratch(call)) : floats;
}

static struct op_flops conv2d_flops(const union op_attr *attr, const struct shape *in,
                                    struct shape out) {
    const double window = (double)attr->conv.kernel_h * attr->conv.kernel_w;
    const double product = 2 * window * (in[0].c / attr->conv.groups) * (double)shape_count(out);
    const double bias = attr->conv.bias ? (double)shape_count(out) : 0;
    return (struct op_flops){.forward = product + bias, .data = product, .weight = product + bias};
}

const struct operation op_conv2d = {
    .name = "conv2d",
    .inputs = 1,
    .pure = true,
    .tail = OP_TAIL_NORM | OP_TAIL_ADD | OP_TAIL_RELU,
    .infer = conv2d_infer,
    .scratch = conv2d_scratch,
    .forward = conv2d_forward,
    .reads = conv2d_reads,
    .backward = conv2d_backward,
    .flops = conv2d_flops,
};
