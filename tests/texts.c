// Models of texts go through freezing, plan, pass, cache, points and training as those of pictures
// do.
#include "texts.h"
#include "base/xalloc.h"
#include "checkpoint/load.h"
#include "checkpoint/safetensors.h"
#include "outcome.h"
#include "session/points.h"
#include "tiny_run.h"
#include "training_copy.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {"bert-tiny", "gpt2",        "gpt-nano",
                                    "gpt2-lm",   "gpt-nano-lm", "bert-tiny-lm"};
enum { NAMES = 6, N = 6 };

// ---- One pass.

struct world {
    struct model *model;
    struct weights weights;
    struct pool *pool;
    float x[N * 2 * TEXTS_ROOM];
    int label[N];
    uint32_t sample[N];
    int target[N * 2 * TEXTS_ROOM];
    struct batch batch;
};

static struct world *world_open(const char *name, int room, float dropout) {
    struct world *w = xcalloc(1, sizeof *w);
    w->model = texts_model(name, room, dropout);
    w->weights = weights_open(w->model);
    weights_init(&w->weights, 1);
    for (size_t i = 0; i < w->model->weight_floats; i++)
        w->weights.data[i] *= 3; // far enough from where all texts look alike
    w->pool = pool_open(2);
    struct masking masking = {.vocabulary = TEXTS_IDS, .marks = {TEXTS_MASK, -1, -1}};
    int scratch[2 * TEXTS_ROOM];
    for (int i = 0; i < N; i++) {
        w->label[i] = i % TEXTS_CLASSES;
        w->sample[i] = (uint32_t)(40 + 3 * i);
        texts_fill((int)w->sample[i], w->label[i], room, w->x + i * room);
        if (model_is_masked(w->model))
            masking_apply(&masking, w->sample[i], 0, room, w->x + i * room, w->target + i * room,
                          scratch);
    }
    w->batch = (struct batch){N, w->x, w->label, w->sample, .target = w->target};
    return w;
}

static void world_close(struct world *w) {
    pool_close(w->pool);
    weights_close(&w->weights);
    model_close(w->model);
    free(w);
}

static struct outcome run(const struct world *w, const struct flags *flags, bool unpruned) {
    struct plan_options options = {
        .purpose = PLAN_TRAIN, .n = w->batch.n, .pool = w->pool, .unpruned = unpruned};
    return outcome_open(plan_make(flags, &options), &w->weights, &w->batch, true);
}

static struct flags flags_of(const struct model *model, const char *rule) {
    struct flags flags = flags_open(model);
    struct error error;
    if (!freeze_apply(&flags, BN_FROZEN, rule, &error))
        fail_msg("%s", error.text);
    return flags;
}

// A mask over the leaf modules, number `mask` of a fixed pseudo-random choice.
static struct flags masked(const struct model *model, int mask) {
    struct flags flags = flags_open(model);
    struct random_key key = random_key(1, RANDOM_PROBE, (uint32_t)mask);
    for (int p = 0; p < model->param_count; p++) {
        int storage = model->params[p].storage;
        flags.thawed[p] = random_below(key, 0, 0, (uint64_t)model->params[storage].module,
                                       1 + (uint32_t)mask % 6) == 0;
    }
    return flags;
}

static void check_mask(const struct world *w, int mask) {
    struct flags flags = masked(w->model, mask);
    struct outcome pruned = run(w, &flags, false), whole = run(w, &flags, true);
    assert_true(pruned.loss == whole.loss);
    for (int p = 0; p < w->model->param_count; p++) {
        assert_int_equal(pruned.gradient[p] != NULL, flags.thawed[p]);
        assert_non_null(whole.gradient[p]);
    }
    outcome_same_gradients(&pruned, &whole);
    outcome_close(&pruned);
    outcome_close(&whole);
    flags_close(&flags);
}

