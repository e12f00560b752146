// Tests of src/checkpoint/torch_pickle.c, torch_opcodes.c and torch_globals.c: every opcode that
// torch.save writes, and what is refused.
// clang-format off
#include "test.h"
// clang-format on
#include "checkpoint/torch_pickle.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "checkpoint/torch_bytes.h"
#include <inttypes.h>

// A value as text: {a: 1}, [1, 2], (1), 'text', None, True, *other*, <global>, tensor.
static void show(const struct torch_pickle *p, uint32_t value, struct text *t);

static void show_items(const struct torch_pickle *p, uint32_t value, const char *ends,
                       struct text *t) {
    const struct torch_value *v = &p->values[value];
    text_add(t, "%c", ends[0]);
    for (uint32_t i = 0; i < v->count; i++) {
        bool after_key = v->kind == TORCH_DICT && i % 2 == 1;
        text_add(t, "%s", i == 0 ? "" : after_key ? ": " : ", ");
        show(p, torch_pickle_items(p, value)[i], t);
    }
    text_add(t, "%c", ends[1]);
}

static void show(const struct torch_pickle *p, uint32_t value, struct text *t) {
    const struct torch_value *v = &p->values[value];
    switch (v->kind) {
    case TORCH_NONE:
        text_add(t, "None");
        break;
    case TORCH_BOOL:
        text_add(t, v->whole ? "True" : "False");
        break;
    case TORCH_INT:
        text_add(t, "%" PRId64, v->whole);
        break;
    case TORCH_LONG:
        text_add(t, "long of %u", v->count);
        break;
    case TORCH_TEXT:
        text_add(t, "'%.*s'", (int)v->count, (const char *)v->text);
        break;
    case TORCH_TUPLE:
        show_items(p, value, "()", t);
        break;
    case TORCH_LIST:
        show_items(p, value, "[]", t);
        break;
    case TORCH_DICT:
        show_items(p, value, "{}", t);
        break;
    case TORCH_GLOBAL:
        text_add(t, "<%s>", v->global->name);
        break;
    case TORCH_STORAGE:
        text_add(t, "storage");
        show_items(p, value, "()", t);
        break;
    case TORCH_TENSOR:
        text_add(t, "tensor");
        show_items(p, value, "()", t);
        break;
    case TORCH_OTHER:
        text_add(t, "*");
        break;
    }
}

// Runs exactly these bytes: the sanitizer sees a read beyond them.
static bool run(struct torch_pickle *p, const void *bytes, size_t size, uint32_t *result,
                struct error *error) {
    unsigned char *exact = xmemdup(bytes, size);
    size_t used = 0;
    bool good = torch_pickle_run(p, exact, size, result, &used, error);
    if (good)
        assert_int_equal(used, size);
    free(exact);
    return good;
}

static void expect(const void *bytes, size_t size, const char *shown) {
    struct torch_pickle p = {0};
    struct error error = {0};
    struct text text = {0};
    unsigned char *exact = xmemdup(bytes, size);
    size_t used;
    uint32_t result;
    if (!torch_pickle_run(&p, exact, size, &result, &used, &error))
        fail_msg("expected %s, got: %s", shown, error.text);
    show(&p, result, &text);
    assert_string_equal(text.data, shown);
    assert_int_equal(used, size);
    torch_pickle_close(&p);
    text_free(&text);
    free(exact);
}

static void expect_refused(const void *bytes, size_t size, const char *message) {
    struct torch_pickle p = {0};
    struct error error = {0};
    uint32_t result;
    bool good = run(&p, bytes, size, &result, &error);
    torch_pickle_close(&p);
    if (good || !strstr(error.text, message))
        fail_msg("expected '%s', got '%s'", message, good ? "success" : error.text);
    assert_int_equal(error.kind, ERROR_REQUEST);
    assert_null(strchr(error.text, '\n'));
}

#define ROW(bytes, shown)                                                                          \
    { bytes, sizeof bytes - 1, shown }
struct row {
    const char *bytes;
    size_t size;
    const char *shown;
};

