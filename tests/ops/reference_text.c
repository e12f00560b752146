// Operations on texts: [n][tokens][1][c], of each sample `length` tokens.
#include "ops/reference_text.h"
#include "base/random.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int tokens_of(const struct reference_call *call, struct shape s, int sample) {
    return call->length && s.h > 1 ? call->length[sample] : s.h;
}

static size_t at3(struct shape s, int sample, int token, int c) {
    return ((size_t)sample * s.h + token) * s.c + c;
}

static void clear(double *to, size_t count) {
    for (size_t i = 0; to && i < count; i++)
        to[i] = 0;
}

// Calls `visit` for each element of the output that is there.
typedef void visit_element(const struct reference_call *call, int sample, int token, int c);

static void visit_all(const struct reference_call *call, visit_element *visit) {
    struct shape s = call->out_shape;
    for (int i = 0; i < call->n; i++)
        for (int t = 0; t < tokens_of(call, s, i); t++)
            for (int c = 0; c < s.c; c++)
                visit(call, i, t, c);
}

static void clear_all(const struct reference_call *call) {
    for (int i = 0; i < OP_INPUTS; i++)
        clear(call->din[i], call->n * shape_count(call->in_shape[i]));
}

// embedding: weight [rows][out].

static size_t embedding_param_count(const union op_attr *attr, struct shape in, int i) {
    (void)in;
    return i == 0 ? (size_t)attr->embedding.rows * attr->embedding.out : 0;
}

static size_t embedding_at(const struct reference_call *call, int sample, int token, int c) {
    size_t id = (size_t)call->in[0][(size_t)sample * call->in_shape[0].h + token];
    return id * call->out_shape.c + c;
}

static void embedding_element(const struct reference_call *call, int i, int t, int c) {
    call->out[at3(call->out_shape, i, t, c)] = call->param[0][embedding_at(call, i, t, c)];
}

static void embedding_gradient(const struct reference_call *call, int i, int t, int c) {
    call->dparam[0][embedding_at(call, i, t, c)] += call->dout[at3(call->out_shape, i, t, c)];
}

static void embedding_forward(const struct reference_call *call) {
    visit_all(call, embedding_element);
}

static void embedding_backward(const struct reference_call *call) {
    clear(call->dparam[0], embedding_param_count(call->attr, call->in_shape[0], 0));
    visit_all(call, embedding_gradient);
}

// token_add: weight [rows][c].

static size_t add_param_count(const union op_attr *attr, struct shape in, int i) {
    return i == 0 ? (size_t)attr->token_add.rows * in.c : 0;
}

static size_t add_at(const struct reference_call *call, int token, int c) {
    return (size_t)(call->attr->token_add.place ? token : 0) * call->out_shape.c + c;
}

static void add_element(const struct reference_call *call, int i, int t, int c) {
    size_t at = at3(call->out_shape, i, t, c);
    call->out[at] = call->in[0][at] + call->param[0][add_at(call, t, c)];
}

static void add_gradient(const struct reference_call *call, int i, int t, int c) {
    size_t at = at3(call->out_shape, i, t, c);
    call->din[0][at] = call->dout[at];
    call->dparam[0][add_at(call, t, c)] += call->dout[at];
}

static void add_forward(const struct reference_call *call) {
    visit_all(call, add_element);
}

static void add_backward(const struct reference_call *call) {
    clear_all(call);
    clear(call->dparam[0], add_param_count(call->attr, call->in_shape[0], 0));
    visit_all(call, add_gradient);
}

// token_linear: weight [out][in], bias.

static size_t linear_param_count(const union op_attr *attr, struct shape in, int i) {
    size_t out = attr->linear.out, bias = attr->linear.bias ? out : 0;
    return i == 0 ? out * in.c : i == 1 ? bias : 0;
}

static void linear_element(const struct reference_call *call, int i, int t, int c) {
    int ins = call->in_shape[0].c;
    double sum = call->param[1] ? call->param[1][c] : 0;
    for (int k = 0; k < ins; k++)
        sum += call->in[0][at3(call->in_shape[0], i, t, k)] * call->param[0][c * ins + k];
    call->out[at3(call->out_shape, i, t, c)] = sum;
}

static void linear_gradient(const struct reference_call *call, int i, int t, int c) {
    int ins = call->in_shape[0].c;
    double dy = call->dout[at3(call->out_shape, i, t, c)];
    for (int k = 0; k < ins; k++) {
        size_t x = at3(call->in_shape[0], i, t, k);
        call->din[0][x] += dy * call->param[0][c * ins + k];
        call->dparam[0][c * ins + k] += dy * call->in[0][x];
    }
    if (call->dparam[1])
        call->dparam[1][c] += dy;
}

static void linear_forward(const struct reference_call *call) {
    visit_all(call, linear_element);
}