static void pruned_gradients_equal_unpruned_ones(void **state) {
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        struct world *w = world_open(names[i], TEXTS_ROOM, 0.2f);
        for (int mask = 0; mask < 40; mask++)
            check_mask(w, mask);
        world_close(w);
    }
}

// The logits of a text are the same in a larger room and alone.
static void a_text_depends_on_itself_alone(void **state) {
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        struct world *w = world_open(names[i], TEXTS_ROOM, 0);
        struct world *wide = world_open(names[i], 2 * TEXTS_ROOM, 0);
        struct flags flags = flags_of(w->model, "thaw all");
        struct flags wide_flags = flags_of(wide->model, "thaw all");
        struct outcome a = run(w, &flags, false), b = run(wide, &wide_flags, false);
        bool language = model_is_language(w->model), masked = model_is_masked(w->model);
        size_t each = a.logit_bytes / N, wide_each = b.logit_bytes / N;
        assert_true(a.loss == b.loss);
        for (int s = 0; s < N; s++) {
            struct world one = *w;
            int length = 0;
            while (length < TEXTS_ROOM && w->x[s * TEXTS_ROOM + length] >= 0)
                length++;
            int rows = masked ? 0 : length;
            for (int t = 0; masked && t < length; t++)
                rows += w->target[s * TEXTS_ROOM + t] >= 0;
            size_t bytes = language ? (size_t)rows * TEXTS_IDS * sizeof(float) : each;
            assert_memory_equal((char *)a.logits + (size_t)s * each,
                                (char *)b.logits + (size_t)s * wide_each, bytes);
            one.batch = (struct batch){1, w->x + s * TEXTS_ROOM, w->label + s, w->sample + s,
                                       .target = w->target + s * TEXTS_ROOM};
            struct outcome alone = run(&one, &flags, false);
            assert_memory_equal(alone.logits, (char *)a.logits + (size_t)s * each, bytes);
            outcome_close(&alone);
        }
        outcome_same_gradients(&a, &b);
        outcome_close(&a);
        outcome_close(&b);
        flags_close(&flags);
        flags_close(&wide_flags);
        world_close(w);
        world_close(wide);
    }
}

static double loss_at(const struct world *w, const struct flags *flags, int param, size_t index,
                      float delta) {
    float *value = &weights_at(&w->weights, param)[index], old = *value;
    *value = old + delta;
    struct outcome o = run(w, flags, false);
    *value = old;
    outcome_close(&o);
    return o.loss;
}

// A coarse check in float32 of the whole chain; each operation is checked in double.
static void gradients_point_the_right_way(void **state) {
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        struct world *w = world_open(names[i], TEXTS_ROOM, 0.1f);
        struct flags flags = flags_of(w->model, "thaw all");
        struct outcome o = run(w, &flags, false);
        for (int p = 0; p < w->model->param_count; p++) {
            size_t index = w->model->params[p].count / 2;
            double above = loss_at(w, &flags, p, index, 2e-3f);
            double below = loss_at(w, &flags, p, index, -2e-3f);
            double slope = (above - below) / 4e-3, is = (double)o.gradient[p][index];
            if (fabs(slope - is) > 2e-3 + 0.02 * fabs(slope))
                fail_msg("%s, %s: %g, differences say %g", names[i], w->model->params[p].name, is,
                         slope);
        }
        outcome_close(&o);
        flags_close(&flags);
        world_close(w);
    }
}

// A language model counts the tokens that follow another.
static void a_language_model_counts_tokens(void **state) {
    (void)state;
    struct world *w = world_open("gpt2-lm", TEXTS_ROOM, 0);
    struct flags flags = flags_of(w->model, "thaw all");
    struct outcome o = run(w, &flags, false);
    int targets = -N;
    for (int i = 0; i < N * TEXTS_ROOM; i++)
        targets += w->x[i] >= 0;
    assert_int_equal(o.targets, targets);
    assert_in_range(o.correct, 0, targets);
    assert_true(o.loss > 0);
    outcome_close(&o);
    flags_close(&flags);
    world_close(w);
}

