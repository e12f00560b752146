// thaw show: its figures against sums made here from the networks' published shapes.
#include "checkpoint/safetensors.h"
#include "program.h"

// resnet20 with one channel and 1x1 shortcuts: weights and biases of a residual block.
static int block(int in, int out) {
    return 9 * in * out + 9 * out * out + 4 * out + (in != out ? in * out + 2 * out : 0);
}

static int resnet20_parameters(void) {
    return 9 * 16 + 2 * 16 + 3 * block(16, 16) + block(16, 32) + 2 * block(32, 32) + block(32, 64) +
           2 * block(64, 64) + 64 * 10 + 10;
}

static json_t *parse(struct outcome o) {
    json_error_t why;
    assert_done(&o);
    json_t *object = json_loads(o.out, JSON_REJECT_DUPLICATES, &why);
    if (!object)
        fail_msg("%s: %s", why.text, o.out);
    outcome_close(&o);
    return object;
}

#define SHOW(...) parse(RUN("show", __VA_ARGS__, "--json"))

static json_t *module_of(json_t *shown, const char *name) {
    size_t index;
    json_t *module;
    json_array_foreach(json_object_get(shown, "modules"), index, module) {
        if (strcmp(json_string_value(json_object_get(module, "name")), name) == 0)
            return module;
    }
    fail_msg("there is no module %s", name);
    return NULL;
}

static double number(json_t *object, const char *key) {
    json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("%s is no number", key);
    return json_number_value(value);
}

static const char *word(json_t *object, const char *key) {
    json_t *value = json_object_get(object, key);
    return json_is_string(value) ? json_string_value(value) : "";
}

static void the_head_of_resnet20_is_650_parameters(void **state) {
    (void)state;
    json_t *shown = SHOW("resnet20", "--thaw", "head");
    assert_int_equal(number(shown, "thawed"), 64 * 10 + 10);
    assert_int_equal(number(shown, "parameters"), resnet20_parameters());
    assert_string_equal(word(module_of(shown, "linear"), "state"), "thawed");
    assert_string_equal(word(module_of(shown, "layer3"), "state"), "frozen");
    assert_string_equal(word(module_of(shown, ""), "state"), "mixed");
    assert_string_equal(word(module_of(shown, "bn1"), "statistics"), "fixed");
    assert_int_equal(number(module_of(shown, "layer2.0"), "parameters"), block(16, 32));
    json_decref(shown);
}

static void flops_are_the_sums_of_the_layers(void **state) {
    (void)state;
    json_t *shown = SHOW("resnet20", "--thaw", "head");
    assert_true(number(module_of(shown, "conv1"), "forward_flops") == 2.0 * 9 * 1 * 16 * 28 * 28);
    assert_true(number(module_of(shown, "layer2.0.conv1"), "forward_flops") ==
                2.0 * 9 * 16 * 32 * 14 * 14);
    assert_true(number(module_of(shown, "layer3"), "backward_flops") == 0);
    assert_true(number(module_of(shown, "linear"), "backward_flops") == 2.0 * 64 * 10 + 10);
    json_t *plan = json_object_get(shown, "plan"), *root = module_of(shown, "");
    assert_true(number(plan, "forward_flops") == number(root, "forward_flops"));
    assert_true(number(plan, "data_flops") + number(plan, "weight_flops") ==
                number(root, "backward_flops"));
    json_decref(shown);
}

static void the_prefix_ends_before_the_head(void **state) {
    (void)state;
    json_t *shown = SHOW("resnet20", "--thaw", "head");
    json_t *prefix = json_object_get(shown, "prefix"), *cache = json_object_get(prefix, "cache");
    assert_string_equal(word(prefix, "ends_before"), "linear");
    assert_int_equal(number(cache, "floats"), 64);
    assert_int_equal(number(cache, "bytes"), 256);
    json_t *now = json_object_get(shown, "plan"), *full = json_object_get(shown, "full");
    double spent =
        number(now, "forward_flops") + number(now, "data_flops") + number(now, "weight_flops");
    double most =
        number(full, "forward_flops") + number(full, "data_flops") + number(full, "weight_flops");
    assert_float_equal(number(shown, "speedup"), most / spent, 1e-6);
    double cached = most / (spent - number(cache, "saved_flops"));
    assert_float_equal(number(shown, "cached_speedup") / cached, 1, 1e-6);
    assert_true(number(shown, "cached_speedup") > 1000);
    assert_true(number(now, "bytes") < number(full, "bytes"));
    json_decref(shown);
}

