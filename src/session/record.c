#include "session/record.h"
#include <jansson.h>
#include <math.h>
#include <stddef.h>

// JSON has no number for what is not finite: null.
static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *counts(const int64_t *from, int count) {
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_integer((json_int_t)from[i]));
    return list;
}

static json_t *matrix_json(const struct figures *f) {
    json_t *rows = json_array();
    for (int c = 0; c < f->classes; c++)
        json_array_append_new(rows, counts(f->matrix + (ptrdiff_t)c * f->classes, f->classes));
    return rows;
}

static json_t *per_class_json(const struct figures *f) {
    static const struct {
        const char *name;
        size_t at;
    } lists[] = {
        {"precision", offsetof(struct class_figures, precision)},
        {"recall", offsetof(struct class_figures, recall)},
        {"specificity", offsetof(struct class_figures, specificity)},
        {"f1", offsetof(struct class_figures, f1)},
        {"auroc", offsetof(struct class_figures, auroc)},
    };
    json_t *object = json_pack("{s:[], s:[]}", "class", "support");
    for (int c = 0; c < f->classes; c++) {
        json_array_append_new(json_object_get(object, "class"), json_string(f->names[c]));
        json_array_append_new(json_object_get(object, "support"),
                              json_integer((json_int_t)f->of_class[c].support));
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        json_t *list = json_array();
        for (int c = 0; c < f->classes; c++)
            json_array_append_new(
                list, number(*(const double *)((const char *)&f->of_class[c] + lists[i].at)));
        json_object_set_new(object, lists[i].name, list);
    }
    return object;
}

static void set_tally(json_t *object, const char *name, const struct tally *t) {
    if (!t->samples)
        return;
    json_t *tally = json_pack("{s:o, s:f, s:I}", "loss", number(tally_loss(t)), "accuracy",
                              tally_accuracy(t), "samples", (json_int_t)t->samples);
    if (t->tokens)
        json_object_set_new(tally, "perplexity", number(tally_perplexity(t)));
    json_object_set_new(object, name, tally);
}

static void set_evaluation(json_t *object, const char *name, const struct record *r,
                           const struct figures *f) {
    int most = r->kind == RECORD_TEST ? RECORD_TEST_CLASSES : RECORD_EPOCH_CLASSES;
    const struct tally *t = r->kind == RECORD_TEST ? &r->test : &r->validation;
    set_tally(object, name, t);
    json_t *evaluation = json_object_get(object, name);
    if (!evaluation || t->tokens)
        return;
    json_object_set_new(evaluation, "balanced_accuracy", number(t->scores.balanced_accuracy));
    json_object_set_new(evaluation, "macro_f1", number(t->scores.macro_f1));
    json_object_set_new(evaluation, "auroc", number(t->scores.auroc));
    if (!f || f->classes == 0 || f->classes > most)
        return;
    json_object_set_new(evaluation, "per_class", per_class_json(f));
    json_object_set_new(evaluation, "matrix", matrix_json(f));
}

// What it was before stands beside it, so that a line tells what was lost.
static void set_source(json_t *object, const struct record *r) {
    const struct tally *before = &r->source_before;
    set_tally(object, "source", &r->source);
    json_t *source = json_object_get(object, "source");
    if (!source || !before->samples)
        return;
    json_object_set_new(source, "loss_before", number(tally_loss(before)));
    json_object_set_new(source, "accuracy_before", json_real(tally_accuracy(before)));
}

static void set_step(json_t *object, const struct step_result *r) {
    json_object_set_new(object, "loss", json_real(tally_loss(&r->tally)));
    json_object_set_new(object, "accuracy", json_real(tally_accuracy(&r->tally)));
    json_object_set_new(object, "lr", json_real(r->lr));
    json_object_set_new(object, "gradient_norm", json_real(r->gradient_norm));
}

char *record_line(const struct record *r, const struct figures *figures) {
    static const char *const kinds[] = {"step", "epoch", "event", "test", "note"};
    json_t *object = json_pack("{s:s, s:i, s:I, s:I}", "kind", kinds[r->kind], "branch", r->branch,
                               "step", (json_int_t)r->step, "epoch", (json_int_t)r->epoch);
    if (r->kind == RECORD_STEP)
        set_step(object, &r->result);
    if (r->kind == RECORD_EPOCH) {
        set_tally(object, "train", &r->train);
        set_evaluation(object, "validation", r, figures);
        json_object_set_new(object, "best", json_boolean(r->best));
        json_object_set_new(object, "seconds", json_real(r->seconds));
        json_object_set_new(object, "thawed", json_integer((json_int_t)r->thawed));
        json_object_set_new(object, "parameters", json_integer((json_int_t)r->parameters));
    }
    if (r->kind == RECORD_TEST)
        set_evaluation(object, "test", r, figures);
    set_source(object, r);
    if (r->text[0])
        json_object_set_new(object, "text", json_string(r->text));
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(object);
    return line;
}
