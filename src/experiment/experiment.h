// An experiment: everything that decides a run, read from YAML through one table of keys, which
// also feeds --set, help, nearest-name errors and the resolved output.
#ifndef THAW_EXPERIMENT_H
#define THAW_EXPERIMENT_H

#include "base/error.h"
#include "base/text.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    EXPERIMENT_LIST_MAX = 128,
    EXPERIMENT_KEYS_MAX = 128, // at least as many as the table has
};

struct text_list {
    int count;
    char *item[EXPERIMENT_LIST_MAX];
    int line[EXPERIMENT_LIST_MAX]; // where the document gave it, from 1; 0: it did not
};

struct real_list {
    int count;
    double item[EXPERIMENT_LIST_MAX];
};

struct experiment {
    char *source; // the file it was read from, for messages; NULL: none
    char *name;   // free text; default: the file's name without its ending (filled in on reading)
    int64_t seed;
    struct {
        char *name;              // "resnet20": see `thaw models`
        char *weights;           // a built-in name, or, with a '/' or a '.' in it, a file; "": none
        bool partial;            // allow missing and unexpected names in the weight file
        struct text_list rename; // "fc linear": the file's names for the model's
        bool new_head;           // start the classifier from its initialisation
        char *file;              // a network of one's own, in place of a name; "": none
        char *config;            // of texts: a config.json; "": the one beside `weights`
        char *pool;              // of texts: "default", "first", "mean", "last"
        char *shortcut;          // "default", "a", "b"
        double dropout;          // in the classifier; below 0: the architecture's own
        double block_dropout;    // inside blocks
        struct text_list head;   // "dropout 0.5", "linear 256", ...: in place of the classifier
    } model;
    struct {
        char *name;   // "fashion-mini": see `thaw datasets`
        char *path;   // for readers of a person's own files; "": none
        int64_t size; // side of the square that images are enlarged or reduced to; 0: as they are
        // Of pictures in folders: the shorter side before the middle is taken (0: as `size`), "rgb"
        // or "grey", whether to leave out what cannot be read, MiB for decoded pictures.
        int64_t resize;
        char *colour;
        bool skip_unreadable;
        int64_t cache;
        // Of texts: a folder or file of a tokenizer ("": beside model.weights), tokens of the
        // longest text, "utf-8" or "latin-1", "auto" or a format, and the columns by name or
        // position.
        char *tokenizer;
        int64_t length;
        char *encoding, *format, *text_column, *label_column;
        int64_t limit;            // training samples per class; 0: all
        double validation;        // fraction of a class below 1, or a number of samples per class
        struct text_list shift;   // "noise 0.353", "relabel 7", ...
        struct text_list augment; // "flip", "crop 2", ... (augment.h)
        int64_t views;            // of an augmented sample; 0: each epoch has its own
        struct real_list mean, std;
        int64_t test_limit; // test samples per class; 0: all
    } data;
    struct {
        char *name, *path; // as data's; "": no old task to look at
        int64_t limit;     // samples per class; 0: all
    } old_task;            // the section "source"
    struct {
        int64_t epochs;
        int64_t batch;
        double label_smoothing;
        struct text_list class_weights; // "balanced", or "malignant 4" and so on (class_weights.h)
        int64_t cache, cache_disk;      // MiB in memory, of a file
        char *cache_directory;          // of files; "": the run's own
        char *features;                 // "float32", "bfloat16": what the frozen prefix hands on
        bool prefix_dropout;
        bool precise;           // no convolution by Winograd
        int64_t evaluate_every; // epochs between evaluations on the validation samples
        int64_t save_every;     // steps between saved states; 0: at the end of every epoch
        char *best; // "accuracy", "loss", "auroc", ...: what best.safetensors is chosen by
    } train;
    struct {
        struct text_list rules; // "thaw head", "freeze *.bn1": in order, the last one wins
        char *bn;               // "frozen", "batch", "torch"
        bool reestimate_bn;     // BatchNorm statistics, on the training samples, at the start
    } freeze;
    struct {
        char *name; // "sgd", "adam", "adamw"
        double lr, momentum, beta1, beta2, eps, weight_decay, l2_sp, clip;
        double layer_decay; // of the rate, from each block to the one before it
        bool nesterov, decay_all;
        char *on_thaw;             // "reset", "keep"
        char *rates;               // "given", "auto-rgn"
        struct text_list lr_scale; // "layer3 0.1": multiplier for a pattern; the last one wins
    } optim;
    struct {
        char *name; // "constant", "step", "cosine", "one-cycle", "slanted-triangular"
        double warmup, gamma, floor, start_div, end_div, rise;
        struct real_list milestones;
        struct text_list phases; // "epoch 3 -> thaw layer3; lr x0.5", see schedule.h
        char *stop;              // "plateau loss 5": when to end early; "": never
    } schedule;
    struct {
        char *name;     // "none", or one of strategy/strategies.c
        int64_t blocks; // how many
        char *block;    // which
        double epochs;  // of a stage; 0: its own default
        double decay;   // of rates from block to block
        double start;   // when the first block is frozen, as the cube root of its share of the run
    } strategy;
};

