// MobileNetV2 (Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018,
// table 2), under torchvision's names and in its order.
#include "models/block.h"
#include "models/head.h"
#include "models/models.h"

// The paper's rows t, c, n, s: expansion, output channels, repetitions, stride of the first.
static const struct {
    int expansion, out, repeat, stride;
} rows[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
            {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

enum { ROWS = sizeof rows / sizeof *rows, FIRST = 32, LAST = 1280 };

// Convolution, BatchNorm and ReLU6 into the container that was just opened, which it closes.
static int conv_norm_relu(struct build *b, int x, struct build_conv c) {
    c.pad = c.kernel / 2;
    x = build_conv(b, "0", x, c);
    x = build_batch_norm(b, "1", x);
    x = build_relu6(b, "2", x);
    build_pop(b);
    return x;
}

// Wide inside and narrow outside; the last convolution has no ReLU behind it.
static int layers(struct build *b, int x, int expansion, int out, int stride,
                  const struct arch_options *options) {
    static const char *const names[] = {"0", "1", "2", "3"};
    const int wide = expansion * build_shape(b, x).c;
    int index = 0;
    if (expansion > 1) {
        build_push_item(b, index++, "Conv2dNormActivation");
        x = conv_norm_relu(b, x, (struct build_conv){.out = wide, .kernel = 1});
    }
    struct build_conv depthwise = {.out = wide, .kernel = 3, .stride = stride, .groups = wide};
    build_push_item(b, index++, "Conv2dNormActivation");
    x = conv_norm_relu(b, x, depthwise);
    x = block_dropout(b, "dropout", x, options);
    x = build_conv(b, names[index++], x, (struct build_conv){.out = out, .kernel = 1});
    return build_batch_norm(b, names[index], x);
}

static int inverted_residual(struct build *b, int index, int x, int expansion, int out, int stride,
                             const struct arch_options *options) {
    build_push_item(b, index, "InvertedResidual");
    build_mark_block(b);
    build_push(b, "conv", "Sequential");
    int y = layers(b, x, expansion, out, stride, options);
    build_pop(b);
    if (stride == 1 && build_shape(b, x).c == out)
        y = build_add(b, x, y);
    build_pop(b);
    return y;
}

static int features(struct build *b, const struct arch_options *options) {
    int index = 0;
    build_push(b, "features", "Sequential");
    build_push_item(b, index++, "Conv2dNormActivation");
    int x = conv_norm_relu(b, 0, (struct build_conv){.out = FIRST, .kernel = 3, .stride = 2});
    for (int row = 0; row < ROWS; row++)
        for (int i = 0; i < rows[row].repeat; i++)
            x = inverted_residual(b, index++, x, rows[row].expansion, rows[row].out,
                                  i == 0 ? rows[row].stride : 1, options);
    build_push_item(b, index, "Conv2dNormActivation");
    build_mark_block(b);
    x = block_dropout(b, "dropout", x, options);
    x = conv_norm_relu(b, x, (struct build_conv){.out = LAST, .kernel = 1});
    build_pop(b);
    return x;
}

static int mobilenet_v2(struct build *b, const struct arch *arch,
                        const struct arch_options *options) {
    (void)arch;
    build_init(b, INIT_KAIMING_NORMAL_OUT, INIT_NORMAL);
    build_init_bias(b, INIT_ZERO);
    int x = features(b, options);
    x = build_global_pool(b, NULL, x);
    return head_dropout_linear(b, "classifier", x, options);
}

const struct arch arch_mobilenet_v2 = {
    .name = "mobilenet_v2",
    .help = "torchvision's MobileNetV2, for images of about 224 pixels",
    .input = {224, 224, 3},
    .dropout = 0.2f,
    .build = mobilenet_v2,
};
