// WordPiece as BERT's. Text is cleaned of control characters, CJK characters stand as words of
// their own, words are lower-cased and stripped of accents where the vocabulary wants it, split at
// punctuation, and cut into the longest pieces that the vocabulary knows, from left to right; a
// word without such pieces, or of more than 100 characters, is [UNK]. [CLS] and [SEP] stand around.
//
// Source: Devlin et al., "BERT", 2018, and tokenization.py published with it; where later versions
// differ, as Hugging Face's BertTokenizer: all of Unicode's category C is taken away, lower case is
// taken of single characters, the longest word has 100 characters. Two things are not done that
// only some versions do: text is not composed (NFC), special tokens in it are not recognised.
#ifndef THAW_DATASETS_WORDPIECE_H
#define THAW_DATASETS_WORDPIECE_H

#include "datasets/tokenizer.h"

struct wordpiece_settings {
    bool lower_case, strip_accents, split_cjk;
};

// Reads vocab.txt and, unless NULL, tokenizer_config.json: do_lower_case, strip_accents and
// tokenize_chinese_chars. Without do_lower_case, the vocabulary decides: one that has a piece with
// a capital letter A to Z outside of [] keeps capitals.
struct tokenizer *wordpiece_open(const char *vocabulary, const char *config, struct error *error);

// The same for a vocabulary in memory; `settings` NULL: the vocabulary decides. Errors begin with
// the name.
struct tokenizer *wordpiece_parse(const char *data, size_t size, const char *name,
                                  const struct wordpiece_settings *settings, struct error *error);

#endif
