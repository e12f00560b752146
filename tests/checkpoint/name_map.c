// Tests of src/checkpoint/name_map.c, on models and files that are names alone.
// clang-format off
#include "test.h"
// clang-format on
#include "checkpoint/name_map.h"
#include "base/xalloc.h"
#include <string.h>

enum { MOST = 8 };

static struct param params[MOST];
static struct tensor_entry entries[MOST];
static char arch[] = "tiny";
static struct model model = {.arch = arch, .params = params};
static struct weight_file file = {.entries = entries};
static struct name_map map;

// The names of the model and of the file, apart by blanks; they stay until the next call.
static int split(const char *text, char *store, char **names) {
    int count = 0;
    strcpy(store, text);
    for (char *word, *rest = store; (word = strsep(&rest, " "));)
        if (*word)
            names[count++] = word;
    return count;
}

static void set_names(const char *ours, const char *theirs) {
    static char stores[2][512];
    char *names[MOST];
    model.param_count = split(ours, stores[0], names);
    for (int i = 0; i < model.param_count; i++)
        params[i] = (struct param){.name = names[i]};
    file.count = split(theirs, stores[1], names);
    for (int i = 0; i < file.count; i++)
        entries[i] = (struct tensor_entry){.name = names[i]};
}

// The names after the mapping by these rules (a NULL ends them), joined by blanks.
static void expect(char *const *rules, const char *prefix, const char *names) {
    int count = 0;
    struct error error = {0};
    char joined[512] = "";
    while (rules && rules[count])
        count++;
    if (!name_map_make(&map, &file, &model, rules, count, &error))
        fail_msg("%s", error.text);
    for (int i = 0; i < map.count; i++)
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", i ? " " : "",
                 map.names[i]);
    assert_string_equal(joined, names);
    assert_string_equal(map.prefix ? map.prefix : "-", prefix);
    name_map_close(&map);
}

static void refuse(char *const *rules, const char *message) {
    int count = 0;
    struct error error = {0};
    while (rules && rules[count])
        count++;
    bool good = name_map_make(&map, &file, &model, rules, count, &error);
    if (good || !strstr(error.text, message))
        fail_msg("expected '%s', got '%s'", message, good ? "success" : error.text);
    assert_int_equal(error.kind, ERROR_REQUEST);
}

#define RULES(...) ((char *const[]){__VA_ARGS__, NULL})
#define RULE(text) ((char[]){text})

static void prefixes(void **state) {
    (void)state;
    set_names("conv.weight fc.weight fc.bias", "conv.weight fc.weight fc.bias");
    expect(NULL, "-", "conv.weight fc.weight fc.bias");
    set_names("conv.weight fc.weight", "module.conv.weight module.fc.weight");
    expect(NULL, "module.", "conv.weight fc.weight");
    set_names("conv.weight fc.weight", "module.model.conv.weight module.model.fc.weight");
    expect(NULL, "module.model.", "conv.weight fc.weight");
    // Only some names have it; those that do not stay as they are.
    set_names("conv.weight fc.weight", "net.conv.weight net.fc.weight step loss.weight");
    expect(NULL, "net.", "conv.weight fc.weight step loss.weight");
    // What fits as it is keeps its name, though something else would fit without a prefix.
    set_names("conv.weight a.conv.weight", "conv.weight a.conv.weight");
    expect(NULL, "-", "conv.weight a.conv.weight");
    set_names("conv.weight fc.weight", "conv.weight module.fc.weight");
    expect(NULL, "module.", "conv.weight fc.weight");
    // What the file has twice is taken without the prefix.
    set_names("conv.weight fc.weight", "conv.weight fc.weight ema.conv.weight ema.fc.weight");
    expect(NULL, "-", "conv.weight fc.weight ema.conv.weight ema.fc.weight");
    set_names("conv.weight", "other.weight");
    expect(NULL, "-", "other.weight");
    set_names("weight", "a.b.c.d weight.");
    expect(NULL, "-", "a.b.c.d weight.");
    set_names("", "a b");
    expect(NULL, "-", "a b");
}

