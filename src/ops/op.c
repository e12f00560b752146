#include "ops/op.h"
#include <string.h>

enum { OP_GRAIN = 1 << 14 }; // floats for which waking a thread pays

int op_pieces(const struct op_call *call) {
    size_t in = shape_count(call->in_shape[0]), out = shape_count(call->out_shape);
    size_t pieces = (in > out ? in : out) * (size_t)call->n / OP_GRAIN;
    if (pieces < 1)
        return 1;
    return pieces < (size_t)call->n ? (int)pieces : call->n;
}

bool op_check_tokens(const char *name, struct shape in, struct error *error) {
    char text[32];
    return in.w == 1 || error_set(error,
                                  "%s: the input is %s, but it must be a list of tokens, "
                                  "CHANNELSxTOKENSx1",
                                  name, shape_text(in, text));
}

int op_rows(const struct op_call *call, struct shape s, int sample) {
    return call->length && s.h > 1 ? call->length[sample] : s.h;
}

size_t op_floats(const struct op_call *call, struct shape s, int sample) {
    return (size_t)op_rows(call, s, sample) * (size_t)s.w * (size_t)s.c;
}

struct op_job {
    const struct op_call *call;
    int pieces;
    op_work *work;
};

static void op_run_piece(void *context, int piece, int worker) {
    (void)worker;
    const struct op_job *job = context;
    int64_t n = job->call->n;
    int first = (int)(n * piece / job->pieces), end = (int)(n * (piece + 1) / job->pieces);
    job->work(job->call, piece, first, end - first);
}

void op_run(const struct op_call *call, int pieces, op_work *work) {
    struct op_job job = {call, pieces, work};
    if (pieces == 1)
        op_run_piece(&job, 0, 0);
    else
        pool_run(call->pool, pieces, op_run_piece, &job);
}

void op_finish(const struct op_call *call, size_t pixel, size_t pixels, int channel, int channels) {
    const size_t step = (size_t)call->out_shape.c, at = pixel * step + (size_t)channel;
    const struct kernel_tail part = kernel_tail_from(&call->tail, at, channel);
    if (kernel_tail_any(&part))
        kernels()->finish(pixels, channels, step, call->out + at, &part, call->out + at);
}

void op_give(struct op_grad grad, size_t at, size_t count, const float *from) {
    if (!grad.to || (!grad.add && grad.to + at == from))
        return;
    if (grad.add)
        kernels()->sum(count, grad.to + at, from, grad.to + at);
    else
        memcpy(grad.to + at, from, count * sizeof *from);
}
