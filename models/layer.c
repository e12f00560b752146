#include "models/layer.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 1 << 20 }; // of a size that a person gives

static int build_conv_layer(struct build *b, const char *name, int x, const struct layer *l,
                            int classes) {
    (void)classes;
    struct build_conv c = {.out = (int)l->number[0],
                           .kernel = (int)l->number[1],
                           .stride = l->stride,
                           .pad = l->pad,
                           .groups = l->groups,
                           .bias = l->bias};
    return build_conv(b, name, x, c);
}

static int build_norm_layer(struct build *b, const char *name, int x, const struct layer *l,
                            int vector) {
    (void)l;
    return (vector ? build_batch_norm_1d : build_batch_norm)(b, name, x);
}

static int build_relu_layer(struct build *b, const char *name, int x, const struct layer *l,
                            int classes) {
    (void)l, (void)classes;
    return build_relu(b, name, x);
}

static int build_relu6_layer(struct build *b, const char *name, int x, const struct layer *l,
                             int classes) {
    (void)l, (void)classes;
    return build_relu6(b, name, x);
}

// As in PyTorch, windows stand side by side unless a stride is given.
static int pool_stride(const struct layer *l) {
    return l->stride ? l->stride : (int)l->number[0];
}

static int build_max_layer(struct build *b, const char *name, int x, const struct layer *l,
                           int classes) {
    (void)classes;
    return build_max_pool(b, name, x, (int)l->number[0], pool_stride(l), l->pad);
}

static int build_avg_layer(struct build *b, const char *name, int x, const struct layer *l,
                           int classes) {
    (void)classes;
    return build_avg_pool(b, name, x, (int)l->number[0], pool_stride(l), l->pad);
}

static int build_global_layer(struct build *b, const char *name, int x, const struct layer *l,
                              int classes) {
    (void)l, (void)classes;
    return build_global_pool(b, name, x);
}

static int build_flatten_layer(struct build *b, const char *name, int x, const struct layer *l,
                               int classes) {
    (void)l, (void)classes;
    return build_flatten(b, name, x);
}

static int build_linear_layer(struct build *b, const char *name, int x, const struct layer *l,
                              int classes) {
    return build_linear(b, name, x, layer_outputs(l, classes), l->bias);
}

static int build_dropout_layer(struct build *b, const char *name, int x, const struct layer *l,
                               int classes) {
    (void)classes;
    return build_dropout(b, name, x, (float)(l->numbers ? l->number[0] : 0.5));
}

// clang-format off
const struct layer_kind layer_kinds[] = {
    {"conv", "conv OUT KERNEL [stride N] [pad N] [groups N] [nobias]", 2, 2, false, TAKES_IMAGE,
     false, "stride pad groups nobias", build_conv_layer},
    {"batchnorm", "batchnorm", 0, 0, true, TAKES_ANY, false, "", build_norm_layer},
    {"relu", "relu", 0, 0, true, TAKES_ANY, false, "", build_relu_layer},
    {"relu6", "relu6", 0, 0, true, TAKES_ANY, false, "", build_relu6_layer},
    {"maxpool", "maxpool KERNEL [stride N] [pad N]", 1, 1, false, TAKES_IMAGE, false, "stride pad",
     build_max_layer},
    {"avgpool", "avgpool KERNEL [stride N] [pad N]", 1, 1, false, TAKES_IMAGE, false, "stride pad",
     build_avg_layer},
    {"globalpool", "globalpool", 0, 0, false, TAKES_IMAGE, true, "", build_global_layer},
    {"flatten", "flatten", 0, 0, false, TAKES_IMAGE, true, "", build_flatten_layer},
    {"linear", "linear [OUT] [nobias]", 0, 1, true, TAKES_VECTOR, false, "nobias",
     build_linear_layer},
    {"dropout", "dropout [P]", 0, 1, true, TAKES_ANY, false, "", build_dropout_layer},
    {0},
};
// clang-format on

void layer_words(struct text *t, bool head) {
    const char *names[sizeof layer_kinds / sizeof *layer_kinds];
    int count = 0;
    for (const struct layer_kind *k = layer_kinds; k->name; k++)
        if (k->head || !head)
            names[count++] = k->name;
    for (int i = 0; i < count; i++)
        text_add(t, "%s%s", i == 0 ? "" : i == count - 1 ? " or " : ", ", names[i]);
}