static const struct row good[] = {
    ROW("\x80\x02N.", "None"),
    ROW("\x80\x05\x95\1\0\0\0\0\0\0\0N.", "None"), // FRAME
    ROW("\x88.", "True"),
    ROW("\x89.", "False"),
    ROW("I01\n.", "True"),
    ROW("I00\n.", "False"),
    ROW("I-17\n.", "-17"),
    ROW("L5L\n.", "5"),
    ROW("L119547037146038801333356L\n.", "long of 24"),
    ROW("K\xff.", "255"),
    ROW("M\xff\xff.", "65535"),
    ROW("J\xfe\xff\xff\xff.", "-2"),
    ROW("\x8a\0.", "0"),
    ROW("\x8a\1\xff.", "-1"),
    ROW("\x8a\2\xff\0.", "255"),
    ROW("\x8a\x08\0\0\0\0\0\0\0\x80.", "-9223372036854775808"),
    ROW("\x8a\x09\0\0\0\0\0\0\0\0\1.", "long of 9"),
    ROW("\x8b\1\0\0\0\7.", "7"),
    ROW("F1.5\n.", "*"),
    ROW("G\0\0\0\0\0\0\0\0.", "*"),
    ROW("U\2ab.", "'ab'"),
    ROW("T\2\0\0\0ab.", "'ab'"),
    ROW("\x8c\2ab.", "'ab'"),
    ROW("X\2\0\0\0ab.", "'ab'"),
    ROW("\x8d\2\0\0\0\0\0\0\0ab.", "'ab'"),
    ROW("C\1a.", "*"),
    ROW("B\1\0\0\0a.", "*"),
    ROW("\x8e\1\0\0\0\0\0\0\0a.", "*"),
    ROW("\x96\1\0\0\0\0\0\0\0a.", "*"),
    ROW(").", "()"),
    ROW("(t.", "()"),
    ROW("(K\1K\2t.", "(1, 2)"),
    ROW("N\x85.", "(None)"),
    ROW("NK\1\x86.", "(None, 1)"),
    ROW("NNN\x87.", "(None, None, None)"),
    ROW("].", "[]"),
    ROW("\x8f(K\1\x90.", "[1]"), // EMPTY_SET, ADDITEMS
    ROW("(K\1\x91.", "[1]"),     // FROZENSET
    ROW("(K\1l.", "[1]"),
    ROW("]K\1a.", "[1]"),
    ROW("](K\1K\2K\3K\4K\5e.", "[1, 2, 3, 4, 5]"),
    ROW("}.", "{}"),
    ROW("(K\1Nd.", "{1: None}"),
    ROW("}K\1Ns.", "{1: None}"),
    ROW("}(K\1NK\2Nu.", "{1: None, 2: None}"),
    ROW("K\1K\2\x30.", "1"),       // POP
    ROW("K\1(K\2K\3\x31.", "1"),   // POP_MARK
    ROW("K\1(\x30.", "1"),         // POP of a mark
    ROW("K\1\x32\x86.", "(1, 1)"), // DUP
    ROW("]q\0\x30(h\0K\1at.", "([1])"),
    ROW("]r\0\0\0\0\x30j\0\0\0\0.", "[]"),
    ROW("]\x94\x30K\1\x94\x30h\0h\1a.", "[1]"), // MEMOIZE twice
    ROW("ccollections\nOrderedDict\n.", "<OrderedDict>"),
    ROW("\x8c\5torch\x8c\4Size\x93.", "<Size>"), // STACK_GLOBAL
    ROW("ccollections\nOrderedDict\n)R.", "{}"),
    ROW("ccollections\nOrderedDict\n)\x81.", "{}"), // NEWOBJ
    ROW("ccollections\nOrderedDict\n]](K\1K\2ea\x85R.", "{1: 2}"),
    ROW("ccollections\nOrderedDict\n](K\1K\2\x86K\3K\4\x86"
        "e\x85R.",
        "{1: 2, 3: 4}"),
    ROW("ccollections\nOrderedDict\n)R}K\1K\2sb.", "{}"), // BUILD drops attributes
    ROW("ccollections\nCounter\n}K\1K\2s\x85R.", "{1: 2}"),
    ROW("cbuiltins\nset\n](K\1e\x85R.", "[1]"),
    ROW("ctorch\nSize\nK\3\x85\x85R.", "(3)"),
    ROW("ctorch\ndevice\nU\3cpu\x85R.", "*"),
    ROW("c_codecs\nencode\nU\1aU\6latin1\x86R.", "*"),
    ROW("ctorch\nfloat32\n.", "<float32>"),
    ROW("(U\7storagectorch\nHalfStorage\nU\1kU\3cpuK\2tQ.",
        "storage('storage', <HalfStorage>, 'k', 'cpu', 2)"),
    ROW("(U\7storagectorch.cuda\nFloatStorage\nU\1kU\3cpuK\2NtQ.",
        "storage('storage', <FloatStorage>, 'k', 'cpu', 2, None)"),
};

static void every_opcode(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        expect(good[i].bytes, good[i].size, good[i].shown);
}

static void a_list_may_hold_itself(void **state) {
    (void)state;
    struct torch_pickle p = {0};
    uint32_t result;
    assert_true(run(&p, "]q\0h\0a.", 7, &result, NULL));
    assert_int_equal(p.values[result].count, 1);
    assert_int_equal(torch_pickle_items(&p, result)[0], result);
    torch_pickle_close(&p);
}

