// The workbench over a live trainer: sessions that are opened, taken up again and ended as the
// program does it, on a screen that nobody sees. Runs lie in runs/live-N of the current directory.
#ifndef THAW_TESTS_LIVE_H
#define THAW_TESTS_LIVE_H

// clang-format off
#include "test.h"
// clang-format on
#include "screen.h"
#include "trainer_session.h"
#include "ui/workbench/app.h"

// What is trained, by the number of the run: every optimiser, BatchNorm policy and way to save.
static const char *const live_kinds[][8] = {
    {"freeze.rules=[thaw head]", "optim.name=adamw", "freeze.bn=batch", "train.epochs=6", NULL},
    {"optim.name=sgd", "optim.on_thaw=keep", "train.epochs=4", "train.save_every=5", NULL},
    {"optim.name=adam", "freeze.bn=torch", "optim.clip=1", "train.epochs=30", NULL},
    {"freeze.rules=[thaw block, thaw head]", "train.epochs=500", "train.evaluate_every=3",
     "train.save_every=50", "optim.weight_decay=0.01", NULL},
};
enum { LIVE_KINDS = 4, LIVE_TAIL = 48, LIVE_KEPT = 4 };

struct live {
    struct screen screen;
    struct tiny tiny;
    struct session *session; // NULL: none
    struct app app;
    int number;      // of the run; 0: keeps no files
    char *directory; // NULL: keeps no files
    struct event_list past;
    bool (*door)(struct session *, const struct command *);
    int script;         // events of before to be done again
    bool settings_only; // since it last stood still nothing was sent but flags and what pauses
    struct command tail[LIVE_TAIL];
    int64_t sent, stop; // stop: the number of the command that ends it; 0: none
    int runs, sessions; // so far
};

static struct live *live_watched; // a door has no context of its own

static inline bool live_is_flags(const char *text) {
    return strncmp(text, "thaw ", 5) == 0 || strncmp(text, "freeze ", 7) == 0 ||
           strncmp(text, "only ", 5) == 0;
}

// Notes what the workbench sends.
static inline bool live_send(struct session *s, const struct command *c) {
    struct live *l = live_watched;
    if (!l->door(s, c))
        return false;
    l->tail[l->sent++ % LIVE_TAIL] = *c;
    l->stop = c->kind == COMMAND_STOP ? l->sent : l->stop;
    l->settings_only &= c->kind != COMMAND_REWIND && c->kind != COMMAND_STOP &&
                        (c->kind != COMMAND_APPLY || live_is_flags(c->text));
    return true;
}

static inline void live_print_tail(const struct live *l) {
    static const char *const kinds[] = {"apply",  "run",   "pause",  "steps",   "save",    "stop",
                                        "rewind", "probe", "verify", "suggest", "lr-find", "speed"};
    for (int64_t i = l->sent > LIVE_TAIL ? l->sent - LIVE_TAIL : 0; i < l->sent; i++) {
        const struct command *c = &l->tail[i % LIVE_TAIL];
        print_message("  %s %lld %d %s\n", kinds[c->kind], (long long)c->count, c->branch, c->text);
    }
}

// Fails with what led here.
#define LIVE_CHECK(l, condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            const struct snapshot *now_ = &(l)->app.scene.now;                                     \
            live_print_tail(l);                                                                    \
            print_message("run %s, session %d, step %lld of %lld, branch %d, state %d: %s\n",      \
                          (l)->directory ? (l)->directory : "without files", (l)->sessions,        \
                          (long long)now_->step, (long long)now_->total, now_->branch,             \
                          now_->state, now_->error.kind ? now_->error.text : "");                  \
            print_message("status line: %s\n", (l)->app.scene.message);                            \
            print_message(__VA_ARGS__);                                                            \
            fail_msg(": %s", #condition);                                                          \
        }                                                                                          \
    } while (0)

