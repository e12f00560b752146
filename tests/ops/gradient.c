// Gradients that know their rows: what is read of them, and that passes write them.
#include "ops/gradient.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "gradient_copy.h"
#include "texts.h"
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 48, ROWS = 61, COUNT = ROWS * WIDTH };

// A gradient of rows, and all its elements.
struct sparse {
    int row[ROWS];
    float value[COUNT], all[COUNT];
    struct gradient g;
};

// About one row in `one_in`; 0: none.
static void sparse_fill(struct sparse *s, uint32_t salt, uint32_t one_in) {
    const struct random_key key = random_key(5, RANDOM_PROBE, salt);
    *s = (struct sparse){.g = {.value = s->value, .row = s->row, .width = WIDTH}};
    for (int r = 0; r < ROWS; r++) {
        if (one_in == 0 || random_below(key, 0, 0, (uint64_t)r, one_in) != 0)
            continue;
        float *to = s->all + (size_t)r * WIDTH;
        for (size_t i = 0; i < WIDTH; i++)
            to[i] = random_normal(key, 1, 0, (uint64_t)r * WIDTH + i);
        memcpy(s->value + (size_t)s->g.rows * WIDTH, to, WIDTH * sizeof *to);
        s->row[s->g.rows++] = r;
    }
}

static void check_range(const struct sparse *s, size_t first, size_t count) {
    float scratch[COUNT];
    memset(scratch, 0xff, sizeof scratch);
    const float *all = gradient_all(&s->g, first, count, scratch);
    assert_memory_equal(all, s->all + first, count * sizeof *all);
    if (first % GRADIENT_VECTOR == 0)
        assert_true(gradient_square(&s->g, first, count) ==
                    kernels()->square_sum(count, s->all + first));
}

static void all_elements_and_their_squares_are_those_of_the_rows(void **state) {
    (void)state;
    static struct sparse s;
    for (uint32_t one_in = 0; one_in < 6; one_in++) {
        sparse_fill(&s, one_in, one_in);
        check_range(&s, 0, COUNT);
        const struct random_key key = random_key(6, RANDOM_PROBE, one_in);
        for (uint32_t i = 0; i < 500; i++) {
            size_t first = random_below(key, i, 0, 0, COUNT), count;
            first = i % 3 ? first / GRADIENT_VECTOR * GRADIENT_VECTOR : first;
            count = 1 + random_below(key, i, 1, 0, (uint32_t)(COUNT - first));
            check_range(&s, first, count);
        }
    }
}

// One that is not of rows is there as a whole, and nothing of it is copied.
static void a_dense_one_is_one_part(void **state) {
    (void)state;
    static struct sparse s;
    struct gradient_part part;
    sparse_fill(&s, 1, 1);
    const struct gradient g = {.value = s.all};
    assert_true(gradient_next(&g, 5, COUNT, &part));
    assert_true(part.first == 5 && part.count == COUNT - 5 && part.value == s.all + 5);
    assert_false(gradient_next(&g, COUNT, COUNT, &part));
    assert_ptr_equal(gradient_all(&g, 7, 3, NULL), s.all + 7);
    assert_true(gradient_square(&g, 16, 99) == kernels()->square_sum(99, s.all + 16));
}

// ---- Passes.

enum { IDS = 200, N = 6, WIDE = 2 + IDS / TEXTS_ROOM }; // of WIDE texts any row may have a gradient

struct world {
    struct model *model;
    struct weights weights;
    struct flags flags;
    struct pool *pool;
    int table;
};

static void world_open(struct world *w, const char *name, const char *table, int channels) {
    struct error error;
    w->model = texts_model_of(name, TEXTS_ROOM, 0.1f, IDS, channels);
    w->weights = weights_open(w->model);
    weights_init(&w->weights, 1);
    w->flags = flags_open(w->model);
    assert_true(freeze_apply(&w->flags, BN_FROZEN, "thaw all", &error));
    w->pool = pool_open(2);
    w->table = model_param(w->model, table);
    assert_true(w->table >= 0);
}

static void world_close(struct world *w) {
    pool_close(w->pool);
    flags_close(&w->flags);
    weights_close(&w->weights);
    model_close(w->model);
}

static struct plan *world_plan(const struct world *w, int n) {
    struct plan_options options = {.purpose = PLAN_TRAIN, .n = n, .pool = w->pool};
    return plan_make(&w->flags, &options);
}

// Texts of random ids; in the even numbered ones only even ids, in the odd ones odd ids.
struct texts {
    float x[N * TEXTS_ROOM];
    int label[N], target[N * TEXTS_ROOM];
    uint32_t sample[N];
    struct batch batch;
    bool occurs[IDS];
};

