#include "models/models.h"

#include "base/text.h"
#include <string.h>

const struct arch *const archs[] = {
    &arch_mlp,
    &arch_cnn,
    &arch_resnet_cifar[0],
    &arch_resnet_cifar[1],
    &arch_resnet_cifar[2],
    &arch_resnet_cifar[3],
    &arch_resnet_cifar[4],
    &arch_mobilenet_v2,
    &arch_resnet[0],
    &arch_resnet[1],
    &arch_resnet[2],
    &arch_resnet[3],
    &arch_vgg[0],
    &arch_vgg[1],
    &arch_vgg[2],
    &arch_vgg[3],
    &arch_vgg[4],
    &arch_vgg[5],
    &arch_vgg[6],
    &arch_vgg[7],
    &arch_bert[0],
    &arch_bert[1],
    &arch_bert[2],
    &arch_bert[3],
    &arch_bert[4],
    &arch_bert[5],
    &arch_bert[6],
    &arch_bert[7],
    &arch_gpt[0],
    &arch_gpt[1],
    &arch_gpt[2],
    &arch_gpt[3],
    &arch_gpt[4],
    &arch_gpt[5],
    &arch_gpt[6],
    &arch_gpt[7],
    NULL,
};

enum {
    ARCH_COUNT = sizeof archs / sizeof archs[0] - 1,
    INPUT_MAX = 1 << 24, // elements of one sample; keeps every size behind it within an int
};

const struct arch *arch_find(const char *name, struct error *error) {
    const char *names[ARCH_COUNT];
    for (int i = 0; i < ARCH_COUNT; i++) {
        if (!strcmp(archs[i]->name, name))
            return archs[i];
        names[i] = archs[i]->name;
    }
    struct text nearest = {0};
    text_nearest(&nearest, name, names, ARCH_COUNT);
    error_set(error, "there is no model '%s'; the nearest names are %s", name, nearest.data);
    text_free(&nearest);
    return NULL;
}

static void fill_defaults(struct arch_options *o, const struct arch *arch) {
    int most = arch->text.kind ? o->text->positions : arch->input.h;
    if (!o->input.h)
        o->input.h = most < arch->input.h ? most : arch->input.h;
    if (!o->input.w)
        o->input.w = arch->input.w;
    if (!o->input.c)
        o->input.c = arch->input.c;
    if (!o->shortcut)
        o->shortcut = arch->shortcut;
    if (o->dropout < 0)
        o->dropout = o->head ? 0 : arch->dropout;
    if (o->head_count == 0)
        o->head = NULL;
}

static bool check_text(const struct arch_options *o, const struct arch *arch, struct error *error) {
    char text[32];
    if (!arch->text.kind)
        return (o->vocabulary == 0 && o->pool == POOL_DEFAULT) ||
               error_set(error, "it takes pictures, not texts");
    if (o->input.w != 1 || o->input.c != 1)
        return error_set(error, "it takes texts, not pictures of %s", shape_text(o->input, text));
    if (o->vocabulary > o->text->vocabulary)
        return error_set(error,
                         "the texts have %d different tokens, but its embedding has only %d rows; "
                         "are data.tokenizer and model.config of one model?",
                         o->vocabulary, o->text->vocabulary);
    if (o->block_dropout > 0)
        return error_set(error,
                         "block dropout %g, but a network for texts has that in its "
                         "configuration; leave it out",
                         (double)o->block_dropout);
    if (arch->language && (o->head || o->dropout > 0 || o->pool != POOL_DEFAULT))
        return error_set(error, "it predicts tokens; leave out head, dropout and pool");
    return true;
}

static bool check_options(const struct arch_options *o, const struct arch *arch,
                          struct error *error) {
    char text[32];
    if (o->input.h < 1 || o->input.w < 1 || o->input.c < 1)
        return error_set(error, "an input of %s has no elements; every size must be at least 1",
                         shape_text(o->input, text));
    if ((double)o->input.h * o->input.w * o->input.c > INPUT_MAX)
        return error_set(error, "an input of %s is too large; at most %d elements fit",
                         shape_text(o->input, text), INPUT_MAX);
    if (o->classes < 1)
        return error_set(error, "%d classes; at least 1 is needed", o->classes);
    if (!(o->dropout >= 0 && o->dropout < 1))
        return error_set(error, "dropout %g; it must be at least 0 and below 1",
                         (double)o->dropout);
    if (!(o->block_dropout >= 0 && o->block_dropout < 1))
        return error_set(error, "block dropout %g; it must be at least 0 and below 1",
                         (double)o->block_dropout);
    if (!check_text(o, arch, error))
        return false;
    if (o->head && o->dropout > 0)
        return error_set(error, "dropout %g, but the head is your own; put 'dropout %g' into it",
                         (double)o->dropout, (double)o->dropout);
    if (o->shortcut && !arch->shortcut)
        return error_set(error, "it has no choice of shortcut; leave that out");
    if (o->shortcut && o->shortcut != 'a' && o->shortcut != 'b')
        return error_set(error, "shortcut '%c'; it must be a or b", o->shortcut);
    return true;
}

struct model *arch_build(const struct arch *arch, const struct arch_options *options,
                         struct error *error) {
    struct arch_options o = *options;
    struct model *model = NULL;
    struct text_config text = o.text ? *o.text : arch->text;
    if (!o.text && o.vocabulary > 0)
        text.vocabulary = o.vocabulary;
    o.text = &text;
    fill_defaults(&o, arch);
    if (check_options(&o, arch, error)) {
        struct build *b = build_start(arch->name, o.input);
        model = build_finish(b, arch->build(b, arch, &o), error);
    }
    if (!model)
        error_prefix(error, "model %s: ", arch->name);
    return model;
}
