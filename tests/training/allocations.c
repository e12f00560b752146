// A step allocates nothing: neither the trainer's thread nor those that help it, once each kind of
// batch has been seen. The linker hands every call of the engine to the counters here
// (meson.build).
#include "base/xalloc.h"
#include "texts.h"
#include "tiny_run.h"
#include "training_steps.h"
#include <stdatomic.h>
#include <sys/mman.h>

static atomic_int calls;

// The names that the linker knows them by; what is behind them may be a sanitizer's.
// NOLINTBEGIN(bugprone-reserved-identifier)
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
int __real_posix_memalign(void **to, size_t alignment, size_t bytes);
void __real_free(void *memory);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
void *__real_mmap64(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
int __real_munmap(void *at, size_t bytes);

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
int __wrap_posix_memalign(void **to, size_t alignment, size_t bytes);
void __wrap_free(void *memory);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
void *__wrap_mmap64(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
int __wrap_munmap(void *at, size_t bytes);

void *__wrap_malloc(size_t bytes) {
    calls++;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes) {
    calls++;
    return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes) {
    calls++;
    return __real_realloc(old, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
    calls++;
    return __real_aligned_alloc(alignment, bytes);
}

int __wrap_posix_memalign(void **to, size_t alignment, size_t bytes) {
    calls++;
    return __real_posix_memalign(to, alignment, bytes);
}

void __wrap_free(void *memory) {
    calls++;
    __real_free(memory);
}

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset) {
    calls++;
    return __real_mmap(at, bytes, protection, flags, file, offset);
}

void *__wrap_mmap64(void *at, size_t bytes, int protection, int flags, int file, off_t offset) {
    calls++;
    return __real_mmap64(at, bytes, protection, flags, file, offset);
}

int __wrap_munmap(void *at, size_t bytes) {
    calls++;
    return __real_munmap(at, bytes);
}
// NOLINTEND(bugprone-reserved-identifier)

enum { EPOCHS_BEFORE = 2, EPOCHS_COUNTED = 2 };

// Whole epochs, so that the last batch, which is smaller, and the next order are among them.
static void check_steps(struct training *t, const char *name, const char *rule, bool kept) {
    apply(t, rule);
    run_steps(t, EPOCHS_BEFORE * t->epoch_steps);
    const int before = calls;
    run_steps(t, EPOCHS_COUNTED * t->epoch_steps);
    if (calls != before)
        fail_msg("%s, %s: %d calls in %d steps", name, rule, calls - before,
                 EPOCHS_COUNTED * t->epoch_steps);
    assert_int_equal(t->cached, kept);
}

// Rows of some samples have no place: these are computed in every step, beside others that are
// given.
static void check_part_kept(struct training *t, const char *name, const char *rule) {
    cache_limit(&t->cache, cache_look(&t->cache).bytes / 2);
    check_steps(t, name, rule, false);
    const struct cache_view view = cache_look(&t->cache);
    assert_in_range(view.known, 1, view.count - 1);
}

static const char *const optimisers[] = {"sgd", "adamw"};
enum { OPTIMISERS = 2, THREADS = 2 };

// What is counted at all: the engine's calls, by each of its ways.
static void calls_are_counted(void **state) {
    (void)state;
    int before = calls;
    void *memory = xmalloc(10);
    memory = xrealloc(memory, 20);
    free(memory);
    assert_int_equal(calls - before, 3);
    before = calls;
    struct arena arena = {0};
    struct error error;
    assert_true(arena_reserve(&arena, 1 << 16, &error));
    const int opened = calls;
    assert_true(opened > before);
    arena_close(&arena);
    assert_int_equal(calls - opened, 1);
}

static void pictures_need_none(void **state) {
    (void)state;
    for (int i = 0; i < OPTIMISERS; i++) {
        char optimiser[32];
        snprintf(optimiser, sizeof optimiser, "optim.name=%s", optimisers[i]);
        const char *const sets[] = {
            optimiser,        "optim.clip=1",    "train.epochs=20", "train.evaluate_every=100",
            "train.cache=16", "data.augment=[]", "model.dropout=0", NULL};
        struct tiny t;
        tiny_open(&t, THREADS, sets);
        check_steps(t.training, "pictures", "only all", false);
        check_steps(t.training, "pictures", "only fc", true);
        check_part_kept(t.training, "pictures", "only fc");
        tiny_close(&t);
    }
}

// Each of their views is made anew.
static void augmented_pictures_need_none(void **state) {
    (void)state;
    static const char *const sets[] = {"train.epochs=20", "train.evaluate_every=100",
                                       "data.augment=[flip, crop 1]", NULL};
    struct tiny t;
    tiny_open(&t, THREADS, sets);
    check_steps(t.training, "augmented pictures", "only all", false);
    tiny_close(&t);
}

static void check_texts(const char *name, const char *optimiser, bool keeps) {
    char set[32];
    snprintf(set, sizeof set, "optim.name=%s", optimiser);
    const char *sets[] = {set,
                          "optim.clip=1",
                          "train.epochs=20",
                          "train.evaluate_every=100",
                          "train.cache=16",
                          "data.augment=[]",
                          NULL};
    struct experiment experiment;
    struct error error;
    tiny_experiment(&experiment, sets);
    struct model *model = texts_model_of(name, TEXTS_ROOM, 0.1f, 200, 48);
    struct pool *pool = pool_open(THREADS);
    struct weights weights = weights_open(model);
    weights_init(&weights, 3);
    struct training_data data = {texts_data(model, 44), texts_data(model, 13), NULL};
    struct training *t = training_open(&experiment, model, weights, data, pool, &error);
    if (!t)
        fail_msg("%s", error.text);
    check_steps(t, name, "only all", false);
    check_steps(t, name, "only last-1-blocks", keeps);
    if (keeps)
        check_part_kept(t, name, "only last-1-blocks");
    training_close(t);
    pool_close(pool);
    model_close(model);
    experiment_close(&experiment);
}

static void texts_need_none(void **state) {
    (void)state;
    for (int i = 0; i < OPTIMISERS; i++) {
        check_texts("bert-tiny", optimisers[i], true);
        check_texts("gpt2", optimisers[i], true);
        check_texts("gpt-nano-lm", optimisers[i], true);
        check_texts("gpt2-lm", optimisers[i], false);      // its head is tied to its first layer
        check_texts("bert-tiny-lm", optimisers[i], false); // other tokens are hidden in every epoch
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_counted),
        cmocka_unit_test(pictures_need_none),
        cmocka_unit_test(augmented_pictures_need_none),
        cmocka_unit_test(texts_need_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
