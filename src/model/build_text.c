// The leaves of texts.
#include "model/build.h"
#include "model/build_parts.h"
#include <assert.h>

static int add_table(struct build *b, int node, int rows, int out) {
    struct param p = {
        .kind = PARAM_WEIGHT, .dims = {2, {rows, out}}, .init = INIT_NORMAL_TEXT, .fan = 1};
    if (node)
        b->model->nodes[node].param[0] = build_param(b, "weight", p);
    return node;
}

int build_embedding(struct build *b, const char *name, int ids, int rows, int out) {
    assert(name && "an embedding owns parameters: it needs a module");
    union op_attr attr = {.embedding = {rows, out}};
    b->model->text = true;
    return add_table(b, build_node(b, name, "Embedding", &op_embedding, attr, ids, -1), rows, out);
}

int build_token_add(struct build *b, const char *name, int x, int rows, bool place) {
    assert(name && "an embedding owns parameters: it needs a module");
    union op_attr attr = {.token_add = {rows, place}};
    int out = build_shape(b, x).c;
    return add_table(b, build_node(b, name, "Embedding", &op_token_add, attr, x, -1), rows, out);
}

int build_layer_norm(struct build *b, const char *name, int x, float eps) {
    assert(name && "a LayerNorm owns parameters: it needs a module");
    union op_attr attr = {.norm = {.eps = eps}};
    int node = build_node(b, name, "LayerNorm", &op_layer_norm, attr, x, -1);
    if (!node)
        return 0;
    struct param p = {.norm = true, .dims = {1, {build_shape(b, x).c}}};
    p.kind = PARAM_WEIGHT;
    p.init = INIT_ONE;
    b->model->nodes[node].param[0] = build_param(b, "weight", p);
    p.kind = PARAM_BIAS;
    p.init = INIT_ZERO;
    b->model->nodes[node].param[1] = build_param(b, "bias", p);
    return node;
}

int build_token_linear(struct build *b, const char *name, int x, int out, bool bias) {
    return build_linear_of(b, name, x,
                           &(struct linear_parts){.kind = "Linear",
                                                  .op = &op_token_linear,
                                                  .in = build_shape(b, x).c,
                                                  .out = out,
                                                  .bias = bias});
}

int build_conv1d(struct build *b, const char *name, int x, int out) {
    return build_linear_of(b, name, x,
                           &(struct linear_parts){.kind = "Conv1D",
                                                  .op = &op_token_linear,
                                                  .in = build_shape(b, x).c,
                                                  .out = out,
                                                  .bias = true,
                                                  .layout = LAYOUT_TRANSPOSED});
}

int build_gelu(struct build *b, const char *name, int x, bool tanh) {
    union op_attr attr = {.gelu = {tanh}};
    return build_node(b, name, "GELU", &op_gelu, attr, x, -1);
}

int build_tanh(struct build *b, const char *name, int x) {
    return build_node(b, name, "Tanh", &op_tanh, (union op_attr){0}, x, -1);
}

static union op_attr attention_attr(struct build_attention a) {
    return (union op_attr){.attention = {a.heads, a.causal, a.dropout}};
}

int build_attention(struct build *b, const char *name, int q, int k, int v,
                    struct build_attention a) {
    return build_node_of(b, name, "Attention", &op_attention, attention_attr(a),
                         (const int[OP_INPUTS]){q, k, v});
}

int build_attention_packed(struct build *b, const char *name, int x, struct build_attention a) {
    return build_node(b, name, "Attention", &op_attention_packed, attention_attr(a), x, -1);
}

int build_token_pool(struct build *b, const char *name, int x, enum token_pool which) {
    union op_attr attr = {.token_pool = {which}};
    return build_node(b, name, "TokenPool", &op_token_pool, attr, x, -1);
}

int build_token_pick(struct build *b, const char *name, int x) {
    const int most = model_hidden_tokens(build_shape(b, x).h);
    union op_attr attr = {.token_pick = {most > 2 ? most : 2}}; // a list of one would be a vector
    return build_node(b, name, "TokenPick", &op_token_pick, attr, x, -1);
}

int build_language_head(struct build *b, const char *name, int x, int embedding, bool tied,
                        int bias) {
    const struct node *table = &b->model->nodes[embedding];
    const int weight = table->param[0];
    b->language = true;
    int node = build_token_linear(b, name, x, table->attr.embedding.rows, bias >= 0);
    const int *param = b->model->nodes[node].param;
    if (node && tied)
        b->model->params[param[0]].storage = weight;
    if (node && bias >= 0)
        b->model->params[param[1]].storage = bias;
    return node;
}
