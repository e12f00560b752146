#include "plan/pass.h"
#include "base/bfloat16.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "plan/plan_tail.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool pass_use(struct pass *pass, const struct plan *plan, struct error *error) {
    size_t bytes = plan->floats * sizeof(float);
    if (!arena_reserve(&pass->arena, bytes, error))
        return false;
    arena_trim(&pass->arena, bytes);
    pass->plan = plan;
    pass->batch = NULL;
    const size_t n = (size_t)plan->options.n;
    const size_t rows = (size_t)plan->model->nodes[model_logits(plan->model)].shape.h;
    pass->length = xrealloc(pass->length, n * sizeof *pass->length);
    pass->picked = xrealloc(pass->picked, n * sizeof *pass->picked);
    pass->row_label = xrealloc(pass->row_label, n * rows * sizeof *pass->row_label);
    return true;
}

// The tokens of each text.
static void find_lengths(struct pass *pass) {
    const size_t places = shape_count(pass->plan->model->nodes[0].shape);
    for (int i = 0; i < pass->batch->n; i++) {
        const float *ids = pass->batch->x + (size_t)i * places;
        size_t length = 0;
        while (length < places && ids[length] >= 0)
            length++;
        assert(length > 0 && "a text without tokens");
        pass->length[i] = (int)length;
    }
}

// Of each text what stands behind each token, or the targets that the batch has.
static void find_targets(struct pass *pass) {
    const struct model *m = pass->plan->model;
    const bool masked = model_is_masked(m);
    const size_t places = shape_count(m->nodes[0].shape);
    const int rows = m->nodes[model_logits(m)].shape.h;
    assert(!masked || pass->batch->target);
    for (int s = 0; s < pass->batch->n; s++) {
        const float *ids = pass->batch->x + (size_t)s * places;
        int *label = pass->row_label + (size_t)s * (size_t)rows, count = 0;
        for (int i = 0; !masked && i < pass->length[s]; i++)
            label[count++] = i + 1 < pass->length[s] ? (int)ids[i + 1] : -1;
        for (int i = 0; masked && i < pass->length[s]; i++)
            if (pass->batch->target[(size_t)s * places + (size_t)i] >= 0)
                label[count++] = pass->batch->target[(size_t)s * places + (size_t)i];
        assert(count > 0 && count <= rows);
        pass->picked[s] = count;
    }
}

// How many rows of each sample a node's output has.
static const int *lengths(const struct pass *pass, int index) {
    const struct model *m = pass->plan->model;
    return !m->text ? NULL : m->nodes[index].picked ? pass->picked : pass->length;
}

// The plan's call, for the batch at hand.
struct op_call pass_call(const struct pass *pass, int index) {
    const struct node *node = &pass->plan->model->nodes[index];
    struct op_call call = plan_call(pass->plan, pass->weights, pass->arena.base, index);
    for (int k = 0; k < node->op->inputs; k++)
        if (node->in[k] == 0)
            call.in[k] = pass->batch->x;
    call.n = pass->batch->n;
    call.label = model_is_language(pass->plan->model) ? pass->row_label : pass->batch->label;
    call.target = pass->batch->target;
    call.sample = pass->batch->sample;
    call.length = lengths(pass, node->in[0]);
    call.mode.seed = pass->seed;
    call.mode.step = pass->step;
    if (pass->cumulative && node->counter >= 0)
        call.mode.momentum = 1 / (1 + (double)*weights_counter(pass->weights, node->counter));
    return call;
}

