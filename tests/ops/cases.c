#include "ops/cases.h"
#include "base/random.h"
#include "base/xalloc.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CONV(...) .attr.conv = {__VA_ARGS__}
#define POOL(k, s, p) .attr.pool = {.kernel = k, .stride = s, .pad = p}
#define NORM .attr.norm = {.eps = 1e-5F, .momentum = 0.1F}
#define BATCH_STATS .mode.batch_stats = true
#define ATTENTION(...) .attr.attention = {__VA_ARGS__}
#define DROP .mode = {.drop = true, .seed = 7, .step = 3, .node = 5}

const struct op_config op_configs[] = {
    {"conv2d", 2, {{5, 6, 3}}, CONV(8, 3, 3, 1, 1, 1, true)},
    {"conv2d", 3, {{7, 7, 4}}, CONV(5, 3, 3, 2, 1, 1, false)},
    {"conv2d", 2, {{4, 5, 16}}, CONV(17, 1, 1, 1, 0, 1, false)},
    {"conv2d", 2, {{6, 4, 7}}, CONV(3, 1, 1, 2, 0, 1, true)},
    {"conv2d", 2, {{9, 8, 3}}, CONV(4, 7, 7, 2, 3, 1, false)},
    {"conv2d", 2, {{5, 5, 6}}, CONV(4, 3, 2, 1, 1, 2, true)},
    {"conv2d", 2, {{6, 5, 5}}, CONV(5, 3, 3, 1, 1, 5, false)},
    {"conv2d", 2, {{7, 6, 3}}, CONV(3, 3, 3, 2, 1, 3, true)},
    {"conv2d", 1, {{4, 5, 2}}, CONV(2, 2, 4, 3, 5, 2, true)},
    {"conv2d", 1, {{3, 3, 2}}, CONV(3, 3, 3, 1, 0, 1, true)},
    {"conv2d", 7, {{16, 16, 32}}, CONV(24, 3, 3, 1, 1, 1, true), .big = true},
    {"conv2d", 18, {{16, 16, 32}}, CONV(40, 1, 1, 2, 0, 1, false), .big = true},
    {"conv2d", 7, {{16, 16, 32}}, CONV(32, 3, 3, 2, 1, 4, false), .big = true},
    {"conv2d", 5, {{30, 33, 40}}, CONV(40, 3, 3, 1, 1, 40, true), .big = true},
    {"conv2d", 5, {{30, 33, 40}}, CONV(40, 3, 3, 2, 1, 40, false), .big = true},
    {"linear", 3, {{1, 1, 7}}, .attr.linear = {5, true}},
    {"linear", 4, {{2, 3, 4}}, .attr.linear = {6, true}},
    {"linear", 1, {{1, 1, 20}}, .attr.linear = {3, false}},
    {"linear", 33, {{1, 1, 16}}, .attr.linear = {10, true}},
    {"linear", 1, {{1, 1, 1}}, .attr.linear = {1, true}},
    {"linear", 5, {{1, 1, 64}}, .attr.linear = {10, true}},
    {"linear", 17, {{2, 3, 7}}, .attr.linear = {37, true}, .big = true},
    {"linear", 33, {{4, 4, 16}}, .attr.linear = {70, true}, .big = true},
    {"linear", 3, {{1, 1, 700}}, .attr.linear = {2, true}, .big = true},
    {"linear", 2, {{7, 7, 5}}, .attr.linear = {100, true}, .big = true},
    {"linear", 70, {{1, 1, 600}}, .attr.linear = {100, true}, .big = true},
    {"batch_norm", 3, {{2, 3, 5}}, NORM},
    {"batch_norm", 3, {{2, 3, 5}}, NORM, BATCH_STATS},
    {"batch_norm", 21, {{1, 1, 4}}, NORM, BATCH_STATS},
    {"batch_norm", 1, {{4, 4, 3}}, NORM, BATCH_STATS},
    {"batch_norm", 7, {{17, 17, 32}}, NORM, .big = true},
    {"batch_norm", 37, {{16, 17, 8}}, NORM, BATCH_STATS, .big = true},
    {"relu", 3, {{4, 3, 7}}},
    {"relu", 3, {{4, 3, 7}}, .attr.relu = {0.5F}},
    {"relu", 7, {{16, 16, 33}}, .big = true},
    {"relu", 7, {{16, 16, 33}}, .attr.relu = {0.3F}, .big = true},
    {"max_pool", 2, {{6, 7, 3}}, POOL(3, 2, 1)},
    {"max_pool", 2, {{5, 4, 5}}, POOL(2, 2, 0)},
    {"max_pool", 2, {{5, 5, 2}}, POOL(3, 1, 1)},
    {"max_pool", 3, {{7, 7, 6}}, POOL(3, 2, 1), .coarse = true},
    {"max_pool", 2, {{7, 6, 19}}, POOL(3, 2, 1), .coarse = true},
    {"max_pool", 1, {{17, 16, 37}}, POOL(16, 1, 8), .coarse = true},
    {"max_pool", 7, {{16, 16, 32}}, POOL(3, 2, 1), .big = true},
    {"avg_pool", 2, {{6, 7, 3}}, POOL(3, 2, 1)},
    {"avg_pool", 2, {{5, 4, 5}}, POOL(2, 2, 0)},
    {"avg_pool", 7, {{16, 16, 32}}, POOL(3, 1, 1), .big = true},
    {"adaptive_pool", 2, {{6, 8, 3}}, .attr.adaptive = {3, 4}},
    {"adaptive_pool", 2, {{7, 5, 4}}, .attr.adaptive = {3, 3}},
    {"adaptive_pool", 2, {{2, 1, 5}}, .attr.adaptive = {7, 7}},
    {"adaptive_pool", 7, {{16, 17, 32}}, .attr.adaptive = {7, 7}, .big = true},
    {"global_pool", 3, {{4, 5, 6}}},
    {"global_pool", 2, {{1, 1, 9}}},
    {"global_pool", 9, {{16, 16, 33}}, .big = true},
    {"global_pool", 3, {{31, 30, 5}}, .big = true},
    {"add", 2, {{3, 4, 5}, {3, 4, 5}}},
    {"add", 7, {{16, 16, 32}, {16, 16, 32}}, .big = true},
    {"flatten", 3, {{2, 3, 4}}},
    {"flatten", 1, {{1, 1, 5}}},
    {"dropout", 3, {{3, 3, 7}}, .attr.dropout = {0.3F}},
    {"dropout", 3, {{3, 3, 7}}, .attr.dropout = {0.3F}, DROP},
    {"dropout", 2, {{1, 1, 64}}, .attr.dropout = {0.5F}, DROP},
    {"dropout", 2, {{1, 1, 64}}, .attr.dropout = {0}, DROP},
    {"dropout", 11, {{1, 1, 4099}}, .attr.dropout = {0.5F}, DROP, .big = true},
    {"pad_shortcut", 2, {{5, 4, 3}}, .attr.pad_shortcut = {6, 2}},
    {"pad_shortcut", 2, {{4, 4, 4}}, .attr.pad_shortcut = {8, 1}},
    {"pad_shortcut", 2, {{3, 3, 4}}, .attr.pad_shortcut = {4, 2}},
    {"pad_shortcut", 7, {{16, 16, 32}}, .attr.pad_shortcut = {64, 2}, .big = true},
    {"add", 4, {{5, 1, 7}, {5, 1, 7}}, .text = true},
    {"dropout", 4, {{5, 1, 7}}, .attr.dropout = {0.3F}, DROP, .text = true},
    {"embedding", 4, {{5, 1, 1}}, .attr.embedding = {6, 7}, .text = true},
    {"embedding", 2, {{1, 1, 1}}, .attr.embedding = {4, 3}, .text = true},
    {"embedding", 7, {{40, 1, 1}}, .attr.embedding = {4000, 70}, .text = true, .big = true},
    {"token_add", 4, {{5, 1, 7}}, .attr.token_add = {6, true}, .text = true},
    {"token_add", 4, {{5, 1, 7}}, .attr.token_add = {2, false}, .text = true},
    {"token_add", 9, {{60, 1, 70}}, .attr.token_add = {64, true}, .text = true, .big = true},
    {"token_linear", 4, {{5, 1, 7}}, .attr.linear = {9, true}, .text = true},
    {"token_linear", 3, {{4, 1, 16}}, .attr.linear = {3, false}, .text = true},
    {"token_linear", 3, {{20, 1, 10}}, .attr.linear = {40, true}, .text = true},
    {"token_linear", 3, {{5, 1, 67}}, .attr.linear = {70, true}, .text = true, .big = true},
    {"token_linear", 9, {{140, 1, 1100}}, .attr.linear = {65, true}, .text = true, .big = true},
    {"token_linear", 9, {{90, 1, 70}}, .attr.linear = {600, true}, .text = true, .big = true},
    {"token_linear", 3, {{30, 1, 600}}, .attr.linear = {33, true}, .text = true, .big = true},
    {"layer_norm", 4, {{5, 1, 7}}, .attr.norm = {1e-5F}, .text = true},
    {"layer_norm", 2, {{3, 1, 40}}, .attr.norm = {1e-12F}, .text = true},
    {"layer_norm", 9, {{150, 1, 100}}, .attr.norm = {1e-5F}, .text = true, .big = true},
    {"gelu", 4, {{5, 1, 7}}, .attr.gelu = {false}, .text = true},
    {"gelu", 4, {{5, 1, 7}}, .attr.gelu = {true}, .text = true},
    {"gelu", 7, {{90, 1, 70}}, .attr.gelu = {false}, .text = true, .big = true},
    {"gelu", 7, {{90, 1, 70}}, .attr.gelu = {true}, .text = true, .big = true},
    {"tanh", 4, {{5, 1, 7}}, .text = true},
    {"tanh", 3, {{1, 1, 20}}},
    {"attention", 3, {{5, 1, 6}, {5, 1, 6}, {5, 1, 6}}, ATTENTION(2), .text = true},
    {"attention", 3, {{5, 1, 6}, {5, 1, 6}, {5, 1, 6}}, ATTENTION(3, true), .text = true},
    {"attention",
     2,
     {{5, 1, 4}, {5, 1, 4}, {5, 1, 4}},
     ATTENTION(1, false, 0.3F),
     DROP,
     .text = true},
    {"attention",
     3,
     {{70, 1, 80}, {70, 1, 80}, {70, 1, 80}},
     ATTENTION(2),
     .text = true,
     .big = true},
    {"attention", 3, {{1, 1, 6}, {5, 1, 6}, {5, 1, 6}}, ATTENTION(2), .text = true},
    {"attention",
     3,
     {{1, 1, 6}, {5, 1, 6}, {5, 1, 6}},
     ATTENTION(2, .p = 0.3F),
     DROP,
     .text = true},
    {"attention_packed", 3, {{5, 1, 18}}, ATTENTION(2, true), .text = true},
    {"attention_packed", 3, {{5, 1, 12}}, ATTENTION(2, true, 0.3F), DROP, .text = true},
    {"attention_packed", 2, {{270, 1, 24}}, ATTENTION(1, true), .text = true, .big = true},
    {"token_pool", 4, {{5, 1, 7}}, .attr.token_pool = {TOKEN_FIRST}, .text = true},
    {"token_pool", 4, {{5, 1, 7}}, .attr.token_pool = {TOKEN_MEAN}, .text = true},
    {"token_pool", 4, {{5, 1, 7}}, .attr.token_pool = {TOKEN_LAST}, .text = true},
    {"token_pool", 9, {{60, 1, 70}}, .attr.token_pool = {TOKEN_MEAN}, .text = true, .big = true},
    {"token_pick", 5, {{7, 1, 6}}, .attr.token_pick = {4}, .text = true},
    {"token_pick", 9, {{60, 1, 70}}, .attr.token_pick = {40}, .text = true, .big = true},
    {"token_loss", 4, {{5, 1, 6}}, .text = true},
    {"token_loss", 3, {{4, 1, 3}}, .mode.smoothing = 0.1F, .text = true},
    {"token_loss", 9, {{60, 1, 70}}, .text = true, .big = true},
    {"cross_entropy", 6, {{1, 1, 10}}},
    {"cross_entropy", 7, {{1, 1, 5}}, .mode.smoothing = 0.1F},
    {"cross_entropy", 2, {{1, 1, 2}}, .mode.smoothing = 0.5F},
    {"cross_entropy", 3, {{1, 1, 1000}}, .mode.smoothing = 0.1F, .big = true},
    {"cross_entropy", 6, {{1, 1, 4}}, .weighted = true},
    {"cross_entropy", 7, {{1, 1, 5}}, .mode.smoothing = 0.2F, .weighted = true},
};
const int op_config_count = sizeof op_configs / sizeof *op_configs;

