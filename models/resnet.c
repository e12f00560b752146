// ResNets for large images (He et al., "Deep residual learning for image recognition", CVPR 2016,
// table 1), under torchvision's names and in its order.
#include "models/block.h"
#include "models/head.h"
#include "models/models.h"

struct size {
    int depth, blocks[4];
    bool bottleneck; // of three convolutions, the last four times as wide; else two
};

static const struct size sizes[] = {
    {18, {2, 2, 2, 2}, false},
    {34, {3, 4, 6, 3}, false},
    {50, {3, 4, 6, 3}, true},
    {101, {3, 4, 23, 3}, true},
};

static int conv(struct build *b, const char *name, int x, int out, int kernel, int stride) {
    struct build_conv c = {.out = out, .kernel = kernel, .stride = stride, .pad = kernel / 2};
    return build_conv(b, name, x, c);
}

// The other side of the sum: x itself where the shapes agree.
static int shortcut(struct build *b, int x, int out, int stride) {
    if (stride == 1 && build_shape(b, x).c == out)
        return x;
    build_push(b, "downsample", "Sequential");
    x = conv(b, "0", x, out, 1, stride);
    x = build_batch_norm(b, "1", x);
    build_pop(b);
    return x;
}

static int basic_block(struct build *b, int index, int x, int width, int stride,
                       const struct arch_options *options) {
    build_push_item(b, index, "BasicBlock");
    build_mark_block(b);
    int y = conv(b, "conv1", x, width, 3, stride);
    y = build_batch_norm(b, "bn1", y);
    y = build_relu(b, "relu", y);
    y = block_dropout(b, "dropout", y, options);
    y = conv(b, "conv2", y, width, 3, 1);
    y = build_batch_norm(b, "bn2", y);
    x = shortcut(b, x, width, stride);
    y = build_relu(b, NULL, build_add(b, y, x));
    build_pop(b);
    return y;
}

// As torchvision, and unlike the paper, the 3x3 convolution has the stride.
static int bottleneck(struct build *b, int index, int x, int width, int stride,
                      const struct arch_options *options) {
    build_push_item(b, index, "Bottleneck");
    build_mark_block(b);
    int y = conv(b, "conv1", x, width, 1, 1);
    y = build_batch_norm(b, "bn1", y);
    y = build_relu(b, NULL, y);
    y = conv(b, "conv2", y, width, 3, stride);
    y = build_batch_norm(b, "bn2", y);
    y = build_relu(b, NULL, y);
    y = block_dropout(b, "dropout", y, options);
    y = conv(b, "conv3", y, 4 * width, 1, 1);
    y = build_batch_norm(b, "bn3", y);
    x = shortcut(b, x, 4 * width, stride);
    y = build_relu(b, "relu", build_add(b, y, x));
    build_pop(b);
    return y;
}

static int layer(struct build *b, const struct size *size, int index, int x,
                 const struct arch_options *options) {
    static const char *const names[] = {"layer1", "layer2", "layer3", "layer4"};
    build_push(b, names[index], "Sequential");
    for (int i = 0; i < size->blocks[index]; i++) {
        int stride = index > 0 && i == 0 ? 2 : 1;
        x = (size->bottleneck ? bottleneck : basic_block)(b, i, x, 64 << index, stride, options);
    }
    build_pop(b);
    return x;
}

static int resnet(struct build *b, const struct arch *arch, const struct arch_options *options) {
    const struct size *size = sizes;
    while (size->depth != arch->parameter)
        size++;
    build_init(b, INIT_KAIMING_NORMAL_OUT, INIT_UNIFORM_FAN_IN);
    int x = conv(b, "conv1", 0, 64, 7, 2);
    x = build_batch_norm(b, "bn1", x);
    x = build_relu(b, "relu", x);
    x = build_max_pool(b, "maxpool", x, 3, 2, 1);
    for (int i = 0; i < 4; i++)
        x = layer(b, size, i, x, options);
    x = build_global_pool(b, "avgpool", x);
    return head_linear(b, "fc", x, options);
}

#define SIZE(depth)                                                                                \
    {                                                                                              \
        .name = "resnet" #depth,                                                                   \
        .help = "torchvision's ResNet-" #depth ", for images of about 224 pixels",                 \
        .input = {224, 224, 3}, .build = resnet, .parameter = depth,                               \
    }

const struct arch arch_resnet[RESNET_SIZES] = {SIZE(18), SIZE(34), SIZE(50), SIZE(101)};
