// thaw convert: any file of weights to safetensors, tensor by tensor, with the same bits, or
// float32 rounded to float16.
#include "base/text.h"
#include "base/xalloc.h"
#include "checkpoint/name_map.h"
#include "checkpoint/weight_file.h"
#include "ui/cli/cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What stays readable until the file is written.
struct output {
    struct tensor_out *tensors;
    void **copies; // of what does not lie in order in the file
    const char **metadata;
    int metadata_pairs;
};

// Puts a rounded copy in place of a tensor of float32.
static bool round_tensor(struct output *out, int i, const struct tensor_entry *e,
                         struct error *error) {
    const size_t count = dims_count(e->dims);
    float *values = xmalloc(count * sizeof *values + 1);
    uint16_t *halves = xmalloc(count * sizeof *halves + 1);
    tensor_to_float(e, values);
    bool fine = tensor_to_half(values, count, halves) ||
                error_set(error, "%s: it has values beyond float16's range, 65504", e->name);
    free(values);
    free(out->copies[i]);
    out->copies[i] = halves;
    out->tensors[i].dtype = DTYPE_F16;
    out->tensors[i].data = halves;
    return fine;
}

static bool round_tensors(struct output *out, const struct weight_file *in, struct error *error) {
    for (int i = 0; i < in->count; i++)
        if (in->entries[i].dtype == DTYPE_F32 && !round_tensor(out, i, &in->entries[i], error))
            return false;
    return true;
}

static void fill_tensors(struct output *out, const struct weight_file *in, size_t prefix) {
    out->tensors = xcalloc((size_t)in->count, sizeof *out->tensors);
    out->copies = xcalloc((size_t)in->count, sizeof *out->copies);
    for (int i = 0; i < in->count; i++) {
        const struct tensor_entry *e = &in->entries[i];
        if (!tensor_in_place(e)) {
            out->copies[i] = xmalloc(e->bytes);
            tensor_copy(e, out->copies[i]);
        }
        out->tensors[i] = (struct tensor_out){e->name + prefix, e->dtype, e->dims,
                                              out->copies[i] ? out->copies[i] : e->data};
    }
}

// A safetensors file keeps its metadata; "format": "pt" tells readers in Python what it is.
static void fill_metadata(struct output *out, const struct safetensors *in) {
    int pairs = 0;
    out->metadata = xcalloc((size_t)in->metadata_count + 1, 2 * sizeof *out->metadata);
    if (!safetensors_metadata(in, "format")) {
        out->metadata[0] = "format";
        out->metadata[1] = "pt";
        pairs++;
    }
    for (int i = 0; i < in->metadata_count; i++, pairs++) {
        out->metadata[2 * pairs] = in->metadata_keys[i];
        out->metadata[2 * pairs + 1] = in->metadata_values[i];
    }
    out->metadata_pairs = pairs;
}

static void free_output(struct output *out, int count) {
    for (int i = 0; i < count; i++)
        free(out->copies[i]);
    free(out->copies);
    free(out->tensors);
    free(out->metadata);
}

static void say_done(const struct weight_file *in, const struct output *out, size_t prefix,
                     const char *path) {
    size_t bytes = 0;
    for (int i = 0; i < in->count; i++)
        bytes += dims_count(in->entries[i].dims) * dtype_size(out->tensors[i].dtype);
    char text[32];
    printf("%s: %d tensor%s, %s", path, in->count, in->count == 1 ? "" : "s",
           text_bytes((double)bytes, text));
    if (in->torch.part)
        printf("; taken from %s", in->torch.part);
    if (in->torch.aside)
        printf("; left aside: %s", in->torch.aside);
    if (prefix)
        printf("; names without %.*s", (int)prefix, in->entries[0].name);
    printf("\n");
}

static bool convert(const char *from, const char *to, bool halve, struct error *error) {
    struct weight_file in;
    struct output out;
    if (!weight_file_open(&in, from, error))
        return false;
    if (weight_file_find(&in, "__metadata__")) {
        weight_file_close(&in);
        return error_set(error, "%s: safetensors cannot hold a tensor called __metadata__", from);
    }
    size_t prefix = name_map_wrapper(&in);
    fill_tensors(&out, &in, prefix);
    fill_metadata(&out, &in.safetensors);
    bool good =
        (!halve || round_tensors(&out, &in, error)) &&
        safetensors_write(to, out.tensors, in.count, out.metadata, out.metadata_pairs, error);
    if (good)
        say_done(&in, &out, prefix, to);
    free_output(&out, in.count);
    weight_file_close(&in);
    return good;
}

static bool ends_right(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot && strcmp(dot, ".safetensors") == 0;
}

static int convert_main(int argc, char **argv) {
    struct error error;
    const char *files[2] = {NULL, NULL};
    bool halve = false;
    int count = 0;
    for (int i = 1; i < argc; i++) {
        const bool option = argv[i][0] == '-', known = strcmp(argv[i], "--float16") == 0;
        if (option && !known)
            return cli_usage(&cli_convert, "there is no option %s", argv[i]);
        halve |= known;
        if (!option && count < 2)
            files[count] = argv[i];
        count += !option;
    }
    if (count != 2)
        return cli_usage(&cli_convert, "give the file to read and the one to write");
    if (!ends_right(files[1]))
        return cli_usage(&cli_convert,
                         "%s: only safetensors is written; give a name that ends in .safetensors",
                         files[1]);
    return convert(files[0], files[1], halve, &error) ? 0 : cli_fail(&error);
}

const struct subcommand cli_convert = {"convert", "convert IN OUT.safetensors [--float16]",
                                       "a file of torch.save, or safetensors, to safetensors with "
                                       "the same names and bits, or float32\n"
                                       "rounded to float16",
                                       convert_main};
