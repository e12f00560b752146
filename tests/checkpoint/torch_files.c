// Files that PyTorch wrote, of many versions, and real weights: what is read is what PyTorch sees,
// to the bit (torch_files.tsv, written by tests/torch/compare_files.py), and damage ends in an
// error.
// clang-format off
#include "test.h"
// clang-format on
#include "base/text.h"
#include "checkpoint/load.h"
#include "checkpoint/shared.h"
#include "models/models.h"
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static bool open_shared(struct weight_file *f, const char *name, struct error *error) {
    char *path = shared_path(name);
    bool good = weight_file_open(f, path, error);
    free(path);
    return good;
}

// ---- The table.

static void check_tensor(const struct tensor_entry *e, char *const fields[5]) {
    char shape[96] = "", text[32];
    for (int i = 0; i < e->dims.rank; i++)
        snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%s%lld", i ? "x" : "",
                 (long long)e->dims.size[i]);
    unsigned char *bytes = xmalloc(e->bytes);
    tensor_copy(e, bytes);
    snprintf(text, sizeof text, "%08lx", (unsigned long)crc32_z(0, bytes, e->bytes));
    free(bytes);
    assert_string_equal(e->name, fields[1]);
    assert_string_equal(dtype_name(e->dtype), fields[2]);
    assert_string_equal(e->dims.rank ? shape : "scalar", fields[3]);
    assert_string_equal(text, fields[4]);
}

struct reading {
    char name[256]; // of the file at hand
    struct weight_file file;
    int next, files, tensors, refused;
};

static void end_file(struct reading *r) {
    if (!*r->name)
        return;
    if (r->next != r->file.count)
        fail_msg("%s: %d tensors, not %d", r->name, r->file.count, r->next);
    weight_file_close(&r->file);
    r->files++;
}

static void begin_file(struct reading *r, const char *name, bool loads) {
    char *path = xprintf("data/torch/%s", name);
    struct error error = {0};
    end_file(r);
    snprintf(r->name, sizeof r->name, "%s", name);
    r->next = 0;
    bool good = open_shared(&r->file, path, &error);
    if (good != loads)
        fail_msg("%s: %s", name, good ? "PyTorch does not load it" : error.text);
    if (!good) {
        assert_int_equal(error.kind, ERROR_REQUEST);
        assert_non_null(strstr(error.text, "no file of weights"));
        r->refused++;
    }
    free(path);
}

static void read_row(struct reading *r, char *line) {
    char *fields[5], *rest = line;
    for (int i = 0; i < 5; i++)
        assert_non_null(fields[i] = strsep(&rest, "\t\n"));
    bool loads = strcmp(fields[1], "-") != 0;
    if (strcmp(r->name, fields[0]) != 0)
        begin_file(r, fields[0], loads);
    if (!loads)
        return;
    if (r->next >= r->file.count)
        fail_msg("%s: %s is missing", r->name, fields[1]);
    check_tensor(&r->file.entries[r->next++], fields);
    r->tensors++;
}

static void every_file_is_what_pytorch_sees(void **state) {
    (void)state;
    if (!shared_exists("data/torch"))
        skip();
    const char *source = getenv("THAW_SOURCE");
    char *path = files_join(source ? source : ".", "tests/checkpoint/torch_files.tsv"), line[1024];
    FILE *table = fopen(path, "r");
    assert_non_null(table);
    struct reading r = {0};
    while (fgets(line, sizeof line, table))
        if (*line != '#')
            read_row(&r, line);
    end_file(&r);
    fclose(table);
    free(path);
    print_message("%d files, %d tensors, %d refused\n", r.files, r.tensors, r.refused);
    assert_int_equal(r.refused, 1);
}

// The table has every torch file that the manifest has.
static void the_manifest_is_covered(void **state) {
    (void)state;
    if (!shared_exists("data/torch/MANIFEST.tsv"))
        skip();
    char *manifest = shared_path("data/torch/MANIFEST.tsv"), line[2048];
    const char *source = getenv("THAW_SOURCE");
    char *path = files_join(source ? source : ".", "tests/checkpoint/torch_files.tsv");
    struct mapping table;
    assert_true(mapping_open(&table, path, NULL));
    FILE *list = fopen(manifest, "r");
    assert_non_null(list);
    int count = 0;
    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, "\t")] = '\0';
        if (!strstr(line, ".pt"))
            continue;
        count++;
        if (!memmem(table.data, table.size, line, strlen(line)))
            fail_msg("%s is not in the table", line);
    }
    assert_true(count > 100);
    fclose(list);
    mapping_close(&table);
    free(manifest);
    free(path);
}

// ---- Damage: every byte of a sample changed in some ways, and every length.

static void read_all(const struct weight_file *f) {
    for (int i = 0; i < f->count; i++) {
        unsigned char *bytes = xmalloc(f->entries[i].bytes);
        tensor_copy(&f->entries[i], bytes);
        free(bytes);
    }
}

// Whether the bytes were taken; they are copied, so that the sanitizer sees a read beyond them.
static bool try_bytes(const unsigned char *data, size_t size) {
    struct weight_file f;
    struct error error = {0};
    unsigned char *exact = xmemdup(data, size);
    bool good = weight_file_parse(&f, exact, size, &error);
    if (good) {
        read_all(&f);
        weight_file_close(&f);
    } else {
        assert_int_equal(error.kind, ERROR_REQUEST);
        assert_true(*error.text && !strchr(error.text, '\n'));
    }
    free(exact);
    return good;
}