static void the_table_tells_the_same(void **state) {
    (void)state;
    struct outcome o = RUN("show", "resnet20", "--thaw", "head");
    assert_done(&o);
    assert_contains(o.out, "272,186 parameters, 650 thawed (0.2 %)");
    assert_contains(o.out, "input 1x28x28, 10 classes");
    assert_contains(o.out, "  linear        Linear       10               650");
    const char *mark = strstr(o.out, "-- no gradient is needed above; a cache keeps 64 floats");
    const char *head = strstr(o.out, "  linear ");
    assert_true(mark && head && mark < head && strchr(mark, '\n') + 1 == head);
    assert_lacks(o.out, "\033");
    outcome_close(&o);
}

static void every_architecture_fits_100_columns(void **state) {
    (void)state;
    static const char *const names[] = {"mlp",      "cnn",      "resnet8", "resnet20",
                                        "resnet32", "resnet56", "resnet18"};
    for (int i = 0; i < 7; i++) {
        struct outcome o = RUN("show", names[i], "--thaw", "last-1-blocks", "--params");
        assert_done(&o);
        for (char *line, *rest = o.out; (line = strsep(&rest, "\n"));)
            if (strlen(line) > 100)
                fail_msg("%s: %s", names[i], line);
        outcome_close(&o);
    }
}

static int thawed(json_t *shown) {
    int count = (int)number(shown, "thawed");
    json_decref(shown);
    return count;
}

static void the_last_rule_wins(void **state) {
    (void)state;
    int layer3 = block(32, 64) + 2 * block(64, 64), all = resnet20_parameters();
    assert_int_equal(thawed(SHOW("resnet20")), all);
    assert_int_equal(thawed(SHOW("resnet20", "--freeze", "layer3")), all - layer3);
    assert_int_equal(thawed(SHOW("resnet20", "--thaw", "layer3", "--freeze", "layer3.0")),
                     2 * block(64, 64));
    assert_int_equal(thawed(SHOW("resnet20", "--thaw", "layer3.0", "--freeze", "layer3")), 0);
    assert_int_equal(thawed(SHOW("resnet20", "--freeze", "layer3", "--thaw", "layer3")), all);
}

static void nothing_thawed_has_no_backward(void **state) {
    (void)state;
    json_t *shown = SHOW("cnn", "--thaw", "none");
    assert_true(number(json_object_get(shown, "plan"), "weight_flops") == 0);
    assert_true(json_is_null(json_object_get(shown, "speedup")));
    assert_true(json_is_null(json_object_get(json_object_get(shown, "prefix"), "ends_before")));
    json_decref(shown);
    struct outcome o = RUN("show", "cnn", "--thaw", "none");
    assert_done(&o);
    assert_contains(o.out, "nothing is thawed");
    outcome_close(&o);
}

static void statistics_follow_the_policy(void **state) {
    (void)state;
    static const char *const policies[] = {"frozen", "batch", "torch"};
    static const char *const first[] = {"fixed", "fixed", "moving"};
    static const char *const last[] = {"fixed", "moving", "moving"};
    for (int i = 0; i < 3; i++) {
        json_t *shown = SHOW("resnet8", "--thaw", "layer3", "--bn", policies[i]);
        assert_string_equal(word(module_of(shown, "bn1"), "statistics"), first[i]);
        assert_string_equal(word(module_of(shown, "layer3.0.bn1"), "statistics"), last[i]);
        assert_string_equal(word(module_of(shown, "bn1"), "state"), "frozen");
        json_decref(shown);
    }
}

static void classes_input_and_batch_are_taken(void **state) {
    (void)state;
    json_t *small = SHOW("resnet20", "--classes", "7", "--input", "3x32x48", "--batch", "1");
    json_t *large = SHOW("resnet20", "--classes", "7", "--input", "3x32x48", "--batch", "32");
    assert_int_equal(number(module_of(small, "linear"), "parameters"), 64 * 7 + 7);
    assert_int_equal(number(module_of(small, "conv1"), "parameters"), 9 * 3 * 16);
    json_t *shape = json_object_get(module_of(small, "conv1"), "output");
    assert_int_equal(json_integer_value(json_array_get(shape, 0)), 16);
    assert_int_equal(json_integer_value(json_array_get(shape, 1)), 32);
    assert_int_equal(json_integer_value(json_array_get(shape, 2)), 48);
    assert_true(number(json_object_get(small, "full"), "bytes") <
                number(json_object_get(large, "full"), "bytes") / 16);
    json_decref(small);
    json_decref(large);
    json_t *resnet18 = SHOW("resnet18");
    assert_int_equal(number(resnet18, "parameters"), 11689512); // torchvision's documentation
    json_decref(resnet18);
}

