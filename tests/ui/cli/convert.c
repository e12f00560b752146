// thaw convert, thaw show of a torch file, and weights of torch's in an experiment.
#include "checkpoint/torch_bytes.h"
#include "checkpoint/weight_file.h"
#include "program.h"

static const float numbers[6] = {1, 2, 3, 4, 5, 6};

// A checkpoint of a wrapped model: "state_dict" with module.b [2] (a part of a storage) and
// module.a [3, 2] (its transpose), and "epoch".
static void write_torch(const char *path) {
    const struct tensor_case b = {"Float", "0", 6, 1, 1, {2}, {1}};
    const struct tensor_case a = {"Float", "0", 6, 0, 2, {3, 2}, {1, 3}};
    struct bytes pickle = {0};
    struct archive zip = {0};
    put_ops(&pickle, "\x80\2}(U\5epochK\3U\12state_dict}(");
    put_text(&pickle, "module.b");
    put_tensor(&pickle, &b);
    put_text(&pickle, "module.a");
    put_tensor(&pickle, &a);
    put_ops(&pickle, "uu.");
    zip_add(&zip, &(struct entry_case){.name = "w/data.pkl", .data = pickle});
    zip_data(&zip, "w/data/0", numbers, sizeof numbers);
    struct bytes file = zip_end(&zip, true);
    assert_true(files_write(path, file.data, file.size, NULL));
    free(pickle.data);
    free(file.data);
}

static void a_torch_file_becomes_safetensors(void **state) {
    (void)state;
    write_torch("w.pth");
    struct outcome o = RUN("convert", "w.pth", "w.safetensors");
    assert_done(&o);
    assert_string_equal(o.out, "w.safetensors: 2 tensors, 32 B; taken from state_dict; left aside: "
                               "epoch; names without module.\n");
    outcome_close(&o);
    struct safetensors s;
    assert_true(safetensors_open(&s, "w.safetensors", NULL));
    assert_string_equal(safetensors_metadata(&s, "format"), "pt");
    assert_int_equal(s.count, 2);
    assert_string_equal(s.entries[0].name, "b"); // the order of the dictionary
    static const float a[] = {1, 4, 2, 5, 3, 6};
    assert_memory_equal(safetensors_find(&s, "b")->data, numbers + 1, 8);
    assert_memory_equal(safetensors_find(&s, "a")->data, a, sizeof a);
    assert_int_equal(safetensors_find(&s, "a")->dims.size[0], 3);
    safetensors_close(&s);
}

static void safetensors_stays_what_it_is(void **state) {
    (void)state;
    const struct tensor_out tensor = {"x", DTYPE_F32, {1, {6}}, numbers};
    const char *const metadata[] = {"format", "pt", "note", "mine"};
    assert_true(safetensors_write("a.safetensors", &tensor, 1, metadata, 2, NULL));
    struct outcome o = RUN("convert", "a.safetensors", "b.safetensors");
    assert_done(&o);
    outcome_close(&o);
    assert_same_file("a.safetensors", "b.safetensors");
    o = RUN("convert", "a.safetensors", "a.safetensors"); // onto itself
    assert_done(&o);
    outcome_close(&o);
    assert_same_file("a.safetensors", "b.safetensors");
}

static void a_torch_file_is_shown(void **state) {
    (void)state;
    write_torch("w.pth");
    assert_int_equal(rename("w.pth", "weights.bin.old"), 0); // the content tells, not the name
    struct outcome o = RUN("show", "weights.bin.old");
    assert_done(&o);
    assert_contains(o.out, "module.a  F32   [3, 2]");
    assert_contains(o.out, "2 tensors, 8 numbers, 32 B\nformat: torch\ntaken from: state_dict\n"
                           "left aside: epoch\n");
    outcome_close(&o);
    o = RUN("show", "weights.bin.old", "--json");
    assert_done(&o);
    json_t *shown = json_loads(o.out, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(shown, "format")), "torch");
    assert_string_equal(json_string_value(json_object_get(shown, "part")), "state_dict");
    assert_int_equal(json_array_size(json_object_get(shown, "tensors")), 2);
    json_decref(shown);
    outcome_close(&o);
}

static void refuse(struct outcome o, const char *why) {
    assert_refused(&o, 2, why);
    assert_false(files_exist("out.safetensors"));
    outcome_close(&o);
}

static void wrong_requests_are_refused(void **state) {
    (void)state;
    write_torch("w.pth");
    refuse(RUN("convert", "w.pth"), "usage: thaw convert IN OUT.safetensors");
    refuse(RUN("convert", "w.pth", "out.safetensors", "more"), "usage");
    refuse(RUN("convert", "--fast", "w.pth", "out.safetensors"), "--fast");
    refuse(RUN("convert", "w.pth", "out.pth"), "only safetensors is written");
    refuse(RUN("convert", "nothing.pth", "out.safetensors"), "nothing.pth");
    refuse(RUN("convert", "w.pth", "nowhere/out.safetensors"), "nowhere");
    write_text("text.pt", "no weights");
    refuse(RUN("convert", "text.pt", "out.safetensors"), "text.pt: it is no file of weights");
    write_text("run.pt", "\x80\2cos\nsystem\nU\4true\x85R.");
    refuse(RUN("convert", "run.pt", "out.safetensors"), "a Python object (os.system)");
    refuse(RUN("show", "w.pth", "--thaw", "head"), "only --json");
    refuse(RUN("show", "missing.pt"), "missing.pt");
}