float *case_floats(size_t count) {
    void *floats = NULL;
    assert_int_equal(posix_memalign(&floats, 64, count * sizeof(float)), 0);
    memset(floats, 0xff, count * sizeof(float));
    return floats;
}

// Distinct numbers in (-1, 1) in random order, none of them near another or near 0, where an
// operation may have a kink.
static float *case_numbers(size_t count, uint32_t part) {
    int *order = xmalloc(count * sizeof *order);
    float *to = case_floats(count);
    random_permutation(random_key(1, RANDOM_PROBE, part), 0, 0, (int)count, order);
    for (size_t i = 0; i < count; i++)
        to[i] = (float)((2 * order[i] + 1.0) / (double)count - 1);
    free(order);
    return to;
}

static double *case_doubles(const float *from, size_t count) {
    double *to = xmalloc(count * sizeof *to);
    for (size_t i = 0; i < count; i++)
        to[i] = from[i];
    return to;
}

bool case_live(const struct op_case *c, struct shape shape, size_t i) {
    size_t count = shape_count(shape), row = (size_t)shape.w * shape.c;
    const int *rows = c->picked && shape.h == c->out_shape.h ? c->picked : c->length;
    return !rows || shape.h == 1 || (int)(i % count / row) < rows[i / count];
}

// What is behind a text's tokens is not to be read: NaN. (The reference may, to no effect.)
static void case_bury(const struct op_case *c, struct shape shape, size_t count, float *to,
                      double *to_double) {
    for (size_t i = 0; i < count; i++)
        if (!case_live(c, shape, i)) {
            to[i] = NAN;
            to_double[i] = 0;
        }
}

