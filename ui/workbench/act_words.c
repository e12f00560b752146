// The command line: words that are not settings; everything else is one.
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "ui/workbench/act.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void wrong(struct app *a, const char *what) {
    scene_say(&a->scene, true, "%s", what);
}

static void word_run(struct app *a, const char *rest) {
    (void)rest;
    if (a->scene.now.state != SESSION_RUNNING)
        act_run(a);
}

static void word_pause(struct app *a, const char *rest) {
    (void)rest;
    act_send(a, COMMAND_PAUSE, 0);
}

static void word_step(struct app *a, const char *rest) {
    int64_t count = 1;
    if (*rest && (!text_to_int(rest, &count) || count < 1))
        wrong(a, "write `step`, or `step 20`");
    else
        act_send(a, COMMAND_STEPS, count);
}

static void word_epoch(struct app *a, const char *rest) {
    (void)rest;
    act_epoch(a);
}

static void word_undo(struct app *a, const char *rest) {
    (void)rest;
    act_apply(a, "undo");
}

static void word_redo(struct app *a, const char *rest) {
    (void)rest;
    act_apply(a, "redo");
}

static void word_rewind(struct app *a, const char *rest) {
    char *copy = xstrdup(rest), *second = strchr(copy, ' ');
    int64_t step, branch = a->scene.now.branch;
    if (second)
        *second++ = '\0';
    bool ok = text_to_int(copy, &step) && (!second || text_to_int(second, &branch));
    if (!ok || step < 0 || branch < 0 || branch > INT_MAX)
        wrong(a, "write `rewind 120`, or `rewind 120 1` for a step of branch 1");
    else
        act_rewind(a, step, (int)branch);
    free(copy);
}

static void word_restart(struct app *a, const char *rest) {
    (void)rest;
    act_restart(a);
}

static void word_save(struct app *a, const char *rest) {
    (void)rest;
    act_send(a, COMMAND_SAVE, 0);
}

static void word_verify(struct app *a, const char *rest) {
    (void)rest;
    act_send(a, COMMAND_VERIFY, 0);
}

static void word_probe(struct app *a, const char *rest) {
    int64_t every = 0;
    if (strcmp(rest, "off") != 0 && (!text_to_int(rest, &every) || every < 1))
        wrong(a, "write `probe 10`, or `probe off`");
    else
        act_send(a, COMMAND_PROBE, every);
}

static void word_suggest(struct app *a, const char *rest) {
    int64_t batches = 0;
    if (*rest && (!text_to_int(rest, &batches) || batches < SUGGEST_BATCHES_LEAST ||
                  batches > SUGGEST_BATCHES_MOST))
        wrong(a, "write `suggest`, or `suggest 16` to probe so many batches, from 4 to 1000");
    else
        act_suggest(a, batches);
}

static void word_lr_find(struct app *a, const char *rest) {
    int64_t steps = 0;
    if (*rest &&
        (!text_to_int(rest, &steps) || steps < LR_FIND_STEPS_LEAST || steps > LR_FIND_STEPS_MOST))
        wrong(a, "write `lr-find`, or `lr-find 200` to try so many rates, from 20 to 100000");
    else
        act_lr_find(a, steps);
}

static void word_speed(struct app *a, const char *rest) {
    int64_t speed = 0;
    bool most = strcmp(rest, "max") == 0 && !a->scene.replay;
    if (!most && (!text_to_int(rest, &speed) || speed < 1))
        wrong(a, a->scene.replay
                     ? "write `speed 20` for 20 steps a second"
                     : "write `speed 20` for at most 20 steps a second, or `speed max`");
    else
        act_send(a, COMMAND_SPEED, speed);
}

static void word_open(struct app *a, const char *rest) {
    char *path = files_join(rest, "experiment.yaml");
    bool ok = *rest && files_exist(path);
    free(path);
    if (!ok) {
        scene_say(
            &a->scene, true,
            "'%s' is not the directory of a run; write `open RUN`, such as `open runs/head-1`",
            rest);
        return;
    }
    free(a->next);
    a->next = xstrdup(rest);
    act_quit(a);
}

static void prefer(struct app *a, const char *name, const char *value) {
    struct error error;
    if (!preferences_set(&a->preferences, name, value, &error) ||
        !preferences_save(&a->preferences, &error))
        wrong(a, error.text);
    app_theme(a);
}

