// Points, against whole copies of the training.
#include "session/points.h"
#include "base/xalloc.h"
#include "test.h"
#include "tiny_run.h"
#include "training_copy.h"
#include "training_steps.h"
#include <stdlib.h>
#include <string.h>

static const char *const adam[] = {"freeze.rules=[thaw head]", "optim.name=adam", "freeze.bn=batch",
                                   "train.epochs=8", NULL};

static void keep(struct points *p, const struct training *t, int branch, bool kept) {
    struct point_view view = {.step = t->step, .branch = branch, .kept = kept};
    points_keep(p, t, &view, 100 + t->step);
}

static bool has(const struct points *p, int64_t step, int branch) {
    for (int i = 0; i < p->count; i++)
        if (p->items[i].view.step == step && p->items[i].view.branch == branch)
            return true;
    return false;
}

static void restore(const struct points *p, int index, struct training *t) {
    struct error error;
    if (!points_restore(&p->items[index], t, &error))
        fail_msg("%s", error.text);
}

// The bytes of the tensors of `now` that `before` (NULL: nothing) does not have.
static size_t new_bytes(const struct training_copy *before, const struct training_copy *now) {
    size_t sum = 0;
    for (int p = 0; p < now->model->param_count; p++) {
        const struct param *param = &now->model->params[p];
        size_t bytes = param_bytes(param), moment = param->count * sizeof(float);
        if (!before || memcmp(before->weights + param->at, now->weights + param->at, bytes) != 0)
            sum += bytes;
        for (int k = 0; k < 2; k++) {
            const float *is = now->moment[2 * p + k],
                        *was = before ? before->moment[2 * p + k] : NULL;
            if (is && (!was || memcmp(is, was, moment) != 0))
                sum += moment;
        }
    }
    return sum;
}

static void bytes_grow_by_what_changed(void **state) {
    (void)state;
    static const char *const acts[] = {NULL, "thaw block.conv2", NULL, "freeze block", "wd 0.1"};
    struct tiny t;
    struct points p;
    tiny_open(&t, 2, adam);
    points_open(&p, SIZE_MAX);
    struct training_copy before = training_copy(t.training), now;
    keep(&p, t.training, 0, true);
    assert_int_equal(p.bytes, new_bytes(NULL, &before));
    for (int i = 0; i < 5; i++) {
        size_t bytes = p.bytes;
        keep(&p, t.training, 0, false); // nothing changed
        assert_int_equal(p.bytes, bytes);
        if (acts[i])
            apply(t.training, acts[i]);
        run_steps(t.training, 2);
        now = training_copy(t.training);
        keep(&p, t.training, 0, false);
        assert_true(new_bytes(&before, &now) > 0);
        assert_int_equal(p.bytes, bytes + new_bytes(&before, &now));
        training_copy_close(&before);
        before = now;
    }
    training_copy_close(&before);
    points_close(&p);
    assert_true(p.bytes == 0 && p.count == 0);
    tiny_close(&t);
}

// The bytes of the different blobs that the points hold.
static size_t held_bytes(const struct points *p, const struct model *model) {
    size_t sum = 0, blobs = 0, room = (size_t)p->count * 3 * (size_t)model->param_count;
    struct blob **seen = xcalloc(room + 1, sizeof *seen);
    for (int i = 0; i < p->count; i++)
        for (int k = 0; k < 3 * model->param_count; k++) {
            struct blob *b = p->items[i].blobs[k];
            size_t at = 0;
            const struct param *param = &model->params[k / 3];
            while (b && at < blobs && seen[at] != b)
                at++;
            if (!b || at < blobs)
                continue;
            seen[blobs++] = b;
            sum += k % 3 == 0 ? param_bytes(param) : param->count * sizeof(float);
        }
    free(seen);
    return sum;
}

static void check_thinned(const struct points *p, const struct training *t, int kept) {
    assert_int_equal(p->bytes, held_bytes(p, t->model));
    int stay = 0;
    for (int i = 0; i < p->count; i++)
        stay += p->items[i].view.kept;
    assert_int_equal(stay, kept);
    const struct point_view *newest = &p->items[p->count - 1].view;
    assert_int_equal(p->items[0].view.step, 0);
    assert_int_equal(newest->step, t->step);
    assert_true(p->bytes <= p->budget || p->count == kept + !newest->kept);
}

// What a step changes: the head's weight and bias, with both moments.
enum { STEP_BYTES = 3 * (8 * RESIDUAL_CLASSES + RESIDUAL_CLASSES) * 4 };

static void points_grow_sparser_with_age(void **state) {
    (void)state;
    struct tiny t;
    struct points p;
    tiny_open(&t, 1, adam);
    points_open(&p, 0);
    keep(&p, t.training, 0, true);
    p.budget = p.bytes + 16 * STEP_BYTES;
    int kept = 1;
    for (int i = 0; i < 60; i++) {
        run_steps(t.training, 1);
        keep(&p, t.training, 0, i == 20 || i == 40);
        kept += i == 20 || i == 40;
        check_thinned(&p, t.training, kept);
    }
    assert_true(has(&p, 21, 0) && has(&p, 41, 0));
    assert_in_range(p.count, 12, 60);
    int passing = 0, young = 0; // of the first half, and of the last quarter
    for (int i = 0; i < p.count; i++) {
        passing += p.items[i].view.step <= 30 && !p.items[i].view.kept;
        young += p.items[i].view.step > 45;
    }
    assert_in_range(passing, 2, 5); // some old ones stay
    assert_in_range(young, 8, 13);  // of fifteen
    points_close(&p);
    tiny_close(&t);
}

