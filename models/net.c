#include "models/net.h"
#include "base/xalloc.h"
#include "experiment/experiment_tree.h"
#include "models/head.h"
#include "models/layer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 1 << 26 }; // of one sample at one place, so that every size fits an int

struct net {
    struct build *b;
    const struct arch_options *options;
    const struct experiment_tree *last; // the last layer of all
    const struct experiment_tree *bad;  // where the first error was; NULL: none
    struct error error;                 // what it was, where the builder does not know
    int x;
    bool vector; // x is one: something has flattened the image
};

static bool is_bad(struct net *net, const struct experiment_tree *item) {
    if (!net->bad && (net->error.kind != ERROR_NONE || build_failed(net->b)))
        net->bad = item;
    return net->bad != NULL;
}

static bool check_size(struct net *net) {
    char text[32];
    struct shape shape = build_shape(net->b, net->x);
    return shape_count(shape) <= VALUES_MAX ||
           error_set(&net->error, "it makes %s of every sample; at most %d values fit",
                     shape_text(shape, text), VALUES_MAX);
}

// The network's last layer makes a value for each class.
static bool check_last(struct net *net, const struct layer *layer) {
    const int in = build_shape(net->b, net->x).c, classes = net->options->classes;
    const int out = layer_outputs(layer, classes);
    if (!layer_is_linear(layer))
        return error_set(&net->error,
                         "the last layer must be linear, which makes a value for each of the %d "
                         "classes; add linear behind it",
                         classes);
    return out == classes ||
           error_set(&net->error,
                     "this would be Linear(%d, %d), but there are %d classes, which need "
                     "Linear(%d, %d); write linear",
                     in, out, classes, in, classes);
}

static bool check_layer(struct net *net, const struct experiment_tree *item,
                        const struct layer *layer) {
    if (!layer_fits(layer, net->vector, build_shape(net->b, net->x), &net->error))
        return false;
    if (item == net->last)
        return check_last(net, layer);
    return !layer_is_linear(layer) || layer->numbers ||
           error_set(&net->error, "only the last layer may leave out how many values it makes; "
                                  "write linear OUT");
}

// `alone`: in no list, so that a layer with weights is a block of its own.
static void add_layer(struct net *net, const char *name, const struct experiment_tree *item,
                      bool alone) {
    struct layer layer;
    if (!layer_parse(&layer, item->text, false, &net->error) || !check_layer(net, item, &layer))
        return;
    bool weights = layer_is_linear(&layer) || strcmp(layer.kind->name, "conv") == 0;
    if (alone && item == net->last)
        build_mark_head(net->b);
    else if (alone && weights)
        build_mark_block(net->b);
    net->x = layer_build(net->b, name, net->x, &layer, net->vector, net->options->classes);
    net->vector |= layer.kind->flattens;
    if (!build_failed(net->b))
        check_size(net);
}

static bool holds_layers(const struct experiment_tree *list) {
    for (int i = 0; i < list->count; i++)
        if (list->items[i].text)
            return true;
    return false;
}

static void add_items(struct net *net, const struct experiment_tree *list, bool top, bool inside);

// `inside` a block or the head no list is a block of its own.
static void add_list(struct net *net, const char *name, const struct experiment_tree *list,
                     bool head, bool inside) {
    bool block = !head && !inside && holds_layers(list);
    build_push(net->b, name, "Sequential");
    if (head)
        build_mark_head(net->b);
    if (block)
        build_mark_block(net->b);
    add_items(net, list, false, inside || head || block);
    if (!net->bad)
        build_pop(net->b);
}

// A person's own head in place of the last item.
static void add_head(struct net *net, const char *name) {
    char text[32];
    if (net->vector)
        net->x = head_stack(net->b, name, net->x, net->options);
    else
        error_set(&net->error,
                  "model.head takes the place of this and needs a vector, but here "
                  "comes an image of %s; put flatten or globalpool before it",
                  shape_text(build_shape(net->b, net->x), text));
}

static void add_items(struct net *net, const struct experiment_tree *list, bool top, bool inside) {
    for (int i = 0; i < list->count && !net->bad; i++) {
        const struct experiment_tree *item = &list->items[i];
        char number[12];
        snprintf(number, sizeof number, "%d", i);
        const char *name = item->name ? item->name : number;
        bool head = top && i == list->count - 1;
        if (head && net->options->head_count)
            add_head(net, name);
        else if (item->text)
            add_layer(net, name, item, top);
        else
            add_list(net, name, item, head, inside);
        if (is_bad(net, item))
            return;
    }
}

static const struct experiment_tree *last_of(const struct experiment_tree *list) {
    while (!list->text)
        list = &list->items[list->count - 1];
    return list;
}

static struct model *finish(struct net *net, const char *path, struct error *error) {
    struct error built = {0};
    if (net->error.kind != ERROR_NONE) // the builder may be in the middle of the tree
        build_fail(net->b, "%s", net->error.text);
    struct model *model = build_finish(net->b, net->x, &built);
    if (!model) {
        *error = net->error.kind != ERROR_NONE ? net->error : built;
        error_prefix(error, "%s:%zu:%zu: ", path, net->bad->line, net->bad->column);
    }
    return model;
}

// "net.yaml" is called "net".
static char *name_of(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return xstrndup(name, strcspn(name, "."));
}

struct model *net_build(const char *path, const struct arch_options *options, struct error *error) {
    struct experiment_tree root;
    struct error own = {0};
    if (!experiment_tree_read(&root, path, "layers", error ? error : &own))
        return NULL;
    char *name = name_of(path);
    struct net net = {.b = build_start(name, options->input), .options = options};
    net.last = last_of(&root);
    add_items(&net, &root, true, false);
    struct model *model = finish(&net, path, error ? error : &own);
    free(name);
    experiment_tree_close(&root);
    return model;
}