// A masked one those that are hidden, and computes logits for no others.
static void a_masked_model_counts_what_is_hidden(void **state) {
    (void)state;
    struct world *w = world_open("bert-tiny-lm", TEXTS_ROOM, 0);
    struct flags flags = flags_of(w->model, "thaw all");
    struct outcome o = run(w, &flags, false);
    int targets = 0;
    for (int i = 0; i < N * TEXTS_ROOM; i++)
        targets += w->target[i] >= 0;
    assert_int_equal(targets, N); // 15 % of up to 9 tokens
    assert_int_equal(o.targets, targets);
    assert_int_equal(w->model->nodes[model_logits(w->model)].shape.h, 2);
    outcome_close(&o);
    flags_close(&flags);
    world_close(w);
}

// ---- Tied weights.

static void tied_weights_are_one(void **state) {
    (void)state;
    struct model *tied = texts_model("gpt2-lm", TEXTS_ROOM, 0);
    struct model *apart = texts_model("gpt-nano-lm", TEXTS_ROOM, 0);
    int table = model_param(tied, "transformer.wte.weight");
    int head = model_param(tied, "lm_head.weight");
    assert_int_equal(tied->params[head].storage, table);
    assert_int_equal(model_trainable_count(apart) - model_trainable_count(tied), TEXTS_IDS * 12);
    static const char *const rules[] = {"thaw head", "thaw transformer.wte", "thaw lm_head.weight"};
    for (int i = 0; i < 3; i++) {
        struct flags flags = flags_of(tied, rules[i]);
        assert_true(flags.thawed[table] && flags.thawed[head]);
        for (int p = 0; p < tied->param_count; p++)
            assert_true(flags.thawed[p] == (p == table || p == head));
        flags_close(&flags);
    }
    struct weights weights = weights_open(tied);
    assert_ptr_equal(weights_at(&weights, table), weights_at(&weights, head));
    weights_close(&weights);
    model_close(tied);
    model_close(apart);
}

// Its gradient is the sum of what both uses ask for: that of two weights of the same values.
static void a_tied_gradient_is_the_sum_of_both(void **state) {
    (void)state;
    struct world *tied = world_open("gpt2-lm", TEXTS_ROOM, 0);
    struct world *apart = world_open("gpt-nano-lm", TEXTS_ROOM, 0);
    for (int p = 0; p < apart->model->param_count; p++)
        memcpy(weights_at(&apart->weights, p), weights_at(&tied->weights, p),
               apart->model->params[p].count * sizeof(float));
    struct flags one = flags_of(tied->model, "thaw all"), two = flags_of(apart->model, "thaw all");
    struct outcome a = run(tied, &one, false), b = run(apart, &two, false);
    int table = model_param(tied->model, "transformer.wte.weight");
    int head = model_param(tied->model, "lm_head.weight");
    assert_true(a.loss == b.loss);
    for (int i = 0; i < TEXTS_IDS * 12; i++)
        assert_float_equal(a.gradient[table][i], b.gradient[table][i] + b.gradient[head][i], 1e-6);
    outcome_close(&a);
    outcome_close(&b);
    flags_close(&one);
    flags_close(&two);
    world_close(tied);
    world_close(apart);
}

// ---- Files.

// Under the names and in the order of Hugging Face, tied weights once.
static void weights_come_back_from_a_file(void **state) {
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        struct world *w = world_open(names[i], TEXTS_ROOM, 0);
        struct error error;
        assert_true(save_weights(&w->weights, "texts.safetensors", NULL, 0, &error));
        struct weights back = weights_open(w->model);
        struct weight_file file;
        struct load_report report;
        assert_true(weight_file_open(&file, "texts.safetensors", &error));
        assert_true(load_weights(&back, &file, &(struct load_options){0}, &report, &error));
        assert_memory_equal(back.data, w->weights.data, w->model->weight_floats * sizeof(float));
        assert_int_equal(report.unexpected_count + report.missing_count, 0);
        int stored = 0;
        for (int p = 0; p < w->model->param_count; p++)
            stored += w->model->params[p].storage == p;
        assert_int_equal(file.count, stored);
        load_report_close(&report);
        weight_file_close(&file);
        weights_close(&back);
        world_close(w);
        unlink("texts.safetensors");
    }
}

