// thaw predict of language models.
#include "data/masking.h"
#include "program.h"
#include "ui/setup.h"
#include <math.h>

static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n##c\n,\n";
enum { IDS = 10, MASK = 4, LENGTH = 16 };

static void train(const char *model) {
    struct text t = {0};
    for (int i = 0; i < 14; i++)
        text_add(&t, "a, %.*s\n", 2 * (i % 4) + 1, "b c bc c");
    write_text("x.txt", t.data);
    write_text("vocab.txt", vocabulary);
    text_free(&t);
    text_add(
        &t,
        "model: {name: %s}\ndata: {name: text, path: x.txt, tokenizer: ./vocab.txt, length: "
        "%d,\n  validation: 3}\ntrain: {epochs: 4, batch: 4}\noptim: {name: adamw, lr: 0.01}\n",
        model, LENGTH);
    write_text("lm.yaml", t.data);
    text_free(&t);
    struct outcome o = RUN("run", "lm.yaml", "--quiet", "--out", "run");
    assert_done(&o);
    outcome_close(&o);
}

// The training of the run, with its last weights.
struct opened {
    struct experiment experiment;
    struct setup setup;
    struct training *training;
};

static void open_run(struct opened *o) {
    struct error error;
    if (!experiment_read(&o->experiment, "run/experiment.yaml", &error) ||
        !experiment_set(&o->experiment, "model.weights=run/last.safetensors", &error) ||
        !setup_open(&o->setup, &o->experiment, 1, &error) ||
        !(o->training = setup_training(&o->setup, &error)))
        fail_msg("%s", error.text);
}

static void close_run(struct opened *o) {
    training_close(o->training);
    setup_close(&o->setup);
    experiment_close(&o->experiment);
}

// What evaluation predicts at [MASK] in the validation texts, or of each next token, is what is
// said of the same texts when they are given, to the same bits.
static int compare_with_evaluation(struct training *t) {
    const struct dataset *d = t->data.validation;
    const bool masked = model_is_masked(t->model);
    const struct masking masking = {d->vocabulary, d->marks, .fixed = true};
    struct tally tally;
    struct predictions p = {0};
    struct error error;
    int compared = 0;
    assert_true(training_evaluate(t, d, &tally, &p, &error));
    for (int i = 0, place = 0; i < p.count; i++) {
        float x[LENGTH];
        int target[LENGTH], id[LENGTH], scratch[LENGTH], count = 0;
        d->read(d, p.sample[i], x);
        if (masked)
            masking_apply(&masking, (uint32_t)p.sample[i], 0, LENGTH, x, target, scratch);
        while (count < LENGTH && x[count] >= 0 && (masked || count < p.place[i])) {
            id[count] = (int)x[count];
            count++;
        }
        place = i > 0 && p.sample[i] == p.sample[i - 1] ? place : 0;
        if (masked && id[p.place[i]] != MASK)
            continue;
        struct said said;
        assert_true(training_say(t, id, count, MASK, &said, &error));
        const float *row = said.probability + (size_t)place * (size_t)said.ids;
        assert_int_equal(said.ids, IDS);
        assert_int_equal(pass_highest(row, said.ids), p.predicted[i]);
        assert_true(row[p.predicted[i]] == p.probability[i]);
        place += masked;
        compared++;
        said_close(&said);
    }
    predictions_close(&p);
    return compared;
}

static void says_what_evaluation_says(void **state) {
    (void)state;
    static const char *const models[] = {"bert-tiny-lm", "gpt-nano-lm"};
    for (int i = 0; i < 2; i++) {
        struct opened o = {0};
        train(models[i]);
        open_run(&o);
        assert_true(compare_with_evaluation(o.training) > i * 10);
        close_run(&o);
        assert_int_equal(system("rm -r run"), 0);
    }
}

// The tokens of a place: all of them, the likeliest first, and together certain.
static void check_place(const json_t *list) {
    double sum = 0, before = 1;
    const json_t *one;
    size_t i;
    assert_int_equal(json_array_size(list), IDS);
    json_array_foreach(list, i, one) {
        const double p = json_real_value(json_object_get(one, "probability"));
        assert_non_null(json_string_value(json_object_get(one, "token")));
        assert_true(p <= before);
        sum += before = p;
    }
    assert_true(fabs(sum - 1) < 1e-5);
}

static void check_masks(json_t *line, void *context) {
    const json_t *masks = json_object_get(line, "masks"), *one;
    size_t i;
    json_array_foreach(masks, i, one) {
        check_place(one);
    }
    *(size_t *)context = *(size_t *)context * 10 + i;
}

