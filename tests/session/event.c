#include "session/event.h"
#include "base/files.h"
#include "base/xalloc.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char directory[] = "thaw-event-XXXXXX", *path;

static int make_directory(void **state) {
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    path = files_join(directory, "events.jsonl");
    return 0;
}

static int remove_directory(void **state) {
    (void)state;
    files_remove(directory);
    free(path);
    return 0;
}

static bool read_text(const char *text, size_t size, struct event_list *list, struct error *error) {
    if (!files_write(path, text, size, error))
        fail_msg("%s", error->text);
    *error = (struct error){0};
    return event_read(path, list, error);
}

static struct event_list events_of(const char *text) {
    struct event_list list;
    struct error error;
    if (!read_text(text, strlen(text), &list, &error))
        fail_msg("%s", error.text);
    return list;
}

static void a_line_is_one_json_object(void **state) {
    (void)state;
    char text[] = "thaw layer1";
    struct event e = {.id = 3, .parent = 2, .branch = 1, .step = 40, .who = "user", .text = text};
    char *line = event_line(&e);
    assert_string_equal(line, "{\"id\":3,\"parent\":2,\"branch\":1,\"step\":40,\"who\":\"user\","
                              "\"do\":\"thaw layer1\"}");
    free(line);
}

static void lines_are_read_back(void **state) {
    (void)state;
    static const char *const texts[] = {"start: thaw 0.1.0",         "lr block x0.5",
                                        "quote \" slash \\ /",       "line\nbreak\ttab \x01",
                                        "K\xc3\xa4lte \xe2\x9d\x84", ""};
    static const char *const who[] = {"thaw", "user", "schedule", "strategy", "fifteen letters",
                                      ""};
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 6; i++) {
        struct event e = {.id = 1 + ((int64_t)i << 40), .branch = i / 2, .step = (int64_t)i << 41};
        e.parent = i ? 1 + ((int64_t)(i - 1) << 40) : 0;
        strcpy(e.who, who[i]);
        e.text = xstrdup(texts[i]);
        char *line = event_line(&e);
        assert_null(strchr(line, '\n'));
        fprintf(file, "%s\n", line);
        free(line);
        free(e.text);
    }
    fclose(file);
    struct event_list list;
    struct error error;
    assert_true(event_read(path, &list, &error));
    assert_int_equal(list.count, 6);
    for (int i = 0; i < 6; i++) {
        assert_true(list.items[i].id == 1 + ((int64_t)i << 40));
        assert_true(list.items[i].step == (int64_t)i << 41);
        assert_true(list.items[i].parent == (i ? list.items[i - 1].id : 0));
        assert_int_equal(list.items[i].branch, i / 2);
        assert_string_equal(list.items[i].who, who[i]);
        assert_string_equal(list.items[i].text, texts[i]);
    }
    event_list_close(&list);
}

#define EVENT(id, parent, branch, step, who, text)                                                 \
    "{\"id\":" #id ",\"parent\":" #parent ",\"branch\":" #branch ",\"step\":" #step                \
    ",\"who\":\"" who "\",\"do\":\"" text "\"}\n"
#define FIRST EVENT(1, 0, 0, 0, "thaw", "start")
#define SECOND EVENT(2, 1, 0, 10, "user", "thaw all")

static const struct {
    const char *text;
    int line; // that the error names
} malformed[] = {
    {"\n", 1},
    {FIRST "\n" SECOND, 2},
    {FIRST SECOND "nonsense\n", 3},
    {FIRST "[1, 2]\n", 2},
    {FIRST "{\"id\":2}\n", 2},
    {FIRST "{\"id\":2,\"parent\":1,\"branch\":0,\"step\":1,\"who\":\"user\"}\n", 2},
    {FIRST "{\"id\":2,\"parent\":1,\"branch\":0,\"step\":1,\"who\":\"user\",\"do\":1}\n", 2},
    {FIRST "{\"id\":2,\"id\":3,\"parent\":1,\"branch\":0,\"step\":1,\"who\":\"u\",\"do\":\"\"}\n",
     2},
    {EVENT("1", 0, 0, 0, "thaw", "start"), 1},
    {EVENT(1, 0, 0, 0.5, "thaw", "start"), 1},
    {EVENT(1, 0, 0, -1, "thaw", "start"), 1},
    {EVENT(1, 0, -1, 0, "thaw", "start"), 1},
    {EVENT(1, 0, 2147483648, 0, "thaw", "start"), 1},
    {EVENT(99999999999999999999, 0, 0, 0, "thaw", "start"), 1},
    {EVENT(1, 0, 0, 0, "sixteen letters!", "start"), 1},
    {EVENT(1, 0, 0, 0, "thaw", "\xff"), 1},
    {EVENT(1, 0, 0, 0, "thaw", "\\u0000"), 1},
    {FIRST "{\"id\":2,\"parent\":1,\"branch\":0\n" SECOND, 2},
    {EVENT(1, 0, 0, 0, "thaw", "start") "{} " SECOND, 2},
    // Order: ids rise, parents are known, steps do not fall below the parent's.
    {EVENT(0, 0, 0, 0, "thaw", "start"), 1},
    {EVENT(1, 1, 0, 0, "thaw", "start"), 1},
    {FIRST SECOND EVENT(2, 1, 0, 20, "user", "lr x2"), 3},
    {FIRST SECOND EVENT(1, 0, 0, 20, "user", "lr x2"), 3},
    {FIRST SECOND EVENT(3, 3, 0, 20, "user", "lr x2"), 3},
    {FIRST SECOND EVENT(4, 3, 0, 20, "user", "lr x2"), 3},
    {FIRST SECOND EVENT(3, 2, 0, 9, "user", "lr x2"), 3},
    {FIRST SECOND EVENT(3, 2, 1, 9, "user", "rewind"), 3},
};

