// Torch's format since 1.6: a zip archive with data.pkl, one entry for each storage, and byteorder.
//
// Read here and not with libzip: torch stores its entries without compression, so that tensors can
// be used where they lie in the mapped file, and libzip has no way to say where an entry lies.
// Entries that torch does not write (compressed, encrypted, on several disks) are refused.
#include "base/xalloc.h"
#include "checkpoint/torch_content.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    END_SIZE = 22,       // end of central directory, without its comment
    END_COMMENT = 65535, // its longest comment
    LOCATOR_SIZE = 20,   // zip64's end of central directory locator
    WIDE_END_SIZE = 56,  // zip64's end of central directory
    CENTRAL_SIZE = 46,   // a file's header there, without its name
    LOCAL_SIZE = 30,     // a file's header before its data, without its name
};

struct entry {
    const unsigned char *name;
    size_t name_length;
    const unsigned char *data;
    size_t size;
    uint32_t crc;
    bool plain; // neither compressed nor encrypted
};

struct zip {
    const unsigned char *data;
    size_t size;
    struct entry *entries; // in the directory's order
    size_t count, root_length;
};

static uint64_t number(const unsigned char *at, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static bool is(const unsigned char *at, const char *magic) {
    return memcmp(at, magic, 4) == 0;
}

// ---- The directory.

static bool cut_short(struct error *error) {
    return error_set(error, "its zip archive has no directory at the end; is the file cut short?");
}

static const unsigned char *find_end(const struct zip *z) {
    if (z->size < END_SIZE)
        return NULL;
    for (size_t back = 0; back <= END_COMMENT && back <= z->size - END_SIZE; back++) {
        const unsigned char *at = z->data + z->size - END_SIZE - back;
        if (is(at, "PK\5\6") && number(at + 20, 2) == back)
            return at;
    }
    return NULL;
}

struct directory {
    uint64_t count, offset, size;
};

// The zip64 record counts where there is one: torch writes it always.
static bool find_directory(const struct zip *z, struct directory *d, struct error *error) {
    const unsigned char *end = find_end(z);
    if (!end)
        return cut_short(error);
    *d = (struct directory){number(end + 10, 2), number(end + 16, 4), number(end + 12, 4)};
    size_t place = (size_t)(end - z->data);
    if (place >= LOCATOR_SIZE && is(end - LOCATOR_SIZE, "PK\6\7")) {
        uint64_t at = number(end - LOCATOR_SIZE + 8, 8);
        if (place < WIDE_END_SIZE || at > place - WIDE_END_SIZE || !is(z->data + at, "PK\6\6"))
            return error_set(error, "its zip archive's zip64 directory is damaged");
        const unsigned char *wide = z->data + at;
        *d = (struct directory){number(wide + 32, 8), number(wide + 48, 8), number(wide + 40, 8)};
    }
    if (d->offset > place || d->size > place - d->offset || d->count > d->size / CENTRAL_SIZE)
        return error_set(error, "its zip archive's directory is damaged");
    return true;
}

// Sizes and places of 4 GiB and more stand in the zip64 field, in this order.
struct wide {
    uint64_t size, packed, offset;
};

static bool read_wide(const unsigned char *extra, size_t length, struct wide *w) {
    uint64_t *const fields[] = {&w->size, &w->packed, &w->offset};
    while (length >= 4) {
        size_t field = number(extra + 2, 2), used = 4;
        if (field > length - 4)
            return false;
        for (int i = 0; i < 3 && number(extra, 2) == 1; i++) {
            if (*fields[i] != UINT32_MAX)
                continue;
            if (used + 8 > field + 4)
                return false;
            *fields[i] = number(extra + used, 8);
            used += 8;
        }
        extra += 4 + field;
        length -= 4 + field;
    }
    return true;
}

// Where the data of an entry begins, behind its local header.
static bool find_data(const struct zip *z, uint64_t offset, struct entry *e, uint64_t size) {
    if (z->size < LOCAL_SIZE || offset > z->size - LOCAL_SIZE)
        return false;
    const unsigned char *local = z->data + offset;
    size_t room = z->size - LOCAL_SIZE - (size_t)offset;
    size_t name = number(local + 26, 2), before = name + number(local + 28, 2);
    if (!is(local, "PK\3\4") || before > room || size > room - before)
        return false;
    e->data = local + LOCAL_SIZE + before;
    e->size = (size_t)size;
    return name == e->name_length && memcmp(local + LOCAL_SIZE, e->name, name) == 0;
}

// Reads the header at *at and steps over it.
static bool read_entry(const struct zip *z, const unsigned char **at, const unsigned char *end,
                       struct entry *e) {
    const unsigned char *header = *at;
    size_t room = (size_t)(end - header);
    if (room < CENTRAL_SIZE || !is(header, "PK\1\2"))
        return false;
    size_t name = number(header + 28, 2), extra = number(header + 30, 2);
    size_t whole = CENTRAL_SIZE + name + extra + number(header + 32, 2);
    if (whole > room)
        return false;
    struct wide w = {number(header + 24, 4), number(header + 20, 4), number(header + 42, 4)};
    if (!read_wide(header + CENTRAL_SIZE + name, extra, &w))
        return false;
    bool encrypted = number(header + 8, 2) & 1;
    *e = (struct entry){.name = header + CENTRAL_SIZE,
                        .name_length = name,
                        .crc = (uint32_t)number(header + 16, 4),
                        .plain = number(header + 10, 2) == 0 && !encrypted && w.size == w.packed};
    *at += whole;
    return find_data(z, w.offset, e, w.packed);
}

// Entries may not share bytes en masse: together they are no larger than the file.
static bool read_entries(struct zip *z, struct error *error) {
    struct directory d = {0};
    if (!find_directory(z, &d, error))
        return false;
    const unsigned char *at = z->data + d.offset, *end = at + d.size;
    z->entries = xcalloc((size_t)d.count, sizeof *z->entries);
    uint64_t sum = 0;
    for (; z->count < d.count; z->count++) {
        struct entry *e = &z->entries[z->count];
        if (!read_entry(z, &at, end, e))
            return error_set(error,
                             "its zip archive is damaged: entry %zu of the directory fits "
                             "no data",
                             z->count);
        sum += e->size;
        if (sum > z->size)
            return error_set(error, "its zip archive is damaged: entries share their data");
    }
    return true;
}

// ---- Entries by name. All names begin with the archive's own: "model/data.pkl".

static void find_root(struct zip *z) {
    if (z->count == 0)
        return;
    const unsigned char *slash = memchr(z->entries[0].name, '/', z->entries[0].name_length);
    z->root_length = slash ? (size_t)(slash - z->entries[0].name) + 1 : 0;
}

static bool below_root(const struct zip *z, const struct entry *e, const char *folder) {
    size_t root = z->root_length, length = strlen(folder);
    return e->name_length >= root + length && memcmp(e->name, z->entries[0].name, root) == 0 &&
           memcmp(e->name + root, folder, length) == 0;
}

static const struct entry *find(const struct zip *z, const char *name) {
    for (size_t i = 0; i < z->count; i++)
        if (below_root(z, &z->entries[i], name) &&
            z->entries[i].name_length == z->root_length + strlen(name))
            return &z->entries[i];
    return NULL;
}

// zlib counts in 32 bits at a time. 0 is what torch writes when told not to compute checksums.
static bool sums_up(const struct entry *e) {
    return e->crc == 0 || crc32_z(crc32(0, NULL, 0), e->data, e->size) == e->crc;
}

static bool check_entry(const struct entry *e, struct error *error) {
    int length = e->name_length < 80 ? (int)e->name_length : 80;
    if (!e->plain)
        return error_set(error,
                         "entry %.*s of its zip archive is compressed or encrypted; torch.save "
                         "stores it as it is",
                         length, (const char *)e->name);
    return sums_up(e) ||
           error_set(error, "entry %.*s of its zip archive is damaged: its checksum differs",
                     length, (const char *)e->name);
}

// ---- What torch puts there.

static bool find_pickle(const struct zip *z, const struct entry **pickle, struct error *error) {
    *pickle = find(z, "data.pkl");
    if (find(z, "constants.pkl"))
        return error_set(error,
                         "it is a TorchScript program, which only torch.jit can run; in "
                         "Python, torch.save(torch.jit.load(FILE).state_dict(), OUT) instead");
    if (!*pickle)
        return error_set(error, "it is a zip archive, but without the data.pkl of torch.save");
    return check_entry(*pickle, error);
}

static bool read_byteorder(const struct zip *z, bool *swapped, struct error *error) {
    const struct entry *e = find(z, "byteorder");
    *swapped = false;
    if (!e)
        return true;
    if (!check_entry(e, error))
        return false;
    *swapped = e->size == 3 && memcmp(e->data, "big", 3) == 0;
    return *swapped || (e->size == 6 && memcmp(e->data, "little", 6) == 0) ||
           error_set(error, "its byteorder is neither little nor big");
}

static bool read_storages(struct torch_content *c, const struct zip *z, struct error *error) {
    static const char folder[] = "data/";
    size_t before = z->root_length + sizeof folder - 1;
    c->storages = xcalloc(z->count, sizeof *c->storages);
    for (size_t i = 0; i < z->count; i++) {
        const struct entry *e = &z->entries[i];
        if (!below_root(z, e, folder))
            continue;
        if (!check_entry(e, error))
            return false;
        c->storages[c->storage_count++] =
            (struct torch_storage){{e->name + before, e->name_length - before}, e->data, e->size};
    }
    return torch_content_sort(c, error);
}

static bool read_zip(struct torch_content *c, struct zip *z, struct error *error) {
    const struct entry *pickle;
    size_t used;
    if (!read_entries(z, error))
        return false;
    find_root(z);
    return find_pickle(z, &pickle, error) && read_byteorder(z, &c->swapped, error) &&
           torch_pickle_run(&c->pickle, pickle->data, pickle->size, &c->root, &used, error) &&
           read_storages(c, z, error);
}

bool torch_zip_read(struct torch_content *c, const unsigned char *data, size_t size,
                    struct error *error) {
    struct zip z = {.data = data, .size = size};
    bool good = read_zip(c, &z, error);
    free(z.entries);
    return good;
}