static void tells_what_is_masked(void **state) {
    (void)state;
    size_t masks = 0;
    train("bert-tiny-lm");
    struct outcome o =
        RUN("predict", "run", "a, [MASK] c", "[MASK][MASK]", "--json", "--top", "99");
    assert_done(&o);
    assert_contains(o.out, "{\"text\":\"a, [MASK] c\",\"masks\":[[{\"token\":\"");
    assert_int_equal(json_lines(o.out, check_masks, &masks), 2);
    assert_int_equal(masks, 12); // one, then two
    outcome_close(&o);
    o = RUN("predict", "run", "[MASK], [MASK]", "--top", "1");
    assert_done(&o);
    assert_contains(o.out, "text            mask  token  probability\n[MASK], [MASK]     1  ");
    assert_contains(o.out, "\n                   2  ");
    outcome_close(&o);
    o = RUN("predict", "run", "a [MASK]", "a b", "--json");
    assert_refused(&o, 2, "text:2: no [MASK] among its 4 tokens; write one in place of each word");
    outcome_close(&o);
    o = RUN("predict", "run", "[MASK] [MASK] [MASK]");
    assert_refused(&o, 2,
                   "text:1: 3 times [MASK]; of texts of at most 16 tokens the network tells 2");
    outcome_close(&o);
    o = RUN("predict", "run", "a [MASK]", "a b", "--limit", "1", "--json"); // the first of them
    assert_done(&o);
    assert_contains(o.out, "{\"text\":\"a [MASK]\",");
    outcome_close(&o);
    o = RUN("predict", "run", "a [MASK]", "--tokens", "2");
    assert_refused(&o, 2, "--tokens: bert-tiny-lm predicts what stands at a [MASK]");
    outcome_close(&o);
    o = RUN("predict", "run", "--samples", "validation");
    assert_refused(&o, 2, "--samples: bert-tiny-lm predicts tokens, not classes; give texts");
    outcome_close(&o);
}

static void take_next(json_t *line, void *context) {
    const json_t *list = json_object_get(line, "next");
    check_place(list);
    *(char **)context =
        xstrdup(json_string_value(json_object_get(json_array_get(list, 0), "token")));
}

// As the vocabulary's pieces are put together.
static void append(struct text *t, const char *piece) {
    const bool continues = t->length > 0 && strncmp(piece, "##", 2) == 0;
    text_add(t, "%s%s", t->length && !continues ? " " : "", continues ? piece + 2 : piece);
}

// Greedy: the likeliest next token, then the likeliest one behind that.
static void goes_on_with_a_text(void **state) {
    (void)state;
    enum { TOKENS = 6 };
    struct text said = {0}, expected = {0};
    train("gpt-nano-lm");
    text_add(&said, "a");
    for (int i = 0; i < TOKENS; i++) {
        char *next = NULL;
        struct outcome o = RUN("predict", "run", said.data, "--json", "--top", "99");
        assert_done(&o);
        assert_int_equal(json_lines(o.out, take_next, &next), 1);
        outcome_close(&o);
        const bool end = strcmp(next, "[SEP]") == 0;
        if (!end) {
            append(&said, next);
            append(&expected, next);
        }
        free(next);
        if (end)
            break;
    }
    assert_non_null(expected.data);
    char *line = xprintf("{\"text\":\"a\",\"continuation\":\"%s\"}\n", expected.data);
    struct outcome o = RUN("predict", "run", "a", "--tokens", "6", "--json", "--threads", "2");
    assert_done(&o);
    assert_string_equal(o.out, line);
    outcome_close(&o);
    o = RUN("predict", "run", "a", "--tokens", "6");
    assert_done(&o);
    assert_contains(o.out, "text  continuation\na     ");
    assert_contains(o.out, expected.data);
    outcome_close(&o);
    o = RUN("predict", "run", "a", "[MASK]", "--top", "1"); // a text like any other
    assert_done(&o);
    assert_contains(o.out, "text    token  probability\na       ");
    outcome_close(&o);
    o = RUN("predict", "run", "a b", "--tokens", "14");
    assert_refused(&o, 2,
                   "text:1: 3 tokens, and the network takes 16 at most; --tokens 13 would fit");
    outcome_close(&o);
    free(line);
    text_free(&said);
    text_free(&expected);
}

static void built_in_weights_by_their_name(void **state) {
    (void)state;
    struct outcome o = RUN("predict", "wordnet-bert", "a [MASK] that swims in water", "--top", "3");
    assert_done(&o);
    assert_contains(o.out, "a [MASK] that swims in water     1  ");
    outcome_close(&o);
    o = RUN("predict", "wordnet-gpt", "an instrument for measuring", "--tokens", "4", "--json");
    assert_done(&o);
    assert_contains(o.out, "{\"text\":\"an instrument for measuring\",\"continuation\":\"");
    outcome_close(&o);
    o = RUN("predict", "fashion-resnet20", "a");
    assert_refused(&o, 2, "there is no file 'fashion-resnet20'");
    outcome_close(&o);
    o = RUN("predict", "clothes-noise", "--samples", "test", "--tokens", "2");
    assert_refused(&o, 2, "--tokens: resnet20 predicts classes");
    outcome_close(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(says_what_evaluation_says),
        PROGRAM_TEST(tells_what_is_masked),
        PROGRAM_TEST(goes_on_with_a_text),
        PROGRAM_TEST(built_in_weights_by_their_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
