// The runs view over run directories that are written for each test, on a screen that nobody sees.
#include "ui/workbench/runs_view.h"
#include "base/files.h"
#include "model_scene.h"
#include "screen.h"
#include "test.h"
#include <math.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

enum { ROWS = 60, COLUMNS = 200, EPOCH = 4, FORK = 20, SPLIT = 10 };

struct world {
    struct model_scene m;
    struct screen screen;
    struct runs_view view;
    struct curves curves[2];
    struct event_mark marks[4];
    char *home, *before;
};

// ---- Writing runs

static void write_text(const char *run, const char *name, const char *text) {
    struct error error;
    char *directory = xprintf("runs/%s", run), *path = xprintf("%s/%s", directory, name);
    scene_must(files_make_directory(directory, &error), &error);
    scene_must(files_write(path, text, strlen(text), &error), &error);
    free(directory);
    free(path);
}

static void append_text(const char *run, const char *name, const char *text) {
    char *path = xprintf("runs/%s/%s", run, name);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

// As if nothing had been written for an hour.
static void age(const char *run, const char *name) {
    char *path = xprintf("runs/%s/%s", run, name);
    struct utimbuf times = {time(NULL) - 3600, time(NULL) - 3600};
    assert_int_equal(utime(path, &times), 0);
    free(path);
}

static void add_steps(struct text *t, int branch, int from, int to, double validation) {
    for (int step = from; step <= to; step++) {
        text_add(t,
                 "{\"kind\":\"step\",\"branch\":%d,\"step\":%d,\"epoch\":%d,\"loss\":%.3f,"
                 "\"accuracy\":0.5,\"lr\":0.1,\"gradient_norm\":1}\n",
                 branch, step, (step - 1) / EPOCH + 1, 3.0 / step);
        if (step % EPOCH == 0)
            text_add(t,
                     "{\"kind\":\"epoch\",\"branch\":%d,\"step\":%d,\"epoch\":%d,\"validation\":{"
                     "\"loss\":1,\"accuracy\":%.3f,\"samples\":200}}\n",
                     branch, step, step / EPOCH, validation * step / to);
    }
}

static void write_experiment(const char *run, const char *const *sets) {
    struct experiment e;
    struct error error;
    experiment_defaults(&e);
    for (; *sets; sets++)
        scene_must(experiment_set(&e, *sets, &error), &error);
    char *text = experiment_text(&e);
    write_text(run, "experiment.yaml", text);
    free(text);
    experiment_close(&e);
}

static const char *const of_session[] = {"name=clothes",           "model.name=resnet20",
                                         "data.name=fashion-mini", "freeze.rules=[thaw head]",
                                         "train.epochs=15",        NULL};

static const char first_event[] =
    "{\"id\":1,\"parent\":0,\"branch\":0,\"step\":0,\"who\":\"thaw\",\"do\":\"start\"}\n";

// Thaws layer3 at step 30 of 60, and takes it back at 50.
static void write_plain(const char *run) {
    struct text events = {0}, metrics = {0};
    text_add(&events,
             "%s{\"id\":2,\"parent\":1,\"branch\":0,\"step\":30,\"who\":\"user\",\"do\":\"thaw "
             "layer3\"}\n{\"id\":3,\"parent\":2,\"branch\":0,\"step\":50,\"who\":\"user\",\"do\":"
             "\"undo\"}\n",
             first_event);
    add_steps(&metrics, 0, 1, 60, 0.6);
    text_add(&metrics, "{\"kind\":\"test\",\"branch\":0,\"step\":60,\"epoch\":15,\"test\":{"
                       "\"loss\":1,\"accuracy\":0.625,\"samples\":2000}}\n");
    write_experiment(run, of_session);
    write_text(run, "events.jsonl", events.data);
    write_text(run, "metrics.jsonl", metrics.data);
    age(run, "metrics.jsonl");
    text_free(&events);
    text_free(&metrics);
}

// Branch 0 to step 40, thawing all at 30; branch 1 from step 20 to 60, thawing layer1 at 40.
static void write_branched(const char *run) {
    struct text events = {0}, metrics = {0};
    text_add(&events,
             "%s{\"id\":2,\"parent\":1,\"branch\":0,\"step\":30,\"who\":\"user\",\"do\":\"thaw "
             "all\"}\n{\"id\":3,\"parent\":1,\"branch\":1,\"step\":20,\"who\":\"user\",\"do\":"
             "\"rewind\"}\n{\"id\":4,\"parent\":3,\"branch\":1,\"step\":40,\"who\":\"user\","
             "\"do\":\"thaw layer1\"}\n",
             first_event);
    add_steps(&metrics, 0, 1, 40, 0.4);
    add_steps(&metrics, 1, FORK + 1, 60, 0.8);
    write_experiment(run, of_session);
    write_text(run, "events.jsonl", events.data);
    write_text(run, "metrics.jsonl", metrics.data);
    age(run, "metrics.jsonl");
    text_free(&events);
    text_free(&metrics);
}

// ---- The session: branch 0 to step 40, and branch 1 that left it at 20

static void fill(struct curves *c, int from, int to) {
    for (int step = from; step <= to; step++) {
        series_add(&c->loss, step, 3.0 / step);
        if (step % EPOCH == 0)
            series_add(&c->validation_accuracy, step, 0.005 * step);
    }
}

static struct event_mark mark(int branch, int64_t step, const char *text) {
    return (struct event_mark){
        .step = step, .branch = branch, .who = "user", .text = xstrdup(text)};
}

static void open_session(struct world *w) {
    struct error error;
    struct scene *s = &w->m.scene;
    model_scene_open(&w->m, "resnet20", "thaw head");
    for (const char *const *set = of_session; *set; set++)
        scene_must(experiment_set(&w->m.experiment, *set, &error), &error);
    s->curves = xcalloc(2, sizeof *s->curves); // the view may lay more over them
    s->curves[0] = (struct curves){.name = xstrdup("branch 0"), .branch = 0, .parent = -1};
    s->curves[1] =
        (struct curves){.name = xstrdup("branch 1"), .branch = 1, .parent = 0, .forked = FORK};
    fill(&s->curves[0], 1, 40);
    fill(&s->curves[1], FORK + 1, 60);
    s->curve_count = 2;
    w->marks[0] = mark(0, SPLIT, "thaw layer1");
    w->marks[1] = mark(0, 30, "thaw all");
    w->marks[2] = mark(1, FORK, "rewind");
    w->marks[3] = mark(1, 40, "undo");
    s->marks = w->marks;
    s->mark_count = 4;
    s->now = (struct snapshot){
        .state = SESSION_PAUSED, .branch = 1, .step = 60, .total = 60, .epochs = 15};
}

static void close_session(struct world *w) {
    struct scene *s = &w->m.scene;
    for (int i = 0; i < s->curve_count; i++)
        curves_close(&s->curves[i]);
    free(s->curves);
    for (int i = 0; i < 4; i++)
        free(w->marks[i].text);
    model_scene_close(&w->m);
}

static int open_world(void **state) {
    struct world *w = xcalloc(1, sizeof *w);
    w->before = getcwd(NULL, 0);
    w->home = xstrdup("/tmp/thaw-runs-XXXXXX");
    assert_non_null(mkdtemp(w->home));
    assert_int_equal(chdir(w->home), 0);
    w->screen = screen_open(ROWS, COLUMNS, (struct theme_options){.colour = true});
    open_session(w);
    *state = w;
    return 0;
}

static int close_world(void **state) {
    struct world *w = *state;
    char *command = xprintf("rm -r '%s'", w->home);
    runs_view_close(&w->view);
    close_session(w);
    screen_close(&w->screen);
    assert_int_equal(chdir(w->before), 0);
    assert_int_equal(system(command), 0);
    free(command);
    free(w->home);
    free(w->before);
    free(w);
    return 0;
}

// ---- Looking

static void update(struct world *w) {
    w->view.list.next = 0;
    while (runs_view_update(&w->view, &w->m.scene))
        ;
}

static void draw(struct world *w, int h, int w_) {
    draw_clear((struct area){0, 0, ROWS, COLUMNS});
    runs_view_draw((struct area){0, 0, h, w_}, &w->view, &w->m.scene, RASTER_BRAILLE);
}

static void look(struct world *w, int h, int width) {
    update(w);
    draw(w, h, width);
}

static void shows(const struct world *w, const char *text) {
    if (screen_find(&w->screen, text) >= 0)
        return;
    screen_print(&w->screen);
    fail_msg("'%s' is not on the screen", text);
}

static void hides(const struct world *w, const char *text) {
    if (screen_find(&w->screen, text) < 0)
        return;
    screen_print(&w->screen);
    fail_msg("'%s' is on the screen", text);
}

// Moves the cursor to the row with a label.
static void go_to(struct world *w, const char *label) {
    char row[4096];
    for (w->view.cursor = 0; w->view.cursor < w->view.list.row_count; w->view.cursor++) {
        draw(w, ROWS, 80);
        screen_row(&w->screen, 1 + w->view.cursor - w->view.top, row, sizeof row);
        if (strstr(row, label))
            return;
    }
    screen_print(&w->screen);
    fail_msg("there is no row '%s'", label);
}

// The marks of a band's line at 80 columns: of steps 1..60, some column of each. The first line
// with that name is that of the row under the cursor.
static void band_is(struct world *w, const char *name, const char *expected) {
    char row[4096], start[64];
    int gutter = 7; // "layer1 "
    draw(w, 20, 80);
    snprintf(start, sizeof start, "%6s ", name);
    for (int i = 1; i < 20; i++) {
        screen_row(&w->screen, i, row, sizeof row);
        if (strncmp(row, start, strlen(start)) != 0)
            continue;
        for (int k = 0; expected[k]; k++) {
            wchar_t c = screen_cell(i, gutter + (int)((k * 10 + 5) * (80 - gutter) / 60));
            char seen = c == L'▮' ? 'f' : c == L'◊' ? 't' : c == L'◧' ? 'm' : '.';
            if (seen != expected[k]) {
                screen_print(&w->screen);
                fail_msg("%s, steps %d..%d: %c, not %c", name, k * 10, k * 10 + 10, seen,
                         expected[k]);
            }
        }
        return;
    }
    screen_print(&w->screen);
    fail_msg("there is no band of %s", name);
}

static int line_of(const struct world *w, const char *name, int from) {
    char row[4096];
    for (int i = from; i < ROWS; i++) {
        screen_row(&w->screen, i, row, sizeof row);
        if (strstr(row, name))
            return i;
    }
    return -1;
}

// ---- The session

static void the_session_and_its_branches_come_first(void **state) {
    struct world *w = *state;
    look(w, 20, 80);
    shows(w, "this session ");
    shows(w, "10/15");
    shows(w, "left");
    shows(w, "branch 1 from 20");
    shows(w, "15/15");
    shows(w, "30.0 %"); // the best of branch 1
    shows(w, "paused");
    assert_int_equal(w->view.list.row_count, 2);
    assert_true(runs_list_shown(&w->view.list, 1));
}

// Steps 1..60 in tens; branch 0 ends at 40.
static void bands_follow_what_was_done(void **state) {
    struct world *w = *state;
    look(w, 20, 80);
    shows(w, "at 10 thaw layer1, at 30 thaw all");
    shows(w, "frozen ◊ thawed ◧ mixed");
    w->view.cursor = 1; // branch 1, so that there are 60 steps
    band_is(w, "layer1", "ftttff");
    band_is(w, "layer2", "ffffff");
    band_is(w, "linear", "tttttt");
}

static void undo_takes_back_along_its_own_path(void **state) {
    struct world *w = *state;
    update(w);
    w->view.cursor = 1;
    draw(w, 20, 80);
    shows(w, "at 10 thaw layer1, at 40 undo"); // the thaw of all is another branch's
}

static void what_a_branch_took_over_is_dim(void **state) {
    struct world *w = *state;
    update(w);
    w->view.cursor = 1;
    draw(w, 20, 80);
    int line = line_of(w, "linear ", 1);
    assert_true(screen_styled(line, 7 + 10, STYLE_DIM));
    assert_true(screen_styled(line, 7 + 60, STYLE_THAWED));
}

static void a_change_within_a_cell_is_mixed(void **state) {
    struct world *w = *state;
    look(w, 20, 30); // 23 columns for 40 or 60 steps
    int line = line_of(w, "layer1 ▮", 1), mixed = 0;
    for (int column = 7; column < 30; column++)
        mixed += screen_cell(line, column) == L'◧';
    assert_true(mixed <= 1);
    assert_int_equal(screen_cell(line, 7), L'▮');
    assert_int_equal(screen_cell(line, 20), L'◊');
}

static void new_events_change_the_bands(void **state) {
    struct world *w = *state;
    update(w);
    w->view.cursor = 1;
    band_is(w, "layer3", "ffffff");
    free(w->marks[3].text);
    w->marks[3] = mark(1, 50, "thaw layer3");
    w->m.scene.mark_count = 3;
    update(w);
    w->m.scene.mark_count = 4;
    update(w);
    band_is(w, "layer3", "ffffft");
}

// ---- Other runs

static void runs_have_their_numbers_and_bands(void **state) {
    struct world *w = *state;
    write_plain("plain-1");
    look(w, 20, 80);
    shows(w, "runs/plain-1");
    shows(w, "60.0 %");
    shows(w, "62.5 %");
    shows(w, "finished");
    go_to(w, "plain-1");
    band_is(w, "layer3", "fffttf");
    band_is(w, "conv1", "ffffff");
    shows(w, "at 30 thaw layer3, at 50 undo");
}

static void runs_have_their_branches(void **state) {
    struct world *w = *state;
    write_branched("tree-1");
    update(w);
    assert_int_equal(w->view.list.row_count, 4);
    w->view.cursor = 3;
    band_is(w, "layer1", "fffftt");
    band_is(w, "layer2", "ffffff");
    shows(w, "80.0 %");
    w->view.cursor = 2;
    draw(w, ROWS, 80);
    shows(w, "at 30 thaw all");
    shows(w, "runs/tree-1 ");
}

// The directory of the session itself is no other run, but knows the test.
static void the_sessions_directory_is_not_shown_twice(void **state) {
    struct world *w = *state;
    write_plain("mine-1");
    w->m.scene.directory = "runs/mine-1";
    look(w, 20, 80);
    hides(w, "mine-1");
    shows(w, "62.5 %");
    assert_int_equal(w->view.list.row_count, 2);
}

// A branch that a replay has not reached stands under its own name, as the charts have it.
static void a_branch_that_the_session_lacks_has_its_name(void **state) {
    struct world *w = *state;
    write_branched("mine-1");
    w->m.scene.directory = "runs/mine-1";
    w->m.scene.now.branch = 0;
    w->m.scene.curve_count = 1;
    update(w);
    draw(w, ROWS, 120);
    assert_int_equal(w->view.list.row_count, 2);
    shows(w, "  runs/mine-1/1  ");
    hides(w, "of branch");
    w->m.scene.curve_count = 2; // to be closed
}

static void other_networks_have_bands_of_their_own(void **state) {
    static const char *const sets[] = {"name=small", "model.name=cnn", "data.name=digits",
                                       "freeze.rules=[thaw all]", NULL};
    struct world *w = *state;
    write_plain("other-1");
    write_experiment("other-1", sets);
    write_text("other-1", "events.jsonl", first_event);
    update(w);
    go_to(w, "other-1");
    draw(w, 30, 80);
    int title = line_of(w, "frozen ◊ thawed", 1);
    assert_true(title > 0);
    assert_int_equal(screen_cell(title + 1, 20), L'◊');
    shows(w, " 100 %");
}

// Rules for layers that only such a network has.
static void own_heads_and_networks_have_bands_too(void **state) {
    static const char *const head[] = {"name=head",
                                       "model.name=resnet20",
                                       "model.head=[linear 16, relu, linear]",
                                       "data.name=fashion-mini",
                                       "freeze.rules=[thaw linear.2]",
                                       NULL};
    static const char *const own[] = {"name=own", "model.file=runs/own-1/net.yaml",
                                      "data.name=fashion-mini", "freeze.rules=[thaw answer]", NULL};
    static const char *const names[] = {"head-1", "own-1"};
    struct world *w = *state;
    for (int i = 0; i < 2; i++) {
        write_plain(names[i]);
        write_experiment(names[i], i ? own : head);
        write_text(names[i], "events.jsonl", first_event);
    }
    write_text("own-1", "net.yaml",
               "layers:\n  - flatten\n  - hidden: linear 8\n"
               "  - relu\n  - answer: linear\n");
    update(w);
    for (int i = 0; i < 2; i++) {
        go_to(w, names[i]);
        draw(w, 30, 80);
        assert_true(line_of(w, "frozen ◊ thawed", 1) > 0);
        shows(w, i ? "answer ◊" : "linear ◧");
    }
}

static void networks_that_nobody_knows_say_so(void **state) {
    static const char *const sets[] = {"name=x", "model.name=nonesuch", "data.name=digits", NULL};
    struct world *w = *state;
    write_plain("other-1");
    write_experiment("other-1", sets);
    update(w);
    go_to(w, "other-1");
    draw(w, 20, 80);
    shows(w, "there is no model 'nonesuch'");
    shows(w, "62.5 %");
}

static void broken_runs_say_what_is_wrong(void **state) {
    struct world *w = *state;
    struct error error;
    write_plain("cut-1");
    append_text("cut-1", "metrics.jsonl", "{\"kind\":\"st");
    age("cut-1", "metrics.jsonl");
    write_plain("damaged-1");
    append_text("damaged-1", "metrics.jsonl", "nonsense\n[1]\n");
    write_plain("events-1");
    append_text("events-1", "events.jsonl", "nonsense\n");
    write_plain("none-1");
    assert_int_equal(unlink("runs/none-1/metrics.jsonl"), 0);
    write_text("wrong-1", "experiment.yaml", "model: [\n");
    scene_must(files_make_directory("runs/empty-1", &error), &error);
    look(w, 30, 120);
    shows(w, "there is no experiment.yaml");
    shows(w, "experiment.yaml:2:1: ");
    go_to(w, "cut-1");
    shows(w, "the last line of metrics.jsonl is cut off");
    go_to(w, "damaged-1");
    shows(w, "line of metrics.jsonl cannot be read");
    go_to(w, "none-1");
    shows(w, "metrics.jsonl is missing");
    go_to(w, "events-1");
    shows(w, "events.jsonl:4: not an event");
    go_to(w, "empty-1");
    runs_view_act(&w->view, &w->m.scene, ACTION_ENTER);
    assert_string_equal(w->m.scene.message,
                        "runs/empty-1 has no curves: there is no experiment.yaml");
}

static void no_runs_say_what_makes_one(void **state) {
    struct world *w = *state;
    look(w, 20, 80);
    shows(w, "no other runs in runs/ yet: every session and thaw run make one there");
}

static void a_run_under_way_is_followed(void **state) {
    struct world *w = *state;
    struct text more = {0};
    write_plain("live-1");
    write_text("live-1", "metrics.jsonl", "");
    look(w, 20, 80);
    shows(w, "0/15");
    add_steps(&more, 0, 1, 8, 0.4);
    append_text("live-1", "metrics.jsonl", more.data);
    look(w, 20, 80);
    shows(w, "2/15");
    shows(w, "running");
    // Taken up from an earlier state, it is cut off, and goes on otherwise.
    more.length = 0;
    add_steps(&more, 0, 1, 4, 0.9);
    write_text("live-1", "metrics.jsonl", more.data);
    look(w, 20, 80);
    shows(w, "1/15");
    shows(w, "90.0 %");
    text_free(&more);
}

static void a_sweep_under_way_is_followed(void **state) {
    struct world *w = *state;
    write_text("sweep", "sweep.yaml", "experiment: clothes-noise\n");
    write_plain("sweep/head-lr0.1-seed0");
    look(w, 30, 120);
    shows(w, "runs/sweep/head-lr0.1-seed0");
    hides(w, "experiment.yaml"); // the sweep itself is no run, and no broken one
    write_plain("sweep/head-lr0.1-seed1");
    look(w, 30, 120);
    shows(w, "runs/sweep/head-lr0.1-seed1");
    look(w, 24, 80); // there is no room for more than the name
    shows(w, "  head-lr0.1-seed1 ");
}

static void the_cursor_stays_on_its_run(void **state) {
    struct world *w = *state;
    write_plain("m-1");
    update(w);
    go_to(w, "runs/m-1");
    int before = w->view.cursor;
    write_plain("a-1");
    update(w);
    assert_int_equal(w->view.cursor, before + 1);
    assert_int_equal(system("rm -r runs/m-1"), 0);
    update(w);
    assert_true(w->view.cursor < w->view.list.row_count);
}

// ---- Curves laid over

static const struct curves *curves_named(const struct world *w, const char *name) {
    for (int i = 0; i < w->m.scene.curve_count; i++)
        if (strcmp(w->m.scene.curves[i].name, name) == 0)
            return &w->m.scene.curves[i];
    return NULL;
}

static void enter_lays_each_branch_over(void **state) {
    struct world *w = *state;
    write_branched("tree-1");
    update(w);
    w->view.cursor = 2;
    runs_view_act(&w->view, &w->m.scene, ACTION_ENTER);
    assert_int_equal(w->m.scene.curve_count, 4);
    const struct curves *first = curves_named(w, "runs/tree-1"),
                        *second = curves_named(w, "runs/tree-1/1");
    assert_non_null(first);
    assert_non_null(second);
    assert_int_equal(first->loss.count, 40);
    assert_int_equal(second->loss.count, 40);
    assert_int_equal(second->loss.buckets[0].first, FORK + 1);
    assert_int_equal(second->forked, FORK);
    assert_int_equal(second->branch, -1);
    w->view.cursor = 3; // one branch alone
    runs_view_act(&w->view, &w->m.scene, ACTION_ENTER);
    assert_null(curves_named(w, "runs/tree-1/1"));
    assert_non_null(curves_named(w, "runs/tree-1"));
    w->view.cursor = 2;
    runs_view_act(&w->view, &w->m.scene, ACTION_ENTER);
    assert_int_equal(w->m.scene.curve_count, 2);
}

static void the_sessions_curves_are_always_shown(void **state) {
    struct world *w = *state;
    update(w);
    runs_view_act(&w->view, &w->m.scene, ACTION_ENTER);
    assert_int_equal(w->m.scene.curve_count, 2);
    assert_string_equal(w->m.scene.message, "the curves of this session are always shown");
}

static void curves_that_are_shown_grow(void **state) {
    struct world *w = *state;
    struct text more = {0};
    write_plain("live-1");
    add_steps(&more, 0, 1, 20, 0.4);
    write_text("live-1", "metrics.jsonl", more.data);
    update(w);
    w->view.cursor = 2;
    runs_view_act(&w->view, &w->m.scene, ACTION_ENTER);
    assert_int_equal(curves_named(w, "runs/live-1")->loss.count, 20);
    more.length = 0;
    add_steps(&more, 0, 21, 24, 0.4);
    append_text("live-1", "metrics.jsonl", more.data);
    update(w);
    assert_int_equal(curves_named(w, "runs/live-1")->loss.count, 24);
    assert_int_equal(system("rm -r runs/live-1"), 0);
    update(w);
    assert_int_equal(w->m.scene.curve_count, 2);
    text_free(&more);
}

// More than is read at once, and a line that is longer than that.
static void long_metrics_are_read_in_pieces(void **state) {
    struct world *w = *state;
    struct text metrics = {0};
    add_steps(&metrics, 0, 1, 3000, 0.5);
    write_plain("long-1");
    for (int i = 0; i < 300000; i++)
        text_add(&metrics, "x");
    text_add(&metrics, "\n{\"kind\":\"step\",\"branch\":0,\"step\":3001,\"epoch\":751,\"loss\":1,"
                       "\"accuracy\":0.5,\"lr\":0.1,\"gradient_norm\":1}\n");
    write_text("long-1", "metrics.jsonl", metrics.data);
    update(w);
    go_to(w, "long-1");
    const struct runs_entry *e = runs_list_entry(&w->view.list, w->view.cursor);
    assert_int_equal(runs_entry_reached(e, &w->m.scene, 0), 3001);
    assert_true(e->place.damaged > 0);
    text_free(&metrics);
}

// ---- The room there is

static void large_screens_compare(void **state) {
    struct world *w = *state;
    write_plain("plain-1");
    look(w, 36, 120);
    shows(w, "validation accuracy");
    shows(w, "this session ");
    shows(w, "clothes"); // the experiment
    update(w);
    w->view.cursor = 2;
    draw(w, 56, 200);
    shows(w, "validation accuracy");
    shows(w, "layer3.2"); // single blocks
    shows(w, "runs/plain-1 differs in");
    shows(w, "nothing: the same experiment as this session");
    assert_true(line_of(w, "branch 0 ", 1) > 0); // bands of what is shown, too
}

static void settings_that_differ_are_listed(void **state) {
    static const char *const sets[] = {"name=x",
                                       "model.name=resnet20",
                                       "data.name=fashion-mini",
                                       "freeze.rules=[thaw all]",
                                       "optim.lr=0.5",
                                       "train.epochs=15",
                                       NULL};
    struct world *w = *state;
    write_plain("plain-1");
    write_experiment("plain-1", sets);
    update(w);
    w->view.cursor = 2;
    draw(w, 56, 200);
    shows(w, "freeze.rules          [thaw all]  (here [thaw head])");
    shows(w, "optim.lr              0.5");
    hides(w, "train.epochs");
}

static void ascii_without_colours_tells_the_same(void **state) {
    struct world *w = *state;
    theme_use(&(struct theme_options){.ascii = true});
    update(w);
    w->view.cursor = 1;
    draw(w, 20, 80);
    shows(w, "# frozen o thawed % mixed");
    int line = line_of(w, "layer1 #", 1);
    assert_true(line > 0);
    assert_int_equal(screen_cell(line, 30), L'o');
    for (int row = 0; row < 20; row++)
        for (int column = 0; column < 80; column++)
            assert_in_range(screen_cell(row, column), 0x20, 0x7e);
}

static void clicks_find_rows(void **state) {
    struct world *w = *state;
    look(w, 20, 80);
    struct area area = {0, 0, 20, 80};
    assert_int_equal(runs_view_row_at(&w->view, area, 0, 3), -1);
    assert_int_equal(runs_view_row_at(&w->view, area, 1, 3), 0);
    assert_int_equal(runs_view_row_at(&w->view, area, 2, 3), 1);
    assert_int_equal(runs_view_row_at(&w->view, area, 3, 3), -1);
    assert_int_equal(runs_view_row_at(&w->view, area, 15, 3), -1);
}

static void the_cursor_is_always_in_sight(void **state) {
    struct world *w = *state;
    char name[16];
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "r-%d", i);
        write_text(name, "experiment.yaml", "model: [\n");
    }
    update(w);
    static const enum action moves[] = {ACTION_BOTTOM,   ACTION_UP,   ACTION_PAGE_UP,
                                        ACTION_TOP,      ACTION_DOWN, ACTION_PAGE_DOWN,
                                        ACTION_PAGE_DOWN};
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        runs_view_act(&w->view, &w->m.scene, moves[i]);
        draw(w, 20, 80);
        assert_in_range(w->view.cursor - w->view.top, 0, w->view.page - 1);
    }
    runs_view_act(&w->view, &w->m.scene, ACTION_BOTTOM);
    draw(w, 20, 80);
    shows(w, "runs/r-29");
}