static bool all_finite(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

// The floats of a sample in a node's output.
static size_t output_floats(const struct pass *pass, const struct op_call *call, int index,
                            int sample) {
    struct op_call out = *call;
    out.length = lengths(pass, index);
    return op_floats(&out, call->out_shape, sample);
}

static bool output_finite(const struct pass *pass, const struct op_call *call, int index) {
    const size_t each = shape_count(call->out_shape);
    for (int i = 0; i < call->n; i++)
        if (!all_finite(call->out + (size_t)i * each, output_floats(pass, call, index, i)))
            return false;
    return true;
}

// Its value is needed by itself: to look at, or because it leaves the prefix.
static bool stands_alone(const struct pass *pass, int index) {
    return pass->check || (pass->cut && pass->cut->place[index] >= 0);
}

static bool is_given(const struct pass *pass, int index) {
    return pass->cut && pass->cut->given && pass->cut->skip[index];
}

// The last node that `index` does in passing; itself, if none.
static int chain_end(const struct pass *pass, int index) {
    const struct plan_node *nodes = pass->plan->nodes;
    while (nodes[index].next && !stands_alone(pass, index))
        index = nodes[index].next;
    return index;
}

// Whether the head of its chain has done it.
static bool is_done(const struct pass *pass, int index) {
    const struct plan_node *nodes = pass->plan->nodes;
    const int head = nodes[index].head;
    if (!head || is_given(pass, head))
        return false;
    for (int i = head; i != index; i = nodes[i].next)
        if (stands_alone(pass, i))
            return false;
    return true;
}

static void run_node(struct pass *pass, int index) {
    const struct node *node = &pass->plan->model->nodes[index];
    struct op_call call = pass_call(pass, index);
    double start = pass->node_seconds ? clock_seconds() : 0;
    const int last = pass->plan->nodes[index].head ? index : chain_end(pass, index);
    plan_tail_forward(pass->plan, pass->weights, pass->arena.base, index, last, &call);
    if (pass->node_seconds)
        pass->node_seconds[index] = clock_seconds() - start;
    if (pass->plan->nodes[index].batch_stats && node->counter >= 0)
        ++*weights_counter(pass->weights, node->counter);
    if (pass->check && pass->bad_node < 0 && !output_finite(pass, &call, index))
        pass->bad_node = index;
}

// Rounds values where they are, and into a row of halves if there is one.
static void round_half(float *out, uint16_t *row, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint16_t half = bfloat16_of(out[i]);
        out[i] = bfloat16_float(half);
        if (row)
            row[i] = half;
    }
}

static void give_half(float *out, const uint16_t *row, size_t count) {
    for (size_t i = 0; i < count; i++)
        out[i] = bfloat16_float(row[i]);
}

static void give_or_take(float *out, float *row, size_t count, bool give) {
    memcpy(give ? out : row, give ? row : out, count * sizeof *out);
}

// Between a node's output and the rows of the cut.
static void copy_cut(struct pass *pass, int index) {
    const struct pass_cut *cut = pass->cut;
    const struct op_call call = pass_call(pass, index);
    const ptrdiff_t place = cut->place[index];
    for (int i = 0; i < call.n; i++) {
        float *out = call.out + (size_t)i * shape_count(call.out_shape);
        const size_t count = output_floats(pass, &call, index, i);
        void *row = cut->rows ? cut->rows[i] : NULL;
        if (cut->half && cut->given)
            give_half(out, (uint16_t *)row + place, count);
        else if (cut->half)
            round_half(out, row ? (uint16_t *)row + place : NULL, count);
        else
            give_or_take(out, (float *)row + place, count, cut->given);
    }
}

// Not run: a node of the cut, or behind it, when that is given; what a node before did in passing.
static bool skip_node(struct pass *pass, int index) {
    if (!is_given(pass, index) && !is_done(pass, index))
        return false;
    if (pass->node_seconds)
        pass->node_seconds[index] = 0;
    return true;
}

static int count_targets(const struct pass *pass) {
    const struct model *m = pass->plan->model;
    const struct batch *b = pass->batch;
    const int rows = m->nodes[model_logits(m)].shape.h;
    int count = 0;
    for (int i = 0; i < b->n && !model_is_language(m); i++)
        count += b->label[i] >= 0;
    for (int i = 0; i < b->n && model_is_language(m); i++)
        for (int r = 0; r < pass->picked[i]; r++)
            count += pass->row_label[(size_t)i * (size_t)rows + (size_t)r] >= 0;
    return count;
}

// What a mean over the targets divides by: how many they are, or what their labels weigh (PyTorch's
// reduction="mean").
static double divisor(const struct pass *pass) {
    const float *weight = pass->plan->options.class_weight;
    const struct batch *b = pass->batch;
    double sum = 0;
    if (!weight || model_is_language(pass->plan->model))
        return count_targets(pass);
    for (int i = 0; i < b->n; i++)
        if (b->label[i] >= 0)
            sum += (double)weight[b->label[i]];
    return sum;
}

int pass_highest(const float *logits, int classes) {
    int best = 0;
    for (int c = 1; c < classes; c++)
        if (logits[c] > logits[best])
            best = c;
    return best;
}

