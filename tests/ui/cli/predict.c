// thaw predict.
#include "pictures.h"
#include "program.h"
#include "ui/setup.h"
#include <math.h>

// A network with a normalised layer in front of the frozen part's end.
static const char pets[] = "model: {name: resnet8}\n"
                           "data: {name: folder, path: pets, size: 8, resize: 9, mean: [0.4], "
                           "std: [0.3]}\n"
                           "train: {epochs: 2, batch: 4}\n"
                           "freeze: {rules: [thaw layer3, thaw head]}\n"
                           "optim: {lr: 0.01}\n";

enum { VALIDATION = 6 }; // pictures, in the order of the data set

static char *validation_name(int i) {
    return xprintf("pets/val/%s/%02d.ppm", i < VALIDATION / 2 ? "cat" : "dog", i);
}

static void put_pets(void) {
    for (int i = 0; i < 16; i++) {
        char *name = xprintf("train/%s/%02d.ppm", i % 2 ? "dog" : "cat", i);
        put_picture("pets", name, 8 + i, 28 - i, i);
        free(name);
    }
    for (int i = 0; i < VALIDATION; i++) {
        char *name = validation_name(i);
        put_picture(".", name, 9 + i, 15, 40 + i);
        free(name);
    }
    write_text("pets.yaml", pets);
}

static void train(const char *experiment, const char *out) {
    struct outcome o = RUN("run", experiment, "--quiet", "--out", out);
    assert_done(&o);
    outcome_close(&o);
}

// The probability of each class by its name, from a line of JSON.
static double probability_of(const json_t *line, const char *class) {
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(line, "classes"), i, one) {
        if (strcmp(json_string_value(json_object_get(one, "class")), class) == 0)
            return json_real_value(json_object_get(one, "probability"));
    }
    fail_msg("no class %s", class);
    return NAN;
}

// What the workbench's data view shows of a run: training_evaluate, behind what is frozen and kept,
// in a batch with the others.
static struct predictions evaluate(const char *file) {
    struct experiment e;
    struct setup setup;
    struct error error;
    struct tally tally;
    struct predictions predictions;
    if (!experiment_read(&e, "run/experiment.yaml", &error))
        fail_msg("%s", error.text);
    free(e.model.weights);
    e.model.weights = xstrdup(file);
    if (!setup_open(&setup, &e, 2, &error))
        fail_msg("%s", error.text);
    struct training *t = setup_training(&setup, &error);
    assert_non_null(t);
    for (int again = 0; again < 2; again++) { // the second time from the cache
        if (again)
            predictions_close(&predictions);
        assert_true(training_evaluate(t, t->data.validation, &tally, &predictions, &error));
    }
    assert_int_equal(predictions.count, VALIDATION);
    training_close(t);
    setup_close(&setup);
    experiment_close(&e);
    return predictions;
}

struct check {
    const struct predictions *right;
    int i, off; // the sample of the next line
};

static void check_line(json_t *line, void *context) {
    struct check *c = context;
    const float *right = c->right->probability + c->i++ * 2;
    c->off += (float)probability_of(line, "cat") != right[0];
    c->off += (float)probability_of(line, "dog") != right[1];
}

static void check_all(struct outcome *o, const struct predictions *right, int first, int count) {
    struct check check = {right, first, 0};
    assert_done(o);
    assert_int_equal(json_lines(o->out, check_line, &check), count);
    assert_int_equal(check.off, 0);
    outcome_close(o);
}

// The same bits as in the workbench, whether asked as samples, as a folder, or one by one.
static void same_as_the_data_view(void **state) {
    (void)state;
    put_pets();
    train("pets.yaml", "run");
    struct predictions right = evaluate("run/best.safetensors");
    struct outcome o = RUN("predict", "run", "--samples", "validation", "--json");
    check_all(&o, &right, 0, VALIDATION);
    o = RUN("predict", "run", "pets/val", "--json", "--threads", "1");
    check_all(&o, &right, 0, VALIDATION);
    for (int i = 0; i < VALIDATION; i++) {
        char *name = validation_name(i);
        o = RUN("predict", "run", name, "--json", "--threads", "2");
        check_all(&o, &right, i, 1);
        free(name);
    }
    predictions_close(&right);
    right = evaluate("run/last.safetensors");
    o = RUN("predict", "run", "pets/val", "--json", "--weights", "last");
    check_all(&o, &right, 0, VALIDATION);
    predictions_close(&right);
}

// The run says what its classes are when its data are gone.
static void needs_no_data(void **state) {
    (void)state;
    put_pets();
    train("pets.yaml", "run");
    assert_int_equal(rename("pets", "gone"), 0);
    struct outcome o = RUN("predict", "run", "gone/val/dog/05.ppm", "--top", "1");
    assert_done(&o);
    assert_contains(o.out, "picture              class  probability\ngone/val/dog/05.ppm  ");
    assert_true(strstr(o.out, "  cat") || strstr(o.out, "  dog"));
    outcome_close(&o);
    o = RUN("predict", "run", "--samples", "test");
    assert_refused(&o, 2, "data.path: ");
    outcome_close(&o);
    // A file without a card asks the data.
    o = RUN("predict", "run", "gone/val/dog/05.ppm", "--weights",
            "run/state-2/weights.safetensors");
    assert_refused(&o, 2, "does not say what its classes are, and the data set cannot: ");
    outcome_close(&o);
    assert_int_equal(rename("gone", "pets"), 0);
    o = RUN("predict", "run", "pets/val/dog/05.ppm", "--weights",
            "run/state-2/weights.safetensors");
    assert_done(&o);
    outcome_close(&o);
}