// A file of one use of an architecture serves another one: what that adds starts anew, what it has
// no use for is passed over.
static void a_file_of_another_use_fits(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *body;
        int anew;
    } uses[] = {
        {"bert-tiny-lm", "bert-tiny", "bert.encoder.layer.1.output.dense.weight", 4},
        {"bert-tiny", "bert-tiny-lm", "bert.encoder.layer.1.output.dense.weight", 5},
        {"gpt2-lm", "gpt2", "transformer.h.1.mlp.c_fc.weight", 1},
        {"gpt-nano", "gpt-nano-lm", "transformer.h.1.mlp.c_fc.weight", 1},
    };
    for (int i = 0; i < 4; i++) {
        struct world *from = world_open(uses[i].from, TEXTS_ROOM, 0);
        struct model *model = texts_model(uses[i].to, TEXTS_ROOM, 0);
        struct weights weights = weights_open(model);
        struct error error;
        struct weight_file file;
        struct load_report report;
        assert_true(save_weights(&from->weights, "texts.safetensors", NULL, 0, &error));
        assert_true(weight_file_open(&file, "texts.safetensors", &error));
        if (!load_weights(&weights, &file, &(struct load_options){0}, &report, &error))
            fail_msg("%s to %s: %s", uses[i].from, uses[i].to, error.text);
        assert_int_equal(report.replaced_count, uses[i].anew);
        assert_int_equal(report.missing_count + report.unexpected_count, 0);
        int a = model_param(from->model, uses[i].body), b = model_param(model, uses[i].body);
        assert_memory_equal(weights_at(&from->weights, a), weights_at(&weights, b),
                            model->params[b].count * sizeof(float));
        load_report_close(&report);
        weight_file_close(&file);
        weights_close(&weights);
        model_close(model);
        world_close(from);
        unlink("texts.safetensors");
    }
}

// GPT-2's linear layers stand in files as [in][out].
static void conv1d_is_transposed_in_files(void **state) {
    (void)state;
    struct model *gpt2 = texts_model("gpt2", TEXTS_ROOM, 0);
    struct model *nano = texts_model("gpt-nano", TEXTS_ROOM, 0);
    int p = model_param(gpt2, "transformer.h.1.mlp.c_fc.weight");
    assert_true(dims_equal(gpt2->params[p].dims, (struct dims){2, {12, 20}}));
    assert_int_equal(gpt2->params[p].layout, LAYOUT_TRANSPOSED);
    assert_true(dims_equal(nano->params[p].dims, (struct dims){2, {20, 12}}));
    assert_string_equal(gpt2->modules[gpt2->params[p].module].kind, "Conv1D");
    assert_int_equal(gpt2->params[model_param(gpt2, "transformer.h.0.attn.c_proj.weight")].fan, 4);
    model_close(gpt2);
    model_close(nano);
}

