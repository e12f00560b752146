#include "checkpoint/weight_file.h"
#include <string.h>

bool weight_file_ending(const char *path) {
    static const char *const endings[] = {".safetensors", ".pt", ".pth", ".bin", ".th", ".ckpt"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcmp(dot, endings[i]) == 0)
            return true;
    return false;
}

// Behind the 8 bytes of its header's length. No file of torch.save has such a byte there: it is a
// zip entry's compression, or part of the magic number.
static bool begins_as_safetensors(const unsigned char *data, size_t size) {
    return size > 8 && data[8] == '{';
}

bool weight_file_parse(struct weight_file *f, const void *data, size_t size, struct error *error) {
    *f = (struct weight_file){0};
    if (begins_as_safetensors(data, size)) {
        if (!safetensors_parse(&f->safetensors, data, size, error))
            return false;
        f->count = f->safetensors.count;
        f->entries = f->safetensors.entries;
        return true;
    }
    if (!torch_file_begins(data, size))
        return error_set(error, "it is no file of weights: neither safetensors nor of torch.save");
    if (!torch_file_parse(&f->torch, data, size, error))
        return false;
    f->count = f->torch.count;
    f->entries = f->torch.entries;
    return true;
}

bool weight_file_open(struct weight_file *f, const char *path, struct error *error) {
    struct mapping file;
    *f = (struct weight_file){0};
    if (!mapping_open(&file, path, error))
        return false;
    if (!weight_file_parse(f, file.data, file.size, error)) {
        mapping_close(&file);
        return error_prefix(error, "%s: ", path);
    }
    f->file = file;
    return true;
}

void weight_file_close(struct weight_file *f) {
    safetensors_close(&f->safetensors);
    torch_file_close(&f->torch);
    if (f->file.data)
        mapping_close(&f->file);
    *f = (struct weight_file){0};
}

const struct tensor_entry *weight_file_find(const struct weight_file *f, const char *name) {
    for (int i = 0; i < f->count; i++)
        if (!strcmp(f->entries[i].name, name))
            return &f->entries[i];
    return NULL;
}

const char *weight_file_format(const struct weight_file *f) {
    if (!f->torch.entries)
        return "safetensors";
    return f->torch.legacy ? "torch before 1.6" : "torch";
}
