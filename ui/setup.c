#include "base/arena.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/datasets.h"
#include "datasets/resize.h"
#include "datasets/shift.h"
#include "datasets/texts_rows.h"
#include "datasets/tokenizer.h"
#include "models/pretrained.h"
#include "strategy/strategy.h"
#include "ui/network.h"
#include "ui/setup_parts.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Training and test images are shifted alike, but by draws of their own.
static bool shift_all(struct dataset **d, const struct experiment *e, int first,
                      struct error *error) {
    for (int i = 0; i < e->data.shift.count; i++) {
        struct shift shift;
        if (!shift_parse(e->data.shift.item[i], &shift, error) || !shift_check(&shift, *d, error))
            return error_prefix(error, "data.shift: ");
        *d = shift_apply(*d, &shift, (uint64_t)e->seed, first + i);
    }
    return true;
}

bool setup_prepare(struct dataset **d, const struct experiment *e, int first, struct error *error) {
    if (e->data.size > 0)
        *d = resize_open(*d, (int)e->data.size);
    return shift_all(d, e, first, error);
}

static bool has_class(const struct dataset *d, int class) {
    for (int i = 0; d && i < d->count; i++)
        if (d->labels[i] == class)
            return true;
    return false;
}

// Whole groups may leave nothing of a class for a part that was to have some of each.
static void tell_absent(const struct dataset *whole, const struct dataset *part, const char *what) {
    struct text names = {0};
    for (int k = 0; whole->groups && k < whole->classes; k++)
        if (has_class(whole, k) && !has_class(part, k))
            text_add(&names, "%s%s", names.data ? ", " : "", whole->class_names[k]);
    if (names.data)
        fprintf(stderr, "thaw: no %s samples of %s: too few groups, or too large ones, have any\n",
                what, names.data);
    text_free(&names);
}

// Splits what is for training into the samples to learn from and those to validate on, unless the
// data has its own.
static bool split_training(struct training_data *data, const struct experiment *e,
                           struct error *error) {
    struct split split;
    double validation = data->validation ? 0 : e->data.validation;
    if (!dataset_split(data->train, (uint64_t)e->seed, (int)e->data.limit, validation, &split,
                       error))
        return error_prefix(error, "data: ");
    struct dataset *whole = data->train;
    data->train = dataset_subset(dataset_share(whole), split.train, split.train_count);
    if (split.validation_count)
        data->validation =
            dataset_subset(dataset_share(whole), split.validation, split.validation_count);
    if (validation > 0)
        tell_absent(whole, data->validation, "validation");
    dataset_close(whole);
    split_close(&split);
    return true;
}

// Data without test samples of its own gives up data.test_limit of each class.
static bool hold_out_test(struct training_data *data, const struct experiment *e,
                          struct error *error) {
    struct split split;
    if (!dataset_split(data->train, (uint64_t)e->seed, 0, (double)e->data.test_limit, &split,
                       error))
        return error_prefix(error, "data.test_limit: ");
    struct dataset *whole = data->train;
    data->train = dataset_subset(dataset_share(whole), split.train, split.train_count);
    if (split.validation_count)
        data->test = dataset_subset(dataset_share(whole), split.validation, split.validation_count);
    tell_absent(whole, data->test, "test");
    dataset_close(whole);
    split_close(&split);
    return true;
}

bool setup_limit_test(struct training_data *data, const struct experiment *e, struct error *error) {
    if (e->data.test_limit == 0)
        return true;
    if (!data->test)
        return hold_out_test(data, e, error);
    struct split split;
    if (!dataset_split(data->test, (uint64_t)e->seed, (int)e->data.test_limit, 0, &split, error))
        return error_prefix(error, "data.test_limit: ");
    data->test = dataset_subset(data->test, split.train, split.train_count);
    split_close(&split);
    return true;
}

// A key that was given, though the data has no use for it, or NULL.
static const char *picture_key(const struct experiment *e) {
    return e->data.resize > 0                    ? "resize"
           : strcmp(e->data.colour, "grey") == 0 ? "colour"
           : e->data.skip_unreadable             ? "skip_unreadable"
                                                 : NULL;
}

