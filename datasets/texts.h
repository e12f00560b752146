// Labelled texts as a data set: token ids, which a tokenizer makes of them on opening.
//
// data.path is a file: a table (CSV, or TSV without quoting; columns by name or position), an
// object a line (JSON lines), or a label, a space and a text a line. One whose name has the word
// "train" takes those beside it that have "val", "valid", "validation" or "dev", and "test", in its
// place
// ("TREC.train", "TREC.test"). Or data.path is a folder with one such file, or with a folder of
// .txt files for each class, alone or below train/, val/ and test/. Classes are in the order of
// their names, or of their numbers when all are whole numbers.
#ifndef THAW_DATASETS_TEXTS_H
#define THAW_DATASETS_TEXTS_H

#include "datasets/datasets.h"
#include "datasets/tokenizer.h"

// Opens the parts that there are: out->validation and out->test may be NULL. out->note says which
// files were taken beside data.path, and how many texts were cut off at request->length tokens.
bool texts_open(const struct dataset_request *request, struct dataset_pair *out,
                struct error *error);

// The definitions that the program carries.
bool texts_definitions_open(const struct dataset_request *request, struct dataset_pair *out,
                            struct error *error);

// Texts without labels (-1), for a trained network to tell the classes of. `like` says classes,
// names and the longest text. Takes the tokenizer, also after an error (NULL), which names a text
// by its number.
struct dataset *texts_given(char *const *given, int count, struct tokenizer *tokenizer,
                            const struct dataset *like, struct error *error);

#endif
