// Bad input to thaw run: one line, exit code 2, and no output directory.
#include "checkpoint/safetensors.h"
#include "datasets/idx_bytes.h"
#include "program.h"

static void refuse(struct outcome o, const char *why) {
    assert_refused(&o, 2, why);
    assert_false(files_exist("out"));
    outcome_close(&o);
}

static void refuse_experiment(const char *yaml, const char *why) {
    write_text("bad.yaml", yaml);
    refuse(RUN("run", "bad.yaml", "--out", "out"), why);
}

static void refuse_set(const char *setting, const char *why) {
    write_text("tiny.yaml", program_tiny);
    refuse(RUN("run", "tiny.yaml", "--out", "out", "--set", setting), why);
}

static void experiments(void **state) {
    (void)state;
    refuse(RUN("run", "missing.yaml", "--out", "out"), "missing.yaml");
    refuse_experiment("model: {name: mlp}\ndata: {name: digits}\ntrain:\n  epoch: 3\n",
                      "bad.yaml:4:3");
    refuse_experiment("model: {name: mlp}\ndata: {name: digits}\ntrain:\n  epoch: 3\n", "epochs");
    refuse_experiment("model: {name: mlp}\n", "data.name");
    refuse_experiment("model: {name: mlp\n", "bad.yaml");
    refuse_experiment("model: {name: mpl}\ndata: {name: digits}\n", "mlp");
    refuse_experiment("model: {name: mlp}\ndata: {name: digit}\n", "digits");
    refuse_experiment("model: {name: mlp}\ndata: {name: digits}\ntrain: {epochs: many}\n",
                      "train.epochs");
    refuse_experiment("\xff\xfe\x01", "bad.yaml");
    refuse_experiment("", "bad.yaml");
}

static void settings(void **state) {
    (void)state;
    refuse_set("train.epochs", "KEY=VALUE");
    refuse_set("train.epoch=3", "train.epochs");
    refuse_set("optim.lr=-1", "optim.lr");
    refuse_set("freeze.rules=[thaw fc9]", "fc9");
    refuse_set("freeze.rules=[thaw none]", "nothing is thawed");
    refuse_set("freeze.rules=[melt fc1]", "melt");
    refuse_set("optim.lr_scale=[fc9 0.1]", "fc9");
    refuse_set("data.shift=[twist]", "twist");
    refuse_set("data.augment=[mirror]", "mirror");
    refuse_set("data.limit=1000", "digits");
    refuse_set("data.mean=[0.1, 0.2]", "data.std");
    refuse_set("model.shortcut=a", "shortcut");
}

static void options(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    refuse(RUN("run", "tiny.yaml", "--out", "out", "--threads", "0"), "--threads 0");
    refuse(RUN("run", "tiny.yaml", "tiny.yaml", "--out", "out"), "one experiment");
    refuse(RUN("run", "--resume", "nowhere"), "nowhere");
    refuse(RUN("run", "--resume", "nowhere", "--out", "out"), "--resume");
    refuse(RUN("run", "tiny.yaml", "--out", "out", "--events", "nowhere"), "nowhere");
    refuse(RUN("run", "tiny.yaml", "--out", "out", "--budget", "soon"), "60s");
    refuse(RUN("run", "--resume", "nowhere", "--budget", "60s"), "--budget");
    refuse(RUN("run", "tiny.yaml", "--out", "out", "--budget", "1s", "--set",
               "freeze.rules=[thaw none]"),
           "nothing is thawed");
}

static void output_directories(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    refuse(RUN("run", "tiny.yaml", "--out", "tiny.yaml/out"), "tiny.yaml/out");
    refuse(RUN("run", "tiny.yaml", "--out", "tiny.yaml"), "tiny.yaml");
    assert_true(files_make_directory("full", NULL));
    write_text("full/precious", "mine");
    struct outcome o = RUN("run", "tiny.yaml", "--out", "full");
    assert_refused(&o, 2, "full");
    outcome_close(&o);
    files_remove("full/precious");
    assert_int_equal(rmdir("full"), 0); // nothing else had been put there
    if (geteuid() == 0)
        return; // who may write everywhere
    assert_int_equal(mkdir("closed", 0500), 0);
    refuse(RUN("run", "tiny.yaml", "--out", "closed/out"), "closed/out");
}

static void write_bytes(const char *path, const void *bytes, size_t size) {
    assert_true(files_write(path, bytes, size, NULL));
}

static void refuse_weights(const char *why) {
    refuse_set("model.weights=./w.safetensors", why);
    refuse_set("model.weights=./w.safetensors", "w.safetensors");
}