static void malformed_lines_are_named(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        const char *text = malformed[i].text;
        struct event_list list;
        struct error error;
        if (read_text(text, strlen(text), &list, &error))
            fail_msg("read: %s", text);
        char *place = xprintf("events.jsonl:%d: ", malformed[i].line);
        if (!strstr(error.text, place))
            fail_msg("'%s' does not name line %d of: %s", error.text, malformed[i].line, text);
        assert_int_equal(error.kind, ERROR_REQUEST);
        assert_true(list.items == NULL && list.count == 0);
        free(place);
    }
}

static void a_nul_byte_is_malformed(void **state) {
    (void)state;
    static const char text[] = FIRST "{\"id\":2,\"parent\":1,\"bra\0nch\":0}\n";
    struct event_list list;
    struct error error;
    assert_false(read_text(text, sizeof text - 1, &list, &error));
    assert_non_null(strstr(error.text, "events.jsonl:2: "));
}

// Whatever a crash left of the last line, the lines before it are read.
static void a_cut_last_line_is_left_out(void **state) {
    (void)state;
    static const char text[] = FIRST SECOND;
    size_t first = sizeof FIRST - 1;
    for (size_t size = 0; size <= sizeof text - 1; size++) {
        struct event_list list;
        struct error error;
        assert_true(read_text(text, size, &list, &error));
        assert_int_equal(list.count, (size >= first) + (size == sizeof text - 1));
        event_list_close(&list);
    }
}

static void a_missing_file_is_an_error(void **state) {
    (void)state;
    struct event_list list;
    struct error error;
    files_remove(path);
    assert_false(event_read(path, &list, &error));
    assert_int_equal(error.kind, ERROR_REQUEST);
    assert_non_null(strstr(error.text, path));
}

// The tree: branch 0 is 1-2-3-5; branch 1 leaves it after 2, branch 2 leaves branch 1, branch 3
// begins at the start anew, where nothing had happened yet.
#define TREE                                                                                       \
    EVENT(1, 0, 0, 0, "thaw", "start")                                                             \
    EVENT(2, 1, 0, 5, "user", "thaw layer4")                                                       \
    EVENT(3, 2, 0, 9, "schedule", "thaw layer3")                                                   \
    EVENT(5, 3, 0, 9, "user", "lr x0.5")                                                           \
    EVENT(6, 2, 1, 7, "user", "rewind")                                                            \
    EVENT(7, 6, 1, 8, "user", "thaw all")                                                          \
    EVENT(8, 6, 2, 7, "user", "rewind")                                                            \
    EVENT(9, 8, 2, 7, "user", "undo")                                                              \
    EVENT(12, 0, 3, 0, "user", "rewind")                                                           \
    EVENT(13, 12, 3, 2, "user", "bn batch")

static void check_ids(const struct event_list *list, const int *ids) {
    for (int i = 0; i < list->count; i++)
        assert_int_equal(list->items[i].id, ids[i]);
    assert_int_equal(ids[list->count], 0);
}

static void a_branch_is_the_way_from_the_root_to_its_end(void **state) {
    (void)state;
    static const int ways[4][8] = {{1, 2, 3, 5}, {1, 2, 6, 7}, {1, 2, 6, 8, 9}, {12, 13}};
    for (int branch = 0; branch < 4; branch++) {
        struct event_list list = events_of(TREE);
        struct error error;
        assert_true(event_keep_branch(&list, branch, &error));
        check_ids(&list, ways[branch]);
        event_list_close(&list);
    }
}