static void tensors(void **state) {
    (void)state;
    const struct tensor_case t = {"Float", "0", 6, 1, 2, {2, 2}, {2, 1}};
    struct bytes b = {0};
    put_tensor(&b, &t);
    put_ops(&b, ".");
    const char *shown = "tensor(storage('storage', <FloatStorage>, '0', 'cuda:0', 6), 1, (2, 2), "
                        "(2, 1), False, {})";
    expect(b.data, b.size, shown);
    struct bytes parameter = {0};
    put_ops(&parameter, "ctorch._utils\n_rebuild_parameter\n(");
    put(&parameter, b.data, b.size - 1);
    put_ops(&parameter, "\x88)tR.");
    expect(parameter.data, parameter.size, shown);
    free(b.data);
    free(parameter.data);
}

// ---- Refusals.

static const struct row bad[] = {
    ROW("", "has no end"),
    ROW("N", "has no end"),
    ROW(".", "byte 0: the stack is empty"),
    ROW("\x80\6N.", "pickle protocol 6 is not known"),
    ROW("\x80", "ends too early"),
    ROW("I5", "ends too early"),
    ROW("I5x\n.", "is not a whole number"),
    ROW("I\n.", "is not a whole number"),
    ROW("K", "ends too early"),
    ROW("X\xff\xff\xff\xff"
        "a.",
        "ends too early"),
    ROW("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
        "a.",
        "ends too early"),
    ROW("\x8a\5\0\0.", "ends too early"),
    ROW("\x95\0\0", "ends too early"),
    ROW("0.", "the stack is empty"),
    ROW("2.", "the stack is empty"),
    ROW("1.", "there is no mark"),
    ROW("t.", "there is no mark"),
    ROW("e.", "there is no mark"),
    ROW("N\x86.", "the stack is empty"),
    ROW("N(\x85.", "the stack is empty"), // not below the mark
    ROW("N(.", "the stack is empty"),
    ROW("q\0.", "the stack is empty"),
    ROW("Nr\xff\xff\xff\xff.", "the memo has no place 4294967295"),
    ROW("h\0.", "nothing was remembered at 0"),
    ROW("Nq\0h\1.", "nothing was remembered at 1"),
    ROW("NK\1a.", "there is no list"),
    ROW("}(K\1e.", "there is no list"),
    ROW("](K\1K\2u.", "there is no dictionary"),
    ROW("K\1K\2s.", "there is no dictionary"),
    ROW("}(K\1u.", "a key without a value"),
    ROW("(K\1d.", "a key without a value"),
    ROW("N}b.", "there is no dictionary"),
    ROW("cos\nsystem\n.", "(os.system)"),
    ROW("cposix\nsystem\nU\2ls\x85R.", "byte 0: it holds a Python object (posix.system)"),
    ROW("cbuiltins\neval\n.", "(builtins.eval)"),
    ROW("\x8c\2os\x8c\6system\x93.", "(os.system)"),
    ROW("c__main__\nNet\n)\x81.", "save model.state_dict() instead"),
    ROW("ctorch.nn.modules.conv\nConv2d\n.", "(torch.nn.modules.conv.Conv2d)"),
    ROW("ctorch._utils\n_rebuild_qtensor\n.", "kind of tensor that is not supported"),
    ROW("ctorch\nComplexFloatStorage\n.", "not supported (torch.ComplexFloatStorage)"),
    ROW("ctorch\nQInt8Storage\n.", "not supported"),
    ROW("ctorch\nload\n.", "(torch.load)"),
    ROW("ctorch.storage\n_load_from_bytes\n.", "_load_from_bytes"),
    ROW("cevil\33[2J\nx\n.", "(evil?[2J.x)"),
    ROW("ccollections\nOrderedDict", "ends too early"),
    ROW("K\1K\2\x93.", "a global's name must be text"),
    ROW("K\1)R.", "no function"),
    ROW("ccollections\nOrderedDict\nK\1R.", "no function"),
    ROW("ccollections\nOrderedDict\nK\1\x85R.", "a list of pairs"),
    ROW("ccollections\nOrderedDict\n]K\1a\x85R.", "a list of pairs"),
    ROW("ccollections\nOrderedDict\nNN\x86R.", "a list of pairs"),
    ROW("ctorch\nSize\n)R.", "takes an argument"),
    ROW("ctorch\nfloat32\n)R.", "torch.float32 cannot be called"),
    ROW("ctorch\nFloatStorage\n)R.", "torch.FloatStorage cannot be called"),
    ROW("ctorch._utils\n_rebuild_parameter\nN\x85R.", "takes a tensor"),
    ROW("ctorch._utils\n_rebuild_tensor_v2\n)R.", "takes a storage, an offset"),
    ROW("ctorch._utils\n_rebuild_tensor\n(NK\0))tR.", "takes a storage, an offset"),
    ROW("Q.", "the stack is empty"),
    ROW("NQ.", "a storage must be named by"),
    ROW("(U\7storagectorch\nfloat32\nU\1kU\3cpuK\2tQ.", "a storage must be named by"),
    ROW("(U\7storagectorch\nHalfStorage\nU\1kU\3cpuJ\xff\xff\xff\xfftQ.", "must be named by"),
    ROW("(U\6modulectorch\nHalfStorage\nU\1kU\3cpuK\2tQ.", "a storage must be named by"),
    ROW("P1\n.", "opcode 0x50 is none that torch.save writes"), // PERSID
    ROW("S'a'\n.", "opcode 0x53"),                              // STRING
    ROW("Va\n.", "opcode 0x56"),                                // UNICODE
    ROW("(cos\nsystem\no.", "(os.system)"),                     // OBJ
    ROW("(ios\nsystem\n.", "opcode 0x69"),                      // INST
    ROW("\x82\1.", "opcode 0x82"),                              // EXT1
    ROW("\x92.", "opcode 0x92"),                                // NEWOBJ_EX
    ROW("\x97.", "opcode 0x97"),                                // NEXT_BUFFER
    ROW("\xff.", "opcode 0xff"),
};

