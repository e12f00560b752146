// The contract of an operation: one const struct in one table (ops.c).
//
// An operation never asks "is it frozen?", only "is it wanted?": a gradient destination that is
// NULL is skipped. Each destination says whether to set or to add; the plan decides that once, by
// the order of the unpruned graph. Work is cut into pieces that are a function of shape alone.
// Operations allocate nothing, hold no state, and touch only what the call hands them.
#ifndef THAW_OPS_OP_H
#define THAW_OPS_OP_H

#include "base/error.h"
#include "base/kernels.h"
#include "base/pool.h"
#include "base/shape.h"
#include <stdint.h>

enum { OP_INPUTS = 3, OP_PARAMS = 5 };

// Which token stands for the whole text.
enum token_pool { TOKEN_FIRST, TOKEN_MEAN, TOKEN_LAST };

// What the builder says of one operation; which member is meant follows from the operation.
union op_attr {
    struct {
        int out, kernel_h, kernel_w, stride, pad, groups;
        bool bias;
    } conv;
    struct {
        float most; // no output is larger; 0: no limit
    } relu;
    struct {
        int kernel, stride, pad;
    } pool;
    struct {
        int h, w; // of the output
    } adaptive;
    struct {
        float eps,
            momentum; // PyTorch's meaning: running = (1 - momentum) * running + momentum * new
    } norm;
    struct {
        int out;
        bool bias;
    } linear;
    struct {
        float p; // probability of zeroing
    } dropout;
    struct {
        int out, stride; // option-A shortcut: subsample, zero-pad channels to `out` on both sides
    } pad_shortcut;
    struct {
        int rows, out; // of the table: how many tokens there are, and how long their vectors
    } embedding;
    struct {
        int rows;   // of the table
        bool place; // token i gets row i; else all get row 0
    } token_add;
    struct {
        bool tanh; // by tanh, as GPT-2 does; else by erf
    } gelu;
    struct {
        int heads;
        bool causal; // a token sees itself and what stands before it
        float p;     // probability of dropping a weight
    } attention;
    struct {
        enum token_pool which;
    } token_pool;
    struct {
        int rows; // the most that one text may have
    } token_pick;
};

// A gradient destination; `to` NULL: not wanted. With `row`, only the rows that backward reaches
// are set, side by side (gradient.h), and row is told how many they are, and then which, rising.
struct op_grad {
    float *to;
    bool add; // not with `row`
    int *row; // [1 + the rows that can be reached]; NULL: all elements are wanted
};

// How this pass runs; derived anew by every plan, never stored in a layer.
struct op_mode {
    bool batch_stats; // norm: normalise by the batch and move the running statistics
    double momentum;  // norm: how far they move, in place of attr.norm.momentum; 0: that far
    bool drop;        // dropout: active
    bool precise;     // conv2d: only kernels that multiply directly
    float smoothing;  // cross_entropy: label smoothing in [0, 1)
    uint64_t seed;    // of the experiment
    uint32_t step;    // counter for random draws
    uint32_t node;    // index of the node, for random draws
};

// Everything that one invocation sees. Buffers are 64-byte aligned. in, out and gradients of
// activations are [n][h][w][c]; params are in this build's layouts (model.h).
//
// Texts are [n][tokens][1][c], and of each sample only its first `length` rows are there: what is
// behind them holds nothing, in activations and in gradients, and no operation reads or writes it.
// So a sample's result depends neither on its neighbours' lengths nor on the room for tokens.
struct op_call {
    const union op_attr *attr;
    int n; // samples in the batch, >= 1
    struct shape in_shape[OP_INPUTS], out_shape;
    const float *in[OP_INPUTS];
    float *out;
    float *param[OP_PARAMS]; // in the order of `params` below; NULL where absent. Only norm writes
                             // (running statistics, when mode.batch_stats).
    float *keep;             // floats that forward leaves for backward; NULL when none will come
    float *scratch;          // for the length of this call
    const float *dout;       // backward: the gradient of out
    float relu_most;         // norm, backward by the batch's statistics: above 0, dout is that of a
                             // ReLU of out with this limit, whose backward is done in passing
    struct op_grad din[OP_INPUTS], dparam[OP_PARAMS];
    struct op_mode mode;
    struct kernel_tail tail; // of what operation.tail allows: done to the output in passing
    const int *label;  // class of each sample, -1 to ignore it: cross_entropy, [n]; token_loss,
                       // [n][rows]
    const int *target; // [n][tokens], token_pick only: below 0 what is not picked
    const float *class_weight; // [classes], cross_entropy only; NULL: 1 each
    const uint32_t *sample;    // [n], the data set's index of each sample, for random draws
    const int *length;         // [n], of texts: rows of each sample of the inputs, 1 .. h; NULL: no
                               // texts
    struct pool *pool;
};

// What backward reads beside dout, keep and params; a bit set.
enum { OP_READS_IN = 1, OP_READS_OUT = 2 };

// What may be done in passing; each of these operations also works in place (out is in[0] or
// in[1]).
enum { OP_TAIL_NORM = 1, OP_TAIL_ADD = 2, OP_TAIL_RELU = 4 };

// Where backward may put the gradient of an input, when it sets it: not in the place of dout;
// there, as it goes element by element (of one input); or it is dout, and needs not be written
// there.
enum op_back { OP_BACK_ELSEWHERE, OP_BACK_IN_PLACE, OP_BACK_SAME };