static void word_theme(struct app *a, const char *rest) {
    prefer(a, "theme", rest);
}

static void word_mouse(struct app *a, const char *rest) {
    prefer(a, "mouse", rest);
}

static void word_ascii(struct app *a, const char *rest) {
    prefer(a, "ascii", rest);
}

static void word_colour_blind(struct app *a, const char *rest) {
    prefer(a, "colour-blind", rest);
}

static void word_help(struct app *a, const char *rest) {
    (void)rest;
    act(a, ACTION_HELP, 0);
}

static void word_quit(struct app *a, const char *rest) {
    (void)rest;
    act_quit(a);
}

const struct act_word act_word_table[] = {
    {"run", "", "go on", word_run},
    {"pause", "", "wait", word_pause},
    {"step", "[N]", "one step, or N, then pause", word_step},
    {"epoch", "", "to the end of the epoch, then pause", word_epoch},
    {"undo", "", "take back the last setting", word_undo},
    {"redo", "", "bring it again", word_redo},
    {"rewind", "STEP [BRANCH]", "back to that step", word_rewind},
    {"restart", "", "back to the start", word_restart},
    {"save", "", "save the state", word_save},
    {"verify", "", "prove that frozen tensors are unchanged", word_verify},
    {"probe", "N|off", "look at the gradients of frozen layers every N steps", word_probe},
    {"suggest", "[BATCHES]", "which blocks to thaw, and why", word_suggest},
    {"lr-find", "[STEPS]", "try rising learning rates, keeping nothing", word_lr_find},
    {"speed", "N|max", "at most so many steps a second", word_speed},
    {"open", "RUN", "leave this and open another run", word_open},
    {"theme", "auto|dark|light|projector", "the colours, now and in later sessions", word_theme},
    {"mouse", "on|off", "whether clicks count, in later sessions", word_mouse},
    {"ascii", "on|off", "plain characters only, now and in later sessions", word_ascii},
    {"colour-blind", "on|off", "colours that most people can tell apart", word_colour_blind},
    {"help", "", "the keys", word_help},
    {"quit", "", "end", word_quit},
    {0},
};

static bool takes_arguments(const struct act_word *word) {
    return word->arguments[0] != '\0';
}

// "word", or "word rest" where the word takes something.
static bool is_word(const struct act_word *word, const char *text, const char **rest) {
    size_t n = strlen(word->name);
    if (strncmp(text, word->name, n) != 0 || (text[n] && text[n] != ' '))
        return false;
    *rest = text + n + strspn(text + n, " ");
    return !**rest || takes_arguments(word);
}

// Whether settings_apply knows the first word.
static bool is_setting(const char *text) {
    size_t n = strcspn(text, " ;");
    for (int i = 0; settings_help[i][0]; i++)
        if (strcspn(settings_help[i][0], " ") == n && strncmp(text, settings_help[i][0], n) == 0)
            return true;
    return false;
}

static void unknown(struct app *a, const char *text) {
    const char *names[64];
    char first[64];
    struct text near = {0};
    int count = 0;
    for (int i = 0; act_word_table[i].name; i++)
        names[count++] = act_word_table[i].name;
    char *settings[16];
    for (int i = 0; settings_help[i][0] && i < 16; i++)
        names[count++] = settings[i] =
            xstrndup(settings_help[i][0], strcspn(settings_help[i][0], " "));
    snprintf(first, sizeof first, "%.*s", (int)strcspn(text, " "), text);
    text_nearest(&near, first, names, count);
    scene_say(&a->scene, true, "there is no command '%s'; did you mean %s?", first, near.data);
    for (int i = 0; settings_help[i][0] && i < 16; i++)
        free(settings[i]);
    text_free(&near);
}

void act_words(struct app *a, const char *text) {
    char *copy = xstrdup(text + strspn(text, " "));
    for (size_t n = strlen(copy); n > 0 && copy[n - 1] == ' '; n--)
        copy[n - 1] = '\0';
    const char *rest;
    bool done = !*copy;
    for (int i = 0; act_word_table[i].name && !done; i++)
        if (is_word(&act_word_table[i], copy, &rest)) {
            act_word_table[i].act(a, rest);
            done = true;
        }
    if (!done && is_setting(copy))
        act_apply(a, copy);
    else if (!done)
        unknown(a, copy);
    free(copy);
}
