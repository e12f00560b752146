// A run keeps what its frozen prefix computes in a file, until it is over.
#include "trainer_session.h"
#include <dirent.h>

// Beyond the budget in memory; the augmented views too.
static const char *const sets[] = {"freeze.rules=[thaw head]",
                                   "train.cache=0",
                                   "train.epochs=12",
                                   "data.augment=[flip, crop 1]",
                                   "data.views=2",
                                   "model.weights=tiny",
                                   NULL},
                         *const without[] = {"freeze.rules=[thaw head]",    "train.cache=0",
                                             "train.cache_disk=0",          "train.epochs=12",
                                             "data.augment=[flip, crop 1]", "data.views=2",
                                             "model.weights=tiny",          NULL};

static int count_files(const char *directory) {
    DIR *dir = opendir(directory);
    int count = 0;
    for (const struct dirent *entry; dir && (entry = readdir(dir));)
        count += strncmp(entry->d_name, "features-", 9) == 0;
    if (dir)
        closedir(dir);
    return count;
}

static void killed_and_resumed_equals_uninterrupted(void **state) {
    char *whole = files_join(*state, "whole"), *parts = files_join(*state, "parts");
    killed_at(parts, sets, 21, 0);
    assert_int_equal(count_files(parts), 1);
    struct tiny t;
    struct session *s = reopen(&t, 2, parts, sets, (struct trainer_options){0});
    const struct training *training = trainer_training(s);
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    assert_true(training->cached);
    s->close(s);
    tiny_close(&t);
    assert_int_equal(count_files(parts), 0);
    assert_true(straight(whole, without) == file_hash(parts, "last.safetensors"));
    free(whole);
    free(parts);
}

// The first step after it was taken up begins behind the prefix.
static void a_stopped_run_finds_its_features(void **state) {
    char *parts = files_join(*state, "parts");
    struct tiny t;
    tiny_open(&t, 2, sets);
    struct session *s = start(&t, parts, (struct trainer_options){.paused = true});
    steps_to(s, 16); // two epochs, and so both views
    send(s, COMMAND_STOP, 0, "");
    wait_until(s, ended);
    s->close(s);
    tiny_close(&t);
    assert_int_equal(count_files(parts), 1);
    s = reopen(&t, 2, parts, sets, (struct trainer_options){.paused = true});
    assert_true(steps_to(s, 17).spared > 0);
    stop(s, &t);
    free(parts);
}

// Back to before the prefix was trained: nothing of what was computed since is used.
static void a_rewind_finds_what_belongs_there(void **state) {
    char *with = files_join(*state, "with"), *plain = files_join(*state, "plain");
    uint64_t hash[2];
    for (int i = 0; i < 2; i++) {
        struct tiny t;
        tiny_open(&t, 2, i ? without : sets);
        struct session *s = start(
            &t, i ? plain : with,
            (struct trainer_options){.interactive = true, .paused = true, .point_bytes = 1 << 24});
        steps_to(s, 9);
        send(s, COMMAND_APPLY, 0, "thaw conv1");
        steps_to(s, 14);
        send(s, COMMAND_APPLY, 0, "freeze conv1");
        steps_to(s, 23);
        rewind_to(s, 9, 0);
        wait_step(s, 9);
        steps_to(s, 29);
        stop(s, &t);
        hash[i] = file_hash(i ? plain : with, "best.safetensors");
    }
    assert_true(hash[0] == hash[1]);
    free(with);
    free(plain);
}

static pid_t run_apart(const char *directory, const char *const *all) {
    pid_t child = fork();
    if (child == 0) {
        straight(directory, all);
        _exit(0);
    }
    return child;
}

// At the same time, in processes of their own, and one is killed on the way: a run more finds
// everything, and each has the bits of a run alone.
static void runs_share_a_directory(void **state) {
    enum { RUNS = 3 };
    char *shared = files_join(*state, "shared"), *plain = files_join(*state, "plain"), *run[RUNS];
    char *key = xprintf("train.cache_directory=%s", shared);
    const char *all[12] = {key};
    pid_t child[RUNS];
    for (int i = 0; sets[i]; i++)
        all[1 + i] = sets[i];
    for (int i = 0; i < RUNS; i++) {
        run[i] = xprintf("%s/run%d", (char *)*state, i);
        child[i] = run_apart(run[i], all);
    }
    char *killed = files_join(*state, "killed");
    killed_at(killed, all, 3, 0);
    for (int i = 0; i < RUNS; i++) {
        int status;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count_files(shared), 1);
    resume(killed, 2, all, SESSION_FINISHED);
    uint64_t expected = straight(plain, without);
    for (int i = 0; i < RUNS; i++) {
        assert_true(file_hash(run[i], "last.safetensors") == expected);
        free(run[i]);
    }
    assert_true(file_hash(killed, "last.safetensors") == expected);
    assert_int_equal(count_files(shared), 1); // others may come
    free(killed);
    free(shared);
    free(plain);
    free(key);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(killed_and_resumed_equals_uninterrupted), // these fork: before any thread
        IN_DIRECTORY(runs_share_a_directory),
        IN_DIRECTORY(a_stopped_run_finds_its_features),
        IN_DIRECTORY(a_rewind_finds_what_belongs_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
