#include "datasets/resize.h"

#include "toy.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// 3 x 4 pixels, i * 37 % 17 / 16, and what PyTorch's interpolate(mode="bilinear",
// align_corners=False) makes of them.
static void source_read(const struct dataset *d, int index, float *out) {
    (void)index;
    for (int i = 0; i < d->shape.h * d->shape.w; i++)
        for (int c = 0; c < d->shape.c; c++)
            *out++ = (float)(i * 37 % 17) / 16 + (float)c;
}

static const float expected7[49] = {
    0.0F,       0.0669643F, 0.1741071F, 0.28125F,   0.3883929F, 0.4955357F, 0.5625F,
    0.1071429F, 0.1741071F, 0.28125F,   0.3125F,    0.34375F,   0.4508929F, 0.5178572F,
    0.4285715F, 0.4955357F, 0.6026786F, 0.40625F,   0.2098214F, 0.3169643F, 0.3839286F,
    0.75F,      0.8169643F, 0.9241071F, 0.4999999F, 0.0758929F, 0.1830358F, 0.25F,
    0.6160714F, 0.6830357F, 0.7901785F, 0.5937499F, 0.3973215F, 0.5044643F, 0.5714286F,
    0.4821429F, 0.5491071F, 0.65625F,   0.6875F,    0.7187501F, 0.8258929F, 0.8928572F,
    0.4375F,    0.5044643F, 0.6116071F, 0.71875F,   0.8258929F, 0.9330357F, 1.0F,
};
static const float expected2[4] = {0.28125F, 0.390625F, 0.609375F, 0.71875F};
static const float expected5[25] = {
    0.0F,       0.13125F, 0.28125F, 0.43125F,   0.5625F,    0.3F,       0.43125F,
    0.36875F,   0.30625F, 0.4375F,  0.75F,      0.88125F,   0.5F,       0.11875F,
    0.2500001F, 0.5625F,  0.69375F, 0.63125F,   0.5687501F, 0.7000001F, 0.4375F,
    0.56875F,   0.71875F, 0.86875F, 1.0000001F,
};

static void equals_pytorch(void **state) {
    (void)state;
    static const struct {
        int size;
        const float *expected;
    } cases[] = {{7, expected7}, {2, expected2}, {5, expected5}};
    for (size_t k = 0; k < 3; k++)
        for (int channels = 1; channels <= 3; channels += 2) {
            struct dataset *d = toy_open((struct shape){3, 4, channels}, 2, 2, NULL);
            d->read = source_read;
            d = resize_open(d, cases[k].size);
            assert_int_equal(d->shape.h, cases[k].size);
            assert_int_equal(d->shape.w, cases[k].size);
            assert_int_equal(d->labels[1], 1);
            size_t size = shape_count(d->shape);
            float *out = xmalloc(size * sizeof *out);
            d->read(d, 0, out);
            for (size_t i = 0; i < size; i++) {
                size_t c = i % (size_t)channels;
                float want = cases[k].expected[i / (size_t)channels] + (float)c;
                assert_true(fabsf(out[i] - want) < 1e-6F);
            }
            free(out);
            dataset_close(d);
        }
}

static void the_right_size_stays(void **state) {
    (void)state;
    int released = 0;
    struct dataset *d = toy_open((struct shape){4, 4, 1}, 2, 2, &released);
    assert_ptr_equal(resize_open(d, 4), d);
    d = resize_open(d, 1);
    float middle, image[16];
    toy_read(&(struct dataset){.shape = {4, 4, 1}}, 1, image);
    d->read(d, 1, &middle);
    assert_true(fabsf(middle - (image[5] + image[6] + image[9] + image[10]) / 4) < 1e-6F);
    dataset_close(d);
    assert_int_equal(released, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_pytorch),
        cmocka_unit_test(the_right_size_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
