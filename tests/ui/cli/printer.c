// What the headless printer says of a session, by a session that is only told.
#include "ui/cli/printer.h"
#include "publish.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

// Records without a trainer: a publisher behind the doors that the printer uses.
struct told {
    struct session session; // first
    struct publisher publisher;
};

static void told_look(struct session *s, struct snapshot *out) {
    (void)s;
    *out = (struct snapshot){.state = SESSION_FINISHED, .epochs = 3};
}

static int told_read(struct session *s, int64_t *cursor, struct record *out, int most) {
    return publish_read(&((struct told *)s)->publisher, cursor, out, most);
}

static void told_open(struct told *t) {
    *t = (struct told){.session = {.look = told_look, .read = told_read}};
    pthread_mutex_init(&t->publisher.lock, NULL);
    pthread_cond_init(&t->publisher.changed, NULL);
    t->publisher.ring = calloc(PUBLISH_RECORDS, sizeof *t->publisher.ring);
}

static void told_close(struct told *t) {
    pthread_mutex_destroy(&t->publisher.lock);
    pthread_cond_destroy(&t->publisher.changed);
    free(t->publisher.ring);
}

// Steps first .. last.
static void tell_steps(struct told *t, int64_t first, int64_t last) {
    for (int64_t step = first; step <= last; step++)
        publish_record(&t->publisher, &(struct record){.kind = RECORD_STEP, .step = step});
}

static int lines_of(const char *text) {
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

// What the printer wrote in this style; the caller frees.
static char *printed(struct told *t, struct printer *p, enum printer_style style) {
    char *text = NULL;
    size_t size;
    p->style = style;
    p->out = open_memstream(&text, &size);
    printer_update(p, &t->session);
    fclose(p->out);
    return text;
}

static void records_that_were_missed_are_told(void **state) {
    (void)state;
    struct told t;
    struct printer p = {0}, person = {0};
    told_open(&t);
    tell_steps(&t, 1, 10);
    free(printed(&t, &person, PRINT_LINES));
    char *text = printed(&t, &p, PRINT_JSON);
    assert_int_equal(lines_of(text), 10);
    assert_null(strstr(text, "note"));
    free(text);
    tell_steps(&t, 11, 10 + PUBLISH_RECORDS + 7);
    text = printed(&t, &p, PRINT_JSON);
    assert_int_equal(lines_of(text), 1 + PUBLISH_RECORDS);
    assert_memory_equal(text, "{\"kind\":\"note\"", 14);
    assert_non_null(strstr(text, "\"step\":18"));
    assert_non_null(strstr(text, "7 records are missing here"));
    free(text);
    text = printed(&t, &person, PRINT_LINES);
    assert_int_equal(lines_of(text), 1);
    assert_memory_equal(text, "note     7 records", 18);
    free(text);
    told_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_that_were_missed_are_told),
    };
    return cmocka_run_group_tests_name("ui/cli/printer", tests, NULL, NULL);
}
