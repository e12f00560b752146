#include "run/run_state.h"
#include "base/files.h"
#include "base/xalloc.h"
#include "checkpoint/load.h"
#include "checkpoint/safetensors.h"
#include "run/run_state_parts.h"
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Moments are saved in this build's layouts, under the parameter's name and one of these endings.
static const char *const endings[2] = {".first", ".second"};

static float **moment_of(const struct optim *o, int param, int which) {
    struct optim_state *s = &o->states[param];
    return which == 0 ? &s->first : &s->second;
}

static bool write_moments(const char *directory, const struct training *t, struct error *error) {
    int params = t->model->param_count, count = 0;
    struct tensor_out *out = xcalloc(2 * (size_t)params + 1, sizeof *out);
    for (int i = 0; i < 2 * params; i++) {
        const struct param *p = &t->model->params[i / 2];
        const float *moment = *moment_of(&t->optim, i / 2, i % 2);
        if (!moment)
            continue;
        out[count++] = (struct tensor_out){
            .name = xprintf("%s%s", p->name, endings[i % 2]),
            .dtype = DTYPE_F32,
            .dims = {.rank = 1, .size = {(int64_t)p->count}},
            .data = moment,
        };
    }
    char *path = files_join(directory, "moments.safetensors");
    bool ok = safetensors_write(path, out, count, NULL, 0, error);
    for (int i = 0; i < count; i++)
        free((void *)(uintptr_t)out[i].name);
    free(out);
    free(path);
    return ok;
}

// JSON has no number for a loss that is not finite: null.
json_t *run_state_tally(const struct tally *t) {
    json_t *loss = isfinite(t->loss) ? json_real(t->loss) : json_null();
    json_t *object = json_pack("{s:o, s:I, s:I}", "loss", loss, "correct", (json_int_t)t->correct,
                               "samples", (json_int_t)t->samples);
    if (t->tokens)
        json_object_set_new(object, "tokens", json_true());
    return object;
}

bool run_state_tally_restore(const json_t *object, struct tally *t) {
    json_int_t correct, samples;
    json_t *loss;
    if (json_unpack((json_t *)(uintptr_t)object, "{s:o, s:I, s:I}", "loss", &loss, "correct",
                    &correct, "samples", &samples) != 0 ||
        !(json_is_number(loss) || json_is_null(loss)))
        return false;
    *t = (struct tally){.loss = json_is_null(loss) ? NAN : json_number_value(loss),
                        .correct = correct,
                        .samples = samples,
                        .tokens = json_object_get(object, "tokens") ? samples : 0};
    return true;
}

static void set_score(json_t *object, const char *name, double score) {
    json_object_set_new(object, name, isfinite(score) ? json_real(score) : json_null());
}

json_t *run_state_evaluation(const struct tally *t) {
    json_t *object = run_state_tally(t);
    set_score(object, "balanced_accuracy", t->scores.balanced_accuracy);
    set_score(object, "macro_f1", t->scores.macro_f1);
    set_score(object, "auroc", t->scores.auroc);
    return object;
}

// States of before there were scores have none.
static bool score_restore(const json_t *object, const char *name, double *out) {
    const json_t *score = json_object_get(object, name);
    *out = json_is_number(score) ? json_number_value(score) : NAN;
    return !score || json_is_null(score) || json_is_number(score);
}

bool run_state_evaluation_restore(const json_t *object, struct tally *t) {
    return run_state_tally_restore(object, t) &&
           score_restore(object, "balanced_accuracy", &t->scores.balanced_accuracy) &&
           score_restore(object, "macro_f1", &t->scores.macro_f1) &&
           score_restore(object, "auroc", &t->scores.auroc);
}

// Per parameter: its hash where it is frozen, and the steps of the optimiser.
static json_t *params_state(const struct training *t) {
    json_t *all = json_object();
    for (int i = 0; i < t->model->param_count; i++) {
        json_t *p = json_pack("{s:I}", "steps", (json_int_t)t->optim.states[i].steps);
        char hash[24];
        snprintf(hash, sizeof hash, "%016" PRIx64, t->frozen[i]);
        if (!training_settings(t)->flags.thawed[i])
            json_object_set_new(p, "frozen", json_string(hash));
        json_object_set_new(all, t->model->params[i].name, p);
    }
    return all;
}

// What was done at a step.
static json_t *change_state(int64_t step, const char *text) {
    return json_pack("{s:I, s:s}", "step", (json_int_t)step, "do", text);
}

