#include "datasets/embedded.h"

#include "base/xalloc.h"
#include "datasets/source.h"
#include <stdlib.h>

EMBED_DECLARE(fashion_train_images);
EMBED_DECLARE(fashion_train_labels);
EMBED_DECLARE(fashion_test_images);
EMBED_DECLARE(fashion_test_labels);
EMBED_DECLARE(digits_train_images);
EMBED_DECLARE(digits_train_labels);
EMBED_DECLARE(digits_test_images);
EMBED_DECLARE(digits_test_labels);
EMBED_DECLARE(definitions_table);
EMBED_DECLARE(wordnet_pieces);

struct embedded_pair embedded_fashion(void) {
    return (struct embedded_pair){
        .train = {EMBEDDED(fashion_train_images), EMBEDDED(fashion_train_labels)},
        .test = {EMBEDDED(fashion_test_images), EMBEDDED(fashion_test_labels)},
    };
}

struct embedded_pair embedded_digits(void) {
    return (struct embedded_pair){
        .train = {EMBEDDED(digits_train_images), EMBEDDED(digits_train_labels)},
        .test = {EMBEDDED(digits_test_images), EMBEDDED(digits_test_labels)},
    };
}

struct embedded embedded_definitions(void) {
    return EMBEDDED(definitions_table);
}

struct embedded embedded_wordnet_vocabulary(void) {
    return EMBEDDED(wordnet_pieces);
}

bool embedded_unpack(struct embedded file, const char *name, char **out, size_t *size,
                     struct error *error) {
    struct source s;
    if (!source_open(&s, file.data, file.size, name, error))
        return false;
    size_t room = 1 << 16, got;
    *out = xmalloc(room);
    for (*size = 0; (got = source_take(&s, (unsigned char *)*out + *size, room - *size)) > 0;) {
        *size += got;
        room *= 1 + (*size == room);
        *out = xrealloc(*out, room);
    }
    bool fine = source_done(&s, error);
    source_close(&s);
    if (!fine)
        free(*out);
    return fine;
}

struct dataset *embedded_open(struct embedded_files files, const struct idx_meaning *meaning,
                              struct error *error) {
    struct idx images, labels;
    if (!idx_parse(&images, IDX_IMAGES, files.images.data, files.images.size, meaning->name, error))
        return NULL;
    if (!idx_parse(&labels, IDX_LABELS, files.labels.data, files.labels.size, meaning->name,
                   error)) {
        idx_free(&images);
        return NULL;
    }
    return idx_join(&images, &labels, meaning, meaning->name, error);
}
