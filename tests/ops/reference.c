#include "ops/reference.h"
#include "base/random.h"
#include "ops/reference_text.h"
#include <math.h>
#include <string.h>

static size_t at4(struct shape s, int i, int h, int w, int c) {
    return (((size_t)i * s.h + h) * s.w + w) * s.c + c;
}

static size_t batch_count(const struct reference_call *call, struct shape s) {
    return call->n * shape_count(s);
}

static void clear(double *to, size_t count) {
    for (size_t i = 0; i < count; i++)
        to[i] = 0;
}

// conv2d: weight [r][s][c / groups][k].

struct conv {
    struct shape in, out;
    int kernel_h, kernel_w, stride, pad, depth, filters; // depth, filters: per group
};

static struct conv conv_of(const struct reference_call *call) {
    int groups = call->attr->conv.groups;
    return (struct conv){
        .in = call->in_shape[0],
        .out = call->out_shape,
        .kernel_h = call->attr->conv.kernel_h,
        .kernel_w = call->attr->conv.kernel_w,
        .stride = call->attr->conv.stride,
        .pad = call->attr->conv.pad,
        .depth = call->in_shape[0].c / groups,
        .filters = call->out_shape.c / groups,
    };
}

// One product of the convolution: indices of its input and weight.
typedef void conv_visit(const struct reference_call *call, size_t out, size_t in, size_t weight);

static void conv_visit_output(const struct reference_call *call, const struct conv *v, int i, int h,
                              int w, int k, conv_visit *visit) {
    for (int r = 0; r < v->kernel_h; r++)
        for (int s = 0; s < v->kernel_w; s++)
            for (int c = 0; c < v->depth; c++) {
                int y = h * v->stride - v->pad + r, x = w * v->stride - v->pad + s;
                int channel = k / v->filters * v->depth + c;
                size_t weight = (((size_t)r * v->kernel_w + s) * v->depth + c) * v->out.c + k;
                if (y >= 0 && y < v->in.h && x >= 0 && x < v->in.w)
                    visit(call, at4(v->out, i, h, w, k), at4(v->in, i, y, x, channel), weight);
            }
}

static void conv_visit_all(const struct reference_call *call, conv_visit *visit) {
    struct conv v = conv_of(call);
    for (int i = 0; i < call->n; i++)
        for (int h = 0; h < v.out.h; h++)
            for (int w = 0; w < v.out.w; w++)
                for (int k = 0; k < v.out.c; k++)
                    conv_visit_output(call, &v, i, h, w, k, visit);
}

static void conv_product(const struct reference_call *call, size_t out, size_t in, size_t weight) {
    call->out[out] += call->in[0][in] * call->param[0][weight];
}

static void conv_gradients(const struct reference_call *call, size_t out, size_t in,
                           size_t weight) {
    call->din[0][in] += call->dout[out] * call->param[0][weight];
    call->dparam[0][weight] += call->dout[out] * call->in[0][in];
}

static void add_bias(const struct reference_call *call) {
    for (size_t i = 0; i < batch_count(call, call->out_shape); i++)
        call->out[i] = call->param[1] ? call->param[1][i % call->out_shape.c] : 0;
}

static void bias_gradient(const struct reference_call *call) {
    if (!call->dparam[1])
        return;
    clear(call->dparam[1], call->out_shape.c);
    for (size_t i = 0; i < batch_count(call, call->out_shape); i++)
        call->dparam[1][i % call->out_shape.c] += call->dout[i];
}

static size_t conv_param_count(const union op_attr *attr, struct shape in, int i) {
    size_t weight = (size_t)attr->conv.kernel_h * attr->conv.kernel_w * (in.c / attr->conv.groups) *
                    attr->conv.out;
    size_t bias = attr->conv.bias ? attr->conv.out : 0;
    return i == 0 ? weight : i == 1 ? bias : 0;
}

static void conv_forward(const struct reference_call *call) {
    add_bias(call);
    conv_visit_all(call, conv_product);
}

static void conv_backward(const struct reference_call *call) {
    clear(call->din[0], batch_count(call, call->in_shape[0]));
    clear(call->dparam[0], conv_param_count(call->attr, call->in_shape[0], 0));
    conv_visit_all(call, conv_gradients);
    bias_gradient(call);
}

