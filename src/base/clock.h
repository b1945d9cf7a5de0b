/* SPDX-License-Identifier: MIT */
/* Times in nanoseconds: since 1970 for a time stamp, since some start for a clock. */
#ifndef IA_BASE_CLOCK_H
#define IA_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "base/checked.h"

/* File systems keep time stamps of years that do not fit, 1677 to 2262. One that is later becomes INT64_MAX, which is
 * after any time that a clock gives. One that is earlier, or nearly, becomes half of INT64_MIN: the time from there to
 * now fits. */
static inline int64_t ia_timespec_ns(struct timespec time)
{
    int64_t ns;
    if (!ia_mul(time.tv_sec, 1000000000, &ns) || !ia_add(ns, time.tv_nsec, &ns))
        ns = time.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return ia_max(ns, INT64_MIN / 2);
}

/* When a file was made: a copy that keeps the time of the last write was made by then, whenever it came here. unknown:
 * what is returned where the file system keeps no birth, birth_ns < 0. */
static inline int64_t ia_made_ns(int64_t birth_ns, int64_t mtime_ns, int64_t unknown)
{
    return birth_ns < 0 ? unknown : ia_min(birth_ns, mtime_ns);
}

static inline int64_t ia_clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return ia_timespec_ns(now);
}

#endif
