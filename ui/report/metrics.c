#include "ui/report/metrics.h"
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
    struct tally tally = tally_from(number(t, "loss"), number(t, "accuracy"), number(t, "samples"));
    tally.tokens = json_object_get(t, "perplexity") ? tally.samples : 0;
    tally.scores =
        (struct scores){number(t, "balanced_accuracy"), number(t, "macro_f1"), number(t, "auroc")};
    return tally;
}

static void read_source(const json_t *object, struct record *r) {
    r->source = read_tally(object, "source");
    const json_t *source = json_object_get(object, "source");
    if (json_object_get(source, "accuracy_before"))
        r->source_before = tally_from(number(source, "loss_before"),
                                      number(source, "accuracy_before"), number(source, "samples"));
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
    json_int_t branch = json_integer_value(json_object_get(object, "branch"));
    r->branch = branch >= 0 && branch < INT_MAX ? (int)branch : -1;
    r->train = read_tally(object, "train");
    r->validation = read_tally(object, "validation");
    r->test = read_tally(object, "test");
    read_source(object, r);
    r->best = json_is_true(json_object_get(object, "best"));
    r->seconds = number(object, "seconds");
    r->thawed = json_integer_value(json_object_get(object, "thawed"));
    r->parameters = json_integer_value(json_object_get(object, "parameters"));
    if (found == RECORD_STEP) {
        r->result.tally =
            tally_from(number(object, "loss"), number(object, "accuracy"), STEP_SAMPLES);
        r->result.lr = number(object, "lr");
        r->result.gradient_norm = number(object, "gradient_norm");
    }
    return r->step >= 0 && r->branch >= 0;
}

enum metrics_line metrics_parse(const char *line, size_t length, struct record *out) {
    json_error_t problem;
    json_t *object = json_loadb(line, length, 0, &problem);
    enum metrics_line kind = !object                    ? METRICS_DAMAGED
                             : read_record(object, out) ? METRICS_RECORD
                                                        : METRICS_OTHER;
    json_decref(object);
    return kind;
}

// The whole lines among some bytes; returns the bytes that they take.
static size_t read_lines(const char *data, size_t size, metrics_sink *sink, void *context,
                         int64_t *damaged) {
    const char *at = data, *end = data + size, *line;
    size_t length;
    while ((line = text_line(&at, end, &length))) {
        struct record r;
        enum metrics_line kind = metrics_parse(line, length, &r);
        if (kind == METRICS_RECORD)
            sink(context, &r);
        *damaged += kind == METRICS_DAMAGED;
    }
    return (size_t)(at - data);
}

bool metrics_read(const char *path, metrics_sink *sink, void *context, struct error *error) {
    struct mapping file;
    int64_t damaged = 0;
    if (!mapping_open(&file, path, error))
        return false;
    read_lines((const char *)file.data, file.size, sink, context, &damaged);
    mapping_close(&file);
    return true;
}

// ---- Files that grow. They are read, not mapped: one that shrinks meanwhile is no fault then.

enum { CHUNK = 1 << 17, BEFORE = sizeof((struct metrics_place *)0)->before };

static FILE *open_regular(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) ? fopen(path, "rb") : NULL;
}

static int before_size(const struct metrics_place *place) {
    return place->at < BEFORE ? (int)place->at : BEFORE;
}

// Whether the file still holds what stood in front of the place; then the next byte is the place's.
static bool still_there(const struct metrics_place *place, FILE *file) {
    char now[BEFORE];
    int size = before_size(place);
    return fseeko(file, (off_t)(place->at - size), SEEK_SET) == 0 &&
           fread(now, 1, (size_t)size, file) == (size_t)size &&
           memcmp(now, place->before, (size_t)size) == 0;
}

static void move_on(struct metrics_place *place, const char *data, size_t taken) {
    char both[2 * BEFORE];
    int had = before_size(place), fresh = taken < BEFORE ? (int)taken : BEFORE;
    memcpy(both, place->before, (size_t)had);
    memcpy(both + had, data + taken - fresh, (size_t)fresh);
    place->at += (int64_t)taken;
    int kept = before_size(place);
    memcpy(place->before, both + had + fresh - kept, (size_t)kept);
}

// A line that is longer than a chunk is none of thaw's.
static bool read_chunk(struct metrics_place *place, FILE *file, metrics_sink *sink, void *context) {
    char *data = xmalloc(CHUNK);
    size_t size = fread(data, 1, CHUNK, file);
    size_t taken = read_lines(data, size, sink, context, &place->damaged);
    if (taken == 0 && size == CHUNK) {
        taken = size;
        place->damaged++;
    }
    place->cut = taken < size;
    move_on(place, data, taken);
    free(data);
    return size == CHUNK;
}

bool metrics_follow(struct metrics_place *place, const char *path, metrics_sink *sink,
                    void *context, bool *anew) {
    FILE *file = open_regular(path);
    *anew = false;
    if (!file)
        return false;
    if (!still_there(place, file)) {
        *place = (struct metrics_place){0};
        *anew = true;
    }
    bool more = *anew || read_chunk(place, file, sink, context);
    fclose(file);
    return more;
}
