#include "model/build.h"
#include "model/build_parts.h"
#include <assert.h>

// For operations that leave every element in its place.
static int keep_flat(struct build *b, int node, int x) {
    if (node)
        b->flat[node] = b->flat[x];
    return node;
}

int build_relu(struct build *b, const char *name, int x) {
    return keep_flat(b, build_node(b, name, "ReLU", &op_relu, (union op_attr){0}, x, -1), x);
}

int build_relu6(struct build *b, const char *name, int x) {
    union op_attr attr = {.relu = {6}};
    return keep_flat(b, build_node(b, name, "ReLU6", &op_relu, attr, x, -1), x);
}

int build_dropout(struct build *b, const char *name, int x, float p) {
    union op_attr attr = {.dropout = {p}};
    if (p > 0)
        return keep_flat(b, build_node(b, name, "Dropout", &op_dropout, attr, x, -1), x);
    if (name) {
        build_push(b, name, "Dropout");
        build_pop(b);
    }
    return x;
}

int build_flatten(struct build *b, const char *name, int x) {
    int node = build_node(b, name, "Flatten", &op_flatten, (union op_attr){0}, x, -1);
    if (node)
        b->flat[node] = b->flat[x].c ? b->flat[x] : build_shape(b, x);
    return node;
}

int build_max_pool(struct build *b, const char *name, int x, int kernel, int stride, int pad) {
    union op_attr attr = {.pool = {kernel, stride, pad}};
    return build_node(b, name, "MaxPool2d", &op_max_pool, attr, x, -1);
}

int build_avg_pool(struct build *b, const char *name, int x, int kernel, int stride, int pad) {
    union op_attr attr = {.pool = {kernel, stride, pad}};
    return build_node(b, name, "AvgPool2d", &op_avg_pool, attr, x, -1);
}

int build_adaptive_pool(struct build *b, const char *name, int x, int h, int w) {
    union op_attr attr = {.adaptive = {h, w}};
    return build_node(b, name, "AdaptiveAvgPool2d", &op_adaptive_pool, attr, x, -1);
}

int build_global_pool(struct build *b, const char *name, int x) {
    return build_node(b, name, "AdaptiveAvgPool2d", &op_global_pool, (union op_attr){0}, x, -1);
}

int build_add(struct build *b, int x, int y) {
    assert(shape_equal(b->flat[x], b->flat[y]) && "the sides' elements stand in different orders");
    return keep_flat(b, build_node(b, NULL, NULL, &op_add, (union op_attr){0}, x, y), x);
}

int build_pad_shortcut(struct build *b, const char *name, int x, int out, int stride) {
    union op_attr attr = {.pad_shortcut = {out, stride}};
    return build_node(b, name, "PadShortcut", &op_pad_shortcut, attr, x, -1);
}

static int add_bias(struct build *b, int out, int fan_in) {
    return build_param(
        b, "bias",
        (struct param){
            .kind = PARAM_BIAS, .dims = {1, {out}}, .init = b->bias_init, .fan = fan_in});
}

// The shape before the flatten that x comes from, where our elements then stand in another order
// than PyTorch's; else nothing.
static struct shape moved_flat(const struct build *b, int x) {
    struct shape flat = b->flat[x];
    return flat.c > 1 && flat.h * flat.w > 1 ? flat : (struct shape){0};
}

int build_conv(struct build *b, const char *name, int x, struct build_conv c) {
    assert(name && "a convolution owns parameters: it needs a module");
    assert(!b->flat[x].c && "a convolution behind a flatten would need a layout of its own");
    int stride = c.stride ? c.stride : 1, groups = c.groups ? c.groups : 1;
    union op_attr attr = {.conv = {c.out, c.kernel, c.kernel, stride, c.pad, groups, c.bias}};
    int node = build_node(b, name, "Conv2d", &op_conv2d, attr, x, -1);
    if (!node)
        return 0;
    int in = build_shape(b, x).c / groups, area = c.kernel * c.kernel;
    bool by_out = b->conv_init == INIT_KAIMING_NORMAL_OUT;
    struct param weight = {
        .kind = PARAM_WEIGHT,
        .dims = {4, {c.out, in, c.kernel, c.kernel}},
        .layout = LAYOUT_CONV,
        .init = b->conv_init,
        .fan = (by_out ? c.out : in) * area,
    };
    int *param = b->model->nodes[node].param;
    param[0] = build_param(b, "weight", weight);
    if (c.bias)
        param[1] = add_bias(b, c.out, in * area);
    return node;
}

