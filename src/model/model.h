// A network: a tree of modules under PyTorch's names, the parameters they own, and the graph of
// nodes that computes it. Immutable once built, so any thread may read it; the values of the
// parameters live in a struct weights, which the trainer owns.
#ifndef THAW_MODEL_H
#define THAW_MODEL_H

#include "base/error.h"
#include "base/shape.h"
#include "ops/op.h"
#include <stdbool.h>
#include <stdint.h>

enum param_kind {
    PARAM_WEIGHT,
    PARAM_BIAS,
    PARAM_STATISTIC, // running_mean, running_var
    PARAM_COUNTER,   // num_batches_tracked: one int64_t, PyTorch's dtype
};

// How a parameter lies in memory, relative to PyTorch's order in files.
enum layout {
    LAYOUT_PLAIN,      // the same
    LAYOUT_CONV,       // [r][s][c][k] here, [k][c][r][s] there
    LAYOUT_FLATTEN,    // behind a flatten, the columns of a linear weight and the elements of a
                       // BatchNorm: in h, w, c order here, c, h, w there
    LAYOUT_TRANSPOSED, // [out][in] here, [in][out] there: GPT-2's linear layers (Conv1D)
};

enum param_init {
    INIT_ZERO,
    INIT_ONE,
    INIT_KAIMING_NORMAL_OUT, // std = sqrt(2 / fan_out), torchvision's for convolutions
    INIT_UNIFORM_FAN_IN,     // +-1/sqrt(fan_in), PyTorch's default for linear layers and biases
    INIT_KAIMING_NORMAL_IN,  // std = sqrt(2 / fan_in)
    INIT_NORMAL,             // std = 0.01, torchvision's for the linear layers of VGG and MobileNet
    INIT_NORMAL_TEXT,        // std = 0.02 / sqrt(fan), as BERT and GPT-2; fan 1 but where said
};

struct param {
    char *name; // "layer1.0.conv1.weight"
    int module;
    enum param_kind kind;
    bool norm; // owned by a normalisation layer
    struct dims dims;
    enum layout layout;
    struct shape flat; // LAYOUT_FLATTEN: the shape before the flatten
    enum param_init init;
    int fan;      // what `init` divides by
    size_t count; // elements
    size_t at;    // where its value begins in struct weights, in floats, 64-byte aligned
    int storage;  // the first parameter with this storage: itself unless tied
};

// A place a person freezes. Modules stand in preorder: the subtree of m is m .. modules[m].end - 1.
struct module {
    char *name;       // dotted; "" for the root
    const char *kind; // PyTorch's class name: "Conv2d"; static storage
    int parent;       // -1 for the root
    int end;
    int depth;                    // 0 for the root
    bool block;                   // one unit of "the last N blocks"
    bool head;                    // the classifier
    int first_param, param_count; // its own, not its children's
};

// One application of an operation. Inputs are earlier nodes. Node 0 is the input: op NULL.
// The last node is the loss (op_cross_entropy; of a language model op_token_loss); the one before
// it gives the logits.
struct node {
    const struct operation *op;
    union op_attr attr;
    int module;
    int in[OP_INPUTS];
    struct shape shape;   // of one sample's output
    int param[OP_PARAMS]; // -1 where absent
    int counter;          // norm: the parameter that counts batches, or -1
    bool picked;          // its rows are the tokens that are to be predicted, not all
};

struct model {
    char *arch;
    int module_count, param_count, node_count;
    struct module *modules;
    struct param *params;
    struct node *nodes;
    size_t weight_floats; // size of a struct weights
    int classes;          // of a language model, token ids
    bool text;            // samples are lists of token ids of different lengths, -1 behind the last
    // Endings of names in weight files that are no parameters: masks, numbered positions. NULL:
    // none.
    const char *const *no_parameters;
    // Beginnings of names that belong to one use of an architecture or another ("cls.", what BERT
    // predicts words with): a file that has none of ours is of another use. NULL: there is only
    // one.
    const char *const *uses;
};

// Whether the loss is of tokens, not of a label; and whether of such as are hidden from the network
// (node.picked), not of each one that follows others.
bool model_is_language(const struct model *model);
bool model_is_masked(const struct model *model);
// Of a text of so many tokens, how many a masked one is to predict: 15 %, as BERT, at least one.
int model_hidden_tokens(int tokens);

void model_close(struct model *model);

// The node with the logits, and the node with the loss.
int model_logits(const struct model *model);
int model_loss(const struct model *model);

// Index by exact dotted name, or -1.
int model_module(const struct model *model, const char *name);
int model_param(const struct model *model, const char *name);

// Parameters of kind weight and bias, each storage once.
size_t model_trainable_count(const struct model *model);

// Values. Each parameter's floats begin at data + param.at.
struct weights {
    const struct model *model;
    float *data;
};

struct weights weights_open(const struct model *model); // zeroed
void weights_close(struct weights *w);
float *weights_at(const struct weights *w, int param); // its storage's floats
int64_t *weights_counter(const struct weights *w, int param);

// Sets every parameter by its `init`, as a function of seed and name alone: the same parameter gets
// the same values whatever else the model has.
void weights_init(struct weights *w, uint64_t seed);
void weights_init_param(struct weights *w, int param, uint64_t seed);

// The bytes of one parameter's value (8 for a counter).
size_t param_bytes(const struct param *p);
uint64_t weights_hash(const struct weights *w, int param);

#endif
