// Which pictures there are, of which class, and for what: known without decoding any. Either a tree
// with a folder per class, as torchvision's ImageFolder reads it (classes and pictures in its
// order), alone or below train/, val/ and test/; or a CSV file.
//
// In trees, links are followed, pictures may lie in folders within a class, hidden files and
// folders and files with other endings are passed over. A CSV has a path and a label a line
// ("roses/1.jpg, rose"; fields may be quoted), paths relative to the file; a first line with path,
// label and perhaps split (train, val, test) and group names the columns, more columns are passed
// over. Its classes are in the order of their names, or of their numbers when all are whole
// numbers. Pictures of one group (a patient) belong together: one that is in two splits is an
// error.
#ifndef THAW_DATASETS_LISTING_H
#define THAW_DATASETS_LISTING_H

#include "base/error.h"
#include <stddef.h>

// Where a picture belongs by its folder or its line.
enum data_part { PART_TRAIN, PART_VALIDATION, PART_TEST, PARTS };

struct listed {
    char *path;
    int label;
    enum data_part part;
    int group; // a number from 0 on for each group; -1: there are none
};

// What the files of a tree are.
struct listing_files {
    const char *what; // "picture"
    bool (*named)(const char *name);
    const char *endings; // for messages
};

extern const struct listing_files listing_pictures;

struct listing {
    const struct listing_files *files;
    char **classes;
    int class_count;
    struct listed *items; // those of PART_TRAIN first, then the others
    int count;
    size_t room;
};

// `path` is a folder, or a file that ends in .csv. Errors name the place; every class of PART_TRAIN
// has a picture. Free with listing_close, also after an error.
bool listing_open(struct listing *l, const char *path, struct error *error);

// The same for a tree of other files; `path` is a folder, and `files` outlives the listing.
bool listing_open_tree(struct listing *l, const char *path, const struct listing_files *files,
                       struct error *error);

// Pictures without labels (-1) and classes, in the order of `paths`: files as they are named, and
// of folders all that is a picture by its name or by its content, in the order of a tree's classes.
// An error when a path does not exist or has no picture.
bool listing_unlabelled(struct listing *l, char *const *paths, int count, struct error *error);

void listing_close(struct listing *l);

// A path for a message: its last bytes, what is not UTF-8 as '?'. Returns out.
enum { LISTING_SHOWN = 160 };
const char *listing_shown(const char *path, char out[LISTING_SHOWN]);

#endif
