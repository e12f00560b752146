#include "datasets/texts.h"

#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/classes.h"
#include "datasets/embedded.h"
#include "datasets/texts_parts.h"
#include "datasets/unicode.h"
#include <stdlib.h>
#include <string.h>

// What all parts share.
struct texts {
    struct texts_rows rows;
    struct tokenizer *tokenizer;
    struct tokens ids;
    size_t *first; // [rows.count + 1]: where each text's ids begin
    int cut;       // texts that were too long
    int owners;
};

static void texts_close(struct texts *t) {
    if (--t->owners > 0)
        return;
    texts_rows_close(&t->rows);
    tokenizer_close(t->tokenizer);
    tokens_free(&t->ids);
    free(t->first);
    free(t);
}

// One part's rows.
struct texts_part {
    struct texts *texts;
    int first; // the row of sample 0
};

static void texts_read(const struct dataset *d, int index, float *out) {
    const struct texts_part *p = d->self;
    const struct texts *t = p->texts;
    size_t from = t->first[p->first + index], to = t->first[p->first + index + 1];
    for (size_t i = from; i < to; i++)
        *out++ = (float)t->ids.id[i];
    for (int i = (int)(to - from); i < d->shape.h; i++)
        *out++ = -1;
}

static void texts_show(const struct dataset *d, int index, struct sample_text *out) {
    const struct texts_part *p = d->self;
    const struct texts *t = p->texts;
    int row = p->first + index;
    struct text tokens = {0};
    for (size_t i = t->first[row]; i < t->first[row + 1]; i++)
        text_add(&tokens, "%s%s", tokens.length ? " " : "",
                 t->tokenizer->vocabulary.piece[t->ids.id[i]]);
    *out = (struct sample_text){xstrdup(t->rows.row[row].text),
                                tokens.data ? tokens.data : xstrdup("")};
}

static const char *texts_spell(const struct dataset *d, int id) {
    const struct texts_part *p = d->self;
    return p->texts->tokenizer->vocabulary.piece[id];
}

static void texts_release(struct dataset *d) {
    struct texts_part *p = d->self;
    texts_close(p->texts);
    free(p);
}

// NULL when the part has no texts.
static struct dataset *open_part(struct texts *t, const struct classes *classes,
                                 enum data_part part, int length) {
    const struct texts_rows *r = &t->rows;
    int first = 0, count = 0;
    while (first < r->count && r->row[first].part < part)
        first++;
    while (first + count < r->count && r->row[first + count].part == part)
        count++;
    if (count == 0)
        return NULL;
    struct dataset *d = dataset_new("text", (struct shape){length, 1, 1}, count, classes->count,
                                    (const char *const *)classes->names);
    struct texts_part *p = xmalloc(sizeof *p);
    *p = (struct texts_part){t, first};
    t->owners++;
    for (int i = 0; i < count; i++)
        d->labels[i] = classes_find(classes, r->row[first + i].label);
    d->vocabulary = t->tokenizer->vocabulary.size;
    d->marks = (struct dataset_marks){tokenizer_find_mask(t->tokenizer), t->tokenizer->before,
                                      t->tokenizer->after};
    d->read = texts_read;
    d->show = texts_show;
    d->spell = texts_spell;
    d->release = texts_release;
    d->self = p;
    return d;
}

// The labels of training become the classes.
static bool name_classes(const struct texts_rows *r, struct classes *out, struct error *error) {
    const char **labels = xmalloc(((size_t)r->count + 1) * sizeof *labels);
    int count = 0;
    while (count < r->count && r->row[count].part == PART_TRAIN) {
        labels[count] = r->row[count].label;
        count++;
    }
    *out = classes_of(labels, count);
    free(labels);
    if (count == 0) {
        error_set(error, "there is no text for training in it; %s would be right",
                  r->count > 0 ? "a split that is train" : "a line for each text");
        return texts_rows_refuse(r, &(struct texts_row){0}, error);
    }
    for (int i = count; i < r->count; i++)
        if (classes_find(out, r->row[i].label) < 0) {
            error_set(error, "training has no class \"%.40s\"", r->row[i].label);
            return texts_rows_refuse(r, &r->row[i], error);
        }
    return true;
}

static bool make_tokens(struct texts *t, int length, struct error *error) {
    t->first = xcalloc((size_t)t->rows.count + 1, sizeof *t->first);
    for (int i = 0; i < t->rows.count; i++) {
        const struct texts_row *row = &t->rows.row[i];
        t->cut +=
            !tokenizer_encode(t->tokenizer, row->text, strlen(row->text), (size_t)length, &t->ids);
        t->first[i + 1] = t->ids.count;
        if (t->first[i] == t->ids.count) {
            error_set(error, "the text is empty: there is no token for the network to see");
            return texts_rows_refuse(&t->rows, row, error);
        }
    }
    return true;
}

static void note_cut(const struct texts *t, int length, struct text *note) {
    char cut[32], all[32];
    if (t->cut > 0)
        text_add(note,
                 "%s%s of %s texts are longer than data.length, %d tokens; their ends are "
                 "left out",
                 note->length ? "; " : "", text_count((uint64_t)t->cut, cut),
                 text_count((uint64_t)t->rows.count, all), length);
}

