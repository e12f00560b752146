// A network for colour loaded for grey samples: its first convolution is summed over the colours.
#include "checkpoint/load.h"

#include "base/random.h"
#include "base/xalloc.h"
#include "model/build.h"
#include "models/models.h"
#include "plan/pass.h"
#include "test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, PIXELS = SIDE * SIDE, CLASSES = 10, N = 3 };

static char directory[] = "thaw-grey-XXXXXX";
static char *path;

static struct model *build(const char *arch, int channels) {
    struct arch_options options = {.input = {SIDE, SIDE, channels}, .classes = CLASSES};
    struct model *model = arch_build(arch_find(arch, NULL), &options, NULL);
    assert_non_null(model);
    return model;
}

// Two convolutions read the samples: a residual block stands first.
static struct model *build_forked(int channels) {
    struct build *b = build_start("forked", (struct shape){SIDE, SIDE, channels});
    int one = build_conv(b, "one", 0, (struct build_conv){.out = 4, .kernel = 3, .pad = 1});
    int two = build_conv(b, "two", 0, (struct build_conv){.out = 4, .kernel = 1});
    int x = build_global_pool(b, "pool", build_add(b, one, two));
    build_mark_head(b);
    struct model *model = build_finish(b, build_linear(b, "fc", x, CLASSES, true), NULL);
    assert_non_null(model);
    return model;
}

// Saves the network, and returns its values. Takes the model.
static struct weights put(struct model *model) {
    struct weights w = weights_open(model);
    weights_init(&w, 3);
    assert_true(save_weights(&w, path, NULL, 0, NULL));
    return w;
}

static void drop(struct weights *w) {
    struct model *model = (struct model *)(uintptr_t)w->model;
    weights_close(w);
    model_close(model);
}

static bool load(struct weights *w, struct load_report *r, struct error *error) {
    struct weight_file file;
    assert_true(weight_file_open(&file, path, NULL));
    bool good = load_weights(w, &file, &(struct load_options){0}, r, error);
    weight_file_close(&file);
    return good;
}

// Every weight is the sum of three, rounded once.
static void check_sums(const struct weights *colour, const struct weights *grey, int param) {
    const float *three = weights_at(colour, param), *one = weights_at(grey, param); // [r][s][c][k]
    const struct dims dims = grey->model->params[param].dims;
    int64_t window = dims.size[2] * dims.size[3], out = dims.size[0];
    for (int64_t at = 0; at < window; at++)
        for (int64_t k = 0; k < out; k++) {
            const float *from = three + at * 3 * out + k;
            double sum = (double)from[0] + from[out] + from[2 * out];
            assert_true(one[at * out + k] == (float)sum);
        }
}

// Logits of N grey pictures, repeated in so many channels, which the caller frees.
static float *logits(struct weights *w, int channels) {
    struct flags flags = flags_open(w->model);
    struct pool *pool = pool_open(1);
    struct plan_options options = {.purpose = PLAN_EVALUATE, .n = N, .pool = pool};
    struct plan *plan = plan_make(&flags, &options);
    struct pass pass = {.weights = w};
    float *x = xcalloc(N * PIXELS * 3, sizeof *x);
    for (int i = 0; i < N * PIXELS; i++)
        for (int c = 0; c < channels; c++)
            x[i * channels + c] = random_normal(random_key(1, RANDOM_PROBE, 0), 0, 0, (uint64_t)i);
    struct batch batch = {N, x, (int[N]){0}, (uint32_t[N]){0, 1, 2}};
    assert_true(pass_use(&pass, plan, NULL));
    pass_forward(&pass, &batch, 0);
    float *out = xmemdup(pass_logits(&pass), N * CLASSES * sizeof *out);
    pass_close(&pass);
    plan_close(plan);
    pool_close(pool);
    flags_close(&flags);
    free(x);
    return out;
}

// What it computes of a grey picture is what the network for colour computes of the picture
// repeated in all three channels, up to rounding.
static void check_logits(struct weights *colour, struct weights *grey) {
    float *three = logits(colour, 3), *one = logits(grey, 1);
    double off = 0, size = 0;
    for (int i = 0; i < N * CLASSES; i++) {
        off += pow((double)three[i] - one[i], 2);
        size += pow((double)three[i], 2);
    }
    assert_true(size > 0 && sqrt(off / size) < 1e-5);
    free(three);
    free(one);
}

static void grey_samples(void **state) {
    (void)state;
    static const char *const names[] = {"resnet18", "resnet20", "mobilenet_v2", "cnn"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct weights colour = put(build(names[i], 3)), grey = weights_open(build(names[i], 1));
        struct load_report r;
        struct error error;
        struct text text = {0};
        if (!load(&grey, &r, &error))
            fail_msg("%s: %s", names[i], error.text);
        load_report_text(&r, grey.model, &text);
        char *right = xprintf("%s: its 3 input channels in the file were summed, for grey samples",
                              grey.model->params[0].name);
        assert_non_null(strstr(text.data, right));
        check_sums(&colour, &grey, 0);
        check_logits(&colour, &grey);
        free(right);
        text_free(&text);
        load_report_close(&r);
        drop(&colour);
        drop(&grey);
    }
}

static void every_convolution_that_reads_them(void **state) {
    (void)state;
    struct weights colour = put(build_forked(3)), grey = weights_open(build_forked(1));
    struct load_report r;
    assert_true(load(&grey, &r, NULL));
    assert_int_equal(r.summed_count, 2);
    check_sums(&colour, &grey, 0);
    check_sums(&colour, &grey, 1);
    check_logits(&colour, &grey);
    load_report_close(&r);
    drop(&colour);
    drop(&grey);
}

static void nothing_else_is_summed(void **state) {
    (void)state;
    struct load_report r;
    struct error error;
    // A file for grey, for samples in colour.
    struct weights other = put(build("resnet18", 1)), w = weights_open(build("resnet18", 3));
    assert_false(load(&w, &r, &error));
    assert_non_null(
        strstr(error.text, "1 shape differs: conv1.weight: the file has [64, 1, 7, 7]"));
    assert_int_equal(r.summed_count, 0);
    load_report_close(&r);
    drop(&other);
    drop(&w);
    // Four channels.
    other = put(build("resnet18", 4));
    w = weights_open(build("resnet18", 1));
    assert_false(load(&w, &r, &error));
    load_report_close(&r);
    drop(&other);
    drop(&w);
    // What fits is as it was.
    other = put(build("resnet18", 1));
    w = weights_open(build("resnet18", 1));
    assert_true(load(&w, &r, &error));
    assert_int_equal(r.summed_count, 0);
    assert_memory_equal(weights_at(&w, 0), weights_at(&other, 0), param_bytes(&w.model->params[0]));
    load_report_close(&r);
    drop(&other);
    drop(&w);
}

static int start(void **state) {
    (void)state;
    path = mkdtemp(directory) ? files_join(directory, "weights.safetensors") : NULL;
    return path ? 0 : -1;
}

static int finish(void **state) {
    (void)state;
    files_remove(directory);
    free(path);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_samples),
        cmocka_unit_test(every_convolution_that_reads_them),
        cmocka_unit_test(nothing_else_is_summed),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
