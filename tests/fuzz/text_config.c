// libFuzzer: whatever the bytes, a config.json is read, or refused in one line and nothing changed;
// what is read has sizes and rates that an architecture can be asked for.
//
// The first byte chooses BERT or GPT-2.
#include "models/text_config.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_size(int size) {
    if (size < 1 || size > 1 << 26) // inner: 4 x hidden, if not given
        abort();
}

static void check_rate(float rate) {
    if (!(rate >= 0 && rate < 1))
        abort();
}

static void check(const struct text_config *c) {
    check_size(c->vocabulary);
    check_size(c->positions);
    check_size(c->hidden);
    check_size(c->layers);
    check_size(c->heads);
    check_size(c->inner);
    check_rate(c->dropout);
    check_rate(c->attention_dropout);
    check_rate(c->embedding_dropout);
    if (!(c->eps > 0 && c->eps <= 1))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error error = {0};
    if (size == 0)
        return 0;
    struct text_config c = {.kind = data[0] % 2 ? "gpt2" : "bert",
                            .vocabulary = 1,
                            .positions = 2,
                            .segments = 2,
                            .hidden = 2,
                            .layers = 1,
                            .heads = 1,
                            .inner = 8,
                            .eps = 1e-5f};
    const struct text_config before = c;
    if (text_config_parse(&c, data + 1, size - 1, "fuzz", &error))
        check(&c);
    else if (!error.text[0] || strchr(error.text, '\n') || memcmp(&c, &before, sizeof c) != 0)
        abort();
    return 0;
}