static void parameters_get_rows(void **state) {
    (void)state;
    struct outcome o = RUN("show", "resnet8", "--params", "--thaw", "conv1.weight");
    assert_done(&o);
    assert_contains(o.out, "16x1x3x3");
    assert_contains(o.out, "    statistics");
    assert_lacks(o.out, "running_var");
    outcome_close(&o);
    json_t *shown = SHOW("mlp", "--params", "--thaw", "*.bias");
    json_t *params = json_object_get(shown, "params");
    assert_int_equal(json_array_size(params), 6);
    assert_string_equal(word(json_array_get(params, 1), "name"), "fc1.bias");
    assert_true(json_is_true(json_object_get(json_array_get(params, 1), "thawed")));
    assert_true(json_is_false(json_object_get(json_array_get(params, 0), "thawed")));
    json_decref(shown);
}

static void write_weights(const char *path, int classes) {
    static float zeros[10 * 128];
    const struct tensor_out tensors[] = {
        {"fc3.weight", DTYPE_F32, {2, {classes, 128}}, zeros},
        {"fc3.bias", DTYPE_F32, {1, {classes}}, zeros},
        {"extra", DTYPE_F32, {1, {3}}, zeros},
    };
    const char *const metadata[] = {"note", "one\033[2Jtwo"};
    assert_true(safetensors_write(path, tensors, 3, metadata, 1, NULL));
}

static void a_load_is_reported(void **state) {
    (void)state;
    write_weights("w.safetensors", 10);
    json_t *shown = SHOW("mlp", "--weights", "w.safetensors");
    json_t *weights = json_object_get(shown, "weights");
    assert_int_equal(number(weights, "loaded"), 2);
    assert_int_equal(json_array_size(json_object_get(weights, "missing")), 4);
    json_t *unexpected = json_object_get(weights, "unexpected");
    assert_int_equal(json_array_size(unexpected), 1);
    assert_string_equal(json_string_value(json_array_get(unexpected, 0)), "extra");
    json_decref(shown);
    struct outcome o = RUN("show", "mlp", "--weights", "w.safetensors");
    assert_done(&o);
    assert_contains(o.out, "2 parameters loaded");
    assert_contains(o.out, "start from initialisation: fc1, fc2");
    assert_contains(o.out, "extra");
    outcome_close(&o);
    o = RUN("show", "mlp", "--weights", "w.safetensors", "--classes", "7");
    assert_done(&o);
    assert_contains(o.out, "2 parameters of the head start anew");
    outcome_close(&o);
}

static void a_weight_file_is_listed(void **state) {
    (void)state;
    write_weights("w.safetensors", 10);
    struct outcome o = RUN("show", "w.safetensors");
    assert_done(&o);
    assert_contains(o.out, "fc3.weight  F32   [10, 128]");
    assert_contains(o.out, "3 tensors, 1,293 numbers");
    assert_contains(o.out, "note: one?[2Jtwo");
    assert_lacks(o.out, "\033");
    outcome_close(&o);
    json_t *shown = SHOW("w.safetensors");
    assert_int_equal(json_array_size(json_object_get(shown, "tensors")), 3);
    assert_int_equal(number(shown, "bytes"), 1293 * 4);
    assert_string_equal(word(json_object_get(shown, "metadata"), "note"), "one\033[2Jtwo");
    json_decref(shown);
}

static void an_experiment_and_its_run_show_the_same(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    struct outcome run = RUN("run", "tiny.yaml", "--quiet", "--out", "out", "--set",
                             "freeze.rules=[thaw fc2, thaw head]");
    assert_done(&run);
    outcome_close(&run);
    json_t *file = SHOW("tiny.yaml"), *directory = SHOW("out");
    assert_int_equal(number(file, "thawed"), number(file, "parameters"));
    assert_int_equal(number(file, "parameters"), 64 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10);
    assert_int_equal(number(directory, "thawed"), 256 * 128 + 128 + 128 * 10 + 10);
    assert_int_equal(number(directory, "batch"), 10);
    json_decref(file);
    json_decref(directory);
    assert_int_equal(thawed(SHOW("out", "--freeze", "head")), 256 * 128 + 128);
    json_t *loaded = SHOW("out", "--weights", "out/last.safetensors");
    assert_int_equal(number(json_object_get(loaded, "weights"), "loaded"), 6);
    json_decref(loaded);
}

