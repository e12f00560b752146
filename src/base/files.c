#include "base/files.h"

#include "base/xalloc.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Reports errno: what lies with the machine is a failed run, all else a wrong request.
static bool report(struct error *error, const char *action, const char *path) {
    const char *reason = strerror(errno);
    switch (errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return error_run(error, "cannot %s %s: %s", action, path, reason);
    default:
        return error_set(error, "cannot %s %s: %s", action, path, reason);
    }
}

static bool map_open_file(struct mapping *m, int fd, const char *path, struct error *error) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return report(error, "read", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(error, "cannot read %s: it is not a regular file", path);
    }
    if (status.st_size == 0) {
        *m = (struct mapping){(const unsigned char *)"", 0};
        return true;
    }
    void *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        return report(error, "read", path);
    }
    *m = (struct mapping){data, (size_t)status.st_size};
    return true;
}

bool mapping_open(struct mapping *m, const char *path, struct error *error) {
    *m = (struct mapping){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // never waits for a pipe's writer
    if (fd < 0) {
        return report(error, "read", path);
    }
    bool mapped = map_open_file(m, fd, path, error);
    close(fd);
    return mapped;
}

void mapping_close(struct mapping *m) {
    if (m->size > 0) {
        munmap((void *)(uintptr_t)m->data, m->size);
    }
    *m = (struct mapping){0};
}

// Creates a file beside `path` that nobody else uses; the caller frees *name.
static int create_beside(const char *path, char **name) {
    static atomic_uint serial;
    for (;;) {
        *name = xprintf("%s.%ld-%u.tmp", path, (long)getpid(), atomic_fetch_add(&serial, 1));
        int fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
        free(*name);
    }
}

bool files_replace(struct replacement *r, const char *path, struct error *error) {
    *r = (struct replacement){0};
    if (!*path) {
        return error_set(error, "cannot write a file without a name");
    }
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        return error_set(error, "cannot write %s: it exists and is not a regular file", path);
    }
    char *temporary;
    int fd = create_beside(path, &temporary);
    if (fd < 0) {
        int reason = errno;
        free(temporary);
        errno = reason;
        return reason == ENOENT
                   ? error_set(error, "cannot write %s: its directory does not exist", path)
                   : report(error, "write", path);
    }
    *r = (struct replacement){fdopen(fd, "wb"), xstrdup(path), temporary};
    if (!r->file) {
        report(error, "write", path);
        close(fd);
        files_abandon(r);
        return false;
    }
    return true;
}

// Best effort: the file is whole with or without it, and some file systems cannot do it.
static void sync_directory_of(const char *path) {
    char *directory = files_directory(path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(directory);
}

// Whether all that was written is on disk. On failure *reason is a text for a person.
static bool flush_to_disk(FILE *file, const char **reason) {
    if (ferror(file)) { // the errno of that moment is gone
        *reason = "a write failed; is there space left on the disk?";
        return false;
    }
    bool good = fflush(file) == 0 && fsync(fileno(file)) == 0;
    *reason = good ? NULL : strerror(errno);
    return good;
}

bool files_commit(struct replacement *r, struct error *error) {
    const char *reason;
    bool good = flush_to_disk(r->file, &reason);
    if (good && rename(r->temporary, r->path) != 0) {
        good = false;
        reason = strerror(errno);
    }
    if (good) {
        sync_directory_of(r->path);
        free(r->temporary);
        r->temporary = NULL;
    } else {
        error_run(error, "cannot write %s: %s", r->path, reason);
    }
    files_abandon(r);
    return good;
}

void files_abandon(struct replacement *r) {
    if (r->file) {
        fclose(r->file);
    }
    if (r->temporary) {
        unlink(r->temporary);
    }
    free(r->temporary);
    free(r->path);
    *r = (struct replacement){0};
}

bool files_write(const char *path, const void *data, size_t size, struct error *error) {
    struct replacement r;
    if (!files_replace(&r, path, error)) {
        return false;
    }
    fwrite(data, 1, size, r.file); // the stream remembers failure for files_commit
    return files_commit(&r, error);
}

static bool is_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool make_one_directory(const char *path, struct error *error) {
    if (mkdir(path, 0777) == 0) {
        return true;
    }
    int reason = errno;
    if (is_directory(path)) {
        return true;
    }
    errno = reason;
    return report(error, "make the directory", path);
}

bool files_make_directory(const char *path, struct error *error) {
    char *part = xstrdup(path);
    bool good = true;
    for (char *at = part; good && *at;) {
        at += strspn(at, "/");
        at += strcspn(at, "/");
        char after = *at;
        *at = '\0';
        good = make_one_directory(part, error);
        *at = after;
    }
    free(part);
    return good;
}

bool files_exist(const char *path) {
    return access(path, F_OK) == 0;
}

char *files_directory(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return xstrdup(".");
    return xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

char *files_join(const char *directory, const char *name) {
    size_t length = strlen(directory);
    if (length == 0) {
        return xstrdup(name);
    }
    while (length > 0 && directory[length - 1] == '/') {
        length--;
    }
    return xprintf("%.*s/%s", (int)length, directory, name + strspn(name, "/"));
}

static void remove_directory(const char *path) {
    DIR *directory = opendir(path);
    if (!directory) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        unlinkat(dirfd(directory), entry->d_name, 0);
    }
    closedir(directory);
    rmdir(path);
}

void files_remove(const char *path) {
    if (unlink(path) != 0 && errno != ENOENT) {
        remove_directory(path);
    }
}