// ---- In an experiment: names by rules.

static void write_mlp(const char *path) {
    static float zeros[256 * 128];
    const struct tensor_out tensors[] = {
        {"net.fc1.weight", DTYPE_F32, {2, {256, 64}}, zeros},
        {"net.fc1.bias", DTYPE_F32, {1, {256}}, zeros},
        {"net.second.weight", DTYPE_F32, {2, {128, 256}}, zeros},
        {"net.second.bias", DTYPE_F32, {1, {128}}, zeros},
        {"net.fc3.weight", DTYPE_F32, {2, {10, 128}}, zeros},
        {"net.fc3.bias", DTYPE_F32, {1, {10}}, zeros},
    };
    assert_true(safetensors_write(path, tensors, 6, NULL, 0, NULL));
}

static void names_are_mapped_in_sight(void **state) {
    (void)state;
    write_mlp("w.safetensors");
    write_text("tiny.yaml", "model:\n  name: mlp\n  weights: w.safetensors\n"
                            "  rename: [net.second net.fc2]\n"
                            "data: {name: digits, limit: 10, test_limit: 5}\n"
                            "train: {epochs: 1, batch: 10}\n");
    struct outcome o = RUN("run", "tiny.yaml", "--out", "out");
    assert_done(&o);
    assert_contains(o.out, "2 names were changed: net.second.weight -> net.fc2.weight, "
                           "net.second.bias -> net.fc2.bias\n"
                           "the prefix net. was taken off 6 names\n"
                           "6 parameters loaded\n");
    outcome_close(&o);
    refuse(RUN("run", "tiny.yaml", "--out", "x", "--set", "model.rename=[second fc2]"),
           "model.rename: no name in the file is or begins with 'second' (second fc2); did you "
           "mean net.second.");
    refuse(RUN("run", "tiny.yaml", "--out", "x", "--set", "model.rename=[]"), "fc2");
    o = RUN("show", "tiny.yaml", "--json");
    assert_done(&o);
    json_t *shown = json_loads(o.out, 0, NULL), *weights = json_object_get(shown, "weights");
    assert_string_equal(json_string_value(json_object_get(weights, "prefix")), "net.");
    assert_int_equal(json_array_size(json_object_get(weights, "renamed")), 2);
    json_decref(shown);
    outcome_close(&o);
}

// Twice is as once: what is rounded is exact.
static void float16_is_rounded_once(void **state) {
    (void)state;
    static const float values[6] = {1, -2.0004f, 1e-3f, 1e-7f, 65504, 0};
    static const int64_t counter = 3;
    const struct tensor_out tensors[] = {{"x", DTYPE_F32, {1, {6}}, values},
                                         {"n", DTYPE_I64, {0}, &counter}};
    assert_true(safetensors_write("a.safetensors", tensors, 2, NULL, 0, NULL));
    struct outcome o = RUN("convert", "a.safetensors", "b.safetensors", "--float16");
    assert_done(&o);
    assert_string_equal(o.out, "b.safetensors: 2 tensors, 20 B\n");
    outcome_close(&o);
    o = RUN("convert", "--float16", "b.safetensors", "c.safetensors");
    assert_done(&o);
    outcome_close(&o);
    assert_same_file("b.safetensors", "c.safetensors");
    static const float large[1] = {65536};
    const struct tensor_out tensor = {"x", DTYPE_F32, {1, {1}}, large};
    assert_true(safetensors_write("a.safetensors", &tensor, 1, NULL, 0, NULL));
    o = RUN("convert", "a.safetensors", "d.safetensors", "--float16");
    assert_refused(&o, 2, "x: it has values beyond float16's range, 65504");
    assert_false(files_exist("d.safetensors"));
    outcome_close(&o);
}

static void nothing_that_fits_is_said(void **state) {
    (void)state;
    write_torch("w.pth");
    write_text("tiny.yaml", program_tiny);
    refuse(RUN("run", "tiny.yaml", "--out", "x", "--set", "model.weights=./w.pth", "--set",
               "model.partial=true"),
           "no name in it is one of mlp's: it begins with module.b, the model with fc1.weight");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(a_torch_file_becomes_safetensors),
        PROGRAM_TEST(safetensors_stays_what_it_is),
        PROGRAM_TEST(a_torch_file_is_shown),
        PROGRAM_TEST(wrong_requests_are_refused),
        PROGRAM_TEST(names_are_mapped_in_sight),
        PROGRAM_TEST(float16_is_rounded_once),
        PROGRAM_TEST(nothing_that_fits_is_said),
    };
    return cmocka_run_group_tests_name("ui/cli/convert", tests, NULL, NULL);
}
