// Opcodes of Python's pickle (protocols 1 to 5): pickletools of CPython describes each.
#include "base/xalloc.h"
#include "checkpoint/torch_machine.h"
#include <stdlib.h>
#include <string.h>

// ---- Arguments, and the values that they are.

static bool take(struct torch_pickle *p, uint64_t size, const unsigned char **bytes,
                 struct error *error) {
    *bytes = p->at;
    if (size > (size_t)(p->end - p->at))
        return error_set(error, "the pickle ends too early; is the file cut short?");
    p->at += size;
    return true;
}

// A little-endian number of 1 to 8 bytes.
static bool take_number(struct torch_pickle *p, int size, uint64_t *number, struct error *error) {
    const unsigned char *bytes;
    *number = 0;
    if (!take(p, (uint64_t)size, &bytes, error))
        return false;
    for (int i = 0; i < size; i++)
        *number |= (uint64_t)bytes[i] << 8 * i;
    return true;
}

// Up to the end of the line, which is taken too.
static bool take_line(struct torch_pickle *p, const unsigned char **line, size_t *length,
                      struct error *error) {
    const unsigned char *end = memchr(p->at, '\n', (size_t)(p->end - p->at));
    *line = p->at;
    *length = 0;
    if (!end)
        return error_set(error, "the pickle ends too early; is the file cut short?");
    *length = (size_t)(end - p->at);
    p->at = end + 1;
    return true;
}

static bool push_whole(struct torch_pickle *p, int64_t whole) {
    uint32_t value = torch_machine_add(p, TORCH_INT);
    p->values[value].whole = whole;
    torch_machine_push(p, value);
    return true;
}

static bool push_bytes(struct torch_pickle *p, enum torch_kind kind, const unsigned char *bytes,
                       size_t length) {
    uint32_t value = torch_machine_add(p, kind);
    p->values[value].text = bytes;
    p->values[value].count = (uint32_t)length;
    torch_machine_push(p, value);
    return true;
}

// A text whose length stands before it in `size` bytes.
static bool op_text(struct torch_pickle *p, int size, struct error *error) {
    uint64_t length;
    const unsigned char *bytes;
    return take_number(p, size, &length, error) && take(p, length, &bytes, error) &&
           push_bytes(p, TORCH_TEXT, bytes, (size_t)length);
}

static bool op_bytes(struct torch_pickle *p, int size, struct error *error) {
    uint64_t length;
    const unsigned char *bytes;
    if (!take_number(p, size, &length, error) || !take(p, length, &bytes, error))
        return false;
    torch_machine_push(p, TORCH_THE_OTHER);
    return true;
}

// A number in words: "00" and "01" are bools.
static bool op_decimal(struct torch_pickle *p, int may_be_bool, struct error *error) {
    const unsigned char *line;
    size_t length;
    if (!take_line(p, &line, &length, error))
        return false;
    if (may_be_bool && length == 2 && line[0] == '0' && (line[1] == '0' || line[1] == '1')) {
        torch_machine_push(p, line[1] == '1' ? TORCH_THE_TRUE : TORCH_THE_FALSE);
        return true;
    }
    length -= length > 0 && line[length - 1] == 'L';
    char digits[24] = "";
    char *end = digits;
    if (length > 18)
        return push_bytes(p, TORCH_LONG, line, length);
    memcpy(digits, line, length);
    long long whole = strtoll(digits, &end, 10);
    if (length == 0 || end != digits + length)
        return error_set(error, "'%s' is not a whole number", digits);
    return push_whole(p, whole);
}

// Two's complement, little-endian.
static bool op_long(struct torch_pickle *p, int size, struct error *error) {
    uint64_t length, whole = 0;
    const unsigned char *bytes;
    if (!take_number(p, size, &length, error) || !take(p, length, &bytes, error))
        return false;
    if (length > 8)
        return push_bytes(p, TORCH_LONG, bytes, (size_t)length);
    if (length > 0 && bytes[length - 1] & 0x80)
        whole = UINT64_MAX;
    for (size_t i = 0; i < length; i++)
        whole = (whole & ~((uint64_t)0xff << 8 * i)) | (uint64_t)bytes[i] << 8 * i;
    return push_whole(p, (int64_t)whole);
}

