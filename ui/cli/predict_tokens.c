// `thaw predict` of a language model: which words are missing in a text, what comes next, or how it
// goes on.
#include "base/xalloc.h"
#include "training/training.h"
#include "ui/cli/predict.h"
#include <stdio.h>
#include <stdlib.h>

static const struct table_column of_masks[] = {
    {"text", false}, {"mask", true}, {"token", false}, {"probability", true}};
static const struct table_column of_next[] = {
    {"text", false}, {"token", false}, {"probability", true}};
static const struct table_column of_continuations[] = {{"text", false}, {"continuation", false}};

struct answers {
    const struct predict_subject *subject;
    const struct predict_request *request;
    bool masked;
    struct table table;
};

// The tokens of a text for the caller to free, with room for those that it goes on with. What ends
// a text is left out for a model that is to go on.
static int *tokens_of(const struct answers *a, int index, int *count) {
    const struct dataset *d = a->subject->data;
    const int room = d->shape.h;
    float *x = xmalloc((size_t)room * sizeof *x);
    int *id = xmalloc((size_t)room * sizeof *id);
    d->read(d, index, x);
    for (*count = 0; *count < room && x[*count] >= 0; ++*count)
        id[*count] = (int)x[*count];
    *count -= !a->masked && *count > 1 && id[*count - 1] == d->marks.after;
    free(x);
    return id;
}

static bool check_masks(const struct answers *a, const int *id, int count, struct error *error) {
    const int most = training_most_said(a->subject->training);
    int masks = 0;
    for (int i = 0; i < count; i++)
        masks += id[i] == a->subject->data->marks.mask;
    if (masks == 0)
        return error_set(error,
                         "no " TOKENIZER_MASK " among its %d tokens; write one in place of each "
                         "word to be told: \"a " TOKENIZER_MASK " that barks\"",
                         count);
    return masks <= most || error_set(error,
                                      "%d times " TOKENIZER_MASK "; of texts of at most %d "
                                      "tokens the network tells %d",
                                      masks, a->subject->data->shape.h, most);
}

static bool check_room(const struct answers *a, int count, struct error *error) {
    const int room = a->subject->data->shape.h, tokens = a->request->tokens;
    return count + tokens <= room ||
           error_set(error, "%d tokens, and the network takes %d at most; --tokens %d would fit",
                     count, room, room - count);
}

static bool check(const struct answers *a, int index, struct error *error) {
    int count, *id = tokens_of(a, index, &count);
    bool ok = (a->masked ? check_masks(a, id, count, error) : check_room(a, count, error)) ||
              error_prefix(error, "text:%d: ", index + 1);
    free(id);
    return ok;
}

static void text_cell(struct answers *a, int index) {
    char *text = predict_name(a->subject->data, index);
    table_cell(&a->table, 0, predict_shorten(text));
    free(text);
}

// {"text": ..., KEY: value}; takes the value.
static void print_json(const struct answers *a, int index, const char *key, json_t *value) {
    char *text = predict_name(a->subject->data, index);
    predict_print_line(json_pack("{s:o, s:o}", "text", predict_text_json(text), key, value));
    free(text);
}

static json_t *place_json(const struct answers *a, const int *best, int top,
                          const float *probability) {
    const struct dataset *d = a->subject->data;
    json_t *list = json_array();
    for (int k = 0; k < top; k++)
        json_array_append_new(list, json_pack("{s:s, s:f}", "token", d->spell(d, best[k]),
                                              "probability", (double)probability[best[k]]));
    return list;
}

static void place_rows(struct answers *a, int index, int place, const int *best, int top,
                       const float *probability) {
    const struct dataset *d = a->subject->data;
    const int column = a->masked ? 2 : 1;
    char text[32];
    for (int k = 0; k < top; k++) {
        table_row(&a->table);
        if (k == 0 && place == 0)
            text_cell(a, index);
        if (k == 0 && a->masked) {
            snprintf(text, sizeof text, "%d", place + 1);
            table_cell(&a->table, 1, text);
        }
        snprintf(text, sizeof text, "%.2f %%", 100 * (double)probability[best[k]]);
        table_cell(&a->table, column, d->spell(d, best[k]));
        table_cell(&a->table, column + 1, text);
    }
}

static void print_said(struct answers *a, int index, const struct said *said) {
    const int top = a->request->top < said->ids ? a->request->top : said->ids;
    json_t *masks = json_array(), *last = NULL;
    for (int i = 0; i < said->places; i++) {
        const float *probability = said->probability + (size_t)i * (size_t)said->ids;
        int *best = predict_best(probability, said->ids, top);
        if (a->request->json)
            json_array_append_new(masks, last = place_json(a, best, top, probability));
        else
            place_rows(a, index, i, best, top, probability);
        free(best);
    }
    if (a->request->json)
        print_json(a, index, a->masked ? "masks" : "next", json_incref(a->masked ? masks : last));
    json_decref(masks);
}

static bool tell(struct answers *a, int index, const int *id, int count, struct error *error) {
    struct said said;
    bool ok =
        training_say(a->subject->training, id, count, a->subject->data->marks.mask, &said, error);
    if (ok)
        print_said(a, index, &said);
    said_close(&said);
    return ok;
}

static void print_continuation(struct answers *a, int index, const int *id, int count) {
    const struct tokenizer *t = a->subject->tokenizer;
    size_t size;
    char *text = t->decode(t, id, (size_t)count, &size);
    if (a->request->json) {
        print_json(a, index, "continuation", predict_text_json(text));
    } else {
        table_row(&a->table);
        text_cell(a, index);
        table_cell(&a->table, 1, text);
    }
    free(text);
}

// The likeliest token each time, until one says that the text ends.
static bool go_on(struct answers *a, int index, int *id, int count, struct error *error) {
    const struct predict_subject *s = a->subject;
    const int first = count, end = count + a->request->tokens;
    bool ok = true, ended = false;
    while (ok && !ended && count < end) {
        struct said said;
        ok = training_say(s->training, id, count, -1, &said, error);
        const int next = ok ? pass_highest(said.probability, said.ids) : -1;
        ended = next == s->data->marks.after;
        if (ok && !ended)
            id[count++] = next;
        said_close(&said);
    }
    if (ok)
        print_continuation(a, index, id + first, count - first);
    return ok;
}

static struct table table_for(const struct answers *a) {
    return a->masked                ? table_open(of_masks, 4)
           : a->request->tokens > 0 ? table_open(of_continuations, 2)
                                    : table_open(of_next, 3);
}

static bool answer(struct answers *a, int index, struct error *error) {
    int count, *id = tokens_of(a, index, &count);
    bool ok = a->request->tokens > 0 ? go_on(a, index, id, count, error)
                                     : tell(a, index, id, count, error);
    free(id);
    return ok;
}

bool predict_tokens(struct predict_subject *s, const struct predict_request *r, const int *index,
                    int count, struct error *error) {
    struct answers a = {.subject = s, .request = r, .masked = model_is_masked(s->training->model)};
    bool ok = true;
    a.table = table_for(&a);
    for (int i = 0; i < count && ok; i++) // all of them, before the first answer
        ok = check(&a, index[i], error);
    for (int i = 0; i < count && ok; i++)
        ok = answer(&a, index[i], error);
    if (ok && !r->json)
        table_print(&a.table, stdout);
    table_close(&a.table);
    return ok;
}