// Without a budget the kept points and the newest one are all there is.
static void no_budget_leaves_what_must_stay(void **state) {
    (void)state;
    struct tiny t;
    struct points p;
    tiny_open(&t, 1, adam);
    points_open(&p, 0);
    for (int i = 0; i < 12; i++) {
        keep(&p, t.training, 0, i % 5 == 0); // at steps 0, 5, 10
        check_thinned(&p, t.training, 1 + i / 5);
        run_steps(t.training, 1);
    }
    static const int64_t steps[] = {0, 5, 10, 11};
    assert_int_equal(p.count, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(p.items[i].view.step, steps[i]);
    points_close(&p);
    tiny_close(&t);
}

// A branch begins again at an early step: its points are the young ones, whatever their steps.
static void branches_are_thinned_together(void **state) {
    (void)state;
    struct tiny t;
    struct points p;
    tiny_open(&t, 1, adam);
    points_open(&p, 0);
    keep(&p, t.training, 0, true);
    p.budget = p.bytes + 16 * STEP_BYTES;
    for (int branch = 0; branch < 4; branch++) {
        for (int i = 0; i < 20; i++) {
            run_steps(t.training, 1);
            keep(&p, t.training, branch, false);
            check_thinned(&p, t.training, 1);
        }
        restore(&p, 0, t.training);
    }
    assert_true(has(&p, 0, 0) && has(&p, 20, 3));
    assert_in_range(p.count, 8, 80);
    points_close(&p);
    tiny_close(&t);
}

// What happens between the points, each of them kept after its steps.
static const struct {
    const char *text;
    int steps;
} acts[] = {
    {"thaw block.conv1", 3}, {"lr block x0.25; wd 0.01", 2}, {"undo", 4},
    {"freeze block", 1},     {"epochs 5; bn torch", 6},      {"undo", 1},
};
enum { ACTS = 6 };

// Any point, from any other one: the same bytes, and the same again after more steps from there.
static void check_restore(const char *const *sets) {
    struct tiny t;
    struct points p;
    struct training_copy at[ACTS], after[ACTS];
    tiny_open(&t, 2, sets);
    points_open(&p, SIZE_MAX);
    for (int i = 0; i < ACTS; i++) {
        apply(t.training, acts[i].text);
        run_steps(t.training, acts[i].steps);
        keep(&p, t.training, 0, false);
        at[i] = training_copy(t.training);
        run_steps(t.training, 3);
        after[i] = training_copy(t.training);
        restore(&p, i, t.training);
        training_copy_equal(&at[i], t.training);
    }
    for (int i = 0; i < 3 * ACTS; i++) {
        int to = i * 5 % ACTS;
        restore(&p, to, t.training);
        training_copy_equal(&at[to], t.training);
        run_steps(t.training, 3);
        training_copy_equal(&after[to], t.training);
    }
    for (int i = 0; i < ACTS; i++) {
        training_copy_close(&at[i]);
        training_copy_close(&after[i]);
    }
    points_close(&p);
    tiny_close(&t);
}

static void restoring_gives_every_byte_back(void **state) {
    (void)state;
    static const char *const variants[][6] = {
        {"optim.name=adam", "freeze.rules=[thaw head]", "freeze.bn=batch", "train.epochs=8", NULL},
        {"optim.name=adamw", "optim.on_thaw=keep", "freeze.rules=[thaw head]", "freeze.bn=batch",
         "train.epochs=8", NULL},
        {"optim.name=sgd", "freeze.rules=[thaw head]", "train.epochs=8", NULL},
    };
    for (int i = 0; i < 3; i++)
        check_restore(variants[i]);
}

static void what_was_undone_can_be_redone_after_restoring(void **state) {
    (void)state;
    struct tiny t;
    struct points p;
    struct error error;
    tiny_open(&t, 1, adam);
    points_open(&p, SIZE_MAX);
    apply(t.training, "lr x0.5");
    apply(t.training, "undo");
    keep(&p, t.training, 0, true);
    apply(t.training, "lr x0.1");
    restore(&p, 0, t.training);
    assert_true(training_settings(t.training)->lr_factor == 1);
    apply(t.training, "redo");
    assert_true(training_settings(t.training)->lr_factor == 0.5);
    apply(t.training, "undo");
    assert_false(training_apply(t.training, "undo", &error));
    points_close(&p);
    tiny_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_grow_by_what_changed),
        cmocka_unit_test(points_grow_sparser_with_age),
        cmocka_unit_test(no_budget_leaves_what_must_stay),
        cmocka_unit_test(branches_are_thinned_together),
        cmocka_unit_test(restoring_gives_every_byte_back),
        cmocka_unit_test(what_was_undone_can_be_redone_after_restoring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
