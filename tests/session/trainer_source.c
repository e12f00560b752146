// The old task, looked at along the way: what is told of it, and that looking changes nothing.
#include "session/replay_log.h"
#include "trainer_session.h"
#include "training/old_network.h"

static const char *const settings[] = {"train.epochs=4", "freeze.rules=[thaw fc, thaw block]",
                                       "schedule.phases=[epoch 2 -> thaw all]", NULL};
static const char *const head_only[] = {"freeze.rules=[thaw fc]", NULL};

enum looks { NOT, AS_IT_IS, WITH_OLD_HEAD };

static struct weights copy_of(const struct weights *w, const struct model *model) {
    struct weights copy = weights_open(model);
    memcpy(copy.data, w->data, model->weight_floats * sizeof *copy.data);
    return copy;
}

static void open_looking(struct tiny *t, enum looks looks, int threads, const char *const *sets) {
    tiny_experiment(&t->experiment, sets);
    t->model = residual_model((float)t->experiment.model.dropout);
    t->pool = pool_open(threads);
    struct weights weights = weights_open(t->model);
    weights_init(&weights, 5);
    struct training_data data = {tiny_data(TINY_COUNT), tiny_data(20), tiny_data(30)};
    struct error error;
    if (looks != NOT)
        data.source = tiny_data(44);
    if (looks == WITH_OLD_HEAD) {
        struct model *old = residual_model(0);
        data.source_old = old_network_open(old, copy_of(&weights, old), t->model, &error);
        assert_non_null(data.source_old);
    }
    t->training = training_open(&t->experiment, t->model, weights, data, t->pool, &error);
    assert_non_null(t->training);
}

static uint64_t hash_of(const struct training *t) {
    uint64_t hash = 0;
    for (int p = 0; p < t->model->param_count; p++)
        hash = hash * 31 + weights_hash(&t->weights, p);
    return hash;
}

static int read_all(struct session *s, struct record *out, int most) {
    int64_t cursor = 0;
    int count = s->read(s, &cursor, out, most);
    assert_int_equal(count, cursor);
    return count;
}

static void looking_changes_no_bits(void **state) {
    (void)state;
    uint64_t hashes[3];
    for (int looks = NOT; looks <= WITH_OLD_HEAD; looks++) {
        struct tiny t;
        open_looking(&t, looks, 1 + looks % 2, settings);
        struct session *s = start(&t, NULL, (struct trainer_options){0});
        assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
        hashes[looks] = hash_of(trainer_training(s));
        s->close(s);
        tiny_close(&t);
    }
    assert_true(hashes[NOT] == hashes[AS_IT_IS]);
    assert_true(hashes[NOT] == hashes[WITH_OLD_HEAD]);
}

// Behind a frozen body the old head says to the last bit what it said; the head that learns does
// not, and behind a body that learns neither does.
static void check_loss(enum looks looks, const char *const *sets, bool same) {
    struct tiny t;
    struct record records[200];
    open_looking(&t, looks, 2, sets);
    struct session *s = start(&t, NULL, (struct trainer_options){0});
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    int count = read_all(s, records, 200), seen = 0;
    for (int i = 0; i < count; i++) {
        const struct record *r = &records[i];
        bool evaluates = r->kind == RECORD_EPOCH || r->kind == RECORD_TEST;
        assert_int_equal(r->source.samples, evaluates ? 44 : 0);
        assert_int_equal(r->source_before.samples, evaluates ? 44 : 0);
        if (evaluates)
            assert_true((r->source.loss == r->source_before.loss) == same);
        seen += evaluates;
    }
    assert_true(seen >= 4);
    s->close(s);
    tiny_close(&t);
}

static void the_old_head_sees_only_what_the_body_lost(void **state) {
    (void)state;
    check_loss(WITH_OLD_HEAD, head_only, true);
    check_loss(AS_IT_IS, head_only, false);
    check_loss(WITH_OLD_HEAD, settings, false);
}

