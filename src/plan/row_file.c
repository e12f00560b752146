#include "plan/row_file.h"

#include "base/text.h"
#include "base/xalloc.h"
#include "plan/row_index.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    OPENING_TRIES = 20000, // for the lock: without it the file cannot be used
    TRIES = 20,            // what is not added now is added at another time
    WAIT = 500,            // microseconds between them
};

struct header {
    char magic[16];
    struct hash128 what;
    uint64_t row, checksum, nothing[2];
};

_Static_assert(sizeof(struct header) == 64, "as row_file.h says");

struct record {
    struct hash128 key;
    uint64_t checksum;
};

struct row_file {
    char *path;
    int file;
    struct header header;
    size_t row;
    uint64_t most;
    unsigned char *record; // for writing one
    pthread_mutex_t mutex; // of all that follows
    struct row_index index;
    int64_t seen; // records that the index knows of
    bool full;    // nothing is written any more
};

static size_t record_bytes(const struct row_file *f) {
    return sizeof(struct record) + f->row;
}

static off_t place_of(const struct row_file *f, int64_t record) {
    return (off_t)sizeof f->header + (off_t)record * (off_t)record_bytes(f);
}

static bool read_at(int file, void *out, size_t size, off_t at) {
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(file, (char *)out + done, size - done, at + (off_t)done);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        done += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static bool write_at(int file, const void *data, size_t size, off_t at) {
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(file, (const char *)data + done, size - done, at + (off_t)done);
        if (put < 0 && errno != EINTR)
            return false;
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

static uint64_t checksum_of(const struct row_file *f, struct hash128 key, const void *row) {
    struct hash128 parts[3] = {f->header.what, key, hash128_bytes(row, f->row)};
    return hash_bytes(parts, sizeof parts);
}

// ---- Opening

static bool lock(const struct row_file *f, int tries) {
    for (int i = 0; flock(f->file, LOCK_EX | LOCK_NB) != 0; i++) {
        if (i == tries)
            return false;
        usleep(WAIT);
    }
    return true;
}

static void unlock(const struct row_file *f) {
    flock(f->file, LOCK_UN);
}

// Under the lock: the header is there, or the file begins anew with it.
static bool make_header(struct row_file *f, char **note) {
    struct header there = {0};
    struct stat status;
    if (fstat(f->file, &status) != 0)
        return false;
    bool whole = read_at(f->file, &there, sizeof there, 0);
    if (whole && memcmp(&there, &f->header, sizeof there) == 0)
        return true;
    if (status.st_size > 0)
        *note = xprintf("%s is damaged, or holds something else; it is made anew", f->path);
    return ftruncate(f->file, 0) == 0 && write_at(f->file, &f->header, sizeof f->header, 0);
}

static bool open_file(struct row_file *f, char **note, struct error *error) {
    struct stat status;
    f->file = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (f->file >= 0 && fstat(f->file, &status) == 0 && !S_ISREG(status.st_mode))
        return error_run(error, "%s: not a regular file", f->path);
    bool locked = f->file >= 0 && lock(f, OPENING_TRIES);
    bool ok = locked && make_header(f, note);
    if (!ok)
        error_run(error, "%s: cannot be used: %s", f->path, strerror(errno));
    if (locked)
        unlock(f);
    return ok;
}

struct row_file *row_file_open(const char *path, struct hash128 what, size_t row, uint64_t most,
                               char **note, struct error *error) {
    struct row_file *f = xcalloc(1, sizeof *f);
    assert(row > 0);
    f->path = xstrdup(path);
    f->row = row;
    f->most = most;
    f->header = (struct header){.what = what, .row = row};
    memcpy(f->header.magic, "thaw features 1\n", sizeof f->header.magic);
    f->header.checksum = hash_bytes(&f->header, sizeof f->header);
    f->record = xmalloc(record_bytes(f));
    pthread_mutex_init(&f->mutex, NULL);
    *note = NULL;
    if (open_file(f, note, error))
        return f;
    row_file_close(f, false);
    return NULL;
}

void row_file_close(struct row_file *f, bool remove) {
    if (!f)
        return;
    if (remove)
        unlink(f->path);
    if (f->file >= 0)
        close(f->file);
    row_index_close(&f->index);
    pthread_mutex_destroy(&f->mutex);
    free(f->record);
    free(f->path);
    free(f);
}

// ---- Reading

// Whole records in the file, none beyond what it may hold.
static int64_t count_records(const struct row_file *f) {
    struct stat status;
    if (fstat(f->file, &status) != 0 || status.st_size < (off_t)sizeof f->header)
        return 0;
    uint64_t size = (uint64_t)status.st_size < f->most ? (uint64_t)status.st_size : f->most;
    return size < sizeof f->header ? 0 : (int64_t)((size - sizeof f->header) / record_bytes(f));
}

// Looks at what others have added.
static void see_more(struct row_file *f) {
    struct record record;
    for (int64_t count = count_records(f); f->seen < count; f->seen++) {
        if (!read_at(f->file, &record, sizeof record, place_of(f, f->seen)))
            return;
        row_index_set(&f->index, record.key, f->seen);
    }
}

static int64_t find(struct row_file *f, struct hash128 key) {
    int64_t at = row_index_find(&f->index, key);
    if (at < 0) {
        see_more(f);
        at = row_index_find(&f->index, key);
    }
    return at;
}

static int64_t find_locked(struct row_file *f, struct hash128 key) {
    pthread_mutex_lock(&f->mutex);
    int64_t at = find(f, key);
    pthread_mutex_unlock(&f->mutex);
    return at;
}

bool row_file_expect(struct row_file *f, struct hash128 key) {
    int64_t at = find_locked(f, key);
    if (at >= 0)
        posix_fadvise(f->file, place_of(f, at), (off_t)record_bytes(f), POSIX_FADV_WILLNEED);
    return at >= 0;
}

bool row_file_read(struct row_file *f, struct hash128 key, void *row, bool *damaged) {
    struct record record;
    int64_t at = find_locked(f, key);
    *damaged = false;
    if (at < 0)
        return false;
    if (read_at(f->file, &record, sizeof record, place_of(f, at)) &&
        read_at(f->file, row, f->row, place_of(f, at) + (off_t)sizeof record) &&
        hash128_equal(record.key, key) && record.checksum == checksum_of(f, key, row))
        return true;
    *damaged = true;
    pthread_mutex_lock(&f->mutex);
    row_index_drop(&f->index, key);
    pthread_mutex_unlock(&f->mutex);
    return false;
}

// ---- Writing

// Others need the disk too: a run must not fail because of what was kept to make it faster.
static bool has_space(const struct row_file *f) {
    struct statvfs disk;
    return fstatvfs(f->file, &disk) != 0 ||
           (uint64_t)disk.f_bavail * disk.f_frsize >= ROW_FILE_LEFT + record_bytes(f);
}

static bool write_record(struct row_file *f, struct hash128 key, const void *row) {
    struct record record = {key, checksum_of(f, key, row)};
    memcpy(f->record, &record, sizeof record);
    memcpy(f->record + sizeof record, row, f->row);
    return write_at(f->file, f->record, record_bytes(f), place_of(f, f->seen));
}

// Under both locks, with everything seen.
static bool append(struct row_file *f, struct hash128 key, const void *row, struct error *error) {
    if ((uint64_t)place_of(f, f->seen + 1) > f->most)
        return true;
    errno = ENOSPC;
    if (has_space(f) && write_record(f, key, row)) {
        row_index_set(&f->index, key, f->seen++);
        return true;
    }
    f->full = true;
    error_run(error, "%s: cannot be written, so what follows is not kept there: %s", f->path,
              strerror(errno));
    if (ftruncate(f->file, place_of(f, f->seen)) != 0)
        return error_prefix(error, "(half a record is left) ");
    return false;
}

bool row_file_add(struct row_file *f, int count, const struct hash128 *keys,
                  const void *const *rows, struct error *error) {
    bool ok = true;
    pthread_mutex_lock(&f->mutex);
    if (!f->full && lock(f, TRIES)) {
        // What someone has cut off is not there any more.
        int64_t records = count_records(f);
        f->seen = f->seen < records ? f->seen : records;
        see_more(f);
        for (int i = 0; i < count && ok; i++)
            if (row_index_find(&f->index, keys[i]) < 0)
                ok = append(f, keys[i], rows[i], error);
        unlock(f);
    }
    pthread_mutex_unlock(&f->mutex);
    return ok;
}
