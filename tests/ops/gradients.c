// Every operation in the table: the reference against finite differences, the float operation
// against the reference.
#include "base/kernels.h"
#include "ops/cases.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// The step of the central differences, and their error relative to the largest gradient of a tensor
// (at least 1): a sixth of the step's square times the third derivative, and what rounding the loss
// in double is after division by the step; measured at 3e-10 at most.
#define STEP 2e-5
#define DIFFERENCE_TOLERANCE 1e-9
// The error of the float operations, relative to the largest element of a tensor (at least 1).
// Roundings of 6e-8 each add up along chains of hundreds of products: measured at 8e-7 at most, and
// at 1.5e-6 in convolutions by Winograd's way. Twice that is allowed.
#define FLOAT_TOLERANCE 3e-6

static const char *at_config(const struct op_case *c, const char *what) {
    static char text[200];
    snprintf(text, sizeof text, "%s (configuration %d, %s): %s", c->config->op,
             (int)(c->config - op_configs), kernels()->isa, what);
    return text;
}

static double largest(const double *x, size_t count) {
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

static unsigned all_wanted(const struct op_case *c) {
    unsigned wanted = 0;
    for (int d = 0; d < CASE_DESTINATIONS; d++)
        wanted |= case_destination_count(c, d) ? 1U << d : 0;
    return wanted;
}

// Whether finite differences are quick, and there are no ties at which there is no gradient.
static bool has_differences(const struct op_config *config) {
    return !config->big && !config->coarse;
}

static void every_operation_is_checked(void **state) {
    (void)state;
    for (int i = 0; operations[i]; i++) {
        int configurations = 0, by_differences = 0;
        for (int k = 0; k < op_config_count; k++) {
            bool own = strcmp(op_configs[k].op, operations[i]->name) == 0;
            configurations += own;
            by_differences += own && has_differences(&op_configs[k]);
        }
        if (!reference_find(operations[i]->name) || configurations < 2 || by_differences < 1)
            fail_msg("%s: no reference or too few configurations", operations[i]->name);
    }
}

// The reference against finite differences.

static double difference(struct op_case *c, double *x) {
    double before = *x;
    *x = before + STEP;
    double above = reference_loss(c);
    *x = before - STEP;
    double below = reference_loss(c);
    *x = before;
    return (above - below) / (2 * STEP);
}

static void check_differences(struct op_case *c, int destination, const double *gradient) {
    bool input = destination < OP_INPUTS;
    double *x = input ? c->in_double[destination] : c->param_double[destination - OP_INPUTS];
    size_t count = case_destination_count(c, destination);
    double most = fmax(largest(gradient, count), 1);
    for (size_t i = 0; i < count; i++) {
        double d = difference(c, &x[i]);
        if (!(fabs(d - gradient[i]) <= DIFFERENCE_TOLERANCE * most))
            fail_msg("%s %d, element %zu: %.12g, differences say %.12g", at_config(c, "gradient"),
                     destination, i, gradient[i], d);
    }
}

static void references_match_finite_differences(void **state) {
    (void)state;
    for (int k = 0; k < op_config_count; k++) {
        if (!has_differences(&op_configs[k]))
            continue;
        struct op_case *c = case_open(&op_configs[k]);
        struct reference_result *result = reference_open(c);
        for (int d = 0; d < CASE_DESTINATIONS; d++)
            check_differences(c, d, result->gradient[d]);
        reference_close(result);
        case_close(c);
    }
}

// The float operations against the reference.

// `shape`: of a sample; a count of 0 for what is no activation. What is behind a text's tokens must
// be as it was.
static void check_close(const struct op_case *c, const char *what, int index, size_t count,
                        struct shape shape, const float *is, const double *expected, bool add) {
    static const unsigned untouched = 0xffffffff;
    double most = fmax(largest(expected, count), 1);
    for (size_t i = 0; i < count; i++) {
        double base = add ? case_base(i) : 0;
        if (shape_count(shape) && !case_live(c, shape, i)) {
            if (add ? is[i] != base : memcmp(&is[i], &untouched, sizeof untouched) != 0)
                fail_msg("%s %d, element %zu: written", at_config(c, what), index, i);
            continue;
        }
        if (!(fabs(is[i] - base - expected[i]) <= FLOAT_TOLERANCE * most))
            fail_msg("%s %d, element %zu: %.9g, expected %.9g", at_config(c, what), index, i,
                     (double)is[i], base + expected[i]);
    }
}

static void check_result(const struct op_case *c, const struct op_result *result,
                         const struct reference_result *expected, bool add) {
    static const struct shape none;
    check_close(c, "out", 0, c->out_count, c->out_shape, result->out, expected->out, false);
    for (int d = 0; d < CASE_DESTINATIONS; d++)
        if (result->gradient[d])
            check_close(c, add ? "added gradient" : "gradient", d, case_destination_count(c, d),
                        d < OP_INPUTS ? c->config->in[d] : none, result->gradient[d],
                        expected->gradient[d], add);
    for (int i = 0; i < OP_PARAMS; i++)
        if (expected->moved[i])
            check_close(c, "statistic", i, c->param_count[i], none, result->param[i],
                        expected->moved[i], false);
        else if (c->param[i])
            assert_memory_equal(result->param[i], c->param[i], c->param_count[i] * sizeof(float));
}

static void check_config(const struct op_config *config, struct pool *pool) {
    struct op_case *c = case_open(config);
    struct reference_result *expected = reference_open(c);
    for (int add = 0; add < 2; add++) {
        struct op_result *result = result_open(c, pool, all_wanted(c), add);
        check_result(c, result, expected, add);
        result_close(result);
    }
    reference_close(expected);
    case_close(c);
}

// Calls `check` for every configuration under every instruction set that this machine has.
static void for_all(int threads, void (*check)(const struct op_config *config, struct pool *pool)) {
    struct pool *pool = pool_open(threads);
    const struct kernels *const *sets = kernels_available();
    for (int i = 0; sets[i]; i++) {
        assert_true(kernels_force(sets[i]->isa));
        for (int k = 0; k < op_config_count; k++)
            check(&op_configs[k], pool);
    }
    assert_true(kernels_force(sets[0]->isa));
    pool_close(pool);
}

static void floats_match_the_reference(void **state) {
    (void)state;
    for_all(2, check_config);
}

// The same bits, whatever else is wanted and however many threads work.

static void check_same(const struct op_case *c, const char *what, const struct op_result *a,
                       const struct op_result *b) {
    bool same = memcmp(a->out, b->out, c->out_count * sizeof(float)) == 0;
    for (int d = 0; d < CASE_DESTINATIONS; d++)
        if (a->gradient[d] && b->gradient[d])
            same &= memcmp(a->gradient[d], b->gradient[d],
                           case_destination_count(c, d) * sizeof(float)) == 0;
    for (int i = 0; i < OP_PARAMS; i++)
        if (c->param[i])
            same &= memcmp(a->param[i], b->param[i], c->param_count[i] * sizeof(float)) == 0;
    if (!same)
        fail_msg("%s changes bits", at_config(c, what));
}

static void check_subsets(const struct op_config *config, struct pool *pool) {
    struct op_case *c = case_open(config);
    unsigned all = all_wanted(c);
    for (int add = 0; add < 2; add++) {
        struct op_result *whole = result_open(c, pool, all, add);
        for (unsigned wanted = 0; wanted < all; wanted++) {
            if (wanted & ~all)
                continue;
            struct op_result *part = result_open(c, pool, wanted, add);
            check_same(c, "wanting less", whole, part);
            result_close(part);
        }
        result_close(whole);
    }
    case_close(c);
}

static void subsets_give_the_same_bits(void **state) {
    (void)state;
    for_all(2, check_subsets);
}

static void check_threads(const struct op_config *config, struct pool *pool) {
    struct op_case *c = case_open(config);
    struct pool *single = pool_open(1);
    struct op_result *one = result_open(c, single, all_wanted(c), false);
    struct op_result *many = result_open(c, pool, all_wanted(c), false);
    check_same(c, "another number of threads", one, many);
    result_close(one);
    result_close(many);
    pool_close(single);
    case_close(c);
}

static void threads_give_the_same_bits(void **state) {
    (void)state;
    for_all(2, check_threads);
    for_all(4, check_threads);
}

// A sample's output depends on that sample alone: the same bits in a batch of one.

static void check_alone(const struct op_config *config, struct pool *pool) {
    struct op_case *c = case_open(config);
    if (!c->op->pure || config->mode.batch_stats || config->mode.drop) {
        case_close(c);
        return;
    }
    struct op_result *batch = result_open(c, pool, 0, false);
    struct op_config single = *config;
    struct op_case alone = *c;
    single.n = 1;
    alone.config = &single;
    alone.out_count /= (size_t)config->n;
    for (int i = 0; i < config->n; i++) {
        struct op_result *result = result_open(&alone, pool, 0, false);
        if (memcmp(result->out, batch->out + i * alone.out_count,
                   alone.out_count * sizeof(float)) != 0)
            fail_msg("%s", at_config(c, "a sample alone gives other bits"));
        result_close(result);
        for (int k = 0; k < c->op->inputs; k++)
            alone.in[k] += shape_count(config->in[k]);
        alone.label += case_labels(config);
        alone.target += alone.target ? config->in[0].h : 0;
        alone.picked += alone.picked != NULL;
        alone.sample++;
        alone.length += alone.length != NULL;
    }
    result_close(batch);
    case_close(c);
}

static void samples_are_independent(void **state) {
    (void)state;
    for_all(2, check_alone);
}

// What infer refuses, and a text that its message must have: both sizes.

struct refusal {
    const char *op;
    struct shape in[OP_INPUTS];
    union op_attr attr;
    const char *one, *other;
};

static const struct refusal refusals[] = {
    {"add", {{4, 5, 6}, {4, 5, 7}}, .one = "6x4x5", .other = "7x4x5"},
    {"max_pool", {{2, 2, 3}}, .attr.pool = {4, 1, 0}, .one = "4x4", .other = "3x2x2"},
    {"max_pool", {{20, 20, 3}}, .attr.pool = {17, 1, 0}, .one = "17x17", .other = "16x16"},
    {"avg_pool", {{9, 2, 3}}, .attr.pool = {5, 1, 1}, .one = "5x5", .other = "3x9x2"},
    {"max_pool", {{8, 8, 3}}, .attr.pool = {3, 1, 2}, .one = "2", .other = "3"},
    {"avg_pool", {{8, 8, 3}}, .attr.pool = {3, 0, 1}, .one = "0", .other = "1"},
    {"avg_pool", {{8, 8, 3}}, .attr.pool = {3, 1, -1}, .one = "padding -1", .other = "between 0"},
    {"pad_shortcut", {{8, 8, 16}}, .attr.pad_shortcut = {12, 2}, .one = "12", .other = "16x8x8"},
    {"pad_shortcut", {{8, 8, 16}}, .attr.pad_shortcut = {32, 0}, .one = "0", .other = "1"},
    {"cross_entropy", {{2, 2, 10}}, .one = "10x2x2", .other = "10"},
    {"dropout", {{1, 1, 10}}, .attr.dropout = {1.5F}, .one = "1.5", .other = "1"},
    {"conv2d", {{2, 2, 3}}, .attr.conv = {8, 5, 5, 1, 0, 1, true}, .one = "5x5", .other = "2x2"},
    {"conv2d", {{8, 8, 6}}, .attr.conv = {8, 3, 3, 1, 1, 4, true}, .one = "4", .other = "6"},
    {"linear", {{2, 2, 3}}, .attr.linear = {0, true}, .one = "0 outputs", .other = "12 inputs"},
    {"token_linear",
     {{2, 1, 3}},
     .attr.linear = {0, true},
     .one = "0 outputs",
     .other = "3 inputs"},
    {"embedding", {{2, 1, 3}}, .attr.embedding = {4, 4}, .one = "3x2x1", .other = "1"},
    {"embedding", {{2, 1, 1}}, .attr.embedding = {0, 4}, .one = "0x4", .other = "1"},
    {"token_add",
     {{9, 1, 3}},
     .attr.token_add = {7, true},
     .one = "9 tokens",
     .other = "7 positions"},
    {"attention",
     {{5, 1, 6}, {5, 1, 6}, {5, 1, 9}},
     .attr.attention = {2},
     .one = "6x5x1",
     .other = "9x5x1"},
    {"attention",
     {{5, 1, 6}, {5, 1, 6}, {5, 1, 6}},
     .attr.attention = {4},
     .one = "6",
     .other = "4"},
    {"attention_packed", {{5, 1, 8}}, .attr.attention = {2}, .one = "8", .other = "3"},
    {"token_pick", {{5, 1, 8}}, .attr.token_pick = {0}, .one = "0 tokens", .other = "1"},
    {"attention_packed", {{5, 2, 6}}, .attr.attention = {2}, .one = "6x5x2", .other = "TOKENSx1"},
    {"layer_norm", {{5, 2, 8}}, .one = "8x5x2", .other = "TOKENSx1"},
    {"token_add", {{5, 2, 8}}, .attr.token_add = {5, true}, .one = "8x5x2", .other = "TOKENSx1"},
    {"token_linear", {{5, 2, 8}}, .attr.linear = {3}, .one = "8x5x2", .other = "TOKENSx1"},
    {"token_pool", {{5, 2, 8}}, .one = "8x5x2", .other = "TOKENSx1"},
    {"token_pick", {{5, 2, 8}}, .attr.token_pick = {3}, .one = "8x5x2", .other = "TOKENSx1"},
    {"token_loss", {{5, 2, 8}}, .one = "8x5x2", .other = "TOKENSx1"},
};

static void infer_refuses_and_names_both_sizes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *r = &refusals[i];
        struct shape out;
        struct error error = {0};
        if (operation_find(r->op)->infer(&r->attr, r->in, &out, &error))
            fail_msg("%s accepts refusal %zu", r->op, i);
        if (!strstr(error.text, r->one) || !strstr(error.text, r->other))
            fail_msg("%s: \"%s\" should name %s and %s", r->op, error.text, r->one, r->other);
        assert_int_equal(error.kind, ERROR_REQUEST);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_is_checked),
        cmocka_unit_test(references_match_finite_differences),
        cmocka_unit_test(floats_match_the_reference),
        cmocka_unit_test(subsets_give_the_same_bits),
        cmocka_unit_test(threads_give_the_same_bits),
        cmocka_unit_test(samples_are_independent),
        cmocka_unit_test(infer_refuses_and_names_both_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
