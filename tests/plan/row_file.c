// What is read back is what was written, or nothing: whatever others do to the file meanwhile.
#include "plan/row_file.h"
#include "base/files.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "test.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROW = 40, RECORD = ROW + 24, HEADER = 64, PLENTY = 1 << 30 };

static const struct hash128 what = {1, 2};
static char directory[] = "/tmp/thaw-rows-XXXXXX";
static char *path;

static struct hash128 key_of(int i) {
    return hash128_bytes(&i, sizeof i);
}

static void make_row(int i, unsigned char row[ROW]) {
    for (int k = 0; k < ROW; k++)
        row[k] = (unsigned char)(i * 7 + k * (i + 1));
}

static struct row_file *open_rows(uint64_t most, bool noted) {
    struct error error = {0};
    char *note;
    struct row_file *f = row_file_open(path, what, ROW, most, &note, &error);
    if (!f)
        fail_msg("%s", error.text);
    assert_true((note != NULL) == noted);
    if (note)
        assert_null(strchr(note, '\n'));
    free(note);
    return f;
}

static bool add(struct row_file *f, int first, int count, struct error *error) {
    struct hash128 *keys = xcalloc((size_t)count, sizeof *keys);
    const void **rows = xcalloc((size_t)count, sizeof *rows);
    unsigned char *bytes = xmalloc((size_t)count * ROW);
    for (int i = 0; i < count; i++) {
        keys[i] = key_of(first + i);
        rows[i] = bytes + (size_t)i * ROW;
        make_row(first + i, bytes + (size_t)i * ROW);
    }
    bool ok = row_file_add(f, count, keys, rows, error);
    free(keys);
    free(rows);
    free(bytes);
    return ok;
}

// Whether row i is there; if so, it is right.
static bool reads(struct row_file *f, int i) {
    unsigned char row[ROW], expected[ROW];
    bool damaged;
    make_row(i, expected);
    if (!row_file_read(f, key_of(i), row, &damaged))
        return false;
    assert_memory_equal(row, expected, ROW);
    assert_false(damaged);
    return true;
}

static int count_read(struct row_file *f, int count) {
    int there = 0;
    for (int i = 0; i < count; i++)
        there += reads(f, i);
    return there;
}

static off_t size_of_file(void) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static void write_raw(const void *bytes, size_t size) {
    struct error error;
    if (!files_write(path, bytes, size, &error))
        fail_msg("%s", error.text);
}

static int begin(void **state) {
    (void)state;
    unlink(path);
    return 0;
}

static void what_is_added_is_read(void **state) {
    (void)state;
    struct row_file *f = open_rows(PLENTY, false), *other = open_rows(PLENTY, false);
    assert_false(reads(f, 0));
    assert_true(add(f, 0, 3000, NULL));
    assert_int_equal(count_read(f, 3001), 3000);
    assert_int_equal(count_read(other, 3001), 3000); // sees what was added since
    assert_true(add(other, 2000, 2000, NULL));       // the first thousand is there
    assert_int_equal(size_of_file(), HEADER + 4000 * RECORD);
    assert_true(reads(f, 3999));
    row_file_close(f, false);
    row_file_close(other, false);
    f = open_rows(PLENTY, false);
    assert_int_equal(count_read(f, 5000), 4000);
    row_file_close(f, true);
    assert_false(files_exist(path));
}

static void another_prefix_reads_nothing(void **state) {
    (void)state;
    struct row_file *f = open_rows(PLENTY, false);
    struct error error;
    char *note;
    assert_true(add(f, 0, 10, NULL));
    row_file_close(f, false);
    f = row_file_open(path, (struct hash128){1, 3}, ROW, PLENTY, &note, &error);
    assert_non_null(f);
    assert_non_null(strstr(note, "made anew"));
    assert_int_equal(count_read(f, 10), 0);
    assert_int_equal(size_of_file(), HEADER);
    row_file_close(f, false);
    free(note);
}

