// Runs the built program as a person would, in a directory of the test's own.
#ifndef THAW_TESTS_PROGRAM_H
#define THAW_TESTS_PROGRAM_H

#include "directory.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct outcome {
    int code; // exit code; 128 + the signal that ended it
    char *out, *err;
};

// cmocka fixtures: the test's directory is the current one while it runs.
static char program_start[4096];

static inline int program_enter(void **state) {
    return make_directory(state) || !getcwd(program_start, sizeof program_start) ? -1
                                                                                 : chdir(*state);
}

static inline int program_leave(void **state) {
    int code = chdir(program_start);
    return remove_directory(state) || code;
}

#define PROGRAM_TEST(f) cmocka_unit_test_setup_teardown(f, program_enter, program_leave)

// Starts `thaw args...` (NULL-terminated) with these files as output. `file_most`: bytes that it
// may write to any file; 0: no limit.
static inline pid_t program_begin(const char *const *args, int out, int err, rlim_t file_most) {
    char *argv[64] = {xstrdup("thaw")};
    int count = 1;
    for (; args[count - 1]; count++)
        argv[count] = xstrdup(args[count - 1]);
    const char *program = getenv("THAW_PROGRAM");
    assert_non_null(program);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit = {file_most, file_most};
        if (file_most)
            setrlimit(RLIMIT_FSIZE, &limit);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        execv(program, argv);
        _exit(127);
    }
    while (count > 0)
        free(argv[--count]);
    return child;
}

static inline int program_end(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// The whole of an open file as text.
static inline char *program_text(FILE *file) {
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    char *text = xcalloc(size + 1, 1);
    rewind(file);
    assert_int_equal(fread(text, 1, size, file), size);
    return text;
}

static inline struct outcome program_limited(rlim_t file_most, const char *const *args) {
    FILE *out = tmpfile(), *err = tmpfile();
    assert_true(out && err);
    struct outcome o = {0};
    o.code = program_end(program_begin(args, fileno(out), fileno(err), file_most));
    o.out = program_text(out);
    o.err = program_text(err);
    fclose(out);
    fclose(err);
    return o;
}

// RUN("show", "mlp"): what became of `thaw show mlp`. Close with outcome_close.
#define RUN(...) program_limited(0, (const char *const[]){__VA_ARGS__, NULL})

static inline void outcome_close(struct outcome *o) {
    free(o->out);
    free(o->err);
    *o = (struct outcome){0};
}

static inline void assert_contains(const char *text, const char *part) {
    assert_true(text && part);
    const char *found = strstr(text, part);
    if (!found)
        print_error("'%s' is not in:\n%s\n", part ? part : "", text ? text : "");
    assert_non_null(found);
}

static inline void assert_lacks(const char *text, const char *part) {
    assert_true(text && part);
    const char *found = strstr(text, part);
    if (found)
        print_error("'%s' is in:\n%s\n", part ? part : "", text ? text : "");
    assert_null(found);
}

// Success, and nothing on stderr.
static inline void assert_done(const struct outcome *o) {
    if (o->code != 0)
        fail_msg("exit code %d: %s", o->code, o->err);
    assert_string_equal(o->err, "");
}

// One line that begins with "thaw" and says `why`, this exit code, and nothing on stdout.
static inline void assert_refused(const struct outcome *o, int code, const char *why) {
    if (o->code != code)
        fail_msg("exit code %d: %s", o->code, o->err);
    assert_string_equal(o->out, "");
    assert_memory_equal(o->err, "thaw", 4);
    assert_contains(o->err, why);
    char *newline = strchr(o->err, '\n');
    assert_true(newline && newline[1] == '\0');
}

static inline void write_text(const char *path, const char *text) {
    assert_true(files_write(path, text, strlen(text), NULL));
}

// Runs tiny.yaml, quietly, with one key set.
static inline void program_train(const char *threads, const char *setting, const char *out) {
    struct outcome o =
        RUN("run", "tiny.yaml", "--quiet", "--threads", threads, "--set", setting, "--out", out);
    if (o.code != 0)
        fail_msg("%s", o.err);
    outcome_close(&o);
}

// tiny.yaml with this setting is refused, and nothing is left behind.
static inline void program_refuses(const char *setting, const char *why) {
    struct outcome o = RUN("run", "tiny.yaml", "--out", "out", "--set", setting);
    assert_refused(&o, 2, why);
    assert_false(files_exist("out"));
    outcome_close(&o);
}

// Contents as text; fails when there is no such file.
static inline char *read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("there is no %s", path);
    char *text = program_text(file);
    fclose(file);
    return text;
}

static inline void assert_same_file(const char *a, const char *b) {
    struct mapping x, y;
    assert_true(mapping_open(&x, a, NULL) && mapping_open(&y, b, NULL));
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    mapping_close(&x);
    mapping_close(&y);
}

// Calls `each` for every line, which must be a JSON object; returns how many there are. Changes
// text.
static inline int json_lines(char *text, void (*each)(json_t *object, void *context),
                             void *context) {
    int count = 0;
    for (char *line, *rest = text; (line = strsep(&rest, "\n")) && rest; count++) {
        json_error_t why;
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &why);
        if (!json_is_object(object))
            fail_msg("not a JSON object (%s): %s", why.text, line);
        if (each)
            each(object, context);
        json_decref(object);
    }
    return count;
}

// A network and data that train in a moment.
static const char program_tiny[] = "model: {name: mlp}\n"
                                   "data: {name: digits, limit: 10, test_limit: 5}\n"
                                   "train: {epochs: 2, batch: 10}\n";

#endif
