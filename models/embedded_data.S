#include "base/embed.h"

EMBED(fashion_resnet20, "pretrained/fashion-resnet20.safetensors")
EMBED(wordnet_bert, "pretrained/wordnet-bert.safetensors")
EMBED(wordnet_bert_config, "pretrained/wordnet-bert.json")
EMBED(wordnet_gpt, "pretrained/wordnet-gpt.safetensors")
EMBED(wordnet_gpt_config, "pretrained/wordnet-gpt.json")
EMBED(clothes_noise, "experiments/clothes-noise.yaml")
EMBED(clothes_relabelled, "experiments/clothes-relabelled.yaml")
EMBED(definitions_experiment, "experiments/definitions.yaml")
EMBED(fashion_to_digits, "experiments/fashion-to-digits.yaml")
EMBED_END
