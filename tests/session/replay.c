// A run is made by a tiny training and played again: the doors must tell what the live session's
// told.
#include "session/replay.h"
#include "base/files.h"
#include "base/xalloc.h"
#include "directory.h"
#include "session/trainer.h"
#include "tiny_run.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 400, EPOCH = 8 }; // TINY_COUNT in batches of 8

static const char *const sets[] = {"freeze.rules=[thaw head]", NULL};

// What a reader saw.
struct seen {
    struct record records[MOST];
    int count;
};

static void read_all(struct session *s, struct seen *seen) {
    int64_t cursor = 0;
    seen->count = s->read(s, &cursor, seen->records, MOST);
    assert_true(seen->count < MOST);
}

static void send(struct session *s, enum command_kind kind, int64_t count, const char *text) {
    struct command c = {.kind = kind, .count = count};
    snprintf(c.text, sizeof c.text, "%s", text);
    assert_true(s->send(s, &c));
}

static struct snapshot look(struct session *s) {
    struct snapshot now;
    s->look(s, &now);
    return now;
}

// Until the session rests; returns how it then is.
static struct snapshot until_rest(struct session *s, int64_t commands) {
    int64_t version = -1;
    struct snapshot now = look(s);
    for (; now.commands < commands || now.state == SESSION_RUNNING; now = look(s))
        s->wait(s, &version, 1000);
    return now;
}

struct live {
    struct tiny tiny;
    struct session *session;
    int64_t sent;
};

static void live_send(struct live *l, enum command_kind kind, int64_t count, const char *text) {
    send(l->session, kind, count, text);
    until_rest(l->session, ++l->sent);
}

static void live_open(struct live *l, const char *directory) {
    struct run run = {0};
    struct error error;
    struct trainer_options options = {.paused = true, .interactive = true, .point_bytes = 1 << 20};
    *l = (struct live){0};
    tiny_open(&l->tiny, 1, sets);
    if (!run_create(&run, directory, &l->tiny.experiment, &error))
        fail_msg("%s", error.text);
    l->session = trainer_start(l->tiny.training, &run, &options);
    l->tiny.training = NULL;
}

static void live_close(struct live *l) {
    l->session->close(l->session);
    tiny_close(&l->tiny);
}

// Two settings on the way, to the end. What the live session told and how it ended.
static void train_straight(const char *directory, struct seen *seen, struct snapshot *last) {
    struct live l;
    live_open(&l, directory);
    live_send(&l, COMMAND_STEPS, 5, "");
    live_send(&l, COMMAND_APPLY, 0, "thaw block.conv2");
    live_send(&l, COMMAND_STEPS, 7, "");
    live_send(&l, COMMAND_APPLY, 0, "lr x0.5");
    live_send(&l, COMMAND_RUN, 0, "");
    *last = look(l.session);
    assert_int_equal(last->state, SESSION_FINISHED);
    read_all(l.session, seen);
    live_close(&l);
}

// The model and experiment of a replay, and the session.
struct player {
    struct experiment experiment;
    struct model *model;
    struct session *session;
};

static bool player_open(struct player *p, const char *directory, int branch, struct error *error) {
    tiny_experiment(&p->experiment, sets);
    p->model = residual_model((float)p->experiment.model.dropout);
    p->session = replay_open(directory, branch, p->model, &p->experiment, error);
    return p->session != NULL;
}

static void player_close(struct player *p) {
    if (p->session)
        p->session->close(p->session);
    model_close(p->model);
    experiment_close(&p->experiment);
}

static void must_open(struct player *p, const char *directory, int branch) {
    struct error error;
    if (!player_open(p, directory, branch, &error))
        fail_msg("%s", error.text);
}

// Plays so many steps as fast as can be; fewer than 0: all.
static struct snapshot play(struct player *p, int64_t steps) {
    send(p->session, COMMAND_SPEED, 1000000000, "");
    send(p->session, steps < 0 ? COMMAND_RUN : COMMAND_STEPS, steps, "");
    return until_rest(p->session, 0);
}