// The input that holds token ids, or -1.
static int case_ids(const struct op_config *config) {
    return strcmp(config->op, "embedding") == 0 ? 0 : -1;
}

static void case_fill_ids(const struct op_case *c, float *to, size_t count) {
    int rows = c->config->attr.embedding.rows;
    for (size_t i = 0; i < count; i++)
        to[i] = (float)(i * 5 % (size_t)rows);
}

static void case_fill_inputs(struct op_case *c) {
    for (int i = 0; i < c->op->inputs; i++) {
        c->in_count[i] = c->config->n * shape_count(c->config->in[i]);
        c->in[i] = case_numbers(c->in_count[i], (uint32_t)i);
        if (i == case_ids(c->config))
            case_fill_ids(c, c->in[i], c->in_count[i]);
        for (size_t j = 0; c->config->coarse && j < c->in_count[i]; j++)
            c->in[i][j] = roundf(2 * c->in[i][j]) / 2;
        c->in_double[i] = case_doubles(c->in[i], c->in_count[i]);
        case_bury(c, c->config->in[i], c->in_count[i], c->in[i], c->in_double[i]);
    }
}

static void case_fill_params(struct op_case *c) {
    bool norm = strcmp(c->config->op, "batch_norm") == 0;
    for (int i = 0; c->reference->param_count && i < OP_PARAMS; i++) {
        size_t count = c->reference->param_count(&c->config->attr, c->config->in[0], i);
        if (count == 0)
            continue;
        c->param_count[i] = count;
        c->param[i] = case_numbers(count, 10 + (uint32_t)i);
        for (size_t j = 0; norm && i == 3 && j < count; j++)
            c->param[i][j] += 1.5F; // a variance
        c->param_double[i] = case_doubles(c->param[i], count);
    }
}

