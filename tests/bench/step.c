// How fast a whole training step is: forward, backward and SGD with momentum on random images, all
// thawed, BatchNorm by the batch. Prints the quickest step, then seconds by operation.
//
//     bench-step MODEL [BATCH [SIZE [THREADS [STEPS]]]]    4 images of the model's size, 2 threads
#include "base/clock.h"
#include "base/xalloc.h"
#include "models/models.h"
#include "optim.h"
#include "pass.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench {
    struct model *model;
    struct weights weights;
    struct flags flags;
    struct plan *plan;
    struct pass pass;
    struct optim optim;
    struct batch batch;
};

static int number(int count, char **words, int index, int preset) {
    return count > index ? atoi(words[index]) : preset;
}

static float *make_images(size_t count) {
    float *to = aligned_alloc(64, (count * sizeof *to + 63) / 64 * 64);
    for (size_t i = 0; to && i < count; i++)
        to[i] = (float)(i * 7919 % 251) / 125 - 1;
    return to;
}

static void bench_open(struct bench *b, int count, char **words) {
    static const char *const rules[] = {"thaw all"};
    struct error error = {0};
    int n = number(count, words, 2, 4), size = number(count, words, 3, 0);
    struct arch_options options = {.classes = 1000, .input = {size, size, 0}};
    const struct arch *arch = arch_find(words[1], &error);
    b->model = arch ? arch_build(arch, &options, &error) : NULL;
    if (b->model) {
        struct plan_options plan = {.purpose = PLAN_TRAIN, .n = n};
        plan.pool = pool_open(number(count, words, 4, 2));
        b->weights = weights_open(b->model);
        weights_init(&b->weights, 1);
        b->flags = flags_open(b->model);
        freeze_apply_all(&b->flags, BN_BATCH, rules, 1, NULL);
        b->plan = plan_make(&b->flags, &plan);
        b->pass.weights = &b->weights;
    }
    if (!b->model || !pass_use(&b->pass, b->plan, &error)) {
        fprintf(stderr, "bench-step: %s\n", error.text);
        exit(2);
    }
    b->pass.node_seconds = xcalloc((size_t)b->model->node_count, sizeof(double));
    b->optim = optim_open(b->model, &(struct optim_settings){.momentum = 0.9});
    b->batch = (struct batch){.n = n,
                              .x = make_images((size_t)n * shape_count(b->model->nodes[0].shape)),
                              .label = xcalloc((size_t)n, sizeof(int)),
                              .sample = xcalloc((size_t)n, sizeof(uint32_t))};
}

static double update(struct bench *b) {
    const int params = b->model->param_count;
    const float **gradient = xcalloc((size_t)params, sizeof *gradient);
    double *lr = xcalloc((size_t)params, sizeof *lr), start = clock_seconds();
    for (int p = 0; p < params; p++) {
        gradient[p] = pass_gradient(&b->pass, p);
        lr[p] = 1e-4;
    }
    struct optim_step step = {.flags = &b->flags, .gradient = gradient, .lr = lr};
    optim_update(&b->optim, &b->weights, &step);
    free(gradient);
    free(lr);
    return clock_seconds() - start;
}

static void print_operations(const struct bench *b, const double *seconds) {
    for (int k = 0; operations[k]; k++) {
        double sum[2] = {0}; // without and with groups
        for (int i = 1; i < b->model->node_count; i++) {
            const struct node *node = &b->model->nodes[i];
            if (node->op == operations[k])
                sum[node->op == &op_conv2d && node->attr.conv.groups > 1] += seconds[i];
        }
        if (sum[0] > 0)
            printf("  %-16s %.4f s\n", operations[k]->name, sum[0]);
        if (sum[1] > 0)
            printf("  %-16s %.4f s\n", "with groups", sum[1]);
    }
}

int main(int count, char **words) {
    if (count < 2) {
        fprintf(stderr, "usage: bench-step MODEL [BATCH [SIZE [THREADS [STEPS]]]]\n");
        return 2;
    }
    struct bench b = {0};
    bench_open(&b, count, words);
    const size_t nodes = (size_t)b.model->node_count;
    double best[4] = {1e30}, *best_nodes = xcalloc(nodes, sizeof *best_nodes);
    for (int step = 0; step < number(count, words, 5, 10); step++) {
        memset(b.pass.node_seconds, 0, nodes * sizeof(double));
        double start = clock_seconds();
        pass_forward(&b.pass, &b.batch, (uint32_t)step);
        pass_backward(&b.pass);
        double updated = update(&b), all = clock_seconds() - start;
        if (all >= best[0])
            continue;
        memcpy(best_nodes, b.pass.node_seconds, nodes * sizeof(double));
        memcpy(best, (double[]){all, b.pass.forward_seconds, b.pass.backward_seconds, updated},
               sizeof best);
    }
    printf("%s: step %.4f s: forward %.4f, backward %.4f, update %.4f\n", words[1], best[0],
           best[1], best[2], best[3]);
    print_operations(&b, best_nodes);
    return 0;
}
