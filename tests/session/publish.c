#include "session/publish.h"
#include "base/xalloc.h"
#include "test.h"
#include "tiny_run.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct experiment experiment;
static struct model *model;
static struct settings settings; // of the experiment, for tests to copy

static int open_model(void **state) {
    (void)state;
    struct error error;
    tiny_experiment(&experiment, NULL);
    model = residual_model(0);
    return !settings_open(&settings, model, &experiment, &error);
}

static int close_model(void **state) {
    (void)state;
    settings_close(&settings);
    model_close(model);
    experiment_close(&experiment);
    return 0;
}

static void add_record(struct publisher *p, int64_t step) {
    struct record r = {.kind = RECORD_STEP, .step = step, .epoch = 2 * step};
    publish_record(p, &r);
}

// Reads on in pieces; returns the number of records, which must be `first` and those after it.
static int64_t read_on(struct publisher *p, int64_t *cursor, int64_t first, int most) {
    struct record *out = xcalloc((size_t)most, sizeof *out);
    int64_t total = 0;
    for (int count; (count = publish_read(p, cursor, out, most)) > 0; total += count) {
        assert_true(count <= most);
        for (int i = 0; i < count; i++) {
            assert_int_equal(out[i].step, first + total + i);
            assert_int_equal(out[i].epoch, 2 * out[i].step);
        }
    }
    free(out);
    return total;
}

static void records_come_in_order_and_once(void **state) {
    (void)state;
    struct publisher p;
    int64_t cursor = 0, other = 0;
    publish_open(&p, &settings);
    assert_int_equal(read_on(&p, &cursor, 0, 8), 0);
    for (int64_t i = 0; i < 100; i++)
        add_record(&p, i);
    assert_int_equal(read_on(&p, &cursor, 0, 8), 100);
    assert_int_equal(cursor, 100);
    add_record(&p, 100);
    assert_int_equal(read_on(&p, &cursor, 100, 8), 1);
    assert_int_equal(read_on(&p, &other, 0, 1000), 101); // readers do not disturb each other
    assert_int_equal(publish_read(&p, &cursor, NULL, 0), 0);
    publish_close(&p);
}

static void records_are_lost_only_beyond_the_ring(void **state) {
    (void)state;
    struct publisher p;
    publish_open(&p, &settings);
    for (int64_t i = 0; i < PUBLISH_RECORDS; i++)
        add_record(&p, i);
    int64_t cursor = 0;
    assert_int_equal(read_on(&p, &cursor, 0, 500), PUBLISH_RECORDS);
    for (int64_t more = 1; more <= 3; more++) {
        add_record(&p, PUBLISH_RECORDS - 1 + more);
        cursor = 0;
        assert_int_equal(read_on(&p, &cursor, more, 500), PUBLISH_RECORDS);
        assert_int_equal(cursor, PUBLISH_RECORDS + more);
    }
    cursor = 10; // still there
    assert_int_equal(read_on(&p, &cursor, 10, 500), PUBLISH_RECORDS - 7);
    for (int64_t i = 0; i < 2 * PUBLISH_RECORDS; i++)
        add_record(&p, PUBLISH_RECORDS + 3 + i);
    assert_int_equal(read_on(&p, &cursor, 2 * PUBLISH_RECORDS + 3, 500), PUBLISH_RECORDS);
    publish_close(&p);
}

static void a_cursor_before_the_first_record_reads_from_it(void **state) {
    (void)state;
    struct publisher p;
    int64_t cursor = -5;
    publish_open(&p, &settings);
    add_record(&p, 0);
    assert_int_equal(read_on(&p, &cursor, 0, 8), 1);
    assert_int_equal(cursor, 1);
    publish_close(&p);
}