// Where the rows come from.
typedef bool reader(struct texts_rows *r, const struct dataset_request *request, struct text *note,
                    struct error *error);

static bool check_request(const struct dataset_request *q, struct error *error) {
    if (!q->path || !*q->path)
        return error_set(error, "data.path: missing; give a .csv, .tsv or .jsonl file, or a folder "
                                "with a folder of .txt files for each class");
    if (!q->tokenizer || !*q->tokenizer)
        return error_set(
            error, "data.tokenizer: missing; give wordnet, which is built in, or a folder with "
                   "BERT's vocab.txt, or with GPT-2's vocab.json and merges.txt (the folder "
                   "of model.weights serves where it has them)");
    if (!q->unlabelled && strcmp(q->text_column, q->label_column) == 0)
        return error_set(error,
                         "data.text_column and data.label_column are both \"%s\"; the text "
                         "and its label are two columns",
                         q->text_column);
    return true;
}

static void forget_labels(struct texts_rows *r) {
    for (int i = 0; i < r->count; i++) {
        free(r->row[i].label);
        r->row[i].label = xstrdup(texts_unlabelled);
    }
}

// Errors name the key.
static bool open_all(struct texts *t, const struct dataset_request *q, reader *read,
                     struct classes *classes, struct text *note, struct error *error) {
    t->tokenizer = tokenizer_open(q->tokenizer, error);
    if (!t->tokenizer)
        return error_prefix(error, "data.tokenizer: ");
    if (!read(&t->rows, q, note, error))
        return error_prefix(error, "data.path: ");
    texts_rows_order(&t->rows);
    if (q->unlabelled)
        forget_labels(&t->rows);
    return (name_classes(&t->rows, classes, error) && make_tokens(t, q->length, error)) ||
           error_prefix(error, "data.path: ");
}

static bool open_parts(const struct dataset_request *q, reader *read, struct dataset_pair *out,
                       struct error *error) {
    struct texts *t = xcalloc(1, sizeof *t);
    struct classes classes = {0};
    struct text note = {0};
    t->owners = 1;
    bool fine = open_all(t, q, read, &classes, &note, error);
    if (fine) {
        note_cut(t, q->length, &note);
        out->train = open_part(t, &classes, PART_TRAIN, q->length);
        out->validation = open_part(t, &classes, PART_VALIDATION, q->length);
        out->test = open_part(t, &classes, PART_TEST, q->length);
        out->note = note.data;
    } else
        text_free(&note);
    classes_close(&classes);
    texts_close(t);
    return fine;
}

bool texts_open(const struct dataset_request *q, struct dataset_pair *out, struct error *error) {
    *out = (struct dataset_pair){0};
    return check_request(q, error) && open_parts(q, texts_files_read, out, error);
}

static bool read_definitions(struct texts_rows *r, const struct dataset_request *q,
                             struct text *note, struct error *error) {
    static const char name[] = "definitions";
    char *data;
    size_t size;
    (void)q;
    (void)note;
    if (!embedded_unpack(embedded_definitions(), name, &data, &size, error))
        return false;
    bool fine = texts_rows_read(r, data, size, name, TEXTS_TSV,
                                &(struct texts_columns){"text", "label"}, PART_TRAIN, error);
    free(data);
    return fine;
}

bool texts_definitions_open(const struct dataset_request *q, struct dataset_pair *out,
                            struct error *error) {
    *out = (struct dataset_pair){0};
    if (q->path && *q->path)
        return error_set(error, "definitions is built in and takes no data.path, but has \"%s\"",
                         q->path);
    return open_parts(q, read_definitions, out, error);
}

// Texts without labels, each on its own.
static bool add_given(struct texts *t, char *const *given, int count, struct error *error) {
    texts_rows_file(&t->rows, "text");
    for (int i = 0; i < count; i++) {
        struct texts_row row = {xstrdup(given[i]), xstrdup("?"), PART_TRAIN, .line = i + 1};
        if (!texts_rows_add(&t->rows, row, error))
            return false;
        size_t size = strlen(given[i]), valid = unicode_valid(given[i], size);
        if (valid < size) {
            error_set(error, "no UTF-8: byte %zu begins no character", valid);
            return texts_rows_refuse(&t->rows, &t->rows.row[i], error);
        }
    }
    return true;
}

struct dataset *texts_given(char *const *given, int count, struct tokenizer *tokenizer,
                            const struct dataset *like, struct error *error) {
    struct texts *t = xcalloc(1, sizeof *t);
    struct classes classes = {.names = like->class_names, .count = like->classes};
    struct dataset *d = NULL;
    *t = (struct texts){.tokenizer = tokenizer, .owners = 1};
    if (add_given(t, given, count, error) && make_tokens(t, like->shape.h, error))
        d = open_part(t, &classes, PART_TRAIN, like->shape.h);
    texts_close(t);
    return d;
}