// Draws with a frame of '#' around; all of it must be left.
static void check_size(struct world *w, int h, int width) {
    struct area all = {0, 0, h + 2, width + 2}, area = {1, 1, h, width};
    for (int row = 0; row < all.h; row++)
        for (int column = 0; column < all.w; column++)
            draw_text(all, row, column, 0, STYLE_NORMAL,
                      row == 0 || column == 0 || row > h || column > width ? "#" : " ");
    runs_view_draw(area, &w->view, &w->m.scene, RASTER_BRAILLE);
    for (int row = 0; row < all.h; row++)
        for (int column = 0; column < all.w; column++)
            if (!layout_inside(area, row, column) && screen_cell(row, column) != L'#') {
                screen_print(&w->screen);
                fail_msg("%dx%d: row %d, column %d", width, h, row, column);
            }
}

static void nothing_leaves_the_view(void **state) {
    static const char *const wide[] = {"name=衣服のノイズ衣服のノイズ衣服のノイズ",
                                       "model.name=resnet20", "data.name=fashion-mini", NULL};
    struct world *w = *state;
    write_branched("tree-1");
    write_plain("衣服-衣服-衣服-1");
    write_experiment("衣服-衣服-衣服-1", wide);
    write_text("wrong-1", "experiment.yaml", "model: [\n");
    update(w);
    for (int h = 1; h <= 30; h++)
        for (int width = 1; width <= 60; width++) {
            w->view.cursor = (h + width) % w->view.list.row_count;
            check_size(w, h, width);
        }
    for (int h = 20; h < ROWS - 2; h += 3)
        for (int width = 70; width < COLUMNS - 2; width += 7) {
            w->view.cursor = (h + width) % w->view.list.row_count;
            check_size(w, h, width);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
        WORLD(the_session_and_its_branches_come_first),
        WORLD(bands_follow_what_was_done),
        WORLD(undo_takes_back_along_its_own_path),
        WORLD(what_a_branch_took_over_is_dim),
        WORLD(a_change_within_a_cell_is_mixed),
        WORLD(new_events_change_the_bands),
        WORLD(runs_have_their_numbers_and_bands),
        WORLD(runs_have_their_branches),
        WORLD(the_sessions_directory_is_not_shown_twice),
        WORLD(a_branch_that_the_session_lacks_has_its_name),
        WORLD(other_networks_have_bands_of_their_own),
        WORLD(own_heads_and_networks_have_bands_too),
        WORLD(networks_that_nobody_knows_say_so),
        WORLD(broken_runs_say_what_is_wrong),
        WORLD(no_runs_say_what_makes_one),
        WORLD(a_run_under_way_is_followed),
        WORLD(a_sweep_under_way_is_followed),
        WORLD(the_cursor_stays_on_its_run),
        WORLD(enter_lays_each_branch_over),
        WORLD(the_sessions_curves_are_always_shown),
        WORLD(curves_that_are_shown_grow),
        WORLD(long_metrics_are_read_in_pieces),
        WORLD(large_screens_compare),
        WORLD(settings_that_differ_are_listed),
        WORLD(ascii_without_colours_tells_the_same),
        WORLD(clicks_find_rows),
        WORLD(the_cursor_is_always_in_sight),
        WORLD(nothing_leaves_the_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