// Masks and numbered positions in a file are no parameters.
static void buffers_in_files_are_passed_over(void **state) {
    (void)state;
    struct world *w = world_open("gpt2", TEXTS_ROOM, 0);
    int params = w->model->param_count;
    float mask[4] = {1, 0, 1, 1};
    struct tensor_out *out = xcalloc((size_t)params + 2, sizeof *out);
    float **value = xcalloc((size_t)params, sizeof *value);
    for (int p = 0; p < params; p++) {
        value[p] = xcalloc(w->model->params[p].count, sizeof(float));
        out[p] = (struct tensor_out){w->model->params[p].name, DTYPE_F32, w->model->params[p].dims,
                                     value[p]};
    }
    struct dims dims = {4, {1, 1, 2, 2}};
    out[params] = (struct tensor_out){"transformer.h.0.attn.bias", DTYPE_F32, dims, mask};
    out[params + 1] = (struct tensor_out){"transformer.h.9.other", DTYPE_F32, dims, mask};
    for (int more = 1; more <= 2; more++) {
        struct error error = {0};
        struct weight_file file;
        assert_true(safetensors_write("texts.safetensors", out, params + more, NULL, 0, &error));
        assert_true(weight_file_open(&file, "texts.safetensors", &error));
        bool good = load_weights(&w->weights, &file, &(struct load_options){0}, NULL, &error);
        assert_int_equal(good, more == 1);
        if (more == 2)
            assert_non_null(strstr(error.text, "transformer.h.9.other"));
        weight_file_close(&file);
    }
    for (int p = 0; p < params; p++)
        free(value[p]);
    free(value);
    free(out);
    unlink("texts.safetensors");
    world_close(w);
}

// ---- Training.

struct twin {
    struct experiment experiment;
    struct model *model;
    struct pool *pool;
    struct training *training;
};

static void twin_open(struct twin *t, const char *name, int threads, const char *cache) {
    const char *sets[] = {
        "data.augment=[]", "train.epochs=40", "optim.clip=1", "optim.name=adamw", cache, NULL};
    struct error error;
    tiny_experiment(&t->experiment, sets);
    t->model = texts_model(name, TEXTS_ROOM, 0.1f);
    t->pool = pool_open(threads);
    struct weights weights = weights_open(t->model);
    weights_init(&weights, 3);
    struct training_data data = {texts_data(t->model, 44), texts_data(t->model, 13), NULL};
    t->training = training_open(&t->experiment, t->model, weights, data, t->pool, &error);
    if (!t->training)
        fail_msg("%s", error.text);
}

static void twin_close(struct twin *t) {
    training_close(t->training);
    pool_close(t->pool);
    model_close(t->model);
    experiment_close(&t->experiment);
}

static void go(struct twin *t, const char *text, int steps, struct step_result *last) {
    struct error error;
    if (!training_apply(t->training, text, &error))
        fail_msg("%s: %s", text, error.text);
    for (int i = 0; i < steps; i++)
        if (!training_step(t->training, last, &error))
            fail_msg("%s: %s", text, error.text);
    assert_true(training_verify(t->training, &error));
}

static const char *const masks[] = {"only head", "only last-1-blocks", "only *.1.attn*",
                                    "only norm", "only all"};

// With the cache and two threads, and without and one: the same bits after every mask; evaluation
// as well. What is frozen keeps its bytes.
static void cache_and_threads_give_the_same_bits(void **state) {
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        struct twin with, without;
        twin_open(&with, names[i], 2, "train.cache=16");
        twin_open(&without, names[i], 1, "train.cache=0");
        for (int k = 0; k < 5; k++) {
            const bool bert = strncmp(names[i], "bert", 4) == 0;
            const char *mask = bert && k == 2 ? "only *.1.attention.self*" : masks[k];
            struct step_result a, b;
            struct tally tally[2];
            struct error error;
            go(&with, mask, 14, &a);
            go(&without, mask, 14, &b);
            assert_memory_equal(&a, &b, sizeof a);
            assert_true(training_evaluate(with.training, with.training->data.validation, &tally[0],
                                          NULL, &error));
            assert_true(training_evaluate(without.training, without.training->data.validation,
                                          &tally[1], NULL, &error));
            assert_memory_equal(&tally[0], &tally[1], sizeof tally[0]);
            assert_memory_equal(with.training->weights.data, without.training->weights.data,
                                with.model->weight_floats * sizeof(float));
            const struct cache_view view = cache_look(&with.training->cache);
            if (model_is_masked(with.model)) // other tokens are hidden in every epoch
                assert_true(view.state == CACHE_VARY || view.state == CACHE_NO_PREFIX);
            else if (k < 2 && strcmp(names[i], "gpt2-lm") != 0) // there the head is tied
                assert_int_equal(view.state, CACHE_KEPT);
            if (view.state == CACHE_KEPT)
                assert_int_equal(view.known, 44);
        }
        twin_close(&with);
        twin_close(&without);
    }
}

