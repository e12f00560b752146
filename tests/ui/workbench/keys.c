// The one table of keys, and what is made from it: dispatch and help.
#include "ui/workbench/keys.h"
#include "base/files.h"
#include "base/xalloc.h"
#include "screen.h"
#include "test.h"
#include "ui/workbench/draw.h"
#include "ui/workbench/help.h"
#include "ui/workbench/term.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void no_key_means_two_things_in_a_view(void **state) {
    (void)state;
    for (int i = 0; i < key_binding_count; i++)
        for (int k = i + 1; k < key_binding_count; k++)
            if (key_bindings[i].key == key_bindings[k].key &&
                (key_bindings[i].views & key_bindings[k].views))
                fail_msg("'%s' means two things", key_bindings[i].name);
}

static void rows_are_whole(void **state) {
    (void)state;
    for (int i = 0; i < key_binding_count; i++) {
        const struct key_binding *b = &key_bindings[i];
        assert_true(b->action != ACTION_NONE && b->views && b->name[0] && b->group[0]);
        if (b->help)
            continue;
        assert_true(i > 0 && b[-1].action == b->action); // a second key for the one before
        assert_int_equal(b->views, b[-1].views);
    }
}

static void dispatch_follows_the_table(void **state) {
    (void)state;
    assert_int_equal(key_action(' ', VIEW_TRAIN), ACTION_TOGGLE);
    assert_int_equal(key_action(' ', VIEW_LOG), ACTION_NONE);
    assert_int_equal(key_action('q', VIEW_DATA), ACTION_QUIT);
    assert_int_equal(key_action('4', VIEW_LOG), ACTION_VIEW);
    assert_int_equal(key_action(TERM_UP, VIEW_RUNS), ACTION_UP);
    assert_int_equal(key_action('7', VIEW_TRAIN), ACTION_NONE);
    assert_int_equal(key_action(0, VIEW_TRAIN), ACTION_NONE);
}

static bool word_in(const char *word, const char *words) {
    size_t n = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at++)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

static int count_words(const char *text) {
    int count = text[0] != '\0';
    for (; *text; text++)
        count += *text == ' ';
    return count;
}

// As many keys as are valid, and each valid one in a line with its help.
static void help_lists_exactly_the_valid_keys(void **state) {
    (void)state;
    for (int view = 0; view < VIEW_COUNT; view++) {
        struct help_line lines[HELP_LINES];
        int count = help_lines((enum view_id)view, lines), valid = 0, listed = 0;
        assert_true(count > 0 && count < HELP_LINES);
        for (int i = 0; i < count; i++)
            listed += count_words(lines[i].keys);
        for (int i = 0; i < key_binding_count; i++) {
            const struct key_binding *b = &key_bindings[i];
            if (!(b->views >> view & 1))
                continue;
            int found = 0;
            for (int k = 0; k < count; k++)
                found +=
                    word_in(b->name, lines[k].keys) && (!b->help || strstr(lines[k].text, b->help));
            assert_int_equal(found, 1);
            valid++;
        }
        assert_int_equal(listed, valid);
    }
}

// The digits are told whole in a column of the narrowest terminal.
static void help_does_not_cut_the_views(void **state) {
    (void)state;
    struct help_line lines[HELP_LINES];
    int count = help_lines(VIEW_TRAIN, lines), found = 0;
    for (int i = 0; i < count; i++) {
        found += strcmp(lines[i].text, "train, layers, schedule") == 0;
        found += strcmp(lines[i].text, "data, runs, log") == 0;
    }
    assert_int_equal(found, 2);
}

// Keys are indented, headings are not.
static void no_heading_ends_a_column(void **state) {
    (void)state;
    enum { HEIGHT = 50, WIDTH = 80 };
    struct screen s = screen_open(HEIGHT, WIDTH, (struct theme_options){0});
    for (int view = 0; view < VIEW_COUNT; view++)
        for (int h = 10; h <= HEIGHT; h++) {
            draw_clear((struct area){0, 0, HEIGHT, WIDTH});
            int rows = help_draw((struct area){0, 0, h, WIDTH}, (enum view_id)view, 0);
            for (int column = 0; column < WIDTH && rows <= h; column += WIDTH / 2)
                assert_int_equal(screen_cell(rows - 1, column), L' ');
        }
    screen_close(&s);
}

// A line of the README that has both the key and what it does.
static bool readme_tells(const char *readme, const char *name, const char *help) {
    char key[64];
    snprintf(key, sizeof key, "`%s`", name);
    for (const char *line = readme; line; line = strchr(line + 1, '\n')) {
        size_t length = strcspn(line + 1, "\n") + 1;
        const char *at = strstr(line, key), *text = strstr(line, help);
        if (at && text && at < text && text < line + length)
            return true;
    }
    return false;
}

static void the_readme_lists_every_key(void **state) {
    (void)state;
    char *path = files_join(getenv("THAW_SOURCE") ? getenv("THAW_SOURCE") : ".", "README.md");
    struct mapping file;
    struct error error;
    if (!mapping_open(&file, path, &error))
        fail_msg("%s", error.text);
    char *readme = xstrndup((const char *)file.data, file.size);
    const char *help = NULL;
    for (int i = 0; i < key_binding_count; i++) {
        const struct key_binding *b = &key_bindings[i];
        help = b->help ? b->help : help;
        if (!readme_tells(readme, b->name, help))
            fail_msg("README.md does not say that %s means: %s", b->name, help);
    }
    free(readme);
    free(path);
    mapping_close(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_means_two_things_in_a_view),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(dispatch_follows_the_table),
        cmocka_unit_test(help_lists_exactly_the_valid_keys),
        cmocka_unit_test(help_does_not_cut_the_views),
        cmocka_unit_test(no_heading_ends_a_column),
        cmocka_unit_test(the_readme_lists_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
