#include "ui/cli/workbench_open.h"
#include "base/files.h"
#include "base/xalloc.h"
#include "models/experiments.h"
#include "session/trainer.h"
#include "ui/cli/cli.h"
#include "ui/timing.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const size_t POINT_BYTES = (size_t)256 << 20;
static const double DEMONSTRATION_SPEED = 15; // steps a second

bool opening_is_run(const char *name) {
    char *path = files_join(name, "experiment.yaml");
    bool is = files_exist(path);
    free(path);
    return is;
}

// The demonstration begins with the head alone, so that there is something to find out, and lasts
// long enough to do so.
static bool read_demonstration(struct experiment *e, struct error *error) {
    return cli_read_experiment(e, built_in_experiments[0].name, error) &&
           experiment_set(e, "freeze.rules=[thaw head]", error) &&
           experiment_set(e, "train.epochs=120", error);
}

bool opening_experiment(struct experiment *e, const char *name, bool *is_run, struct error *error) {
    *is_run = opening_is_run(name);
    char *path = *is_run ? files_join(name, "experiment.yaml") : xstrdup(name);
    bool ok = cli_read_experiment(e, path, error);
    free(path);
    return ok;
}

static bool read_subject(struct opening *o, struct error *error) {
    const char *subject = o->request->subject;
    return subject ? opening_experiment(&o->experiment, subject, &o->resume, error)
                   : read_demonstration(&o->experiment, error);
}

bool opening_read(struct opening *o, const struct open_request *request, struct error *error) {
    *o = (struct opening){.request = request};
    bool ok = read_subject(o, error);
    if (ok && o->resume && (request->sets.count || request->out || request->budget > 0))
        return error_set(error,
                         "%s is a run, which goes on as it was: without --set, --out and --budget",
                         request->subject);
    return ok && cli_apply_sets(&request->sets, &o->experiment, error) &&
           experiment_check(&o->experiment, error);
}

static bool take_up(struct opening *o, struct training *t, struct run *run,
                    struct event_list *script, struct error *error) {
    o->directory = xstrdup(o->request->subject);
    o->metrics = files_join(o->directory, "metrics.jsonl");
    snprintf(o->note, sizeof o->note, "taken up where it stopped; r goes on");
    char *events = files_join(o->directory, "events.jsonl");
    bool ok =
        run_resume(run, o->directory, t, script, error) && event_read(events, &o->events, error);
    free(events);
    return ok;
}

// Without a place to write, the workbench still works when nobody asked for that place.
static bool begin(struct opening *o, struct run *run, struct error *error) {
    const char *out = o->request->out;
    o->own = !out;
    o->directory = out ? xstrdup(out) : cli_free_directory(o->experiment.name);
    if (run_create(run, o->directory, &o->experiment, error))
        return true;
    if (out)
        return false;
    snprintf(o->note, sizeof o->note, "this session keeps no files: %.400s", error->text);
    run_close(run);
    free(o->directory);
    o->directory = NULL;
    return true;
}

static bool open_run(struct opening *o, struct training *t, struct run *run,
                     struct event_list *script, struct error *error) {
    return o->resume ? take_up(o, t, run, script, error) : begin(o, run, error);
}

// As many epochs as the budget has room for with everything thawed; from then on they are the
// experiment's.
static bool size(struct opening *o, struct error *error) {
    double budget = o->request->budget;
    if (!(budget > 0))
        return true;
    return timing_budget(&o->experiment, budget, o->request->threads, "thaw all", error);
}

// A budget is used up however little is thawed, and the demonstration waits for who looks at it.
static double speed(const struct opening *o, const struct training *t) {
    const struct open_request *r = o->request;
    if (r->speed >= 0)
        return r->speed;
    if (r->budget > 0)
        return fmax((double)t->total / r->budget, 1);
    return r->subject ? 0 : DEMONSTRATION_SPEED;
}

bool opening_start(void *context, struct app_session *out, struct error *error) {
    struct opening *o = context;
    struct run run = {0};
    struct trainer_options options = {
        .paused = o->request->paused || o->resume, .interactive = true, .point_bytes = POINT_BYTES};
    if (!size(o, error) || !setup_open(&o->setup, &o->experiment, o->request->threads, error))
        return false;
    struct training *t = setup_training(&o->setup, error);
    if (!t)
        return false;
    if (!open_run(o, t, &run, &options.script, error)) {
        run_close(&run);
        event_list_close(&options.script);
        training_close(t);
        return false;
    }
    options.speed = speed(o, t);
    *out = (struct app_session){
        .experiment = &o->experiment,
        .model = o->setup.model,
        .validation = t->data.validation,
        .pool = o->setup.pool,
        .directory = o->directory,
        .metrics = o->metrics,
        .events = &o->events,
        .note = o->note[0] ? o->note : NULL,
    };
    out->session = trainer_start(t, &run, &options);
    return true;
}

void opening_close(struct opening *o, bool unused) {
    if (o->own && unused && o->directory) {
        files_remove(o->directory);
        rmdir("runs"); // when it is empty now
    }
    setup_close(&o->setup);
    experiment_close(&o->experiment);
    free(o->directory);
    free(o->metrics);
    event_list_close(&o->events);
    *o = (struct opening){0};
}