// Tokens of one text that have the highest logit.
static int correct_tokens(const struct pass *pass, int sample) {
    const struct model *m = pass->plan->model;
    const size_t rows = (size_t)m->nodes[model_logits(m)].shape.h, first = (size_t)sample * rows;
    int correct = 0;
    for (int r = 0; r < pass->picked[sample]; r++) {
        const size_t at = first + (size_t)r;
        if (pass->row_label[at] >= 0)
            correct += pass_highest(pass_logits(pass) + at * (size_t)m->classes, m->classes) ==
                       pass->row_label[at];
    }
    return correct;
}

static bool correct_label(const struct pass *pass, int sample) {
    const int classes = pass->plan->model->classes;
    return pass_highest(pass_logits(pass) + (size_t)sample * (size_t)classes, classes) ==
           pass->batch->label[sample];
}

static void measure(struct pass *pass) {
    const struct model *m = pass->plan->model;
    const float *loss = pass->arena.base + pass->plan->nodes[model_loss(m)].out;
    double weight = divisor(pass), sum = 0;
    pass->targets = count_targets(pass);
    pass->correct = 0;
    for (int i = 0; i < pass->batch->n; i++) {
        sum += loss[i];
        pass->correct += model_is_language(m) ? correct_tokens(pass, i) : correct_label(pass, i);
    }
    pass->loss = weight > 0 ? sum / weight : 0;
}

static void begin(struct pass *pass, const struct batch *batch, uint32_t step) {
    assert(batch->n >= 1 && batch->n <= pass->plan->options.n);
    pass->batch = batch;
    pass->step = step;
    pass->bad_node = -1;
    if (pass->plan->model->text)
        find_lengths(pass);
    if (model_is_language(pass->plan->model))
        find_targets(pass);
}

// Runs a node unless there is no need, and gives or takes down its part of the cut.
static void visit(struct pass *pass, int index) {
    if (!skip_node(pass, index))
        run_node(pass, index);
    if (pass->cut && pass->cut->place[index] >= 0)
        copy_cut(pass, index);
}

void pass_forward(struct pass *pass, const struct batch *batch, uint32_t step) {
    assert(batch->spared == 0 || (pass->cut && pass->cut->given));
    double start = clock_seconds();
    begin(pass, batch, step);
    for (int i = 1; i < pass->plan->model->node_count; i++)
        visit(pass, i);
    measure(pass);
    pass->forward_seconds = clock_seconds() - start;
}

void pass_prefix(struct pass *pass, const struct batch *batch, uint32_t step) {
    assert(pass->cut && !pass->cut->given);
    double start = clock_seconds();
    begin(pass, batch, step);
    for (int i = 1; i < pass->plan->model->node_count; i++)
        if (pass->cut->skip[i])
            visit(pass, i);
    pass->forward_seconds = clock_seconds() - start;
}

void pass_backward(struct pass *pass) {
    const struct plan *plan = pass->plan;
    double start = clock_seconds();
    int loss = model_loss(plan->model);
    float weight = (float)divisor(pass);
    if (plan->trains) {
        float *dloss = pass->arena.base + plan->nodes[loss].grad;
        for (int i = 0; i < pass->batch->n; i++)
            dloss[i] = weight > 0 ? 1.0f / weight : 0;
    }
    for (int i = loss; i > 0 && plan->trains; i--) {
        if (!plan->nodes[i].wanted || plan->nodes[i].back_done)
            continue;
        struct op_call call = pass_call(pass, i);
        double node_start = pass->node_seconds ? clock_seconds() : 0;
        plan->model->nodes[i].op->backward(&call);
        if (pass->node_seconds)
            pass->node_seconds[i] += clock_seconds() - node_start;
    }
    pass->backward_seconds = clock_seconds() - start;
}

const float *pass_logits(const struct pass *pass) {
    return pass->arena.base + pass->plan->nodes[model_logits(pass->plan->model)].out;
}

struct gradient pass_gradient(const struct pass *pass, int param) {
    const struct plan *plan = pass->plan;
    const int storage = plan->model->params[param].storage;
    const ptrdiff_t at = plan->param_grad[storage];
    struct gradient g = {.value = at == PLAN_NONE ? NULL : pass->arena.base + at};
    if (!g.value || plan->param_rows[storage] == 0)
        return g;
    const int *row = (const int *)(const void *)(pass->arena.base + plan_param_row(plan, storage));
    g.rows = row[0];
    g.row = row + 1;
    g.width = plan_row_width(plan, storage);
    return g;
}

void pass_close(struct pass *pass) {
    arena_close(&pass->arena);
    free(pass->length);
    free(pass->picked);
    free(pass->row_label);
    *pass = (struct pass){0};
}