// Multiply and add count as two.
struct op_flops {
    double forward, data, weight; // per sample: forward, gradient of the inputs, of the parameters
};

struct operation {
    const char *name;
    int inputs;
    bool pure; // a sample's output depends on that sample and the parameters alone in every mode
               // (norm and dropout: only when batch_stats, drop are off: the plan asks the mode)
    // The probability with which it drops elements in training; NULL: it never does.
    float (*drops)(const union op_attr *attr);

    // What forward does in passing, while its output is in cache (call.tail): a bit set of
    // OP_TAIL_*.
    unsigned tail;
    // With stored statistics forward is x * scale + shift, of these [c]; NULL: it never is.
    void (*affine)(const struct op_call *call, float *scale, float *shift);

    // Output shape of one sample, or an error that names both sizes.
    bool (*infer)(const union op_attr *attr, const struct shape *in, struct shape *out,
                  struct error *error);
    // Floats for keep and for scratch. They look at attr, n, shapes, mode, pool, and (by NULL or
    // not) din and dparam. Scratch is asked separately for forward and backward. NULL means 0.
    size_t (*keep)(const struct op_call *call);
    size_t (*scratch)(const struct op_call *call, bool backward);
    void (*forward)(const struct op_call *call);
    // Which of OP_READS_* backward needs for the destinations that are wanted; NULL means none.
    unsigned (*reads)(const struct op_call *call);
    void (*backward)(const struct op_call *call);
    enum op_back back;
    // Of how many rows of params[0] at most backward can make a gradient, from n inputs, if it is
    // asked for those alone; 0: they cannot be asked for. NULL means 0.
    int (*reached)(const union op_attr *attr, struct shape in, int n);
    struct op_flops (*flops)(const union op_attr *attr, const struct shape *in, struct shape out);
};

// All operations; their order is not significant. See each file for its params and formulas.
extern const struct operation op_conv2d;     // weight [r][s][c/groups][k], bias [k] or NULL
extern const struct operation op_batch_norm; // weight, bias, running_mean, running_var (no
                                             // counter: the pass counts batches)
extern const struct operation op_linear;     // weight [out][in], bias [out] or NULL
extern const struct operation op_relu;       // with a limit of 6: ReLU6
float relu_limit(const union op_attr *attr); // infinite without one
extern const struct operation op_max_pool;
extern const struct operation op_avg_pool;      // count_include_pad, as PyTorch's default
extern const struct operation op_adaptive_pool; // means over windows that make the output's size
extern const struct operation op_global_pool;   // mean over h, w: a vector
extern const struct operation op_add;
extern const struct operation op_flatten;
extern const struct operation op_dropout;
extern const struct operation op_pad_shortcut;
// Of texts:
extern const struct operation op_embedding;    // in: token ids; weight [rows][out]
extern const struct operation op_token_add;    // weight [rows][c]: positions, or one segment
extern const struct operation op_token_linear; // each token by itself; weight [out][in], bias
extern const struct operation op_layer_norm;   // each token by itself; weight, bias
extern const struct operation op_gelu;
extern const struct operation op_tanh;
extern const struct operation op_attention;        // in: queries, keys, values
extern const struct operation op_attention_packed; // in: all three, side by side
extern const struct operation op_token_pool;       // the first, the last, or the mean: a vector
extern const struct operation op_token_pick;       // of all tokens those to be predicted
extern const struct operation
    op_token_loss; // the sum over a text's tokens; dout as cross_entropy's
extern const struct operation
    op_cross_entropy; // out: the sample's loss (a 1-vector); no reduction.
                      // dout is the gradient per sample: the pass's share of it in the mean

// The table, NULL-terminated. operation_find gives NULL for an unknown name.
extern const struct operation *const operations[];
const struct operation *operation_find(const char *name);

// What an operation's attributes say, as numbers, 0 behind the last one: the same ones for the same
// attributes, whatever lies between the members. False for an operation that it does not know.
enum { OP_NUMBERS = 7 };
bool op_numbers(const struct operation *op, const union op_attr *attr, double out[OP_NUMBERS]);

// Whether the input of operation `name` is a list of tokens, {tokens, 1, channels}, as error says
// where it is not.
bool op_check_tokens(const char *name, struct shape in, struct error *error);

// The rows of a sample that are there, of an activation of shape `s`: all, or a text's tokens (a
// vector is a single row); and the floats in them.
int op_rows(const struct op_call *call, struct shape s, int sample);
size_t op_floats(const struct op_call *call, struct shape s, int sample);

// For operations whose samples are independent of each other.

// Does samples first .. first + count - 1; `piece` may choose a place for partial sums.
typedef void op_work(const struct op_call *call, int piece, int first, int count);

// Into how many pieces the batch is worth cutting, by the larger of input and output: 1 .. n.
int op_pieces(const struct op_call *call);

// Cuts the batch into `pieces` (1 .. n) ranges of samples of nearly equal size and runs them on the
// pool; returns when all are done.
void op_run(const struct op_call *call, int pieces, op_work *work);

// Does call.tail, in place, to channels channel .. channel + channels - 1 of `pixels` pixels of the
// output; `pixel` counts through the batch.
void op_finish(const struct op_call *call, size_t pixel, size_t pixels, int channel, int channels);

// Sets or adds `count` gradients, beginning at element `at`; nothing when not wanted, or already
// there.
void op_give(struct op_grad grad, size_t at, size_t count, const float *from);

#endif
