#include "datasets/datasets.h"

#include "data/loader.h"
#include "directory.h"
#include "pictures.h"
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 8, PIXELS = SIZE * SIZE * 3 };

static bool open_folder(const struct dataset_request *r, struct dataset_pair *pair,
                        struct error *e) {
    *e = (struct error){0};
    return dataset_find("folder", e)->open(r, pair, e);
}

static void refuses(const struct dataset_request *r, const char *text) {
    struct dataset_pair pair;
    struct error e;
    assert_false(open_folder(r, &pair, &e));
    assert_null(pair.train);
    assert_int_equal(e.kind, ERROR_REQUEST);
    if (!strstr(e.text, text))
        fail_msg("\"%s\" lacks \"%s\"", e.text, text);
}

// Twelve pictures of different sizes in three classes.
static void put_tree(const char *root) {
    for (int i = 0; i < 12; i++) {
        char *name = xprintf("%c/%02d.ppm", "abc"[i % 3], i);
        put_picture(root, name, 9 + i, 20 - i, i);
        free(name);
    }
}

static void opens_a_tree(void **state) {
    struct dataset_request r = {.path = *state, .size = SIZE, .cache = 1 << 20};
    struct dataset_pair pair;
    struct error e;
    float image[PIXELS];
    put_tree(*state);
    assert_true(open_folder(&r, &pair, &e));
    assert_null(pair.test);
    assert_null(pair.validation);
    assert_null(pair.note);
    assert_int_equal(pair.train->count, 12);
    assert_int_equal(pair.train->classes, 3);
    assert_string_equal(pair.train->class_names[1], "b");
    assert_int_equal(pair.train->labels[11], 2);
    assert_true(shape_equal(pair.train->shape, (struct shape){SIZE, SIZE, 3}));
    pair.train->read(pair.train, 0, image);
    for (int i = 0; i < PIXELS; i++)
        assert_true(image[i] >= 0 && image[i] <= 1);
    dataset_pair_close(&pair);
    r.grey = true;
    assert_true(open_folder(&r, &pair, &e));
    assert_int_equal(pair.train->shape.c, 1);
    dataset_pair_close(&pair);
}

static void opens_parts(void **state) {
    struct dataset_request r = {.path = *state, .size = SIZE};
    struct dataset_pair pair;
    struct error e;
    put_picture(*state, "train/a/1.ppm", 9, 9, 1);
    put_picture(*state, "train/b/1.ppm", 9, 9, 2);
    put_picture(*state, "val/b/2.ppm", 9, 9, 3);
    put_picture(*state, "test/b/3.ppm", 9, 9, 4);
    assert_true(open_folder(&r, &pair, &e));
    assert_int_equal(pair.train->count, 2);
    assert_int_equal(pair.validation->count, 1);
    assert_int_equal(pair.test->labels[0], 1);
    assert_int_equal(pair.test->classes, 2);
    float train[PIXELS], test[PIXELS];
    assert_true(dataset_fetch(pair.train, 1, NULL, train, &e));
    assert_true(dataset_fetch(pair.test, 0, NULL, test, &e));
    assert_memory_not_equal(train, test, sizeof test);
    dataset_pair_close(&pair);
}

static void says_what_is_missing(void **state) {
    refuses(&(struct dataset_request){.size = SIZE}, "folder: set data.path to a folder with");
    refuses(&(struct dataset_request){.path = *state}, "folder: set data.size, the side in pixels");
    char *empty = xprintf("data.path: %s: no folders in it", (char *)*state);
    refuses(&(struct dataset_request){.path = *state, .size = SIZE}, empty);
    free(empty);
}