// What the lines of metrics.jsonl say of the old task, one after the other. The caller frees.
static char *told_of_source(const char *directory) {
    struct text told = {0};
    struct mapping file;
    char *path = files_join(directory, "metrics.jsonl");
    assert_true(mapping_open(&file, path, NULL));
    const char *at = (const char *)file.data, *end = at + file.size;
    for (; (at = memmem(at, (size_t)(end - at), "\"source\":{", 10)); at++)
        text_add(&told, "%.*s\n", (int)(strcspn(at, "}")), at);
    mapping_close(&file);
    free(path);
    assert_non_null(told.data);
    assert_non_null(strstr(told.data, "accuracy_before"));
    return told.data;
}

// Takes up the run in `directory` to its end.
static void take_up(const char *directory) {
    struct tiny t;
    struct run run = {0};
    struct error error;
    struct trainer_options options = {0};
    open_looking(&t, AS_IT_IS, 1, settings);
    if (!run_resume(&run, directory, t.training, &options.script, &error))
        fail_msg("%s", error.text);
    struct session *s = trainer_start(t.training, &run, &options);
    t.training = NULL;
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
}

static void a_run_taken_up_again_tells_the_same(void **state) {
    char *told[2];
    for (int stops = 0; stops < 2; stops++) {
        char *directory = files_join(*state, stops ? "stops" : "straight");
        struct tiny t;
        open_looking(&t, AS_IT_IS, 2, settings);
        struct session *s = start(&t, directory, (struct trainer_options){.paused = true});
        send(s, stops ? COMMAND_STEPS : COMMAND_RUN, 13, "");
        wait_until(s, under_way);
        if (stops) {
            assert_int_equal(wait_until(s, paused).step, 13);
            send(s, COMMAND_STOP, 0, "");
        }
        wait_until(s, ended);
        s->close(s);
        tiny_close(&t);
        if (stops)
            take_up(directory);
        told[stops] = told_of_source(directory);
        free(directory);
    }
    assert_string_equal(told[0], told[1]);
    free(told[0]);
    free(told[1]);
}

static void a_replay_reads_it(void **state) {
    char *directory = files_join(*state, "run");
    struct tiny t;
    open_looking(&t, AS_IT_IS, 1, settings);
    struct session *s = start(&t, directory, (struct trainer_options){0});
    wait_until(s, ended);
    struct record records[200];
    int count = read_all(s, records, 200), at = 0;
    struct replay_log log;
    struct error error;
    if (!replay_log_read(&log, directory, -1, 8, &error))
        fail_msg("%s", error.text);
    for (int i = 0; i < log.count; i++) {
        const struct record *r = &log.items[i].record;
        if (r->kind != RECORD_EPOCH && r->kind != RECORD_TEST)
            continue;
        while (records[at].kind != r->kind)
            at++;
        assert_true(at < count);
        assert_int_equal(r->source.correct, records[at].source.correct);
        assert_int_equal(r->source.samples, 44);
        assert_int_equal(r->source_before.correct, records[at++].source_before.correct);
    }
    assert_true(at > 0);
    replay_log_close(&log);
    s->close(s);
    free(directory);
    tiny_close(&t);
}

static void another_body_is_refused(void **state) {
    (void)state;
    struct model *now = residual_model(0), *old = residual_model(0);
    struct error error;
    int conv = model_param(old, "block.conv1.weight");
    old->params[conv].name[0] = 'x';
    struct weights weights = weights_open(old);
    assert_null(old_network_open(old, weights, now, &error));
    assert_non_null(strstr(error.text, "xlock.conv1.weight"));
    model_close(now);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looking_changes_no_bits),
        cmocka_unit_test(the_old_head_sees_only_what_the_body_lost),
        cmocka_unit_test(another_body_is_refused),
        IN_DIRECTORY(a_run_taken_up_again_tells_the_same),
        IN_DIRECTORY(a_replay_reads_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
