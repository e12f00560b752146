// Small models of texts, and made-up texts for them.
#ifndef THAW_TESTS_TEXTS_H
#define THAW_TESTS_TEXTS_H

#include "data/dataset.h"
#include "models/models.h"
#include "test.h"

enum { TEXTS_IDS = 11, TEXTS_ROOM = 9, TEXTS_CLASSES = 3, TEXTS_MASK = 10 };

// "bert-tiny", "gpt-nano-lm" and so on, made smaller still: 2 layers, 3 heads.
static inline struct model *texts_model_of(const char *name, int room, float dropout,
                                           int vocabulary, int hidden) {
    struct error error = {0};
    const struct arch *arch = arch_find(name, &error);
    struct text_config config = arch->text;
    config.vocabulary = vocabulary;
    config.positions = 20;
    config.hidden = hidden;
    config.layers = 2;
    config.heads = 3;
    config.inner = 20;
    config.dropout = config.attention_dropout = config.embedding_dropout = dropout;
    struct arch_options options = {.input = {room, 1, 1},
                                   .classes = TEXTS_CLASSES,
                                   .vocabulary = vocabulary,
                                   .dropout = arch->language ? 0 : dropout,
                                   .text = &config};
    struct model *model = arch_build(arch, &options, &error);
    if (!model)
        fail_msg("%s", error.text);
    return model;
}

// Of 12 channels.
static inline struct model *texts_model(const char *name, int room, float dropout) {
    return texts_model_of(name, room, dropout, TEXTS_IDS, 12);
}

// Text number `index`: 1 .. `room` tokens; its label decides which are frequent.
static inline void texts_fill(int index, int label, int room, float *out) {
    struct random_key key = random_key(3, RANDOM_PROBE, 7);
    int length = 1 + (int)random_below(key, (uint32_t)index, 0, 0, TEXTS_ROOM);
    for (int i = 0; i < room; i++) {
        uint32_t id = random_below(key, (uint32_t)index, 1, (uint64_t)i, TEXTS_IDS + 8);
        id = id < TEXTS_IDS ? id : (uint32_t)label;
        out[i] = i < length ? (float)id : -1;
    }
}

static inline void texts_read(const struct dataset *d, int index, float *out) {
    texts_fill(index, d->labels[index], d->shape.h, out);
}

static inline struct dataset *texts_data(const struct model *model, int count) {
    struct dataset *d = dataset_new("texts", model->nodes[0].shape, count, TEXTS_CLASSES, NULL);
    for (int i = 0; i < count; i++)
        d->labels[i] = i % TEXTS_CLASSES;
    d->vocabulary = TEXTS_IDS;
    d->marks.mask = TEXTS_MASK;
    d->read = texts_read;
    return d;
}

#endif
