#include "ops/split.h"
#include "base/kernels.h"
#include <stdint.h>
#include <string.h>

enum {
    SIDE = SPLIT_SIDE,
    DEPTH = 1024, // of a sum in tiles; such sums are added in order
    WIDE = 4096,  // rows and columns that are split at a time
    LEAST = 64,   // inputs and outputs that are worth it
    // Blocks of rows and columns in a piece, of which a thread keeps the columns' in its cache.
    ROW_BLOCKS = 16,
    COLUMN_BLOCKS = 6,
};

static int least(int a, int b) {
    return a < b ? a : b;
}

static int blocks_of(int count) {
    return (count + SIDE - 1) / SIDE;
}

bool split_suits(int in, int out) {
    return kernels()->split_product && in >= LEAST && out >= LEAST;
}

static size_t split_numbers(int lines, int depth) {
    return (size_t)blocks_of(least(lines, WIDE)) * (size_t)blocks_of(least(depth, DEPTH)) *
           SPLIT_NUMBERS;
}

size_t split_scratch(int rows, int depth, int columns) {
    return (split_numbers(rows, depth) + split_numbers(columns, depth)) * sizeof(uint16_t) /
           sizeof(float);
}

// What is multiplied at a time: rows, columns and depth from .. on, so many of each.
struct split_job {
    const struct split *s;
    int row, column, deep, rows, columns, depth;
    uint16_t *left, *right; // [blocks of rows or columns][blocks of depth]
    bool left_kept;         // `left` is split already
};

static const float *split_line(const struct split_side *side, int i, int at) {
    return side->from + (size_t)(side->line ? side->line[i] : i) * side->stride + at;
}

// Pointers into `count` lines from line `first` on, SIDE of them, to element `at`.
static void split_lines(const struct split_side *side, int first, int count, int at,
                        const float *line[SIDE]) {
    for (int i = 0; i < SIDE; i++)
        line[i] = i < count ? split_line(side, first + i, at) : NULL;
}

// A block of rows whose lines lie across the depth, turned.
static void split_turned(const struct split_side *side, int row, int rows, int deep, int depth,
                         uint16_t *to) {
    float across[SIDE * SIDE], along[SIDE * SIDE];
    const float *line[SIDE];
    for (int k = 0; k < depth; k++)
        memcpy(across + k * SIDE, split_line(side, deep + k, row), (size_t)rows * sizeof *across);
    kernels()->pack_transposed(rows, depth, across, SIDE, along);
    for (int i = 0; i < SIDE; i++)
        line[i] = along + i * SIDE;
    kernels()->split_left(rows, depth, line, to);
}

static void split_left_block(const struct split_job *j, int block) {
    const struct split_side *side = &j->s->left;
    const int row = j->row + block * SIDE, rows = least(SIDE, j->row + j->rows - row);
    uint16_t *to = j->left + (size_t)block * (size_t)blocks_of(j->depth) * SPLIT_NUMBERS;
    for (int deep = 0; deep < j->depth; deep += SIDE, to += SPLIT_NUMBERS) {
        const int depth = least(SIDE, j->depth - deep), at = j->deep + deep;
        const float *line[SIDE];
        if (side->along) {
            split_lines(side, row, rows, at, line);
            kernels()->split_left(rows, depth, line, to);
        } else {
            split_turned(side, row, rows, at, depth, to);
        }
    }
}

static void split_right_block(const struct split_job *j, int block) {
    const struct split_side *side = &j->s->right;
    const int column = j->column + block * SIDE;
    const int columns = least(SIDE, j->column + j->columns - column);
    uint16_t *to = j->right + (size_t)block * (size_t)blocks_of(j->depth) * SPLIT_NUMBERS;
    for (int deep = 0; deep < j->depth; deep += SIDE, to += SPLIT_NUMBERS) {
        const int depth = least(SIDE, j->depth - deep), at = j->deep + deep;
        const float *line[SIDE];
        if (side->along) {
            split_lines(side, column, columns, at, line);
            kernels()->split_right_transposed(columns, depth, line, to);
        } else {
            split_lines(side, at, depth, column, line);
            kernels()->split_right(depth, columns, line, to);
        }
    }
}

static void split_piece(void *context, int piece, int worker) {
    (void)worker;
    const struct split_job *j = context;
    const int columns = blocks_of(j->columns);
    if (piece < columns)
        split_right_block(j, piece);
    else
        split_left_block(j, piece - columns);
}

static void split_block(const struct split_job *j, int row_block, int column_block) {
    const struct split *s = j->s;
    const size_t deep = (size_t)blocks_of(j->depth) * SPLIT_NUMBERS;
    const int row = j->row + row_block * SIDE, column = j->column + column_block * SIDE;
    const int rows = least(SIDE, j->row + j->rows - row);
    const int columns = least(SIDE, j->column + j->columns - column);
    float *to[SIDE];
    for (int i = 0; i < rows; i++)
        to[i] = s->to + (size_t)(s->row ? s->row[row + i] : row + i) * s->stride + column;
    kernels()->split_product(blocks_of(j->depth), j->left + (size_t)row_block * deep,
                             j->right + (size_t)column_block * deep, rows, columns,
                             s->bias && j->deep == 0 ? s->bias + column : NULL, to,
                             s->add || j->deep > 0);
}

static void split_multiply_piece(void *context, int piece, int worker) {
    (void)worker;
    const struct split_job *j = context;
    const int across = (blocks_of(j->columns) - 1) / COLUMN_BLOCKS + 1;
    const int first = piece / across * ROW_BLOCKS, column = piece % across * COLUMN_BLOCKS;
    kernels()->split_open();
    for (int r = first; r < least(first + ROW_BLOCKS, blocks_of(j->rows)); r++)
        for (int c = column; c < least(column + COLUMN_BLOCKS, blocks_of(j->columns)); c++)
            split_block(j, r, c);
    kernels()->split_close();
}

static void split_run(const struct split_job *j, struct pool *pool) {
    struct split_job job = *j;
    const int rows = blocks_of(j->rows), columns = blocks_of(j->columns);
    pool_run(pool, columns + (j->left_kept ? 0 : rows), split_piece, &job);
    pool_run(pool, ((rows - 1) / ROW_BLOCKS + 1) * ((columns - 1) / COLUMN_BLOCKS + 1),
             split_multiply_piece, &job);
}

void split_multiply(const struct split *s, struct pool *pool, float *scratch) {
    struct split_job j = {.s = s, .left = (uint16_t *)(void *)scratch};
    j.right = j.left + split_numbers(s->rows, s->depth);
    for (j.deep = 0; j.deep < s->depth; j.deep += DEPTH) {
        j.depth = least(DEPTH, s->depth - j.deep);
        for (j.row = 0; j.row < s->rows; j.row += WIDE) {
            j.rows = least(WIDE, s->rows - j.row);
            for (j.column = 0; j.column < s->columns; j.column += WIDE) {
                j.columns = least(WIDE, s->columns - j.column);
                j.left_kept = j.column > 0;
                split_run(&j, pool);
            }
        }
    }
}
