// Monotonic time, for measuring only: no result depends on it.
#ifndef THAW_BASE_CLOCK_H
#define THAW_BASE_CLOCK_H

double clock_seconds(void);

#endif
