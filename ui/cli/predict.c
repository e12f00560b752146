// thaw predict: what a trained network says of pictures or texts, or of its run's own samples; of a
// language model, which words are missing in a text, or how it goes on.
#include "ui/cli/predict.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "ui/cli/cli.h"
#include "ui/cli/options.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { TOP = 5, TOGETHER = 256 }; // classes shown; samples answered at once

static const struct option long_options[] = {
    {"top", required_argument, NULL, 'k'},     {"weights", required_argument, NULL, 'w'},
    {"samples", required_argument, NULL, 's'}, {"limit", required_argument, NULL, 'l'},
    {"threads", required_argument, NULL, 't'}, {"tokens", required_argument, NULL, 'n'},
    {"json", no_argument, NULL, 'j'},          {0},
};

static int parse_samples(struct predict_request *r) {
    static const char *const parts[] = {"train", "validation", "test"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strcmp(optarg, parts[i]) == 0) {
            r->samples = parts[i];
            return 0;
        }
    return cli_usage(&cli_predict, "--samples %s: give train, validation or test", optarg);
}

static int parse_option(void *request, int option) {
    struct predict_request *r = request;
    switch (option) {
    case 'k':
        return cli_number(&cli_predict, "--top", optarg, 1, INT_MAX, &r->top);
    case 'l':
        return cli_number(&cli_predict, "--limit", optarg, 1, INT_MAX, &r->limit);
    case 't':
        return cli_threads(&cli_predict, optarg, &r->threads);
    case 'n':
        return cli_number(&cli_predict, "--tokens", optarg, 1, INT_MAX, &r->tokens);
    case 's':
        return parse_samples(r);
    case 'w':
        r->weights = optarg;
        return 0;
    case 'j':
        r->json = true;
        return 0;
    default:
        return CLI_UNKNOWN;
    }
}

static int parse(struct predict_request *r, int argc, char **argv) {
    int code = cli_options(&cli_predict, argc, argv, long_options, parse_option, r);
    if (code != 0)
        return code;
    if (optind == argc)
        return cli_usage(&cli_predict, "which run?");
    r->subject = argv[optind++];
    r->inputs = argv + optind;
    r->input_count = argc - optind;
    if (r->input_count == 0 && !r->samples)
        return cli_usage(&cli_predict, "of what? Give pictures, folders or texts, or --samples");
    if (r->input_count > 0 && r->samples)
        return cli_usage(&cli_predict, "--samples are the run's own: they go with no others");
    return 0;
}

// With a limit: so many samples, evenly spread.
static int *choose(const struct dataset *d, int limit, int *count) {
    *count = limit > 0 && limit < d->count ? limit : d->count;
    int *index = xmalloc(((size_t)*count + 1) * sizeof *index);
    for (int i = 0; i < *count; i++)
        index[i] = (int)((int64_t)i * d->count / *count);
    return index;
}

static bool answer(struct predict_subject *s, struct predict_printer *p, const int *index,
                   int count, struct error *error) {
    struct dataset *some = dataset_subset(dataset_share(s->data), index, count);
    struct tally tally;
    struct predictions predictions = {0};
    bool ok = training_evaluate(s->training, some, &tally, &predictions, error);
    for (int i = 0; i < predictions.count; i++)
        predict_printer_add(p, &predictions, i, index[predictions.sample[i]]);
    predictions_close(&predictions);
    dataset_close(some);
    return ok;
}

static bool predict_classes(struct predict_subject *s, const struct predict_request *r,
                            const int *index, int count, int *faults, struct error *error) {
    struct predict_printer printer;
    bool ok = true;
    predict_printer_open(&printer, s, r->top, r->json);
    for (int first = 0; first < count && ok; first += TOGETHER) {
        int left = count - first;
        ok = answer(s, &printer, index + first, left < TOGETHER ? left : TOGETHER, error);
    }
    predict_printer_close(&printer);
    *faults = printer.faults;
    return ok;
}

static int predict(struct predict_subject *s, const struct predict_request *r) {
    struct error error;
    int count, faults = 0, *index = choose(s->data, r->limit, &count);
    bool ok = model_is_language(s->training->model)
                  ? predict_tokens(s, r, index, count, &error)
                  : predict_classes(s, r, index, count, &faults, &error);
    free(index);
    return ok ? faults > 0 : cli_fail(&error);
}

static int predict_main(int argc, char **argv) {
    struct predict_request request = {.top = TOP};
    struct predict_subject subject;
    struct error error;
    int code = parse(&request, argc, argv);
    if (code != 0)
        return code;
    bool ok = predict_subject_open(&subject, &request, &error);
    code = ok ? predict(&subject, &request) : cli_fail(&error);
    predict_subject_close(&subject);
    return code;
}

const struct subcommand cli_predict = {
    .name = "predict",
    .usage = "predict RUN|EXPERIMENT.yaml|WEIGHTS (PICTURE|FOLDER|TEXT... | --samples "
             "train|validation|test) [--limit N] [--top K] [--tokens N] [--weights best|last|FILE] "
             "[--threads N] [--json]",
    .help = "what a trained network says of pictures or texts: classes, or tokens, and "
            "probabilities",
    .run = predict_main,
};