static void refuse(struct outcome o, const char *why) {
    assert_refused(&o, 2, why);
    outcome_close(&o);
}

static void wrong_requests_are_refused(void **state) {
    (void)state;
    write_weights("w.safetensors", 10);
    write_text("tiny.yaml", program_tiny);
    write_text("bad.safetensors", "no weights");
    refuse(RUN("show"), "which model");
    refuse(RUN("show", "mlp", "cnn"), "which model");
    refuse(RUN("show", "resnet21"), "resnet20");
    refuse(RUN("show", "./nothing"), "./nothing");
    refuse(RUN("show", "nothing.yaml"), "nothing.yaml");
    refuse(RUN("show", "nothing.safetensors"), "nothing.safetensors");
    refuse(RUN("show", "bad.safetensors"), "bad.safetensors");
    refuse(RUN("show", "mlp", "--thaw", "layer9"), "layer9");
    refuse(RUN("show", "mlp", "--bn", "thawed"), "frozen, batch or torch");
    refuse(RUN("show", "mlp", "--batch", "0"), "--batch 0");
    refuse(RUN("show", "mlp", "--classes", "many"), "--classes many");
    refuse(RUN("show", "mlp", "--input", "28x28"), "1x28x28");
    refuse(RUN("show", "mlp", "--input", "1x28x28x1"), "1x28x28");
    refuse(RUN("show", "mlp", "--input", "1x0x28"), "1x28x28");
    refuse(RUN("show", "cnn", "--input", "1x2x2"), "cnn");
    refuse(RUN("show", "mlp", "--weights", "none"), "none");
    refuse(RUN("show", "cnn", "--weights", "bad.safetensors"), "bad.safetensors");
    refuse(RUN("show", "w.safetensors", "--thaw", "head"), "only --json");
    refuse(RUN("show", "tiny.yaml", "--classes", "3"), "--classes");
}

static void misshaped_weights_are_named(void **state) {
    (void)state;
    static float zeros[128];
    const struct tensor_out tensor = {"fc2.bias", DTYPE_F32, {1, {64}}, zeros};
    assert_true(safetensors_write("w.safetensors", &tensor, 1, NULL, 0, NULL));
    refuse(RUN("show", "mlp", "--weights", "w.safetensors"),
           "fc2.bias: the file has [64], the model [128]");
}

static void a_full_disk_is_noticed(void **state) {
    (void)state;
    int full = open("/dev/full", O_WRONLY), err = open("err", O_CREAT | O_RDWR, 0600);
    if (full < 0)
        skip();
    const char *const args[] = {"show", "resnet56", NULL};
    assert_int_equal(program_end(program_begin(args, full, err, 0)), 1);
    close(full);
    close(err);
    char *text = read_text("err");
    assert_memory_equal(text, "thaw: ", 6);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(the_head_of_resnet20_is_650_parameters),
        PROGRAM_TEST(flops_are_the_sums_of_the_layers),
        PROGRAM_TEST(the_prefix_ends_before_the_head),
        PROGRAM_TEST(the_table_tells_the_same),
        PROGRAM_TEST(every_architecture_fits_100_columns),
        PROGRAM_TEST(the_last_rule_wins),
        PROGRAM_TEST(nothing_thawed_has_no_backward),
        PROGRAM_TEST(statistics_follow_the_policy),
        PROGRAM_TEST(classes_input_and_batch_are_taken),
        PROGRAM_TEST(parameters_get_rows),
        PROGRAM_TEST(a_load_is_reported),
        PROGRAM_TEST(a_weight_file_is_listed),
        PROGRAM_TEST(an_experiment_and_its_run_show_the_same),
        PROGRAM_TEST(wrong_requests_are_refused),
        PROGRAM_TEST(misshaped_weights_are_named),
        PROGRAM_TEST(a_full_disk_is_noticed),
    };
    return cmocka_run_group_tests_name("ui/cli/show", tests, NULL, NULL);
}
