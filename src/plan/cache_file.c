// The file that what is kept goes to.
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "plan/cache_parts.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "features-";

void cache_say(struct cache *f, char *text) {
    if (f->note)
        free(text);
    else
        f->note = text;
}

char *cache_note(struct cache *f) {
    char *note = f->note;
    f->note = NULL;
    return note;
}

void cache_keep_files(struct cache *f, const char *directory, bool shared,
                      const struct weights *start) {
    struct error error;
    if (f->budget.disk == 0)
        return;
    if (!files_make_directory(directory, &error)) {
        cache_say(f, xprintf("features are kept in memory alone: %s", error.text));
        return;
    }
    f->first = xcalloc((size_t)f->model->param_count + 1, sizeof *f->first);
    for (int p = 0; shared && p < f->model->param_count; p++)
        f->first[p] = weights_hash(start, p);
    pthread_mutex_lock(&f->mutex);
    for (int i = 0; i < f->store_count; i++) {
        struct cache_store *s = &f->stores[i];
        s->keys = xcalloc((size_t)s->entries + 1, sizeof *s->keys);
        s->keyed = xcalloc((size_t)s->entries + 1, sizeof *s->keyed);
    }
    f->directory = xstrdup(directory);
    f->shared = shared;
    f->key = 0; // what is in force is looked at anew
    pthread_mutex_unlock(&f->mutex);
}

static void leave_file(struct cache *f) {
    row_file_close(f->file, !f->stays);
    f->file = NULL;
}

void cache_use_file(struct cache *f, const struct plan *plan, const uint64_t *frozen) {
    struct hash128 key;
    struct error error;
    char *note = NULL;
    leave_file(f);
    if (!f->directory || f->floats == 0 || !cache_file_key(f, plan, frozen, &key))
        return;
    char *name = xprintf("%s%016" PRIx64 "%016" PRIx64, prefix, key.high, key.low);
    char *path = files_join(f->directory, name);
    f->stays = f->shared && cache_is_pristine(f, frozen);
    f->file = row_file_open(path, key, f->row, f->budget.disk, &note, &error);
    if (!f->file)
        cache_say(f, xprintf("features are kept in memory alone: %s", error.text));
    else if (note)
        cache_say(f, note);
    free(name);
    free(path);
}

void cache_remove_files(const char *directory) {
    DIR *dir = opendir(directory);
    for (const struct dirent *entry; dir && (entry = readdir(dir));)
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
            char *path = files_join(directory, entry->d_name);
            files_remove(path);
            free(path);
        }
    if (dir)
        closedir(dir);
}

void cache_discard_files(struct cache *f) {
    if (!f->directory)
        return;
    pthread_mutex_lock(&f->mutex);
    leave_file(f);
    if (!f->shared) // a run that was killed may have left one
        cache_remove_files(f->directory);
    free(f->directory);
    f->directory = NULL;
    f->key = 0;
    pthread_mutex_unlock(&f->mutex);
}

bool cache_entry_key(struct cache_store *s, int entry, uint32_t sample, uint32_t view,
                     struct hash128 *out) {
    pthread_mutex_lock(&s->cache->mutex);
    bool there = s->keyed[entry];
    if (there)
        *out = s->keys[entry];
    pthread_mutex_unlock(&s->cache->mutex);
    if (there)
        return true;
    if (!loader_hash(s->data, &s->settings, sample, view, out))
        return false;
    pthread_mutex_lock(&s->cache->mutex);
    s->keys[entry] = *out;
    s->keyed[entry] = true;
    pthread_mutex_unlock(&s->cache->mutex);
    return true;
}

static bool has_file(struct cache *f) {
    pthread_mutex_lock(&f->mutex);
    bool has = f->file != NULL;
    pthread_mutex_unlock(&f->mutex);
    return has;
}

bool cache_look_in_file(struct cache_store *s, int entry, uint32_t sample, uint32_t view) {
    struct cache *f = s->cache;
    struct hash128 key;
    if (!has_file(f) || !cache_entry_key(s, entry, sample, view, &key))
        return false;
    pthread_mutex_lock(&f->mutex);
    bool found = f->file && row_file_expect(f->file, key);
    if (found)
        cache_know(s, entry, true);
    pthread_mutex_unlock(&f->mutex);
    return found;
}
