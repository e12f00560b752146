#include "ui/cli/table.h"
#include "base/xalloc.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

static const struct table_column columns[] = {{"name", false}, {"n", true}, {"state", false}};

static char *printed(const struct table *t) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    table_print(t, out);
    fclose(out);
    return text;
}

static void check(struct table *t, const char *expected) {
    char *text = printed(t);
    assert_string_equal(text, expected);
    free(text);
    table_close(t);
}

static void add(struct table *t, const char *name, const char *n, const char *state) {
    table_row(t);
    table_cell(t, 0, name);
    table_cell(t, 1, n);
    table_cell(t, 2, state);
}

static void columns_fit_their_widest_cell(void **state) {
    (void)state;
    struct table t = table_open(columns, 3);
    add(&t, "a", "1,000", "frozen");
    add(&t, "a longer one", "2", "");
    check(&t, "name              n  state\n"
              "a             1,000  frozen\n"
              "a longer one      2\n");
}

static void empty_cells_leave_gaps_but_no_blanks_at_the_end(void **state) {
    (void)state;
    struct table t = table_open(columns, 3);
    table_row(&t);
    add(&t, "", "", "frozen");
    check(&t, "name  n  state\n"
              "\n"
              "         frozen\n");
}

static void a_mark_reaches_from_edge_to_edge(void **state) {
    (void)state;
    struct table t = table_open(columns, 3);
    add(&t, "first", "12", "frozen");
    table_mark(&t, "here");
    check(&t, "name    n  state\n"
              "first  12  frozen\n"
              "-- here ---------\n");
}

static void width_counts_characters_not_bytes(void **state) {
    (void)state;
    struct table t = table_open(columns, 3);
    add(&t, "\xc3\xa9t\xc3\xa9", "1", "x");
    add(&t, "summer", "2", "y");
    check(&t, "name    n  state\n"
              "\xc3\xa9t\xc3\xa9     1  x\n"
              "summer  2  y\n");
}

static void the_last_value_of_a_cell_counts(void **state) {
    (void)state;
    struct table t = table_open(columns, 3);
    add(&t, "first", "1", "x");
    table_cell(&t, 0, "b");
    check(&t, "name  n  state\n"
              "b     1  x\n");
}

static void nothing_in_a_cell_can_steer_a_terminal(void **state) {
    (void)state;
    char *plain = table_plain("a\033[2J\n\x7f\t\xc2\x9b"
                              "31m\xc2\xa9");
    assert_string_equal(plain, "a?[2J????31m\xc2\xa9");
    free(plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_fit_their_widest_cell),
        cmocka_unit_test(empty_cells_leave_gaps_but_no_blanks_at_the_end),
        cmocka_unit_test(a_mark_reaches_from_edge_to_edge),
        cmocka_unit_test(width_counts_characters_not_bytes),
        cmocka_unit_test(the_last_value_of_a_cell_counts),
        cmocka_unit_test(nothing_in_a_cell_can_steer_a_terminal),
    };
    return cmocka_run_group_tests_name("ui/cli/table", tests, NULL, NULL);
}
