// Builds pickles and files of torch.save byte by byte.
#ifndef THAW_TESTS_TORCH_BYTES_H
#define THAW_TESTS_TORCH_BYTES_H

#include "base/xalloc.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct bytes {
    unsigned char *data;
    size_t size;
};

static inline void put(struct bytes *b, const void *data, size_t size) {
    b->data = xrealloc(b->data, b->size + size + 1);
    if (size > 0)
        memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void put_bytes(struct bytes *b, struct bytes other) {
    put(b, other.data, other.size);
}

// Little-endian.
static inline void put_number(struct bytes *b, uint64_t value, int size) {
    unsigned char raw[8];
    for (int i = 0; i < size; i++)
        raw[i] = (unsigned char)(value >> 8 * i);
    put(b, raw, (size_t)size);
}

// Opcodes that need no binary argument, as they stand.
static inline void put_ops(struct bytes *b, const char *ops) {
    put(b, ops, strlen(ops));
}

static inline void put_text(struct bytes *b, const char *text) {
    put_ops(b, "X");
    put_number(b, strlen(text), 4);
    put_ops(b, text);
}

static inline void put_int(struct bytes *b, int64_t value) {
    put_ops(b, "\x8a\x08");
    put_number(b, (uint64_t)value, 8);
}

static inline void put_ints(struct bytes *b, const int64_t *values, int count) {
    put_ops(b, "(");
    for (int i = 0; i < count; i++)
        put_int(b, values[i]);
    put_ops(b, "t");
}

struct tensor_case {
    const char *type; // "Float": of the storage
    const char *key;
    int64_t count, offset; // of the storage; of the tensor in it
    int rank;
    int64_t size[5], stride[5];
};

// The persistent id of a storage, open for more.
static inline void put_storage(struct bytes *b, const struct tensor_case *t) {
    put_ops(b, "(");
    put_text(b, "storage");
    put_ops(b, "ctorch\n");
    put_ops(b, t->type);
    put_ops(b, "Storage\n");
    put_text(b, t->key);
    put_text(b, "cuda:0");
    put_int(b, t->count);
}

static inline void put_tensor(struct bytes *b, const struct tensor_case *t) {
    put_ops(b, "ctorch._utils\n_rebuild_tensor_v2\n(");
    put_storage(b, t);
    put_ops(b, "tQ");
    put_int(b, t->offset);
    put_ints(b, t->size, t->rank);
    put_ints(b, t->stride, t->rank);
    put_ops(b, "\x89"
               "ccollections\nOrderedDict\n)RtR");
}

// ---- Zip archives as torch writes them.

struct archive {
    struct bytes file, directory;
    int count;
};

struct entry_case {
    const char *name;
    struct bytes data;
    int method;    // 0: stored
    uint32_t crc;  // xored into the right one
    uint64_t size; // added to the right one
};

static inline void zip_headers(struct bytes *b, const struct entry_case *e, uint32_t crc) {
    uint64_t size = e->data.size + e->size;
    put_number(b, 0, 2); // flags
    put_number(b, (uint64_t)e->method, 2);
    put_number(b, 0, 4);
    put_number(b, crc, 4);
    put_number(b, size, 4);
    put_number(b, size, 4);
    put_number(b, strlen(e->name), 2);
}

static inline void zip_add(struct archive *a, const struct entry_case *e) {
    uint32_t crc = (uint32_t)crc32_z(0, e->data.data, e->data.size) ^ e->crc;
    uint64_t at = a->file.size;
    put(&a->file, "PK\3\4\0\0", 6);
    zip_headers(&a->file, e, crc);
    put_number(&a->file, 5, 2); // padding, as torch aligns its storages
    put_ops(&a->file, e->name);
    put(&a->file, "FB\1\0Z", 5);
    put_bytes(&a->file, e->data);
    put(&a->directory, "PK\1\2\0\0\0\0", 8);
    zip_headers(&a->directory, e, crc);
    put(&a->directory, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
    put_number(&a->directory, at, 4);
    put_ops(&a->directory, e->name);
    a->count++;
}

static inline void zip_data(struct archive *a, const char *name, const void *data, size_t size) {
    struct bytes copy = {xmemdup(data, size), size};
    zip_add(a, &(struct entry_case){.name = name, .data = copy});
    free(copy.data);
}

// The whole file, exactly as large as it is; frees the archive. zip64: with torch's wider records.
static inline struct bytes zip_end(struct archive *a, bool zip64) {
    uint64_t at = a->file.size, size = a->directory.size;
    put_bytes(&a->file, a->directory);
    if (zip64) {
        uint64_t wide = a->file.size;
        put(&a->file, "PK\6\6", 4);
        put_number(&a->file, 44, 8);
        put(&a->file, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
        put_number(&a->file, (uint64_t)a->count, 8);
        put_number(&a->file, (uint64_t)a->count, 8);
        put_number(&a->file, size, 8);
        put_number(&a->file, at, 8);
        put(&a->file, "PK\6\7\0\0\0\0", 8);
        put_number(&a->file, wide, 8);
        put_number(&a->file, 1, 4);
    }
    put(&a->file, "PK\5\6\0\0\0\0", 8);
    put_number(&a->file, zip64 ? 0xffff : (uint64_t)a->count, 2);
    put_number(&a->file, zip64 ? 0xffff : (uint64_t)a->count, 2);
    put_number(&a->file, zip64 ? 0xffffffff : size, 4);
    put_number(&a->file, zip64 ? 0xffffffff : at, 4);
    put_number(&a->file, 0, 2);
    struct bytes exact = {xmemdup(a->file.data, a->file.size), a->file.size};
    free(a->file.data);
    free(a->directory.data);
    *a = (struct archive){0};
    return exact;
}

// ---- The format before 1.6, up to the object.

static const char legacy_magic[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

static inline void put_legacy_head(struct bytes *b) {
    put(b, legacy_magic, sizeof legacy_magic - 1);
    put_ops(b, "\x80\x02M\xe9\x03.\x80\x02}.");
}

#endif
