// The table of strategies.
#include "strategy/strategy_parts.h"
#include <stddef.h>

const struct strategy strategies[] = {
    {"full", "everything is thawed", NULL, strategy_full},
    {"head-only", "the head alone: a linear probe", NULL, strategy_head_only},
    {"last-k", "the last strategy.blocks blocks and the head", NULL, strategy_last},
    {"first-k", "the first strategy.blocks blocks, and a head that starts anew",
     "Lee et al. 2023, Surgical Fine-Tuning", strategy_first},
    {"single", "strategy.block alone, and a head that starts anew",
     "Lee et al. 2023, Surgical Fine-Tuning", strategy_single},
    {"bitfit", "biases and the head", "Ben Zaken et al. 2022, BitFit", strategy_bitfit},
    {"norm-only", "weights and biases of normalisation layers, and the head",
     "Frankle et al. 2021, Training BatchNorm and Only BatchNorm", strategy_norm_only},
    {"all-but-norm", "everything but normalisation layers", NULL, strategy_all_but_norm},
    {"layer-decay", "everything, each block at strategy.decay of the rate of the one behind it",
     "Clark et al. 2020, ELECTRA", strategy_layer_decay},
    {"auto-rgn", "everything, each block's rate by its relative gradient norm, anew every epoch",
     "Lee et al. 2023, Surgical Fine-Tuning", strategy_auto_rgn},
    {"progressive", "the head, then strategy.blocks blocks more at a time, toward the input", NULL,
     strategy_progressive},
    {"gradual", "the same block by block, at falling rates, along a slanted triangle",
     "Howard and Ruder 2018, ULMFiT", strategy_gradual},
    {"fine-tune", "the head for strategy.epochs epochs, then everything at rates from 1 to 1/100",
     "Howard and Gugger 2020, fastai", strategy_fine_tune},
    {"lp-ft", "the head until it gets no better, then everything from its best",
     "Kumar et al. 2022, Fine-Tuning can Distort Pretrained Features", strategy_lp_ft},
    {"freezeout",
     "everything, frozen from the input on as rates fall to 0; without warm-up: lower optim.lr",
     "Brock et al. 2017, FreezeOut", strategy_freezeout},
    {NULL, NULL, NULL, NULL},
};
