// The float operations against PyTorch's, on the cases of tests/torch/ops.json (see make_ops.py
// there).
#include "base/kernels.h"
#include "ops/cases.h"
#include "test.h"
#include "torch_json.h"
#include <math.h>
#include <string.h>

// The error of the float operations, relative to the largest element of a tensor (at least 1).
#define TOLERANCE 3e-6

static int whole(const json_t *attr, const char *key) {
    json_t *value = json_object_get(attr, key);
    assert_true(json_is_integer(value) || json_is_boolean(value));
    return json_is_boolean(value) ? json_is_true(value) : (int)json_integer_value(value);
}

static union op_attr attr_of(const char *op, const json_t *attr) {
    union op_attr a = {0};
    if (strcmp(op, "conv2d") == 0) {
        a.conv.out = whole(attr, "out");
        a.conv.kernel_h = whole(attr, "kernel_h");
        a.conv.kernel_w = whole(attr, "kernel_w");
        a.conv.stride = whole(attr, "stride");
        a.conv.pad = whole(attr, "pad");
        a.conv.groups = whole(attr, "groups");
        a.conv.bias = whole(attr, "bias");
    } else if (strcmp(op, "batch_norm") == 0) {
        a.norm.eps = (float)torch_real(attr, "eps", 0);
        a.norm.momentum = (float)torch_real(attr, "momentum", 0);
    } else if (strcmp(op, "linear") == 0 || strcmp(op, "token_linear") == 0) {
        a.linear.out = whole(attr, "out");
        a.linear.bias = whole(attr, "bias");
    } else if (strcmp(op, "max_pool") == 0 || strcmp(op, "avg_pool") == 0) {
        a.pool.kernel = whole(attr, "kernel");
        a.pool.stride = whole(attr, "stride");
        a.pool.pad = whole(attr, "pad");
    } else if (strcmp(op, "relu") == 0) {
        a.relu.most = (float)torch_real(attr, "most", 0);
    } else if (strcmp(op, "adaptive_pool") == 0) {
        a.adaptive.h = whole(attr, "h");
        a.adaptive.w = whole(attr, "w");
    } else if (strcmp(op, "layer_norm") == 0) {
        a.norm.eps = (float)torch_real(attr, "eps", 0);
    } else if (strcmp(op, "embedding") == 0) {
        a.embedding.rows = whole(attr, "rows");
        a.embedding.out = whole(attr, "out");
    } else if (strcmp(op, "token_add") == 0) {
        a.token_add.rows = whole(attr, "rows");
        a.token_add.place = whole(attr, "place");
    } else if (strcmp(op, "gelu") == 0) {
        a.gelu.tanh = whole(attr, "tanh");
    } else if (strncmp(op, "attention", strlen("attention")) == 0) {
        a.attention.heads = whole(attr, "heads");
        a.attention.causal = whole(attr, "causal");
    } else if (strcmp(op, "token_pool") == 0) {
        const char *which = torch_text(attr, "which");
        a.token_pool.which = strcmp(which, "mean") == 0   ? TOKEN_MEAN
                             : strcmp(which, "last") == 0 ? TOKEN_LAST
                                                          : TOKEN_FIRST;
    } else if (strcmp(op, "pad_shortcut") == 0) {
        a.pad_shortcut.out = whole(attr, "out");
        a.pad_shortcut.stride = whole(attr, "stride");
    }
    return a;
}

static int size_at(const json_t *shape, size_t i) {
    return i < json_array_size(shape) ? (int)json_integer_value(json_array_get(shape, i)) : 1;
}

