// Matrix products by the processor's tiles (Intel AMX), for kernels_unit.c alone.
//
// Tiles multiply bfloat16 numbers, of 8 bits, and add in float. A float of 24 bits is exactly the
// sum of three of them, x = x0 + x1 + x2, each the nearest to what is left; of the nine products of
// two such sums the six are added that are above 2^-25 of the whole. Numbers below 2^-126 count
// as 0.
#ifndef THAW_BASE_KERNELS_SPLIT_H
#define THAW_BASE_KERNELS_SPLIT_H

#ifdef __AMX_BF16__

enum {
    PARTS = 3,
    HALF = SPLIT_SIDE / 2,          // a tile has so many rows of 64 bytes
    PART = SPLIT_SIDE * SPLIT_SIDE, // numbers of one part of a block
};

// The upper halves of floats, rounded to nearest; takes them from x.
INLINE __m512i split_upper(__m512 *x) {
    const __m512i rounded = _mm512_add_epi32((__m512i)*x, _mm512_set1_epi32(0x8000));
    const __m512i upper = _mm512_and_si512(rounded, _mm512_set1_epi32((int)0xffff0000));
    *x -= (__m512)upper;
    return upper;
}

// Pairs of bfloat16 numbers: of `low`, and of `high` behind each.
INLINE __m512i split_pairs(__m512i low, __m512i high) {
    return _mm512_or_si512(_mm512_srli_epi32(low, 16), high);
}

// All parts of 16 pairs. What is left for the last one has no lower half, unless it is below 2^-126
// and counts as 0: then that half must not get into its neighbour.
INLINE void split_store(__m512 low, __m512 high, uint16_t *to) {
    for (int part = 0; part < PARTS - 1; part++, to += PART) {
        const __m512i first = split_upper(&low);
        _mm512_storeu_si512(to, split_pairs(first, split_upper(&high)));
    }
    const __m512i upper = _mm512_and_si512((__m512i)high, _mm512_set1_epi32((int)0xffff0000));
    _mm512_storeu_si512(to, split_pairs((__m512i)low, upper));
}

// The floats first .. first + 15 of `count`, 0 behind them.
INLINE __m512 split_load(const float *from, int first, int count) {
    const int left = count - first;
    return left >= WIDTH ? _mm512_loadu_ps(from + first)
           : left <= 0   ? _mm512_setzero_ps()
                         : _mm512_maskz_loadu_ps((__mmask16)((1u << left) - 1), from + first);
}

// to [PARTS][side][side]: lines of floats along the depth. Everywhere in a block, numbers i and
// 16 + i along the depth are neighbours.
static void split_lines(int lines, int depth, const float *const *from, uint16_t *to) {
    for (int i = 0; i < SPLIT_SIDE; i++, to += SPLIT_SIDE)
        if (i < lines)
            split_store(split_load(from[i], 0, depth), split_load(from[i], WIDTH, depth), to);
        else
            split_store(_mm512_setzero_ps(), _mm512_setzero_ps(), to);
}

// to [PARTS][side / 2][side][2]: of a tile's right side, pairs along the depth lie together.
static void split_across(int depth, int columns, const float *const *from, uint16_t *to) {
    for (int k = 0; k < HALF; k++)
        for (int j = 0; j < SPLIT_SIDE; j += WIDTH, to += SPLIT_SIDE) {
            const __m512 low = split_load(from[k], j, k < depth ? columns : 0);
            split_store(low, split_load(from[HALF + k], j, HALF + k < depth ? columns : 0), to);
        }
}

// The same from columns that lie along the depth: a pair is moved as if it were a float.
static void split_columns(int columns, int depth, const float *const *from, uint16_t *to) {
    _Alignas(64) uint16_t lines[SPLIT_NUMBERS];
    split_lines(columns, depth, from, lines);
    for (int part = 0; part < PARTS; part++)
        for (int j = 0; j < SPLIT_SIDE; j += WIDTH)
            pack_square((const float *)(const void *)(lines + part * PART + j * SPLIT_SIDE), HALF,
                        (float *)(void *)(to + part * PART) + j);
}

// Two rows of tiles times two columns of tiles: tiles 0 to 3 hold sums, 4 and 5 the left side, 6
// and 7 the right one.
#define SPLIT_LEFT(part)                                                                           \
    _tile_loadd(4, a + (part)*PART, 64);                                                           \
    _tile_loadd(5, a + (part)*PART + HALF * SPLIT_SIDE, 64);
#define SPLIT_RIGHT(part)                                                                          \
    _tile_loadd(6, b + (part)*PART, 128);                                                          \
    _tile_loadd(7, b + (part)*PART + SPLIT_SIDE, 128);
#define SPLIT_MULTIPLY(sixth)                                                                      \
    split_foresee(a + SPLIT_NUMBERS, sixth);                                                       \
    _tile_dpbf16ps(0, 4, 6);                                                                       \
    _tile_dpbf16ps(1, 4, 7);                                                                       \
    split_foresee(b + SPLIT_NUMBERS, sixth);                                                       \
    _tile_dpbf16ps(2, 5, 6);                                                                       \
    _tile_dpbf16ps(3, 5, 7);

// Fetches a part of the next block.
INLINE void split_foresee(const uint16_t *next, int sixth) {
    for (int line = 0; line < SPLIT_NUMBERS / 6; line += 32)
        __builtin_prefetch(next + sixth * (SPLIT_NUMBERS / 6) + line);
}

static void split_sums(int blocks, const uint16_t *a, const uint16_t *b, float *sums) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int i = 0; i < blocks; i++, a += SPLIT_NUMBERS, b += SPLIT_NUMBERS) {
        SPLIT_LEFT(2)
        SPLIT_RIGHT(0)
        SPLIT_MULTIPLY(0) // small products first
        SPLIT_LEFT(1)
        SPLIT_MULTIPLY(1)
        SPLIT_RIGHT(1)
        SPLIT_MULTIPLY(2)
        SPLIT_LEFT(0)
        SPLIT_MULTIPLY(3)
        SPLIT_RIGHT(2)
        SPLIT_MULTIPLY(4)
        SPLIT_RIGHT(0)
        SPLIT_MULTIPLY(5)
    }
    _tile_stored(0, sums, 4 * SPLIT_SIDE);
    _tile_stored(1, sums + HALF, 4 * SPLIT_SIDE);
    _tile_stored(2, sums + HALF * SPLIT_SIDE, 4 * SPLIT_SIDE);
    _tile_stored(3, sums + HALF * SPLIT_SIDE + HALF, 4 * SPLIT_SIDE);
}

struct split_config {
    uint8_t palette, start, zero[14];
    uint16_t bytes[16]; // of a row of each tile
    uint8_t rows[16];
};

static void split_open(void) {
    static const struct split_config config = {.palette = 1,
                                               .bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                                               .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
    _tile_loadconfig(&config);
}

static void split_close(void) {
    _tile_release();
}

static void split_product(int blocks, const uint16_t *a, const uint16_t *b, int rows, int columns,
                          const float *bias, float *const *out, bool add) {
    _Alignas(64) float sums[SPLIT_SIDE * SPLIT_SIDE];
    split_sums(blocks, a, b, sums);
    for (int i = 0; bias && i < rows; i++)
        for (int j = 0; j < columns; j++)
            sums[i * SPLIT_SIDE + j] += bias[j];
    for (int i = 0; i < rows; i++)
        matrix_store_row(out[i], columns > WIDTH ? 2 : 1, load(sums + i * SPLIT_SIDE),
                         load(sums + i * SPLIT_SIDE + WIDTH), columns, add);
}

#endif
#endif