static void damage(const char *name, int *taken) {
    char *path = shared_path(name);
    struct mapping whole;
    assert_true(mapping_open(&whole, path, NULL));
    free(path);
    for (size_t size = 0; size < whole.size; size++)
        *taken += try_bytes(whole.data, size);
    unsigned char *bytes = xmemdup(whole.data, whole.size);
    for (size_t i = 0; i < whole.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] = whole.data[i] ^ (unsigned char)(1 << bit);
            try_bytes(bytes, whole.size);
        }
        bytes[i] = whole.data[i];
    }
    free(bytes);
    mapping_close(&whole);
}

static void damage_ends_in_errors(void **state) {
    (void)state;
    static const char *const sample[] = {
        "data/torch/gopickle/tensor_float32_proto4_zip.pt",
        "data/torch/gopickle/tensor_bool_proto1.pt",
        "data/torch/gopickle/tensor_int16_proto5.pt",
        "data/torch/burn_fixtures/reader_legacy_with_offsets.pt",
        "data/torch/burn_fixtures/reader_checkpoint.pt",
    };
    if (!shared_exists(sample[0]))
        skip();
    int taken = 0;
    for (size_t i = 0; i < sizeof sample / sizeof *sample; i++)
        damage(sample[i], &taken);
    assert_int_equal(taken, 0); // no file that was cut short
}

// In a zip archive, a changed byte of a tensor is noticed by its checksum.
static void a_changed_weight_is_noticed(void **state) {
    (void)state;
    static const char name[] = "data/torch/gopickle/tensor_float32_proto2_zip.pt";
    if (!shared_exists(name))
        skip();
    char *path = shared_path(name);
    struct mapping whole;
    struct weight_file f;
    assert_true(mapping_open(&whole, path, NULL));
    assert_true(weight_file_parse(&f, whole.data, whole.size, NULL));
    unsigned char *bytes = xmemdup(whole.data, whole.size);
    bytes[f.entries[0].data - whole.data + 3] ^= 0x10;
    weight_file_close(&f);
    struct error error = {0};
    assert_false(weight_file_parse(&f, bytes, whole.size, &error));
    assert_non_null(strstr(error.text, "checksum differs"));
    free(bytes);
    mapping_close(&whole);
    free(path);
}

// ---- Real weights.

static struct model *build(const char *name, struct shape input, int classes, char shortcut) {
    struct arch_options options = {.input = input, .classes = classes, .shortcut = shortcut};
    struct model *model = arch_build(arch_find(name, NULL), &options, NULL);
    assert_non_null(model);
    return model;
}

static void check_real(const char *file, const char *arch, int loaded) {
    struct weight_file f;
    struct load_report r;
    struct error error = {0};
    if (!open_shared(&f, file, &error))
        fail_msg("%s", error.text);
    struct model *model = build(arch, (struct shape){32, 32, 3}, 10, 'a');
    struct weights w = weights_open(model);
    if (!load_weights(&w, &f, &(struct load_options){0}, &r, &error))
        fail_msg("%s", error.text);
    assert_string_equal(r.part, "state_dict");
    assert_string_equal(r.aside, "best_prec1");
    assert_string_equal(r.prefix, "module.");
    assert_int_equal(r.prefix_count, f.count);
    assert_int_equal(r.loaded, loaded);
    assert_int_equal(r.missing_count + r.unexpected_count + r.misshaped_count + r.replaced_count,
                     0);
    const struct tensor_entry *bias = weight_file_find(&f, "module.linear.bias");
    float values[10];
    tensor_to_float(bias, values);
    assert_memory_equal(weights_at(&w, model_param(model, "linear.bias")), values, sizeof values);
    load_report_close(&r);
    weights_close(&w);
    model_close(model);
    weight_file_close(&f);
}

static void cifar_networks_load_as_they_are(void **state) {
    (void)state;
    if (!shared_exists("data/weights/resnet_cifar10"))
        skip();
    check_real("data/weights/resnet_cifar10/resnet20-12fca82f.th", "resnet20", 97);
    check_real("data/weights/resnet_cifar10/resnet56-4bfd9763.th", "resnet56", 277);
}

static void a_trunk_loads_in_part(void **state) {
    (void)state;
    static const char name[] = "data/weights/resnet18_imagenet_l3/resnet18_l3_bn_calibrated.pth";
    if (!shared_exists(name))
        skip();
    struct weight_file f;
    struct load_report r;
    struct error error = {0};
    assert_true(open_shared(&f, name, &error));
    struct model *model = build("resnet18", (struct shape){112, 112, 3}, 5, '\0');
    struct weights w = weights_open(model);
    assert_false(load_weights(&w, &f, &(struct load_options){0}, NULL, &error));
    assert_non_null(strstr(error.text, "24 parameters are missing from the file: layer4.0.conv1"));
    assert_true(load_weights(&w, &f, &(struct load_options){.partial = true}, &r, &error));
    struct text text = {0};
    load_report_text(&r, model, &text);
    assert_string_equal(text.data,
                        "91 parameters loaded\n"
                        "24 parameters are not in the file and start from initialisation: "
                        "layer4.0.conv1.weight, layer4.0.bn1, layer4.0.conv2.weight, layer4.0.bn2 "
                        "and 2 more\n"
                        "2 parameters of the head start anew: fc.weight, fc.bias\n");
    text_free(&text);
    load_report_close(&r);
    weights_close(&w);
    model_close(model);
    weight_file_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_what_pytorch_sees),
        cmocka_unit_test(the_manifest_is_covered),
        cmocka_unit_test(damage_ends_in_errors),
        cmocka_unit_test(a_changed_weight_is_noticed),
        cmocka_unit_test(cifar_networks_load_as_they_are),
        cmocka_unit_test(a_trunk_loads_in_part),
    };
    return cmocka_run_group_tests_name("checkpoint/torch_files", tests, NULL, NULL);
}