// The files hold nine figures.
static void assert_near(double a, double b) {
    if (!(fabs(a - b) <= 1e-8 * (1 + fabs(b))))
        fail_msg("%.12g is not %.12g", a, b);
}

static void assert_same_tally(const struct tally *a, const struct tally *b) {
    assert_near(a->loss, b->loss);
    assert_int_equal(a->correct, b->correct);
    assert_int_equal(a->samples, b->samples);
    assert_near(a->scores.balanced_accuracy, b->scores.balanced_accuracy);
    assert_near(a->scores.macro_f1, b->scores.macro_f1);
    assert_near(a->scores.auroc, b->scores.auroc);
}

static void assert_same_record(const struct record *a, const struct record *b) {
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->branch, b->branch);
    assert_int_equal(a->best, b->best);
    assert_string_equal(a->text, b->text);
    assert_near(a->result.lr, b->result.lr);
    assert_near(a->result.gradient_norm, b->result.gradient_norm);
    assert_near(a->seconds, b->seconds);
    assert_same_tally(&a->result.tally, &b->result.tally);
    assert_same_tally(&a->train, &b->train);
    assert_same_tally(&a->validation, &b->validation);
    assert_same_tally(&a->test, &b->test);
}

static void the_records_are_those_of_the_live_session(void **state) {
    static struct seen live, again;
    struct snapshot last;
    char *run = files_join(*state, "run");
    train_straight(run, &live, &last);
    struct player p;
    must_open(&p, run, -1);
    struct snapshot end = play(&p, -1);
    read_all(p.session, &again);
    assert_int_equal(again.count, live.count);
    for (int i = 0; i < live.count; i++) {
        assert_same_record(&again.records[i], &live.records[i]);
        assert_true(again.records[i].epoch == live.records[i].epoch ||
                    again.records[i].kind == RECORD_EVENT); // capped by the epochs in force
    }
    assert_int_equal(end.state, SESSION_FINISHED);
    assert_int_equal(end.step, last.step);
    assert_int_equal(end.total, last.total);
    assert_int_equal(end.epoch, last.epoch);
    assert_int_equal(end.epochs, last.epochs);
    assert_int_equal(end.thawed, last.thawed);
    assert_int_equal(end.parameters, last.parameters);
    assert_int_equal(end.bytes, last.bytes); // both on one thread
    assert_same_tally(&end.running, &last.running);
    assert_same_tally(&end.last.tally, &last.last.tally);
    player_close(&p);
    free(run);
}

static double lr_factor(struct session *s) {
    struct settings settings;
    s->settings(s, &settings);
    double factor = settings.lr_factor;
    settings_close(&settings);
    return factor;
}

static void steps_and_seeking_and_the_settings_of_each_step(void **state) {
    static struct seen seen;
    struct snapshot last, now;
    char *run = files_join(*state, "run");
    train_straight(run, &seen, &last);
    struct player p;
    must_open(&p, run, -1);
    now = look(p.session);
    assert_int_equal(now.state, SESSION_PAUSED);
    assert_int_equal(now.step, 0);
    size_t head = now.thawed;
    now = play(&p, 4);
    assert_int_equal(now.step, 4);
    assert_int_equal(now.state, SESSION_PAUSED);
    assert_int_equal(now.thawed, head);
    read_all(p.session, &seen);
    assert_int_equal(seen.count, 1 + 4); // the start
    assert_true(play(&p, 1).thawed > head);
    assert_true(lr_factor(p.session) == 1);
    send(p.session, COMMAND_REWIND, 12, "");
    now = look(p.session);
    assert_int_equal(now.step, 12);
    assert_int_equal(now.state, SESSION_PAUSED);
    assert_int_equal(now.epoch, 2);
    assert_int_equal(now.running.samples, 4 * 8);
    assert_true(now.images_per_second > 0);
    assert_true(lr_factor(p.session) == 0.5);
    read_all(p.session, &seen);
    int told = seen.count;
    send(p.session, COMMAND_REWIND, 3, "");
    now = look(p.session);
    assert_int_equal(now.step, 3);
    assert_int_equal(now.thawed, head);
    assert_true(now.speed == 1000000000); // as it was said
    assert_int_equal(now.running.samples, 3 * 8);
    assert_true(lr_factor(p.session) == 1);
    assert_int_equal(play(&p, 2).step, 5);
    read_all(p.session, &seen);
    assert_int_equal(seen.count, told); // each record once
    send(p.session, COMMAND_REWIND, 1000, "");
    assert_int_equal(look(p.session).state, SESSION_FINISHED);
    send(p.session, COMMAND_RUN, 0, "");
    assert_non_null(strstr(look(p.session).error.text, "ended here"));
    send(p.session, COMMAND_REWIND, -7, "");
    assert_int_equal(look(p.session).state, SESSION_PAUSED);
    assert_int_equal(look(p.session).step, 0);
    player_close(&p);
    free(run);
}