int case_labels(const struct op_config *config) {
    return strcmp(config->op, "token_loss") == 0 ? config->in[0].h : 1;
}

static void case_fill_samples(struct op_case *c) {
    int n = c->config->n, labels = n * case_labels(c->config), classes = c->config->in[0].c;
    c->label = xmalloc(labels * sizeof *c->label);
    c->sample = xmalloc(n * sizeof *c->sample);
    for (int i = 0; i < labels; i++)
        c->label[i] = i % 4 == 3 ? -1 : i * 7 % classes;
    for (int i = 0; i < n; i++)
        c->sample[i] = (uint32_t)(1000 - 3 * i);
    c->class_weight = c->config->weighted ? case_numbers((size_t)classes, 30) : NULL;
    for (int j = 0; c->class_weight && j < classes; j++)
        c->class_weight[j] += 1.5F;
}

// The first is as long as can be.
static void case_fill_lengths(struct op_case *c) {
    if (!c->config->text)
        return;
    c->length = xmalloc(c->config->n * sizeof *c->length);
    for (int i = 0; i < c->config->n; i++)
        c->length[i] = c->config->in[0].h - i * 3 % c->config->in[0].h;
}

// Every other token is to be predicted, the first one of a text among them or not.
static void case_fill_targets(struct op_case *c) {
    int n = c->config->n, tokens = c->config->in[0].h;
    if (strcmp(c->config->op, "token_pick") != 0)
        return;
    c->target = xmalloc(n * tokens * sizeof *c->target);
    c->picked = xcalloc(n, sizeof *c->picked);
    for (int i = 0; i < n; i++)
        for (int t = 0; t < tokens; t++) {
            bool picked = (i + t) % 2 == 0;
            c->target[i * tokens + t] = picked ? t : -1;
            c->picked[i] += picked && t < c->length[i];
        }
}