static json_t *texts_state(const struct settings_history *h) {
    json_t *texts = json_array();
    for (int i = 0; i < h->text_count; i++)
        json_array_append_new(texts, change_state(h->steps[i], h->texts[i]));
    return texts;
}

static json_t *script_state(const struct event_list *script) {
    json_t *events = json_array();
    for (int i = 0; i < script->count; i++)
        json_array_append_new(events, change_state(script->items[i].step, script->items[i].text));
    return events;
}

static json_t *reached_state(const struct run *run) {
    json_t *steps = json_array();
    for (int i = 0; i < run->branches; i++)
        json_array_append_new(steps, json_integer(run->reached[i]));
    return steps;
}

static bool restore_reached(const json_t *steps, struct run *run) {
    size_t count = json_array_size(steps);
    if (count == 0 || count > INT_MAX)
        return false;
    run->branches = (int)count;
    run->reached = xrealloc(run->reached, count * sizeof *run->reached);
    for (size_t i = 0; i < count; i++) {
        const json_t *step = json_array_get(steps, i);
        run->reached[i] = json_integer_value(step);
        if (!json_is_integer(step) || run->reached[i] < 0)
            return false;
    }
    return true;
}

static bool restore_change(const json_t *change, int64_t *step, const char **text) {
    json_int_t at;
    if (json_unpack((json_t *)(uintptr_t)change, "{s:I, s:s}", "step", &at, "do", text) != 0)
        return false;
    *step = at;
    return true;
}

static bool restore_script(const json_t *events, struct event_list *script) {
    size_t count = json_array_size(events);
    script->items = xcalloc(count, sizeof *script->items);
    for (size_t i = 0; i < count; i++) {
        int64_t step;
        const char *text;
        if (!restore_change(json_array_get(events, i), &step, &text))
            return false;
        script->items[script->count++] = (struct event){.step = step, .text = xstrdup(text)};
    }
    return json_is_array(events);
}

