// Every strategy, killed in the middle and taken up again, ends in the same bits.
#include "strategy/strategy.h"
#include "trainer_session.h"

enum { SETS = 24, KILLS = 3 };

// What a strategy means for the tiny model, as "key=value" texts; free with free_sets.
static void expand(const struct strategy *s, char *sets[SETS + 1]) {
    struct experiment e, presets;
    struct error error;
    struct model *model = residual_model(0);
    char *name = xprintf("strategy.name=%s", s->name);
    tiny_experiment(&presets, (const char *const[]){"train.epochs=6", NULL});
    tiny_experiment(&e, (const char *const[]){"train.epochs=6", "optim.name=adamw",
                                              "freeze.bn=batch", "train.save_every=3",
                                              "strategy.block=block", name, NULL});
    if (!strategy_expand(&e, model, false, &error))
        fail_msg("%s", error.text);
    int count = 0;
    for (int i = 0; i < experiment_key_count; i++) {
        const struct experiment_key *key = &experiment_keys[i];
        struct text now = {0};
        if (experiment_same(&e, &presets, key))
            continue;
        assert_true(count < SETS - 1);
        experiment_text_value(&now, &e, key);
        sets[count++] = xprintf("%s=%s", key->path, now.data);
        text_free(&now);
    }
    sets[count++] = xstrdup("train.epochs=6");
    sets[count] = NULL;
    free(name);
    experiment_close(&e);
    experiment_close(&presets);
    model_close(model);
}

static void free_sets(char *sets[SETS + 1]) {
    for (int i = 0; sets[i]; i++)
        free(sets[i]);
}

static char *directory_of(const char *parent, const char *name, int number) {
    char *leaf = xprintf("%s-%d", name, number), *path = files_join(parent, leaf);
    free(leaf);
    return path;
}

static void killed_and_taken_up_it_ends_the_same(void **state) {
    static const int64_t steps[KILLS] = {2, 21, 38};
    for (const struct strategy *s = strategies; s->name; s++) { // children before there are threads
        char *sets[SETS + 1];
        expand(s, sets);
        for (int i = 0; i < KILLS; i++) {
            char *path = directory_of(*state, s->name, i);
            killed_at(path, (const char *const *)sets, steps[i], 400);
            free(path);
        }
        free_sets(sets);
    }
    for (const struct strategy *s = strategies; s->name; s++) {
        char *sets[SETS + 1];
        expand(s, sets);
        char *whole = directory_of(*state, s->name, KILLS);
        uint64_t expected = straight(whole, (const char *const *)sets);
        for (int i = 0; i < KILLS; i++) {
            char *path = directory_of(*state, s->name, i);
            resume(path, 1, (const char *const *)sets, SESSION_FINISHED);
            if (file_hash(path, "last.safetensors") != expected)
                fail_msg("%s, killed at step %d, ends in other bits", s->name, (int)steps[i]);
            free(path);
        }
        free(whole);
        free_sets(sets);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_and_taken_up_it_ends_the_same, make_directory,
                                        remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