// Every bit of a small file turned over in turn.
static void a_flipped_bit_is_noticed(void **state) {
    (void)state;
    enum { ROWS = 3, SIZE = HEADER + ROWS * RECORD };
    unsigned char bytes[SIZE];
    struct row_file *f = open_rows(PLENTY, false);
    struct mapping m;
    add(f, 0, ROWS, NULL);
    row_file_close(f, false);
    assert_true(mapping_open(&m, path, NULL));
    assert_int_equal(m.size, SIZE);
    memcpy(bytes, m.data, SIZE);
    mapping_close(&m);
    for (int bit = 0; bit < 8 * SIZE; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        write_raw(bytes, SIZE);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        f = open_rows(PLENTY, bit < 8 * HEADER);
        assert_int_equal(count_read(f, ROWS), bit < 8 * HEADER ? 0 : ROWS - 1);
        assert_true(add(f, 0, ROWS, NULL)); // what is missing, again
        assert_int_equal(count_read(f, ROWS), ROWS);
        row_file_close(f, false);
    }
}

// Cut off anywhere, before it is opened and while it is open.
static void a_cut_file_is_noticed(void **state) {
    (void)state;
    enum { ROWS = 3, SIZE = HEADER + ROWS * RECORD };
    for (int size = 0; size <= SIZE; size++)
        for (int open = 0; open < 2; open++) {
            unlink(path);
            struct row_file *f = open_rows(PLENTY, false);
            add(f, 0, ROWS, NULL);
            if (open)
                assert_int_equal(count_read(f, ROWS), ROWS);
            else
                row_file_close(f, false);
            assert_int_equal(truncate(path, size), 0);
            if (!open)
                f = open_rows(PLENTY, size > 0 && size < HEADER);
            assert_int_equal(count_read(f, ROWS), size < HEADER ? 0 : (size - HEADER) / RECORD);
            assert_true(add(f, 0, ROWS, NULL));
            assert_int_equal(count_read(f, ROWS), ROWS);
            row_file_close(f, false);
        }
}

static void garbage_is_nothing(void **state) {
    (void)state;
    for (int round = 0; round < 300; round++) {
        unsigned char bytes[700];
        struct random_key key = random_key(9, RANDOM_PROBE, (uint32_t)round);
        size_t size = 1 + (size_t)random_below(key, 0, 0, 0, sizeof bytes);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (unsigned char)random_below(key, 1, 0, i, 256);
        if (round % 2) { // behind a header that is right
            unlink(path);
            row_file_close(open_rows(PLENTY, false), false);
            int file = open(path, O_WRONLY | O_APPEND);
            assert_int_equal(write(file, bytes, size), (ssize_t)size);
            close(file);
        } else {
            write_raw(bytes, size);
        }
        struct row_file *f = open_rows(PLENTY, round % 2 == 0);
        assert_int_equal(count_read(f, 20), 0);
        assert_true(add(f, 0, 20, NULL));
        assert_int_equal(count_read(f, 20), 20);
        row_file_close(f, false);
    }
}

// A terabyte of nothing takes no longer than what the file may hold.
static void a_huge_file_is_cut_short(void **state) {
    (void)state;
    row_file_close(open_rows(PLENTY, false), false);
    if (truncate(path, (off_t)1 << 40) != 0)
        skip(); // this file system has no such files
    struct row_file *f = open_rows(1 << 20, false);
    assert_int_equal(count_read(f, 3), 0);
    assert_true(add(f, 0, 3, NULL)); // no room
    assert_int_equal(count_read(f, 3), 0);
    row_file_close(f, true);
}

static void other_kinds_of_files_are_refused(void **state) {
    (void)state;
    struct error error;
    char *note;
    assert_int_equal(mkdir(path, 0777), 0);
    assert_null(row_file_open(path, what, ROW, PLENTY, &note, &error));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0666), 0); // nobody writes to it
    assert_null(row_file_open(path, what, ROW, PLENTY, &note, &error));
    unlink(path);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_null(row_file_open(path, what, ROW, PLENTY, &note, &error));
    unlink(path);
    char *none = xprintf("%s/none/at/all", directory);
    assert_null(row_file_open(none, what, ROW, PLENTY, &note, &error));
    assert_null(strchr(error.text, '\n'));
    free(none);
}

static void no_more_than_it_may_hold(void **state) {
    (void)state;
    struct row_file *f = open_rows(HEADER + 5 * RECORD + 1, false);
    assert_true(add(f, 0, 9, NULL));
    assert_int_equal(count_read(f, 9), 5);
    assert_int_equal(size_of_file(), HEADER + 5 * RECORD);
    row_file_close(f, false);
}

