// How fast a whole training step is: forward, backward and update on images or texts of no meaning,
// BatchNorm by the batch where it is thawed.
//
//     bench-step MODEL [--batch N] [--size N] [--classes N] [--threads N] [--thaw PATTERN]...
//                [--optim NAME] [--cached] [--steps N] [--profile] [--serve]
//
// --size: of images, or tokens of texts. Default: 4 images of the model's size, 1000 classes, 2
// threads, everything thawed, 10 steps.
// --optim: sgd, momentum (SGD with 0.9, the default) or adamw (weight decay 0.01).
// --cached: what the frozen prefix computes is given, as from the second epoch on. --profile: the
// time of every layer and pass under this mask, as `thaw run --profile` prints it. --serve is for
// against_torch.py: does a step and prints its seconds (by the clock, and of processors) for every
// line read, and at the end one JSON object: bytes that the process had in memory before it built
// anything, and at most; the quickest step with everything thawed; and the ceiling of freezing,
// seconds of a step by the quickest time of each node and pass and the update, with everything
// thawed and with what this plan does.
#include "base/clock.h"
#include "base/peak.h"
#include "base/xalloc.h"
#include "models/models.h"
#include "plan/node_times.h"
#include "plan/pass.h"
#include "training/optim.h"
#include "ui/cli/profile.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RULES_MAX = 16 };

struct bench {
    const char *name;
    struct shape input;
    int batch, classes, threads, steps, rule_count;
    char *rules[RULES_MAX];
    struct optim_settings settings;
    bool cached, profile, serve;
    double idle_bytes;
    struct pool *pool;
    struct model *model;
    struct weights weights;
    struct flags flags;
    struct plan *plan;
    struct pass pass;
    struct pass_cut cut;
    struct optim optim;
    struct batch images;
};

static const struct option long_options[] = {
    {"batch", required_argument, NULL, 'b'},
    {"size", required_argument, NULL, 's'},
    {"classes", required_argument, NULL, 'c'},
    {"threads", required_argument, NULL, 't'},
    {"thaw", required_argument, NULL, 'r'},
    {"steps", required_argument, NULL, 'n'},
    {"optim", required_argument, NULL, 'o'},
    {"cached", no_argument, NULL, 'k'},
    {"profile", no_argument, NULL, 'p'},
    {"serve", no_argument, NULL, 'v'},
    {0},
};