static bool write_json(const char *directory, const struct run *run, const struct training *t,
                       const struct run_marks *marks, struct error *error) {
    json_t *state =
        json_pack("{s:I, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "step",
                  (json_int_t)t->step, "branch", run->branch, "reached", reached_state(run),
                  "changes", texts_state(&t->history), "script", script_state(&marks->script),
                  "schedule", run_state_schedule(t), "epoch", run_state_tally(&t->epoch), "best",
                  run_state_evaluation(&run->best), "best_step", (json_int_t)run->best_step,
                  "metrics_bytes", (json_int_t)marks->metrics_bytes, "events_bytes",
                  (json_int_t)marks->events_bytes, "last_event", (json_int_t)marks->last_event,
                  "next_event", (json_int_t)marks->next_event, "params", params_state(t));
    if (t->data.source)
        json_object_set_new(state, "source_before", run_state_tally(&t->source_before));
    char *text = json_dumps(state, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    char *path = files_join(directory, "state.json");
    bool ok = files_write(path, text, strlen(text), error);
    free(path);
    free(text);
    json_decref(state);
    return ok;
}

bool run_state_write(const char *directory, const struct run *run, const struct training *t,
                     const struct run_marks *marks, struct error *error) {
    char *path = files_join(directory, "weights.safetensors");
    bool ok = save_weights(&t->weights, path, NULL, 0, error) &&
              run_state_write_best(directory, t, error) && write_moments(directory, t, error) &&
              write_json(directory, run, t, marks, error);
    free(path);
    return ok;
}

static bool restore_param(const json_t *all, struct training *t, int i) {
    json_t *object = json_object_get(all, t->model->params[i].name);
    json_int_t steps;
    if (!object || json_unpack(object, "{s:I}", "steps", &steps) != 0 || steps < 0)
        return false;
    t->optim.states[i].steps = steps;
    const json_t *hash = json_object_get(object, "frozen");
    if (hash && json_is_string(hash))
        t->frozen[i] = strtoull(json_string_value(hash), NULL, 16);
    return true;
}

// Settings follow from the experiment and what was applied.
static bool restore_history(const json_t *texts, struct training *t, struct error *error) {
    struct settings_history h = settings_history_prefix(&t->history, 0);
    bool ok = json_is_array(texts);
    for (size_t i = 0; ok && i < json_array_size(texts); i++) {
        const char *text;
        ok = restore_change(json_array_get(texts, i), &h.step, &text) &&
             settings_history_apply(&h, text, error);
    }
    if (ok)
        return training_restore(t, h, error);
    settings_history_close(&h);
    return false;
}

static bool restore_json(const json_t *state, struct run *run, struct training *t,
                         struct run_marks *marks, struct error *error) {
    json_int_t step, best_step, metrics, events, last, next;
    json_t *epoch, *best, *params, *texts, *script, *reached, *schedule;
    if (json_unpack((json_t *)(uintptr_t)state,
                    "{s:I, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o}",
                    "step", &step, "branch", &run->branch, "reached", &reached, "changes", &texts,
                    "script", &script, "schedule", &schedule, "epoch", &epoch, "best", &best,
                    "best_step", &best_step, "metrics_bytes", &metrics, "events_bytes", &events,
                    "last_event", &last, "next_event", &next, "params", &params) != 0)
        return false;
    if (!restore_history(texts, t, error) || step < 0 || step > t->total || last < 0 ||
        next <= last || !restore_reached(reached, run) || run->branch < 0 ||
        run->branch >= run->branches || !run_state_tally_restore(epoch, &t->epoch) ||
        !run_state_schedule_restore(schedule, t) ||
        !run_state_evaluation_restore(best, &run->best) ||
        (t->data.source &&
         !run_state_tally_restore(json_object_get(state, "source_before"), &t->source_before)) ||
        !restore_script(script, &marks->script))
        return false;
    t->step = step;
    run->best_step = best_step;
    marks->metrics_bytes = metrics;
    marks->events_bytes = events;
    marks->last_event = last;
    marks->next_event = next;
    for (int i = 0; i < t->model->param_count; i++)
        if (!restore_param(params, t, i))
            return false;
    return true;
}

static bool read_json(const char *directory, struct run *run, struct training *t,
                      struct run_marks *marks, struct error *error) {
    char *path = files_join(directory, "state.json");
    json_error_t problem;
    struct error refused = {0};
    json_t *state = json_load_file(path, JSON_REJECT_DUPLICATES, &problem);
    bool ok = state && restore_json(state, run, t, marks, &refused);
    const char *why = state ? refused.text : problem.text;
    if (refused.kind == ERROR_RUN) // it is one, but does not fit in memory now
        error_run(error, "%s: %s", path, why);
    else if (!ok)
        error_set(error, "%s: not a state of this experiment%s%s", path, *why ? ": " : "", why);
    json_decref(state);
    free(path);
    return ok;
}

// One that the file does not have is none.
static bool read_moment(const struct safetensors *file, struct training *t, int param, int which,
                        struct error *error) {
    const struct param *p = &t->model->params[param];
    char *name = xprintf("%s%s", p->name, endings[which]);
    const struct tensor_entry *entry = safetensors_find(file, name);
    free(name);
    if (!entry)
        return true;
    if (dims_count(entry->dims) != p->count)
        return error_set(error, "%s has %zu numbers, not %zu", entry->name, dims_count(entry->dims),
                         p->count);
    float **moment = moment_of(&t->optim, param, which);
    *moment = xcalloc(p->count, sizeof **moment);
    tensor_to_float(entry, *moment);
    return true;
}

static bool read_moments(const char *directory, struct training *t, struct error *error) {
    char *path = files_join(directory, "moments.safetensors");
    struct safetensors file;
    bool ok = safetensors_open(&file, path, error);
    if (ok) {
        int found = 0;
        for (int i = 0; ok && i < 2 * t->model->param_count; i++) {
            ok = read_moment(&file, t, i / 2, i % 2, error) || error_prefix(error, "%s: ", path);
            found += *moment_of(&t->optim, i / 2, i % 2) != NULL;
        }
        if (ok && found != file.count)
            ok = error_set(error, "%s: %d of its tensors are no moments of this model", path,
                           file.count - found);
        safetensors_close(&file);
    }
    free(path);
    return ok;
}

static bool read_weights(const char *directory, struct training *t, struct error *error) {
    char *path = files_join(directory, "weights.safetensors");
    struct weight_file file;
    bool ok = weight_file_open(&file, path, error);
    if (ok) {
        free(t->start);
        t->start = xmemdup(t->weights.data, t->model->weight_floats * sizeof *t->start);
        ok = load_weights(&t->weights, &file, &(struct load_options){0}, NULL, error) ||
             error_prefix(error, "%s: ", path);
        weight_file_close(&file);
    }
    free(path);
    return ok;
}

bool run_state_read(const char *directory, struct run *run, struct training *t,
                    struct run_marks *marks, struct error *error) {
    return read_weights(directory, t, error) && run_state_read_best(directory, t, error) &&
           read_moments(directory, t, error) && read_json(directory, run, t, marks, error);
}