static void an_unknown_branch_is_refused(void **state) {
    (void)state;
    struct event_list list = events_of(TREE);
    struct error error;
    assert_false(event_keep_branch(&list, 4, &error));
    assert_string_equal(error.text, "there is no branch 4; the branches are 0 to 3");
    assert_int_equal(list.count, 10);
    assert_false(event_keep_branch(&list, -1, &error));
    event_list_close(&list);
    assert_false(event_keep_branch(&list, 0, &error)); // of no events
}

static void the_user_s_acts_are_kept(void **state) {
    (void)state;
    static const int all[] = {2, 5, 7, 9, 13, 0}, later[] = {9, 13, 0}, none[] = {0};
    const int *const expected[] = {all, later, none};
    static const int64_t after[] = {-1, 7, 13};
    for (int i = 0; i < 3; i++) {
        struct event_list list = events_of(TREE);
        event_keep_user(&list, after[i]);
        check_ids(&list, expected[i]);
        event_list_close(&list);
    }
}

// 0: 1 at 0, 2 at 6; 1 (from 0 at 4): 3 at 4, 4 at 9; 2 (from 1 at 9): 5 at 9; 3 (from 1 at 5): 6
// at 5.
static const char tree[] =
    "{\"id\":1,\"parent\":0,\"branch\":0,\"step\":0,\"who\":\"thaw\",\"do\":\"start\"}\n"
    "{\"id\":2,\"parent\":1,\"branch\":0,\"step\":6,\"who\":\"user\",\"do\":\"thaw a\"}\n"
    "{\"id\":3,\"parent\":1,\"branch\":1,\"step\":4,\"who\":\"user\",\"do\":\"rewind\"}\n"
    "{\"id\":4,\"parent\":3,\"branch\":1,\"step\":9,\"who\":\"user\",\"do\":\"thaw b\"}\n"
    "{\"id\":5,\"parent\":4,\"branch\":2,\"step\":9,\"who\":\"user\",\"do\":\"rewind\"}\n"
    "{\"id\":6,\"parent\":3,\"branch\":3,\"step\":5,\"who\":\"user\",\"do\":\"rewind\"}\n";

static void branches_grow_from_their_parents(void **state) {
    (void)state;
    static const struct {
        int parent;
        int64_t step;
    } forks[] = {{-1, 0}, {0, 4}, {1, 9}, {1, 5}, {-1, 0}}; // the last one is none
    struct event_list list = events_of(tree);
    for (int branch = 0, parent; branch < 5; branch++) {
        assert_int_equal(event_fork(&list, branch, &parent), forks[branch].step);
        assert_int_equal(parent, forks[branch].parent);
    }
    event_list_close(&list);
}

static void places_have_events_before_them(void **state) {
    (void)state;
    static const struct {
        int branch, step, id;
    } places[] = {{0, 0, 1}, {0, 5, 1}, {0, 6, 2}, {0, 99, 2}, {1, 3, 1}, {1, 4, 3},
                  {1, 8, 3}, {1, 9, 4}, {2, 9, 5}, {2, 8, 3},  {3, 5, 6}, {3, 4, 3}};
    struct event_list list = events_of(tree);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const struct event *e = event_before(&list, places[i].branch, places[i].step);
        assert_non_null(e);
        assert_int_equal(e->id, places[i].id);
    }
    assert_null(event_before(&list, 4, 9));
    event_list_close(&list);
}

static void what_leads_to_a_place_is_on_its_way(void **state) {
    (void)state;
    static const struct {
        int at_branch, at_step, branch, step;
        bool leads;
    } ways[] = {
        {0, 6, 0, 6, true},  {0, 7, 0, 6, false}, {0, 4, 1, 9, true},  {0, 5, 1, 9, false},
        {1, 4, 0, 9, false}, {0, 4, 2, 9, true},  {1, 9, 2, 12, true}, {1, 10, 2, 12, false},
        {1, 6, 3, 9, false}, {2, 9, 3, 9, false}, {1, 5, 3, 9, true},  {0, 3, 1, 2, false},
    };
    struct event_list list = events_of(tree);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        assert_int_equal(
            event_leads_to(&list, ways[i].at_branch, ways[i].at_step, ways[i].branch, ways[i].step),
            ways[i].leads);
    event_list_close(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_json_object),
        cmocka_unit_test(lines_are_read_back),
        cmocka_unit_test(malformed_lines_are_named),
        cmocka_unit_test(a_nul_byte_is_malformed),
        cmocka_unit_test(a_cut_last_line_is_left_out),
        cmocka_unit_test(a_missing_file_is_an_error),
        cmocka_unit_test(a_branch_is_the_way_from_the_root_to_its_end),
        cmocka_unit_test(an_unknown_branch_is_refused),
        cmocka_unit_test(the_user_s_acts_are_kept),
        cmocka_unit_test(branches_grow_from_their_parents),
        cmocka_unit_test(places_have_events_before_them),
        cmocka_unit_test(what_leads_to_a_place_is_on_its_way),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
