// The loop: at most some 30 drawings a second, only of what changed; the terminal is asked with a
// timeout, so that nothing waits for the trainer.
#include "base/clock.h"
#include "ui/workbench/app.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { FRAME = 33, EVENTS = 64 }; // milliseconds; events taken in before drawing

struct opening {
    const struct app_source *source;
    struct app_session session;
    struct error error;
    pthread_t thread;
    bool ok, joined;
    atomic_bool done;
};

static void *open_source(void *context) {
    struct opening *o = context;
    o->ok = o->source->open(o->source->context, &o->session, &o->error);
    atomic_store(&o->done, true);
    return NULL;
}

static bool start_opening(struct opening *o, struct error *error) {
    if (pthread_create(&o->thread, NULL, open_source, o) != 0)
        return error_run(error, "cannot start a thread to load the experiment");
    return true;
}

// Takes over the session once it is there. Ends the app when it could not be opened.
static bool take_session(struct app *a, struct opening *o) {
    if (o->joined || !atomic_load(&o->done))
        return false;
    pthread_join(o->thread, NULL);
    o->joined = true;
    if (o->ok)
        app_attach(a, &o->session);
    else
        a->state = APP_ENDED;
    return true;
}

// Events that are there, after waiting for the first one. Returns whether there were any.
static bool take_events(struct app *a, int milliseconds, bool *interrupted) {
    struct term_event e = term_read(milliseconds);
    bool any = e.key != TERM_NONE;
    for (int i = 0; e.key != TERM_NONE; i++) {
        if (e.key == TERM_QUIT) {
            *interrupted = true;
            return true;
        }
        if (e.key == TERM_RESIZE || e.key == TERM_CONTINUED) {
            int rows, columns;
            term_size(&rows, &columns);
            app_resize(a, rows, columns);
        }
        app_event(a, &e);
        e = i < EVENTS ? term_read(0) : (struct term_event){.key = TERM_NONE};
    }
    return any;
}

static void loop(struct app *a, struct opening *o, bool *interrupted) {
    bool changed = true;
    double drawn = -1;
    while (a->state != APP_ENDED && !*interrupted) {
        int since = (int)((clock_seconds() - drawn) * 1000);
        if (changed && since >= FRAME) {
            app_draw(a);
            term_flush();
            drawn = clock_seconds();
            changed = false;
            since = 0;
        }
        changed |= take_events(a, since < FRAME ? FRAME - since : FRAME, interrupted);
        changed |= take_session(a, o);
        changed |= app_update(a);
    }
}

// The terminal is given back already: the run ends its step and saves its state. A queue that is
// full has room again after that step.
static void end_session(struct session *session) {
    struct snapshot now;
    int64_t version = -1;
    bool sent = false;
    for (session->look(session, &now); now.state == SESSION_RUNNING || now.state == SESSION_PAUSED;
         session->look(session, &now)) {
        sent = sent || session->send(session, &(struct command){.kind = COMMAND_STOP});
        session->wait(session, &version, sent ? 1000 : 50);
    }
}

static void start_screen(struct app *a) {
    int rows, columns;
    term_size(&rows, &columns);
    app_resize(a, rows, columns);
    app_theme(a);
    char *history = preferences_history_path();
    if (history)
        prompt_load(&a->prompt, history);
    free(history);
}

static void finish(struct app *a, struct app_result *result) {
    char *history = preferences_history_path();
    if (history)
        prompt_save(&a->prompt, history);
    free(history);
    result->session = a->session;
    result->discard = a->discard;
    result->next = a->next;
    a->next = NULL;
    // What has not begun leaves nothing to save.
    if (a->session && !a->discard && a->scene.now.step > 0)
        end_session(a->session);
    app_close(a);
}

bool app_run(const struct app_options *options, const struct app_source *source,
             struct app_result *result, struct error *error) {
    static struct app a; // large
    static struct opening o;
    struct preferences preferences = preferences_load();
    o = (struct opening){.source = source};
    *result = (struct app_result){0};
    if (!term_start(&(struct term_options){options->mouse && preferences.mouse}, error))
        return false;
    app_open(&a, options, source->title);
    a.options.ascii |= !term_utf8();
    a.preferences = preferences;
    // The first frame stands before anything else asks for the processor.
    start_screen(&a);
    app_draw(&a);
    term_flush();
    bool ok = start_opening(&o, error);
    if (ok)
        loop(&a, &o, &result->interrupted);
    term_stop();
    result->loading = ok && !o.joined;
    if (o.joined && !o.ok)
        *error = o.error;
    finish(&a, result);
    return ok && (!o.joined || o.ok);
}
