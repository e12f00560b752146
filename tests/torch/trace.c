// Trains for some steps from given weights on given batches and writes what happened, for
// compare.py.
//
//     trace REQUEST.json
//
// The request: model, classes, input [c, h, w], shortcut ("a", "b"; may be absent), head (a list of
// layers; may be absent), config (of texts, as in config.json; may be absent), weights and batches
// (safetensors; batches are x.0 [n, c, h, w], y.0 [n], x.1, ...; step s takes batch s), rules, bn
// ("frozen", "batch", "torch"), optim ("sgd", "adam", "adamw") with lr, momentum, nesterov and
// weight_decay, steps, threads, out (a directory that exists). Into `out` go step-0.safetensors,
// ... (each `loss`, `logits`, and `grad.NAME` for every gradient of a weight or bias that was
// computed) and final.safetensors (the weights after the last step), all under PyTorch's names, in
// its shapes and order of elements. One file a step, because all steps of a resnet18 are a
// gigabyte. With update_bn (true) nothing is trained: the statistics are measured anew over the
// batches, and only final.safetensors is written.
#include "base/xalloc.h"
#include "checkpoint/load.h"
#include "gradient_copy.h"
#include "models/models.h"
#include "models/text_config.h"
#include "plan/pass.h"
#include "torch_json.h"
#include "training/optim.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 16, HEAD_MAX = 16 };

struct trace {
    json_t *request;
    const char *out;
    struct model *model;
    struct weights weights;
    struct flags flags;
    struct safetensors batches;
    struct pool *pool;
    struct optim optim;
    struct plan *plan;
    struct pass pass;
    float *class_weight; // [classes], or NULL
    double lr;
};

static int choice(const json_t *request, const char *key, const char *const *names) {
    int i = 0;
    while (names[i] && strcmp(torch_text(request, key), names[i]) != 0)
        i++;
    return i;
}

// The configuration of texts goes through a file, as a person's does.
static bool open_config(const struct trace *t, const struct arch *arch, struct text_config *config,
                        struct arch_options *options, struct error *error) {
    const json_t *asked = json_object_get(t->request, "config");
    if (!asked)
        return true;
    char *path = xprintf("%s/config.json", t->out);
    *config = arch->text;
    options->text = config;
    bool good = json_dump_file(asked, path, 0) == 0 && text_config_read(config, path, error);
    free(path);
    return good;
}

static bool open_model(struct trace *t, struct error *error) {
    const json_t *input = json_object_get(t->request, "input");
    int size[3];
    for (size_t i = 0; i < 3; i++)
        size[i] = (int)json_integer_value(json_array_get(input, i));
    const json_t *layers = json_object_get(t->request, "head");
    const char *head[HEAD_MAX];
    int head_count = (int)json_array_size(layers);
    for (int i = 0; i < head_count && i < HEAD_MAX; i++)
        head[i] = json_string_value(json_array_get(layers, (size_t)i));
    const char *shortcut = torch_text(t->request, "shortcut");
    struct arch_options options = {
        .input = {.c = size[0], .h = size[1], .w = size[2]},
        .classes = (int)torch_real(t->request, "classes", 0),
        .shortcut = shortcut ? shortcut[0] : '\0',
        .head = head,
        .head_count = head_count,
    };
    const struct arch *arch = arch_find(torch_text(t->request, "model"), error);
    struct text_config config;
    if (!arch || !open_config(t, arch, &config, &options, error))
        return false;
    t->model = arch_build(arch, &options, error);
    return t->model != NULL;
}

static bool open_weights(struct trace *t, struct error *error) {
    struct weight_file file;
    if (!weight_file_open(&file, torch_text(t->request, "weights"), error))
        return false;
    t->weights = weights_open(t->model);
    bool good = load_weights(&t->weights, &file, &(struct load_options){0}, NULL, error);
    weight_file_close(&file);
    return good;
}

