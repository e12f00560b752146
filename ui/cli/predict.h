// What `thaw predict` shares among its files: a trained network made ready, what it is asked about,
// and the answers.
#ifndef THAW_UI_PREDICT_H
#define THAW_UI_PREDICT_H

#include "datasets/tokenizer.h"
#include "ui/cli/table.h"
#include "ui/setup.h"
#include <jansson.h>

struct predict_request {
    const char *subject; // a run, an experiment's file or built-in name
    char **inputs;       // pictures and folders, or texts
    int input_count;
    const char *weights; // "best", "last", a file; NULL: what there is
    const char *samples; // "train", "validation", "test"; NULL: the inputs
    int top, limit, threads;
    int tokens; // how many a language model goes on with; 0: it tells the likeliest ones
    bool json;
};

struct predict_subject {
    struct experiment experiment;
    struct setup setup;
    struct training *training;
    struct dataset *data;              // what is asked about; the training's
    const struct tokenizer *tokenizer; // of a person's texts; the data's
    bool labelled;                     // it is the run's own
};

// Everything for training_evaluate: the weights are loaded, all of them. Close with
// predict_subject_close, also after an error.
bool predict_subject_open(struct predict_subject *s, const struct predict_request *r,
                          struct error *error);
void predict_subject_close(struct predict_subject *s);

// The texts that are asked about: the inputs, and in place of "-" the lines of standard input. An
// input that is a file is an error that says so. Close it also after an error.
struct predict_texts {
    char **item;
    int count;
};
bool predict_texts_open(struct predict_texts *t, const struct predict_request *r,
                        struct error *error);
void predict_texts_close(struct predict_texts *t);

struct predict_printer {
    const struct predict_subject *subject;
    int top; // classes of each
    bool json;
    struct table table;
    int count, right, faults; // answered, as labelled, not read
};

void predict_printer_open(struct predict_printer *p, const struct predict_subject *s, int top,
                          bool json);

// Sample `index` of the subject's data, which stands at `row` of the predictions. With JSON, prints
// it at once. A picture that could not be read is named on stderr.
void predict_printer_add(struct predict_printer *p, const struct predictions *from, int row,
                         int index);

// Prints what is left.
void predict_printer_close(struct predict_printer *p);

// What a language model says of some of the subject's texts, printed: of a masked one the likeliest
// tokens at every [MASK], of a causal one the likeliest next ones, or the text that it goes on
// with.
bool predict_tokens(struct predict_subject *s, const struct predict_request *r, const int *index,
                    int count, struct error *error);

// Pieces of the answers. The `top` likeliest classes, of equal ones the first, for the caller to
// free; a picture's path or a text, likewise; the beginning of a text, for a cell (returns text); a
// text as JSON, with '?' for what is no UTF-8; a line of JSON, which it frees.
int *predict_best(const float *probability, int classes, int top);
char *predict_name(const struct dataset *d, int index);
char *predict_shorten(char *text);
json_t *predict_text_json(const char *text);
void predict_print_line(json_t *object);

#endif