static void the_latest_snapshot_is_seen(void **state) {
    (void)state;
    struct publisher p;
    struct snapshot out;
    publish_open(&p, &settings);
    for (int64_t step = 1; step < 4; step++) {
        struct snapshot s = {.state = SESSION_PAUSED, .step = step, .total = 100 * step};
        strcpy(s.error.text, "told");
        publish_snapshot(&p, &s);
        publish_look(&p, &out);
        assert_memory_equal(&out, &s, sizeof out);
    }
    publish_close(&p);
}

static void settings_are_copies(void **state) {
    (void)state;
    struct publisher p;
    struct settings now = settings_copy(&settings), out;
    struct error error;
    publish_open(&p, &now);
    assert_true(settings_apply(&now, "thaw block; lr block x0.5; epochs 9", &error));
    publish_look_settings(&p, &out);
    assert_true(flags_equal(&out.flags, &settings.flags) && out.epochs == settings.epochs);
    settings_close(&out);
    publish_settings(&p, &now);
    settings_close(&now);
    publish_look_settings(&p, &out);
    int conv = model_param(model, "block.conv1.weight");
    assert_true(out.flags.thawed[conv] && out.lr_scale[conv] == 0.5 && out.epochs == 9);
    settings_close(&out);
    publish_close(&p);
}

static void layers_are_copied_into_the_reader_s(void **state) {
    (void)state;
    struct publisher p;
    struct layers_snapshot in = layers_open(model), out = layers_open(model);
    publish_open(&p, &settings);
    publish_look_layers(&p, &out);
    assert_int_equal(out.step, -1);
    in.step = 12;
    for (int i = 0; i < in.param_count; i++)
        in.params[i] = (struct layer_values){(float)i,     (float)i + 1, (float)i + 2,
                                             (float)i + 3, (float)i + 4, (float)i + 5};
    for (int i = 0; i < in.module_count; i++)
        in.seconds[i] = (float)i / 8;
    publish_layers(&p, &in);
    publish_look_layers(&p, &out);
    assert_int_equal(out.step, 12);
    assert_memory_equal(out.params, in.params, (size_t)in.param_count * sizeof *in.params);
    assert_memory_equal(out.seconds, in.seconds, (size_t)in.module_count * sizeof *in.seconds);
    layers_close(&in);
    layers_close(&out);
    publish_close(&p);
}

static void the_newest_points_are_seen(void **state) {
    (void)state;
    struct publisher p;
    struct point_view views[5] = {{0}}, out[5];
    publish_open(&p, &settings);
    assert_int_equal(publish_look_points(&p, out, 5), 0);
    for (int i = 0; i < 5; i++)
        views[i] = (struct point_view){.step = 10 * i, .branch = i / 3, .kept = i == 0};
    publish_points(&p, views, 5);
    assert_int_equal(publish_look_points(&p, out, 5), 5);
    assert_memory_equal(out, views, sizeof views);
    assert_int_equal(publish_look_points(&p, out, 2), 2);
    assert_memory_equal(out, views + 3, 2 * sizeof *out);
    publish_points(&p, views, 0);
    assert_int_equal(publish_look_points(&p, out, 5), 0);
    publish_close(&p);
}

// As many samples as classes, all filled with one value.
static struct predictions predictions_of(int count, int value) {
    struct predictions p = {.count = count, .classes = 3};
    p.sample = xcalloc((size_t)count, sizeof *p.sample);
    p.label = xcalloc((size_t)count, sizeof *p.label);
    p.predicted = xcalloc((size_t)count, sizeof *p.predicted);
    p.probability = xcalloc(3 * (size_t)count, sizeof *p.probability);
    for (int i = 0; i < count; i++)
        p.sample[i] = p.label[i] = p.predicted[i] = value;
    for (int i = 0; i < 3 * count; i++)
        p.probability[i] = (float)value;
    return p;
}

// Whether it is one of predictions_of's, whole.
static bool whole(const struct predictions *p) {
    for (int i = 0; i < p->count; i++)
        if (p->sample[i] != p->sample[0] || p->label[i] != p->sample[0] ||
            p->predicted[i] != p->sample[0])
            return false;
    for (int i = 0; i < p->classes * p->count; i++)
        if (p->probability[i] != (float)p->sample[0])
            return false;
    return true;
}

