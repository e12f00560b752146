// Tests of src/checkpoint/load.c, load_report.c and save.c, on a model made by hand.
#include "checkpoint/load.h"
#include "base/xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants the three above first.
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- The model: every layout, a counter, a tied parameter, a head with a child.

#define TEXT(literal) ((char[]){literal})

static struct module modules[] = {
    {.name = TEXT(""), .kind = "Net", .parent = -1, .end = 6},
    {.name = TEXT("conv"), .kind = "Conv2d", .parent = 0, .end = 2, .depth = 1},
    {.name = TEXT("bn"), .kind = "BatchNorm2d", .parent = 0, .end = 3, .depth = 1},
    {.name = TEXT("fc"), .kind = "Linear", .parent = 0, .end = 4, .depth = 1},
    {.name = TEXT("head"), .kind = "Sequential", .parent = 0, .end = 6, .depth = 1, .head = true},
    {.name = TEXT("head.0"), .kind = "Linear", .parent = 4, .end = 6, .depth = 2},
};

enum { CONV, BN_WEIGHT, BN_MEAN, BN_COUNT, FC, FC_BIAS, TIED, HEAD, HEAD_BIAS, PARAMS };

static struct param params[PARAMS] = {
    [CONV] = {TEXT("conv.weight"), 1, PARAM_WEIGHT, .dims = {4, {4, 3, 2, 5}},
              .layout = LAYOUT_CONV},
    [BN_WEIGHT] = {TEXT("bn.weight"), 2, PARAM_WEIGHT, true, {1, {4}}},
    [BN_MEAN] = {TEXT("bn.running_mean"), 2, PARAM_STATISTIC, true, {1, {4}}},
    [BN_COUNT] = {TEXT("bn.num_batches_tracked"), 2, PARAM_COUNTER, true},
    [FC] = {TEXT("fc.weight"), 3, PARAM_WEIGHT, .dims = {2, {6, 24}}, .layout = LAYOUT_FLATTEN,
            .flat = {2, 3, 4}},
    [FC_BIAS] = {TEXT("fc.bias"), 3, PARAM_BIAS, .dims = {1, {6}}},
    [TIED] = {TEXT("again.bias"), 3, PARAM_BIAS, .dims = {1, {6}}},
    [HEAD] = {TEXT("head.0.weight"), 5, PARAM_WEIGHT, .dims = {2, {5, 6}}},
    [HEAD_BIAS] = {TEXT("head.0.bias"), 5, PARAM_BIAS, .dims = {1, {5}}},
};

static char arch[] = "tiny";
static struct model model = {arch, 6, PARAMS, 0, modules, params, NULL, 0, 5};

// ---- A file's worth of tensors in PyTorch's order, which tests bend before they write it.

static float values[PARAMS][144];         // element i of parameter p: p + i / 256
static int64_t counter = (1ll << 60) + 1; // beyond what a float or double holds

static struct tensor_out tensors[PARAMS + 1];
static int tensor_count;

static char directory[] = "thaw-load-XXXXXX";
static char *path;
static struct weights weights;
static float *before; // what weights held

static int start(void **state) {
    (void)state;
    for (int i = 0; i < PARAMS; i++) {
        params[i].storage = i == TIED ? FC_BIAS : i;
        params[i].count = dims_count(params[i].dims);
        params[i].at = model.weight_floats;
        model.weight_floats += (params[i].count + 15) / 16 * 16;
    }
    path = mkdtemp(directory) ? files_join(directory, "weights.safetensors") : NULL;
    before = xmalloc(model.weight_floats * sizeof *before);
    return path ? 0 : -1;
}

static int finish(void **state) {
    (void)state;
    files_remove(directory);
    free(before);
    free(path);
    return 0;
}

