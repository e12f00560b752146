#include "datasets/embedded.h"

EMBED_DECLARE(fashion_train_images);
EMBED_DECLARE(fashion_train_labels);
EMBED_DECLARE(fashion_test_images);
EMBED_DECLARE(fashion_test_labels);
EMBED_DECLARE(digits_train_images);
EMBED_DECLARE(digits_train_labels);
EMBED_DECLARE(digits_test_images);
EMBED_DECLARE(digits_test_labels);

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
