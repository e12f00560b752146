#include "ui/workbench/metrics.h"
#include "base/files.h"
#include <jansson.h>
#include <math.h>
#include <string.h>

static double number(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

// The file holds means; a tally holds sums.
static struct tally tally_from(double loss, double accuracy, double samples) {
    bool known = isfinite(samples) && samples >= 1 && samples < 1e15;
    int64_t n = known ? (int64_t)samples : 1;
    double right = isfinite(accuracy) ? accuracy * (double)n : 0;
    return (struct tally){
        .loss = loss * (double)n, .correct = (int64_t)llround(right), .samples = n};
}

static struct tally read_tally(const json_t *object, const char *name) {
    const json_t *t = json_object_get(object, name);
    if (!json_is_object(t))
        return (struct tally){0};
    return tally_from(number(t, "loss"), number(t, "accuracy"), number(t, "samples"));
}

// Enough samples that a step's accuracy survives being counted.
enum { STEP_SAMPLES = 1000000 };

static bool read_record(const json_t *object, struct record *r) {
    static const char *const kinds[] = {"step", "epoch", NULL, "test"};
    const char *kind = json_string_value(json_object_get(object, "kind"));
    int found = -1;
    for (int i = 0; kind && i < 4; i++)
        if (kinds[i] && strcmp(kind, kinds[i]) == 0)
            found = i;
    if (found < 0 || !json_is_integer(json_object_get(object, "step")))
        return false;
    *r = (struct record){.kind = (enum record_kind)found};
    r->step = json_integer_value(json_object_get(object, "step"));
    r->epoch = json_integer_value(json_object_get(object, "epoch"));
    r->branch = (int)json_integer_value(json_object_get(object, "branch"));
    r->train = read_tally(object, "train");
    r->validation = read_tally(object, "validation");
    r->test = read_tally(object, "test");
    r->best = json_is_true(json_object_get(object, "best"));
    if (found == RECORD_STEP) {
        r->result.tally =
            tally_from(number(object, "loss"), number(object, "accuracy"), STEP_SAMPLES);
        r->result.lr = number(object, "lr");
        r->result.gradient_norm = number(object, "gradient_norm");
    }
    return r->step >= 0 && r->branch >= 0;
}

bool metrics_read(const char *path, metrics_sink *sink, void *context, struct error *error) {
    struct mapping file;
    if (!mapping_open(&file, path, error))
        return false;
    const char *at = (const char *)file.data, *end = at + file.size, *newline;
    for (; at < end && (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
        json_error_t problem;
        struct record r;
        json_t *object = json_loadb(at, (size_t)(newline - at), 0, &problem);
        if (object && read_record(object, &r))
            sink(context, &r);
        json_decref(object);
    }
    mapping_close(&file);
    return true;
}
