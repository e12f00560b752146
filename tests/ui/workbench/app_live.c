// A monkey at the keyboard of the workbench while a trainer trains: whatever it does, what is shown
// is so, nothing frozen moves, and the events of its sessions done again give the same bits.
// THAW_MONKEY: events in all; THAW_SEED: what to press (both are printed).
#include "base/random.h"
#include "live_files.h"
#include "ui/workbench/act.h"
#include <time.h>

enum { EVENTS = 50000, REPLAY_STEPS = 400 };

struct monkey {
    struct live live;
    struct random_key key;
    uint64_t draws;
    const char *typing; // what is left of a line that is being typed
    char line[400];
    int events, done, replays, taken_up;
    int64_t steps; // done again
};

static uint32_t draw(struct monkey *m, uint32_t below) {
    return random_below(m->key, 0, 0, m->draws++, below);
}

// What is typed

static const char *const lines[] = {
    "thaw conv1", "thaw all", "thaw all", "thaw block", "thaw head", "thaw block.conv2; freeze fc",
    "freeze block", "freeze all", "freeze fc", "freeze bn1", "only fc", "only block.shortcut",
    "only norm", "bn frozen", "bn batch", "bn torch", "lr 0.01", "lr x0.5", "lr block x2",
    "lr conv1 x0", "lr x1e30", "wd 1e-3", "wd 0", "epochs 2", "epochs 5", "epochs 9", "epochs 40",
    "undo", "redo", "run", "pause", "step", "step 3", "step 20", "epoch", "rewind 0", "rewind 1",
    "rewind 8", "rewind 8 1", "rewind 16", "rewind 11 2", "rewind 9999", "rewind 0 77", "restart",
    "save", "verify", "probe 1", "probe 3", "probe off", "theme light", "theme auto", "ascii on",
    "ascii off", "colour-blind on", "mouse off", "help", "quit", "speed 400", "speed max",
    "speed off",
    // wrong ones
    "thw all", "thaw", "thaw nothing", "thaw *?*[", "freeze ;", "; ;", "lr", "lr x", "lr -1",
    "lr block", "wd x", "epochs 0", "epochs 99999999999999999999", "rewind", "rewind x",
    "rewind 1 x", "rewind -3 -2", "rewind 4 99999999999", "probe -1", "step 0", "open nowhere",
    "open", "theme pink", "\303\244\303\266 \342\202\254", " ", "bn", "run now"};

// For the filter.
static const char *const filters[] = {"fc",      "conv", "*bias*", "norm",
                                      "running", "zzz",  "last-1", "block.*"};

static void start_line(struct monkey *m) {
    uint32_t kind = draw(m, 12);
    const char *text = lines[draw(m, sizeof lines / sizeof lines[0])];
    if (kind == 0)
        snprintf(m->line, sizeof m->line, "/%s\n", filters[draw(m, 8)]);
    else if (kind == 1 && m->live.runs > 0)
        snprintf(m->line, sizeof m->line, ":open runs/live-%d\n", m->live.runs - (int)draw(m, 2));
    else if (kind == 2)
        snprintf(m->line, sizeof m->line, ":%s%s%s%s%s%s%s%s%s\n", text, text, text, text, text,
                 text, text, text, text);
    else
        snprintf(m->line, sizeof m->line, ":%s%s\n", text, kind == 3 ? "\t" : "");
    m->typing = m->line;
}

static int next_typed(struct monkey *m) {
    int key = (unsigned char)*m->typing++;
    // Two bytes and more are one key.
    if (key >= 0xc0) {
        int more = key >= 0xe0 ? 2 : 1;
        key &= more == 2 ? 0x0f : 0x1f;
        for (; more > 0 && *m->typing; more--)
            key = key << 6 | (*m->typing++ & 0x3f);
    }
    if (!*m->typing)
        m->typing = NULL;
    return key;
}

// What is pressed

static int random_key_code(struct monkey *m) {
    static const int more[] = {27,  '\n', '\t', 127, 12,  'e', 's', 's',    ' ', ' ',
                               '[', '[',  'r',  'r', 'V', 'u', 'U', 0x20ac, 1,   21};
    uint32_t kind = draw(m, 20);
    if (kind < 12)
        return key_bindings[draw(m, (uint32_t)key_binding_count)].key;
    if (kind < 17)
        return more[draw(m, sizeof more / sizeof more[0])];
    return kind < 18 ? 32 + (int)draw(m, 95) : TERM_UP + (int)draw(m, 10);
}

// Mostly the session goes on.
static int answer(struct monkey *m) {
    uint32_t kind = draw(m, 40);
    return kind < 2 ? 'd' : kind < 8 ? 's' : kind < 36 ? 27 : random_key_code(m);
}

static bool quits(struct monkey *m, int key) {
    const struct app *a = &m->live.app;
    return key == 'q' && !a->prompt.mark && a->overlay == OVERLAY_NONE;
}

static struct term_event random_event(struct monkey *m) {
    const struct app *a = &m->live.app;
    if (a->overlay == OVERLAY_QUIT)
        return (struct term_event){.key = answer(m)};
    if (m->typing)
        return (struct term_event){.key = next_typed(m)};
    if (draw(m, 12) == 0)
        return (struct term_event){.key = TERM_MOUSE,
                                   .row = (int)draw(m, (uint32_t)a->rows + 1),
                                   .column = (int)draw(m, (uint32_t)a->columns + 1),
                                   .mouse = draw(m, 4)};
    if (draw(m, 25) == 0 && !a->prompt.mark)
        start_line(m);
    int key = m->typing ? next_typed(m) : random_key_code(m);
    // An end where nothing is asked is rarer, so that sessions get long enough.
    return (struct term_event){.key = quits(m, key) && draw(m, 3) ? 'r' : key};
}

