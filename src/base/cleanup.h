/* SPDX-License-Identifier: MIT */
/* Scope-bound release of what a function owns. */
#ifndef IA_BASE_CLEANUP_H
#define IA_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

static inline void ia_cleanup_free_(void *pointer)
{
    free(*(void **)pointer);
}

static inline void ia_cleanup_close_(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define IA_AUTO_FREE __attribute__((cleanup(ia_cleanup_free_)))
#define IA_AUTO_CLOSE __attribute__((cleanup(ia_cleanup_close_)))
#define IA_AUTO_BUF __attribute__((cleanup(ia_buf_release)))

/* Takes the descriptor out of the reach of IA_AUTO_CLOSE. */
static inline int ia_steal_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* Takes the pointer out of the reach of IA_AUTO_FREE. */
#define ia_steal_ptr(pointer)                                                                                          \
    __extension__({                                                                                                    \
        __typeof__(pointer) ia_taken_ = (pointer);                                                                     \
        (pointer) = NULL;                                                                                              \
        ia_taken_;                                                                                                     \
    })

#endif