static int linear_fan(const struct build *b, const struct linear_parts *parts) {
    return b->linear_init == INIT_KAIMING_NORMAL_OUT ? parts->out
           : b->linear_init == INIT_NORMAL_TEXT      ? b->init_fan
                                                     : parts->in;
}

int build_linear_of(struct build *b, const char *name, int x, const struct linear_parts *parts) {
    assert(name && "a linear layer owns parameters: it needs a module");
    union op_attr attr = {.linear = {parts->out, parts->bias}};
    int node = build_node(b, name, parts->kind, parts->op, attr, x, -1);
    if (!node)
        return 0;
    bool transposed = parts->layout == LAYOUT_TRANSPOSED;
    struct param weight = {
        .kind = PARAM_WEIGHT,
        .dims = {2, {transposed ? parts->in : parts->out, transposed ? parts->out : parts->in}},
        .layout = parts->layout,
        .flat = parts->flat,
        .init = b->linear_init,
        .fan = linear_fan(b, parts),
    };
    int *param = b->model->nodes[node].param;
    param[0] = build_param(b, "weight", weight);
    if (parts->bias)
        param[1] = add_bias(b, parts->out, parts->in);
    return node;
}

int build_linear(struct build *b, const char *name, int x, int out, bool bias) {
    struct shape flat = moved_flat(b, x);
    return build_linear_of(b, name, x,
                           &(struct linear_parts){.kind = "Linear",
                                                  .op = &op_linear,
                                                  .in = build_shape(b, x).c,
                                                  .out = out,
                                                  .bias = bias,
                                                  .layout = flat.c ? LAYOUT_FLATTEN : LAYOUT_PLAIN,
                                                  .flat = flat});
}

static int norm(struct build *b, const char *name, const char *kind, int x) {
    static const struct {
        const char *name;
        enum param_kind kind;
        enum param_init init;
    } rows[] = {
        {"weight", PARAM_WEIGHT, INIT_ONE},
        {"bias", PARAM_BIAS, INIT_ZERO},
        {"running_mean", PARAM_STATISTIC, INIT_ZERO},
        {"running_var", PARAM_STATISTIC, INIT_ONE},
    };
    assert(name && "a BatchNorm owns parameters: it needs a module");
    union op_attr attr = {.norm = {.eps = 1e-5f, .momentum = 0.1f}};
    int node = build_node(b, name, kind, &op_batch_norm, attr, x, -1);
    if (!node)
        return 0;
    struct param p = {.norm = true, .dims = {1, {build_shape(b, x).c}}, .flat = moved_flat(b, x)};
    p.layout = p.flat.c ? LAYOUT_FLATTEN : LAYOUT_PLAIN;
    for (int i = 0; i < 4; i++) {
        p.kind = rows[i].kind;
        p.init = rows[i].init;
        b->model->nodes[node].param[i] = build_param(b, rows[i].name, p);
    }
    struct param counter = {.kind = PARAM_COUNTER, .norm = true, .init = INIT_ZERO};
    b->model->nodes[node].counter = build_param(b, "num_batches_tracked", counter);
    return keep_flat(b, node, x);
}

int build_batch_norm(struct build *b, const char *name, int x) {
    return norm(b, name, "BatchNorm2d", x);
}

int build_batch_norm_1d(struct build *b, const char *name, int x) {
    return norm(b, name, "BatchNorm1d", x);
}
