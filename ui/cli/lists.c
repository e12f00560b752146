// thaw models, thaw datasets: what is built in.
#include "base/text.h"
#include "datasets/datasets.h"
#include "datasets/shift.h"
#include "datasets/tokenizer.h"
#include "models/models.h"
#include "models/pretrained.h"
#include "ui/cli/cli.h"
#include <stdio.h>

static int models_main(int argc, char **argv) {
    (void)argv;
    if (argc > 1)
        return cli_usage(&cli_models, "takes no arguments");
    printf("architectures (model.name)\n");
    for (int i = 0; archs[i]; i++)
        printf("  %-18s %s\n", archs[i]->name, archs[i]->help);
    printf("\nbuilt-in weights (model.weights)\n");
    for (const struct pretrained *p = pretrained_models; p->name; p++)
        printf("  %-18s %s: %s\n", p->name, p->arch, p->help);
    return 0;
}

static int datasets_main(int argc, char **argv) {
    (void)argv;
    if (argc > 1)
        return cli_usage(&cli_datasets, "takes no arguments");
    printf("data sets (data.name)\n");
    for (int i = 0; i < dataset_kind_count; i++)
        printf("  %-15s %s (%s)\n", dataset_kinds[i].name, dataset_kinds[i].help,
               dataset_kinds[i].license);
    printf("\ntokenizers of texts (data.tokenizer)\n");
    for (const struct tokenizer_built_in *t = tokenizers_built_in; t->name; t++)
        printf("  %-15s %s\n", t->name, t->help);
    printf("  %-15s %s\n", "FOLDER or FILE",
           "BERT's vocab.txt, or GPT-2's vocab.json and merges.txt");
    struct text help = {0};
    shift_help(&help);
    printf("\nshifts (data.shift)\n%s", help.data);
    text_free(&help);
    return 0;
}

const struct subcommand cli_models = {
    "models", "models", "list the architectures and the built-in weights", models_main};
const struct subcommand cli_datasets = {"datasets", "datasets", "list the data sets and the shifts",
                                        datasets_main};
