#include "ops/op.h"
#include <string.h>

const struct operation *const operations[] = {
    &op_conv2d,     &op_batch_norm,    &op_linear,      &op_relu,          &op_max_pool,
    &op_avg_pool,   &op_adaptive_pool, &op_global_pool, &op_add,           &op_flatten,
    &op_dropout,    &op_pad_shortcut,  &op_embedding,   &op_token_add,     &op_token_linear,
    &op_layer_norm, &op_gelu,          &op_tanh,        &op_attention,     &op_attention_packed,
    &op_token_pool, &op_token_pick,    &op_token_loss,  &op_cross_entropy, NULL,
};

const struct operation *operation_find(const char *name) {
    for (int i = 0; operations[i]; i++)
        if (strcmp(operations[i]->name, name) == 0)
            return operations[i];
    return NULL;
}