static const struct layer_kind *find_kind(const char *word, bool head, struct error *error) {
    for (const struct layer_kind *k = layer_kinds; k->name; k++)
        if (strcmp(k->name, word) == 0 && (k->head || !head))
            return k;
    struct text words = {0};
    layer_words(&words, head);
    error_set(error, "%s '%s'; give %s", head ? "a head has no layer" : "there is no layer", word,
              words.data);
    text_free(&words);
    return NULL;
}

static bool has_option(const struct layer_kind *kind, const char *word) {
    const char *at = strstr(kind->options, word);
    size_t length = strlen(word);
    return at && length > 2 && (at == kind->options || at[-1] == ' ') &&
           (at[length] == ' ' || at[length] == '\0');
}

// A probability for dropout, a size for all others: a whole number from `least` on.
static bool read_number(const struct layer_kind *kind, const char *what, const char *word,
                        int least, double *out, struct error *error) {
    int64_t whole;
    if (strcmp(kind->name, "dropout") == 0) {
        if (text_to_real(word, out) && *out >= 0 && *out < 1)
            return true;
        return error_set(error, "'%s' is not a probability from 0 to below 1; write %s", word,
                         kind->usage);
    }
    if (!text_to_int(word, &whole) || whole < least || whole > NUMBER_MAX)
        return error_set(error, "%s'%s' is not a whole number from %d to %d; write %s", what, word,
                         least, NUMBER_MAX, kind->usage);
    *out = (double)whole;
    return true;
}

static bool read_option(struct layer *layer, const char *option, const char *word,
                        struct error *error) {
    double value = 0;
    if (strcmp(option, "nobias") == 0)
        return !(layer->bias = false);
    if (!word)
        return error_set(error, "there is no number behind '%s'; write %s", option,
                         layer->kind->usage);
    char *what = xprintf("%s ", option);
    bool pad = strcmp(option, "pad") == 0;
    bool good = read_number(layer->kind, what, word, pad ? 0 : 1, &value, error);
    free(what);
    *(pad                             ? &layer->pad
      : strcmp(option, "stride") == 0 ? &layer->stride
                                      : &layer->groups) = (int)value;
    return good;
}

// Takes the words behind the name, which strtok_r goes through.
static bool read_words(struct layer *layer, char **rest, struct error *error) {
    const struct layer_kind *kind = layer->kind;
    for (char *word; (word = strtok_r(NULL, " \t", rest));) {
        if (has_option(kind, word)) {
            bool alone = strcmp(word, "nobias") == 0;
            if (!read_option(layer, word, alone ? NULL : strtok_r(NULL, " \t", rest), error))
                return false;
        } else if (layer->numbers == kind->most) {
            return error_set(error, "'%s' is too much; write %s", word, kind->usage);
        } else if (!read_number(kind, "", word, 1, &layer->number[layer->numbers++], error)) {
            return false;
        }
    }
    return layer->numbers >= kind->least ||
           error_set(error, "a number is missing; write %s", kind->usage);
}

bool layer_parse(struct layer *layer, const char *text, bool head, struct error *error) {
    char *words = xstrdup(text), *rest = NULL, *name = strtok_r(words, " \t", &rest);
    *layer = (struct layer){.bias = true};
    layer->kind = find_kind(name ? name : "", head, error);
    bool good = layer->kind && read_words(layer, &rest, error);
    free(words);
    return good;
}

bool layer_is_linear(const struct layer *layer) {
    return layer->kind->build == build_linear_layer;
}

int layer_outputs(const struct layer *layer, int classes) {
    return layer->numbers ? (int)layer->number[0] : classes;
}

bool layer_fits(const struct layer *layer, bool vector, struct shape in, struct error *error) {
    char text[32];
    if (layer->kind->takes == TAKES_IMAGE && vector)
        return error_set(error, "%s takes an image, but here comes a vector of %d values",
                         layer->kind->name, in.c);
    if (layer->kind->takes == TAKES_VECTOR && !vector)
        return error_set(error,
                         "%s takes a vector, but here comes an image of %s; "
                         "put flatten or globalpool before it",
                         layer->kind->name, shape_text(in, text));
    return true;
}

int layer_build(struct build *b, const char *name, int x, const struct layer *layer, bool vector,
                int classes) {
    bool norm = layer->kind->build == build_norm_layer;
    return layer->kind->build(b, name, x, layer, norm ? vector : classes);
}