static void predictions_are_taken_over_and_copied_out(void **state) {
    (void)state;
    struct publisher p;
    struct predictions out;
    publish_open(&p, &settings);
    assert_false(publish_look_predictions(&p, EVALUATED_TEST, &out));
    for (int i = 1; i < 4; i++) {
        struct predictions in = predictions_of(4 * i, i);
        publish_predictions(&p, EVALUATED_VALIDATION, &in);
        assert_null(in.sample);
        assert_true(publish_look_predictions(&p, EVALUATED_VALIDATION, &out));
        assert_true(out.count == 4 * i && out.classes == 3 && out.sample[0] == i && whole(&out));
        predictions_close(&out);
    }
    publish_close(&p);
}

static void publish_kind(struct publisher *p, int kind) {
    struct predictions predictions = {0};
    struct snapshot s = {0};
    struct record r = {0};
    struct point_view v = {0};
    if (kind == 0)
        publish_snapshot(p, &s);
    if (kind == 1)
        publish_record(p, &r);
    if (kind == 2)
        publish_settings(p, &settings);
    if (kind == 3)
        publish_points(p, &v, 1);
    if (kind == 4)
        publish_predictions(p, EVALUATED_VALIDATION, &predictions);
}

enum { KINDS = 5, FOREVER = 1000 * 1000 };

static void what_changed_already_is_not_waited_for(void **state) {
    (void)state;
    struct publisher p;
    publish_open(&p, &settings);
    int64_t version = -1;
    publish_wait(&p, &version, FOREVER);
    for (int kind = 0; kind < KINDS; kind++) {
        int64_t before = version;
        publish_wait(&p, &version, 0); // nothing new: the time passes
        assert_int_equal(version, before);
        publish_kind(&p, kind);
        publish_wait(&p, &version, FOREVER);
        assert_true(version > before);
    }
    publish_wait(&p, &version, 1999);
    publish_close(&p);
}

struct sleeper {
    struct publisher *publisher;
    int64_t version;
    atomic_int rounds;
};

static void *sleep_rounds(void *context) {
    struct sleeper *s = context;
    for (int i = 0; i < KINDS; i++) {
        publish_wait(s->publisher, &s->version, FOREVER);
        atomic_fetch_add(&s->rounds, 1);
    }
    return NULL;
}