static void linear_backward(const struct reference_call *call) {
    clear_all(call);
    for (int i = 0; i < 2; i++)
        clear(call->dparam[i], linear_param_count(call->attr, call->in_shape[0], i));
    visit_all(call, linear_gradient);
}

// layer_norm: weight, bias.

static size_t norm_param_count(const union op_attr *attr, struct shape in, int i) {
    (void)attr;
    return i < 2 ? in.c : 0;
}

// (x - mean) / std of an element, and the std.
static double norm_of(const struct reference_call *call, int i, int t, int c, double *std) {
    int channels = call->in_shape[0].c;
    const double *x = call->in[0] + at3(call->in_shape[0], i, t, 0);
    double mean = 0, var = 0;
    for (int k = 0; k < channels; k++)
        mean += x[k] / channels;
    for (int k = 0; k < channels; k++)
        var += pow(x[k] - mean, 2) / channels;
    *std = sqrt(var + call->attr->norm.eps);
    return (x[c] - mean) / *std;
}

static void norm_element(const struct reference_call *call, int i, int t, int c) {
    double std;
    call->out[at3(call->out_shape, i, t, c)] =
        norm_of(call, i, t, c, &std) * call->param[0][c] + call->param[1][c];
}

static void norm_gradient(const struct reference_call *call, int i, int t, int c) {
    int channels = call->in_shape[0].c;
    double std, normal = norm_of(call, i, t, c, &std), sum = 0, dot = 0;
    const double *dy = call->dout + at3(call->out_shape, i, t, 0);
    for (int k = 0; k < channels; k++) {
        double g = dy[k] * call->param[0][k] / channels;
        sum += g;
        dot += g * norm_of(call, i, t, k, &std);
    }
    call->din[0][at3(call->out_shape, i, t, c)] =
        (dy[c] * call->param[0][c] - sum - normal * dot) / std;
    call->dparam[0][c] += dy[c] * normal;
    call->dparam[1][c] += dy[c];
}

static void norm_forward(const struct reference_call *call) {
    visit_all(call, norm_element);
}

static void norm_backward(const struct reference_call *call) {
    clear_all(call);
    for (int i = 0; i < 2; i++)
        clear(call->dparam[i], call->in_shape[0].c);
    visit_all(call, norm_gradient);
}

// gelu, tanh: by a formula, and its slope.

static double gelu_inner(double x) {
    return sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
}

static double gelu(const struct reference_call *call, double x) {
    if (call->attr->gelu.tanh)
        return 0.5 * x * (1 + tanh(gelu_inner(x)));
    return 0.5 * x * erfc(-x / sqrt(2));
}

static double gelu_slope(const struct reference_call *call, double x) {
    if (!call->attr->gelu.tanh)
        return 0.5 * erfc(-x / sqrt(2)) + x * exp(-x * x / 2) / sqrt(2 * M_PI);
    double t = tanh(gelu_inner(x)), rise = sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * rise;
}

static void gelu_element(const struct reference_call *call, int i, int t, int c) {
    size_t at = at3(call->out_shape, i, t, c);
    call->out[at] = gelu(call, call->in[0][at]);
}

static void gelu_gradient(const struct reference_call *call, int i, int t, int c) {
    size_t at = at3(call->out_shape, i, t, c);
    call->din[0][at] = call->dout[at] * gelu_slope(call, call->in[0][at]);
}

static void gelu_forward(const struct reference_call *call) {
    visit_all(call, gelu_element);
}

static void gelu_backward(const struct reference_call *call) {
    clear_all(call);
    visit_all(call, gelu_gradient);
}

static void tanh_element(const struct reference_call *call, int i, int t, int c) {
    size_t at = at3(call->out_shape, i, t, c);
    call->out[at] = tanh(call->in[0][at]);
}

static void tanh_gradient(const struct reference_call *call, int i, int t, int c) {
    size_t at = at3(call->out_shape, i, t, c);
    call->din[0][at] = call->dout[at] * (1 - pow(tanh(call->in[0][at]), 2));
}

static void tanh_forward(const struct reference_call *call) {
    visit_all(call, tanh_element);
}

static void tanh_backward(const struct reference_call *call) {
    clear_all(call);
    visit_all(call, tanh_gradient);
}

// attention: part 0, 1, 2 of the input are queries, keys, values: three inputs, or one.

enum { QUERY, KEY, VALUE };

static bool packed(const struct reference_call *call) {
    return call->in_shape[0].c != call->out_shape.c;
}

static size_t part_at(const struct reference_call *call, int part, int i, int t, int c) {
    return packed(call) ? at3(call->in_shape[0], i, t, part * call->out_shape.c + c)
                        : at3(call->in_shape[part], i, t, c);
}