// As a full disk: a limit on the size of files.
static void a_full_disk_ends_the_writing(void **state) {
    (void)state;
    struct row_file *f = open_rows(PLENTY, false);
    struct rlimit old, limit;
    struct error error = {0};
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = HEADER + 5 * RECORD + RECORD / 2;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_false(add(f, 0, 9, &error));
    assert_non_null(strstr(error.text, "cannot be written"));
    assert_true(add(f, 5, 9, &error)); // told once
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(count_read(f, 9), 5);
    assert_int_equal(size_of_file(), HEADER + 5 * RECORD); // no half record
    row_file_close(f, false);
    f = open_rows(PLENTY, false);
    assert_true(add(f, 0, 9, NULL));
    assert_int_equal(count_read(f, 9), 9);
    row_file_close(f, false);
}

enum { WRITERS = 4, SHARED = 2000 };

// Each begins elsewhere, so that all are needed, and comes to what others have written.
static void write_shared(int writer) {
    struct row_file *f = open_rows(PLENTY, false);
    for (int i = 0; i < SHARED; i += 4)
        add(f, (i + writer * SHARED / WRITERS) % SHARED, 4, NULL);
    row_file_close(f, false);
}

static void several_write_at_once(void **state) {
    (void)state;
    pid_t child[WRITERS];
    for (int k = 0; k < WRITERS; k++)
        if ((child[k] = fork()) == 0) {
            write_shared(k);
            _exit(0);
        }
    struct row_file *f = open_rows(PLENTY, false);
    for (int i = 0; i < 20 * SHARED; i++) // meanwhile: right or not there
        reads(f, i % SHARED);
    for (int k = 0; k < WRITERS; k++) {
        int status;
        assert_int_equal(waitpid(child[k], &status, 0), child[k]);
        assert_int_equal(status, 0);
    }
    assert_true(add(f, 0, SHARED, NULL)); // what was left out because others were writing
    assert_int_equal(count_read(f, SHARED), SHARED);
    assert_int_equal(size_of_file(), HEADER + SHARED * RECORD); // each once
    row_file_close(f, false);
}

// kill -9 at any time leaves whole records, and no lock.
static void killed_writers_leave_whole_records(void **state) {
    (void)state;
    for (int round = 0; round < 10; round++) {
        pid_t child = fork();
        if (child == 0) {
            struct row_file *f = open_rows(PLENTY, false);
            for (int i = round * 1000;; i++)
                add(f, i, 1, NULL);
        }
        off_t before = files_exist(path) ? size_of_file() : 0;
        while (!files_exist(path) || size_of_file() < before + 50 * RECORD) {
            assert_int_equal(waitpid(child, NULL, WNOHANG), 0); // it is still at work
            usleep(100);
        }
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        struct row_file *f = open_rows(PLENTY, false);
        assert_true(count_read(f, round * 1000 + 100) >= 40);
        assert_true(add(f, -1 - round, 1, NULL));
        assert_true(reads(f, -1 - round));
        assert_int_equal((size_of_file() - HEADER) % RECORD, 0);
        row_file_close(f, false);
    }
}

int main(void) {
    if (!mkdtemp(directory))
        return 1;
    path = files_join(directory, "rows");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_added_is_read, begin),
        cmocka_unit_test_setup(another_prefix_reads_nothing, begin),
        cmocka_unit_test_setup(a_flipped_bit_is_noticed, begin),
        cmocka_unit_test_setup(a_cut_file_is_noticed, begin),
        cmocka_unit_test_setup(garbage_is_nothing, begin),
        cmocka_unit_test_setup(a_huge_file_is_cut_short, begin),
        cmocka_unit_test_setup(other_kinds_of_files_are_refused, begin),
        cmocka_unit_test_setup(no_more_than_it_may_hold, begin),
        cmocka_unit_test_setup(a_full_disk_ends_the_writing, begin),
        cmocka_unit_test_setup(several_write_at_once, begin),
        cmocka_unit_test_setup(killed_writers_leave_whole_records, begin),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    files_remove(directory);
    free(path);
    return failed;
}