static bool open_flags(struct trace *t, struct error *error) {
    static const char *const policies[] = {"frozen", "batch", "torch", NULL};
    const json_t *list = json_object_get(t->request, "rules");
    const char *rules[RULES_MAX];
    int count = (int)json_array_size(list);
    if (count > RULES_MAX)
        return error_set(error, "%d rules; at most %d are possible", count, RULES_MAX);
    for (int i = 0; i < count; i++)
        rules[i] = json_string_value(json_array_get(list, (size_t)i));
    t->flags = flags_open(t->model);
    return freeze_apply_all(&t->flags, (enum bn_policy)choice(t->request, "bn", policies), rules,
                            count, error);
}

static void open_optim(struct trace *t) {
    static const char *const kinds[] = {"sgd", "adam", "adamw", NULL};
    struct optim_settings settings = {
        .kind = (enum optim_kind)choice(t->request, "optim", kinds),
        .momentum = torch_real(t->request, "momentum", 0),
        .nesterov = json_is_true(json_object_get(t->request, "nesterov")),
        .beta1 = 0.9,
        .beta2 = 0.999,
        .eps = torch_real(t->request, "eps", 1e-8),
        .weight_decay = torch_real(t->request, "weight_decay", 0),
    };
    t->optim = optim_open(t->model, &settings);
    t->lr = torch_real(t->request, "lr", 0);
}

static const struct tensor_entry *find(const struct trace *t, char kind, int step,
                                       struct error *error) {
    char name[16];
    snprintf(name, sizeof name, "%c.%d", kind, step);
    const struct tensor_entry *entry = safetensors_find(&t->batches, name);
    if (!entry)
        error_set(error, "the batches have no %s", name);
    return entry;
}

static bool check_batch(const struct trace *t, const struct tensor_entry *x,
                        const struct tensor_entry *y, struct error *error) {
    struct shape s = t->model->nodes[0].shape;
    const int64_t *size = x->dims.size;
    bool masked = model_is_masked(t->model); // then y is [n][tokens], the ids that are hidden
    bool good = x->dims.rank == 4 && size[1] == s.c && size[2] == s.h && size[3] == s.w &&
                y->dims.rank == 1 + masked && y->dims.size[0] == size[0] &&
                (!masked || y->dims.size[1] == s.h);
    return good || error_set(error, "%s or %s has the wrong shape", x->name, y->name);
}

// to: [n][h][w][c], from: [n][c][h][w]
static void to_nhwc(int n, struct shape s, const float *from, float *to) {
    size_t area = (size_t)s.h * (size_t)s.w, channels = (size_t)s.c;
    for (int i = 0; i < n; i++, from += shape_count(s), to += shape_count(s))
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < area; p++)
                to[p * channels + c] = from[c * area + p];
}

static void batch_close(struct batch *b) {
    free(b->x);
    free(b->label);
    free(b->sample);
    free(b->target);
}

static bool batch_open(const struct trace *t, int step, struct batch *b, struct error *error) {
    const struct tensor_entry *x = find(t, 'x', step, error);
    const struct tensor_entry *y = x ? find(t, 'y', step, error) : NULL;
    if (!y || !check_batch(t, x, y, error))
        return false;
    size_t n = (size_t)x->dims.size[0], count = dims_count(x->dims), given = dims_count(y->dims);
    float *nchw = xmalloc(count * sizeof(float)), *labels = xmalloc(given * sizeof(float));
    *b = (struct batch){.n = (int)n};
    if (posix_memalign((void **)&b->x, 64, count * sizeof(float)) != 0)
        abort();
    tensor_to_float(x, nchw);
    to_nhwc(b->n, t->model->nodes[0].shape, nchw, b->x);
    tensor_to_float(y, labels);
    int *whole = xmalloc(given * sizeof *whole);
    for (size_t i = 0; i < given; i++)
        whole[i] = (int)labels[i];
    b->target = model_is_masked(t->model) ? whole : NULL;
    b->label = b->target ? xcalloc(n, sizeof *b->label) : whole;
    b->sample = xcalloc(n, sizeof *b->sample);
    free(nchw);
    free(labels);
    return true;
}

