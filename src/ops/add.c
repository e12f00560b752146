// The sum of two tensors of one shape: where a shortcut joins.
#include "ops/op.h"

enum { BLOCK = 4096 }; // floats that stay in L1

static bool add_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                      struct error *error) {
    (void)attr;
    char a[32], b[32];
    if (!shape_equal(in[0], in[1]))
        return error_set(error, "add: the shapes differ: %s and %s", shape_text(in[0], a),
                         shape_text(in[1], b));
    *out = in[0];
    return true;
}

static void add_forward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    size_t each = shape_count(call->out_shape);
    for (int i = first; i < first + count; i++) {
        const size_t end = i * each + op_floats(call, call->out_shape, i);
        for (size_t at = i * each; at < end; at += BLOCK) {
            const size_t taken = end - at < BLOCK ? end - at : BLOCK;
            const struct kernel_tail tail = {.add = call->in[1] + at, .most = call->tail.most};
            kernels()->finish(1, (int)taken, taken, call->in[0] + at, &tail, call->out + at);
        }
    }
}

static void add_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), add_forward_samples);
}

static void add_backward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    size_t each = shape_count(call->out_shape);
    for (int i = first; i < first + count; i++)
        for (int k = 0; k < 2; k++)
            op_give(call->din[k], i * each, op_floats(call, call->out_shape, i),
                    call->dout + i * each);
}

static bool add_gives(struct op_grad grad, const float *dout) {
    return grad.to && (grad.add || grad.to != dout);
}

static void add_backward(const struct op_call *call) {
    if (add_gives(call->din[0], call->dout) || add_gives(call->din[1], call->dout))
        op_run(call, op_pieces(call), add_backward_samples);
}

static struct op_flops add_flops(const union op_attr *attr, const struct shape *in,
                                 struct shape out) {
    (void)attr, (void)in;
    return (struct op_flops){.forward = (double)shape_count(out)};
}

const struct operation op_add = {
    .name = "add",
    .inputs = 2,
    .pure = true,
    .tail = OP_TAIL_RELU,
    .infer = add_infer,
    .forward = add_forward,
    .backward = add_backward,
    .back = OP_BACK_SAME,
    .flops = add_flops,
};
