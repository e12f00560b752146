// Pictures without labels.
#include "datasets/pictures.h"

#include "datasets/datasets.h"
#include "directory.h"
#include "pictures.h"

enum { SIZE = 8, PIXELS = SIZE * SIZE * 3 };

static struct dataset *open_pictures(char *const *paths, int count, int resize) {
    static const char *const names[] = {"cat", "dog"};
    struct dataset *like = dataset_new("like", (struct shape){SIZE, SIZE, 3}, 0, 2, names);
    struct listing l;
    assert_true(listing_unlabelled(&l, paths, count, NULL));
    struct dataset *d = pictures_open(l, like, resize);
    dataset_close(like);
    return d;
}

// A picture is what it is in the folder data set.
static void as_in_a_folder(void **state) {
    put_picture(*state, "cat/1.ppm", 19, 12, 3);
    put_picture(*state, "dog/1.ppm", 9, 30, 5);
    struct dataset_request r = {.path = *state, .size = SIZE, .resize = 10};
    struct dataset_pair pair;
    float theirs[PIXELS], ours[PIXELS];
    assert_true(dataset_find("folder", NULL)->open(&r, &pair, NULL));
    struct dataset *d = open_pictures((char *[]){*state}, 1, 10);
    assert_int_equal(d->count, 2);
    assert_int_equal(d->labels[0], -1);
    assert_string_equal(d->class_names[1], "dog");
    for (int i = 0; i < 2; i++) {
        assert_true(dataset_fetch(pair.train, i, NULL, theirs, NULL));
        assert_true(dataset_fetch(d, i, NULL, ours, NULL));
        assert_memory_equal(ours, theirs, sizeof ours);
        assert_null(pictures_fault(d, i));
    }
    dataset_close(d);
    dataset_pair_close(&pair);
}

static void notes_what_it_cannot_read(void **state) {
    float pixels[PIXELS] = {1};
    put_file(*state, "broken.png", "no", 2);
    char *path = files_join(*state, "broken.png");
    struct dataset *d = open_pictures(&path, 1, 0);
    assert_string_equal(pictures_path(d, 0), path);
    assert_null(pictures_fault(d, 0));
    assert_true(dataset_fetch(d, 0, NULL, pixels, NULL));
    assert_non_null(strstr(pictures_fault(d, 0), "broken.png: no picture by its content"));
    for (int i = 0; i < PIXELS; i++)
        assert_true(pixels[i] == 0);
    dataset_close(d);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(as_in_a_folder),
        IN_DIRECTORY(notes_what_it_cannot_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