static double part(const struct reference_call *call, int which, int i, int t, int c) {
    return call->in[packed(call) ? 0 : which][part_at(call, which, i, t, c)];
}

static double *part_gradient(const struct reference_call *call, int which, int i, int t, int c) {
    return &call->din[packed(call) ? 0 : which][part_at(call, which, i, t, c)];
}

// A head of a sample.
struct head {
    int sample, index, queries, tokens, first, channels; // channels first .. first + channels - 1
    double *weight; // [queries][tokens]: what one takes from another
};

static double score(const struct reference_call *call, const struct head *h, int t, int u) {
    double sum = 0;
    for (int c = h->first; c < h->first + h->channels; c++)
        sum += part(call, QUERY, h->sample, t, c) * part(call, KEY, h->sample, u, c);
    return sum / sqrt(h->channels);
}

static void fill_weights(const struct reference_call *call, struct head *h) {
    for (int t = 0; t < h->queries; t++) {
        int seen = call->attr->attention.causal ? t + 1 : h->tokens;
        double *row = h->weight + (size_t)t * h->tokens, sum = 0;
        for (int u = 0; u < seen; u++)
            sum += row[u] = exp(score(call, h, t, u));
        for (int u = 0; u < seen; u++)
            row[u] /= sum;
    }
}

static struct head head_open(const struct reference_call *call, int sample, int index) {
    int channels = call->out_shape.c / call->attr->attention.heads;
    int queries = tokens_of(call, call->out_shape, sample);
    int tokens = tokens_of(call, call->in_shape[packed(call) ? 0 : 1], sample);
    struct head h = {sample, index, queries, tokens, index * channels, channels, NULL};
    h.weight = xcalloc((size_t)queries * tokens, sizeof *h.weight);
    fill_weights(call, &h);
    return h;
}

static double kept(const struct reference_call *call, const struct head *h, int t, int u) {
    double p = call->attr->attention.p;
    uint64_t pitch = ((uint64_t)h->tokens + 63) / 64 * 64;
    struct random_key key = random_key(call->mode.seed, RANDOM_DROPOUT, call->mode.node);
    if (!call->mode.drop)
        return 1;
    uint64_t at = ((uint64_t)h->index * h->tokens + t) * pitch + u;
    return random_uniform(key, call->sample[h->sample], call->mode.step, at) >= p ? 1 / (1 - p) : 0;
}

static void head_forward(const struct reference_call *call, const struct head *h) {
    for (int t = 0; t < h->queries; t++)
        for (int c = h->first; c < h->first + h->channels; c++) {
            double sum = 0;
            for (int u = 0; u < h->tokens; u++)
                sum += h->weight[t * h->tokens + u] * kept(call, h, t, u) *
                       part(call, VALUE, h->sample, u, c);
            call->out[at3(call->out_shape, h->sample, t, c)] = sum;
        }
}

// The gradient of the weight by which token t takes from token u.
static double weight_gradient(const struct reference_call *call, const struct head *h, int t,
                              int u) {
    double sum = 0;
    for (int c = h->first; c < h->first + h->channels; c++)
        sum +=
            call->dout[at3(call->out_shape, h->sample, t, c)] * part(call, VALUE, h->sample, u, c);
    return sum * kept(call, h, t, u);
}

static void pair_backward(const struct reference_call *call, const struct head *h, int t, int u,
                          double mean) {
    double p = h->weight[t * h->tokens + u];
    double d = p * (weight_gradient(call, h, t, u) - mean) / sqrt(h->channels);
    for (int c = h->first; c < h->first + h->channels; c++) {
        double dy = call->dout[at3(call->out_shape, h->sample, t, c)];
        *part_gradient(call, VALUE, h->sample, u, c) += p * kept(call, h, t, u) * dy;
        *part_gradient(call, QUERY, h->sample, t, c) += d * part(call, KEY, h->sample, u, c);
        *part_gradient(call, KEY, h->sample, u, c) += d * part(call, QUERY, h->sample, t, c);
    }
}

static void head_backward(const struct reference_call *call, const struct head *h) {
    for (int t = 0; t < h->queries; t++) {
        double mean = 0;
        for (int u = 0; u < h->tokens; u++)
            mean += h->weight[t * h->tokens + u] * weight_gradient(call, h, t, u);
        for (int u = 0; u < h->tokens; u++)
            pair_backward(call, h, t, u, mean);
    }
}

static void each_head(const struct reference_call *call,
                      void (*visit)(const struct reference_call *call, const struct head *h)) {
    for (int i = 0; i < call->n; i++)
        for (int index = 0; index < call->attr->attention.heads; index++) {
            struct head h = head_open(call, i, index);
            visit(call, &h);
            free(h.weight);
        }
}

static void attention_forward(const struct reference_call *call) {
    each_head(call, head_forward);
}

