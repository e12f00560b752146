#include "strategy/suggest.h"
#include "base/xalloc.h"
#include "no_trace.h"
#include <math.h>

static const struct suggest_options usual = {.batches = 5, .head_epochs = -1, .timed = true};

static struct suggestion suggest_or_fail(struct tiny *t, const struct suggest_options *o) {
    struct suggestion s;
    struct error error;
    if (!suggest(t->training, o, &s, &error))
        fail_msg("%s", error.text);
    return s;
}

static void probe(struct tiny *t) {
    struct suggestion s = suggest_or_fail(t, &usual);
    suggestion_close(&s);
}

static void nothing_is_left_of_a_probe(void **state) {
    (void)state;
    check_no_trace("frozen", "sgd", 0, probe);
    check_no_trace("batch", "sgd", 9, probe);
    check_no_trace("torch", "adam", 3, probe);
}

// The gradients of some batches, taken one by one through the doors of the pass.
static double *gradients_of(struct tiny *t, int batches) {
    struct training *training = t->training;
    size_t floats = t->model->weight_floats;
    double *all = xcalloc((size_t)batches * floats, sizeof *all);
    struct plan_options options = {.n = 8, .pool = t->pool, .unpruned = true};
    struct plan *plan = plan_make(&training_settings(training)->flags, &options);
    struct error error;
    assert_true(pass_use(&training->pass, plan, &error));
    for (int b = 0; b < batches; b++) {
        pass_forward(&training->pass, loader_batch(training->loader, b), (uint32_t)b);
        pass_backward(&training->pass);
        for (int p = 0; p < t->model->param_count; p++) {
            const float *g = pass_gradient(&training->pass, p).value;
            for (size_t i = 0; g && i < t->model->params[p].count; i++)
                all[(size_t)b * floats + t->model->params[p].at + i] = g[i];
        }
    }
    assert_true(pass_use(&training->pass, training->plan, &error));
    plan_close(plan);
    return all;
}

static bool is_of(const struct tiny *t, const struct part *part, int p) {
    const struct param *param = &t->model->params[p];
    return param->module >= part->first && param->module < part->end && !freeze_is_statistic(param);
}

// Every element of one part in a batch's gradient, and in the weights.
static double dot(const struct tiny *t, const struct part *part, const double *a, const double *b) {
    double sum = 0;
    for (int p = 0; p < t->model->param_count; p++)
        for (size_t i = 0; is_of(t, part, p) && i < t->model->params[p].count; i++)
            sum += a[t->model->params[p].at + i] * b[t->model->params[p].at + i];
    return sum;
}

static double signal(const struct tiny *t, const struct part *part, const double *g, int batches) {
    double sum = 0, count = 0;
    for (int p = 0; p < t->model->param_count; p++)
        for (size_t i = 0; is_of(t, part, p) && i < t->model->params[p].count; i++) {
            double mean = 0, variance = 0;
            const double *at = g + t->model->params[p].at + i;
            for (int b = 0; b < batches; b++)
                mean += at[(size_t)b * t->model->weight_floats] / batches;
            for (int b = 0; b < batches; b++)
                variance += pow(at[(size_t)b * t->model->weight_floats] - mean, 2) / (batches - 1);
            sum += variance > 0 ? mean * mean / variance : 0;
            count += variance > 0;
        }
    return sum / count;
}

static void numbers_are_what_the_gradients_say(void **state) {
    (void)state;
    enum { BATCHES = 4 };
    const char *const sets[] = {"model.dropout=0", NULL};
    struct tiny t;
    tiny_open(&t, 1, sets);
    size_t floats = t.model->weight_floats;
    double *g = gradients_of(&t, BATCHES), *w = xcalloc(floats, sizeof *w);
    for (size_t i = 0; i < floats; i++)
        w[i] = t.training->weights.data[i];
    struct suggestion s =
        suggest_or_fail(&t, &(struct suggest_options){.batches = BATCHES, .head_epochs = 0});
    assert_int_equal(s.parts.count, 3);
    for (int part = 0; part < s.parts.count; part++) {
        const struct part *a = &s.parts.items[part];
        const struct suggest_row *row = &s.rows[part];
        double norm = 0, square = 0, pairs = 0;
        for (int b = 0; b < BATCHES; b++) {
            const double *of = g + (size_t)b * floats;
            norm += sqrt(dot(&t, a, of, of)) / BATCHES;
            square += dot(&t, a, of, of) / BATCHES;
            for (int c = 0; c < b; c++)
                pairs += dot(&t, a, of, g + (size_t)c * floats) / (BATCHES * (BATCHES - 1) / 2);
        }
        assert_true(fabs(row->gradient - norm) < 1e-6 * norm);
        assert_true(fabs(row->relative - norm / sqrt(dot(&t, a, w, w))) < 1e-6 * row->relative);
        assert_true(fabs(row->alignment - pairs / square) < 1e-5);
        assert_true(fabs(row->snr - signal(&t, a, g, BATCHES)) < 1e-3 * row->snr);
    }
    suggestion_close(&s);
    free(g);
    free(w);
    tiny_close(&t);
}

