// Fuzzes the idx reader, as an image file and as a label file. What is not packed is read a second
// time in a gzip wrapper, which must change nothing. Build by hand, from the project's root:
//
//     clang -std=gnu11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
//         -fno-sanitize-recover=all -Isrc -I. tests/fuzz/idx.c datasets/idx.c datasets/source.c \
//         src/data/dataset.c src/base/{arena,error,files,random,shape,text,xalloc}.c \
//         -lz -lm -lpthread -o fuzz-idx
//     ./fuzz-idx -max_len=1024 -malloc_limit_mb=16 CORPUS
//
// 1024 packed bytes hold at most 1.1 MB, and memory grows by doubling: more than 16 MB at once
// would mean that a header's claim was believed.
#include "datasets/idx.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { HEAD = 15, TAIL = 8, STORED_MAX = 65535 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct idx_meaning meaning = {"fuzz", NULL, 0, 255};

static void check(const struct error *e) {
    // One clear line that begins with the file's name.
    if (e->kind == ERROR_NONE || strncmp(e->text, "fuzz", 4) != 0 || strchr(e->text, '\n'))
        abort();
}

static void read_images(struct idx *images) {
    struct error e = {0};
    struct idx labels = {.count = images->count, .shape = {1, 1, 1}};
    labels.data = xcalloc((size_t)images->count, 1);
    struct dataset *d = idx_join(images, &labels, &meaning, "fuzz", &e);
    if (!d)
        abort();
    float *out = xmalloc(shape_count(d->shape) * sizeof *out);
    d->read(d, 0, out);
    d->read(d, d->count - 1, out);
    free(out);
    dataset_close(d);
}

static void read_labels(struct idx *labels) {
    struct error e = {0};
    struct idx images = {.count = labels->count, .shape = {1, 1, 1}};
    images.data = xcalloc((size_t)labels->count, 1);
    struct idx_meaning ten = meaning;
    ten.classes = labels->data[0] < 128 ? 10 : 0;
    struct dataset *d = idx_join(&images, labels, &ten, "fuzz", &e);
    if (!d)
        check(&e);
    dataset_close(d);
}

static void put(uint8_t *to, size_t value, int bytes) {
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

// One stored block; the caller frees.
static uint8_t *wrap(const uint8_t *data, size_t size) {
    static const uint8_t head[HEAD] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1};
    uint8_t *packed = xmalloc(HEAD + size + TAIL);
    memcpy(packed, head, HEAD);
    put(packed + 11, size, 2);
    put(packed + 13, ~size, 2);
    memcpy(packed + HEAD, data, size);
    put(packed + HEAD + size, crc32(0, data, (uInt)size), 4);
    put(packed + HEAD + size + 4, size, 4);
    return packed;
}

static void compare(const struct idx *plain, bool fine, enum idx_kind kind, const uint8_t *data,
                    size_t size) {
    struct idx x;
    struct error e = {0};
    uint8_t *packed = wrap(data, size);
    if (idx_parse(&x, kind, packed, HEAD + size + TAIL, "fuzz", &e) != fine)
        abort();
    if (fine && (x.count != plain->count || !shape_equal(x.shape, plain->shape) ||
                 memcmp(x.data, plain->data, (size_t)x.count * shape_count(x.shape)) != 0))
        abort();
    idx_free(&x);
    free(packed);
}

static void run(const uint8_t *data, size_t size, enum idx_kind kind, void use(struct idx *)) {
    struct error e = {0};
    struct idx x;
    bool fine = idx_parse(&x, kind, data, size, "fuzz", &e);
    bool packed = size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
    if (!packed && size <= STORED_MAX)
        compare(&x, fine, kind, data, size);
    if (fine)
        use(&x);
    else
        check(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    run(data, size, IDX_IMAGES, read_images);
    run(data, size, IDX_LABELS, read_labels);
    return 0;
}