static void names_what_it_cannot_read(void **state) {
    (void)state;
    put_pets();
    train("pets.yaml", "run");
    put_file("in", "a.jpg", "no", 2);
    put_picture("in", "b.ppm", 9, 9, 1);
    struct outcome o = RUN("predict", "run", "in");
    assert_int_equal(o.code, 1);
    assert_string_equal(o.err,
                        "thaw: in/a.jpg: no picture by its content; JPEG, PNG, BMP, GIF, TGA "
                        "or PNM would be right\n");
    assert_contains(o.out, "in/b.ppm");
    assert_lacks(o.out, "a.jpg");
    outcome_close(&o);
    o = RUN("predict", "run", "in/a.jpg", "--json");
    assert_int_equal(o.code, 1);
    assert_contains(o.out, "{\"picture\":\"in/a.jpg\",\"error\":\"in/a.jpg: no picture");
    outcome_close(&o);
}

static void count_right(json_t *line, void *context) {
    const json_t *first = json_array_get(json_object_get(line, "classes"), 0);
    assert_int_equal(json_array_size(json_object_get(line, "classes")), 3);
    *(int *)context += strcmp(json_string_value(json_object_get(line, "label")),
                              json_string_value(json_object_get(first, "class"))) == 0;
}

static void find_test(json_t *line, void *context) {
    const json_t *test = json_object_get(line, "test");
    if (test)
        *(double *)context = json_number_value(json_object_get(test, "accuracy")) *
                             json_number_value(json_object_get(test, "samples"));
}

// A built-in data set: as many right as the run's own test.
static void samples_of_built_in_data(void **state) {
    (void)state;
    write_text("digits.yaml", program_tiny);
    train("digits.yaml", "run");
    double said = -1;
    char *metrics = read_text("run/metrics.jsonl");
    json_lines(metrics, find_test, &said);
    free(metrics);
    struct outcome o =
        RUN("predict", "run", "--samples", "test", "--weights", "last", "--json", "--top", "3");
    int right = 0;
    assert_done(&o);
    assert_int_equal(json_lines(o.out, count_right, &right), 50);
    assert_true(fabs(right - said) < 1e-6);
    outcome_close(&o);
    o = RUN("predict", "run", "--samples", "train", "--limit", "7", "--top", "99");
    assert_done(&o);
    assert_contains(o.out, " of 7 right, ");
    outcome_close(&o);
    // Pictures, made as large and as grey as the data's.
    put_picture("in", "b.ppm", 9, 9, 1);
    o = RUN("predict", "run", "in/b.ppm");
    assert_done(&o);
    outcome_close(&o);
}

static void refuse(const char *why, const char *const *args) {
    struct outcome o = program_limited(0, args);
    assert_refused(&o, 2, why);
    outcome_close(&o);
}

#define REFUSE(why, ...) refuse(why, (const char *const[]){"predict", __VA_ARGS__, NULL})

static void refuses(void **state) {
    (void)state;
    write_text("digits.yaml", program_tiny);
    train("digits.yaml", "run");
    put_picture("in", "b.ppm", 9, 9, 1);
    mkdir("empty", 0777);
    refuse("which run?", (const char *const[]){"predict", NULL});
    REFUSE("of what? Give pictures, folders or texts, or --samples", "run");
    REFUSE("they go with no others", "run", "in", "--samples", "test");
    REFUSE("--samples some: give train, validation or test", "run", "--samples", "some");
    REFUSE("--top 0: give a number from 1", "run", "in", "--top", "0");
    REFUSE("unknown option", "run", "in", "--tops");
    REFUSE("none: cannot read it (No such file or directory)", "run", "none");
    REFUSE("empty: no picture in this folder", "run", "empty");
    REFUSE("none.pt", "run", "in", "--weights", "none.pt");
    REFUSE("digits.yaml has no model.weights; give a run", "digits.yaml", "in");
    REFUSE("digits.yaml is no run and has no best weights", "digits.yaml", "in", "--weights",
           "best");
    write_text("other.yaml", "model: {name: resnet8}\ndata: {name: digits}\n");
    REFUSE("no name in it is one of resnet8's", "other.yaml", "in", "--weights",
           "run/best.safetensors");
    REFUSE("changed by data.shift ('noise 0.353')", "clothes-noise", "in");
    REFUSE("linear.weight is not in the file as this network needs it", "fashion-to-digits",
           "--samples", "test");
    assert_int_equal(remove("run/best.safetensors"), 0);
    assert_int_equal(remove("run/last.safetensors"), 0);
    REFUSE("run/best.safetensors: there is no such file;", "run", "in", "--weights", "best");
    REFUSE("no such file yet: the run has neither evaluated nor ended", "run", "in");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(same_as_the_data_view),
        PROGRAM_TEST(needs_no_data),
        PROGRAM_TEST(names_what_it_cannot_read),
        PROGRAM_TEST(samples_of_built_in_data),
        PROGRAM_TEST(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