static bool op_number(struct torch_pickle *p, int size, struct error *error) {
    uint64_t number;
    if (!take_number(p, size, &number, error))
        return false;
    return push_whole(p, size == 4 ? (int32_t)(uint32_t)number : (int64_t)number);
}

static bool op_push(struct torch_pickle *p, int shared, struct error *error) {
    (void)error;
    torch_machine_push(p, (uint32_t)shared);
    return true;
}

// What no tensor needs, of a fixed size.
static bool op_skip(struct torch_pickle *p, int size, struct error *error) {
    const unsigned char *bytes;
    return take(p, (uint64_t)size, &bytes, error) && op_push(p, TORCH_THE_OTHER, error);
}

static bool op_skip_line(struct torch_pickle *p, int unused, struct error *error) {
    (void)unused;
    const unsigned char *line;
    size_t length;
    return take_line(p, &line, &length, error) && op_push(p, TORCH_THE_OTHER, error);
}

static bool op_protocol(struct torch_pickle *p, int most, struct error *error) {
    uint64_t protocol;
    return take_number(p, 1, &protocol, error) &&
           (protocol <= (uint64_t)most ||
            error_set(error, "pickle protocol %d is not known; 1 to %d are", (int)protocol, most));
}

static bool op_frame(struct torch_pickle *p, int size, struct error *error) {
    const unsigned char *bytes;
    return take(p, (uint64_t)size, &bytes, error);
}

// ---- The stack and the memo.

// Takes the last mark away; the items above it stay, from *first on.
static bool pop_mark(struct torch_pickle *p, size_t *first, struct error *error) {
    *first = 0;
    if (p->marks.count == 0)
        return error_set(error, "there is no mark");
    *first = p->marks.items[--p->marks.count];
    return true;
}

// Whether that many items stand above the last mark.
static bool has(const struct torch_pickle *p, int count, struct error *error) {
    return p->stack.count - torch_machine_floor(p) >= (size_t)count ||
           error_set(error, "the stack is empty");
}

static bool op_mark(struct torch_pickle *p, int unused, struct error *error) {
    (void)unused, (void)error;
    torch_list_add(&p->marks, (uint32_t)p->stack.count);
    return true;
}

static bool op_pop_mark(struct torch_pickle *p, int unused, struct error *error) {
    (void)unused;
    size_t first;
    if (!pop_mark(p, &first, error))
        return false;
    p->stack.count = first;
    return true;
}

static bool op_pop(struct torch_pickle *p, int unused, struct error *error) {
    uint32_t value;
    if (p->marks.count && p->stack.count == torch_machine_floor(p))
        return op_pop_mark(p, unused, error);
    return torch_machine_pop(p, &value, error);
}

static bool op_duplicate(struct torch_pickle *p, int unused, struct error *error) {
    (void)unused;
    if (!has(p, 1, error))
        return false;
    torch_machine_push(p, p->stack.items[p->stack.count - 1]);
    return true;
}

// Python numbers what it remembers from 0 on: a number that the pickle has no bytes for is no memo.
static bool remember(struct torch_pickle *p, uint64_t at, struct error *error) {
    if (!has(p, 1, error))
        return false;
    if (at >= (uint64_t)(p->end - p->begin))
        return error_set(error, "the memo has no place %llu", (unsigned long long)at);
    while (p->memo.count <= at)
        torch_list_add(&p->memo, TORCH_THE_NONE);
    p->memo.items[at] = p->stack.items[p->stack.count - 1];
    return true;
}

static bool op_put(struct torch_pickle *p, int size, struct error *error) {
    uint64_t at;
    return take_number(p, size, &at, error) && remember(p, at, error);
}

static bool op_memoize(struct torch_pickle *p, int unused, struct error *error) {
    (void)unused;
    return remember(p, p->memo.count, error);
}

static bool op_get(struct torch_pickle *p, int size, struct error *error) {
    uint64_t at;
    if (!take_number(p, size, &at, error))
        return false;
    if (at >= p->memo.count)
        return error_set(error, "nothing was remembered at %llu", (unsigned long long)at);
    torch_machine_push(p, p->memo.items[at]);
    return true;
}

// ---- Containers. `kind` is a list's or a dictionary's.

