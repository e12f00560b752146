#include "models/pretrained.h"
#include "base/text.h"
#include <string.h>

EMBED_DECLARE(fashion_resnet20);

static struct embedded fashion_resnet20(void) {
    return EMBEDDED(fashion_resnet20);
}

const struct pretrained pretrained_models[] = {
    {"fashion-resnet20", "resnet20", "Fashion-MNIST, 28x28, 1 channel, 10 classes",
     fashion_resnet20},
    {0},
};

enum { COUNT = sizeof pretrained_models / sizeof pretrained_models[0] - 1 };

const struct pretrained *pretrained_find(const char *name, struct error *error) {
    const char *names[COUNT];
    for (int i = 0; i < COUNT; i++) {
        names[i] = pretrained_models[i].name;
        if (strcmp(names[i], name) == 0)
            return &pretrained_models[i];
    }
    struct text near = {0};
    text_nearest(&near, name, names, COUNT);
    error_set(error, "no built-in weights are called '%s'; there is %s, or give a path", name,
              near.data ? near.data : "nothing");
    text_free(&near);
    return NULL;
}