static bool open_plan(struct trace *t, struct error *error) {
    const struct tensor_entry *x = find(t, 'x', 0, error);
    if (!x)
        return false;
    const json_t *weights = json_object_get(t->request, "class_weights");
    size_t classes = json_array_size(weights);
    t->class_weight = classes ? xcalloc(classes, sizeof *t->class_weight) : NULL;
    for (size_t i = 0; i < classes; i++)
        t->class_weight[i] = (float)json_number_value(json_array_get(weights, i));
    struct plan_options options = {.purpose = PLAN_TRAIN,
                                   .n = (int)x->dims.size[0],
                                   .pool = t->pool,
                                   .smoothing = (float)torch_real(t->request, "smoothing", 0),
                                   .class_weight = t->class_weight,
                                   .precise = json_is_true(json_object_get(t->request, "precise"))};
    t->plan = plan_make(&t->flags, &options);
    t->pass = (struct pass){.weights = &t->weights, .seed = 1};
    return pass_use(&t->pass, t->plan, error);
}

static bool trace_open(struct trace *t, struct error *error) {
    t->out = torch_text(t->request, "out");
    t->pool = pool_open((int)torch_real(t->request, "threads", 1));
    if (!open_model(t, error) || !open_weights(t, error) || !open_flags(t, error) ||
        !safetensors_open(&t->batches, torch_text(t->request, "batches"), error))
        return false;
    open_optim(t);
    return open_plan(t, error);
}

// What goes into the file of one step: `count` gradients, and room for loss and logits.
enum { RECORD_ROOM = 2 };
struct record {
    struct tensor_out *tensors;
    char **names;
    float **values;
    int count;
};

static void record_gradient(struct record *r, const struct trace *t, int param) {
    const struct param *p = &t->model->params[param];
    char *name = r->names[r->count] = xprintf("grad.%s", p->name);
    float *value = r->values[r->count] = xmalloc(p->count * sizeof(float));
    float *gradient = gradient_copy(&t->pass, param);
    layout_to_torch(p, gradient, value);
    free(gradient);
    r->tensors[r->count++] = (struct tensor_out){name, DTYPE_F32, p->dims, value};
}

// One sample's rows of logits, each at its token.
static void copy_logits(const struct trace *t, int sample, float *to) {
    const struct model *m = t->model;
    const size_t ids = (size_t)m->classes, tokens = (size_t)m->nodes[0].shape.h;
    const size_t rows = (size_t)m->nodes[model_logits(m)].shape.h;
    const int *target = t->pass.batch->target;
    const float *from = pass_logits(&t->pass) + (size_t)sample * rows * ids;
    for (int i = 0; i < t->pass.length[sample]; i++) {
        if (target && target[(size_t)sample * tokens + (size_t)i] < 0)
            continue;
        memcpy(to + (size_t)i * ids, from, ids * sizeof *to);
        from += ids;
    }
}

// [n][classes], or of a language model [n][tokens][classes], 0 where there is nothing to predict
// and behind a text's last token.
static struct tensor_out record_logits(struct record *r, const struct trace *t) {
    const int n = t->pass.batch->n, classes = t->model->classes,
              tokens = t->model->nodes[0].shape.h;
    struct dims dims = {2, {n, classes}};
    if (model_is_language(t->model))
        dims = (struct dims){3, {n, tokens, classes}};
    const size_t count = dims_count(dims);
    float *value = r->values[r->count] = xcalloc(count, sizeof *value);
    for (int i = 0; i < n && model_is_language(t->model); i++)
        copy_logits(t, i, value + count / (size_t)n * (size_t)i);
    if (!model_is_language(t->model))
        memcpy(value, pass_logits(&t->pass), count * sizeof *value);
    return (struct tensor_out){"logits", DTYPE_F32, dims, value};
}

