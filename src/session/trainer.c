#include "base/xalloc.h"
#include "session/trainer_parts.h"
#include <math.h>
#include <stdlib.h>

static struct trainer *trainer_of(struct session *s) {
    return (struct trainer *)s;
}

static void *thread_main(void *context) {
    struct trainer *t = context;
    trainer_work(t);
    if (t->state == SESSION_RUNNING || t->state == SESSION_PAUSED)
        t->state = SESSION_STOPPED;
    trainer_publish(t);
    return NULL;
}

static bool door_send(struct session *s, const struct command *c) {
    return command_push(&trainer_of(s)->commands, c);
}

static void door_look(struct session *s, struct snapshot *out) {
    publish_look(&trainer_of(s)->publisher, out);
}

static int door_read(struct session *s, int64_t *cursor, struct record *out, int most) {
    return publish_read(&trainer_of(s)->publisher, cursor, out, most);
}

static void door_wait(struct session *s, int64_t *version, int milliseconds) {
    publish_wait(&trainer_of(s)->publisher, version, milliseconds);
}

static void door_layers(struct session *s, struct layers_snapshot *out) {
    publish_look_layers(&trainer_of(s)->publisher, out);
}

static void door_settings(struct session *s, struct settings *out) {
    publish_look_settings(&trainer_of(s)->publisher, out);
}

static int door_points(struct session *s, struct point_view *out, int most) {
    return publish_look_points(&trainer_of(s)->publisher, out, most);
}

static bool door_predictions(struct session *s, enum evaluated on, struct predictions *out) {
    return publish_look_predictions(&trainer_of(s)->publisher, on, out);
}

static bool door_suggestion(struct session *s, struct suggestion *out) {
    return publish_look_suggestion(&trainer_of(s)->publisher, out);
}

static bool door_lr_find(struct session *s, struct lr_find *out) {
    return publish_look_lr_find(&trainer_of(s)->publisher, out);
}

static void door_close(struct session *s) {
    struct trainer *t = trainer_of(s);
    atomic_store(&t->abandon, true);
    command_push(&t->commands, &(struct command){.kind = COMMAND_PAUSE}); // wakes it
    pthread_join(t->thread, NULL);
    if (t->state == SESSION_FINISHED || t->state == SESSION_FAILED)
        cache_discard_files(&t->training->cache);
    free(t->training->pass.node_seconds);
    t->training->pass.node_seconds = NULL;
    training_close(t->training);
    run_close(&t->run);
    command_queue_close(&t->commands);
    publish_close(&t->publisher);
    points_close(&t->points);
    measure_close(&t->measure);
    free(t);
}

static struct weights first_weights(const struct training *training) {
    struct weights first = training->weights;
    if (training->start)
        first.data = training->start;
    return first;
}

// A run that keeps files also keeps what its frozen prefix computes.
static void keep_features(struct trainer *t, const char *given) {
    const char *shared = given ? given : t->training->experiment->train.cache_directory;
    struct weights first = first_weights(t->training);
    if (trainer_keeps_files(t))
        cache_keep_files(&t->training->cache, *shared ? shared : t->run.directory, *shared, &first);
}

struct session *trainer_start(struct training *training, struct run *run,
                              const struct trainer_options *options) {
    struct trainer *t = xcalloc(1, sizeof *t);
    t->session = (struct session){
        .send = door_send,
        .look = door_look,
        .read = door_read,
        .wait = door_wait,
        .layers = door_layers,
        .settings = door_settings,
        .points = door_points,
        .predictions = door_predictions,
        .suggestion = door_suggestion,
        .lr_find = door_lr_find,
        .close = door_close,
    };
    t->training = training;
    t->run = *run;
    *run = (struct run){0};
    if (t->run.branches == 0)
        run_open(&t->run);
    t->run.script = options->script;
    t->interactive = options->interactive;
    t->state = options->paused ? SESSION_PAUSED : SESSION_RUNNING;
    t->steps_left = -1;
    t->speed = options->speed;
    t->validation_loss = NAN;
    keep_features(t, options->features);
    command_queue_open(&t->commands);
    publish_open(&t->publisher, training_settings(training));
    points_open(&t->points, options->point_bytes);
    if (options->interactive) {
        struct weights first = first_weights(training);
        measure_open(&t->measure, &first);
        training->measure = &t->measure;
        training->pass.node_seconds =
            xcalloc((size_t)training->model->node_count, sizeof *training->pass.node_seconds);
    }
    trainer_publish(t);
    if (pthread_create(&t->thread, NULL, thread_main, t) != 0)
        abort();
    return &t->session;
}

const struct training *trainer_training(const struct session *session) {
    return ((const struct trainer *)session)->training;
}