// linear: weight [out][in], the input as a vector.

static size_t linear_param_count(const union op_attr *attr, struct shape in, int i) {
    size_t out = attr->linear.out, bias = attr->linear.bias ? out : 0;
    return i == 0 ? out * shape_count(in) : i == 1 ? bias : 0;
}

static void linear_forward(const struct reference_call *call) {
    int ins = (int)shape_count(call->in_shape[0]), outs = call->out_shape.c;
    add_bias(call);
    for (int i = 0; i < call->n; i++)
        for (int o = 0; o < outs; o++)
            for (int j = 0; j < ins; j++)
                call->out[i * outs + o] += call->in[0][i * ins + j] * call->param[0][o * ins + j];
}

static void linear_backward(const struct reference_call *call) {
    int ins = (int)shape_count(call->in_shape[0]), outs = call->out_shape.c;
    clear(call->din[0], batch_count(call, call->in_shape[0]));
    clear(call->dparam[0], (size_t)ins * outs);
    for (int i = 0; i < call->n; i++)
        for (int o = 0; o < outs; o++)
            for (int j = 0; j < ins; j++) {
                double dy = call->dout[i * outs + o];
                call->din[0][i * ins + j] += dy * call->param[0][o * ins + j];
                call->dparam[0][o * ins + j] += dy * call->in[0][i * ins + j];
            }
    bias_gradient(call);
}

// batch_norm, one channel at a time.

static size_t norm_param_count(const union op_attr *attr, struct shape in, int i) {
    (void)attr;
    return i < 4 ? in.c : 0;
}

static size_t norm_rows(const struct reference_call *call) {
    return (size_t)call->n * call->in_shape[0].h * call->in_shape[0].w;
}

struct moments {
    double mean, var; // biased
};

static struct moments norm_measure(const struct reference_call *call, int c) {
    size_t rows = norm_rows(call), channels = call->in_shape[0].c;
    struct moments m = {0};
    for (size_t r = 0; r < rows; r++)
        m.mean += call->in[0][r * channels + c] / rows;
    for (size_t r = 0; r < rows; r++)
        m.var += pow(call->in[0][r * channels + c] - m.mean, 2) / rows;
    return m;
}

static struct moments norm_moments(const struct reference_call *call, int c) {
    if (call->mode.batch_stats)
        return norm_measure(call, c);
    return (struct moments){call->param[2][c], call->param[3][c]};
}

static void norm_move(const struct reference_call *call, int c) {
    struct moments m = norm_measure(call, c);
    double momentum = call->attr->norm.momentum, rows = norm_rows(call);
    double values[] = {m.mean, m.var * rows / (rows - 1)};
    for (int i = 2; i < 4; i++)
        if (call->moved[i])
            call->moved[i][c] = call->mode.batch_stats
                                    ? (1 - momentum) * call->param[i][c] + momentum * values[i - 2]
                                    : call->param[i][c];
}

static void norm_forward(const struct reference_call *call) {
    int channels = call->in_shape[0].c;
    for (int c = 0; c < channels; c++) {
        struct moments m = norm_moments(call, c);
        double std = sqrt(m.var + call->attr->norm.eps);
        for (size_t i = c; i < norm_rows(call) * channels; i += channels)
            call->out[i] = (call->in[0][i] - m.mean) / std * call->param[0][c] + call->param[1][c];
        norm_move(call, c);
    }
}

static void norm_backward(const struct reference_call *call) {
    int channels = call->in_shape[0].c;
    size_t rows = norm_rows(call);
    for (int c = 0; c < channels; c++) {
        struct moments m = norm_moments(call, c);
        double std = sqrt(m.var + call->attr->norm.eps), sum = 0, dot = 0;
        for (size_t i = c; i < rows * channels; i += channels) {
            sum += call->dout[i];
            dot += call->dout[i] * (call->in[0][i] - m.mean) / std;
        }
        call->dparam[0][c] = dot;
        call->dparam[1][c] = sum;
        for (size_t i = c; i < rows * channels; i += channels) {
            double through = 0; // by way of the batch's mean and variance
            if (call->mode.batch_stats)
                through = (sum + (call->in[0][i] - m.mean) / std * dot) / rows;
            call->din[0][i] = call->param[0][c] / std * (call->dout[i] - through);
        }
    }
}

