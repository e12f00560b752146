// The sizes of a text model from the config.json that lies beside its weights: Hugging Face's of
// BERT and GPT-2, and minGPT's.
#ifndef THAW_TEXT_CONFIG_H
#define THAW_TEXT_CONFIG_H

#include "model/build.h"

// Changes `config` (an architecture's own) by what the file says; keys that it does not have, or
// that are null, leave it as it is, but for `inner`, which is four times `hidden` then, as in all
// architectures. An error names the file, the key and what would be right; a file of another kind
// of model is one.
bool text_config_read(struct text_config *config, const char *path, struct error *error);

// The same for a file in memory; errors begin with `name`.
bool text_config_parse(struct text_config *config, const void *data, size_t size, const char *name,
                       struct error *error);

#endif
