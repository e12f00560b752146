// The workbench's whole life on a terminal: a thread opens the source, a trainer trains, and the
// test sits at the keyboard of a pty. What the workbench sends and how it ended comes as a report.
#include "test.h"
#define session pty // both harnesses call their struct so
#include "term_session.h"
#undef session
#include "trainer_session.h"
#include "ui/workbench/app.h"

// What the job finds; set before it is forked.
static int gate[2];            // a byte opens the source; 'x': it cannot be opened
static const char *run_folder; // its run and its preferences
static int refusals;           // of COMMAND_STOP, as if the queue was full

static struct tiny tiny;
static bool (*door_send)(struct session *, const struct command *);
static void (*door_look)(struct session *, struct snapshot *);

static bool told_send(struct session *s, const struct command *c) {
    if (c->kind == COMMAND_STOP && refusals-- > 0)
        return false;
    if (c->kind != COMMAND_STOP)
        session_say("sent %d %s", c->kind, c->text);
    return door_send(s, c);
}

// Says once that it trains, and once that the epoch's end is reached.
static void told_look(struct session *s, struct snapshot *out) {
    static bool trained, epoch;
    door_look(s, out);
    if (out->step > 0 && !trained)
        session_say("trains");
    if (out->step == 8 && out->state == SESSION_PAUSED && !epoch)
        session_say("epoch");
    trained |= out->step > 0;
    epoch |= out->step == 8 && out->state == SESSION_PAUSED;
}

static bool open_tiny(void *context, struct app_session *out, struct error *error) {
    static const char *const sets[] = {"train.epochs=100000", "freeze.rules=[thaw head]",
                                       "train.save_every=1000000", NULL};
    char byte = 'x';
    (void)context;
    if (read(gate[0], &byte, 1) != 1 || byte == 'x')
        return error_set(error, "there is no such experiment");
    tiny_open(&tiny, 2, sets);
    const struct dataset *validation = tiny.training->data.validation;
    char *directory = files_join(run_folder, "run");
    struct trainer_options options = {.paused = true, .interactive = true, .point_bytes = 1 << 20};
    *out = (struct app_session){.session = start(&tiny, directory, options),
                                .experiment = &tiny.experiment,
                                .model = tiny.model,
                                .validation = validation,
                                .pool = tiny.pool,
                                .directory = directory};
    door_send = out->session->send;
    door_look = out->session->look;
    out->session->send = told_send;
    out->session->look = told_look;
    return true;
}

// As `thaw open` ends.
static void end_job(const struct app_result *result) {
    struct snapshot last = {0};
    if (result->loading) {
        session_say("loading");
        _exit(result->interrupted ? 130 : 0);
    }
    door_look(result->session, &last);
    result->session->close(result->session);
    session_say("ended %d after some steps: %d, discard %d", last.state, last.step > 0,
                result->discard);
    tiny_close(&tiny);
    exit(result->interrupted ? 130 : 0);
}

static void run_job(void) {
    struct app_result result;
    struct error error;
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("XDG_CONFIG_HOME", run_folder, 1);
    struct app_source source = {.title = "tiny", .open = open_tiny};
    if (!app_run(&(struct app_options){.colour = true, .mouse = true}, &source, &result, &error)) {
        session_say("error %s", error.text);
        exit(error_exit_code(&error));
    }
    end_job(&result);
}

static void open_gate(char byte) {
    assert_int_equal(write(gate[1], &byte, 1), 1);
}

// The first frame stands before anything is opened.
static void begin(struct pty *p, void **state) {
    run_folder = *state;
    assert_int_equal(pipe(gate), 0);
    session_open(p, run_job);
    session_shows(p, "loading");
}

static void end(struct pty *p, int code) {
    session_expect(p, "exit %d", code);
    session_shows(p, "\033[?1049l");
    session_modes_are_back(p);
    session_close(p);
    close(gate[0]);
    close(gate[1]);
}

// The run that was left: its step.
static int64_t saved_step(void **state) {
    struct tiny t;
    struct run run;
    struct event_list later;
    struct error error;
    char *directory = files_join(*state, "run");
    static const char *const sets[] = {"train.epochs=100000", "freeze.rules=[thaw head]", NULL};
    tiny_open(&t, 1, sets);
    if (!run_resume(&run, directory, t.training, &later, &error))
        fail_msg("%s", error.text);
    int64_t step = t.training->step;
    event_list_close(&later);
    run_close(&run);
    tiny_close(&t);
    free(directory);
    return step;
}

static void trains_and_is_saved(void **state) {
    struct pty p;
    begin(&p, state);
    open_gate('o');
    session_shows(&p, "paused");
    session_type(&p, "A");
    session_expect(&p, "sent %d thaw all", COMMAND_APPLY);
    session_type(&p, "H");
    session_expect(&p, "sent %d only head", COMMAND_APPLY);
    session_type(&p, "e");
    session_expect(&p, "sent %d ", COMMAND_STEPS);
    session_expect(&p, "trains");
    session_expect(&p, "epoch");
    session_type(&p, "q");
    session_shows(&p, "Stop training?");
    session_type(&p, "s");
    session_expect(&p, "ended %d after some steps: 1, discard 0", SESSION_STOPPED);
    end(&p, 0);
    assert_int_equal(saved_step(state), 8);
}

static void interrupt(struct pty *p) {
    assert_int_equal(kill(-tcgetpgrp(p->master), SIGTERM), 0);
}

// Also when the queue of commands is full at that moment.
static void interrupted_it_is_saved(void **state) {
    struct pty p;
    refusals = 3;
    begin(&p, state);
    refusals = 0;
    open_gate('o');
    session_shows(&p, "paused");
    session_type(&p, "r");
    session_expect(&p, "sent %d ", COMMAND_RUN);
    session_expect(&p, "trains");
    interrupt(&p);

    session_expect(&p, "ended %d after some steps: 1, discard 0", SESSION_STOPPED);
    end(&p, 130);
    assert_true(saved_step(state) > 0);
}

static void interrupted_while_it_loads(void **state) {
    struct pty p;
    begin(&p, state);
    interrupt(&p);
    session_expect(&p, "loading");
    end(&p, 130);
}

static void what_cannot_be_opened_is_told(void **state) {
    struct pty p;
    begin(&p, state);
    open_gate('x');
    session_expect(&p, "error there is no such experiment");
    end(&p, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(interrupted_while_it_loads),
        IN_DIRECTORY(what_cannot_be_opened_is_told),
        IN_DIRECTORY(trains_and_is_saved),
        IN_DIRECTORY(interrupted_it_is_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
