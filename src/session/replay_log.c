#include "session/replay_log.h"
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "session/event.h"
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t SAMPLES_MAX = (int64_t)1 << 40;

struct reading {
    struct replay_log *log;
    struct event_list events; // of the path alone
    int64_t batch;
    char why[JSON_ERROR_TEXT_LENGTH]; // what is wrong with the line at hand
};

static bool wrong(struct reading *r, const char *why) {
    snprintf(r->why, sizeof r->why, "%s", why);
    return false;
}

// The file holds means; a tally holds sums.
static bool set_tally(struct reading *r, struct tally *t, double loss, double accuracy,
                      int64_t samples) {
    if (!(accuracy >= 0 && accuracy <= 1))
        return wrong(r, "an accuracy is not between 0 and 1");
    if (samples < 1 || samples > SAMPLES_MAX)
        return wrong(r, "there are no samples");
    double n = (double)samples;
    *t = (struct tally){.loss = loss * n, .correct = llround(accuracy * n), .samples = samples};
    return true;
}

static bool parse_step(struct reading *r, json_t *object, struct record *out) {
    struct step_result *s = &out->result;
    json_error_t problem;
    double loss, accuracy;
    if (json_unpack_ex(object, &problem, 0, "{s:F, s:F, s:F, s:F}", "loss", &loss, "accuracy",
                       &accuracy, "lr", &s->lr, "gradient_norm", &s->gradient_norm) != 0)
        return wrong(r, problem.text);
    s->clip_scale = NAN;
    s->batch = r->batch;
    return set_tally(r, &s->tally, loss, accuracy, r->batch);
}

// A loss of null was not finite.
static bool parse_tally(struct reading *r, json_t *object, const char *name, struct tally *out) {
    json_error_t problem;
    json_t *loss;
    double accuracy;
    json_int_t samples;
    if (json_unpack_ex(object, &problem, 0, "{s:{s:o, s:F, s:I}}", name, "loss", &loss, "accuracy",
                       &accuracy, "samples", &samples) != 0)
        return wrong(r, problem.text);
    if (!json_is_number(loss) && !json_is_null(loss))
        return wrong(r, "a loss is no number");
    if (!set_tally(r, out, json_is_null(loss) ? NAN : json_number_value(loss), accuracy, samples))
        return false;
    out->tokens = json_object_get(json_object_get(object, name), "perplexity") ? samples : 0;
    return true;
}

// Runs of before there were scores have none; null: it was not defined.
static bool parse_score(struct reading *r, const json_t *evaluation, const char *name,
                        double *out) {
    const json_t *score = json_object_get(evaluation, name);
    *out = json_is_number(score) ? json_number_value(score) : NAN;
    if (!score || json_is_null(score) || (*out >= 0 && *out <= 1))
        return true;
    return wrong(r, "a score is not between 0 and 1");
}

static bool parse_evaluation(struct reading *r, json_t *object, const char *name,
                             struct tally *out) {
    const json_t *evaluation = json_object_get(object, name);
    return parse_tally(r, object, name, out) &&
           parse_score(r, evaluation, "balanced_accuracy", &out->scores.balanced_accuracy) &&
           parse_score(r, evaluation, "macro_f1", &out->scores.macro_f1) &&
           parse_score(r, evaluation, "auroc", &out->scores.auroc);
}

// Where an experiment has no old task to look at, there is none.
static bool parse_source(struct reading *r, json_t *object, struct record *out) {
    const json_t *source = json_object_get(object, "source");
    if (!source)
        return true;
    if (!parse_tally(r, object, "source", &out->source))
        return false;
    const json_t *accuracy = json_object_get(source, "accuracy_before"),
                 *loss = json_object_get(source, "loss_before");
    return !accuracy ||
           set_tally(r, &out->source_before, json_is_number(loss) ? json_number_value(loss) : NAN,
                     json_is_number(accuracy) ? json_number_value(accuracy) : NAN,
                     out->source.samples);
}

static bool parse_epoch(struct reading *r, json_t *object, struct record *out) {
    json_error_t problem;
    int best;
    if (json_unpack_ex(object, &problem, 0, "{s:b, s:F}", "best", &best, "seconds",
                       &out->seconds) != 0)
        return wrong(r, problem.text);
    out->best = best;
    if (out->step % out->epoch != 0)
        return wrong(r, "the epoch cannot end at this step");
    return parse_tally(r, object, "train", &out->train) && parse_source(r, object, out) &&
           (!json_object_get(object, "validation") ||
            parse_evaluation(r, object, "validation", &out->validation));
}

static bool parse_kind(struct reading *r, json_t *object, const char *kind, struct record *out) {
    if (strcmp(kind, "step") == 0) {
        out->kind = RECORD_STEP;
        return parse_step(r, object, out);
    }
    if (strcmp(kind, "epoch") == 0) {
        out->kind = RECORD_EPOCH;
        return parse_epoch(r, object, out);
    }
    if (strcmp(kind, "test") == 0) {
        out->kind = RECORD_TEST;
        return parse_evaluation(r, object, "test", &out->test) && parse_source(r, object, out);
    }
    return wrong(r, "its kind is none of step, epoch and test");
}

static bool parse_record(struct reading *r, const char *line, size_t length, struct record *out) {
    json_error_t problem;
    const char *kind;
    json_int_t branch, step, epoch;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
    bool ok = object && json_unpack_ex(object, &problem, 0, "{s:s, s:I, s:I, s:I}", "kind", &kind,
                                       "branch", &branch, "step", &step, "epoch", &epoch) == 0;
    if (!ok)
        wrong(r, problem.text);
    else if (branch < 0 || branch > INT_MAX || step < 1 || epoch < 1)
        ok = wrong(r, "a branch, step or epoch is out of range");
    else {
        *out = (struct record){.branch = (int)branch, .step = step, .epoch = epoch};
        ok = parse_kind(r, object, kind, out);
    }
    json_decref(object);
    return ok;
}

