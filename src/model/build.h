// What an architecture calls to describe itself: a few readable lines a network (see models/).
//
// Errors stick: after the first one every call does nothing and returns node 0, and build_finish
// reports it, with the module's name in front.
#ifndef THAW_BUILD_H
#define THAW_BUILD_H

#include "model/model.h"

struct build;

// Input shape of one sample; the names of architecture and classes are the caller's.
struct build *build_start(const char *arch, struct shape input);

// Adds the loss behind `logits` and returns the model (the caller closes it), or NULL with an
// error. Frees b either way.
struct model *build_finish(struct build *b, int logits, struct error *error);

struct shape build_shape(const struct build *b, int node);
bool build_failed(const struct build *b); // whether there was an error: nothing more is built
void build_fail(struct build *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Opens and closes a container module ("layer1", "Sequential"). `kind` must be static. Modules are
// listed in the order of these calls and those of the leaves, which is PyTorch's order of
// registration; the graph is free: an input may be any earlier node.
void build_push(struct build *b, const char *name, const char *kind);
void build_push_item(struct build *b, int index, const char *kind); // as Sequential names children
void build_pop(struct build *b);
// Marks the container that was just opened (nothing in it yet), else the module that comes next, as
// a block of "the last N blocks", or as the head.
void build_mark_block(struct build *b);
void build_mark_next_block(struct build *b); // the module that comes next, in any case
void build_mark_head(struct build *b);

struct build_conv {
    int out, kernel, stride, pad, groups; // stride and groups: 0 means 1
    bool bias;
};

// Leaves: each makes a module of that name with PyTorch's parameter names, and one node. A NULL
// name makes a node inside the open container (a functional call); what owns parameters needs a
// name. Each returns its node.
int build_conv(struct build *b, const char *name, int x, struct build_conv c);
int build_batch_norm(struct build *b, const char *name, int x);
int build_linear(struct build *b, const char *name, int x, int out, bool bias);
int build_batch_norm_1d(struct build *b, const char *name, int x); // of a vector
int build_relu(struct build *b, const char *name, int x);
int build_relu6(struct build *b, const char *name, int x);
int build_max_pool(struct build *b, const char *name, int x, int kernel, int stride, int pad);
int build_avg_pool(struct build *b, const char *name, int x, int kernel, int stride, int pad);
int build_adaptive_pool(struct build *b, const char *name, int x, int h, int w); // to h x w
int build_global_pool(struct build *b, const char *name, int x);
int build_flatten(struct build *b, const char *name, int x); // the next linear gets LAYOUT_FLATTEN
int build_dropout(struct build *b, const char *name, int x, float p); // p 0: a module but no node
int build_add(struct build *b, int x, int y);
int build_pad_shortcut(struct build *b, const char *name, int x, int out, int stride);

// Leaves of texts. The first one is an embedding of node 0: from then on the model is one of texts,
// whose input is {tokens, 1, 1}. build_linear is for what follows build_token_pool.
int build_embedding(struct build *b, const char *name, int ids, int rows, int out);
int build_token_add(struct build *b, const char *name, int x, int rows, bool place); // an Embedding
int build_layer_norm(struct build *b, const char *name, int x, float eps);
int build_token_linear(struct build *b, const char *name, int x, int out, bool bias);
int build_conv1d(struct build *b, const char *name, int x, int out); // the same as GPT-2 stores it
int build_gelu(struct build *b, const char *name, int x, bool tanh);
int build_tanh(struct build *b, const char *name, int x);
struct build_attention {
    int heads;
    bool causal;
    float dropout; // of weights
};
int build_attention(struct build *b, const char *name, int q, int k, int v,
                    struct build_attention a);
int build_attention_packed(struct build *b, const char *name, int x, struct build_attention a);
int build_token_pool(struct build *b, const char *name, int x, enum token_pool which);
// Of each text the tokens that are to be predicted: what is behind them computes only those, and
// with a language head behind them the model is a masked one.
int build_token_pick(struct build *b, const char *name, int x);
// A bias of so many elements that belongs to the container just opened. Returns the parameter.
int build_own_bias(struct build *b, int count);
// Logits over the tokens of embedding node `embedding`, for each token: with these, build_finish
// makes a language model. Tied: by the embedding's own weights, which get a second name; `bias`:
// the parameter that its bias is tied to, or -1 for no bias.
int build_language_head(struct build *b, const char *name, int x, int embedding, bool tied,
                        int bias);

// Sets how the weights of the convolutions and linear layers built from here on are initialised
// (PyTorch's default until then: INIT_UNIFORM_FAN_IN), and how the biases of both (the same).
void build_init(struct build *b, enum param_init conv, enum param_init linear);
void build_init_bias(struct build *b, enum param_init bias);
// What INIT_NORMAL_TEXT divides by; 1 until then.
void build_init_fan(struct build *b, int fan);
// Endings of names in weight files that are no parameters of this model: static storage.
void build_no_parameters(struct build *b, const char *const *endings);
// Beginnings of names that belong to one use of the architecture (model.h): static storage.
void build_uses(struct build *b, const char *const *beginnings);

// The sizes of a text model, as config.json has them.
struct text_config {
    const char *kind;                    // model_type there: "bert"; NULL: no text model
    int vocabulary, positions, segments; // rows of the embeddings
    int hidden, layers, heads, inner;    // inner: of the feed-forward part
    float dropout, attention_dropout, embedding_dropout, eps;
    bool gelu_tanh;  // the activation
    bool tied;       // a language model's head has the embedding's weights
    bool transposed; // files have linear layers as [in][out] (GPT-2's Conv1D)
};

// What a person may choose of an architecture.
struct arch_options {
    struct shape input;  // h, w and channels; each 0: the architecture's default
    int classes;         // >= 1
    char shortcut;       // 'a', 'b', or 0 for the default
    float dropout;       // before the classifier; 0: none, below 0: the architecture's default
    float block_dropout; // inside blocks (models/block.h); 0: none
    // Layers in place of the classifier, such as "dropout 0.5" (models/layer.h); NULL: its own.
    const char *const *head;
    int head_count;
    // Of texts:
    int vocabulary;                 // tokens of the data; 0: its samples are no texts
    const struct text_config *text; // NULL: the architecture's own
    enum arch_pool { POOL_DEFAULT, POOL_FIRST, POOL_MEAN, POOL_LAST } pool;
};

struct arch {
    const char *name, *help;
    struct shape input; // the default
    char shortcut;      // the default; 0: there is no choice of shortcut
    float dropout;      // the default
    // Returns the node of the logits, which must be the last. In `options` all defaults are filled.
    int (*build)(struct build *b, const struct arch *arch, const struct arch_options *options);
    int parameter;           // for a family: e.g. the depth
    bool norm;               // for a family: with BatchNorm
    struct text_config text; // of texts: the default; kind NULL: an architecture of pictures
    bool language;           // of texts: predicts tokens in place of a class
};

#endif
