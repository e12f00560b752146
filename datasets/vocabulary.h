// The pieces that a tokenizer knows: a table from pieces to ids and back.
#ifndef THAW_DATASETS_VOCABULARY_H
#define THAW_DATASETS_VOCABULARY_H

#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

enum {
    VOCABULARY_MAX = 1 << 22,       // ids; floats hold them exactly
    VOCABULARY_BYTES_MAX = 1 << 28, // of a file
};

struct vocabulary {
    int size;         // ids are 0 .. size - 1
    char **piece;     // [size], UTF-8
    size_t longest;   // bytes of the longest piece
    uint32_t *bucket; // id + 1; 0: empty
    size_t mask;      // buckets - 1
};

// Takes ownership of the pieces and of the list (malloc). Of equal pieces the last one is found, as
// in a Python dictionary.
void vocabulary_make(struct vocabulary *v, char **piece, int size);
void vocabulary_close(struct vocabulary *v);

// The id, or -1. Thread-safe.
int vocabulary_find(const struct vocabulary *v, const char *piece, size_t length);

// vocab.txt: a piece a line, the first of them id 0. Errors begin with the name.
bool vocabulary_lines(struct vocabulary *v, const char *data, size_t size, const char *name,
                      struct error *error);

// vocab.json: an object of pieces and their ids, which are 0 to the number of pieces - 1, each
// once.
bool vocabulary_json(struct vocabulary *v, const char *data, size_t size, const char *name,
                     struct error *error);

// Whether the file is text in UTF-8 of at most VOCABULARY_BYTES_MAX.
bool vocabulary_text(const char *data, size_t size, const char *name, struct error *error);

#endif