static struct record record_open(const struct trace *t) {
    int params = t->model->param_count;
    size_t most = (size_t)params + RECORD_ROOM;
    struct record r = {.tensors = xcalloc(most, sizeof *r.tensors),
                       .names = xcalloc(most, sizeof *r.names),
                       .values = xcalloc(most, sizeof *r.values)};
    for (int p = 0; p < params; p++)
        if (pass_gradient(&t->pass, p).value && t->model->params[p].storage == p)
            record_gradient(&r, t, p);
    r.tensors[r.count] = (struct tensor_out){"loss", DTYPE_F64, {0}, &t->pass.loss};
    r.tensors[r.count + 1] = record_logits(&r, t);
    return r;
}

static void record_close(struct record *r) {
    for (int i = 0; i <= r->count; i++) { // the logits are the last
        free(r->names[i]);
        free(r->values[i]);
    }
    free(r->tensors);
    free(r->names);
    free(r->values);
}

static bool write_step(const struct trace *t, int step, struct error *error) {
    struct record record = record_open(t);
    char *path = xprintf("%s/step-%d.safetensors", t->out, step);
    bool good = safetensors_write(path, record.tensors, record.count + RECORD_ROOM, NULL, 0, error);
    free(path);
    record_close(&record);
    return good;
}

static void update(struct trace *t) {
    size_t params = (size_t)t->model->param_count;
    struct gradient *gradient = xcalloc(params, sizeof *gradient);
    double *lr = xcalloc(params, sizeof *lr);
    for (int p = 0; p < t->model->param_count; p++) {
        gradient[p] = pass_gradient(&t->pass, p);
        lr[p] = t->lr;
    }
    struct optim_step step = {.flags = &t->flags, .gradient = gradient, .lr = lr};
    optim_update(&t->optim, &t->weights, &step);
    free(gradient);
    free(lr);
}

static bool run_step(struct trace *t, int step, struct error *error) {
    struct batch batch;
    if (!batch_open(t, step, &batch, error))
        return false;
    pass_forward(&t->pass, &batch, (uint32_t)step);
    bool good = true;
    if (!t->pass.cumulative) {
        pass_backward(&t->pass);
        good = write_step(t, step, error);
        update(t);
    }
    batch_close(&batch);
    return good;
}

// As training_reestimate begins.
static void clear_statistics(struct trace *t) {
    for (int p = 0; p < t->model->param_count; p++)
        if (freeze_is_statistic(&t->model->params[p]))
            memset(weights_at(&t->weights, p), 0, param_bytes(&t->model->params[p]));
}

static bool run(struct trace *t, struct error *error) {
    int steps = (int)torch_real(t->request, "steps", 0);
    t->pass.cumulative = json_is_true(json_object_get(t->request, "update_bn"));
    if (t->pass.cumulative)
        clear_statistics(t);
    for (int step = 0; step < steps; step++)
        if (!run_step(t, step, error))
            return false;
    char *path = xprintf("%s/final.safetensors", t->out);
    bool good = save_weights(&t->weights, path, NULL, 0, error);
    free(path);
    return good;
}

static void trace_close(struct trace *t) {
    pass_close(&t->pass);
    plan_close(t->plan);
    free(t->class_weight);
    optim_close(&t->optim);
    pool_close(t->pool);
    safetensors_close(&t->batches);
    flags_close(&t->flags);
    weights_close(&t->weights);
    model_close(t->model);
    json_decref(t->request);
}

int main(int count, char **arguments) {
    json_error_t problem = {0};
    struct trace t = {.request = count == 2 ? json_load_file(arguments[1], 0, &problem) : NULL};
    if (!t.request) {
        fprintf(stderr, "trace: %s\n", count == 2 ? problem.text : "usage: trace REQUEST.json");
        return 2;
    }
    struct error error = {0};
    bool good = trace_open(&t, &error) && run(&t, &error);
    if (!good)
        fprintf(stderr, "trace: %s\n", error.text);
    else
        trace_close(&t);
    return good ? 0 : error_exit_code(&error);
}