static void training_learns(void **state) {
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        struct twin t;
        struct tally before, after;
        struct step_result last;
        struct error error;
        twin_open(&t, names[i], 2, "train.cache=16");
        assert_true(training_evaluate(t.training, t.training->data.train, &before, NULL, &error));
        go(&t, "only all; lr 0.005", 150, &last);
        assert_true(training_evaluate(t.training, t.training->data.train, &after, NULL, &error));
        double least = model_is_language(t.model) ? 0.9 : 0.6; // most tokens are random
        if (!(tally_loss(&after) < least * tally_loss(&before)))
            fail_msg("%s: %g, at first %g", names[i], tally_loss(&after), tally_loss(&before));
        twin_close(&t);
    }
}

// Back to a point, and on again: the same weights.
static void points_bring_texts_back(void **state) {
    (void)state;
    struct twin t;
    struct step_result last;
    twin_open(&t, "gpt2", 2, "train.cache=16");
    go(&t, "only last-1-blocks", 9, &last);
    struct points points;
    points_open(&points, 1 << 24);
    struct point_view view = {.step = t.training->step};
    points_keep(&points, t.training, &view, 0);
    go(&t, "lr x1", 9, &last);
    struct training_copy then = training_copy(t.training);
    struct error error;
    assert_true(points_restore(&points.items[0], t.training, &error));
    go(&t, "lr x1", 9, &last);
    assert_memory_equal(t.training->weights.data, then.weights,
                        t.model->weight_floats * sizeof(float));
    training_copy_close(&then);
    points_close(&points);
    twin_close(&t);
}

// What a language model has no use for, and what it needs.
static void language_models_refuse_what_is_about_classes(void **state) {
    (void)state;
    static const struct {
        const char *name, *set, *text;
        bool mask;
    } refused[] = {
        {"gpt2-lm", "train.class_weights=[balanced]", "train.class_weights", true},
        {"bert-tiny-lm", "train.best=auroc", "train.best", true},
        {"bert-tiny-lm", "train.best=loss", "no [MASK]", false},
    };
    for (int i = 0; i < 3; i++) {
        struct experiment experiment;
        struct error error;
        const char *sets[] = {refused[i].set, "data.augment=[]", NULL};
        tiny_experiment(&experiment, sets);
        struct model *model = texts_model(refused[i].name, TEXTS_ROOM, 0);
        struct pool *pool = pool_open(1);
        struct training_data data = {texts_data(model, 9), NULL, NULL};
        data.train->marks.mask = refused[i].mask ? TEXTS_MASK : -1;
        assert_null(training_open(&experiment, model, weights_open(model), data, pool, &error));
        assert_non_null(strstr(error.text, refused[i].text));
        pool_close(pool);
        model_close(model);
        experiment_close(&experiment);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pruned_gradients_equal_unpruned_ones),
        cmocka_unit_test(a_text_depends_on_itself_alone),
        cmocka_unit_test(gradients_point_the_right_way),
        cmocka_unit_test(a_language_model_counts_tokens),
        cmocka_unit_test(a_masked_model_counts_what_is_hidden),
        cmocka_unit_test(tied_weights_are_one),
        cmocka_unit_test(a_tied_gradient_is_the_sum_of_both),
        cmocka_unit_test(weights_come_back_from_a_file),
        cmocka_unit_test(a_file_of_another_use_fits),
        cmocka_unit_test(conv1d_is_transposed_in_files),
        cmocka_unit_test(buffers_in_files_are_passed_over),
        cmocka_unit_test(cache_and_threads_give_the_same_bits),
        cmocka_unit_test(training_learns),
        cmocka_unit_test(points_bring_texts_back),
        cmocka_unit_test(language_models_refuse_what_is_about_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
