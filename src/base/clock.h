// Monotonic time, for measuring only: no result depends on it.
#ifndef THAW_BASE_CLOCK_H
#define THAW_BASE_CLOCK_H

double clock_seconds(void);

// For work on `threads` threads, the caller's among them: on one thread the seconds that it has had
// a processor, to which other programs do less.
double clock_work_seconds(int threads);

#endif
