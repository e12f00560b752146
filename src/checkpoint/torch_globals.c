// What a pickle may name, and what becomes of a call to it.
#include "checkpoint/torch_machine.h"
#include <string.h>

#define STORAGE(name, dtype)                                                                       \
    {"torch", name "Storage", CALL_NEVER, true, dtype}, {                                          \
        "torch.cuda", name "Storage", CALL_NEVER, true, dtype                                      \
    }
#define DTYPE(name)                                                                                \
    { "torch", name, CALL_NEVER, false, DTYPE_F32 }
#define CALL(module, name, call)                                                                   \
    { module, name, call, false, DTYPE_F32 }

static const struct torch_global globals[] = {
    CALL("collections", "OrderedDict", CALL_DICT),
    CALL("collections", "Counter", CALL_ARGUMENT),
    CALL("builtins", "set", CALL_ARGUMENT),
    CALL("__builtin__", "set", CALL_ARGUMENT),
    CALL("_codecs", "encode", CALL_OTHER), // bytes, before protocol 3
    CALL("torch", "device", CALL_OTHER),
    CALL("torch", "Size", CALL_ARGUMENT),
    CALL("torch._utils", "_rebuild_tensor", CALL_TENSOR),
    CALL("torch._utils", "_rebuild_tensor_v2", CALL_TENSOR),
    CALL("torch._utils", "_rebuild_parameter", CALL_PARAMETER),
    STORAGE("Float", DTYPE_F32),
    STORAGE("Half", DTYPE_F16),
    STORAGE("BFloat16", DTYPE_BF16),
    STORAGE("Double", DTYPE_F64),
    STORAGE("Long", DTYPE_I64),
    STORAGE("Int", DTYPE_I32),
    STORAGE("Short", DTYPE_I16),
    STORAGE("Char", DTYPE_I8),
    STORAGE("Byte", DTYPE_U8),
    STORAGE("Bool", DTYPE_BOOL),
    DTYPE("float32"),
    DTYPE("float16"),
    DTYPE("bfloat16"),
    DTYPE("float64"),
    DTYPE("int64"),
    DTYPE("int32"),
    DTYPE("int16"),
    DTYPE("int8"),
    DTYPE("uint8"),
    DTYPE("bool"),
};

static bool same(const char *text, const unsigned char *bytes, size_t length) {
    return strlen(text) == length && memcmp(text, bytes, length) == 0;
}

static bool begins(const unsigned char *bytes, size_t length, const char *with) {
    return length >= strlen(with) && memcmp(bytes, with, strlen(with)) == 0;
}

// Kinds of tensors that there are, but not here.
static bool is_tensor_kind(const unsigned char *module, size_t length, const unsigned char *name,
                           size_t name_length) {
    return same("torch._utils", module, length) || same("torch._tensor", module, length) ||
           same("torch.storage", module, length) ||
           (same("torch", module, length) && name_length > 7 &&
            same("Storage", name + name_length - 7, 7)) ||
           begins(module, length, "torch.sparse");
}

// "module.name" with at most 60 bytes of each.
static bool refuse(const unsigned char *module, size_t module_length, const unsigned char *name,
                   size_t name_length, struct error *error) {
    int m = module_length < 60 ? (int)module_length : 60;
    int n = name_length < 60 ? (int)name_length : 60;
    if (is_tensor_kind(module, module_length, name, name_length))
        return error_set(
            error,
            "it holds a kind of tensor that is not supported (%.*s.%.*s); plain tensors "
            "of floats, whole numbers and bools are",
            m, (const char *)module, n, (const char *)name);
    return error_set(error,
                     "it holds a Python object (%.*s.%.*s), and no file's code is ever run; in "
                     "Python, save model.state_dict() instead, and nothing beside it but numbers "
                     "and text",
                     m, (const char *)module, n, (const char *)name);
}

bool torch_machine_global(struct torch_pickle *p, const unsigned char *module, size_t module_length,
                          const unsigned char *name, size_t name_length, struct error *error) {
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
        if (!same(globals[i].module, module, module_length) ||
            !same(globals[i].name, name, name_length))
            continue;
        uint32_t value = torch_machine_add(p, TORCH_GLOBAL);
        p->values[value].global = &globals[i];
        torch_machine_push(p, value);
        return true;
    }
    return refuse(module, module_length, name, name_length, error);
}

// ---- Calls.