static struct optim_settings settings_named(const char *name) {
    static const struct {
        const char *name;
        struct optim_settings settings;
    } known[] = {
        {"sgd", {.kind = OPTIM_SGD}},
        {"momentum", {.kind = OPTIM_SGD, .momentum = 0.9}},
        {"adamw",
         {.kind = OPTIM_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].settings;
    fprintf(stderr, "bench-step: --optim %s: sgd, momentum and adamw are possible\n", name);
    exit(2);
}

static void parse_option(struct bench *b, int option) {
    switch (option) {
    case 'b':
        b->batch = atoi(optarg);
        break;
    case 's':
        b->input.h = atoi(optarg);
        break;
    case 'c':
        b->classes = atoi(optarg);
        break;
    case 't':
        b->threads = atoi(optarg);
        break;
    case 'n':
        b->steps = atoi(optarg);
        break;
    case 'o':
        b->settings = settings_named(optarg);
        break;
    case 'k':
        b->cached = true;
        break;
    case 'p':
        b->profile = true;
        break;
    case 'v':
        b->serve = true;
        break;
    case 'r':
        if (b->rule_count < RULES_MAX)
            b->rules[b->rule_count++] = xprintf("thaw %s", optarg);
        break;
    default:
        exit(2);
    }
}

static struct bench parse(int count, char **words) {
    struct bench b = {.batch = 4, .classes = 1000, .threads = 2, .steps = 10};
    b.settings = settings_named("momentum");
    for (int option; (option = getopt_long(count, words, "", long_options, NULL)) != -1;)
        parse_option(&b, option);
    if (optind != count - 1 || b.batch < 1 || b.classes < 2 || b.threads < 1) {
        fprintf(stderr, "usage: bench-step MODEL [--batch N] ...; its source says more\n");
        exit(2);
    }
    if (b.rule_count == 0)
        b.rules[b.rule_count++] = xprintf("thaw all");
    b.name = words[optind];
    return b;
}

static float *make_images(size_t count) {
    float *to = aligned_alloc(64, (count * sizeof *to + 63) / 64 * 64);
    for (size_t i = 0; to && i < count; i++)
        to[i] = (float)(i * 7919 % 251) / 125 - 1;
    return to;
}

static float *make_ids(size_t count) {
    float *to = make_images(count);
    for (size_t i = 0; i < count; i++)
        to[i] = (float)(i * 7919 % 20011);
    return to;
}

// Rows for the tensors of the plan's cut, and what needs not run behind them.
static void open_cut(struct bench *b) {
    const struct plan_cut *cut = &b->plan->cut;
    const size_t nodes = (size_t)b->model->node_count;
    ptrdiff_t *place = xcalloc(nodes, sizeof *place);
    bool *skip = xcalloc(nodes, sizeof *skip);
    size_t floats = 0;
    for (size_t i = 0; i < nodes; i++) {
        place[i] = -1;
        skip[i] = cut->count > 0 && (int)i <= cut->nodes[cut->count - 1];
    }
    for (int i = 0; i < cut->count; i++) {
        place[cut->nodes[i]] = (ptrdiff_t)floats;
        floats += shape_count(b->model->nodes[cut->nodes[i]].shape);
    }
    float *values = make_images((size_t)b->batch * floats);
    void **rows = xcalloc((size_t)b->batch, sizeof *rows);
    for (int i = 0; i < b->batch; i++)
        rows[i] = values + (size_t)i * floats;
    b->cut = (struct pass_cut){.place = place, .skip = skip, .rows = rows, .given = true};
}

static void open_bench(struct bench *b) {
    struct error error = {0};
    const struct arch *arch = arch_find(b->name, &error);
    bool text = arch && arch->text.kind;
    struct arch_options options = {
        .classes = b->classes, .input = b->input, .dropout = text ? -1 : 0};
    options.input.w = text ? 1 : options.input.h;
    b->model = arch ? arch_build(arch, &options, &error) : NULL;
    if (b->model) {
        b->pool = pool_open(b->threads);
        b->weights = weights_open(b->model);
        weights_init(&b->weights, 1);
        b->flags = flags_open(b->model);
    }
    if (!b->model || !freeze_apply_all(&b->flags, BN_BATCH, (const char *const *)b->rules,
                                       b->rule_count, &error)) {
        fprintf(stderr, "bench-step: %s\n", error.text);
        exit(2);
    }
    struct plan_options plan = {.purpose = PLAN_TRAIN, .n = b->batch, .pool = b->pool};
    b->plan = plan_make(&b->flags, &plan);
    b->pass.weights = &b->weights;
    if (!pass_use(&b->pass, b->plan, &error)) {
        fprintf(stderr, "bench-step: %s\n", error.text);
        exit(2);
    }
    b->optim = optim_open(b->model, &b->settings);
    b->optim.pool = b->pool;
    const size_t n = (size_t)b->batch;
    const size_t count = n * shape_count(b->model->nodes[0].shape);
    b->images = (struct batch){.n = b->batch,
                               .x = text ? make_ids(count) : make_images(count),
                               .label = xcalloc(n, sizeof(int)),
                               .sample = xcalloc(n, sizeof(uint32_t))};
    for (int i = 0; i < b->batch; i++)
        b->images.sample[i] = (uint32_t)i;
    if (b->cached)
        open_cut(b);
}

static void update(struct bench *b) {
    const int params = b->model->param_count;
    struct gradient *gradient = xcalloc((size_t)params, sizeof *gradient);
    double *lr = xcalloc((size_t)params, sizeof *lr);
    for (int p = 0; p < params; p++) {
        gradient[p] = pass_gradient(&b->pass, p);
        lr[p] = 1e-4;
    }
    struct optim_step step = {.flags = &b->flags, .gradient = gradient, .lr = lr};
    optim_update(&b->optim, &b->weights, &step);
    free(gradient);
    free(lr);
}

struct step_times {
    double all, forward, backward, update;
};

static struct step_times run_step(struct bench *b, int step) {
    struct step_times t;
    double start = clock_work_seconds(b->threads);
    b->pass.cut = b->cached ? &b->cut : NULL;
    pass_forward(&b->pass, &b->images, (uint32_t)step);
    pass_backward(&b->pass);
    double before = clock_work_seconds(b->threads);
    update(b);
    double end = clock_work_seconds(b->threads);
    t = (struct step_times){end - start, b->pass.forward_seconds, b->pass.backward_seconds,
                            end - before};
    return t;
}

static void print_steps(struct bench *b) {
    struct step_times best = {.all = 1e30};
    for (int step = 0; step < b->steps; step++) {
        struct step_times t = run_step(b, step);
        best = t.all < best.all ? t : best;
    }
    printf("%s: step %.4f s: forward %.4f, backward %.4f, update %.4f; arena %.0f MiB\n", b->name,
           best.all, best.forward, best.backward, best.update,
           (double)b->plan->floats * sizeof(float) / (1 << 20));
}

// The quickest update of those that were thawed, besides what the nodes take.
static double time_update(struct bench *b) {
    double best = 1e30;
    for (int i = 0; i < 3; i++) {
        double start = clock_work_seconds(b->threads);
        update(b);
        double took = clock_work_seconds(b->threads) - start;
        best = took < best ? took : best;
    }
    return best;
}

// Of all threads together.
static double processor_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// A line of /proc/self/status: "VmRSS:", what is in memory, or "VmHWM:", the most there has been.
static double status_bytes(const char *name) {
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    unsigned long long kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            sscanf(line + strlen(name), "%llu", &kib);
    if (file)
        fclose(file);
    return 1024.0 * (double)kib;
}

static void use_plan(struct bench *b, struct plan *plan) {
    struct error error;
    if (!pass_use(&b->pass, plan, &error)) {
        fprintf(stderr, "bench-step: %s\n", error.text);
        exit(2);
    }
    plan_close(b->plan);
    b->plan = plan;
}

// The time of all nodes, and of the update.
static double time_nodes(struct bench *b, bool print) {
    struct error error;
    struct node_times *nodes = node_times_measure(&b->pass, b->plan, &b->images, &error);
    if (!nodes) {
        fprintf(stderr, "bench-step: %s\n", error.text);
        exit(2);
    }
    if (print)
        profile_print_modules(b->plan, b->batch, nodes, peak_flops(b->pool), stdout);
    const double sum = node_times_sum(nodes, b->model, b->cached ? b->cut.skip : NULL);
    free(nodes);
    return sum + time_update(b);
}

// From now on everything is thawed and computed.
static void thaw_everything(struct bench *b) {
    static const char *const rules[] = {"thaw all"};
    const struct plan_options options = b->plan->options;
    freeze_apply_all(&b->flags, BN_BATCH, rules, 1, NULL);
    b->cached = false;
    use_plan(b, plan_make(&b->flags, &options));
}

static double quickest_step(struct bench *b) {
    double best = 1e30;
    run_step(b, 0); // touches the memory
    for (int i = 0; i < 6; i++) {
        const double took = run_step(b, 0).all;
        best = took < best ? took : best;
    }
    return best;
}

static void report(struct bench *b) {
    const double most = status_bytes("VmHWM:"), planned = time_nodes(b, false);
    thaw_everything(b);
    const double step = quickest_step(b), all = time_nodes(b, false);
    printf("{\"idle_bytes\": %.0f, \"peak_bytes\": %.0f, \"all_step\": %.6f, "
           "\"all_thawed\": %.6f, \"planned\": %.6f}\n",
           b->idle_bytes, most, step, all, planned);
}

static void serve(struct bench *b) {
    printf("ready\n");
    fflush(stdout);
    char line[16];
    for (int step = 0; fgets(line, sizeof line, stdin); step++) {
        const double before = processor_seconds(), seconds = run_step(b, step).all;
        printf("%.9f %.9f\n", seconds, processor_seconds() - before);
        fflush(stdout);
    }
    report(b);
}

int main(int count, char **words) {
    struct bench b = parse(count, words);
    b.idle_bytes = status_bytes("VmRSS:");
    open_bench(&b);
    if (b.serve) {
        serve(&b);
        return 0;
    }
    print_steps(&b);
    if (b.profile)
        time_nodes(&b, true);
    return 0;
}