static int reset(void **state) {
    (void)state;
    for (int p = 0; p < PARAMS; p++)
        for (int i = 0; i < 144; i++)
            values[p][i] = (float)p + (float)i / 256;
    tensor_count = 0;
    for (int p = 0; p < PARAMS; p++)
        if (p != TIED)
            tensors[tensor_count++] =
                (struct tensor_out){params[p].name, DTYPE_F32, params[p].dims, values[p]};
    tensors[BN_COUNT].dtype = DTYPE_I64;
    tensors[BN_COUNT].data = &counter;
    weights = weights_open(&model);
    for (size_t i = 0; i < model.weight_floats; i++)
        weights.data[i] = -(float)i;
    memcpy(before, weights.data, model.weight_floats * sizeof *before);
    return 0;
}

static int drop(void **state) {
    (void)state;
    weights_close(&weights);
    return 0;
}

static struct tensor_out *tensor(const char *name) {
    for (int i = 0; i < tensor_count; i++)
        if (!strcmp(tensors[i].name, name))
            return &tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

static void remove_tensor(const char *name) {
    struct tensor_out *gone = tensor(name);
    *gone = tensors[--tensor_count];
}

static bool load(const struct load_options *options, struct load_report *report,
                 struct error *error) {
    struct weight_file file;
    assert_true(safetensors_write(path, tensors, tensor_count, NULL, 0, NULL));
    assert_true(weight_file_open(&file, path, NULL));
    bool good = load_weights(&weights, &file, options, report, error);
    weight_file_close(&file);
    return good;
}

static const struct load_options strict = {0}, partial = {.partial = true},
                                 new_head = {.new_head = true};

static void expect_refused(const struct load_options *options, const char *message) {
    struct error error = {0};
    assert_false(load(options, NULL, &error));
    assert_string_equal(error.text, message);
    assert_int_equal(error.kind, ERROR_REQUEST);
    assert_memory_equal(weights.data, before, model.weight_floats * sizeof *before);
}

static bool kept(int param) {
    const struct param *p = &params[params[param].storage];
    return !memcmp(weights.data + p->at, before + p->at, param_bytes(p));
}

// Whether a parameter in PyTorch's order holds what reset put into the file for `source`.
static bool holds(int param, int source) {
    float torch[144];
    layout_to_torch(&params[param], weights_at(&weights, param), torch);
    return !memcmp(torch, values[source], params[param].count * sizeof *torch);
}

// ---- Loading what fits.

static void test_load(void **state) {
    (void)state;
    struct load_report r;
    assert_true(load(&strict, &r, NULL));
    assert_int_equal(r.loaded, PARAMS - 1);
    assert_int_equal(r.missing_count + r.unexpected_count + r.misshaped_count + r.replaced_count,
                     0);
    for (int p = 0; p < PARAMS; p++)
        if (p != BN_COUNT)
            assert_true(holds(p, p == TIED ? FC_BIAS : p));
    assert_true(*weights_counter(&weights, BN_COUNT) == counter);
    load_report_close(&r);
}

static void test_other_types(void **state) {
    (void)state;
    const uint16_t halves[4] = {0x3c00, 0xbc00, 0x0001, 0x7bff};
    const double doubles[4] = {1, -1, 0.5, 1e-300};
    *tensor("bn.weight") = (struct tensor_out){"bn.weight", DTYPE_F16, {1, {4}}, halves};
    *tensor("bn.running_mean") =
        (struct tensor_out){"bn.running_mean", DTYPE_F64, {1, {4}}, doubles};
    assert_true(load(&strict, NULL, NULL));
    const float *weight = weights_at(&weights, BN_WEIGHT), *mean = weights_at(&weights, BN_MEAN);
    assert_true(weight[0] == 1 && weight[1] == -1 && weight[2] == 0x1p-24f && weight[3] == 65504);
    assert_true(mean[0] == 1 && mean[1] == -1 && mean[2] == 0.5f && mean[3] == 0);
}

static void test_missing_counter(void **state) {
    (void)state;
    remove_tensor("bn.num_batches_tracked");
    struct load_report r;
    assert_true(load(&strict, &r, NULL));
    assert_int_equal(r.missing_count, 0);
    assert_int_equal(r.loaded, PARAMS - 2);
    assert_true(kept(BN_COUNT));
    load_report_close(&r);
}

// ---- Names and shapes that do not fit.

static void test_missing(void **state) {
    (void)state;
    remove_tensor("conv.weight");
    remove_tensor("fc.bias");
    expect_refused(&strict, "the weights do not fit tiny: 2 parameters are missing from the file: "
                            "conv.weight, fc.bias; only a partial load would take them");
    struct load_report r;
    assert_true(load(&partial, &r, NULL));
    assert_int_equal(r.missing_count, 2);
    assert_int_equal(r.missing[0], CONV);
    assert_int_equal(r.missing[1], FC_BIAS);
    assert_int_equal(r.loaded, PARAMS - 3);
    assert_true(kept(CONV) && kept(FC_BIAS) && holds(FC, FC));
    load_report_close(&r);
}

static void test_unexpected(void **state) {
    (void)state;
    tensors[tensor_count++] = (struct tensor_out){"extra", DTYPE_F32, {1, {2}}, values[0]};
    expect_refused(&strict, "the weights do not fit tiny: 1 name in the file is unknown to the "
                            "model: extra; only a partial load would take them");
    struct load_report r;
    assert_true(load(&partial, &r, NULL));
    assert_int_equal(r.unexpected_count, 1);
    assert_string_equal(r.unexpected[0], "extra");
    assert_int_equal(r.loaded, PARAMS - 1);
    load_report_close(&r);
}

static void test_misshaped(void **state) {
    (void)state;
    tensor("conv.weight")->dims = (struct dims){4, {4, 3, 5, 2}};
    tensor("fc.bias")->dims = (struct dims){2, {6, 1}};
    remove_tensor("bn.weight");
    const char *message = "the weights do not fit tiny: 2 shapes differ: conv.weight: the file has "
                          "[4, 3, 5, 2], the model [4, 3, 2, 5]; fc.bias: the file has [6, 1], the "
                          "model [6]; 1 parameter is missing from the file: bn.weight; they are "
                          "another architecture's";
    expect_refused(&strict, message);
    expect_refused(&partial, message);
}

static void test_report_on_error(void **state) {
    (void)state;
    tensor("fc.weight")->dims = (struct dims){2, {24, 6}};
    struct load_report r;
    assert_false(load(&partial, &r, NULL));
    assert_int_equal(r.misshaped_count, 1);
    assert_string_equal(r.misshaped[0], "fc.weight: the file has [24, 6], the model [6, 24]");
    assert_int_equal(r.loaded, 0);
    load_report_close(&r);
}

static void test_many_names(void **state) {
    (void)state;
    tensor_count = 0;
    expect_refused(&strict, "the weights do not fit tiny: 7 parameters are missing from the file: "
                            "conv.weight, bn, fc, head; only a partial load would take them");
}

// ---- The head.

static void test_other_head(void **state) {
    (void)state;
    tensor("head.0.weight")->dims = (struct dims){2, {10, 6}};
    tensor("head.0.bias")->dims = (struct dims){1, {10}};
    values[HEAD][0] = NAN; // nobody reads it
    struct load_report r;
    assert_true(load(&strict, &r, NULL));
    assert_int_equal(r.replaced_count, 2);
    assert_int_equal(r.replaced[0], HEAD);
    assert_int_equal(r.replaced[1], HEAD_BIAS);
    assert_int_equal(r.misshaped_count, 0);
    assert_true(kept(HEAD) && kept(HEAD_BIAS) && holds(FC, FC));
    load_report_close(&r);
}

static void test_new_head(void **state) {
    (void)state;
    remove_tensor("head.0.bias");
    struct load_report r;
    assert_true(load(&new_head, &r, NULL));
    assert_int_equal(r.replaced_count, 2);
    assert_int_equal(r.missing_count, 0);
    assert_true(kept(HEAD) && kept(HEAD_BIAS) && holds(FC, FC));
    load_report_close(&r);
}

// The file's own head has other layers: what the model's has not is passed over, what it lacks new.
static void test_own_head(void **state) {
    (void)state;
    tensor("head.0.bias")->name = "head.bias";
    struct load_report r;
    assert_true(load(&(struct load_options){.own_head = true}, &r, NULL));
    assert_int_equal(r.replaced_count, 1);
    assert_int_equal(r.replaced[0], HEAD_BIAS);
    assert_int_equal(r.missing_count + r.unexpected_count, 0);
    assert_true(kept(HEAD_BIAS) && holds(HEAD, HEAD) && holds(FC, FC));
    load_report_close(&r);
}

static void test_own_head_is_no_excuse(void **state) {
    (void)state;
    tensor("head.0.bias")->name = "heads.bias"; // not below the head
    expect_refused(&(struct load_options){.own_head = true},
                   "the weights do not fit tiny: 1 name in the file is unknown to the model: "
                   "heads.bias; only a partial load would take them");
}

static void test_missing_head(void **state) {
    (void)state;
    remove_tensor("head.0.bias");
    expect_refused(&strict, "the weights do not fit tiny: 1 parameter is missing from the file: "
                            "head.0.bias; only a partial load would take them");
}

// ---- Values.

static void test_not_finite(void **state) {
    (void)state;
    values[HEAD_BIAS][4] = -INFINITY;
    expect_refused(&partial, "head.0.bias: element 4 is -inf in float32; weights must be finite");
    values[FC][143] = NAN;
    tensor("bn.weight")->dtype = DTYPE_F64;
    const double doubles[4] = {0, 0, 1e39, 0};
    tensor("bn.weight")->data = doubles;
    expect_refused(&strict, "bn.weight: element 2 is inf in float32; weights must be finite");
}

static void test_counter_type(void **state) {
    (void)state;
    tensor("bn.num_batches_tracked")->dtype = DTYPE_F32;
    expect_refused(&strict, "bn.num_batches_tracked: a counter must be I64, not F32");
}

// ---- Tied parameters.

static void test_tied_both(void **state) {
    (void)state;
    tensors[tensor_count++] =
        (struct tensor_out){"again.bias", DTYPE_F32, {1, {6}}, values[FC_BIAS]};
    assert_true(load(&strict, NULL, NULL));
    assert_true(holds(FC_BIAS, FC_BIAS));
}

static void test_tied_second(void **state) {
    (void)state;
    *tensor("fc.bias") = (struct tensor_out){"again.bias", DTYPE_F32, {1, {6}}, values[TIED]};
    assert_true(load(&strict, NULL, NULL));
    assert_true(holds(FC_BIAS, TIED));
}

static void test_tied_different(void **state) {
    (void)state;
    tensors[tensor_count++] = (struct tensor_out){"again.bias", DTYPE_F32, {1, {6}}, values[TIED]};
    expect_refused(&partial, "fc.bias and again.bias are one parameter in tiny, but differ in the "
                             "file");
}

// ---- The report in words.

static void test_report_text(void **state) {
    (void)state;
    int missing[] = {CONV}, replaced[] = {HEAD, HEAD_BIAS};
    char a[] = "a", b[] = "b", c[] = "c: the file has [1], the model [2]";
    char *unexpected[] = {a, b}, *misshaped[] = {c};
    int summed[] = {CONV};
    const struct load_report r = {.loaded = 5,
                                  .missing = missing,
                                  .missing_count = 1,
                                  .unexpected = unexpected,
                                  .unexpected_count = 2,
                                  .misshaped = misshaped,
                                  .misshaped_count = 1,
                                  .replaced = replaced,
                                  .replaced_count = 2,
                                  .summed = summed,
                                  .summed_count = 1};
    struct text t = {0};
    load_report_text(&r, &model, &t);
    assert_string_equal(t.data, "5 parameters loaded\n"
                                "conv.weight: its 3 input channels in the file were summed, for "
                                "grey samples\n"
                                "1 shape differs: c: the file has [1], the model [2]\n"
                                "1 parameter is not in the file and starts from "
                                "initialisation: conv.weight\n"
                                "2 names in the file are unknown to the model: a, b\n"
                                "2 parameters of the head start anew: head.0.weight, "
                                "head.0.bias\n");
    text_free(&t);
}

// ---- Saving.

static void test_saved_file(void **state) {
    (void)state;
    *weights_counter(&weights, BN_COUNT) = counter;
    const char *const metadata[] = {"step", "12"};
    assert_true(save_weights(&weights, path, metadata, 1, NULL));
    struct safetensors s;
    assert_true(safetensors_open(&s, path, NULL));
    assert_string_equal(safetensors_metadata(&s, "format"), "pt");
    assert_string_equal(safetensors_metadata(&s, "step"), "12");
    assert_int_equal(s.count, PARAMS - 1);
    assert_string_equal(s.entries[0].name, "bn.num_batches_tracked");
    assert_int_equal(s.entries[0].dtype, DTYPE_I64);
    assert_int_equal(s.entries[0].dims.rank, 0);
    assert_memory_equal(s.entries[0].data, &counter, sizeof counter);
    for (int i = 1, p = 0; i < s.count; i++, p++) { // the others in the model's order
        p += p == BN_COUNT || p == TIED;
        assert_string_equal(s.entries[i].name, params[p].name);
        assert_true(dims_equal(s.entries[i].dims, params[p].dims));
        assert_int_equal(s.entries[i].dtype, DTYPE_F32);
    }
    // One element of the convolution: [k 1][c 2][r 1][s 3] there, [r][s][c][k] here.
    float conv[120];
    tensor_to_float(safetensors_find(&s, "conv.weight"), conv);
    assert_true(conv[((1 * 3 + 2) * 2 + 1) * 5 + 3] ==
                weights_at(&weights, CONV)[((1 * 5 + 3) * 3 + 2) * 4 + 1]);
    safetensors_close(&s);
}

static void test_save_and_load(void **state) {
    (void)state;
    assert_true(save_weights(&weights, path, NULL, 0, NULL));
    struct weights other = weights_open(&model);
    struct weight_file s;
    assert_true(weight_file_open(&s, path, NULL));
    assert_true(load_weights(&other, &s, &strict, NULL, NULL));
    for (int p = 0; p < PARAMS; p++)
        assert_memory_equal(weights_at(&other, p), weights_at(&weights, p),
                            param_bytes(&params[params[p].storage]));
    weight_file_close(&s);
    weights_close(&other);
}

static void test_save_error(void **state) {
    (void)state;
    char *nowhere = files_join(directory, "missing/weights.safetensors");
    struct error error = {0};
    assert_false(save_weights(&weights, nowhere, NULL, 0, &error));
    assert_non_null(strstr(error.text, nowhere));
    free(nowhere);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, drop)

int main(void) {
    const struct CMUnitTest tests[] = {

        TEST(test_load),
        TEST(test_other_types),
        TEST(test_missing_counter),
        TEST(test_missing),
        TEST(test_unexpected),
        TEST(test_misshaped),
        TEST(test_report_on_error),
        TEST(test_many_names),
        TEST(test_other_head),
        TEST(test_new_head),
        TEST(test_own_head),
        TEST(test_own_head_is_no_excuse),
        TEST(test_missing_head),
        TEST(test_not_finite),
        TEST(test_counter_type),
        TEST(test_tied_both),
        TEST(test_tied_second),
        TEST(test_tied_different),
        TEST(test_report_text),
        TEST(test_saved_file),
        TEST(test_save_and_load),
        TEST(test_save_error),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