// The container that stands on the stack right below `first`.
static bool container(const struct torch_pickle *p, size_t first, enum torch_kind kind,
                      uint32_t *value, struct error *error) {
    *value = 0;
    if (first == torch_machine_floor(p) || p->values[p->stack.items[first - 1]].kind != kind)
        return error_set(error, "there is no %s here", kind == TORCH_DICT ? "dictionary" : "list");
    *value = p->stack.items[first - 1];
    return true;
}

// Moves what stands on the stack from `first` on into a container.
static bool move_items(struct torch_pickle *p, size_t first, uint32_t to, struct error *error) {
    if (p->values[to].kind == TORCH_DICT && (p->stack.count - first) % 2 != 0)
        return error_set(error, "a key without a value");
    for (size_t i = first; i < p->stack.count; i++)
        torch_machine_append(p, to, p->stack.items[i]);
    p->stack.count = first;
    return true;
}

static bool op_append_marked(struct torch_pickle *p, int kind, struct error *error) {
    size_t first;
    uint32_t to;
    return pop_mark(p, &first, error) && container(p, first, (enum torch_kind)kind, &to, error) &&
           move_items(p, first, to, error);
}

// One item, or a key and a value.
static bool op_append(struct torch_pickle *p, int kind, struct error *error) {
    int count = kind == TORCH_DICT ? 2 : 1;
    uint32_t to;
    if (!has(p, count, error))
        return false;
    size_t first = p->stack.count - (size_t)count;
    return container(p, first, (enum torch_kind)kind, &to, error) &&
           move_items(p, first, to, error);
}

static bool op_new(struct torch_pickle *p, int kind, struct error *error) {
    (void)error;
    torch_machine_push(p, torch_machine_add(p, (enum torch_kind)kind));
    return true;
}

static bool op_collect(struct torch_pickle *p, int kind, struct error *error) {
    size_t first;
    uint32_t to = torch_machine_add(p, (enum torch_kind)kind);
    if (!pop_mark(p, &first, error) || !move_items(p, first, to, error))
        return false;
    torch_machine_push(p, to);
    return true;
}

static bool op_tuple_marked(struct torch_pickle *p, int unused, struct error *error) {
    (void)unused;
    size_t first;
    if (!pop_mark(p, &first, error))
        return false;
    torch_machine_tuple(p, first);
    return true;
}

static bool op_tuple(struct torch_pickle *p, int count, struct error *error) {
    if (!has(p, count, error))
        return false;
    torch_machine_tuple(p, p->stack.count - (size_t)count);
    return true;
}

// ---- Names, and what is done to objects.

static bool op_global(struct torch_pickle *p, int unused, struct error *error) {
    (void)unused;
    const unsigned char *module, *name;
    size_t module_length, name_length;
    return take_line(p, &module, &module_length, error) &&
           take_line(p, &name, &name_length, error) &&
           torch_machine_global(p, module, module_length, name, name_length, error);
}

static bool op_stack_global(struct torch_pickle *p, int unused, struct error *error) {
    (void)unused;
    uint32_t name, module;
    if (!torch_machine_pop(p, &name, error) || !torch_machine_pop(p, &module, error))
        return false;
    const struct torch_value *m = &p->values[module], *n = &p->values[name];
    if (m->kind != TORCH_TEXT || n->kind != TORCH_TEXT)
        return error_set(error, "a global's name must be text");
    return torch_machine_global(p, m->text, m->count, n->text, n->count, error);
}

static bool op_call(struct torch_pickle *p, int unused, struct error *error) {
    (void)unused;
    return torch_machine_call(p, error);
}

static bool op_persistent(struct torch_pickle *p, int unused, struct error *error) {
    (void)unused;
    return torch_machine_storage(p, error);
}

// Attributes: an OrderedDict's (the versions of a state_dict's modules) are dropped.
static bool op_build(struct torch_pickle *p, int unused, struct error *error) {
    (void)unused;
    uint32_t state, object;
    return torch_machine_pop(p, &state, error) &&
           container(p, p->stack.count, TORCH_DICT, &object, error);
}

// ---- The table. Not in it, and refused, is what torch.save never writes: protocol 0's texts,
// classes called in the old way (INST, OBJ), extensions, buffers out of band.