struct op_case *case_open(const struct op_config *config) {
    struct op_case *c = xcalloc(1, sizeof *c);
    struct error error = {0};
    c->config = config;
    c->op = operation_find(config->op);
    c->reference = reference_find(config->op);
    assert_non_null(c->op);
    assert_non_null(c->reference);
    if (!c->op->infer(&config->attr, config->in, &c->out_shape, &error))
        fail_msg("%s", error.text);
    c->out_count = config->n * shape_count(c->out_shape);
    c->dout = case_numbers(c->out_count, 20);
    c->dout_double = case_doubles(c->dout, c->out_count);
    case_fill_lengths(c);
    case_fill_targets(c);
    case_bury(c, c->out_shape, c->out_count, c->dout, c->dout_double);
    case_fill_inputs(c);
    case_fill_params(c);
    case_fill_samples(c);
    return c;
}

void case_close(struct op_case *c) {
    for (int i = 0; i < OP_INPUTS; i++) {
        free(c->in[i]);
        free(c->in_double[i]);
    }
    for (int i = 0; i < OP_PARAMS; i++) {
        free(c->param[i]);
        free(c->param_double[i]);
    }
    free(c->dout);
    free(c->dout_double);
    free(c->label);
    free(c->class_weight);
    free(c->sample);
    free(c->length);
    free(c->target);
    free(c->picked);
    free(c);
}

size_t case_destination_count(const struct op_case *c, int destination) {
    if (destination < OP_INPUTS)
        return destination == case_ids(c->config) ? 0 : c->in_count[destination];
    int param = destination - OP_INPUTS;
    return param < c->reference->trained ? c->param_count[param] : 0;
}

static struct reference_call reference_call(const struct op_case *c, double *out) {
    struct reference_call call = {
        .attr = &c->config->attr,
        .n = c->config->n,
        .out_shape = c->out_shape,
        .out = out,
        .dout = c->dout_double,
        .mode = c->config->mode,
        .label = c->label,
        .sample = c->sample,
        .class_weight = c->class_weight,
        .length = c->length,
        .target = c->target,
    };
    for (int i = 0; i < OP_INPUTS; i++) {
        call.in_shape[i] = c->config->in[i];
        call.in[i] = c->in_double[i];
    }
    for (int i = 0; i < OP_PARAMS; i++)
        call.param[i] = c->param_double[i];
    return call;
}

struct reference_result *reference_open(const struct op_case *c) {
    struct reference_result *result = xcalloc(1, sizeof *result);
    result->out = xcalloc(c->out_count, sizeof(double));
    struct reference_call call = reference_call(c, result->out);
    for (int d = 0; d < CASE_DESTINATIONS; d++) {
        size_t count = case_destination_count(c, d);
        result->gradient[d] = count ? xcalloc(count, sizeof(double)) : NULL;
        *(d < OP_INPUTS ? &call.din[d] : &call.dparam[d - OP_INPUTS]) = result->gradient[d];
    }
    for (int i = c->reference->trained; i < OP_PARAMS; i++)
        if (c->param_count[i])
            call.moved[i] = result->moved[i] = xcalloc(c->param_count[i], sizeof(double));
    c->reference->backward(&call);
    c->reference->forward(&call);
    return result;
}