// Two sleepers, woken by each kind of change; whether they slept yet or not must not matter.
static void a_change_wakes_all_who_wait(void **state) {
    (void)state;
    struct publisher p;
    struct sleeper sleepers[2];
    pthread_t threads[2];
    publish_open(&p, &settings);
    for (int i = 0; i < 2; i++) {
        sleepers[i] = (struct sleeper){.publisher = &p, .version = p.version};
        assert_int_equal(pthread_create(&threads[i], NULL, sleep_rounds, &sleepers[i]), 0);
    }
    for (int kind = 0; kind < KINDS; kind++) {
        publish_kind(&p, kind);
        for (int i = 0; i < 2; i++)
            while (atomic_load(&sleepers[i].rounds) <= kind)
                sched_yield();
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    publish_close(&p);
}

// One writer, several readers: whatever a reader sees is whole.
enum { ROUNDS = 20000, READERS = 3 };

static void publish_round(struct publisher *p, int64_t i, struct layers_snapshot *layers,
                          struct settings *now) {
    struct snapshot s = {.step = i, .total = 3 * i, .epoch = i, .bytes = (size_t)i};
    struct point_view views[3] = {{.step = i}, {.step = i}, {.step = i}};
    publish_snapshot(p, &s);
    add_record(p, i);
    layers->step = i;
    for (int k = 0; k < layers->param_count; k++)
        layers->params[k].drift = (float)i;
    publish_layers(p, layers);
    if (i % 64 != 0)
        return;
    now->epochs = i;
    now->weight_decay = (double)i;
    publish_settings(p, now);
    publish_points(p, views, 1 + (int)(i / 64 % 3));
    struct predictions predictions = predictions_of(1 + (int)(i / 64 % 5), (int)i);
    publish_predictions(p, EVALUATED_VALIDATION, &predictions);
}

static void *write_rounds(void *context) {
    struct layers_snapshot layers = layers_open(model);
    struct settings now = settings_copy(&settings);
    for (int64_t i = 0; i < ROUNDS; i++)
        publish_round(context, i, &layers, &now);
    layers_close(&layers);
    settings_close(&now);
    return NULL;
}

struct reader {
    struct publisher *publisher;
    pthread_t thread;
    int64_t cursor, torn, seen;
};

static void read_values(struct reader *r, struct layers_snapshot *layers) {
    struct publisher *p = r->publisher;
    struct snapshot s;
    struct settings now;
    struct point_view points[3];
    struct predictions predictions;
    publish_look(p, &s);
    r->torn += s.total != 3 * s.step || s.epoch != s.step || s.bytes != (size_t)s.step;
    publish_look_layers(p, layers);
    for (int k = 0; layers->step >= 0 && k < layers->param_count; k++)
        r->torn += layers->params[k].drift != (float)layers->step;
    publish_look_settings(p, &now);
    r->torn += now.epochs != settings.epochs && now.weight_decay != (double)now.epochs;
    settings_close(&now);
    for (int i = publish_look_points(p, points, 3) - 1; i > 0; i--)
        r->torn += points[i].step != points[0].step;
    if (publish_look_predictions(p, EVALUATED_VALIDATION, &predictions)) {
        r->torn += !whole(&predictions);
        predictions_close(&predictions);
    }
}

// Until the last record; a record that is not lost comes once and in order.
static void *read_rounds(void *context) {
    struct reader *r = context;
    struct layers_snapshot layers = layers_open(model);
    struct record out[100];
    int64_t version = -1, last = -1;
    while (last < ROUNDS - 1) {
        publish_wait(r->publisher, &version, FOREVER);
        for (int count; (count = publish_read(r->publisher, &r->cursor, out, 100)) > 0;) {
            for (int i = 0; i < count; i++)
                r->torn += out[i].epoch != 2 * out[i].step || out[i].step != out[0].step + i;
            r->torn += out[0].step <= last || out[count - 1].step != r->cursor - 1;
            last = out[count - 1].step;
            r->seen += count;
        }
        read_values(r, &layers);
    }
    layers_close(&layers);
    return NULL;
}

static void readers_see_whole_values_while_one_writes(void **state) {
    (void)state;
    struct publisher p;
    struct reader readers[READERS] = {{0}};
    pthread_t writer;
    publish_open(&p, &settings);
    for (int i = 0; i < READERS; i++) {
        readers[i].publisher = &p;
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_rounds, &readers[i]), 0);
    }
    assert_int_equal(pthread_create(&writer, NULL, write_rounds, &p), 0);
    pthread_join(writer, NULL);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].torn, 0);
        assert_int_equal(readers[i].cursor, ROUNDS);
        assert_true(readers[i].seen >= PUBLISH_RECORDS);
    }
    publish_close(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_in_order_and_once),
        cmocka_unit_test(records_are_lost_only_beyond_the_ring),
        cmocka_unit_test(a_cursor_before_the_first_record_reads_from_it),
        cmocka_unit_test(the_latest_snapshot_is_seen),
        cmocka_unit_test(settings_are_copies),
        cmocka_unit_test(layers_are_copied_into_the_reader_s),
        cmocka_unit_test(the_newest_points_are_seen),
        cmocka_unit_test(predictions_are_taken_over_and_copied_out),
        cmocka_unit_test(what_changed_already_is_not_waited_for),
        cmocka_unit_test(a_change_wakes_all_who_wait),
        cmocka_unit_test(readers_see_whole_values_while_one_writes),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