static void refusals(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused(bad[i].bytes, bad[i].size, bad[i].shown);
}

static void every_other_opcode_is_refused(void **state) {
    (void)state;
    int known = 0;
    for (int op = 0; op < 256; op++) {
        const char bytes[] = {(char)op, '.'};
        struct torch_pickle p = {0};
        struct error error = {0};
        uint32_t result;
        bool run_well = run(&p, op == '.' ? "N." : bytes, 2, &result, &error);
        torch_pickle_close(&p);
        known += run_well || !strstr(error.text, "none that torch.save writes");
    }
    assert_int_equal(known, 55); // the table's 54, and STOP
}

// A million containers in one another, and as many marks: no stack of C's is used up.
static void depth(void **state) {
    (void)state;
    enum { DEEP = 1000000 };
    struct torch_pickle p = {0};
    uint32_t result;
    char *bytes = xmalloc(2 * DEEP + 2);
    memset(bytes, ']', DEEP);
    memset(bytes + DEEP, 'a', DEEP - 1);
    bytes[2 * DEEP - 1] = '.';
    assert_true(run(&p, bytes, 2 * DEEP, &result, NULL));
    torch_pickle_close(&p);
    memset(bytes, '(', DEEP);
    expect_refused(bytes, DEEP, "has no end");
    memset(bytes, 'N', DEEP);
    memset(bytes + DEEP, '\x85', DEEP);
    bytes[2 * DEEP] = '.';
    assert_true(run(&p, bytes, 2 * DEEP + 1, &result, NULL));
    torch_pickle_close(&p);
    free(bytes);
}

// Memory stays within a small multiple of the pickle's bytes, whatever the memo is told.
static void memory_is_bounded(void **state) {
    (void)state;
    enum { SIZE = 1 << 20 };
    char *bytes = xmalloc(SIZE);
    memset(bytes, ']', SIZE);
    memcpy(bytes, "Nr\xfe\xff\x0f\0", 6); // the last place that there is
    bytes[SIZE - 1] = '.';
    struct torch_pickle p = {0};
    uint32_t result;
    assert_true(run(&p, bytes, SIZE, &result, NULL));
    size_t most =
        p.capacity * sizeof *p.values + (p.stack.capacity + p.memo.capacity) * sizeof(uint32_t);
    assert_true(most <= 48 * (size_t)SIZE);
    torch_pickle_close(&p);
    free(bytes);
}

// Nor does a list's length count for each dictionary that is made of it.
static void dictionaries_of_one_list(void **state) {
    (void)state;
    enum { PAIRS = 1000, DICTIONARIES = 1000 };
    struct bytes b = {0};
    put_ops(&b, "NN\x86q\1](");
    for (int i = 0; i < PAIRS; i++)
        put_ops(&b, "h\1");
    put_ops(&b, "e\x85q\2ccollections\nOrderedDict\nq\3");
    for (int i = 0; i < DICTIONARIES; i++)
        put_ops(&b, "h\3h\2R");
    put_ops(&b, ".");
    expect_refused(b.data, b.size, "of one list again and again");
    free(b.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_opcode),
        cmocka_unit_test(a_list_may_hold_itself),
        cmocka_unit_test(tensors),
        cmocka_unit_test(refusals),
        cmocka_unit_test(every_other_opcode_is_refused),
        cmocka_unit_test(depth),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(dictionaries_of_one_list),
    };
    return cmocka_run_group_tests_name("checkpoint/torch_pickle", tests, NULL, NULL);
}