static void pauses_and_refuses(void **state) {
    static struct seen seen;
    struct snapshot last, now;
    char *run = files_join(*state, "run");
    train_straight(run, &seen, &last);
    struct player p;
    must_open(&p, run, -1);
    struct session *s = p.session;
    send(s, COMMAND_RUN, 0, "");
    assert_int_equal(look(s).state, SESSION_RUNNING);
    send(s, COMMAND_PAUSE, 0, "");
    now = look(s);
    assert_int_equal(now.state, SESSION_PAUSED);
    int64_t version = -1;
    s->wait(s, &version, 1000); // at once: something is new
    s->wait(s, &version, 0);
    assert_int_equal(look(s).step, now.step);
    send(s, COMMAND_APPLY, 0, "thaw all");
    assert_non_null(strstr(look(s).error.text, "settings are what they were"));
    send(s, COMMAND_SAVE, 0, "");
    assert_non_null(strstr(look(s).error.text, "no weights"));
    send(s, COMMAND_SPEED, 0, "");
    assert_int_equal(look(s).error.kind, ERROR_REQUEST);
    send(s, COMMAND_PAUSE, 0, "");
    assert_int_equal(look(s).error.kind, ERROR_NONE);
    assert_int_equal(look(s).commands, 6);
    send(s, COMMAND_STOP, 0, "");
    assert_int_equal(look(s).state, SESSION_STOPPED);
    player_close(&p);
    free(run);
}

static void points_layers_and_predictions(void **state) {
    static struct seen seen;
    struct snapshot last;
    struct point_view points[20];
    char *run = files_join(*state, "run");
    train_straight(run, &seen, &last);
    struct player p;
    must_open(&p, run, -1);
    static const int64_t steps[] = {0, 5, EPOCH, 12, 2 * EPOCH, 3 * EPOCH};
    assert_int_equal(p.session->points(p.session, points, 20), 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(points[i].step, steps[i]);
        assert_int_equal(points[i].kept, i == 0 || i == 1 || i == 3);
        assert_true(isnan(points[i].validation_loss) == (i < 2));
    }
    assert_int_equal(p.session->points(p.session, points, 2), 2);
    assert_int_equal(points[1].step, 3 * EPOCH);
    struct layers_snapshot layers = layers_open(p.model);
    p.session->layers(p.session, &layers);
    assert_int_equal(layers.step, -1);
    assert_true(isnan(layers.params[0].drift) && isnan(layers.seconds[0]));
    layers_close(&layers);
    struct predictions predictions;
    assert_false(p.session->predictions(p.session, EVALUATED_VALIDATION, &predictions));
    player_close(&p);
    free(run);
}

// Branch 0 to the end, then from its step 6 another one, which stops at step 10.
static void train_branches(const char *directory) {
    struct live l;
    live_open(&l, directory);
    live_send(&l, COMMAND_STEPS, 6, "");
    live_send(&l, COMMAND_APPLY, 0, "lr x0.5");
    live_send(&l, COMMAND_RUN, 0, "");
    live_send(&l, COMMAND_REWIND, 6, "");
    live_send(&l, COMMAND_APPLY, 0, "undo");
    live_send(&l, COMMAND_STEPS, 4, "");
    live_send(&l, COMMAND_STOP, 0, "");
    live_close(&l);
}

