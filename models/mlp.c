// A multilayer perceptron: three linear layers, each in a place of its own to freeze.
#include "models/block.h"
#include "models/head.h"
#include "models/models.h"

static int mlp(struct build *b, const struct arch *arch, const struct arch_options *options) {
    (void)arch;
    int x = build_flatten(b, "flatten", 0);
    build_mark_block(b);
    x = build_linear(b, "fc1", x, 256, true);
    x = build_relu(b, NULL, x);
    x = block_dropout(b, "dropout", x, options);
    build_mark_block(b);
    x = build_linear(b, "fc2", x, 128, true);
    x = build_relu(b, NULL, x);
    return head_linear(b, "fc3", x, options);
}

const struct arch arch_mlp = {
    .name = "mlp",
    .help = "three linear layers (256, 128, classes)",
    .input = {28, 28, 1},
    .build = mlp,
};
