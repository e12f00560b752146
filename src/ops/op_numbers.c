// Which members of union op_attr each operation has.
#include "ops/op.h"
#include <assert.h>
#include <stddef.h>
#include <string.h>

enum kind { WHOLE, REAL, YES_OR_NO };

struct member {
    size_t at;
    enum kind kind;
};

#define WHOLE_OF(m)                                                                                \
    { offsetof(union op_attr, m), WHOLE }
#define REAL_OF(m)                                                                                 \
    { offsetof(union op_attr, m), REAL }
#define FLAG_OF(m)                                                                                 \
    { offsetof(union op_attr, m), YES_OR_NO }

static const struct {
    const struct operation *op;
    int count;
    struct member members[OP_NUMBERS];
} table[] = {
    {&op_conv2d,
     7,
     {WHOLE_OF(conv.out), WHOLE_OF(conv.kernel_h), WHOLE_OF(conv.kernel_w), WHOLE_OF(conv.stride),
      WHOLE_OF(conv.pad), WHOLE_OF(conv.groups), FLAG_OF(conv.bias)}},
    {&op_relu, 1, {REAL_OF(relu.most)}},
    {&op_max_pool, 3, {WHOLE_OF(pool.kernel), WHOLE_OF(pool.stride), WHOLE_OF(pool.pad)}},
    {&op_avg_pool, 3, {WHOLE_OF(pool.kernel), WHOLE_OF(pool.stride), WHOLE_OF(pool.pad)}},
    {&op_adaptive_pool, 2, {WHOLE_OF(adaptive.h), WHOLE_OF(adaptive.w)}},
    {&op_batch_norm, 2, {REAL_OF(norm.eps), REAL_OF(norm.momentum)}},
    {&op_layer_norm, 1, {REAL_OF(norm.eps)}},
    {&op_linear, 2, {WHOLE_OF(linear.out), FLAG_OF(linear.bias)}},
    {&op_token_linear, 2, {WHOLE_OF(linear.out), FLAG_OF(linear.bias)}},
    {&op_dropout, 1, {REAL_OF(dropout.p)}},
    {&op_pad_shortcut, 2, {WHOLE_OF(pad_shortcut.out), WHOLE_OF(pad_shortcut.stride)}},
    {&op_embedding, 2, {WHOLE_OF(embedding.rows), WHOLE_OF(embedding.out)}},
    {&op_token_add, 2, {WHOLE_OF(token_add.rows), FLAG_OF(token_add.place)}},
    {&op_gelu, 1, {FLAG_OF(gelu.tanh)}},
    {&op_attention,
     3,
     {WHOLE_OF(attention.heads), FLAG_OF(attention.causal), REAL_OF(attention.p)}},
    {&op_attention_packed,
     3,
     {WHOLE_OF(attention.heads), FLAG_OF(attention.causal), REAL_OF(attention.p)}},
    {&op_token_pool, 1, {WHOLE_OF(token_pool.which)}},
    {&op_global_pool, 0, {{0}}},
    {&op_add, 0, {{0}}},
    {&op_flatten, 0, {{0}}},
    {&op_tanh, 0, {{0}}},
    {&op_token_pick, 1, {WHOLE_OF(token_pick.rows)}},
    {&op_token_loss, 0, {{0}}},
    {&op_cross_entropy, 0, {{0}}},
};

static double number_at(const union op_attr *attr, struct member m) {
    const char *at = (const char *)attr + m.at;
    int whole;
    float real;
    bool flag;
    switch (m.kind) {
    case WHOLE:
        memcpy(&whole, at, sizeof whole);
        return whole;
    case REAL:
        memcpy(&real, at, sizeof real);
        return (double)real;
    case YES_OR_NO:
        memcpy(&flag, at, sizeof flag);
        return flag;
    }
    return 0;
}

bool op_numbers(const struct operation *op, const union op_attr *attr, double out[OP_NUMBERS]) {
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].op != op)
            continue;
        for (int k = 0; k < OP_NUMBERS; k++)
            out[k] = k < table[i].count ? number_at(attr, table[i].members[k]) : 0;
        return true;
    }
    return false;
}
