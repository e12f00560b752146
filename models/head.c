#include "models/head.h"
#include "base/xalloc.h"
#include "models/layer.h"
#include <stdio.h>
#include <stdlib.h>

int head_token(const struct arch_options *options, enum token_pool by_default) {
    const int taken[] = {[POOL_DEFAULT] = (int)by_default,
                         [POOL_FIRST] = TOKEN_FIRST,
                         [POOL_MEAN] = HEAD_ALL_TOKENS,
                         [POOL_LAST] = TOKEN_LAST};
    return taken[options->pool];
}

int head_linear(struct build *b, const char *name, int x, const struct arch_options *options) {
    if (options->head)
        return head_stack(b, name, x, options);
    x = build_dropout(b, NULL, x, options->dropout);
    build_mark_head(b);
    return build_linear(b, name, x, options->classes, true);
}

int head_dropout_linear(struct build *b, const char *name, int x,
                        const struct arch_options *options) {
    if (options->head)
        return head_stack(b, name, x, options);
    build_push(b, name, "Sequential");
    build_mark_head(b);
    x = build_dropout(b, "0", x, options->dropout);
    x = build_linear(b, "1", x, options->classes, true);
    build_pop(b);
    return x;
}

static bool parse_all(struct build *b, struct layer *layers, const struct arch_options *options) {
    struct error error = {0};
    for (int i = 0; i < options->head_count; i++) {
        if (layer_parse(&layers[i], options->head[i], true, &error))
            continue;
        build_fail(b, "model.head, item %d '%s': %s", i + 1, options->head[i], error.text);
        return false;
    }
    return true;
}

// The last layer must make one value for each class. `in`: values that come to the head.
static bool check_last(struct build *b, const char *name, const struct layer *layers, int in,
                       const struct arch_options *options) {
    const int last = options->head_count - 1, classes = options->classes;
    const char *text = options->head[last];
    for (int i = 0; i < last; i++)
        if (layer_is_linear(&layers[i]))
            in = layer_outputs(&layers[i], classes);
    if (!layer_is_linear(&layers[last])) {
        build_fail(b,
                   "model.head, item %d '%s': the last layer must be linear, which makes a value "
                   "for each of the %d classes; add linear behind it",
                   last + 1, text, classes);
        return false;
    }
    const int out = layer_outputs(&layers[last], classes);
    if (out == classes)
        return true;
    build_fail(b,
               "model.head, item %d '%s': %s.%d would be Linear(%d, %d), but there are %d classes, "
               "which need Linear(%d, %d); write linear",
               last + 1, text, name, last, in, out, classes, in, classes);
    return false;
}

static int build_layers(struct build *b, int x, const struct layer *layers,
                        const struct arch_options *options) {
    char name[12];
    for (int i = 0; i < options->head_count; i++) {
        snprintf(name, sizeof name, "%d", i);
        x = layer_build(b, name, x, &layers[i], true, options->classes);
    }
    return x;
}

int head_stack(struct build *b, const char *name, int x, const struct arch_options *options) {
    struct layer *layers = xcalloc((size_t)options->head_count, sizeof *layers);
    if (parse_all(b, layers, options) &&
        check_last(b, name, layers, build_shape(b, x).c, options)) {
        build_init(b, INIT_UNIFORM_FAN_IN, INIT_UNIFORM_FAN_IN);
        build_init_bias(b, INIT_UNIFORM_FAN_IN);
        build_push(b, name, "Sequential");
        build_mark_head(b);
        x = build_layers(b, x, layers, options);
        build_pop(b);
    }
    free(layers);
    return x;
}
