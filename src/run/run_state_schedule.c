// How far the schedule has come, in a saved state.
#include "base/files.h"
#include "base/xalloc.h"
#include "checkpoint/load.h"
#include "run/run_state_parts.h"
#include <math.h>
#include <stdlib.h>

static json_t *watch_state(const struct schedule_watch *w) {
    json_t *best = w->seen && isfinite(w->best) ? json_real(w->best) : json_null();
    return json_pack("{s:b, s:o, s:i}", "seen", w->seen, "best", best, "stale", w->stale);
}

static bool watch_restore(const json_t *object, struct schedule_watch *w) {
    int seen, stale;
    json_t *best;
    if (json_unpack((json_t *)(uintptr_t)object, "{s:b, s:o, s:i}", "seen", &seen, "best", &best,
                    "stale", &stale) != 0 ||
        !(json_is_number(best) || json_is_null(best)) || stale < 0)
        return false;
    *w = (struct schedule_watch){
        .seen = seen,
        .best = json_is_null(best) ? NAN : json_number_value(best),
        .stale = stale,
    };
    return true;
}

json_t *run_state_schedule(const struct training *t) {
    const struct schedule_state *s = &t->scheduled;
    json_t *best = t->best_weights ? run_state_evaluation(&t->best) : json_null();
    return json_pack("{s:i, s:I, s:o, s:o, s:o}", "next", s->next, "since", (json_int_t)s->since,
                     "phase", watch_state(&s->phase), "stop", watch_state(&s->stop), "best", best);
}

bool run_state_schedule_restore(const json_t *object, struct training *t) {
    struct schedule_state *s = &t->scheduled;
    json_int_t since;
    json_t *phase, *stop, *best;
    if (json_unpack((json_t *)(uintptr_t)object, "{s:i, s:I, s:o, s:o, s:o}", "next", &s->next,
                    "since", &since, "phase", &phase, "stop", &stop, "best", &best) != 0)
        return false;
    s->since = since;
    return s->next >= 0 && s->next <= t->schedule.count && watch_restore(phase, &s->phase) &&
           watch_restore(stop, &s->stop) && json_is_null(best) == (t->best_weights == NULL) &&
           (json_is_null(best) || run_state_evaluation_restore(best, &t->best));
}

static char *best_path(const char *directory) {
    return files_join(directory, "best.safetensors");
}

bool run_state_write_best(const char *directory, const struct training *t, struct error *error) {
    struct weights best = {.model = t->model, .data = t->best_weights};
    char *path = best_path(directory);
    bool ok = !t->best_weights || save_weights(&best, path, NULL, 0, error);
    free(path);
    return ok;
}

bool run_state_read_best(const char *directory, struct training *t, struct error *error) {
    char *path = best_path(directory);
    struct weight_file file;
    bool there = files_exist(path), ok = !there || weight_file_open(&file, path, error);
    free(t->best_weights);
    t->best_weights = NULL;
    if (there && ok) {
        struct weights best = weights_open(t->model);
        ok = load_weights(&best, &file, &(struct load_options){0}, NULL, error) ||
             error_prefix(error, "%s: ", path);
        t->best_weights = xmemdup(best.data, t->model->weight_floats * sizeof *best.data);
        weights_close(&best);
        weight_file_close(&file);
    }
    free(path);
    return ok;
}