// The path leaves a branch where the next one begins. -1: it does not come by this branch.
static int64_t last_step_of(const struct event_list *events, int branch) {
    for (int i = events->count - 1; i >= 0; i--)
        if (events->items[i].branch == branch)
            return i + 1 < events->count ? events->items[i + 1].step : INT64_MAX;
    return -1;
}

static struct record *append(struct replay_log *log) {
    log->items = xrealloc(log->items, ((size_t)log->count + 1) * sizeof *log->items);
    log->items[log->count] = (struct replay_item){0};
    return &log->items[log->count++].record;
}

// Steps rise by one; epochs and tests follow their step.
static bool in_order(struct reading *r, const struct record *now) {
    const struct replay_log *log = r->log;
    int64_t before = log->count ? log->items[log->count - 1].record.step : 0;
    if (now->step != before + (now->kind == RECORD_STEP))
        return wrong(r, "its step does not follow the one before");
    return true;
}

static bool add_line(struct reading *r, const char *line, size_t length) {
    struct record record;
    struct replay_log *log = r->log;
    if (!parse_record(r, line, length, &record))
        return false;
    if (record.step > last_step_of(&r->events, record.branch))
        return true;
    if (!in_order(r, &record))
        return false;
    if (record.kind == RECORD_EPOCH && log->epoch_steps == 0)
        log->epoch_steps = record.step / record.epoch;
    if (record.kind == RECORD_EPOCH && record.step != record.epoch * log->epoch_steps)
        return wrong(r, "its epoch is longer or shorter than the first one");
    *append(log) = record;
    return true;
}

static bool read_metrics(struct reading *r, const char *path, struct error *error) {
    struct mapping file;
    if (!mapping_open(&file, path, error))
        return false;
    const char *at = (const char *)file.data, *end = at + file.size, *line;
    size_t length;
    bool ok = true;
    for (int number = 1; ok && (line = text_line(&at, end, &length)); number++)
        if (!(ok = add_line(r, line, length)))
            error_set(error,
                      "%s:%d: not a record (%s); each line is what thaw wrote to a metrics.jsonl",
                      path, number, r->why);
    mapping_close(&file);
    if (ok && r->log->count == 0)
        return error_set(error, "%s: holds no step of this branch, so there is nothing to replay",
                         path);
    return ok;
}

// An epoch's last batch holds what is left. Rounding up to a whole batch and back keeps the count.
static void fit_samples(struct replay_log *log, int64_t batch) {
    int64_t all = 0;
    for (int i = 0; i < log->count && all == 0; i++)
        all = log->items[i].record.train.samples;
    int64_t rest = all - (log->epoch_steps - 1) * batch;
    if (all == 0 || rest < 1 || rest >= batch)
        return;
    for (int i = 0; i < log->count; i++) {
        struct record *r = &log->items[i].record;
        struct tally *t = &r->result.tally;
        if (r->kind != RECORD_STEP || r->step % log->epoch_steps != 0)
            continue;
        double share = (double)rest / (double)batch;
        *t = (struct tally){t->loss * share, llround((double)t->correct * share), rest};
        r->result.batch = rest;
    }
}

static int64_t epoch_at(const struct replay_log *log, int64_t step) {
    return log->epoch_steps ? step / log->epoch_steps + 1 : 1;
}

static struct replay_item item_of(const struct replay_log *log, const struct event *e) {
    struct replay_item item = {.record = {.kind = RECORD_EVENT, .step = e->step}};
    item.record.branch = (int)e->branch;
    item.record.epoch = epoch_at(log, e->step);
    snprintf(item.record.text, sizeof item.record.text, "%s: %s", e->who, e->text);
    if (strcmp(e->who, "thaw") != 0 && strcmp(e->text, "rewind") != 0)
        item.setting = xstrdup(e->text);
    return item;
}

// From the end on, so that every item moves once.
static void merge_events(struct replay_log *log, const struct event_list *events) {
    int from = log->count - 1, event = events->count - 1;
    log->count += events->count;
    log->items = xrealloc(log->items, ((size_t)log->count + 1) * sizeof *log->items);
    for (int to = log->count - 1; event >= 0; to--) {
        bool later = from >= 0 && log->items[from].record.step > events->items[event].step;
        log->items[to] = later ? log->items[from--] : item_of(log, &events->items[event--]);
    }
}

static bool read_events(struct reading *r, const char *path, int branch, struct error *error) {
    struct event_list *events = &r->events;
    if (!event_read(path, events, error))
        return false;
    if (events->count == 0)
        return error_set(error, "%s: holds no event, so there is nothing to replay", path);
    if (branch < 0)
        branch = (int)events->items[events->count - 1].branch;
    return event_keep_branch(events, branch, error) || error_prefix(error, "%s: ", path);
}

bool replay_log_read(struct replay_log *log, const char *directory, int branch, int64_t batch,
                     struct error *error) {
    *log = (struct replay_log){0};
    struct reading r = {.log = log, .batch = batch};
    char *metrics = files_join(directory, "metrics.jsonl");
    char *events = files_join(directory, "events.jsonl");
    bool ok = read_events(&r, events, branch, error) && read_metrics(&r, metrics, error);
    if (ok) {
        fit_samples(log, batch);
        merge_events(log, &r.events);
    } else {
        replay_log_close(log);
    }
    event_list_close(&r.events);
    free(metrics);
    free(events);
    return ok;
}

void replay_log_close(struct replay_log *log) {
    for (int i = 0; i < log->count; i++)
        free(log->items[i].setting);
    free(log->items);
    *log = (struct replay_log){0};
}