static const char *pixel_key(const struct experiment *e) {
    bool mean = e->data.mean.count != 1 || e->data.mean.item[0] != 0;
    bool std = e->data.std.count != 1 || e->data.std.item[0] != 1;
    return e->data.size > 0            ? "size"
           : e->data.augment.count > 0 ? "augment"
           : mean                      ? "mean"
           : std                       ? "std"
                                       : NULL;
}

static const char *text_key(const struct experiment *e) {
    return *e->data.tokenizer                           ? "tokenizer"
           : strcmp(e->data.encoding, "utf-8") != 0     ? "encoding"
           : strcmp(e->data.format, "auto") != 0        ? "format"
           : strcmp(e->data.text_column, "text") != 0   ? "text_column"
           : strcmp(e->data.label_column, "label") != 0 ? "label_column"
                                                        : NULL;
}

static bool check_keys(const struct dataset_kind *kind, const struct experiment *e,
                       struct error *error) {
    const char *files = kind->pictures ? NULL : picture_key(e),
               *pixels = kind->texts ? pixel_key(e) : NULL,
               *texts = kind->texts ? NULL : text_key(e);
    const char *key = files ? files : pixels ? pixels : texts, *name = e->data.name;
    if (!key)
        return true;
    return error_set(error, "data.%s: %s has no %s; leave the key out", key, name,
                     files    ? "picture files"
                     : pixels ? "pictures"
                              : "texts");
}

char *setup_tokenizer(const struct experiment *e) {
    const char *weights = e->model.weights, *slash = strrchr(weights, '/');
    const struct dataset_kind *kind = dataset_find(e->data.name, NULL);
    if (*e->data.tokenizer)
        return xstrdup(e->data.tokenizer);
    char *folder = slash ? xstrndup(weights, (size_t)(slash - weights) + 1) : NULL;
    if (folder && tokenizer_here(folder))
        return folder;
    free(folder);
    const struct pretrained *built_in =
        strpbrk(weights, "/.") ? NULL : pretrained_find(weights, NULL);
    if (built_in && built_in->tokenizer)
        return xstrdup(built_in->tokenizer);
    return xstrdup(kind && kind->tokenizer ? kind->tokenizer : "");
}

static int format_of(const char *name) {
    static const char *const names[] = {
        [TEXTS_BY_ENDING] = "auto",
        [TEXTS_CSV] = "csv",
        [TEXTS_TSV] = "tsv",
        [TEXTS_JSONL] = "jsonl",
        [TEXTS_FIRST_WORD] = "first-word",
        [TEXTS_LINES] = "lines",
    };
    int format = 0;
    while (strcmp(names[format], name) != 0)
        format++;
    return format;
}

// What there is to say of data, once though they be opened again and again. Takes the note over.
static void tell_once(char *note) {
    static char *told;
    bool again = note && told && strcmp(note, told) == 0;
    if (note && !again)
        fprintf(stderr, "thaw: %s\n", note);
    if (note) {
        free(told);
        told = note;
    }
}

bool setup_open_kind(struct training_data *data, const struct dataset_kind *kind,
                     const struct experiment *e, struct error *error) {
    char *tokenizer = setup_tokenizer(e);
    struct dataset_request request = {
        .path = e->data.path,
        .size = (int)e->data.size,
        .resize = (int)e->data.resize,
        .grey = strcmp(e->data.colour, "grey") == 0,
        .skip_unreadable = e->data.skip_unreadable,
        .cache = (size_t)e->data.cache << 20,
        .tokenizer = tokenizer,
        .length = (int)e->data.length,
        .unlabelled = network_is_language(e),
        .latin1 = strcmp(e->data.encoding, "latin-1") == 0,
        .format = format_of(e->data.format),
        .text_column = e->data.text_column,
        .label_column = e->data.label_column,
    };
    struct dataset_pair pair;
    bool fine = kind->open(&request, &pair, error);
    free(tokenizer);
    if (!fine)
        return false;
    tell_once(pair.note);
    *data = (struct training_data){pair.train, pair.validation, pair.test};
    return true;
}

static bool open_data(struct training_data *data, const struct experiment *e, struct error *error) {
    const struct dataset_kind *kind = dataset_find(e->data.name, error);
    if (!kind)
        return error_prefix(error, "data.name: ");
    return check_keys(kind, e, error) && setup_open_kind(data, kind, e, error) &&
           setup_prepare(&data->train, e, 0, error) &&
           (!data->validation || setup_prepare(&data->validation, e, SHIFT_VALIDATION, error)) &&
           (!data->test || setup_prepare(&data->test, e, SHIFT_TEST, error)) &&
           setup_limit_test(data, e, error) && split_training(data, e, error);
}

