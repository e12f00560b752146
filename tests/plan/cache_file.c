// What goes through files changes nothing either: not what is kept, not what has been damaged.
#include "base/files.h"
#include "cache_twins.h"
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

static char directory[] = "/tmp/thaw-features-XXXXXX";

// In memory alone, in a file alone, and in both.
static const char *const memories[] = {"train.cache=0", "train.cache=16"};

static void keep_files(struct twin *t, bool shared) {
    cache_keep_files(&t->training->cache, directory, shared, &t->training->weights);
}

static void open_filed(struct pair *p, const struct model *m, const char *memory,
                       const char *const *more) {
    p->pool = pool_open(2);
    open_twin(&p->with, m, p->pool, memory, more);
    const char *sets[8] = {"train.cache_disk=0"};
    for (int i = 0; more && more[i]; i++)
        sets[1 + i] = more[i];
    open_twin(&p->without, m, p->pool, "train.cache=0", sets);
    keep_files(&p->with, false);
}

// The path of the only file, or NULL; the caller frees.
static char *only_file(int *count) {
    DIR *dir = opendir(directory);
    char *path = NULL;
    *count = 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.') {
            free(path);
            path = files_join(directory, entry->d_name);
            ++*count;
        }
    closedir(dir);
    return path;
}

static int count_files(void) {
    int count;
    free(only_file(&count));
    return count;
}

static int clear(void **state) {
    int count;
    (void)state;
    for (char *path; (path = only_file(&count));) {
        unlink(path);
        free(path);
    }
    return 0;
}

static char *note_of(struct twin *t) {
    return cache_note(&t->training->cache);
}

static void every_mask_gives_the_same_bits(void **state) {
    (void)state;
    struct model *m = residual_model(0.3f);
    for (int k = 0; k < 2; k++) {
        struct pair p;
        open_filed(&p, m, memories[k], NULL);
        for (int i = 0; i < RESIDUAL_MODULES; i++) {
            char text[64];
            snprintf(text, sizeof text, "only %s", residual_modules[i]);
            both(&p, text, 7);
            assert_true(count_files() <= 1);
            snprintf(text, sizeof text, "thaw %s",
                     residual_modules[(i * 4 + 3) % RESIDUAL_MODULES]);
            both(&p, text, 3);
        }
        assert_null(note_of(&p.with));
        close_pair(&p);
        clear(NULL);
    }
    model_close(m);
}

static void views_and_halves_give_the_same_bits(void **state) {
    (void)state;
    static const char *const sets[] = {"data.augment=[flip, crop 1]", "data.views=2",
                                       "train.features=bfloat16", NULL};
    struct model *m = residual_model(0);
    for (int k = 0; k < 2; k++) {
        struct pair p;
        open_filed(&p, m, memories[k], sets);
        both(&p, "only head", 20);
        assert_true(p.with.training->cached);
        if (k)
            p.with.training->cache.budget.memory = 30 * 8 * sizeof(uint16_t);
        both(&p, "only block; thaw head", 20);
        close_pair(&p);
    }
    model_close(m);
}

// A second training takes up the file that the first one has left: all is known from its first step
// on, and the evaluation reads not one sample.
static void another_process_takes_it_up(void **state) {
    (void)state;
    struct model *m = residual_model(0);
    for (int k = 0; k < 2; k++) {
        struct pair p, again;
        open_filed(&p, m, memories[k], NULL);
        both(&p, "only head", 8);
        close_pair(&p);
        assert_int_equal(count_files(), 1);
        open_filed(&again, m, memories[k], NULL);
        both(&again, "only head", 1);
        assert_true(again.with.training->cached);
        int before = atomic_load(&reads);
        evaluate(&again.with);
        assert_int_equal(atomic_load(&reads), before);
        both(&again, "lr x1", 8);
        close_pair(&again);
        clear(NULL);
    }
    model_close(m);
}

// Whether the first step of a training finds what an earlier one has left.
static bool finds(const struct model *m, const char *const *sets, const char *text, uint64_t seed) {
    struct pair p;
    open_filed(&p, m, "train.cache=16", sets);
    if (seed) {
        weights_init(&p.with.training->weights, seed);
        weights_init(&p.without.training->weights, seed);
        for (int i = 0; i < m->param_count; i++) {
            p.with.training->frozen[i] = weights_hash(&p.with.training->weights, i);
            p.without.training->frozen[i] = weights_hash(&p.without.training->weights, i);
        }
    }
    both(&p, text, 1);
    bool found = p.with.training->cached;
    both(&p, "lr x1", 6);
    close_pair(&p);
    return found;
}

