// Products against loops in double, in all four transpositions, with strides and beta.
#include "base/blas.h"
#include "random_floats.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check(bool ta, bool tb, int m, int n, int k, float beta) {
    const int as = (ta ? m : k) + 3, bs = (tb ? k : n) + 1, cs = n + 2;
    float *a = random_floats((size_t)((ta ? k : m) * as), 1);
    float *b = random_floats((size_t)((tb ? n : k) * bs), 2);
    float *c = random_floats((size_t)(m * cs), 3);
    float *before = xmemdup(c, (size_t)(m * cs) * sizeof *c);
    blas_product(ta, tb, m, n, k, a, as, b, bs, beta, c, cs);
    for (int i = 0; i < m; i++) {
        double want[64];
        for (int j = 0; j < n; j++) {
            want[j] = (double)beta * before[i * cs + j];
            for (int p = 0; p < k; p++)
                want[j] +=
                    (double)a[ta ? p * as + i : i * as + p] * b[tb ? j * bs + p : p * bs + j];
            assert_true(fabs(c[i * cs + j] - want[j]) <= 1e-5 * (1 + k / 10.0));
        }
        assert_memory_equal(c + i * cs + n, before + i * cs + n, 2 * sizeof *c); // between the rows
    }
    free(a);
    free(b);
    free(c);
    free(before);
}

static void test_product(void **state) {
    (void)state;
    const int sizes[][3] = {{1, 1, 1}, {3, 5, 7}, {16, 10, 33}, {17, 63, 100}, {50, 31, 9}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int t = 0; t < 4; t++) {
            check(t & 1, t & 2, sizes[i][0], sizes[i][1], sizes[i][2], 0);
            check(t & 1, t & 2, sizes[i][0], sizes[i][1], sizes[i][2], 1);
        }
    }
}

// beta 0 sets, even where NaN stood.
static void test_sets(void **state) {
    (void)state;
    const float a[] = {1, 2}, b[] = {3, 4};
    float c = NAN;
    blas_product(false, false, 1, 1, 2, a, 2, b, 1, 0, &c, 1);
    assert_true(c == 11);
}

static void test_description(void **state) {
    (void)state;
    const char *text = blas_description();
    assert_int_equal(strncmp(text, "OpenBLAS ", 9), 0);
    int words = 1;
    for (const char *p = text; *p; p++)
        words += *p == ' ';
    assert_int_equal(words, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_product),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_description),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
