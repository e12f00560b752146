#include "base/embed.h"

EMBED(fashion_resnet20, "pretrained/fashion-resnet20.safetensors")
EMBED(clothes_noise, "experiments/clothes-noise.yaml")
EMBED(clothes_relabelled, "experiments/clothes-relabelled.yaml")
EMBED(fashion_to_digits, "experiments/fashion-to-digits.yaml")
EMBED_END
