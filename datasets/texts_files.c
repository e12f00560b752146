// Which files hold the texts: one file and those beside it, or a tree with a folder for each class.
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/listing_parts.h"
#include "datasets/texts_file.h"
#include "datasets/texts_parts.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char train[] = "train";

// Where "train" stands as a word of its own in a file's name ("TREC.train.all"); NULL: nowhere.
static const char *find_train(const char *name) {
    size_t length = strlen(train);
    for (const char *at = name; (at = strstr(at, train)); at++)
        if ((at == name || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[length]))
            return at;
    return NULL;
}

static bool no_format(const char *path, struct error *error) {
    char shown[LISTING_SHOWN];
    return error_set(error,
                     "%s: its name ends in none of .csv, .tsv and .jsonl; say what it is with "
                     "data.format: csv, tsv, jsonl, first-word or lines",
                     listing_shown(path, shown));
}

static bool no_labels(const char *path, struct error *error) {
    char shown[LISTING_SHOWN];
    return error_set(error,
                     "%s: a text a line, without labels, is for language models (-lm); say what "
                     "else it is with data.format: csv, tsv, jsonl or first-word",
                     listing_shown(path, shown));
}

static bool read_file(struct texts_rows *r, const struct dataset_request *q, const char *path,
                      enum data_part part, struct error *error) {
    enum texts_format format = q->format ? (enum texts_format)q->format : texts_format_of(path);
    struct texts_columns columns = {q->text_column, q->unlabelled ? NULL : q->label_column};
    struct texts_file file;
    if (format == TEXTS_BY_ENDING)
        return no_format(path, error);
    if (format == TEXTS_LINES && !q->unlabelled)
        return no_labels(path, error);
    if (!texts_file_open(&file, path, q->latin1, error))
        return false;
    bool fine = texts_rows_read(r, file.data, file.size, path, format, &columns, part, error);
    texts_file_close(&file);
    return fine;
}

// The first file there is that has one of the words in place of "train"; the caller frees.
static char *find_sibling(const char *path, const char *at, const char *const *words) {
    for (; *words; words++) {
        char *other = xprintf("%.*s%s%s", (int)(at - path), path, *words, at + strlen(train));
        if (files_exist(other))
            return other;
        free(other);
    }
    return NULL;
}

static bool read_sibling(struct texts_rows *r, const struct dataset_request *q, const char *path,
                         const char *at, enum data_part part, struct text *note,
                         struct error *error) {
    static const char *const words[PARTS][5] = {
        [PART_VALIDATION] = {"val", "valid", "validation", "dev"}, [PART_TEST] = {"test"}};
    char *other = find_sibling(path, at, words[part]), shown[LISTING_SHOWN];
    if (!other)
        return true;
    text_add(note, "%s%s samples are those of %s", note->length ? "; " : "",
             part == PART_TEST ? "test" : "validation", listing_shown(other, shown));
    bool fine = read_file(r, q, other, part, error);
    free(other);
    return fine;
}

static bool read_files(struct texts_rows *r, const struct dataset_request *q, const char *path,
                       struct text *note, struct error *error) {
    const char *slash = strrchr(path, '/'), *at = find_train(slash ? slash + 1 : path);
    return read_file(r, q, path, PART_TRAIN, error) &&
           (!at || (read_sibling(r, q, path, at, PART_VALIDATION, note, error) &&
                    read_sibling(r, q, path, at, PART_TEST, note, error)));
}

// Trees

static bool named_txt(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && strcasecmp(dot, ".txt") == 0;
}

static bool add_whole(struct texts_rows *r, const struct dataset_request *q,
                      const struct listing *l, const struct listed *item, struct error *error) {
    struct texts_file file;
    if (!texts_file_open(&file, item->path, q->latin1, error))
        return false;
    texts_rows_file(r, item->path);
    struct texts_row row = {xstrndup(file.data, file.size), xstrdup(l->classes[item->label]),
                            item->part};
    texts_file_close(&file);
    return texts_rows_add(r, row, error);
}

static bool read_tree(struct texts_rows *r, const struct dataset_request *q, struct error *error) {
    static const struct listing_files txt = {"text", named_txt, ".txt"};
    struct listing l;
    if (q->format)
        return error_set(error,
                         "%s: a folder without a file for training, \"train\" in its name; "
                         "leave data.format out for a folder of .txt files for each class",
                         q->path);
    bool fine = listing_open_tree(&l, q->path, &txt, error);
    for (int i = 0; i < l.count && fine; i++)
        fine = add_whole(r, q, &l, &l.items[i], error);
    listing_close(&l);
    return fine;
}

// The one file in the folder for training, for the caller to free; *out is NULL without one. False
// when there are two.
static bool find_file(const char *folder, char **out, struct error *error) {
    struct dirent **names;
    char shown[LISTING_SHOWN];
    bool fine = true;
    int count = scandir(folder, &names, NULL, alphasort);
    *out = NULL;
    for (int i = 0; i < count; i++) {
        struct stat info;
        char *path = files_join(folder, names[i]->d_name);
        bool file = names[i]->d_name[0] != '.' && find_train(names[i]->d_name) &&
                    stat(path, &info) == 0 && S_ISREG(info.st_mode);
        if (file && *out && fine)
            fine = error_set(error, "%s and %s: both may be for training; give one of the files",
                             listing_shown(*out, shown), names[i]->d_name);
        if (file && !*out)
            *out = xstrdup(path);
        free(path);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    return fine;
}

bool texts_files_read(struct texts_rows *r, const struct dataset_request *q, struct text *note,
                      struct error *error) {
    struct stat info;
    char shown[LISTING_SHOWN], *file;
    if (stat(q->path, &info) != 0)
        return error_set(error, "%s: cannot read it (%s)", listing_shown(q->path, shown),
                         strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return read_files(r, q, q->path, note, error);
    bool fine = find_file(q->path, &file, error) &&
                (file ? read_files(r, q, file, note, error) : read_tree(r, q, error));
    free(file);
    return fine;
}
