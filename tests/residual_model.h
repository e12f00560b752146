// A small residual network with everything that makes plans hard: a shortcut with parameters, a
// pooled stem, dropout inside the block and in front of the head.
#ifndef THAW_TESTS_RESIDUAL_MODEL_H
#define THAW_TESTS_RESIDUAL_MODEL_H

#include "model/build.h"
#include "model/freeze.h"
#include <assert.h>
#include <stdio.h>

enum { RESIDUAL_SIDE = 8, RESIDUAL_CLASSES = 5 };

// Close with model_close.
static inline struct model *residual_model(float dropout) {
    struct build *b = build_start("residual", (struct shape){RESIDUAL_SIDE, RESIDUAL_SIDE, 2});
    build_init(b, INIT_KAIMING_NORMAL_OUT, INIT_UNIFORM_FAN_IN);
    int x = build_conv(b, "conv1", 0, (struct build_conv){.out = 6, .kernel = 3, .pad = 1});
    x = build_relu(b, "relu", build_batch_norm(b, "bn1", x));
    build_push(b, "block", "BasicBlock");
    build_mark_block(b);
    int y = build_conv(b, "conv1", x,
                       (struct build_conv){.out = 8, .kernel = 3, .stride = 2, .pad = 1});
    y = build_relu(b, NULL, build_batch_norm(b, "bn1", y));
    if (dropout > 0)
        y = build_dropout(b, "drop", y, dropout);
    y = build_conv(b, "conv2", y,
                   (struct build_conv){.out = 8, .kernel = 3, .pad = 1, .bias = true});
    y = build_batch_norm(b, "bn2", y);
    build_push(b, "shortcut", "Sequential");
    x = build_conv(b, "0", x, (struct build_conv){.out = 8, .kernel = 1, .stride = 2});
    x = build_batch_norm(b, "1", x);
    build_pop(b);
    x = build_relu(b, NULL, build_add(b, y, x));
    build_pop(b);
    x = build_dropout(b, "drop", build_global_pool(b, "pool", x), dropout);
    build_mark_head(b);
    x = build_linear(b, "fc", x, RESIDUAL_CLASSES, true);
    struct error error;
    struct model *model = build_finish(b, x, &error);
    assert(model);
    return model;
}

// The modules that own parameters, for going through all freeze masks.
static const char *const residual_modules[] = {
    "conv1",       "bn1",       "block.conv1",      "block.bn1",
    "block.conv2", "block.bn2", "block.shortcut.0", "block.shortcut.1",
    "fc",
};
enum { RESIDUAL_MODULES = 9, RESIDUAL_MASKS = 1 << RESIDUAL_MODULES };

// Thaws the modules whose bit is set, statistics by the policy.
static inline struct flags residual_flags(const struct model *model, int mask,
                                          enum bn_policy policy) {
    struct flags flags = flags_open(model);
    for (int i = 0; i < RESIDUAL_MODULES; i++) {
        struct error error;
        char rule[64];
        snprintf(rule, sizeof rule, "thaw %s", residual_modules[i]);
        bool ok = !(mask >> i & 1) || freeze_apply(&flags, policy, rule, &error);
        assert(ok);
        (void)ok;
    }
    if (policy == BN_TORCH)
        freeze_policy(&flags, policy);
    return flags;
}

#endif
