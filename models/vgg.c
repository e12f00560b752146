// VGG (Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
// recognition", ICLR 2015, table 1, columns A, B, D and E), under torchvision's names and in its
// order, also with a BatchNorm behind each convolution.
#include "models/block.h"
#include "models/head.h"
#include "models/models.h"
#include <stdio.h>

static const struct size {
    int depth, convs[5]; // per stage; a pooling ends each stage
} sizes[] = {
    {11, {1, 1, 2, 2, 2}},
    {13, {2, 2, 2, 2, 2}},
    {16, {2, 2, 3, 3, 3}},
    {19, {2, 2, 4, 4, 4}},
};

// The name of the next child of a Sequential.
static const char *next(char name[12], int *index) {
    snprintf(name, 12, "%d", (*index)++);
    return name;
}

static int conv(struct build *b, int *index, int x, int out, bool norm,
                const struct arch_options *options) {
    char name[12], drop[24];
    struct build_conv c = {.out = out, .kernel = 3, .pad = 1, .bias = true};
    snprintf(drop, sizeof drop, "dropout%d", *index);
    x = block_dropout(b, drop, x, options);
    build_mark_next_block(b); // the first one is in a container just opened
    x = build_conv(b, next(name, index), x, c);
    if (norm)
        x = build_batch_norm(b, next(name, index), x);
    return build_relu(b, next(name, index), x);
}

static int features(struct build *b, const struct size *size, bool norm,
                    const struct arch_options *options) {
    static const int widths[] = {64, 128, 256, 512, 512};
    char name[12];
    int x = 0, index = 0;
    build_push(b, "features", "Sequential");
    for (int stage = 0; stage < 5; stage++) {
        for (int i = 0; i < size->convs[stage]; i++)
            x = conv(b, &index, x, widths[stage], norm, options);
        x = build_max_pool(b, next(name, &index), x, 2, 2, 0);
    }
    build_pop(b);
    return x;
}

static int classifier(struct build *b, int x, const struct arch_options *options) {
    build_push(b, "classifier", "Sequential");
    build_mark_head(b);
    x = build_linear(b, "0", x, 4096, true);
    x = build_relu(b, "1", x);
    x = build_dropout(b, "2", x, options->dropout);
    x = build_linear(b, "3", x, 4096, true);
    x = build_relu(b, "4", x);
    x = build_dropout(b, "5", x, options->dropout);
    x = build_linear(b, "6", x, options->classes, true);
    build_pop(b);
    return x;
}

static int vgg(struct build *b, const struct arch *arch, const struct arch_options *options) {
    const struct size *size = sizes;
    while (size->depth != arch->parameter)
        size++;
    build_init(b, INIT_KAIMING_NORMAL_OUT, INIT_NORMAL);
    build_init_bias(b, INIT_ZERO);
    int x = features(b, size, arch->norm, options);
    x = build_adaptive_pool(b, "avgpool", x, 7, 7);
    x = build_flatten(b, NULL, x);
    return options->head ? head_stack(b, "classifier", x, options) : classifier(b, x, options);
}

#define SIZE(depth, suffix, with, has_norm)                                                        \
    {                                                                                              \
        .name = "vgg" #depth suffix,                                                               \
        .help = "torchvision's VGG-" #depth with ", for images of about 224 pixels",               \
        .input = {224, 224, 3}, .dropout = 0.5f, .build = vgg, .parameter = depth,                 \
        .norm = has_norm,                                                                          \
    }
#define SIZES(depth) SIZE(depth, "", "", false), SIZE(depth, "_bn", " with BatchNorm", true)

const struct arch arch_vgg[VGG_SIZES] = {SIZES(11), SIZES(13), SIZES(16), SIZES(19)};
