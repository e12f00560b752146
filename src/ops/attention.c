// Attention with several heads: of a text's queries, keys and values, [n][tokens][1][c] each or
// side by side in one input of 3 c; head h has channels h * c / heads and on. Each text attends to
// its own tokens alone. A single query, of shape [n][1][1][c], sees all tokens. keep:
// [n][heads][queries].
#include "ops/attention.h"
#include "ops/op.h"

static bool attention_check(const union op_attr *attr, const char *name, struct shape in,
                            int channels, struct error *error) {
    const int heads = attr->attention.heads;
    if (!op_check_tokens(name, in, error))
        return false;
    if (heads < 1 || channels % heads != 0)
        return error_set(error, "%s: %d channels cannot be shared among %d heads", name, channels,
                         heads);
    if (!(attr->attention.p >= 0 && attr->attention.p < 1))
        return error_set(error, "%s: dropout is %g, but must be at least 0 and below 1", name,
                         (double)attr->attention.p);
    return true;
}

static bool attention_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                            struct error *error) {
    char a[32], b[32];
    const bool one = in[0].h == 1 && !attr->attention.causal;
    const struct shape query = {one ? in[1].h : in[0].h, in[0].w, in[0].c};
    for (int i = 1; i < 3; i++)
        if (!shape_equal(query, in[i]))
            return error_set(error, "attention: the shapes differ: %s and %s", shape_text(in[0], a),
                             shape_text(in[i], b));
    *out = in[0];
    return attention_check(attr, "attention", in[0], in[0].c, error);
}

static bool packed_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                         struct error *error) {
    if (in[0].c % 3 != 0)
        return error_set(error,
                         "attention_packed: %d channels are no queries, keys and values, 3 of a "
                         "size",
                         in[0].c);
    *out = (struct shape){in[0].h, 1, in[0].c / 3};
    return attention_check(attr, "attention_packed", in[0], out->c, error);
}

static bool is_packed(const struct op_call *call) {
    return call->in_shape[0].c != call->out_shape.c;
}

static size_t attention_keep(const struct op_call *call) {
    return (size_t)call->n * (size_t)call->attr->attention.heads * (size_t)call->out_shape.h;
}

static size_t attention_each(const struct op_call *call, bool backward) {
    return attention_scratch(call->in_shape[is_packed(call) ? 0 : 1].h,
                             call->out_shape.c / call->attr->attention.heads, backward);
}

static size_t attention_room(const struct op_call *call, bool backward) {
    return (size_t)pool_threads(call->pool) * attention_each(call, backward);
}

// Where input i = 0, 1, 2 (queries, keys, values) of a sample's head begins, and its gradient.
static size_t attention_at(const struct op_call *call, int i, int sample, int channel) {
    if (!is_packed(call))
        return (size_t)sample * shape_count(call->in_shape[i]) + (size_t)channel;
    return (size_t)sample * shape_count(call->in_shape[0]) + (size_t)i * (size_t)call->out_shape.c +
           (size_t)channel;
}

static const float *attention_in(const struct op_call *call, int i, int sample, int channel) {
    return call->in[is_packed(call) ? 0 : i] + attention_at(call, i, sample, channel);
}

static struct op_grad attention_din(const struct op_call *call, int i, int sample, int channel) {
    struct op_grad grad = call->din[is_packed(call) ? 0 : i];
    if (grad.to)
        grad.to += attention_at(call, i, sample, channel);
    return grad;
}

// Piece number `piece`: a head of a sample.
static struct attention_head attention_head(const struct op_call *call, int piece,
                                            const struct drops *drops) {
    const int heads = call->attr->attention.heads, sample = piece / heads, index = piece % heads;
    const int channels = call->out_shape.c / heads, channel = index * channels;
    const size_t at = (size_t)sample * shape_count(call->out_shape) + (size_t)channel;
    return (struct attention_head){
        .tokens = op_rows(call, call->in_shape[is_packed(call) ? 0 : 1], sample),
        .queries = op_rows(call, call->out_shape, sample),
        .channels = channels,
        .stride = call->in_shape[0].c,
        .out_stride = call->out_shape.c,
        .causal = call->attr->attention.causal,
        .q = attention_in(call, 0, sample, channel),
        .k = attention_in(call, 1, sample, channel),
        .v = attention_in(call, 2, sample, channel),
        .out = call->out ? call->out + at : NULL,
        .log_sum = call->keep ? call->keep + (size_t)piece * (size_t)call->out_shape.h : NULL,
        .dout = call->dout ? call->dout + at : NULL,
        .dq = attention_din(call, 0, sample, channel),
        .dk = attention_din(call, 1, sample, channel),
        .dv = attention_din(call, 2, sample, channel),
        .drops = call->mode.drop ? drops : NULL,
        .sample = call->sample[sample],
        .index = index,
    };
}

static void attention_forward_piece(void *context, int piece, int worker) {
    const struct op_call *call = context;
    const struct drops drops = drops_of(&call->mode, call->attr->attention.p);
    struct attention_head head = attention_head(call, piece, &drops);
    head.scratch = call->scratch + (size_t)worker * attention_each(call, false);
    attention_forward(&head);
}

static void attention_op_forward(const struct op_call *call) {
    struct op_call job = *call;
    pool_run(call->pool, call->n * call->attr->attention.heads, attention_forward_piece, &job);
}

static bool attention_wanted(const struct op_call *call) {
    return call->din[0].to || call->din[1].to || call->din[2].to;
}

static unsigned attention_reads(const struct op_call *call) {
    return attention_wanted(call) ? OP_READS_IN : 0;
}

static void attention_backward_piece(void *context, int piece, int worker) {
    const struct op_call *call = context;
    const struct drops drops = drops_of(&call->mode, call->attr->attention.p);
    struct attention_head head = attention_head(call, piece, &drops);
    head.scratch = call->scratch + (size_t)worker * attention_each(call, true);
    attention_backward(&head);
}

static void attention_op_backward(const struct op_call *call) {
    struct op_call job = *call;
    if (attention_wanted(call))
        pool_run(call->pool, call->n * call->attr->attention.heads, attention_backward_piece, &job);
}

static float attention_drops(const union op_attr *attr) {
    return attr->attention.p;
}

// Of the longest text.
static struct op_flops attention_flops(const union op_attr *attr, const struct shape *in,
                                       struct shape out) {
    (void)attr;
    const double tokens = in[in[0].c == out.c ? 1 : 0].h;
    const double product = 2 * tokens * (double)shape_count(out);
    return (struct op_flops){.forward = 2 * product, .data = 5 * product};
}

const struct operation op_attention = {
    .name = "attention",
    .inputs = 3,
    .pure = true,
    .drops = attention_drops,
    .infer = attention_infer,
    .keep = attention_keep,
    .scratch = attention_room,
    .forward = attention_op_forward,
    .reads = attention_reads,
    .backward = attention_op_backward,
    .flops = attention_flops,
};

const struct operation op_attention_packed = {
    .name = "attention_packed",
    .inputs = 1,
    .pure = true,
    .drops = attention_drops,
    .infer = packed_infer,
    .keep = attention_keep,
    .scratch = attention_room,
    .forward = attention_op_forward,
    .reads = attention_reads,
    .backward = attention_op_backward,
    .flops = attention_flops,
};