// relu

static double relu_most(const struct reference_call *call) {
    return call->attr->relu.most > 0 ? call->attr->relu.most : INFINITY;
}

static void relu_forward(const struct reference_call *call) {
    for (size_t i = 0; i < batch_count(call, call->out_shape); i++)
        call->out[i] = fmin(fmax(call->in[0][i], 0), relu_most(call));
}

static void relu_backward(const struct reference_call *call) {
    for (size_t i = 0; i < batch_count(call, call->out_shape); i++) {
        double x = call->in[0][i];
        call->din[0][i] = x > 0 && x < relu_most(call) ? call->dout[i] : 0;
    }
}

// Pools: all windows, one output after the other. out, in: indices of the output and of an input
// under its window (SIZE_MAX: padding).

typedef void pool_visit(const struct reference_call *call, size_t out, size_t in);

static void pool_visit_window(const struct reference_call *call, int i, size_t out, int top,
                              int left, pool_visit *visit) {
    struct shape in = call->in_shape[0];
    int kernel = call->attr->pool.kernel, c = (int)(out % in.c);
    for (int h = top; h < top + kernel; h++)
        for (int w = left; w < left + kernel; w++) {
            bool real = h >= 0 && h < in.h && w >= 0 && w < in.w;
            visit(call, out, real ? at4(in, i, h, w, c) : SIZE_MAX);
        }
}

static void pool_visit_all(const struct reference_call *call, pool_visit *visit) {
    struct shape out = call->out_shape;
    int stride = call->attr->pool.stride, pad = call->attr->pool.pad;
    for (int i = 0; i < call->n; i++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++)
                for (int c = 0; c < out.c; c++)
                    pool_visit_window(call, i, at4(out, i, h, w, c), h * stride - pad,
                                      w * stride - pad, visit);
}

static void max_take(const struct reference_call *call, size_t out, size_t in) {
    if (in != SIZE_MAX)
        call->out[out] = fmax(call->out[out], call->in[0][in]);
}

static void max_forward(const struct reference_call *call) {
    for (size_t i = 0; i < batch_count(call, call->out_shape); i++)
        call->out[i] = -INFINITY;
    pool_visit_all(call, max_take);
}

// The window's maxima are found by forward first; a taken one becomes NaN, so that only the first
// of equal ones gets the gradient.
static void max_give(const struct reference_call *call, size_t out, size_t in) {
    if (in != SIZE_MAX && call->in[0][in] == call->out[out]) {
        call->din[0][in] += call->dout[out];
        call->out[out] = NAN;
    }
}

static void max_backward(const struct reference_call *call) {
    max_forward(call);
    clear(call->din[0], batch_count(call, call->in_shape[0]));
    pool_visit_all(call, max_give);
    max_forward(call);
}

static void avg_take(const struct reference_call *call, size_t out, size_t in) {
    int kernel = call->attr->pool.kernel;
    if (in != SIZE_MAX)
        call->out[out] += call->in[0][in] / (kernel * kernel);
}

static void avg_forward(const struct reference_call *call) {
    clear(call->out, batch_count(call, call->out_shape));
    pool_visit_all(call, avg_take);
}

static void avg_give(const struct reference_call *call, size_t out, size_t in) {
    int kernel = call->attr->pool.kernel;
    if (in != SIZE_MAX)
        call->din[0][in] += call->dout[out] / (kernel * kernel);
}

static void avg_backward(const struct reference_call *call) {
    clear(call->din[0], batch_count(call, call->in_shape[0]));
    pool_visit_all(call, avg_give);
}

// adaptive_pool: output o of outs covers the inputs that share a part of it, with ins inputs and
// outs outputs drawn over the same length.

static bool adaptive_covers(int in, int ins, int out, int outs) {
    return in * outs < (out + 1) * ins && (in + 1) * outs > out * ins;
}

