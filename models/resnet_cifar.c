// ResNets for small images (He et al., "Deep residual learning for image recognition", CVPR 2016,
// section 4.2), under the names of the widespread PyTorch version for CIFAR-10 by Yerlan Idelbayev
// (akamaster). Depth 6n + 2: three layers of n blocks at widths 16, 32 and 64.
#include "models/block.h"
#include "models/head.h"
#include "models/models.h"

static int conv3x3(struct build *b, const char *name, int x, int out, int stride) {
    return build_conv(b, name, x,
                      (struct build_conv){.out = out, .kernel = 3, .stride = stride, .pad = 1});
}

// The paper's options: A subsamples and pads with zeros, without parameters; B is a 1x1
// convolution.
static int shortcut(struct build *b, int x, int out, int stride, char option) {
    if (stride == 1 && build_shape(b, x).c == out)
        return x;
    if (option == 'a')
        return build_pad_shortcut(b, "shortcut", x, out, stride);
    build_push(b, "shortcut", "Sequential");
    x = build_conv(b, "0", x, (struct build_conv){.out = out, .kernel = 1, .stride = stride});
    x = build_batch_norm(b, "1", x);
    build_pop(b);
    return x;
}

static int basic_block(struct build *b, int index, int x, int out, int stride,
                       const struct arch_options *options) {
    build_push_item(b, index, "BasicBlock");
    build_mark_block(b);
    int y = conv3x3(b, "conv1", x, out, stride);
    y = build_batch_norm(b, "bn1", y);
    y = build_relu(b, NULL, y);
    y = block_dropout(b, "dropout", y, options);
    y = conv3x3(b, "conv2", y, out, 1);
    y = build_batch_norm(b, "bn2", y);
    x = shortcut(b, x, out, stride, options->shortcut);
    y = build_relu(b, NULL, build_add(b, y, x));
    build_pop(b);
    return y;
}

static int resnet_cifar(struct build *b, const struct arch *arch,
                        const struct arch_options *options) {
    static const char *const layers[] = {"layer1", "layer2", "layer3"};
    int blocks = (arch->parameter - 2) / 6;
    build_init(b, INIT_KAIMING_NORMAL_IN, INIT_KAIMING_NORMAL_IN);
    int x = conv3x3(b, "conv1", 0, 16, 1);
    x = build_batch_norm(b, "bn1", x);
    x = build_relu(b, NULL, x);
    for (int i = 0; i < 3; i++) {
        build_push(b, layers[i], "Sequential");
        for (int k = 0; k < blocks; k++)
            x = basic_block(b, k, x, 16 << i, i > 0 && k == 0 ? 2 : 1, options);
        build_pop(b);
    }
    x = build_global_pool(b, NULL, x);
    return head_linear(b, "linear", x, options);
}

#define SIZE(depth)                                                                                \
    {                                                                                              \
        .name = "resnet" #depth, .help = "ResNet-" #depth " for small images, as for CIFAR-10",    \
        .input = {28, 28, 1}, .shortcut = 'b', .build = resnet_cifar, .parameter = depth,          \
    }

const struct arch arch_resnet_cifar[RESNET_CIFAR_SIZES] = {SIZE(8), SIZE(20), SIZE(32), SIZE(44),
                                                           SIZE(56)};