static const struct {
    bool (*act)(struct torch_pickle *p, int n, struct error *error);
    int n;
} opcodes[256] = {
    [0x80] = {op_protocol, 5},                // PROTO
    [0x95] = {op_frame, 8},                   // FRAME
    ['N'] = {op_push, TORCH_THE_NONE},        // NONE
    [0x88] = {op_push, TORCH_THE_TRUE},       // NEWTRUE
    [0x89] = {op_push, TORCH_THE_FALSE},      // NEWFALSE
    [')'] = {op_push, TORCH_THE_EMPTY_TUPLE}, // EMPTY_TUPLE
    ['I'] = {op_decimal, true},               // INT
    ['L'] = {op_decimal, false},              // LONG
    ['K'] = {op_number, 1},                   // BININT1
    ['M'] = {op_number, 2},                   // BININT2
    ['J'] = {op_number, 4},                   // BININT
    [0x8a] = {op_long, 1},                    // LONG1
    [0x8b] = {op_long, 4},                    // LONG4
    ['F'] = {op_skip_line, 0},                // FLOAT
    ['G'] = {op_skip, 8},                     // BINFLOAT
    ['U'] = {op_text, 1},                     // SHORT_BINSTRING
    ['T'] = {op_text, 4},                     // BINSTRING
    [0x8c] = {op_text, 1},                    // SHORT_BINUNICODE
    ['X'] = {op_text, 4},                     // BINUNICODE
    [0x8d] = {op_text, 8},                    // BINUNICODE8
    ['C'] = {op_bytes, 1},                    // SHORT_BINBYTES
    ['B'] = {op_bytes, 4},                    // BINBYTES
    [0x8e] = {op_bytes, 8},                   // BINBYTES8
    [0x96] = {op_bytes, 8},                   // BYTEARRAY8
    ['('] = {op_mark, 0},                     // MARK
    ['0'] = {op_pop, 0},                      // POP
    ['1'] = {op_pop_mark, 0},                 // POP_MARK
    ['2'] = {op_duplicate, 0},                // DUP
    ['q'] = {op_put, 1},                      // BINPUT
    ['r'] = {op_put, 4},                      // LONG_BINPUT
    [0x94] = {op_memoize, 0},                 // MEMOIZE
    ['h'] = {op_get, 1},                      // BINGET
    ['j'] = {op_get, 4},                      // LONG_BINGET
    ['t'] = {op_tuple_marked, 0},             // TUPLE
    [0x85] = {op_tuple, 1},                   // TUPLE1
    [0x86] = {op_tuple, 2},                   // TUPLE2
    [0x87] = {op_tuple, 3},                   // TUPLE3
    [']'] = {op_new, TORCH_LIST},             // EMPTY_LIST
    [0x8f] = {op_new, TORCH_LIST},            // EMPTY_SET
    ['}'] = {op_new, TORCH_DICT},             // EMPTY_DICT
    ['l'] = {op_collect, TORCH_LIST},         // LIST
    [0x91] = {op_collect, TORCH_LIST},        // FROZENSET
    ['d'] = {op_collect, TORCH_DICT},         // DICT
    ['a'] = {op_append, TORCH_LIST},          // APPEND
    ['s'] = {op_append, TORCH_DICT},          // SETITEM
    ['e'] = {op_append_marked, TORCH_LIST},   // APPENDS
    [0x90] = {op_append_marked, TORCH_LIST},  // ADDITEMS
    ['u'] = {op_append_marked, TORCH_DICT},   // SETITEMS
    ['c'] = {op_global, 0},                   // GLOBAL
    [0x93] = {op_stack_global, 0},            // STACK_GLOBAL
    ['R'] = {op_call, 0},                     // REDUCE
    [0x81] = {op_call, 0},                    // NEWOBJ
    ['b'] = {op_build, 0},                    // BUILD
    ['Q'] = {op_persistent, 0},               // BINPERSID
};

bool torch_opcode_run(struct torch_pickle *p, unsigned char op, struct error *error) {
    if (!opcodes[op].act)
        return error_set(error, "opcode 0x%02x is none that torch.save writes", op);
    return opcodes[op].act(p, opcodes[op].n, error);
}