static struct op_config config_of(const json_t *entry) {
    const json_t *shapes = json_object_get(entry, "shapes"), *attr = json_object_get(entry, "attr");
    struct op_config config = {
        .op = torch_text(entry, "op"),
        .n = size_at(json_array_get(shapes, 0), 0),
        .attr = attr_of(torch_text(entry, "op"), attr),
        .text = json_is_array(json_object_get(entry, "lengths")),
        .mode.batch_stats = json_is_true(json_object_get(attr, "batch_stats")),
        .mode.smoothing = (float)torch_real(attr, "smoothing", 0),
        .weighted = json_is_array(json_object_get(attr, "weight")),
    };
    for (size_t i = 0; i < json_array_size(shapes); i++) {
        const json_t *s = json_array_get(shapes, i); // [n, c, h, w] or [n, c]
        config.in[i] = (struct shape){.c = size_at(s, 1), .h = size_at(s, 2), .w = size_at(s, 3)};
    }
    return config;
}

static double real_at(const json_t *list, size_t i) {
    return json_number_value(json_array_get(list, i));
}

// From [outer][middle][inner] to [outer][inner][middle]. NULL when the list is.
static double *swapped(const json_t *list, size_t outer, size_t middle, size_t inner) {
    if (!json_is_array(list))
        return NULL;
    assert_int_equal(json_array_size(list), outer * middle * inner);
    double *to = xmalloc(outer * middle * inner * sizeof *to);
    for (size_t o = 0; o < outer; o++)
        for (size_t m = 0; m < middle; m++)
            for (size_t i = 0; i < inner; i++)
                to[(o * inner + i) * middle + m] = real_at(list, (o * middle + m) * inner + i);
    return to;
}

// [n][c][h][w] there, [n][h][w][c] here.
static double *activation(const json_t *list, int n, struct shape s) {
    return swapped(list, (size_t)n, (size_t)s.c, (size_t)s.h * (size_t)s.w);
}

// A convolution's weight is [k][c][r][s] there, [r][s][c][k] here; the other parameters are plain.
static double *parameter(const json_t *list, const struct op_case *c, int index) {
    size_t count = c->param_count[index];
    if (index > 0 || strcmp(c->config->op, "conv2d") != 0)
        return swapped(list, 1, 1, count);
    size_t k = (size_t)c->config->attr.conv.out;
    size_t taps = (size_t)c->config->attr.conv.kernel_h * (size_t)c->config->attr.conv.kernel_w;
    size_t channels = count / k / taps;
    double *by_tap = swapped(list, 1, k, channels * taps); // [c][r][s][k]
    double *to = by_tap ? xmalloc(count * sizeof *to) : NULL;
    for (size_t i = 0; to && i < channels; i++)
        for (size_t t = 0; t < taps; t++)
            memcpy(to + (t * channels + i) * k, by_tap + (i * taps + t) * k, k * sizeof *to);
    free(by_tap);
    return to;
}

static const json_t *item(const json_t *entry, const char *key, int index) {
    return json_array_get(json_object_get(entry, key), (size_t)index);
}

// Frees `from`.
static void fill(float *to, double *from, size_t count) {
    assert_int_equal(to != NULL, from != NULL);
    for (size_t i = 0; from && i < count; i++)
        to[i] = (float)from[i];
    free(from);
}

// Puts the entry's numbers in place of the case's own.
static void fill_case(struct op_case *c, const json_t *entry) {
    int n = c->config->n;
    for (int i = 0; i < OP_INPUTS; i++)
        fill(c->in[i], activation(item(entry, "in", i), n, c->config->in[i]), c->in_count[i]);
    for (int i = 0; i < OP_PARAMS; i++)
        fill(c->param[i], parameter(item(entry, "param", i), c, i), c->param_count[i]);
    fill(c->dout, activation(json_object_get(entry, "dout"), n, c->out_shape), c->out_count);
    const json_t *weights = json_object_get(json_object_get(entry, "attr"), "weight");
    for (size_t i = 0; i < json_array_size(weights); i++)
        c->class_weight[i] = (float)real_at(weights, i);
    const json_t *labels = json_object_get(entry, "labels");
    for (size_t i = 0; i < json_array_size(labels); i++)
        c->label[i] = (int)real_at(labels, i);
    const json_t *lengths = json_object_get(entry, "lengths");
    for (size_t i = 0; i < json_array_size(lengths); i++)
        c->length[i] = (int)real_at(lengths, i);
}

