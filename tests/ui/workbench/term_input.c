#include "ui/workbench/term.h"

#include "term_job.h"
#include "test.h"

static void keys_arrive(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        int key;
    } cases[] = {
        {"a", 'a'},
        {"\r", '\n'},
        {"\n", '\n'},
        {"\t", '\t'},
        {"\001", 1},
        {"\023", 19}, // Ctrl-S does not stop the terminal
        {"\026", 22}, // nor does Ctrl-V quote
        {"\177", 127},
        {"\b", 127},
        {"\303\251", 0xe9},
        {"\346\227\245", 0x65e5},
        {"\360\237\230\200", 0x1f600},
        {"\377\303(", '('}, // bytes that are no characters are passed over
        {"\346\227b", 'b'},
        {"\200\200c", 'c'},
        {"\033OA", TERM_UP}, // as terminfo has them
        {"\033OB", TERM_DOWN},
        {"\033OC", TERM_RIGHT},
        {"\033OD", TERM_LEFT},
        {"\033OH", TERM_HOME},
        {"\033OF", TERM_END},
        {"\033[5~", TERM_PAGE_UP},
        {"\033[6~", TERM_PAGE_DOWN},
        {"\033[2~", TERM_INSERT},
        {"\033[3~", TERM_DELETE},
        {"\033[Z", TERM_BACK_TAB},
        {"\033[A", TERM_UP}, // as it does not, but terminals send them
        {"\033[1;9D", TERM_LEFT},
        {"\033[1~", TERM_HOME},
        {"\033[4~", TERM_END},
        {"\033[99;5u\033[?1;2cd", 'd'}, // keys and answers unknown here leave no letters behind
    };
    struct session s;
    session_up(&s);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        session_type(&s, cases[i].bytes);
        session_expect(&s, "key %d", cases[i].key);
    }
    session_type(&s, "q");
    session_expect(&s, "exit 0");
    session_close(&s);
}

// Esc needs no other key to be noticed (the delay of 25 ms is checked in session_up), nor does what
// only begins like a sequence get lost.
static void escape_alone(void **state) {
    (void)state;
    struct session s;
    session_up(&s);
    session_type(&s, "\033");
    session_expect(&s, "key 27");
    session_type(&s, "\033[");
    session_expect(&s, "key 27");
    session_expect(&s, "key %d", '[');
    session_type(&s, "\033x");
    session_expect(&s, "key 27");
    session_expect(&s, "key %d", 'x');
    session_type(&s, "\033[12");
    session_expect(&s, "key 27");
    session_expect(&s, "key %d", '[');
    session_expect(&s, "key %d", '1');
    session_expect(&s, "key %d", '2');
    session_type(&s, "q");
    session_expect(&s, "exit 0");
    session_close(&s);
}

static void bytes_beyond_ascii_in_the_c_locale(void **state) {
    (void)state;
    struct session s;
    job_locale = "C";
    session_up(&s);
    job_locale = "C.UTF-8";
    session_type(&s, "\303\251\377a");
    session_expect(&s, "key %d", 'a');
    session_type(&s, "q");
    session_expect(&s, "exit 0");
    session_close(&s);
}

static void the_mouse(void **state) {
    (void)state;
    struct session s;
    job_mouse = true;
    session_open(&s, job);
    job_mouse = false;
    session_shows(&s, MOUSE_ON);
    session_expect(&s, "up 25");
    session_type(&s, "\033[<0;5;3M\033[<0;5;3m"); // at column 5, row 3, counted from 1
    session_expect(&s, "mouse %d 2 4", MOUSE_CLICK);
    session_type(&s, "\033[<0;5;4M\033[<0;5;4m"); // elsewhere: no double click
    session_expect(&s, "mouse %d 3 4", MOUSE_CLICK);
    session_type(&s, "\033[<0;9;9M\033[<0;9;9m\033[<0;9;9M\033[<0;9;9m\033[<0;9;9M\033[<0;9;9m");
    session_expect(&s, "mouse %d 8 8", MOUSE_CLICK);
    session_expect(&s, "mouse %d 8 8", MOUSE_DOUBLE);
    session_expect(&s, "mouse %d 8 8", MOUSE_CLICK);
    session_type(&s, "\033[<64;80;24M");
    session_expect(&s, "mouse %d 23 79", MOUSE_WHEEL_UP);
    session_type(&s, "\033[<65;1;1M");
    session_expect(&s, "mouse %d 0 0", MOUSE_WHEEL_DOWN);
    session_type(&s, "\033[<64;3;3M\033[<64;3;3M\033[<68;3;3M"); // a burst; the last with Shift
    for (int i = 0; i < 3; i++)
        session_expect(&s, "mouse %d 2 2", MOUSE_WHEEL_UP);
    session_type(&s, "\033[M !!\033[M#!!y"); // from terminals without decimal numbers
    session_expect(&s, "mouse %d 0 0", MOUSE_CLICK);
    session_expect(&s, "key %d", 'y');
    session_type(&s, "\033[<2;5;3M\033[<2;5;3mx"); // other buttons mean nothing
    session_expect(&s, "key %d", 'x');
    session_type(&s, "q");
    session_expect(&s, "exit 0");
    session_shows(&s, "\033[?1006l\033[?1000l");
    session_close(&s);
}

static void waiting_takes_no_time(void **state) {
    (void)state;
    struct session s;
    session_up(&s);
    session_type(&s, "i");
    session_expect(&s, "idle %d asleep", TERM_NONE);
    session_type(&s, "q");
    session_expect(&s, "exit 0");
    session_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_arrive),
        cmocka_unit_test(escape_alone),
        cmocka_unit_test(bytes_beyond_ascii_in_the_c_locale),
        cmocka_unit_test(the_mouse),
        cmocka_unit_test(waiting_takes_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
