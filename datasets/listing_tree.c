// A folder per class.
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/listing_parts.h"
#include "datasets/picture.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// A folder on the way down; its ancestors tell a loop of links.
struct way {
    const struct way *above;
    dev_t device;
    ino_t inode;
};

// The names in a folder that are not hidden, in order of their bytes (which is that of code points
// in UTF-8, as Python sorts). -1 after an error.
static int names_in(const char *path, struct dirent ***names, struct error *error) {
    int count = scandir(path, names, NULL, NULL), kept = 0;
    char shown[LISTING_SHOWN];
    if (count < 0) {
        error_set(error, "%s: cannot read the folder (%s)", listing_shown(path, shown),
                  strerror(errno));
        return -1;
    }
    for (int i = 0; i < count; i++)
        if ((*names)[i]->d_name[0] == '.')
            free((*names)[i]);
        else
            (*names)[kept++] = (*names)[i];
    return kept;
}

static void free_names(struct dirent **names, int count) {
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The folders within a folder, sorted; the caller frees names and list. -1 after an error.
static int folders_in(const char *path, char ***out, struct error *error) {
    struct dirent **names;
    int count = names_in(path, &names, error), folders = 0;
    if (count < 0)
        return -1;
    *out = xmalloc(((size_t)count + 1) * sizeof **out);
    for (int i = 0; i < count; i++) {
        char *below = files_join(path, names[i]->d_name);
        struct stat info;
        if (stat(below, &info) == 0 && S_ISDIR(info.st_mode))
            (*out)[folders++] = xstrdup(names[i]->d_name);
        free(below);
    }
    free_names(names, count);
    qsort(*out, (size_t)folders, sizeof **out, by_bytes);
    return folders;
}

static void free_list(char **list, int count) {
    for (int i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

static bool walk(struct listing *l, const char *path, const struct way *above, int label,
                 enum data_part part, struct error *error);

static bool walk_name(struct listing *l, const char *folder, const char *name,
                      const struct way *way, int label, enum data_part part, struct error *error) {
    char *path = files_join(folder, name);
    struct stat info;
    bool fine = true, folder_too = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    if (folder_too)
        fine = walk(l, path, way, label, part, error);
    else if (l->files->named(name) || (label < 0 && picture_check(path, NULL))) {
        // Also a link that leads nowhere: reading it will say so.
        listing_add(l, path, label, part);
        return true;
    }
    free(path);
    return fine;
}

static bool walk(struct listing *l, const char *path, const struct way *above, int label,
                 enum data_part part, struct error *error) {
    char shown[LISTING_SHOWN];
    struct stat info;
    struct dirent **names;
    if (stat(path, &info) != 0)
        return error_set(error, "%s: cannot read it (%s)", listing_shown(path, shown),
                         strerror(errno));
    for (const struct way *w = above; w; w = w->above)
        if (w->device == info.st_dev && w->inode == info.st_ino)
            return error_set(error,
                             "%s: the link leads back to a folder that it lies in; remove the link",
                             listing_shown(path, shown));
    struct way here = {above, info.st_dev, info.st_ino};
    int count = names_in(path, &names, error);
    bool fine = count >= 0;
    for (int i = 0; i < count && fine; i++)
        fine = walk_name(l, path, names[i]->d_name, &here, label, part, error);
    if (count >= 0)
        free_names(names, count);
    return fine;
}

// ImageFolder's order: by the folder's path, then by the name in it.
static int by_folder(const void *a, const void *b) {
    const struct listed *x = a, *y = b;
    size_t m = (size_t)(strrchr(x->path, '/') - x->path),
           n = (size_t)(strrchr(y->path, '/') - y->path), both = m < n ? m : n;
    int order = memcmp(x->path, y->path, both);
    if (order == 0 && m != n)
        order = m < n ? -1 : 1;
    return order ? order : strcmp(x->path + m, y->path + n);
}

static bool add_class(struct listing *l, const char *root, const char *name, int label,
                      enum data_part part, struct error *error) {
    char *path = files_join(root, name), shown[LISTING_SHOWN];
    int before = l->count;
    bool fine = walk(l, path, NULL, label, part, error);
    if (fine && l->count == before && part == PART_TRAIN)
        fine = error_set(error,
                         "%s: no %s of this class (names ending in %s, in small or capital "
                         "letters); add some, or remove the folder",
                         listing_shown(path, shown), l->files->what, l->files->endings);
    if (fine)
        qsort(l->items + before, (size_t)(l->count - before), sizeof *l->items, by_folder);
    free(path);
    return fine;
}

static bool no_classes(const struct listing *l, const char *root, struct error *error) {
    char shown[LISTING_SHOWN];
    return error_set(error,
                     "%s: no folders in it; a folder for each class, with its %ss inside, "
                     "would be right",
                     listing_shown(root, shown), l->files->what);
}

// The folders of training decide what the classes are.
static bool take_classes(struct listing *l, const char *root, char **names, int count,
                         struct error *error) {
    char shown[LISTING_SHOWN];
    if (count == 0)
        return no_classes(l, root, error);
    for (int i = 0; i < count; i++)
        if (!listing_utf8(names[i]))
            return error_set(error, "%s/%s: the name of this class is not UTF-8; rename the folder",
                             root, listing_shown(names[i], shown));
    l->classes = xmalloc((size_t)count * sizeof *l->classes);
    for (int i = 0; i < count; i++)
        l->classes[l->class_count++] = xstrdup(names[i]);
    return true;
}

static int find_class(const struct listing *l, const char *name) {
    for (int i = 0; i < l->class_count; i++)
        if (strcmp(l->classes[i], name) == 0)
            return i;
    return -1;
}

static bool add_part(struct listing *l, const char *root, enum data_part part,
                     struct error *error) {
    char **names, shown[LISTING_SHOWN];
    int count = folders_in(root, &names, error);
    if (count < 0)
        return false;
    bool fine = part == PART_TRAIN ? take_classes(l, root, names, count, error)
                                   : count > 0 || no_classes(l, root, error);
    for (int i = 0; i < count && fine; i++) {
        int label = find_class(l, names[i]);
        if (label < 0)
            fine = error_set(error, "%s/%s: training has no class of this name",
                             listing_shown(root, shown), names[i]);
        else
            fine = add_class(l, root, names[i], label, part, error);
    }
    free_list(names, count);
    return fine;
}

// Whether the folders are train and others of its kind, rather than classes.
static bool are_parts(char **names, int count) {
    bool train = false;
    for (int i = 0; i < count; i++) {
        enum data_part part;
        if (!listing_part(names[i], &part))
            return false;
        train |= part == PART_TRAIN;
    }
    return train;
}

bool listing_tree(struct listing *l, const char *root, struct error *error) {
    char **names;
    int count = folders_in(root, &names, error);
    if (count < 0)
        return false;
    bool fine = true, parts = are_parts(names, count);
    for (int wanted = 0; parts && wanted < PARTS && fine; wanted++)
        for (int i = 0; i < count && fine; i++) {
            enum data_part part;
            char *path = files_join(root, names[i]);
            if (listing_part(names[i], &part) && (int)part == wanted)
                fine = add_part(l, path, part, error);
            free(path);
        }
    free_list(names, count);
    return parts ? fine : add_part(l, root, PART_TRAIN, error);
}

static bool add_unlabelled(struct listing *l, const char *path, struct error *error) {
    char shown[LISTING_SHOWN];
    struct stat info;
    if (stat(path, &info) != 0)
        return error_set(error, "%s: cannot read it (%s)", listing_shown(path, shown),
                         strerror(errno));
    if (!S_ISDIR(info.st_mode)) {
        listing_add(l, xstrdup(path), -1, PART_TRAIN);
        return true;
    }
    int before = l->count;
    if (!walk(l, path, NULL, -1, PART_TRAIN, error))
        return false;
    if (l->count == before)
        return error_set(error, "%s: no picture in this folder", listing_shown(path, shown));
    qsort(l->items + before, (size_t)(l->count - before), sizeof *l->items, by_folder);
    return true;
}

bool listing_unlabelled(struct listing *l, char *const *paths, int count, struct error *error) {
    *l = (struct listing){.files = &listing_pictures};
    for (int i = 0; i < count; i++)
        if (!add_unlabelled(l, paths[i], error))
            return false;
    return true;
}
