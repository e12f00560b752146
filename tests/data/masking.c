#include "data/masking.h"
#include "model/model.h"
#include "test.h"
#include <string.h>

enum { ROOM = 40, IDS = 50, MASK = 4, BEFORE = 2, AFTER = 3 };

static const struct masking masking = {
    .vocabulary = IDS, .marks = {MASK, BEFORE, AFTER}, .seed = 7};

// BEFORE, tokens 5 .. IDS - 1, AFTER; -1 behind them.
static void fill(int length, float *ids) {
    for (int i = 0; i < ROOM; i++)
        ids[i] = i < length ? (float)(5 + i * 7 % (IDS - 5)) : -1;
    ids[0] = BEFORE;
    ids[length - 1] = AFTER;
}

struct masked {
    float ids[ROOM];
    int target[ROOM];
};

static struct masked mask(const struct masking *m, int length, uint32_t sample, uint32_t view) {
    struct masked out;
    int scratch[ROOM];
    fill(length, out.ids);
    masking_apply(m, sample, view, ROOM, out.ids, out.target, scratch);
    return out;
}

static bool same(const struct masked *a, const struct masked *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

// 15 % of the text, never what stands around it; what was there is the target, and what is no
// target stays.
static void hides_its_share_and_tells_what_was_there(void **state) {
    (void)state;
    for (int length = 3; length <= ROOM; length++) {
        float before[ROOM];
        struct masked m = mask(&masking, length, (uint32_t)length, 1);
        int count = 0, expected = (15 * length + 50) / 100;
        fill(length, before);
        for (int i = 0; i < ROOM; i++) {
            if (m.target[i] < 0)
                assert_true(m.ids[i] == before[i]);
            else
                assert_true((float)m.target[i] == before[i] && i > 0 && i < length - 1);
            count += m.target[i] >= 0;
        }
        assert_int_equal(count, expected < 1 ? 1 : expected);
        assert_int_equal(count, model_hidden_tokens(length));
    }
}

// Of some 24,000: 80 % [MASK], 10 % anything, 10 % as they were (and one in 50 of the former).
static void most_become_mask(void **state) {
    (void)state;
    int all = 0, hidden = 0, kept = 0, at[ROOM] = {0};
    for (uint32_t s = 0; s < 4000; s++) {
        struct masked m = mask(&masking, ROOM, s, 0);
        for (int i = 0; i < ROOM; i++) {
            all += m.target[i] >= 0;
            at[i] += m.target[i] >= 0;
            hidden += m.target[i] >= 0 && m.ids[i] == MASK;
            kept += m.ids[i] == (float)m.target[i];
        }
    }
    assert_int_equal(all, 4000 * 6);
    assert_in_range(hidden, (int)(0.79 * all), (int)(0.815 * all)); // one in 50 of anything is MASK
    assert_in_range(kept, (int)(0.09 * all), (int)(0.115 * all));
    for (int i = 1; i < ROOM - 1; i++) // each as often as any other: 632
        assert_in_range(at[i], 520, 740);
}

static void every_draw_has_its_key(void **state) {
    (void)state;
    struct masking other = masking, fixed = masking, fixed_other = masking;
    other.seed = fixed_other.seed = 8;
    fixed.fixed = fixed_other.fixed = true;
    struct masked m = mask(&masking, ROOM, 5, 2), again = mask(&masking, ROOM, 5, 2);
    struct masked view = mask(&masking, ROOM, 5, 3), sample = mask(&masking, ROOM, 6, 2);
    struct masked seed = mask(&other, ROOM, 5, 2);
    assert_true(same(&m, &again));
    assert_false(same(&m, &view) || same(&m, &sample) || same(&m, &seed));
    struct masked f = mask(&fixed, ROOM, 5, 2), g = mask(&fixed_other, ROOM, 5, 9);
    assert_true(same(&f, &g));
    assert_false(same(&f, &m));
}

static void a_text_of_marks_alone_has_a_target(void **state) {
    (void)state;
    struct masked m = mask(&masking, 2, 1, 1);
    assert_int_equal((m.target[0] >= 0) + (m.target[1] >= 0), 1);
    struct masking bare = {.vocabulary = IDS, .marks = {MASK, -1, -1}};
    float one[ROOM] = {9, -1};
    int target[ROOM], scratch[ROOM];
    masking_apply(&bare, 0, 0, ROOM, one, target, scratch);
    assert_int_equal(target[0], 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hides_its_share_and_tells_what_was_there),
        cmocka_unit_test(most_become_mask),
        cmocka_unit_test(every_draw_has_its_key),
        cmocka_unit_test(a_text_of_marks_alone_has_a_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
