// thaw doctor, without a terminal: what it says about the machine, and how it takes a poor one.
#include "program.h"
#include <math.h>
#include <sched.h>

// The fact of this name; NULL when there is none. Borrowed.
static json_t *fact(const json_t *all, const char *name) {
    size_t i;
    json_t *f;
    json_array_foreach(json_object_get(all, "facts"), i, f) {
        if (strcmp(json_string_value(json_object_get(f, "name")), name) == 0)
            return f;
    }
    return NULL;
}

static const char *text_of(const json_t *all, const char *name, const char *key) {
    const json_t *f = fact(all, name);
    if (!f)
        fail_msg("there is no fact '%s'", name);
    const char *text = json_string_value(json_object_get(f, key));
    return text ? text : "";
}

static json_t *diagnosis(void) {
    struct outcome o = RUN("doctor", "--json");
    assert_done(&o);
    json_t *all = json_loads(o.out, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(all);
    outcome_close(&o);
    return all;
}

static void says_what_the_machine_has_and_times_real_steps(void **state) {
    (void)state;
    static const char *const names[] = {"step, head", "step, first block", "step, all"};
    json_t *all = diagnosis();
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    assert_int_equal(atoi(text_of(all, "cores", "value")), CPU_COUNT(&set));
    assert_true(json_is_true(json_object_get(all, "fit")));
    assert_contains(text_of(all, "instructions", "value"), "baseline");
    assert_contains(text_of(all, "BLAS", "value"), "OpenBLAS");
    assert_contains(text_of(all, "memory", "value"), "available");
    assert_string_equal(text_of(all, "terminal", "state"), "note"); // it is run without one
    for (int i = 0; i < 3; i++) {
        json_t *f = fact(all, names[i]);
        assert_non_null(f);
        double ms = json_real_value(json_object_get(f, "milliseconds"));
        double rate = json_real_value(json_object_get(f, "images_per_second"));
        assert_true(ms > 0);
        assert_true(fabs(rate * ms / 1000 - 32) < 0.01); // the demonstration's batch
    }
    json_decref(all);
}

static void notes_what_makes_it_worse(void **state) {
    (void)state;
    setenv("THAW_ISA", "nonsense", 1);
    setenv("OPENBLAS_CORETYPE", "Haswell", 1);
    setenv("LC_ALL", "C", 1);
    json_t *all = diagnosis();
    assert_string_equal(text_of(all, "instructions", "state"), "note");
    assert_contains(text_of(all, "instructions", "advice"), "ignored");
    assert_string_equal(text_of(all, "BLAS preset", "state"), "note");
    assert_string_equal(text_of(all, "BLAS preset", "value"), "OPENBLAS_CORETYPE=Haswell");
    assert_string_equal(text_of(all, "locale", "state"), "note");
    json_decref(all);
    unsetenv("THAW_ISA");
    unsetenv("OPENBLAS_CORETYPE");
    unsetenv("LC_ALL");
}

static void prints_a_line_a_fact(void **state) {
    (void)state;
    struct outcome o = RUN("doctor"), wrong = RUN("doctor", "who");
    assert_done(&o);
    assert_contains(o.out, "images/s");
    assert_contains(o.out, "\nfit");
    assert_refused(&wrong, 2, "--json");
    outcome_close(&o);
    outcome_close(&wrong);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(says_what_the_machine_has_and_times_real_steps),
        PROGRAM_TEST(notes_what_makes_it_worse),
        PROGRAM_TEST(prints_a_line_a_fact),
    };
    return cmocka_run_group_tests_name("ui/cli/doctor", tests, NULL, NULL);
}