static void a_prefix_must_be_sure(void **state) {
    (void)state;
    set_names("conv.weight fc.weight",
              "student.conv.weight student.fc.weight teacher.conv.weight teacher.fc.weight");
    refuse(NULL, "names fit tiny without 'student.' as well as without 'teacher.'; choose with "
                 "model.rename, as in [student]");
    expect(RULES(RULE("teacher")), "-",
           "student.conv.weight student.fc.weight conv.weight fc.weight");
    // One accidental fit among many names is no prefix.
    set_names("weight bias", "x.weight x.a x.b x.c");
    expect(NULL, "-", "x.weight x.a x.b x.c");
    set_names("weight bias", "x.weight x.bias weight");
    expect(NULL, "-", "x.weight x.bias weight");
    set_names("weight bias size", "x.weight x.bias x.size weight");
    refuse(NULL, "two tensors of the file would both be called 'weight' in the model");
}

static void rules(void **state) {
    (void)state;
    set_names("conv.weight linear.weight linear.bias", "conv.weight fc.weight fc.bias");
    expect(RULES(RULE("fc linear")), "-", "conv.weight linear.weight linear.bias");
    expect(RULES(RULE("fc.bias  other"), RULE("fc linear")), "-",
           "conv.weight linear.weight other");
    expect(RULES(RULE("fc a"), RULE("a linear")), "-", "conv.weight linear.weight linear.bias");
    set_names("conv.weight linear.weight", "module.conv.weight module.fc.weight");
    expect(RULES(RULE("module.fc linear")), "module.", "conv.weight linear.weight");
    expect(RULES(RULE("module.fc module.linear")), "module.", "conv.weight linear.weight");
    set_names("conv.weight", "fcn.weight fc.weight");
    expect(RULES(RULE("fc x")), "-", "fcn.weight x.weight"); // whole words between dots
}

static void renamed_tensors_are_listed(void **state) {
    (void)state;
    set_names("conv.weight linear.weight", "conv.weight fc.weight");
    assert_true(name_map_make(&map, &file, &model, RULES(RULE("fc linear")), 1, NULL));
    assert_int_equal(map.renamed_count, 1);
    assert_string_equal(map.renamed[0], "fc.weight -> linear.weight");
    assert_int_equal(name_map_find(&map, "linear.weight"), 1);
    assert_int_equal(name_map_find(&map, "fc.weight"), -1);
    name_map_close(&map);
}

static void bad_rules(void **state) {
    (void)state;
    set_names("conv.weight", "conv.weight fc.weight");
    refuse(RULES(RULE("")), "is no rule; give OLD NEW");
    refuse(RULES(RULE(" ")), "is no rule");
    refuse(RULES(RULE("a b c")), "'a b c' is no rule");
    refuse(RULES(RULE("fv x")), "no name in the file is or begins with 'fv' (fv x); did you mean");
    refuse(RULES(RULE("conv.weight")), "no name in the file is or begins"); // nothing would be left
    refuse(RULES(RULE("conv fc")), "would both be called 'fc.weight'");
}

static void wrappers(void **state) {
    (void)state;
    static const struct {
        const char *names;
        size_t length;
    } cases[] = {
        {"a b", 0},
        {"module.a module.b", 7},
        {"module._orig_mod.a module._orig_mod.b", 17},
        {"_orig_mod.module.module.a", 24},
        {"module.a b", 0},
        {"module. module.b", 0},
        {"model.a model.b", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_names("", cases[i].names);
        assert_int_equal(name_map_wrapper(&file), cases[i].length);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes),  cmocka_unit_test(a_prefix_must_be_sure),
        cmocka_unit_test(rules),     cmocka_unit_test(renamed_tensors_are_listed),
        cmocka_unit_test(bad_rules), cmocka_unit_test(wrappers),
    };
    return cmocka_run_group_tests_name("checkpoint/name_map", tests, NULL, NULL);
}
