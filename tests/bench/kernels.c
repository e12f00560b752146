// How fast convolution is: prints one JSON object with GFLOP/s of the three passes for layers of
// ResNet-18, ResNet-50 and MobileNetV2 at 224 and ResNet-20 at 32, on 1 and 2 threads, the best of
// many runs; 3x3 ones of stride 1 by Winograd and directly. `bench-kernels [SECONDS [LAYER
// [THREADS]]]` spends about SECONDS (default 0.3) on each figure, of layers whose names contain
// LAYER, on 1 to THREADS threads. On one thread the processor's time counts, to which other
// programs do less.
#include "base/kernels.h"
#include "base/clock.h"
#include "ops/op.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct layer {
    const char *name;
    int n, size, c, k, kernel, stride, groups;
};

static const struct layer layers[] = {
    {"7x7 s2 3->64 @224", 16, 224, 3, 64, 7, 2, 1},
    {"3x3 64 @56", 16, 56, 64, 64, 3, 1, 1},
    {"3x3 128 @28", 16, 28, 128, 128, 3, 1, 1},
    {"3x3 256 @14", 16, 14, 256, 256, 3, 1, 1},
    {"3x3 512 @7", 16, 7, 512, 512, 3, 1, 1},
    {"3x3 s2 64->128 @56", 16, 56, 64, 128, 3, 2, 1},
    {"3x3 s2 128->256 @28", 16, 28, 128, 256, 3, 2, 1},
    {"3x3 s2 256->512 @14", 16, 14, 256, 512, 3, 2, 1},
    {"1x1 s2 128->256 @28", 16, 28, 128, 256, 1, 2, 1},
    {"1x1 64->256 @56", 8, 56, 64, 256, 1, 1, 1},
    {"1x1 256->64 @56", 8, 56, 256, 64, 1, 1, 1},
    {"1x1 256->1024 @14", 8, 14, 256, 1024, 1, 1, 1},
    {"1x1 1024->256 @14", 8, 14, 1024, 256, 1, 1, 1},
    {"1x1 2048->512 @7", 8, 7, 2048, 512, 1, 1, 1},
    {"depthwise 96 @112 s2", 16, 112, 96, 96, 3, 2, 96},
    {"depthwise 144 @56", 16, 56, 144, 144, 3, 1, 144},
    {"depthwise 576 @14", 16, 14, 576, 576, 3, 1, 576},
    {"3x3 16 @32", 128, 32, 16, 16, 3, 1, 1},
    {"3x3 32 @16", 128, 16, 32, 32, 3, 1, 1},
    {"3x3 64 @8", 128, 8, 64, 64, 3, 1, 1},
};
enum { LAYERS = sizeof layers / sizeof *layers };

enum pass { FORWARD, DATA, WEIGHT, PASSES };
static const char *const pass_names[] = {"forward", "data", "weight"};

// In huge pages where the system has them, as in a step's arena.
static float *make(size_t count) {
    const size_t page = 1 << 21, bytes = (count * sizeof(float) + page - 1) / page * page;
    float *to = aligned_alloc(page, bytes);
    if (!to)
        abort();
    madvise(to, bytes, MADV_HUGEPAGE);
    for (size_t i = 0; i < count; i++)
        to[i] = (float)(i % 251) / 251 - 0.5f;
    return to;
}

// A call of one pass alone; `buffers` are what to free.
static struct op_call open_call(const struct layer *l, const union op_attr *attr, enum pass pass,
                                bool precise, struct pool *pool, float *buffers[4]) {
    struct op_call call = {.attr = attr,
                           .n = l->n,
                           .in_shape = {{l->size, l->size, l->c}},
                           .mode = {.precise = precise},
                           .pool = pool};
    op_conv2d.infer(attr, call.in_shape, &call.out_shape, NULL);
    const size_t in = (size_t)l->n * shape_count(call.in_shape[0]);
    const size_t out = (size_t)l->n * shape_count(call.out_shape);
    const size_t weight = (size_t)(l->kernel * l->kernel * l->c / l->groups * l->k);
    buffers[0] = make(in > weight ? in : weight);
    buffers[1] = make(out > weight ? out : weight);
    buffers[2] = make(in > weight ? in : weight);
    call.in[0] = buffers[0];
    call.out = buffers[1];
    call.dout = buffers[1];
    call.param[0] = buffers[2];
    if (pass == DATA) {
        call.din[0].to = buffers[0];
    } else if (pass == WEIGHT) {
        call.dparam[0].to = buffers[2];
    }
    buffers[3] = make(op_conv2d.scratch(&call, pass != FORWARD));
    call.scratch = buffers[3];
    return call;
}

static double measure(const struct layer *l, enum pass pass, bool precise, int threads,
                      double seconds) {
    union op_attr attr = {0};
    attr.conv.out = l->k;
    attr.conv.kernel_h = attr.conv.kernel_w = l->kernel;
    attr.conv.stride = l->stride;
    attr.conv.pad = l->kernel / 2;
    attr.conv.groups = l->groups;
    struct pool *pool = pool_open(threads);
    float *buffers[4];
    const struct op_call call = open_call(l, &attr, pass, precise, pool, buffers);
    double best = 1e9, until = clock_seconds() + seconds;
    while (clock_seconds() < until || best == 1e9) {
        const double start = clock_work_seconds(threads);
        if (pass == FORWARD)
            op_conv2d.forward(&call);
        else
            op_conv2d.backward(&call);
        const double took = clock_work_seconds(threads) - start;
        best = took < best ? took : best;
    }
    const struct op_flops flops = op_conv2d.flops(&attr, call.in_shape, call.out_shape);
    for (int i = 0; i < 4; i++)
        free(buffers[i]);
    pool_close(pool);
    return flops.forward * l->n / best * 1e-9;
}

static bool is_winograd(const struct layer *l) {
    return l->kernel == 3 && l->stride == 1 && l->groups == 1;
}

static void print_layer(const struct layer *l, bool precise, double seconds, int most) {
    printf("  {\"layer\": \"%s%s\", \"batch\": %d", l->name,
           is_winograd(l) && precise ? ", direct" : "", l->n);
    for (int threads = 1; threads <= most; threads++) {
        printf(", \"threads_%d\": {", threads);
        for (enum pass pass = FORWARD; pass < PASSES; pass++)
            printf("%s\"%s\": %.0f", pass ? ", " : "", pass_names[pass],
                   measure(l, pass, precise, threads, seconds));
        printf("}");
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    const double seconds = argc > 1 ? atof(argv[1]) : 0.3;
    const char *only = argc > 2 ? argv[2] : "";
    const int most = argc > 3 ? atoi(argv[3]) : 2;
    bool first = true;
    printf("{\"isa\": \"%s\", \"unit\": \"GFLOP/s\", \"layers\": [\n", kernels()->isa);
    for (int i = 0; i < LAYERS; i++) {
        for (int precise = !is_winograd(&layers[i]); precise < 2; precise++) {
            if (!strstr(layers[i].name, only))
                continue;
            printf(first ? "" : "},\n");
            print_layer(&layers[i], precise, seconds, most);
            first = false;
        }
    }
    printf("}\n]}\n");
    return 0;
}
