// ResNets for large images (He et al., "Deep residual learning for image recognition", CVPR 2016,
// table 1), under torchvision's names and in its order.
#include "models/models.h"

static int conv3x3(struct build *b, const char *name, int x, int out, int stride) {
    return build_conv(b, name, x,
                      (struct build_conv){.out = out, .kernel = 3, .stride = stride, .pad = 1});
}

static int downsample(struct build *b, int x, int out, int stride) {
    build_push(b, "downsample", "Sequential");
    x = build_conv(b, "0", x, (struct build_conv){.out = out, .kernel = 1, .stride = stride});
    x = build_batch_norm(b, "1", x);
    build_pop(b);
    return x;
}

static int basic_block(struct build *b, int index, int x, int out, int stride) {
    build_push_item(b, index, "BasicBlock");
    build_mark_block(b);
    int y = conv3x3(b, "conv1", x, out, stride);
    y = build_batch_norm(b, "bn1", y);
    y = build_relu(b, "relu", y);
    y = conv3x3(b, "conv2", y, out, 1);
    y = build_batch_norm(b, "bn2", y);
    if (stride != 1 || build_shape(b, x).c != out)
        x = downsample(b, x, out, stride);
    y = build_relu(b, NULL, build_add(b, y, x));
    build_pop(b);
    return y;
}

static int layer(struct build *b, const char *name, int x, int out, int stride) {
    build_push(b, name, "Sequential");
    x = basic_block(b, 0, x, out, stride);
    x = basic_block(b, 1, x, out, 1);
    build_pop(b);
    return x;
}

static int resnet18(struct build *b, const struct arch *arch, const struct arch_options *options) {
    (void)arch;
    build_init(b, INIT_KAIMING_NORMAL_OUT, INIT_UNIFORM_FAN_IN);
    struct build_conv stem = {.out = 64, .kernel = 7, .stride = 2, .pad = 3};
    int x = build_conv(b, "conv1", 0, stem);
    x = build_batch_norm(b, "bn1", x);
    x = build_relu(b, "relu", x);
    x = build_max_pool(b, "maxpool", x, 3, 2, 1);
    x = layer(b, "layer1", x, 64, 1);
    x = layer(b, "layer2", x, 128, 2);
    x = layer(b, "layer3", x, 256, 2);
    x = layer(b, "layer4", x, 512, 2);
    x = build_global_pool(b, "avgpool", x);
    x = build_dropout(b, NULL, x, options->dropout);
    build_mark_head(b);
    return build_linear(b, "fc", x, options->classes, true);
}

const struct arch arch_resnet18 = {
    .name = "resnet18",
    .help = "torchvision's ResNet-18, for images of about 224 pixels",
    .input = {224, 224, 3},
    .build = resnet18,
};
