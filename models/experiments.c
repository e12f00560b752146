#include "models/experiments.h"
#include <string.h>

EMBED_DECLARE(clothes_noise);
EMBED_DECLARE(clothes_relabelled);
EMBED_DECLARE(definitions_experiment);
EMBED_DECLARE(fashion_to_digits);

static struct embedded clothes_noise(void) {
    return EMBEDDED(clothes_noise);
}

static struct embedded clothes_relabelled(void) {
    return EMBEDDED(clothes_relabelled);
}

static struct embedded definitions_experiment(void) {
    return EMBEDDED(definitions_experiment);
}

static struct embedded fashion_to_digits(void) {
    return EMBEDDED(fashion_to_digits);
}

const struct built_in_experiment built_in_experiments[] = {
    {"clothes-noise", clothes_noise},
    {"clothes-relabelled", clothes_relabelled},
    {"fashion-to-digits", fashion_to_digits},
    {"definitions", definitions_experiment},
    {0},
};

const struct built_in_experiment *built_in_experiment_find(const char *name) {
    for (const struct built_in_experiment *b = built_in_experiments; b->name; b++)
        if (strcmp(b->name, name) == 0)
            return b;
    return NULL;
}
