// The answers of `thaw predict`, as a table or as JSON.
#include "base/xalloc.h"
#include "datasets/pictures.h"
#include "ui/cli/predict.h"
#include <stdlib.h>
#include <string.h>

static const struct table_column of_pictures[] = {
    {"picture", false}, {"class", false}, {"probability", true}};
static const struct table_column of_texts[] = {
    {"text", false}, {"class", false}, {"probability", true}};
static const struct table_column of_samples[] = {
    {"sample", true}, {"label", false}, {"class", false}, {"probability", true}};

void predict_printer_open(struct predict_printer *p, const struct predict_subject *s, int top,
                          bool json) {
    *p = (struct predict_printer){.subject = s, .json = json};
    p->top = top < s->data->classes ? top : s->data->classes;
    p->table = s->labelled     ? table_open(of_samples, 4)
               : s->data->show ? table_open(of_texts, 3)
                               : table_open(of_pictures, 3);
}

// The likeliest class that is not taken yet, which it takes.
static int take_likeliest(const float *probability, bool *taken, int classes) {
    int best = -1;
    for (int c = 0; c < classes; c++)
        if (!taken[c] && (best < 0 || probability[c] > probability[best]))
            best = c;
    taken[best] = true;
    return best;
}

int *predict_best(const float *probability, int classes, int top) {
    bool *taken = xcalloc((size_t)classes, sizeof *taken);
    int *best = xmalloc((size_t)top * sizeof *best);
    for (int i = 0; i < top; i++)
        best[i] = take_likeliest(probability, taken, classes);
    free(taken);
    return best;
}

// Names of files need not be UTF-8.
json_t *predict_text_json(const char *text) {
    json_t *json = json_string(text);
    if (json)
        return json;
    char *plain = xstrdup(text);
    for (char *at = plain; *at; at++)
        *at = *at & 0x80 ? '?' : *at;
    json = json_string(plain);
    free(plain);
    return json;
}

char *predict_name(const struct dataset *d, int index) {
    struct sample_text shown;
    if (!d->show)
        return xstrdup(pictures_path(d, index));
    d->show(d, index, &shown);
    free(shown.tokens);
    return shown.text;
}

char *predict_shorten(char *text) {
    enum { MOST = 50 };
    size_t length = strlen(text), cut = MOST - 3;
    if (length <= MOST)
        return text;
    while ((text[cut] & 0xc0) == 0x80)
        cut--;
    return strcpy(text + cut, "...") - cut;
}

void predict_print_line(json_t *object) {
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    printf("\n");
    fflush(stdout);
    json_decref(object);
}

static void add_name(json_t *object, const struct dataset *d, int index) {
    char *name = predict_name(d, index);
    json_object_set_new(object, d->show ? "text" : "picture", predict_text_json(name));
    free(name);
}

static void print_json(const struct predict_printer *p, const int *classes,
                       const float *probability, int label, int index) {
    const struct dataset *d = p->subject->data;
    json_t *object = json_object(), *list = json_array();
    if (p->subject->labelled) {
        json_object_set_new(object, "sample", json_integer(index));
        json_object_set_new(object, "label", json_string(d->class_names[label]));
    }
    if (d->show || !p->subject->labelled)
        add_name(object, d, index);
    for (int i = 0; i < p->top; i++)
        json_array_append_new(list, json_pack("{s:s, s:f}", "class", d->class_names[classes[i]],
                                              "probability", (double)probability[classes[i]]));
    json_object_set_new(object, "classes", list);
    predict_print_line(object);
}

static void add_rows(struct predict_printer *p, const int *classes, const float *probability,
                     int label, int index) {
    const struct dataset *d = p->subject->data;
    int column = p->subject->labelled ? 2 : 1;
    char text[32];
    for (int i = 0; i < p->top; i++) {
        table_row(&p->table);
        if (i == 0 && p->subject->labelled) {
            snprintf(text, sizeof text, "%d", index);
            table_cell(&p->table, 0, text);
            table_cell(&p->table, 1, d->class_names[label]);
        } else if (i == 0) {
            char *name = predict_name(d, index);
            table_cell(&p->table, 0, d->show ? predict_shorten(name) : name);
            free(name);
        }
        snprintf(text, sizeof text, "%.2f %%", 100 * (double)probability[classes[i]]);
        table_cell(&p->table, column, d->class_names[classes[i]]);
        table_cell(&p->table, column + 1, text);
    }
}

static void tell_fault(struct predict_printer *p, int index, const char *fault) {
    p->faults++;
    fprintf(stderr, "thaw: %s\n", fault);
    if (p->json)
        predict_print_line(json_pack("{s:o, s:o}", "picture",
                                     predict_text_json(pictures_path(p->subject->data, index)),
                                     "error", predict_text_json(fault)));
}

void predict_printer_add(struct predict_printer *p, const struct predictions *from, int row,
                         int index) {
    const struct dataset *d = p->subject->data;
    const float *probability = from->probability + (size_t)row * (size_t)from->classes;
    const char *fault = p->subject->labelled || d->show ? NULL : pictures_fault(d, index);
    if (fault) {
        tell_fault(p, index, fault);
        return;
    }
    int *classes = predict_best(probability, from->classes, p->top);
    p->count++;
    p->right += classes[0] == from->label[row];
    if (p->json)
        print_json(p, classes, probability, from->label[row], index);
    else
        add_rows(p, classes, probability, from->label[row], index);
    free(classes);
}

void predict_printer_close(struct predict_printer *p) {
    if (!p->json && p->count > 0)
        table_print(&p->table, stdout);
    if (!p->json && p->subject->labelled && p->count > 0)
        printf("\n%d of %d right, %.1f %%\n", p->right, p->count,
               100 * (double)p->right / p->count);
    table_close(&p->table);
}