static void only_the_same_is_found(void **state) {
    (void)state;
    static const char *const mean[] = {"data.mean=[0.25]", NULL},
                             *const half[] = {"train.features=bfloat16", NULL},
                             *const precise[] = {"train.precise=true", NULL},
                             *const seed[] = {"seed=5", NULL},
                             *const rate[] = {"optim.lr=0.5", NULL},
                             *const views[] = {"data.augment=[flip]", "data.views=1", NULL};
    struct model *m = residual_model(0), *other = residual_model(0);
    assert_false(finds(m, NULL, "only head", 0));
    assert_true(finds(m, NULL, "only head", 0));
    assert_true(finds(other, rate, "only head", 0));
    assert_true(finds(m, seed, "only head", 0));  // draws other initial values, order: not these
    assert_false(finds(m, NULL, "only head", 8)); // other weights
    assert_false(finds(m, NULL, "only head; thaw block.conv2", 0));
    assert_false(finds(m, mean, "only head", 0));
    assert_false(finds(m, half, "only head", 0));
    assert_false(finds(m, precise, "only head", 0));
    assert_false(finds(m, views, "only head", 0));
    model_close(other);
    model_close(m);
}

// Does something to the file and trains on: the same bits, and one line that says so.
static void damage(const struct model *m, void (*harm)(const char *path), bool noted) {
    struct pair p;
    int count;
    open_filed(&p, m, "train.cache=0", NULL);
    both(&p, "only head", 12);
    char *path = only_file(&count);
    assert_int_equal(count, 1);
    harm(path);
    both(&p, "lr x1", 12);
    char *note = note_of(&p.with);
    assert_true((note != NULL) == noted);
    if (note)
        assert_null(strchr(note, '\n'));
    both(&p, "lr x1", 12);
    assert_true(p.with.training->cached); // all is there again
    free(note);
    free(path);
    close_pair(&p);
    clear(NULL);
}

static void flip(const char *path) {
    FILE *file = fopen(path, "r+b");
    for (long at = 90; fseek(file, at, SEEK_SET) == 0; at += 100) {
        int byte = fgetc(file);
        if (byte == EOF)
            break;
        fseek(file, at, SEEK_SET);
        fputc(byte ^ 1, file);
    }
    fclose(file);
}

static void empty(const char *path) {
    assert_int_equal(truncate(path, 0), 0);
}

static void halve(const char *path) {
    assert_int_equal(truncate(path, 1000), 0);
}

static void take_away(const char *path) {
    unlink(path);
}

static void damage_costs_time_alone(void **state) {
    (void)state;
    struct model *m = residual_model(0.3f);
    damage(m, flip, true);
    damage(m, empty, true);
    damage(m, halve, true);
    damage(m, take_away, false); // it is still open
    model_close(m);
}

// Of shared files stays what others have a use for: not what this training has made of a prefix.
static void trained_prefixes_go(void **state) {
    (void)state;
    struct model *m = residual_model(0);
    struct twin t;
    struct pool *pool = pool_open(1);
    open_twin(&t, m, pool, "train.cache=16", NULL);
    keep_files(&t, true);
    apply(&t, "only head");
    step(&t);
    assert_int_equal(count_files(), 1);
    apply(&t, "thaw block.conv2");
    step(&t);
    assert_int_equal(count_files(), 2); // a smaller prefix, as untouched
    apply(&t, "only conv1");
    step(&t);
    apply(&t, "only head");
    step(&t);
    assert_int_equal(count_files(), 3);
    apply(&t, "thaw block.conv2");
    step(&t);
    assert_int_equal(count_files(), 3); // the whole one has gone, for another
    cache_discard_files(&t.training->cache);
    assert_int_equal(count_files(), 2);
    step(&t);
    assert_int_equal(count_files(), 2);
    close_twin(&t);
    pool_close(pool);
    model_close(m);
}

static void a_directory_that_cannot_be_is_told(void **state) {
    (void)state;
    struct model *m = residual_model(0);
    struct twin t;
    struct pool *pool = pool_open(1);
    open_twin(&t, m, pool, "train.cache=16", NULL);
    cache_keep_files(&t.training->cache, "/dev/null/features", true, &t.training->weights);
    apply(&t, "only head");
    step(&t);
    char *note = note_of(&t);
    assert_non_null(strstr(note, "memory alone"));
    free(note);
    close_twin(&t);
    pool_close(pool);
    model_close(m);
}

int main(void) {
    if (!mkdtemp(directory))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_mask_gives_the_same_bits, clear),
        cmocka_unit_test_setup(views_and_halves_give_the_same_bits, clear),
        cmocka_unit_test_setup(another_process_takes_it_up, clear),
        cmocka_unit_test_setup(only_the_same_is_found, clear),
        cmocka_unit_test_setup(damage_costs_time_alone, clear),
        cmocka_unit_test_setup(trained_prefixes_go, clear),
        cmocka_unit_test_setup(a_directory_that_cannot_be_is_told, clear),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    files_remove(directory);
    return failed;
}
