// What a masked language model learns from (Devlin et al., "BERT", NAACL 2019, section 3.1, Task 1,
// as the code published with it): 15 % of a text's tokens (model_hidden_tokens) are to be
// predicted; of these 80 % become [MASK], 10 % any token, and 10 % stay. What stands around a text,
// such as [CLS] and [SEP], is left alone.
#ifndef THAW_MASKING_H
#define THAW_MASKING_H

#include "data/dataset.h"

struct masking {
    int vocabulary;             // of the data, and its
    struct dataset_marks marks; // mask >= 0
    uint64_t seed;
    bool fixed; // the same of each sample in every view and for every seed: for evaluation
};

// Masks a text in place: ids [room], -1 behind the last one. target [room]: the ids that were there
// where they are to be predicted, else -1. Every draw depends on seed, sample, view and position
// alone. Thread-safe; `scratch` [room].
void masking_apply(const struct masking *m, uint32_t sample, uint32_t view, int room, float *ids,
                   int *target, int *scratch);

#endif
