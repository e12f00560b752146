#include "ops/bias.h"
#include "base/kernels.h"
#include <string.h>

enum { PIECES = 16, BLOCK_ROWS = 256 };

struct bias_job {
    const struct op_call *call;
    bool texts; // each piece some whole samples; else some rows
    int pieces;
    size_t rows;   // of dout
    double *sums;  // [pieces][channels]
    float *blocks; // [pieces][channels]
};

static struct bias_job bias_job(const struct op_call *call, float *scratch) {
    const struct shape s = call->out_shape;
    struct bias_job job = {.call = call, .rows = (size_t)call->n * (size_t)s.h * (size_t)s.w};
    job.texts = call->length && s.h > 1;
    const size_t pieces = job.texts ? (size_t)call->n : (job.rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    job.pieces = pieces < PIECES ? (int)pieces : PIECES;
    job.sums = (double *)scratch;
    job.blocks = (float *)(job.sums + (size_t)job.pieces * (size_t)s.c);
    return job;
}

size_t bias_scratch(const struct op_call *call) {
    const struct bias_job job = bias_job(call, NULL);
    return (sizeof(double) / sizeof(float) + 1) * (size_t)job.pieces * (size_t)call->out_shape.c;
}

// Adds the sums of `rows` rows to `sums`, block by block.
static void bias_rows(const struct bias_job *job, size_t first, size_t rows, double *sums,
                      float *block) {
    const size_t channels = (size_t)job->call->out_shape.c, end = first + rows;
    for (size_t row = first; row < end; row += BLOCK_ROWS) {
        const size_t count = end - row < BLOCK_ROWS ? end - row : BLOCK_ROWS;
        kernels()->channel_sums(count, (int)channels, job->call->dout + row * channels, NULL, block,
                                NULL);
        for (size_t c = 0; c < channels; c++)
            sums[c] += block[c];
    }
}

static void bias_piece(void *context, int piece, int worker) {
    (void)worker;
    const struct bias_job *job = context;
    const struct op_call *call = job->call;
    const size_t channels = (size_t)call->out_shape.c, tokens = (size_t)call->out_shape.h;
    const size_t all = job->texts ? (size_t)call->n : job->rows;
    const size_t first = all * (size_t)piece / (size_t)job->pieces;
    const size_t end = all * (size_t)(piece + 1) / (size_t)job->pieces;
    double *sums = job->sums + (size_t)piece * channels;
    float *block = job->blocks + (size_t)piece * channels;
    memset(sums, 0, channels * sizeof *sums);
    if (!job->texts)
        bias_rows(job, first, end - first, sums, block);
    for (size_t s = first; job->texts && s < end; s++)
        bias_rows(job, s * tokens, (size_t)op_rows(call, call->out_shape, (int)s), sums, block);
}

void bias_gradient(const struct op_call *call, struct op_grad grad, float *scratch) {
    struct bias_job job = bias_job(call, scratch);
    const size_t channels = (size_t)call->out_shape.c;
    pool_run(call->pool, job.pieces, bias_piece, &job);
    for (size_t c = 0; c < channels; c++) {
        double sum = job.sums[c];
        for (int piece = 1; piece < job.pieces; piece++)
            sum += job.sums[(size_t)piece * channels + c];
        grad.to[c] = (grad.add ? grad.to[c] : 0) + (float)sum;
    }
}
