// thaw run on a person's own pictures.
#include "base/text.h"
#include "pictures.h"
#include "program.h"

static const char tiny[] = "model: {name: cnn}\n"
                           "data: {name: folder, path: pets, size: 8, validation: 2,\n"
                           "  augment: [flip, random_resized_crop 0.5, jitter 0.2 0.2 0.2]}\n"
                           "train: {epochs: 2, batch: 4}\n"
                           "optim: {lr: 0.01}\n";

static void put_pets(void) {
    for (int i = 0; i < 20; i++) {
        char *name = xprintf("%s/%02d.ppm", i % 2 ? "dog" : "cat", i);
        put_picture("pets", name, 8 + i, 28 - i, i);
        free(name);
    }
}

static void threads_and_cache_give_the_same_bits(void **state) {
    (void)state;
    put_pets();
    write_text("tiny.yaml", tiny);
    program_train("1", "data.cache=1024", "one");
    program_train("2", "data.cache=1024", "two");
    program_train("2", "data.cache=0", "none");
    assert_same_file("one/last.safetensors", "two/last.safetensors");
    assert_same_file("one/last.safetensors", "none/last.safetensors");
}

// Eight patients with five pictures each; of each class four.
static void put_patients(void) {
    struct text csv = {0};
    text_add(&csv, "path,label,group\n");
    for (int i = 0; i < 40; i++) {
        char *name = xprintf("%02d.ppm", i);
        put_picture("scans", name, 8, 8, i);
        text_add(&csv, "%s,%s,patient %d\n", name, i % 8 < 4 ? "well" : "ill", i % 8);
        free(name);
    }
    write_text("scans/list.csv", csv.data);
    text_free(&csv);
}

static void groups_are_kept_whole(void **state) {
    (void)state;
    put_patients();
    write_text("tiny.yaml", tiny);
    struct outcome o = RUN("run", "tiny.yaml", "--set", "data.path=scans/list.csv", "--set",
                           "data.validation=0.25", "--set", "data.test_limit=5", "--out", "out",
                           "--set", "train.best=auroc", "--set", "train.class_weights=balanced");
    if (o.code != 0)
        fail_msg("%s", o.err);
    assert_non_null(strstr(o.out, "20 to learn from, 10 to validate on, 10 to test on"));
    assert_non_null(strstr(o.out, "groups   4 to learn from, 2 to validate on, 2 to test on"));
    assert_non_null(strstr(o.out, "classes weigh in the training loss: ill 1, well 1\n"));
    assert_non_null(strstr(o.out, "\nclass  samples  said  precision"));
    outcome_close(&o);
    // One picture of the last patient is asked for: whole patients are nearer to none.
    o = RUN("run", "tiny.yaml", "--set", "data.path=scans/list.csv", "--set", "data.validation=1",
            "--out", "none");
    assert_int_equal(o.code, 0);
    assert_non_null(strstr(o.err, "thaw: no validation samples of ill, well: too few groups"));
    outcome_close(&o);
}

static void refuses(void **state) {
    (void)state;
    put_pets();
    write_text("tiny.yaml", tiny);
    program_refuses("data.size=0", "set data.size");
    program_refuses("data.path=dogs", "dogs: cannot read it");
    program_refuses("data.resize=7", "data.resize: 7 is below data.size, which is 8");
    program_refuses("data.augment=[crop 0]", "data.augment: 'crop 0' is not known");
    program_refuses("data.validation=10", "class 0 (cat) has 10 samples");
    put_file("pets", "cat/broken.jpg", "no", 2);
    program_refuses("seed=1", "1 of 21 pictures cannot be read");
}

static void leaves_out_and_says_so(void **state) {
    (void)state;
    put_pets();
    write_text("tiny.yaml", tiny);
    put_file("pets", "cat/broken.jpg", "no", 2);
    struct outcome o =
        RUN("run", "tiny.yaml", "--out", "out", "--set", "data.skip_unreadable=true");
    assert_int_equal(o.code, 0);
    assert_non_null(strstr(o.err, "thaw: left out 1 unreadable picture of 21: "));
    assert_non_null(strstr(o.err, "cat/broken.jpg: no picture by its content"));
    outcome_close(&o);
}

// Showing needs no picture decoded: all but their first bytes may be missing.
static void shows_without_decoding(void **state) {
    (void)state;
    put_file("pets", "cat/1.ppm", "P6 8 8 255\n", 11);
    put_file("pets", "dog/1.ppm", "P6 8 8 255\n", 11);
    write_text("tiny.yaml", "model: {name: cnn}\n"
                            "data: {name: folder, path: pets, size: 8, validation: 0}\n");
    struct outcome o = RUN("show", "tiny.yaml");
    if (o.code != 0)
        fail_msg("%s", o.err);
    outcome_close(&o);
    o = RUN("run", "tiny.yaml", "--out", "out");
    assert_int_equal(o.code, 2);
    assert_non_null(strstr(o.err, "1.ppm: damaged: the PNM ends early"));
    outcome_close(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(threads_and_cache_give_the_same_bits),
        PROGRAM_TEST(groups_are_kept_whole),
        PROGRAM_TEST(refuses),
        PROGRAM_TEST(leaves_out_and_says_so),
        PROGRAM_TEST(shows_without_decoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
