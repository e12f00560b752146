// Real weights that others trained with minGPT and makemore, of the shared data; skipped without
// it.
#include "checkpoint/load.h"
#include "checkpoint/shared.h"
#include "models/models.h"
#include "models/text_config.h"
#include "plan/pass.h"
#include "test.h"
#include <math.h>
#include <string.h>

// A language model whose weights are read, ready to say what follows.
struct speaker {
    struct model *model;
    struct weights weights;
    struct pool *pool;
    struct flags flags;
    struct plan *plan;
    struct pass pass;
    struct batch batch; // its labels and samples are of no concern
    int room;
};

static void load(struct speaker *s, const char *name) {
    char *path = shared_path(name);
    struct weight_file file;
    struct load_report report;
    struct error error;
    if (!weight_file_open(&file, path, &error) ||
        !load_weights(&s->weights, &file, &(struct load_options){0}, &report, &error))
        fail_msg("%s", error.text);
    assert_int_equal(report.missing_count + report.unexpected_count + report.replaced_count, 0);
    load_report_close(&report);
    weight_file_close(&file);
    free(path);
}

static void speaker_open(struct speaker *s, const struct text_config *config, const char *weights,
                         int texts) {
    struct error error;
    struct arch_options options = {
        .input = {config->positions, 1, 1}, .classes = 1, .text = config};
    *s = (struct speaker){.room = config->positions, .pool = pool_open(2)};
    s->model = arch_build(arch_find("gpt-nano-lm", NULL), &options, &error);
    if (!s->model)
        fail_msg("%s", error.text);
    s->weights = weights_open(s->model);
    load(s, weights);
    s->flags = flags_open(s->model);
    struct plan_options plan = {.purpose = PLAN_EVALUATE, .n = texts, .pool = s->pool};
    s->plan = plan_make(&s->flags, &plan);
    s->pass.weights = &s->weights;
    assert_true(pass_use(&s->pass, s->plan, &error));
    s->batch = (struct batch){.n = texts,
                              .x = xcalloc((size_t)(texts * s->room), sizeof(float)),
                              .label = xcalloc((size_t)texts, sizeof(int)),
                              .sample = xcalloc((size_t)texts, sizeof(uint32_t))};
}

static void speaker_close(struct speaker *s) {
    pass_close(&s->pass);
    plan_close(s->plan);
    flags_close(&s->flags);
    weights_close(&s->weights);
    model_close(s->model);
    pool_close(s->pool);
    free(s->batch.x);
    free(s->batch.label);
    free(s->batch.sample);
}

// The logits behind token `at` of a text.
static const float *logits(const struct speaker *s, int text, int at) {
    return pass_logits(&s->pass) + (size_t)(text * s->room + at) * (size_t)s->model->classes;
}

static int likeliest(const struct speaker *s, int text, int at) {
    const float *x = logits(s, text, at);
    int best = 0;
    for (int i = 1; i < s->model->classes; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

// Two numbers of two digits are followed by the three digits of their sum, the last one first. Its
// configuration is minGPT's own, beside the weights.
static void two_digit_sums_are_right(void **state) {
    (void)state;
    enum { TEXTS = 500, DIGITS = 4, RESULT = 3 };
    if (!shared_exists("data/weights/mingpt_adder/model.pt"))
        skip();
    struct text_config config = arch_gpt[0].text;
    struct error error;
    char *path = shared_path("data/weights/mingpt_adder/config.json");
    assert_true(text_config_read(&config, path, &error));
    free(path);
    struct speaker s;
    speaker_open(&s, &config, "data/weights/mingpt_adder/model.pt", TEXTS);
    int right = 0;
    for (int first = 0; first < 10000; first += TEXTS) {
        int sum[TEXTS] = {0};
        for (int i = 0, n = first; i < TEXTS; i++, n++)
            for (int k = 0; k < s.room; k++)
                s.batch.x[i * s.room + k] =
                    k < DIGITS ? (float)(n / (int[]){1000, 100, 10, 1}[k] % 10) : -1;
        for (int k = 0, unit = 1; k < RESULT; k++, unit *= 10) {
            pass_forward(&s.pass, &s.batch, 0);
            for (int i = 0; i < TEXTS; i++) {
                const int digit = likeliest(&s, i, DIGITS + k - 1);
                sum[i] += digit * unit;
                if (k < RESULT - 1)
                    s.batch.x[i * s.room + DIGITS + k] = (float)digit;
            }
        }
        for (int i = 0; i < TEXTS; i++)
            right += sum[i] == (first + i) / 100 + (first + i) % 100;
    }
    assert_int_equal(right, 10000);
    speaker_close(&s);
}

static double surprise(const struct speaker *s, int text, int at, int next) {
    const float *x = logits(s, text, at);
    double sum = 0;
    for (int i = 0; i < s->model->classes; i++)
        sum += exp((double)x[i] - x[next]);
    return log(sum);
}

// makemore's: a name begins behind token 0 and ends with it; a is 1. Nats per character, the end
// being one, over all names: 1.93783 in PyTorch 1.13 (float32, its parts put together for this);
// the note beside the weights says about 1.953 and not of which names.
static void names_surprise_as_much_as_in_torch(void **state) {
    (void)state;
    enum { TEXTS = 256, ROOM = 15 };
    if (!shared_exists("data/weights/gpt_makemore/model.pt"))
        skip();
    struct text_config config = arch_gpt[0].text;
    config.vocabulary = 27;
    config.positions = ROOM;
    config.layers = config.heads = 4;
    config.hidden = 64;
    config.inner = 256;
    struct speaker s;
    speaker_open(&s, &config, "data/weights/gpt_makemore/model.pt", TEXTS);
    char *path = shared_path("data/weights/gpt_makemore/names.txt"), name[TEXTS][64];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    double sum = 0, counted = 0;
    for (int n = TEXTS; n == TEXTS;) {
        for (n = 0; n < TEXTS && fscanf(file, "%63s", name[n]) == 1; n++)
            for (int k = 0, length = (int)strlen(name[n]); k < ROOM; k++)
                s.batch.x[n * ROOM + k] = k == 0        ? 0
                                          : k <= length ? (float)(name[n][k - 1] - 'a' + 1)
                                                        : -1;
        if (n == 0)
            break;
        s.batch.n = n;
        pass_forward(&s.pass, &s.batch, 0);
        for (int i = 0; i < n; i++) {
            const int length = (int)strlen(name[i]);
            assert_in_range(length, 1, ROOM - 1);
            for (int k = 0; k <= length; k++)
                sum += surprise(&s, i, k, k < length ? name[i][k] - 'a' + 1 : 0);
            counted += length + 1;
        }
    }
    fclose(file);
    free(path);
    print_message("%.4f nats per character over %.0f characters\n", sum / counted, counted);
    assert_int_equal((int)counted, 196583);
    assert_float_equal(sum / counted, 1.93783, 2e-5);
    assert_float_equal(sum / counted, 1.953, 0.02);
    speaker_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_digit_sums_are_right),
        cmocka_unit_test(names_surprise_as_much_as_in_torch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