void reference_close(struct reference_result *result) {
    free(result->out);
    for (int d = 0; d < CASE_DESTINATIONS; d++)
        free(result->gradient[d]);
    for (int i = 0; i < OP_PARAMS; i++)
        free(result->moved[i]);
    free(result);
}

double reference_loss(const struct op_case *c) {
    double *out = xcalloc(c->out_count, sizeof *out), loss = 0;
    struct reference_call call = reference_call(c, out);
    c->reference->forward(&call);
    for (size_t i = 0; i < c->out_count; i++)
        loss += out[i] * c->dout_double[i];
    free(out);
    return loss;
}

float case_base(size_t i) {
    return (float)(i % 5) / 4;
}

static float *result_gradient(size_t count, bool add) {
    float *to = case_floats(count);
    for (size_t i = 0; add && i < count; i++)
        to[i] = case_base(i);
    return to;
}

static struct op_call result_call(const struct op_case *c, struct pool *pool,
                                  struct op_result *result, bool add) {
    struct op_call call = {
        .attr = &c->config->attr,
        .n = c->config->n,
        .out_shape = c->out_shape,
        .out = result->out,
        .mode = c->config->mode,
        .label = c->label,
        .sample = c->sample,
        .class_weight = c->class_weight,
        .length = c->length,
        .target = c->target,
        .pool = pool,
    };
    for (int i = 0; i < OP_INPUTS; i++) {
        call.in_shape[i] = c->config->in[i];
        call.in[i] = c->in[i];
        call.din[i] = (struct op_grad){result->gradient[i], add};
    }
    for (int i = 0; i < OP_PARAMS; i++) {
        call.param[i] = result->param[i];
        call.dparam[i] = (struct op_grad){result->gradient[OP_INPUTS + i], add};
    }
    return call;
}

static float *result_scratch(const struct op_case *c, const struct op_call *call, bool backward) {
    return case_floats(c->op->scratch ? c->op->scratch(call, backward) : 0);
}

// What backward does not ask for is out of its reach.
static void result_backward(const struct op_case *c, struct op_call *call) {
    unsigned reads = c->op->reads ? c->op->reads(call) : 0;
    for (int i = 0; i < OP_INPUTS; i++)
        call->in[i] = reads & OP_READS_IN ? call->in[i] : NULL;
    call->out = reads & OP_READS_OUT ? call->out : NULL;
    call->dout = c->dout;
    call->scratch = result_scratch(c, call, true);
    c->op->backward(call);
    free(call->scratch);
}

struct op_result *result_open(const struct op_case *c, struct pool *pool, unsigned wanted,
                              bool add) {
    struct op_result *result = xcalloc(1, sizeof *result);
    result->out = case_floats(c->out_count);
    for (int d = 0; d < CASE_DESTINATIONS; d++)
        if (wanted >> d & 1)
            result->gradient[d] = result_gradient(case_destination_count(c, d), add);
    for (int i = 0; i < OP_PARAMS; i++)
        if (c->param[i]) {
            result->param[i] = case_floats(c->param_count[i]);
            memcpy(result->param[i], c->param[i], c->param_count[i] * sizeof(float));
        }
    struct op_call call = result_call(c, pool, result, add);
    float *keep = wanted ? case_floats(c->op->keep ? c->op->keep(&call) : 0) : NULL;
    call.keep = keep;
    call.scratch = result_scratch(c, &call, false);
    c->op->forward(&call);
    free(call.scratch);
    if (wanted)
        result_backward(c, &call);
    free(keep);
    return result;
}

void result_close(struct op_result *result) {
    free(result->out);
    for (int d = 0; d < CASE_DESTINATIONS; d++)
        free(result->gradient[d]);
    for (int i = 0; i < OP_PARAMS; i++)
        free(result->param[i]);
    free(result);
}
