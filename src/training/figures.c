#include "training/figures.h"

#include "base/xalloc.h"
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static double ratio(int64_t part, int64_t whole) {
    return whole > 0 ? (double)part / (double)whole : NAN;
}

static void count(struct figures *f, const struct predictions *p) {
    f->samples = p->count;
    for (int i = 0; i < p->count; i++) {
        f->matrix[(ptrdiff_t)p->label[i] * f->classes + p->predicted[i]]++;
        f->of_class[p->label[i]].support++;
        f->of_class[p->predicted[i]].predicted++;
        f->correct += p->label[i] == p->predicted[i];
    }
}

static void divide(struct figures *f, int class) {
    struct class_figures *c = &f->of_class[class];
    int64_t right = f->matrix[(ptrdiff_t) class * f->classes + class];
    int64_t others = f->samples - c->support, wrongly = c->predicted - right;
    c->precision = ratio(right, c->predicted);
    c->recall = ratio(right, c->support);
    c->specificity = ratio(others - wrongly, others);
    c->f1 = ratio(2 * right, c->support + c->predicted);
}

// AUROC

static int by_score(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

// How many of the rising scores are below `score`; with `equal`, below it or equal.
static int count_below(const float *scores, int count, float score, bool equal) {
    int low = 0;
    for (int high = count; low < high;) {
        int middle = low + (high - low) / 2;
        if (scores[middle] < score || (equal && scores[middle] == score))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// The scores of the class's samples into `out`; false when one of any sample is not finite, as of a
// network that has diverged.
static bool positive_scores(const struct predictions *p, int class, float *out) {
    for (int i = 0; i < p->count; i++) {
        float score = p->probability[(ptrdiff_t)i * p->classes + class];
        if (!isfinite(score))
            return false;
        if (p->label[i] == class)
            *out++ = score;
    }
    return true;
}

static double auroc(const struct predictions *p, int class, int positives, float *room) {
    int64_t negatives = p->count - positives, halves = 0; // half pairs won by a positive
    if (!positive_scores(p, class, room) || !positives || !negatives)
        return NAN;
    qsort(room, (size_t)positives, sizeof *room, by_score);
    for (int i = 0; i < p->count; i++) {
        if (p->label[i] == class)
            continue;
        float score = p->probability[(ptrdiff_t)i * p->classes + class];
        halves += 2 * (int64_t)positives - count_below(room, positives, score, false) -
                  count_below(room, positives, score, true);
    }
    return (double)halves / 2 / ((double)positives * (double)negatives);
}

// The mean of a figure over the classes that have it.
static double mean(const struct figures *f, size_t at) {
    double sum = 0;
    int64_t known = 0;
    for (int c = 0; c < f->classes; c++) {
        double value = *(const double *)((const char *)&f->of_class[c] + at);
        sum += isnan(value) ? 0 : value;
        known += !isnan(value);
    }
    return known ? sum / (double)known : NAN;
}

struct figures figures_of(const struct predictions *p, char *const *names) {
    size_t classes = (size_t)p->classes;
    struct figures f = {.classes = p->classes, .names = names};
    f.matrix = xcalloc(classes * classes + 1, sizeof *f.matrix);
    f.of_class = xcalloc(classes + 1, sizeof *f.of_class);
    float *room = xmalloc(((size_t)p->count + 1) * sizeof *room);
    count(&f, p);
    for (int c = 0; c < f.classes; c++) {
        divide(&f, c);
        f.of_class[c].auroc = auroc(p, c, (int)f.of_class[c].support, room);
    }
    free(room);
    f.scores = (struct scores){
        .balanced_accuracy = mean(&f, offsetof(struct class_figures, recall)),
        .macro_f1 = mean(&f, offsetof(struct class_figures, f1)),
        .auroc =
            f.classes == 2 ? f.of_class[1].auroc : mean(&f, offsetof(struct class_figures, auroc)),
    };
    return f;
}

bool figures_evaluate(struct training *t, const struct dataset *data, struct tally *out,
                      struct predictions *predictions, struct figures *figures,
                      struct error *error) {
    bool classes = !model_is_language(t->model);
    *predictions = (struct predictions){0};
    *figures = (struct figures){0};
    if (!training_evaluate(t, data, out, predictions, error))
        return false;
    if (classes)
        *figures = figures_of(predictions, data->class_names);
    out->scores = classes ? figures->scores : (struct scores){NAN, NAN, NAN};
    return true;
}

void figures_close(struct figures *f) {
    free(f->matrix);
    free(f->of_class);
    *f = (struct figures){0};
}

// Returns the end of the text.
static int add_score(char *out, int at, const char *name, const char *format, double value) {
    at += snprintf(out + at, (size_t)(SCORES_TEXT - at), "%s", name);
    return at + (isnan(value) ? snprintf(out + at, (size_t)(SCORES_TEXT - at), "-")
                              : snprintf(out + at, (size_t)(SCORES_TEXT - at), format, value));
}

const char *scores_text(const struct scores *s, char out[SCORES_TEXT]) {
    int at = add_score(out, 0, "balanced accuracy ", "%.2f %%", 100 * s->balanced_accuracy);
    at = add_score(out, at, ", macro-F1 ", "%.4f", s->macro_f1);
    add_score(out, at, ", AUROC ", "%.4f", s->auroc);
    return out;
}

double figures_accuracy(const struct figures *f) {
    return ratio(f->correct, f->samples);
}
