#include "ui/report/utf8.h"

#include "test.h"
#include <string.h>

static void expect(const char *text, int taken, uint32_t character) {
    uint32_t c;
    assert_int_equal(utf8_decode(text, &c), taken);
    assert_int_equal(c, character);
}

static void characters_of_every_length(void **state) {
    (void)state;
    expect("a", 1, 'a');
    expect("\x7f", 1, 0x7f);
    expect("\xc2\x80", 2, 0x80);
    expect("é", 2, 0xe9);
    expect("\xdf\xbf", 2, 0x7ff);
    expect("\xe0\xa0\x80", 3, 0x800);
    expect("日", 3, 0x65e5);
    expect("\xef\xbf\xbf", 3, 0xffff);
    expect("\xf0\x90\x80\x80", 4, 0x10000);
    expect("😀", 4, 0x1f600);
    expect("\xf4\x8f\xbf\xbf", 4, 0x10ffff);
}

static void what_is_no_character_is_taken_byte_by_byte(void **state) {
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf", // overlong
        "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf", // overlong
        "\xed\xa0\x80",
        "\xed\xbf\xbf", // surrogates
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xfe",
        "\xff", // beyond
        "\xc3",
        "\xe6\x97",
        "\xf0\x9f\x98",
        "\xc3z",
        "\xe6\x97z" // cut off
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(bad[i], 1, UTF8_BAD);
}

// Against a second decoder written backwards: from characters to bytes.
static void every_character_comes_back(void **state) {
    (void)state;
    for (uint32_t c = 1; c <= 0x10ffff; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        char bytes[5] = "";
        int length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
        uint32_t rest = c;
        for (int i = length - 1; i > 0; i--, rest >>= 6)
            bytes[i] = (char)(0x80 | (rest & 0x3f));
        bytes[0] = (char)(marks[length] | rest);
        char encoded[5];
        utf8_encode(c, encoded);
        assert_string_equal(encoded, bytes);
        uint32_t back;
        if (utf8_decode(bytes, &back) != length || back != c ||
            utf8_length((unsigned char)bytes[0]) != length)
            fail_msg("U+%04X", c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_of_every_length),
        cmocka_unit_test(what_is_no_character_is_taken_byte_by_byte),
        cmocka_unit_test(every_character_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
