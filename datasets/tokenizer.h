// Text to token ids and back. A tokenizer is what its vocabulary file makes it: WordPiece as BERT's
// (vocab.txt), or byte-level BPE as GPT-2's (vocab.json and merges.txt, or encoder.json and
// vocab.bpe). Special tokens that are spelled out in a text, such as "[SEP]" or "<|endoftext|>",
// are text like any other, unless `mask` says otherwise of "[MASK]".
#ifndef THAW_DATASETS_TOKENIZER_H
#define THAW_DATASETS_TOKENIZER_H

#include "base/embed.h"
#include "datasets/vocabulary.h"

// A growing list of ids. Zero-initialise; free with tokens_free.
struct tokens {
    int *id;
    size_t count, room;
};

void tokens_add(struct tokens *t, int id);
void tokens_free(struct tokens *t);

#define TOKENIZER_MASK "[MASK]"

struct tokenizer {
    struct vocabulary vocabulary;
    int before, after; // ids put around each text; -1: none
    int mask;          // the id of "[MASK]" where that is spelled out in a text; -1: it is text
    // Appends the ids of a text in UTF-8; may stop once more than `most` were appended.
    void (*encode)(const struct tokenizer *t, const char *text, size_t size, size_t most,
                   struct tokens *out);
    // The text of ids, not quite the one they were made from; what continues a word without its
    // beginning keeps its mark. The caller frees; *size are its bytes, which a zero byte follows.
    char *(*decode)(const struct tokenizer *t, const int *id, size_t count, size_t *size);
    void (*release)(struct tokenizer *t); // frees self; NULL when there is nothing to free
    void *self;
};

// The vocabularies that the program carries, ended by a NULL name.
struct tokenizer_built_in {
    const char *name, *help;
    struct embedded (*file)(void); // a packed vocab.txt
};
extern const struct tokenizer_built_in tokenizers_built_in[];

// A folder with such files, a vocabulary file, told apart by its ending, .txt or .json, or, without
// slash and dot, the name of one that is built in. NULL after an error that names the place.
struct tokenizer *tokenizer_open(const char *name, struct error *error);
void tokenizer_close(struct tokenizer *t); // NULL is fine

// Whether a folder has the files of a tokenizer.
bool tokenizer_here(const char *folder);

// The id of "[MASK]", or -1.
int tokenizer_find_mask(const struct tokenizer *t);

// Appends the ids of a text in UTF-8 with those around it, at most `most` (above 2) in all: what
// does not fit is cut off the text's end. Returns whether all of it fitted. The work is bounded by
// some n log n of the text's size. Thread-safe.
bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t size, size_t most,
                      struct tokens *out);

#endif
