#include "base/embed.h"

EMBED(fashion_train_images, "fashion-mini/train-images-idx3-ubyte.gz")
EMBED(fashion_train_labels, "fashion-mini/train-labels-idx1-ubyte.gz")
EMBED(fashion_test_images, "fashion-mini/t10k-images-idx3-ubyte.gz")
EMBED(fashion_test_labels, "fashion-mini/t10k-labels-idx1-ubyte.gz")
EMBED(digits_train_images, "digits/train-images-idx3-ubyte.gz")
EMBED(digits_train_labels, "digits/train-labels-idx1-ubyte.gz")
EMBED(digits_test_images, "digits/t10k-images-idx3-ubyte.gz")
EMBED(digits_test_labels, "digits/t10k-labels-idx1-ubyte.gz")
EMBED(definitions_table, "definitions/definitions.tsv.gz")
EMBED(wordnet_pieces, "definitions/vocab.txt.gz")
EMBED_END