static bool adaptive_meets(const struct reference_call *call, size_t in, size_t out) {
    struct shape a = call->in_shape[0], b = call->out_shape;
    int row_in = (int)(in / a.c / a.w % a.h), row_out = (int)(out / b.c / b.w % b.h);
    return in / shape_count(a) == out / shape_count(b) && in % a.c == out % b.c &&
           adaptive_covers(row_in, a.h, row_out, b.h) &&
           adaptive_covers((int)(in / a.c % a.w), a.w, (int)(out / b.c % b.w), b.w);
}

static int adaptive_area(const struct reference_call *call, size_t out) {
    struct shape in = call->in_shape[0];
    int area = 0;
    size_t first = out / shape_count(call->out_shape) * shape_count(in);
    for (size_t i = first; i < first + shape_count(in); i++)
        area += adaptive_meets(call, i, out);
    return area;
}

static void adaptive_visit_all(const struct reference_call *call, bool forward) {
    size_t in_each = shape_count(call->in_shape[0]), out_each = shape_count(call->out_shape);
    for (size_t out = 0; out < call->n * out_each; out++) {
        size_t first = out / out_each * in_each;
        int area = adaptive_area(call, out);
        for (size_t in = first; in < first + in_each; in++) {
            if (!adaptive_meets(call, in, out))
                continue;
            if (forward)
                call->out[out] += call->in[0][in] / area;
            else
                call->din[0][in] += call->dout[out] / area;
        }
    }
}

static void adaptive_forward(const struct reference_call *call) {
    clear(call->out, batch_count(call, call->out_shape));
    adaptive_visit_all(call, true);
}

static void adaptive_backward(const struct reference_call *call) {
    clear(call->din[0], batch_count(call, call->in_shape[0]));
    adaptive_visit_all(call, false);
}

// global_pool

static size_t global_of(const struct reference_call *call, size_t in) {
    struct shape s = call->in_shape[0];
    return in / shape_count(s) * s.c + in % s.c;
}

static void global_forward(const struct reference_call *call) {
    struct shape s = call->in_shape[0];
    clear(call->out, batch_count(call, call->out_shape));
    for (size_t i = 0; i < batch_count(call, s); i++)
        call->out[global_of(call, i)] += call->in[0][i] / (s.h * s.w);
}

static void global_backward(const struct reference_call *call) {
    struct shape s = call->in_shape[0];
    for (size_t i = 0; i < batch_count(call, s); i++)
        call->din[0][i] = call->dout[global_of(call, i)] / (s.h * s.w);
}

// add, flatten

static void add_forward(const struct reference_call *call) {
    for (size_t i = 0; i < batch_count(call, call->out_shape); i++)
        call->out[i] = call->in[0][i] + call->in[1][i];
}

static void add_backward(const struct reference_call *call) {
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < batch_count(call, call->out_shape); i++)
            call->din[k][i] = call->dout[i];
}

static void flatten_forward(const struct reference_call *call) {
    for (size_t i = 0; i < batch_count(call, call->out_shape); i++)
        call->out[i] = call->in[0][i];
}

static void flatten_backward(const struct reference_call *call) {
    for (size_t i = 0; i < batch_count(call, call->out_shape); i++)
        call->din[0][i] = call->dout[i];
}

// dropout

static double dropout_factor(const struct reference_call *call, size_t i) {
    double p = call->attr->dropout.p;
    size_t each = shape_count(call->out_shape);
    struct random_key key = random_key(call->mode.seed, RANDOM_DROPOUT, call->mode.node);
    if (!call->mode.drop)
        return 1;
    float draw = random_uniform(key, call->sample[i / each], call->mode.step, i % each);
    return draw >= p ? 1 / (1 - p) : 0;
}

static void dropout_forward(const struct reference_call *call) {
    for (size_t i = 0; i < batch_count(call, call->out_shape); i++)
        call->out[i] = call->in[0][i] * dropout_factor(call, i);
}

static void dropout_backward(const struct reference_call *call) {
    for (size_t i = 0; i < batch_count(call, call->out_shape); i++)
        call->din[0][i] = call->dout[i] * dropout_factor(call, i);
}

// pad_shortcut: the input's index for an output's, or SIZE_MAX for a padded channel.