bool setup_weight_file(struct weight_file *file, const char *name, struct error *error) {
    if (strchr(name, '/') || strchr(name, '.'))
        return weight_file_open(file, name, error);
    const struct pretrained *pretrained = pretrained_find(name, error);
    if (!pretrained)
        return error_prefix(error, "model.weights: ");
    struct embedded bytes = pretrained->file();
    return weight_file_parse(file, bytes.data, bytes.size, error);
}

bool setup_weights(struct weights *w, const struct experiment *e, struct load_report *report,
                   struct error *error) {
    weights_init(w, (uint64_t)e->seed);
    if (!e->model.weights[0])
        return true;
    struct weight_file file;
    if (!setup_weight_file(&file, e->model.weights, error))
        return false;
    struct load_options options = {
        .partial = e->model.partial,
        .new_head = e->model.new_head,
        .own_head = e->model.head.count > 0,
        .rename = e->model.rename.item,
        .rename_count = e->model.rename.count,
    };
    bool ok = load_weights(w, &file, &options, report, error) ||
              error_prefix(error, "%s: ", e->model.weights);
    weight_file_close(&file);
    return ok;
}

static bool check_memory(const struct model *model, struct error *error) {
    char need[32], have[32];
    size_t bytes = model->weight_floats * sizeof(float), available = arena_available();
    return bytes <= available ||
           error_run(error, "the weights of %s need %s of memory, but %s is available", model->arch,
                     text_bytes((double)bytes, need), text_bytes((double)available, have));
}

static bool open_model(struct setup *s, struct experiment *e, struct shape input, int classes,
                       int vocabulary, int threads, struct error *error) {
    s->model = network_build(e, input, classes, vocabulary, error);
    if (!s->model)
        return false;
    if (!check_memory(s->model, error))
        return false;
    s->weights = weights_open(s->model);
    if (!setup_weights(&s->weights, e, &s->report, error))
        return false;
    bool new_head = !*e->model.weights || s->report.replaced_count > 0;
    if (!strategy_expand(e, s->model, new_head, error))
        return false;
    s->pool = pool_open(threads > 0 ? threads : pool_processors());
    return true;
}

bool setup_open(struct setup *s, struct experiment *e, int threads, struct error *error) {
    *s = (struct setup){.experiment = e};
    bool ok = open_data(&s->data, e, error);
    const struct dataset *d = s->data.train;
    ok = ok && open_model(s, e, d->shape, d->classes, d->vocabulary, threads, error) &&
         setup_source(s, error);
    if (!ok)
        setup_close(s);
    return ok;
}

bool setup_open_model(struct setup *s, struct experiment *e, struct shape input, int classes,
                      int vocabulary, int threads, struct error *error) {
    *s = (struct setup){.experiment = e};
    bool ok = open_model(s, e, input, classes, vocabulary, threads, error);
    if (!ok)
        setup_close(s);
    return ok;
}

struct training *setup_training(struct setup *s, struct error *error) {
    struct weights weights = s->weights;
    struct training_data data = s->data;
    s->weights = (struct weights){0};
    s->data = (struct training_data){0};
    return training_open(s->experiment, s->model, weights, data, s->pool, error);
}

bool setup_check_thawed(const struct training *t, struct error *error) {
    return training_thaws(t) ||
           error_set(error, "nothing is thawed, so there is nothing to train; add a rule to "
                            "freeze.rules, such as 'thaw head'");
}

struct plan *setup_full_plan(const struct model *model, enum bn_policy bn,
                             const struct plan_options *options) {
    static const char *const everything[] = {"thaw all"};
    struct flags flags = flags_open(model);
    bool ok = freeze_apply_all(&flags, bn, everything, 1, NULL);
    assert(ok);
    (void)ok;
    struct plan *plan = plan_make(&flags, options);
    flags_close(&flags);
    return plan;
}

void setup_close(struct setup *s) {
    if (s->weights.data)
        weights_close(&s->weights);
    training_data_close(&s->data);
    load_report_close(&s->report);
    if (s->pool)
        pool_close(s->pool);
    if (s->model)
        model_close(s->model);
    *s = (struct setup){0};
}
