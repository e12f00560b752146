#include "base/files.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// Every test runs in a directory of its own, as the current one.
static char start[4096];

static int enter_directory(void **state) {
    const char *parent = getenv("TMPDIR");
    *state = files_join(parent ? parent : P_tmpdir, "thaw-files-XXXXXX");
    return mkdtemp(*state) && getcwd(start, sizeof start) ? chdir(*state) : -1;
}

static int leave_directory(void **state) {
    files_remove(*state);
    free(*state);
    return chdir(start);
}

static int count_entries(const char *directory) {
    DIR *open_directory = opendir(directory);
    assert_non_null(open_directory);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(open_directory));) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(open_directory);
    return count;
}

static void assert_content(const char *path, const char *expected) {
    struct mapping m;
    assert_true(mapping_open(&m, path, NULL));
    assert_int_equal(m.size, strlen(expected));
    assert_non_null(m.data);
    assert_memory_equal(m.data, expected, m.size);
    mapping_close(&m);
    assert_null(m.data);
}

static void write_text(const char *path, const char *text) {
    assert_true(files_write(path, text, strlen(text), NULL));
}

static void test_write_and_map(void **state) {
    (void)state;
    int open_files = count_entries("/proc/self/fd");
    write_text("a", "first");
    assert_content("a", "first");
    write_text("./a", "second, longer");
    assert_content("a", "second, longer");
    write_text("empty", "");
    assert_content("empty", "");
    assert_int_equal(count_entries("."), 2);
    assert_int_equal(count_entries("/proc/self/fd"), open_files);
}