// Frees `expected`, which may be NULL where there is nothing to compare. What is no activation has
// no shape.
static void check(const struct op_case *c, const json_t *entry, const char *what, int index,
                  const float *is, double *expected, size_t count, struct shape shape) {
    double most = 1;
    for (size_t i = 0; expected && i < count; i++)
        most = fmax(most, fabs(expected[i]));
    for (size_t i = 0; expected && i < count; i++)
        if ((shape_count(shape) == 0 || case_live(c, shape, i)) &&
            !(fabs(is[i] - expected[i]) <= TOLERANCE * most))
            fail_msg("%s (%s, %s): %s %d, element %zu: %.9g, PyTorch says %.9g",
                     torch_text(entry, "op"), torch_text(entry, "name"), kernels()->isa, what,
                     index, i, (double)is[i], expected[i]);
    free(expected);
}

static unsigned all_wanted(const struct op_case *c) {
    unsigned wanted = 0;
    for (int d = 0; d < CASE_DESTINATIONS; d++)
        wanted |= case_destination_count(c, d) ? 1U << d : 0;
    return wanted;
}

static void check_result(const struct op_case *c, const struct op_result *r, const json_t *entry) {
    static const struct shape none;
    int n = c->config->n;
    check(c, entry, "out", 0, r->out, activation(json_object_get(entry, "out"), n, c->out_shape),
          c->out_count, c->out_shape);
    for (int i = 0; i < c->op->inputs; i++)
        if (r->gradient[i])
            check(c, entry, "gradient of input", i, r->gradient[i],
                  activation(item(entry, "din", i), n, c->config->in[i]), c->in_count[i],
                  c->config->in[i]);
    for (int i = 0; i < OP_PARAMS; i++) {
        double *gradient = parameter(item(entry, "dparam", i), c, i);
        assert_int_equal(gradient != NULL, r->gradient[OP_INPUTS + i] != NULL);
        check(c, entry, "gradient of parameter", i, r->gradient[OP_INPUTS + i], gradient,
              c->param_count[i], none);
        check(c, entry, "statistic", i, r->param[i], parameter(item(entry, "moved", i), c, i),
              c->param_count[i], none);
    }
}

static void check_entry(const json_t *entry, struct pool *pool) {
    struct op_config config = config_of(entry);
    struct op_case *c = case_open(&config);
    fill_case(c, entry);
    struct op_result *result = result_open(c, pool, all_wanted(c), false);
    check_result(c, result, entry);
    result_close(result);
    case_close(c);
}

static void floats_match_torch(void **state) {
    (void)state;
    json_t *document = torch_json("ops.json"), *entry;
    struct pool *pool = pool_open(2);
    const struct kernels *const *sets = kernels_available();
    size_t i;
    for (int set = 0; sets[set]; set++) {
        assert_true(kernels_force(sets[set]->isa));
        json_array_foreach(document, i, entry) check_entry(entry, pool);
    }
    assert_true(kernels_force(sets[0]->isa));
    pool_close(pool);
    json_decref(document);
}

// Flatten's order of elements is thaw's own, and so are dropout's random numbers and which tokens
// are picked.
static void every_counterpart_is_checked(void **state) {
    (void)state;
    json_t *document = torch_json("ops.json"), *entry;
    size_t k;
    for (int i = 0; operations[i]; i++) {
        const char *name = operations[i]->name;
        bool found = strcmp(name, "flatten") == 0 || strcmp(name, "dropout") == 0 ||
                     strcmp(name, "token_pick") == 0;
        json_array_foreach(document, k, entry) found |= strcmp(torch_text(entry, "op"), name) == 0;
        if (!found)
            fail_msg("%s is in no case of ops.json", name);
    }
    json_decref(document);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_match_torch),
        cmocka_unit_test(every_counterpart_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