static size_t shortcut_from(const struct reference_call *call, size_t out) {
    struct shape in = call->in_shape[0], o = call->out_shape;
    int stride = call->attr->pad_shortcut.stride;
    int c = (int)(out % o.c) - (o.c - in.c) / 2, w = (int)(out / o.c % o.w);
    int h = (int)(out / o.c / o.w % o.h), i = (int)(out / shape_count(o));
    return c < 0 || c >= in.c ? SIZE_MAX : at4(in, i, h * stride, w * stride, c);
}

static void shortcut_forward(const struct reference_call *call) {
    for (size_t i = 0; i < batch_count(call, call->out_shape); i++) {
        size_t from = shortcut_from(call, i);
        call->out[i] = from == SIZE_MAX ? 0 : call->in[0][from];
    }
}

static void shortcut_backward(const struct reference_call *call) {
    clear(call->din[0], batch_count(call, call->in_shape[0]));
    for (size_t i = 0; i < batch_count(call, call->out_shape); i++) {
        size_t from = shortcut_from(call, i);
        if (from != SIZE_MAX)
            call->din[0][from] += call->dout[i];
    }
}

// cross_entropy, by its definition: minus the sum of target times log probability.

static double entropy_target(const struct reference_call *call, int i, int j) {
    double smoothing = call->mode.smoothing,
           weight = call->class_weight ? call->class_weight[j] : 1;
    if (call->label[i] < 0)
        return 0;
    return weight * ((j == call->label[i] ? 1 - smoothing : 0) + smoothing / call->in_shape[0].c);
}

static double entropy_targets(const struct reference_call *call, int i) {
    double sum = 0;
    for (int j = 0; j < call->in_shape[0].c; j++)
        sum += entropy_target(call, i, j);
    return sum;
}

static double entropy_softmax(const struct reference_call *call, int i, int j) {
    int classes = call->in_shape[0].c;
    const double *x = call->in[0] + (size_t)i * classes;
    double sum = 0;
    for (int k = 0; k < classes; k++)
        sum += exp(x[k] - x[j]);
    return 1 / sum;
}

static void entropy_forward(const struct reference_call *call) {
    for (int i = 0; i < call->n; i++) {
        call->out[i] = 0;
        for (int j = 0; j < call->in_shape[0].c; j++)
            call->out[i] -= entropy_target(call, i, j) * log(entropy_softmax(call, i, j));
    }
}

static void entropy_backward(const struct reference_call *call) {
    int classes = call->in_shape[0].c;
    for (int i = 0; i < call->n; i++)
        for (int j = 0; j < classes; j++) {
            double d =
                entropy_targets(call, i) * entropy_softmax(call, i, j) - entropy_target(call, i, j);
            call->din[0][i * classes + j] = call->label[i] < 0 ? 0 : call->dout[i] * d;
        }
}

static const struct reference references[] = {
    {"conv2d", 2, conv_forward, conv_backward, conv_param_count},
    {"batch_norm", 2, norm_forward, norm_backward, norm_param_count},
    {"linear", 2, linear_forward, linear_backward, linear_param_count},
    {"relu", 0, relu_forward, relu_backward, NULL},
    {"max_pool", 0, max_forward, max_backward, NULL},
    {"avg_pool", 0, avg_forward, avg_backward, NULL},
    {"adaptive_pool", 0, adaptive_forward, adaptive_backward, NULL},
    {"global_pool", 0, global_forward, global_backward, NULL},
    {"add", 0, add_forward, add_backward, NULL},
    {"flatten", 0, flatten_forward, flatten_backward, NULL},
    {"dropout", 0, dropout_forward, dropout_backward, NULL},
    {"pad_shortcut", 0, shortcut_forward, shortcut_backward, NULL},
    {"cross_entropy", 0, entropy_forward, entropy_backward, NULL},
};

const struct reference *reference_find(const char *name) {
    for (size_t i = 0; i < sizeof references / sizeof *references; i++)
        if (strcmp(references[i].name, name) == 0)
            return &references[i];
    for (const struct reference *r = text_references; r->name; r++)
        if (strcmp(r->name, name) == 0)
            return r;
    return NULL;
}