static void put_bad(const char *root) {
    put_tree(root);
    put_file(root, "a/empty.jpg", "", 0);
    put_file(root, "b/page.png", "<html>", 6);
    char *link = files_join(root, "c/link.jpg"), *pipe = files_join(root, "c/pipe.jpg");
    assert_int_equal(symlink("nowhere", link), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    free(link);
    free(pipe);
}

static void names_unreadable_pictures(void **state) {
    struct dataset_request r = {.path = *state, .size = SIZE};
    put_bad(*state);
    refuses(&r, "4 of 16 pictures cannot be read (data.skip_unreadable: true leaves such out): ");
    refuses(&r, "/a/empty.jpg: the file is empty; ");
    refuses(&r, "/b/page.png: no picture by its content; JPEG, PNG");
    refuses(&r, "/c/link.jpg: cannot read it (No such file");
    refuses(&r, "/c/pipe.jpg: no regular file");
}

// A damaged picture that begins well is an error when it is wanted, and with its name.
static void a_damaged_picture_is_told_when_it_is_wanted(void **state) {
    struct dataset_request r = {.path = *state, .size = SIZE};
    struct loader_settings set = {.batch = 5, .std = {1, 1, 1}, .threads = 2};
    struct dataset_pair pair;
    struct error e;
    float image[PIXELS];
    put_tree(*state);
    put_file(*state, "b/damaged.ppm", "P6 4 4 255\nabc", 14);
    assert_true(open_folder(&r, &pair, &e));
    assert_int_equal(pair.train->count, 13);
    assert_false(dataset_fetch(pair.train, 8, NULL, image, &e));
    assert_non_null(strstr(e.text, "b/damaged.ppm: damaged: the PNM ends early"));
    pair.train->read(pair.train, 8, image);
    assert_true(image[0] == 0 && image[PIXELS - 1] == 0);
    struct loader *l = loader_open(pair.train, &set);
    assert_non_null(loader_batch(l, 0));
    assert_null(loader_batch(l, 1));
    assert_false(loader_error(l, &e));
    assert_non_null(strstr(e.text, "b/damaged.ppm: "));
    assert_non_null(loader_batch(l, 2));
    loader_close(l);
    dataset_pair_close(&pair);
}

static void leaves_unreadable_pictures_out(void **state) {
    struct dataset_request r = {
        .path = *state, .size = SIZE, .skip_unreadable = true, .cache = 3 * PIXELS};
    struct dataset_pair pair, clean;
    struct error e;
    float image[PIXELS], other[PIXELS];
    put_tree(*state);
    r.skip_unreadable = false;
    assert_true(open_folder(&r, &clean, &e));
    put_bad(*state);
    put_file(*state, "b/damaged.ppm", "P6 4 4 255\nabc", 14);
    r.skip_unreadable = true;
    assert_true(open_folder(&r, &pair, &e));
    assert_int_equal(pair.train->count, 12);
    assert_non_null(strstr(pair.note, "left out 5 unreadable pictures of 17: "));
    assert_non_null(strstr(pair.note, "b/damaged.ppm: damaged"));
    for (int i = 0; i < 12; i++) {
        pair.train->read(pair.train, i, image);
        clean.train->read(clean.train, i, other);
        assert_memory_equal(image, other, sizeof image);
    }
    dataset_pair_close(&pair);
    dataset_pair_close(&clean);
    put_file(*state, "d/only.jpg", "", 0);
    refuses(&r, "none of the pictures of class d can be read");
}

// All batches of two epochs, one after the other.
static float *all_batches(const char *root, size_t cache, int threads, size_t *count) {
    struct dataset_request r = {.path = root, .size = SIZE, .resize = SIZE + 2, .cache = cache};
    struct loader_settings set = {
        .batch = 5, .seed = 4, .shuffle = true, .std = {1, 2, 1}, .threads = threads};
    set.augment =
        (struct augment){.flip = true, .resized_crop = 0.3F, .jitter = {0.2F, 0.2F, 0.2F}};
    struct dataset_pair pair;
    struct error e;
    assert_true(open_folder(&r, &pair, &e));
    float *all = xcalloc(24, PIXELS * sizeof *all);
    *count = 0;
    for (int pass = 0; pass < 2; pass++) {
        set.augment.resized_crop = pass ? 0 : 0.3F;
        struct loader *l = loader_open(pair.train, &set);
        for (int step = pass * loader_steps(l); step < (pass + 1) * loader_steps(l); step++) {
            const struct batch *b = loader_batch(l, step);
            memcpy(all + *count, b->x, (size_t)b->n * PIXELS * sizeof *all);
            *count += (size_t)b->n * PIXELS;
        }
        loader_close(l);
    }
    dataset_pair_close(&pair);
    return all;
}

static void cache_and_threads_change_nothing(void **state) {
    static const struct {
        size_t cache;
        int threads;
    } cases[] = {{0, 3}, {1 << 20, 1}, {1 << 20, 3}, {1500, 2}};
    put_tree(*state);
    size_t count, again;
    float *right = all_batches(*state, 0, 1, &count);
    assert_int_equal(count, 24 * PIXELS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float *other = all_batches(*state, cases[i].cache, cases[i].threads, &again);
        assert_int_equal(count, again);
        assert_memory_equal(right, other, count * sizeof *right);
        free(other);
    }
    free(right);
}

// What fits is decoded once: the files may go.
static void decodes_once(void **state) {
    struct dataset_request r = {.path = *state, .size = SIZE, .cache = 1 << 20};
    struct dataset_pair pair;
    struct error e;
    float before[PIXELS], after[PIXELS];
    put_tree(*state);
    assert_true(open_folder(&r, &pair, &e));
    assert_true(dataset_fetch(pair.train, 3, NULL, before, &e));
    char *class = files_join(*state, "a");
    files_remove(class);
    free(class);
    assert_true(dataset_fetch(pair.train, 3, NULL, after, &e));
    assert_memory_equal(before, after, sizeof after);
    assert_false(dataset_fetch(pair.train, 2, NULL, after, &e));
    assert_non_null(strstr(e.text, "cannot read it"));
    dataset_pair_close(&pair);
}

// 2,000 photographs, where they are.
static void reads_flowers(void **state) {
    const char *source = getenv("THAW_SOURCE");
    char *root = xprintf("%s/../shared/data/datasets/flowers5_thumbs", source ? source : ".");
    struct dataset_request r = {.path = root, .size = 32, .cache = 1 << 24};
    struct dataset_pair pair;
    struct error e;
    (void)state;
    if (!files_exist(root)) {
        print_message("no %s: skipped\n", root);
        free(root);
        skip();
    }
    if (!open_folder(&r, &pair, &e))
        fail_msg("%s", e.text);
    assert_int_equal(pair.train->count, 2000);
    assert_int_equal(pair.train->classes, 5);
    assert_string_equal(pair.train->class_names[3], "sunflower");
    struct loader_settings set = {.batch = 100, .std = {1, 1, 1}, .threads = 2};
    struct loader *l = loader_open(pair.train, &set);
    for (int step = 0; step < loader_steps(l); step++)
        assert_non_null(loader_batch(l, step));
    loader_close(l);
    dataset_pair_close(&pair);
    free(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(opens_a_tree),
        IN_DIRECTORY(opens_parts),
        IN_DIRECTORY(says_what_is_missing),
        IN_DIRECTORY(names_unreadable_pictures),
        IN_DIRECTORY(a_damaged_picture_is_told_when_it_is_wanted),
        IN_DIRECTORY(leaves_unreadable_pictures_out),
        IN_DIRECTORY(cache_and_threads_change_nothing),
        IN_DIRECTORY(decodes_once),
        cmocka_unit_test(reads_flowers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