static void weights(void **state) {
    (void)state;
    static float numbers[128];
    const struct tensor_out tensor = {"fc2.bias", DTYPE_F32, {1, {128}}, numbers};
    refuse_weights("w.safetensors");
    write_bytes("w.safetensors", "", 0);
    refuse_weights("safetensors");
    assert_true(safetensors_write("w.safetensors", &tensor, 1, NULL, 0, NULL));
    refuse_weights("fc1, fc2.weight, fc3"); // missing
    struct mapping whole;
    assert_true(mapping_open(&whole, "w.safetensors", NULL));
    write_bytes("w.safetensors", whole.data, whole.size - 1);
    mapping_close(&whole);
    refuse_weights("fc2.bias"); // truncated
    write_bytes("w.safetensors", "\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10);
    refuse_weights("header");
    write_bytes("w.safetensors", "\x08\0\0\0\0\0\0\0{\"a\":[[[", 16);
    refuse_weights("header");
    static const char overlong[] = "{\"fc2.bias\":{\"dtype\":\"F32\",\"shape\":[128],"
                                   "\"data_offsets\":[0,18446744073709551615]}}";
    unsigned char bytes[8 + sizeof overlong] = {sizeof overlong - 1};
    memcpy(bytes + 8, overlong, sizeof overlong - 1);
    write_bytes("w.safetensors", bytes, 8 + sizeof overlong - 1);
    refuse_weights("header");
}

static void weights_with_bad_values(void **state) {
    (void)state;
    static float numbers[10] = {0};
    numbers[3] = (float)(1.0 / 0.0);
    const struct tensor_out tensor = {"fc3.bias", DTYPE_F32, {1, {10}}, numbers};
    assert_true(safetensors_write("w.safetensors", &tensor, 1, NULL, 0, NULL));
    write_text("tiny.yaml", program_tiny);
    refuse(RUN("run", "tiny.yaml", "--out", "out", "--set", "model.weights=./w.safetensors",
               "--set", "model.partial=true"),
           "element 3");
}

// Four files named as MNIST's; `images` are those to learn from.
static void write_idx(struct bytes images) {
    struct bytes test = idx_bytes((const uint32_t[4]){20, 4, 4}, 320, 256);
    struct bytes labels = idx_bytes((const uint32_t[4]){20}, 20, 2);
    write_bytes("images/train-images-idx3-ubyte", images.data, images.size);
    write_bytes("images/train-labels-idx1-ubyte", labels.data, labels.size);
    write_bytes("images/t10k-images-idx3-ubyte", test.data, test.size);
    write_bytes("images/t10k-labels-idx1-ubyte", labels.data, labels.size);
    free(images.data);
    free(test.data);
    free(labels.data);
}

static void refuse_images(struct bytes images, const char *why) {
    write_idx(images);
    refuse_experiment("model: {name: mlp}\ndata: {name: idx, path: images}\ntrain: {epochs: 1}\n",
                      why);
}

static void images(void **state) {
    (void)state;
    static const uint32_t good[4] = {20, 4, 4}, many[4] = {21, 4, 4}, empty[4] = {20, 4, 1};
    assert_true(files_make_directory("images", NULL));
    struct bytes magic = idx_bytes(good, 320, 256);
    magic.data[2] = 0x0d;
    refuse_images(magic, "00 00 0d 03");
    refuse_images(idx_bytes(many, 336, 256), "21 images, but 20 labels");
    refuse_images(idx_bytes(many, 320, 256), "train-images-idx3-ubyte");  // promises more
    refuse_images(idx_bytes(empty, 320, 256), "train-images-idx3-ubyte"); // promises less
    struct bytes cut = idx_bytes(good, 320, 256);
    cut.size = 9;
    refuse_images(cut, "header");
    struct bytes plain = idx_bytes(good, 320, 256), packed = gzip_bytes(plain);
    free(plain.data);
    packed.data[packed.size / 2] ^= 0xff;
    refuse_images(packed, "gzip");
    write_idx(idx_bytes(good, 320, 256));
    struct outcome o = RUN("run", "bad.yaml", "--quiet", "--out", "good");
    assert_done(&o); // the files are right but for what was changed above
    outcome_close(&o);
    files_remove("images/t10k-labels-idx1-ubyte");
    refuse(RUN("run", "bad.yaml", "--out", "out"), "t10k-labels-idx1-ubyte");
}

static void damaged_states(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    struct outcome o = RUN("run", "tiny.yaml", "--quiet", "--out", "run");
    assert_done(&o);
    outcome_close(&o);
    char *metrics = read_text("run/metrics.jsonl");
    write_text("run/state-2/state.json", "{\"step\": 1");
    refuse(RUN("run", "--resume", "run"), "run/state-2/state.json");
    write_text("run/state", "nonsense");
    refuse(RUN("run", "--resume", "run"), "run/state");
    char *after = read_text("run/metrics.jsonl");
    assert_string_equal(metrics, after);
    free(metrics);
    free(after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(experiments), PROGRAM_TEST(settings),
        PROGRAM_TEST(options),     PROGRAM_TEST(output_directories),
        PROGRAM_TEST(weights),     PROGRAM_TEST(weights_with_bad_values),
        PROGRAM_TEST(images),      PROGRAM_TEST(damaged_states),
    };
    return cmocka_run_group_tests_name("ui/cli/refusals", tests, NULL, NULL);
}