static void a_new_head_is_trained_first(void **state) {
    (void)state;
    const char *const sets[] = {"model.weights=some", NULL};
    struct tiny t;
    tiny_open(&t, 2, sets);
    struct suggest_options untrained = usual;
    untrained.head_epochs = 0;
    struct suggestion raw = suggest_or_fail(&t, &untrained), s = suggest_or_fail(&t, &usual);
    assert_true(raw.new_head && raw.head_epochs == 0);
    assert_true(s.new_head && s.head_epochs == 25); // 8 steps an epoch
    assert_true(s.loss < raw.loss);
    suggestion_close(&raw);
    suggestion_close(&s);
    run_steps(t.training, 1);
    s = suggest_or_fail(&t, &usual);
    assert_true(!s.new_head && s.head_epochs == 0);
    suggestion_close(&s);
    tiny_close(&t);
}

static void without_anything_pretrained_everything_is_suggested(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 1, NULL);
    struct suggestion s = suggest_or_fail(&t, &usual);
    assert_true(s.new_head && s.untrained && s.head_epochs == 0);
    for (int i = 0; i < s.parts.count; i++)
        assert_true(s.rows[i].chosen);
    suggestion_close(&s);
    tiny_close(&t);
}

static void costs_are_those_of_the_plans(void **state) {
    (void)state;
    const char *const sets[] = {"data.augment=[]", NULL};
    struct tiny t;
    tiny_open(&t, 1, sets);
    struct suggestion s = suggest_or_fail(&t, &usual);
    struct error error;
    for (int i = 0; i < s.parts.count; i++) {
        struct text change = {0};
        suggest_patterns(&s, i, "only ", "; thaw ", &change);
        assert_true(training_apply(t.training, change.data, &error));
        assert_memory_equal(&s.rows[i].cost, &t.training->plan->cost, sizeof s.rows[i].cost);
        assert_true(s.rows[i].spared == t.training->plan->cut.forward);
        assert_true(s.rows[i].seconds > 0);
        text_free(&change);
    }
    assert_true(s.rows[2].spared > 0); // behind the head alone
    suggestion_close(&s);
    tiny_close(&t);
}

static void ranks_are_an_order_and_choices_follow_the_rule(void **state) {
    (void)state;
    const char *const sets[] = {"model.weights=some", NULL};
    struct tiny t;
    tiny_open(&t, 2, sets);
    struct suggestion s = suggest_or_fail(&t, &usual);
    double largest = fmax(s.rows[0].relative, s.rows[1].relative);
    for (int rank = 2; rank <= s.parts.count; rank++)
        assert_true(s.rows[suggest_ranked(&s, rank - 1)].relative >=
                    s.rows[suggest_ranked(&s, rank)].relative);
    for (int i = 0; i < 2; i++)
        assert_true(s.rows[i].chosen ==
                    (s.alignment >= SUGGEST_SHARED && s.rows[i].relative >= largest / 2));
    assert_true(s.rows[2].chosen);
    suggestion_close(&s);
    tiny_close(&t);
}

static void threads_change_nothing(void **state) {
    (void)state;
    struct tiny one, four;
    tiny_open(&one, 1, NULL);
    tiny_open(&four, 4, NULL);
    struct suggest_options untimed = usual;
    untimed.timed = false;
    struct suggestion a = suggest_or_fail(&one, &untimed), b = suggest_or_fail(&four, &untimed);
    for (int i = 0; i < a.parts.count; i++) {
        a.rows[i].cost.bytes = b.rows[i].cost.bytes = 0; // scratch space is a thread's
        assert_memory_equal(&a.rows[i], &b.rows[i], sizeof a.rows[i]);
    }
    suggestion_close(&a);
    suggestion_close(&b);
    tiny_close(&one);
    tiny_close(&four);
}

static bool after_three(void *context) {
    return ++*(int *)context > 3;
}

static void it_can_be_given_up(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 2, NULL);
    struct training_copy copy = training_copy(t.training);
    int asked = 0;
    struct suggest_options options = usual;
    options.give_up = after_three;
    options.context = &asked;
    struct suggestion s;
    struct error error;
    assert_false(suggest(t.training, &options, &s, &error));
    assert_int_equal(error.kind, ERROR_RUN);
    assert_int_equal(asked, 4);
    assert_null(s.rows);
    training_copy_equal(&copy, t.training);
    training_copy_close(&copy);
    run_steps(t.training, 2);
    tiny_close(&t);
}

static void weights_that_are_not_finite_are_refused(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 1, NULL);
    weights_at(&t.training->weights, model_param(t.model, "block.conv1.weight"))[0] = NAN;
    struct suggestion s;
    struct error error;
    assert_false(suggest(t.training, &usual, &s, &error));
    assert_non_null(strstr(error.text, "not finite"));
    tiny_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_of_a_probe),
        cmocka_unit_test(numbers_are_what_the_gradients_say),
        cmocka_unit_test(a_new_head_is_trained_first),
        cmocka_unit_test(without_anything_pretrained_everything_is_suggested),
        cmocka_unit_test(costs_are_those_of_the_plans),
        cmocka_unit_test(ranks_are_an_order_and_choices_follow_the_rule),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(it_can_be_given_up),
        cmocka_unit_test(weights_that_are_not_finite_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
