// Threads that take pieces of work. The pieces are a function of shapes alone, never of the number
// of threads, so results do not depend on it. Waiting threads spin for a few microseconds, then
// sleep.
#ifndef THAW_BASE_POOL_H
#define THAW_BASE_POOL_H

struct pool;

// Does piece number `piece` of the work that `context` describes. `worker` is in
// [0, pool_threads): it may choose scratch space, never a result.
typedef void pool_work(void *context, int piece, int worker);

// A pool of `threads` (>= 1) in all, the calling thread among them. Never fails (aborts when the
// system refuses a thread). Free with pool_close.
struct pool *pool_open(int threads);
void pool_close(struct pool *pool);

int pool_threads(const struct pool *pool);

// Does pieces 0..pieces-1 and returns when all are done. Pieces are handed out in rising order.
// Only one thread may call it at a time; work must not call it.
void pool_run(struct pool *pool, int pieces, pool_work *work, void *context);

// The number of processors that this process may use.
int pool_processors(void);

#endif