// A list of pairs, as Python 2 gives an OrderedDict its items. Each has its own: a list that many
// were made of would take up memory without end.
static bool add_pairs(struct torch_pickle *p, uint32_t dict, uint32_t pairs, struct error *error) {
    if (p->values[pairs].kind != TORCH_LIST)
        return error_set(error, "OrderedDict takes a list of pairs");
    p->copied += p->values[pairs].count;
    if (p->copied > (size_t)(p->end - p->begin))
        return error_set(error, "its dictionaries are made of one list again and again");
    for (uint32_t i = 0; i < p->values[pairs].count; i++) {
        uint32_t pair = torch_pickle_items(p, pairs)[i];
        enum torch_kind kind = p->values[pair].kind;
        if ((kind != TORCH_LIST && kind != TORCH_TUPLE) || p->values[pair].count != 2)
            return error_set(error, "OrderedDict takes a list of pairs");
        torch_machine_append(p, dict, torch_pickle_items(p, pair)[0]);
        torch_machine_append(p, dict, torch_pickle_items(p, pair)[1]);
    }
    return true;
}

static bool call_dict(struct torch_pickle *p, uint32_t arguments, struct error *error) {
    uint32_t count = p->values[arguments].count;
    if (count > 1)
        return error_set(error, "OrderedDict takes a list of pairs");
    uint32_t dict = torch_machine_add(p, TORCH_DICT);
    torch_machine_push(p, dict);
    return count == 0 || add_pairs(p, dict, torch_pickle_items(p, arguments)[0], error);
}

static bool call_tensor(struct torch_pickle *p, const struct torch_global *global,
                        uint32_t arguments, struct error *error) {
    struct torch_value v = p->values[arguments];
    const uint32_t *items = torch_pickle_items(p, arguments);
    if (v.count < 4 || p->values[items[0]].kind != TORCH_STORAGE ||
        p->values[items[1]].kind != TORCH_INT || p->values[items[2]].kind != TORCH_TUPLE ||
        p->values[items[3]].kind != TORCH_TUPLE)
        return error_set(error, "%s takes a storage, an offset, sizes and strides", global->name);
    uint32_t tensor = torch_machine_add(p, TORCH_TENSOR);
    p->values[tensor].first = v.first;
    p->values[tensor].count = v.count;
    torch_machine_push(p, tensor);
    return true;
}

static bool call_argument(struct torch_pickle *p, const struct torch_global *global,
                          uint32_t arguments, struct error *error) {
    if (p->values[arguments].count == 0)
        return error_set(error, "%s.%s takes an argument", global->module, global->name);
    uint32_t first = torch_pickle_items(p, arguments)[0];
    if (global->call == CALL_PARAMETER && p->values[first].kind != TORCH_TENSOR)
        return error_set(error, "%s takes a tensor", global->name);
    torch_machine_push(p, first);
    return true;
}

bool torch_machine_call(struct torch_pickle *p, struct error *error) {
    uint32_t arguments, callable;
    if (!torch_machine_pop(p, &arguments, error) || !torch_machine_pop(p, &callable, error))
        return false;
    if (p->values[callable].kind != TORCH_GLOBAL || p->values[arguments].kind != TORCH_TUPLE)
        return error_set(error, "a call of something that is no function");
    const struct torch_global *global = p->values[callable].global;
    switch (global->call) {
    case CALL_DICT:
        return call_dict(p, arguments, error);
    case CALL_TENSOR:
        return call_tensor(p, global, arguments, error);
    case CALL_ARGUMENT:
    case CALL_PARAMETER:
        return call_argument(p, global, arguments, error);
    case CALL_OTHER:
        torch_machine_push(p, torch_machine_add(p, TORCH_OTHER));
        return true;
    case CALL_NEVER:
        break;
    }
    return error_set(error, "%s.%s cannot be called", global->module, global->name);
}

// ---- Storages.

bool torch_machine_storage(struct torch_pickle *p, struct error *error) {
    uint32_t id;
    if (!torch_machine_pop(p, &id, error))
        return false;
    struct torch_value v = p->values[id];
    const uint32_t *items = torch_pickle_items(p, id);
    bool good = v.kind == TORCH_TUPLE && v.count >= 5 && torch_pickle_is(p, items[0], "storage") &&
                p->values[items[1]].kind == TORCH_GLOBAL && p->values[items[1]].global->storage &&
                p->values[items[2]].kind == TORCH_TEXT && p->values[items[4]].kind == TORCH_INT &&
                p->values[items[4]].whole >= 0;
    if (!good)
        return error_set(error, "a storage must be named by its class, key, device and size");
    uint32_t storage = torch_machine_add(p, TORCH_STORAGE);
    p->values[storage].first = v.first;
    p->values[storage].count = v.count;
    torch_machine_push(p, storage);
    return true;
}
