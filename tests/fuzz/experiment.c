// Whatever experiment_parse accepts must come back from experiment_text unchanged.
#include "experiment/experiment.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct experiment first, second;
    struct error error = {0};
    if (!experiment_parse(&first, (const char *)data, size, "fuzz.yaml", &error)) {
        if (!*error.text)
            abort();
        return 0;
    }
    char *text = experiment_text(&first);
    if (!experiment_parse(&second, text, strlen(text), "again.yaml", &error))
        abort();
    char *again = experiment_text(&second);
    if (strcmp(text, again) != 0)
        abort();
    free(text);
    free(again);
    experiment_close(&first);
    experiment_close(&second);
    return 0;
}
