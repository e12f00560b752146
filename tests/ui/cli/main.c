// The program's front: help, versions, wrong subcommands.
#include "program.h"

static void help_names_every_subcommand(void **state) {
    (void)state;
    static const char *const ways[] = {"help", "--help", "-h"};
    for (int i = 0; i < 3; i++) {
        struct outcome o = RUN(ways[i]);
        assert_done(&o);
        assert_contains(o.out, "thaw run");
        assert_contains(o.out, "thaw show");
        assert_contains(o.out, "thaw models");
        assert_contains(o.out, "thaw datasets");
        outcome_close(&o);
    }
}

static void help_of_one_subcommand_shows_its_usage(void **state) {
    (void)state;
    static const char *const names[] = {"run", "show", "convert", "models", "datasets", "help"};
    for (int i = 0; i < 6; i++) {
        struct outcome asked = RUN("help", names[i]), option = RUN(names[i], "--help");
        char *usage = xprintf("thaw %s", names[i]);
        assert_done(&asked);
        assert_contains(asked.out, usage);
        assert_string_equal(asked.out, option.out);
        assert_done(&option);
        free(usage);
        outcome_close(&asked);
        outcome_close(&option);
    }
}

static void help_lists_the_keys(void **state) {
    (void)state;
    struct outcome o = RUN("help", "keys");
    assert_done(&o);
    assert_contains(o.out, "freeze.rules");
    assert_contains(o.out, "optim.weight_decay");
    outcome_close(&o);
}

static void lists_what_is_built_in(void **state) {
    (void)state;
    struct outcome models = RUN("models"), datasets = RUN("datasets"), version = RUN("--version");
    assert_done(&models);
    assert_contains(models.out, "resnet18");
    assert_contains(models.out, "fashion-resnet20");
    assert_done(&datasets);
    assert_contains(datasets.out, "digits");
    assert_contains(datasets.out, "relabel");
    assert_done(&version);
    assert_memory_equal(version.out, "thaw ", 5);
    outcome_close(&models);
    outcome_close(&datasets);
    outcome_close(&version);
}

static void refuse(struct outcome o, const char *why) {
    assert_refused(&o, 2, why);
    outcome_close(&o);
}

static void refuses_unknown_subcommands(void **state) {
    (void)state;
    refuse(RUN("shwo"), "did you mean show");
    refuse(RUN("help", "nothing"), "nothing");
    refuse(RUN("two\nlines"), "two?lines");
    refuse(RUN("help", "\033[2J\n"), "subcommand");
    refuse(RUN("models", "all"), "no arguments");
    refuse(RUN("run"), "which experiment");
    refuse(RUN("run", "--nonsense"), "usage");
    refuse(RUN("run", "--out"), "usage");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(help_names_every_subcommand),
        PROGRAM_TEST(help_of_one_subcommand_shows_its_usage),
        PROGRAM_TEST(help_lists_the_keys),
        PROGRAM_TEST(lists_what_is_built_in),
        PROGRAM_TEST(refuses_unknown_subcommands),
    };
    return cmocka_run_group_tests_name("ui/cli/main", tests, NULL, NULL);
}