static void attention_backward(const struct reference_call *call) {
    clear_all(call);
    each_head(call, head_backward);
}

// token_pool: the weight of a token in the vector.

static double pool_weight(const struct reference_call *call, int i, int t) {
    int tokens = tokens_of(call, call->in_shape[0], i);
    enum token_pool which = call->attr->token_pool.which;
    if (which == TOKEN_MEAN)
        return 1.0 / tokens;
    return t == (which == TOKEN_LAST ? tokens - 1 : 0);
}

static void pool_element(const struct reference_call *call, int i, int t, int c) {
    (void)t;
    double sum = 0;
    for (int k = 0; k < tokens_of(call, call->in_shape[0], i); k++)
        sum += call->in[0][at3(call->in_shape[0], i, k, c)] * pool_weight(call, i, k);
    call->out[at3(call->out_shape, i, 0, c)] = sum;
}

static void pool_gradient(const struct reference_call *call, int i, int t, int c) {
    (void)t;
    for (int k = 0; k < tokens_of(call, call->in_shape[0], i); k++)
        call->din[0][at3(call->in_shape[0], i, k, c)] =
            call->dout[at3(call->out_shape, i, 0, c)] * pool_weight(call, i, k);
}

static void pool_forward(const struct reference_call *call) {
    visit_all(call, pool_element);
}

static void pool_backward(const struct reference_call *call) {
    clear_all(call);
    visit_all(call, pool_gradient);
}

// token_pick: row k of the output is the k-th token with a target.

static void pick_visit(const struct reference_call *call, bool back) {
    for (int i = 0; i < call->n; i++)
        for (int t = 0, k = 0; t < tokens_of(call, call->in_shape[0], i); t++) {
            if (call->target[i * call->in_shape[0].h + t] < 0)
                continue;
            for (int c = 0; c < call->out_shape.c; c++) {
                size_t in = at3(call->in_shape[0], i, t, c), out = at3(call->out_shape, i, k, c);
                if (back)
                    call->din[0][in] = call->dout[out];
                else
                    call->out[out] = call->in[0][in];
            }
            k++;
        }
}

static void pick_forward(const struct reference_call *call) {
    pick_visit(call, false);
}

static void pick_backward(const struct reference_call *call) {
    clear_all(call);
    pick_visit(call, true);
}

// token_loss, by its definition: minus the sum of target times log probability.

static double loss_probability(const struct reference_call *call, int i, int t, int c) {
    const double *x = call->in[0] + at3(call->in_shape[0], i, t, 0);
    double sum = 0;
    for (int k = 0; k < call->in_shape[0].c; k++)
        sum += exp(x[k] - x[c]);
    return 1 / sum;
}

// 0 for all where there is nothing to predict.
static double loss_target(const struct reference_call *call, int i, int t, int c) {
    double smoothing = call->mode.smoothing;
    int label = call->label[i * call->in_shape[0].h + t];
    return label < 0 ? 0 : (c == label ? 1 - smoothing : 0) + smoothing / call->in_shape[0].c;
}

static void loss_forward(const struct reference_call *call) {
    for (int i = 0; i < call->n; i++) {
        call->out[i] = 0;
        for (int t = 0; t < tokens_of(call, call->in_shape[0], i); t++)
            for (int c = 0; c < call->in_shape[0].c; c++)
                call->out[i] -= loss_target(call, i, t, c) * log(loss_probability(call, i, t, c));
    }
}

static void loss_backward(const struct reference_call *call) {
    clear_all(call);
    for (int i = 0; i < call->n; i++)
        for (int t = 0; t < tokens_of(call, call->in_shape[0], i); t++)
            for (int c = 0; c < call->in_shape[0].c; c++)
                if (call->label[i * call->in_shape[0].h + t] >= 0)
                    call->din[0][at3(call->in_shape[0], i, t, c)] =
                        call->dout[i] *
                        (loss_probability(call, i, t, c) - loss_target(call, i, t, c));
}

const struct reference text_references[] = {
    {"embedding", 1, embedding_forward, embedding_backward, embedding_param_count},
    {"token_add", 1, add_forward, add_backward, add_param_count},
    {"token_linear", 2, linear_forward, linear_backward, linear_param_count},
    {"layer_norm", 2, norm_forward, norm_backward, norm_param_count},
    {"gelu", 0, gelu_forward, gelu_backward, NULL},
    {"tanh", 0, tanh_forward, tanh_backward, NULL},
    {"attention", 0, attention_forward, attention_backward, NULL},
    {"attention_packed", 0, attention_forward, attention_backward, NULL},
    {"token_pool", 0, pool_forward, pool_backward, NULL},
    {"token_pick", 0, pick_forward, pick_backward, NULL},
    {"token_loss", 0, loss_forward, loss_backward, NULL},
    {0},
};