static void only_the_path_of_a_branch_is_played(void **state) {
    static struct seen seen;
    char *run = files_join(*state, "run");
    train_branches(run);
    struct player p;
    must_open(&p, run, -1);
    struct snapshot now = play(&p, -1);
    assert_int_equal(now.state, SESSION_STOPPED);
    assert_int_equal(now.branch, 1);
    assert_int_equal(now.step, 10);
    assert_int_equal(now.total, 3 * EPOCH);
    assert_true(lr_factor(p.session) == 1);
    read_all(p.session, &seen);
    int64_t step = 0;
    for (int i = 0; i < seen.count; i++) {
        const struct record *r = &seen.records[i];
        if (r->kind != RECORD_STEP)
            continue;
        assert_int_equal(r->step, ++step);
        assert_int_equal(r->branch, step > 6);
    }
    assert_int_equal(step, 10);
    send(p.session, COMMAND_REWIND, 5, "");
    assert_int_equal(look(p.session).branch, 0);
    player_close(&p);
    must_open(&p, run, 0);
    now = play(&p, -1);
    assert_int_equal(now.state, SESSION_FINISHED);
    assert_int_equal(now.step, 3 * EPOCH);
    assert_true(lr_factor(p.session) == 0.5);
    player_close(&p);
    struct error error;
    assert_false(player_open(&p, run, 2, &error));
    assert_non_null(strstr(error.text, "there is no branch 2"));
    player_close(&p);
    free(run);
}

// Runs written by hand

#define STEP(n)                                                                                    \
    "{\"kind\":\"step\",\"branch\":0,\"step\":" #n ",\"epoch\":1,\"loss\":2,\"accuracy\":0.5,"     \
    "\"lr\":0.1,\"gradient_norm\":1}\n"
#define EVENT(id, parent, step, text)                                                              \
    "{\"id\":" #id ",\"parent\":" #parent ",\"branch\":0,\"step\":" #step                          \
    ",\"who\":\"user\",\"do\":\"" text "\"}\n"

static void write_run(const char *directory, const char *metrics, const char *events) {
    const char *const names[] = {"metrics.jsonl", "events.jsonl"}, *const texts[] = {metrics,
                                                                                     events};
    for (int i = 0; i < 2; i++) {
        char *path = files_join(directory, names[i]);
        assert_true(files_write(path, texts[i], strlen(texts[i]), NULL));
        free(path);
    }
}

#define TEST_HEAD                                                                                  \
    "{\"kind\":\"test\",\"branch\":0,\"step\":1,\"epoch\":1,\"test\":{\"loss\":1,\"accuracy\":1,"  \
    "\"samples\":1"
#define TEST(more) TEST_HEAD more "}}\n"

static void a_cut_last_line_is_left_out(void **state) {
    write_run(*state, STEP(1) STEP(2) "{\"kind\":\"st", EVENT(1, 0, 1, "thaw all") "{\"id\":2");
    struct player p;
    must_open(&p, *state, -1);
    struct snapshot now = play(&p, -1);
    assert_int_equal(now.step, 2);
    assert_int_equal(now.total, 2); // nobody knows how long an epoch is
    assert_int_equal(now.state, SESSION_STOPPED);
    assert_int_equal(now.thawed, now.parameters);
    player_close(&p);
}

static void scores_may_be_missing_or_undefined(void **state) {
    static const struct {
        const char *more;
        double macro_f1;
    } cases[] = {{"", NAN}, {",\"auroc\":null,\"macro_f1\":0.25,\"matrix\":[[1]]", 0.25}};
    for (int i = 0; i < 2; i++) {
        static struct seen seen;
        struct text metrics = {0};
        text_add(&metrics, STEP(1) "%s%s}}\n", TEST_HEAD, cases[i].more);
        write_run(*state, metrics.data, EVENT(1, 0, 0, "thaw all"));
        struct player p;
        must_open(&p, *state, -1);
        play(&p, -1);
        read_all(p.session, &seen);
        const struct record *r = seen.records;
        while (r->kind != RECORD_TEST && r < seen.records + seen.count)
            r++;
        assert_int_equal(r->kind, RECORD_TEST);
        assert_true(isnan(r->test.scores.auroc));
        assert_true(isnan(cases[i].macro_f1) ? isnan(r->test.scores.macro_f1)
                                             : r->test.scores.macro_f1 == cases[i].macro_f1);
        player_close(&p);
        text_free(&metrics);
    }
}

