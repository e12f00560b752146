// A small plain convolutional network: three blocks of convolution, BatchNorm, ReLU and pooling,
// and one linear layer. An input must be at least 8x8, for three poolings halve it.
#include "models/block.h"
#include "models/head.h"
#include "models/models.h"

static int block(struct build *b, int index, int x, int out, const struct arch_options *options) {
    build_push_item(b, index, "Sequential");
    build_mark_block(b);
    x = block_dropout(b, "dropout", x, options);
    x = build_conv(b, "0", x, (struct build_conv){.out = out, .kernel = 3, .pad = 1});
    x = build_batch_norm(b, "1", x);
    x = build_relu(b, "2", x);
    x = build_max_pool(b, "3", x, 2, 2, 0);
    build_pop(b);
    return x;
}

static int cnn(struct build *b, const struct arch *arch, const struct arch_options *options) {
    (void)arch;
    build_init(b, INIT_KAIMING_NORMAL_OUT, INIT_UNIFORM_FAN_IN);
    build_push(b, "features", "Sequential");
    int x = block(b, 0, 0, 32, options);
    x = block(b, 1, x, 64, options);
    x = block(b, 2, x, 128, options);
    build_pop(b);
    x = build_flatten(b, "flatten", x);
    return head_dropout_linear(b, "classifier", x, options);
}

const struct arch arch_cnn = {
    .name = "cnn",
    .help = "a plain network of three convolutions (32, 64, 128) and a linear layer",
    .input = {28, 28, 1},
    .build = cnn,
};
