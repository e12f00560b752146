#include "models/pretrained.h"
#include "base/text.h"
#include <string.h>

EMBED_DECLARE(fashion_resnet20);
EMBED_DECLARE(wordnet_bert);
EMBED_DECLARE(wordnet_bert_config);
EMBED_DECLARE(wordnet_gpt);
EMBED_DECLARE(wordnet_gpt_config);

static struct embedded fashion_resnet20(void) {
    return EMBEDDED(fashion_resnet20);
}

static struct embedded wordnet_bert(void) {
    return EMBEDDED(wordnet_bert);
}

static struct embedded wordnet_bert_config(void) {
    return EMBEDDED(wordnet_bert_config);
}

static struct embedded wordnet_gpt(void) {
    return EMBEDDED(wordnet_gpt);
}

static struct embedded wordnet_gpt_config(void) {
    return EMBEDDED(wordnet_gpt_config);
}

const struct pretrained pretrained_models[] = {
    {"fashion-resnet20", "resnet20", "Fashion-MNIST, 28x28, 1 channel, 10 classes",
     fashion_resnet20, NULL, NULL},
    {"wordnet-bert", "bert-mini", "masked language model of WordNet's glosses, at most 64 tokens",
     wordnet_bert, wordnet_bert_config, "wordnet"},
    {"wordnet-gpt", "gpt2", "causal language model of WordNet's glosses, at most 64 tokens",
     wordnet_gpt, wordnet_gpt_config, "wordnet"},
    {0},
};

enum { COUNT = sizeof pretrained_models / sizeof pretrained_models[0] - 1 };

const struct pretrained *pretrained_find(const char *name, struct error *error) {
    const char *names[COUNT];
    for (int i = 0; i < COUNT; i++) {
        names[i] = pretrained_models[i].name;
        if (strcmp(names[i], name) == 0)
            return &pretrained_models[i];
    }
    struct text near = {0};
    text_nearest(&near, name, names, COUNT);
    error_set(error, "no built-in weights are called '%s'; there is %s, or give a path", name,
              near.data ? near.data : "nothing");
    text_free(&near);
    return NULL;
}