static void texts_make(struct texts *t, uint32_t number) {
    const struct random_key key = random_key(7, RANDOM_PROBE, number);
    *t = (struct texts){.batch = {N, t->x, t->label, t->sample, .target = t->target}};
    for (int s = 0; s < N; s++) {
        t->label[s] = s % TEXTS_CLASSES;
        for (int i = 0; i < TEXTS_ROOM; i++) {
            const int at = s * TEXTS_ROOM + i;
            const uint32_t pair = random_below(key, 0, 0, (uint64_t)at, IDS / 2);
            const int id = (int)(2 * pair + number % 2), length = TEXTS_ROOM - s;
            t->x[at] = i < length ? (float)id : -1;
            t->target[at] = i == 1 ? id : -1; // of masked models
            if (i < length)
                t->occurs[id] = true;
        }
    }
}

static void backward(struct pass *pass, const struct texts *texts, uint32_t step) {
    pass_forward(pass, &texts->batch, step);
    pass_backward(pass);
}

// The gradients of all parameters, as a pass of `plan` alone makes them in an arena of no meaning.
static void check_same(const struct world *w, struct plan *plan, const struct pass *pass,
                       const struct texts *texts, uint32_t step) {
    struct pass alone = {.weights = pass->weights, .seed = pass->seed};
    struct error error;
    assert_true(pass_use(&alone, plan, &error));
    memset(alone.arena.base, 0xff, plan->floats * sizeof(float));
    backward(&alone, texts, step);
    for (int p = 0; p < w->model->param_count; p++) {
        float *a = gradient_copy(pass, p), *b = gradient_copy(&alone, p);
        assert_true(a && b);
        assert_memory_equal(a, b, w->model->params[p].count * sizeof *a);
        free(a);
        free(b);
    }
    pass_close(&alone);
}

// Rows whose tokens do not occur are zero, and some others are not: the last token of a language
// model predicts nothing.
static void check_occurring(const struct world *w, const struct pass *pass, const bool *occurs) {
    float *all = gradient_copy(pass, w->table);
    const size_t width = w->model->params[w->table].count / IDS;
    int reached = 0;
    for (size_t r = 0; r < IDS; r++) {
        bool zero = true;
        for (size_t i = 0; i < width; i++)
            zero = zero && all[r * width + i] == 0;
        assert_true(zero || occurs[r]);
        reached += !zero;
    }
    assert_true(reached > N);
    free(all);
}

static const struct {
    const char *name, *table;
    int channels;
    bool rows, head; // of the head comes a gradient of every row
} kinds[] = {
    {"bert-tiny", "bert.embeddings.word_embeddings.weight", 48, true, false},
    {"gpt2", "transformer.wte.weight", 48, true, false},
    {"gpt-nano-lm", "transformer.wte.weight", 48, true, false},
    {"bert-tiny", "bert.embeddings.word_embeddings.weight", 12, false, false}, // no whole vectors
    {"gpt2-lm", "transformer.wte.weight", 48, false, true},
    {"bert-tiny-lm", "bert.embeddings.word_embeddings.weight", 48, false, true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

// Step by step other tokens occur, in an arena that activations share, and of which plans are made
// anew: each gradient is that of a pass alone, and of a plan for so many texts that the gradient is
// not of rows.
static void nothing_is_left_of_rows_that_occurred_before(void **state) {
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        struct world w;
        world_open(&w, kinds[k].name, kinds[k].table, kinds[k].channels);
        struct plan *plans[] = {world_plan(&w, N), world_plan(&w, N + 1)};
        struct plan *wide = world_plan(&w, WIDE);
        struct pass pass = {.weights = &w.weights, .seed = 3};
        struct error error;
        for (uint32_t step = 0; step < 6; step++) {
            struct texts texts;
            texts_make(&texts, step);
            if (step % 2 == 0)
                assert_true(pass_use(&pass, plans[step / 2 % 2], &error));
            backward(&pass, &texts, step);
            assert_int_equal(pass_gradient(&pass, w.table).row != NULL, kinds[k].rows);
            check_same(&w, plans[0], &pass, &texts, step);
            check_same(&w, wide, &pass, &texts, step);
            if (!kinds[k].head)
                check_occurring(&w, &pass, texts.occurs);
        }
        pass_close(&pass);
        for (int i = 0; i < 2; i++)
            plan_close(plans[i]);
        assert_int_equal(wide->param_rows[w.table], 0);
        plan_close(wide);
        world_close(&w);
    }
}

// The arena has room for the rows that can occur, not for the table.
static void a_plan_has_room_for_the_rows(void **state) {
    (void)state;
    struct world w;
    world_open(&w, kinds[0].name, kinds[0].table, kinds[0].channels);
    struct plan *plan = world_plan(&w, N);
    assert_int_equal(plan->param_rows[w.table], N * TEXTS_ROOM);
    assert_int_equal(plan_param_row(plan, w.table) - plan->param_grad[w.table],
                     N * TEXTS_ROOM * 48);
    for (int p = 0; p < w.model->param_count; p++)
        assert_true(p == w.table || plan->param_rows[p] == 0);
    plan_close(plan);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_elements_and_their_squares_are_those_of_the_rows),
        cmocka_unit_test(a_dense_one_is_one_part),
        cmocka_unit_test(nothing_is_left_of_rows_that_occurred_before),
        cmocka_unit_test(a_plan_has_room_for_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
