#include "models/block.h"

int block_dropout(struct build *b, const char *name, int x, const struct arch_options *options) {
    return options->block_dropout > 0 && x != 0 ? build_dropout(b, name, x, options->block_dropout)
                                                : x;
}
