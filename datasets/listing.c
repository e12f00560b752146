#include "datasets/listing.h"

#include "base/xalloc.h"
#include "datasets/listing_parts.h"
#include "datasets/picture.h"
#include "datasets/unicode.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

void listing_add(struct listing *l, char *path, int label, enum data_part part) {
    if ((size_t)l->count == l->room) {
        l->room = l->room ? 2 * l->room : 256;
        l->items = xrealloc(l->items, l->room * sizeof *l->items);
    }
    l->items[l->count++] = (struct listed){path, label, part, -1};
}

bool listing_part(const char *name, enum data_part *out) {
    static const struct {
        const char *name;
        enum data_part part;
    } names[] = {
        {"train", PART_TRAIN},    {"val", PART_VALIDATION},        {"valid", PART_VALIDATION},
        {"dev", PART_VALIDATION}, {"validation", PART_VALIDATION}, {"test", PART_TEST},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i].name) == 0) {
            *out = names[i].part;
            return true;
        }
    return false;
}

bool listing_utf8(const char *text) {
    size_t size = strlen(text);
    return unicode_valid(text, size) == size;
}

const char *listing_shown(const char *path, char out[LISTING_SHOWN]) {
    size_t length = strlen(path), room = LISTING_SHOWN - 4, at = 0;
    if (length > room) {
        path += length - room;
        memcpy(out, "...", at = 3);
        while ((*path & 0xc0) == 0x80)
            path++;
    }
    for (const char *end = path + strlen(path); path < end;) {
        int32_t code;
        int taken = unicode_read(path, end, &code);
        if (code == UNICODE_BAD)
            out[at++] = '?';
        else
            at += (size_t)unicode_write(code, out + at);
        path += taken;
    }
    out[at] = '\0';
    return out;
}

// Items of a part stay in order; qsort alone would not keep them so.
static void order_parts(struct listing *l) {
    struct listed *sorted = xmalloc(((size_t)l->count + 1) * sizeof *sorted);
    int count = 0;
    for (int part = 0; part < PARTS; part++)
        for (int i = 0; i < l->count; i++)
            if ((int)l->items[i].part == part)
                sorted[count++] = l->items[i];
    free(l->items);
    l->items = sorted;
    l->room = (size_t)l->count + 1;
}

const struct listing_files listing_pictures = {"picture", picture_named, picture_endings};

static bool is_csv(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot && strcasecmp(dot, ".csv") == 0;
}

bool listing_open_tree(struct listing *l, const char *path, const struct listing_files *files,
                       struct error *error) {
    *l = (struct listing){.files = files};
    if (!listing_tree(l, path, error))
        return false;
    order_parts(l);
    return true;
}

bool listing_open(struct listing *l, const char *path, struct error *error) {
    char shown[LISTING_SHOWN];
    struct stat info;
    *l = (struct listing){.files = &listing_pictures};
    if (stat(path, &info) != 0)
        return error_set(error, "%s: cannot read it (%s)", listing_shown(path, shown),
                         strerror(errno));
    bool tree = S_ISDIR(info.st_mode);
    if (!tree && !is_csv(path))
        return error_set(error, "%s: neither a folder nor a .csv file", listing_shown(path, shown));
    if (tree)
        return listing_open_tree(l, path, &listing_pictures, error);
    if (!listing_csv(l, path, error))
        return false;
    order_parts(l);
    return true;
}

void listing_close(struct listing *l) {
    for (int i = 0; i < l->class_count; i++)
        free(l->classes[i]);
    for (int i = 0; i < l->count; i++)
        free(l->items[i].path);
    free(l->classes);
    free(l->items);
    *l = (struct listing){0};
}