static inline char *live_directory(int number) {
    return number ? xprintf("runs/live-%d", number) : NULL;
}

static inline void live_open_tiny(struct tiny *t, int number) {
    tiny_open(t, 1 + number % 3, live_kinds[number % LIVE_KINDS]);
}

static inline void live_attach(struct live *l) {
    static char metrics[64];
    struct app_session s = {.session = l->session,
                            .experiment = &l->tiny.experiment,
                            .model = l->tiny.model,
                            .validation = trainer_training(l->session)->data.validation,
                            .pool = l->tiny.pool,
                            .directory = l->directory};
    snprintf(metrics, sizeof metrics, "%s/metrics.jsonl", l->directory ? l->directory : "");
    if (l->past.count > 0) {
        s.metrics = metrics;
        s.events = &l->past;
        s.note = "taken up where it stopped; r goes on";
    }
    l->door = l->session->send;
    l->session->send = live_send;
    l->sent = l->stop = 0;
    l->settings_only = l->script == 0;
    l->sessions++;
    live_watched = l;
    app_open(&l->app, &(struct app_options){.colour = true, .mouse = true}, "tiny");
    app_resize(&l->app, l->screen.rows, l->screen.columns);
    app_attach(&l->app, &s);
    app_draw(&l->app);
}

static inline struct trainer_options live_options(int number, bool paused) {
    return (struct trainer_options){
        .paused = paused, .interactive = true, .point_bytes = number % 2 ? 20000 : 1 << 22};
}

static inline void live_open(struct live *l, int number, bool paused) {
    l->number = number;
    l->directory = live_directory(number);
    l->script = 0;
    live_open_tiny(&l->tiny, number);
    l->session = start(&l->tiny, l->directory, live_options(number, paused));
    live_attach(l);
}

// Reads a run's saved state into a training of its own.
static inline void live_resume(struct live *l, struct tiny *t, struct run *run, int number,
                               struct event_list *later) {
    struct error error = {0};
    char *directory = live_directory(number);
    live_open_tiny(t, number);
    LIVE_CHECK(l, run_resume(run, directory, t->training, later, &error), "%s: %s\n", directory,
               error.text);
    free(directory);
}

static inline void live_read_events(struct live *l, const char *directory,
                                    struct event_list *events) {
    struct error error = {0};
    char *path = files_join(directory, "events.jsonl");
    LIVE_CHECK(l, event_read(path, events, &error), "%s\n", error.text);
    free(path);
}

static inline void live_take_up(struct live *l, int number) {
    struct run run;
    struct trainer_options options = live_options(number, true);
    l->number = number;
    l->directory = live_directory(number);
    live_resume(l, &l->tiny, &run, number, &options.script);
    live_read_events(l, l->directory, &l->past);
    l->script = options.script.count;
    l->session = trainer_start(l->tiny.training, &run, &options);
    l->tiny.training = NULL;
    live_attach(l);
}

// As app_run ends one: with its state saved, unless it is to be discarded or has not begun. Returns
// whether its thread has come to an end. One that is finished stays so: its last command tells.
static inline bool live_end(struct live *l) {
    int64_t version = -1;
    bool ends = !l->app.discard && l->app.scene.now.step > 0;
    if (ends && l->stop == 0) {
        while (!l->door(l->session, &(struct command){.kind = COMMAND_STOP}))
            l->session->wait(l->session, &version, 1000);
        l->stop = l->app.scene.sent + 1;
    }
    if (l->stop > 0) {
        wait_commands(l->session, l->stop);
        wait_until(l->session, ended);
    }
    app_update(&l->app);
    return l->stop > 0;
}

static inline void live_close(struct live *l) {
    app_close(&l->app);
    if (l->session)
        l->session->close(l->session);
    l->session = NULL;
    tiny_close(&l->tiny);
    event_list_close(&l->past);
    free(l->directory);
    l->directory = NULL;
}

#endif
