// The peak is a speed, on any number of threads.
#include "base/peak.h"
#include "test.h"
#include <math.h>

static void a_machine_multiplies(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        struct pool *pool = pool_open(threads);
        const double flops = peak_flops(pool);
        assert_true(isfinite(flops) && flops > 1e6); // slow under sanitizers, but not so slow
        pool_close(pool);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_machine_multiplies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
