// The architectures that are built in.
#ifndef THAW_MODELS_H
#define THAW_MODELS_H

#include "model/build.h"

enum { RESNET_CIFAR_SIZES = 5, RESNET_SIZES = 4, VGG_SIZES = 8, BERT_SIZES = 8, GPT_SIZES = 8 };

extern const struct arch arch_cnn, arch_mlp, arch_mobilenet_v2;
extern const struct arch arch_resnet_cifar[RESNET_CIFAR_SIZES];
extern const struct arch arch_resnet[RESNET_SIZES], arch_vgg[VGG_SIZES]; // each vgg, then its _bn
extern const struct arch arch_bert[BERT_SIZES], arch_gpt[GPT_SIZES];     // each, then its -lm

// The table, NULL-terminated, smallest families first.
extern const struct arch *const archs[];

// By name, or NULL with an error that lists the nearest names.
const struct arch *arch_find(const char *name, struct error *error);

// Builds it with the options that are given and the architecture's defaults for the others; NULL
// with an error when they do not fit. The caller closes the model.
struct model *arch_build(const struct arch *arch, const struct arch_options *options,
                         struct error *error);

#endif