static void test_mode_follows_the_umask(void **state) {
    (void)state;
    mode_t before = umask(027);
    write_text("a", "x");
    umask(before);
    struct stat status;
    assert_int_equal(stat("a", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
}

static void test_a_mapping_outlives_replacement(void **state) {
    (void)state;
    write_text("a", "old");
    struct mapping m;
    assert_true(mapping_open(&m, "a", NULL));
    write_text("a", "NEW");
    assert_memory_equal(m.data, "old", 3);
    mapping_close(&m);
    mapping_close(&m);
}

static void assert_unreadable(const char *path) {
    struct mapping m;
    struct error e = {0};
    int open_files = count_entries("/proc/self/fd");
    assert_false(mapping_open(&m, path, &e));
    assert_int_equal(e.kind, ERROR_REQUEST);
    assert_non_null(strstr(e.text, path));
    assert_null(m.data);
    assert_int_equal(count_entries("/proc/self/fd"), open_files);
}

static void test_unreadable(void **state) {
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_unreadable("missing");
    assert_unreadable(".");
    assert_unreadable("pipe");
}

static void test_replacement_shows_at_commit(void **state) {
    (void)state;
    write_text("a", "old");
    struct replacement r;
    assert_true(files_replace(&r, "a", NULL));
    fputs("new", r.file);
    fflush(r.file);
    assert_content("a", "old");
    assert_true(files_commit(&r, NULL));
    assert_content("a", "new");
    assert_int_equal(count_entries("."), 1);
    assert_null(r.file);
}

static void test_abandon_leaves_the_old_file(void **state) {
    (void)state;
    write_text("a", "old");
    struct replacement r;
    assert_true(files_replace(&r, "a", NULL));
    fputs("new", r.file);
    files_abandon(&r);
    files_abandon(&r);
    assert_content("a", "old");
    assert_int_equal(count_entries("."), 1);
}

static void test_two_replacements_at_once(void **state) {
    (void)state;
    struct replacement first, second;
    assert_true(files_replace(&first, "a", NULL));
    assert_true(files_replace(&second, "a", NULL));
    fputs("first", first.file);
    fputs("second", second.file);
    assert_true(files_commit(&second, NULL));
    assert_true(files_commit(&first, NULL));
    assert_content("a", "first");
    assert_int_equal(count_entries("."), 1);
}

static void test_a_stale_temporary_is_no_obstacle(void **state) {
    (void)state;
    struct replacement r;
    assert_true(files_replace(&r, "a", NULL));
    unsigned serial;
    assert_int_equal(sscanf(strrchr(r.temporary, '-'), "-%u.tmp", &serial), 1);
    char stale[64];
    snprintf(stale, sizeof stale, "a.%ld-%u.tmp", (long)getpid(), serial + 1);
    FILE *file = fopen(stale, "w");
    assert_non_null(file);
    fclose(file);
    files_abandon(&r);
    write_text("a", "new");
    assert_content("a", "new");
    assert_content(stale, "");
}

// Writes 100 000 bytes by pieces of `piece` where files may hold only `limit`: a full disk in
// small.
static bool write_over_limit(rlim_t limit, size_t piece, struct error *e) {
    static const char zeros[100000];
    struct rlimit before, low;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    low = (struct rlimit){limit, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct replacement r;
    bool good = files_replace(&r, "a", e);
    setrlimit(RLIMIT_FSIZE, &low);
    for (size_t done = 0; good && done < sizeof zeros; done += piece) {
        fwrite(zeros, 1, piece, r.file);
    }
    good = good && files_commit(&r, e);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    return good;
}

static void test_a_full_disk_leaves_the_old_file(void **state) {
    (void)state;
    static const rlim_t limits[] = {0, 1000, 50000, 99999};
    write_text("a", "old");
    int open_files = count_entries("/proc/self/fd");
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        for (size_t piece = 1000; piece <= 100000; piece *= 10) {
            struct error e = {0};
            assert_false(write_over_limit(limits[i], piece, &e));
            assert_int_equal(e.kind, ERROR_RUN);
            assert_non_null(strstr(e.text, "cannot write a: "));
            assert_content("a", "old");
            assert_int_equal(count_entries("."), 1);
        }
    }
    assert_int_equal(count_entries("/proc/self/fd"), open_files);
    assert_true(write_over_limit(100000, 1000, NULL));
}

// The device that is always full: its error comes at the flush within the commit, with its reason.
static void test_no_space_is_named(void **state) {
    (void)state;
    write_text("a", "old");
    struct replacement r;
    assert_true(files_replace(&r, "a", NULL));
    if (!freopen("/dev/full", "w", r.file)) {
        files_abandon(&r);
        skip();
    }
    fputs("new", r.file);
    struct error e = {0};
    assert_false(files_commit(&r, &e));
    assert_int_equal(e.kind, ERROR_RUN);
    assert_string_equal(e.text, "cannot write a: No space left on device");
    assert_content("a", "old");
    assert_int_equal(count_entries("."), 1);
}

static void assert_unwritable(const char *path, const char *reason) {
    struct error e = {0};
    int open_files = count_entries("/proc/self/fd");
    assert_false(files_write(path, "x", 1, &e));
    assert_int_equal(e.kind, ERROR_REQUEST);
    assert_non_null(strstr(e.text, path));
    assert_non_null(strstr(e.text, reason));
    assert_int_equal(count_entries("/proc/self/fd"), open_files);
}

static void test_wrong_paths(void **state) {
    (void)state;
    write_text("a", "old");
    assert_int_equal(mkdir("d", 0700), 0);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_unwritable("missing/a", "directory does not exist");
    assert_unwritable("a/b", "Not a directory");
    assert_unwritable("d", "not a regular file");
    assert_unwritable("pipe", "not a regular file");
    assert_unwritable("", "without a name");
    assert_int_equal(count_entries("."), 3);
    files_remove("d");
}

static void test_protected_directory(void **state) {
    (void)state;
    if (geteuid() == 0) {
        print_message("root may write anywhere\n");
        skip();
    }
    assert_int_equal(mkdir("d", 0500), 0);
    struct error e = {0};
    assert_unwritable("d/a", "Permission denied");
    assert_false(files_make_directory("d/e/f", &e));
    assert_string_equal(e.text, "cannot make the directory d/e: Permission denied");
    files_remove("d");
}

static void test_make_directory(void **state) {
    (void)state;
    assert_true(files_make_directory("x/y//z/", NULL));
    assert_true(files_make_directory("x/y/z", NULL));
    assert_true(files_make_directory("/", NULL));
    assert_true(files_make_directory(".", NULL));
    struct stat status;
    assert_int_equal(stat("x/y/z", &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    char *absolute = files_join(*state, "p/q");
    assert_true(files_make_directory(absolute, NULL));
    assert_true(files_exist("p/q"));
    free(absolute);
    write_text("x/f", "");
    struct error e = {0};
    assert_false(files_make_directory("x/f", &e));
    assert_int_equal(e.kind, ERROR_REQUEST);
    assert_string_equal(e.text, "cannot make the directory x/f: File exists");
    assert_false(files_make_directory("x/f/g", &e));
    const char *const made[] = {"x/y/z", "x/y", "x/f", "x", "p/q", "p"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        files_remove(made[i]);
    }
    assert_int_equal(count_entries("."), 0);
}

static void assert_joined(const char *directory, const char *name, const char *expected) {
    char *joined = files_join(directory, name);
    assert_string_equal(joined, expected);
    free(joined);
}

static void test_join(void **state) {
    (void)state;
    assert_joined("a", "b", "a/b");
    assert_joined("a/", "b", "a/b");
    assert_joined("a//", "/b", "a/b");
    assert_joined("/", "b", "/b");
    assert_joined("", "b", "b");
    assert_joined("a/b", "c/d", "a/b/c/d");
}

static void test_exist_and_remove(void **state) {
    (void)state;
    files_remove("missing");
    write_text("a", "x");
    assert_true(files_exist("a"));
    files_remove("a");
    assert_false(files_exist("a"));
    assert_true(files_make_directory("d", NULL));
    write_text("d/one", "1");
    write_text("d/two", "2");
    assert_int_equal(symlink("d", "link"), 0);
    files_remove("link"); // the link alone
    assert_false(files_exist("link"));
    assert_int_equal(count_entries("d"), 2);
    assert_true(files_make_directory("d/deep", NULL));
    write_text("d/deep/file", "3");
    files_remove("d"); // one level only
    assert_content("d/deep/file", "3");
    files_remove("d/deep");
    files_remove("d");
    assert_false(files_exist("d"));
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, enter_directory, leave_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_directory(test_write_and_map),
        in_directory(test_mode_follows_the_umask),
        in_directory(test_a_mapping_outlives_replacement),
        in_directory(test_unreadable),
        in_directory(test_replacement_shows_at_commit),
        in_directory(test_abandon_leaves_the_old_file),
        in_directory(test_two_replacements_at_once),
        in_directory(test_a_stale_temporary_is_no_obstacle),
        in_directory(test_a_full_disk_leaves_the_old_file),
        in_directory(test_no_space_is_named),
        in_directory(test_wrong_paths),
        in_directory(test_protected_directory),
        in_directory(test_make_directory),
        in_directory(test_join),
        in_directory(test_exist_and_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