enum key_type { KEY_TEXT, KEY_CHOICE, KEY_INT, KEY_REAL, KEY_BOOL, KEY_TEXTS, KEY_REALS };

struct experiment_key {
    const char *path; // "optim.lr"
    enum key_type type;
    size_t at;           // offset in struct experiment
    const char *preset;  // the default, as it would be written in YAML
    double min, max;     // of numbers, and of each item of a list of numbers
    const char *choices; // "sgd adam adamw"
    int most;            // items of a list
    const char *example; // a value for error messages; NULL: the preset
    const char *help;    // one line
};

// Keys of a section stand together.
extern const struct experiment_key experiment_keys[];
extern const int experiment_key_count;

// By path, or NULL.
const struct experiment_key *experiment_key_find(const char *path);

// Every key at its default. model.name and data.name have none: they are empty, and
// experiment_check refuses that.
void experiment_defaults(struct experiment *e);

// Frees what e holds; harmless to repeat.
void experiment_close(struct experiment *e);

// Reads a YAML document of at most 1 MiB. Errors name file, line, column, key and what would be
// right. Unknown keys, duplicate keys, wrong types and values out of range are errors; nothing is
// coerced ("yes" is no boolean, "1" in quotes no number, 3 without quotes no text). Anchors,
// aliases and tags are refused. e holds defaults where the document says nothing, and has passed
// experiment_check. On failure e is empty and need not be closed.
//
// experiment_read also makes data.path and model.file absolute, and, where they are files,
// model.weights and data.tokenizer:
// a relative path counts from the experiment file's directory. experiment_parse leaves them as they
// are; `name` is the file's name in errors.
bool experiment_read(struct experiment *e, const char *path, struct error *error);
bool experiment_parse(struct experiment *e, const char *data, size_t size, const char *name,
                      struct error *error);

// "optim.lr=0.01"; lists as in YAML's flow style ("freeze.rules=[thaw head, freeze *.bn1]") or a
// single item. Relative paths count from the current directory. A wrong value leaves the old one.
// Call experiment_check after the last one.
bool experiment_set(struct experiment *e, const char *assignment, struct error *error);

// Puts the key, and where the document gave the item, in front of an error about one item of a
// list. Returns false.
bool experiment_item_error(const struct experiment *e, const char *key,
                           const struct text_list *list, int item, struct error *error);

// Whether the values go together; errors begin with the key.
bool experiment_check(const struct experiment *e, struct error *error);

// Every key with its value, as YAML that experiment_parse reads back to the same values: floats
// with the fewest digits (up to 17) that read back exactly. The caller frees.
char *experiment_text(const struct experiment *e);

// The same of those keys alone that are not at their defaults and begin with one of `prefixes`
// (NULL-terminated), a list of several texts with a line each. The caller frees; NULL: none.
char *experiment_text_changed(const struct experiment *e, const char *const *prefixes);

// One key's value as it stands there, appended to t.
void experiment_text_value(struct text *t, const struct experiment *e,
                           const struct experiment_key *key);

// Whether two experiments have the same value there.
bool experiment_same(const struct experiment *a, const struct experiment *b,
                     const struct experiment_key *key);

// A table of all keys: value and range, default, what it does.
void experiment_help(FILE *out);

#endif