static void malformed_files_give_one_clear_error(void **state) {
    static const struct {
        const char *metrics, *events, *what;
    } cases[] = {
        {STEP(1) "nonsense\n", EVENT(1, 0, 0, "thaw all"), "metrics.jsonl:2: not a record ("},
        {STEP(1) "{}\n", EVENT(1, 0, 0, "thaw all"), "metrics.jsonl:2: not a record ("},
        {STEP(1) "\n" STEP(2), EVENT(1, 0, 0, "thaw all"), "metrics.jsonl:2: not a record ("},
        {STEP(1) STEP(3), EVENT(1, 0, 0, "thaw all"), "metrics.jsonl:2: not a record (its step"},
        {STEP(1) STEP(1), EVENT(1, 0, 0, "thaw all"), "metrics.jsonl:2: not a record (its step"},
        {STEP(-1), EVENT(1, 0, 0, "thaw all"), "out of range"},
        {"{\"kind\":\"walk\",\"branch\":0,\"step\":1,\"epoch\":1}\n", EVENT(1, 0, 0, "thaw all"),
         "its kind"},
        {"{\"kind\":\"step\",\"branch\":0,\"step\":1,\"epoch\":1,\"loss\":\"2\"}\n",
         EVENT(1, 0, 0, "thaw all"), "metrics.jsonl:1"},
        {STEP(1) "{\"kind\":\"test\",\"branch\":0,\"step\":1,\"epoch\":1,\"test\":{\"loss\":1,"
                 "\"accuracy\":2,\"samples\":3}}\n",
         EVENT(1, 0, 0, "thaw all"), "between 0 and 1"},
        {STEP(1) TEST(",\"auroc\":1.5"), EVENT(1, 0, 0, "thaw all"), "a score is not between"},
        {STEP(1) TEST(",\"auroc\":\"high\""), EVENT(1, 0, 0, "thaw all"), "a score is not between"},
        {STEP(1) "{\"kind\":\"epoch\",\"branch\":0,\"step\":1,\"epoch\":2,\"best\":true,"
                 "\"seconds\":1}\n",
         EVENT(1, 0, 0, "thaw all"), "cannot end"},
        {"", EVENT(1, 0, 0, "thaw all"), "nothing to replay"},
        {STEP(1), "", "nothing to replay"},
        {STEP(1), "nonsense\n", "events.jsonl:1: not an event"},
        {STEP(1), EVENT(1, 0, 1, "thaw nonsense"), "events.jsonl: step 1: "},
        {STEP(1), EVENT(1, 0, 1, "undo"), "events.jsonl: step 1: there is nothing to take back"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct player p;
        struct error error = {0};
        write_run(*state, cases[i].metrics, cases[i].events);
        assert_false(player_open(&p, *state, -1, &error));
        assert_int_equal(error.kind, ERROR_REQUEST);
        if (!strstr(error.text, cases[i].what))
            fail_msg("'%s' is not in: %s", cases[i].what, error.text);
        player_close(&p);
    }
    struct player p;
    struct error error;
    char *nowhere = files_join(*state, "nowhere");
    assert_false(player_open(&p, nowhere, -1, &error));
    assert_non_null(strstr(error.text, "nowhere/events.jsonl"));
    player_close(&p);
    free(nowhere);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(the_records_are_those_of_the_live_session),
        IN_DIRECTORY(steps_and_seeking_and_the_settings_of_each_step),
        IN_DIRECTORY(pauses_and_refuses),
        IN_DIRECTORY(points_layers_and_predictions),
        IN_DIRECTORY(only_the_path_of_a_branch_is_played),
        IN_DIRECTORY(a_cut_last_line_is_left_out),
        IN_DIRECTORY(scores_may_be_missing_or_undefined),
        IN_DIRECTORY(malformed_files_give_one_clear_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