static void random_size(struct monkey *m) {
    int rows = 1 + (int)draw(m, 60), columns = 1 + (int)draw(m, 200);
    if (m->live.app.layout.too_small || draw(m, 3) == 0)
        rows = 24, columns = 80;
    m->live.screen.rows = rows;
    m->live.screen.columns = columns;
    resizeterm(rows, columns);
    app_resize(&m->live.app, rows, columns);
    app_draw(&m->live.app);
}

// Sessions

static void remove_run(int number) {
    char *command = xprintf("rm -rf 'runs/live-%d'", number);
    assert_int_equal(system(command), 0);
    free(command);
}

static void open_fresh(struct monkey *m) {
    bool files = draw(m, 8) > 0;
    if (files && ++m->live.runs > LIVE_KEPT)
        remove_run(m->live.runs - LIVE_KEPT);
    live_open(&m->live, files ? m->live.runs : 0, draw(m, 2));
}

// The number of the run that `open` named; 0: none, or one that is gone.
static int asked_for(const struct live *l) {
    int number = 0;
    char *path = NULL;
    if (l->app.next && sscanf(l->app.next, "runs/live-%d", &number) == 1)
        path = xprintf("runs/live-%d/experiment.yaml", number);
    bool there = path && files_exist(path);
    free(path);
    return there ? number : 0;
}

static void check_files(struct monkey *m, const struct ending *e) {
    struct live *l = &m->live;
    struct event_list events;
    live_read_events(l, l->directory, &events);
    check_event_tree(l, &events);
    check_metrics(l, &events);
    event_list_close(&events);
    if (e->over && e->last.step <= REPLAY_STEPS) {
        check_replay(l, e);
        m->replays++;
        m->steps += e->last.step;
    }
    check_state(l, e);
}

static void check_shown(struct live *l) {
    struct event_list events;
    bool all = !l->app.discard && l->app.scene.now.step > 0;
    if (all) {
        check_curves(l);
        check_log(l);
    }
    if (!l->directory)
        return;
    live_read_events(l, l->directory, &events);
    check_marks(l, &events, all);
    event_list_close(&events);
}

static void end_session(struct monkey *m) {
    struct live *l = &m->live;
    bool over = live_end(l);
    struct ending e = ending_of(l, over);
    int again = asked_for(l), number = l->number;
    if (!again && l->directory && draw(m, 2))
        again = number;
    m->typing = NULL;
    l->session->close(l->session);
    l->session = NULL;
    check_shown(l);
    if (l->directory)
        check_files(m, &e);
    live_close(l);
    ending_close(&e);
    m->taken_up += again > 0;
    if (again)
        live_take_up(l, again);
    else
        open_fresh(m);
}

// A look at the screen while some steps are done.
static void watch(struct monkey *m) {
    struct session *s = m->live.session;
    struct snapshot now;
    int64_t version = -1;
    s->look(s, &now);
    int64_t until = now.step + 1 + draw(m, 30);
    for (; now.state == SESSION_RUNNING && now.step < until; s->look(s, &now))
        s->wait(s, &version, 1000);
}

static void one_event(struct monkey *m) {
    struct live *l = &m->live;
    struct term_event e = random_event(m);
    struct snapshot before = l->app.scene.now;
    app_event(&l->app, &e);
    if (draw(m, 15) == 0)
        watch(m);
    if (draw(m, 3) == 0)
        app_update(&l->app);
    if (draw(m, 200) == 0)
        random_size(m);
    if (draw(m, 8) == 0)
        app_draw(&l->app);
    check_app(l, &before);
    if (l->app.state == APP_GOES_ON && draw(m, 40) == 0)
        check_still(l);
    if (l->app.state == APP_STOPPING)
        live_settle(l);
    if (l->app.state == APP_ENDED)
        end_session(m);
}

static int64_t from_environment(const char *name, int64_t otherwise) {
    const char *text = getenv(name);
    int64_t number;
    return text && text_to_int(text, &number) && number > 0 ? number : otherwise;
}

static char *make_home(void) {
    // Every state is flushed to the disk: better to none.
    char *home =
        xstrdup(files_exist("/dev/shm") ? "/dev/shm/thaw-live-XXXXXX" : "/tmp/thaw-live-XXXXXX");
    assert_non_null(mkdtemp(home));
    setenv("XDG_CONFIG_HOME", home, 1);
    assert_int_equal(chdir(home), 0);
    return home;
}

static void remove_home(char *home) {
    char *command = xprintf("rm -r '%s'", home);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(system(command), 0);
    free(command);
    free(home);
}

static void a_monkey_trains(void **state) {
    (void)state;
    struct monkey *m = xcalloc(1, sizeof *m);
    int64_t seed = from_environment("THAW_SEED", time(NULL) % 1000000 + 1);
    m->events = (int)from_environment("THAW_MONKEY", EVENTS);
    m->key = random_key((uint64_t)seed, RANDOM_PROBE, 3);
    char *home = make_home();
    print_message("THAW_SEED=%lld THAW_MONKEY=%d in %s\n", (long long)seed, m->events, home);
    m->live.screen = screen_open(24, 80, (struct theme_options){.colour = true});
    open_fresh(m);
    for (m->done = 0; m->done < m->events; m->done++)
        one_event(m);
    m->live.app.discard = false;
    end_session(m);
    m->live.app.discard = true;
    live_close(&m->live);
    screen_close(&m->live.screen);
    print_message("%d sessions, %d taken up; %d done again with %lld steps\n", m->live.sessions,
                  m->taken_up, m->replays, (long long)m->steps);
    assert_true(m->events < EVENTS || m->replays >= 10);
    free(m);
    remove_home(home);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_monkey_trains)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
