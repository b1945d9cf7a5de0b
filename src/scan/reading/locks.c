/* SPDX-License-Identifier: MIT */
/* QEMU holds byte-range locks: 100 + n for a permission it has, 200 + n for one it does not share (block/file-posix.c).
 * Permission 1 is writing. */
#include "scan/reading/locks.h"

#include <fcntl.h>
#include <stdbool.h>

enum { PERMISSION_BASE = 100, UNSHARED_BASE = 200, PERMISSIONS = 5, WRITE = 1 };

/* Somebody holds a lock in [start, start + length). */
static bool is_held(int fd, off_t start, off_t length, bool *known)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    *known = fcntl(fd, F_OFD_GETLK, &lock) == 0;
    return *known && lock.l_type != F_UNLCK;
}

enum ia_image_lock ia_image_lock_of(int fd)
{
    bool known;
    if (!is_held(fd, PERMISSION_BASE, UNSHARED_BASE + PERMISSIONS - PERMISSION_BASE,
                 &known)) /* as a rule: one question */
        return known ? IA_LOCK_NONE : IA_LOCK_UNKNOWN;
    if (is_held(fd, PERMISSION_BASE + WRITE, 1, &known))
        return IA_LOCK_WRITE;
    if (!known)
        return IA_LOCK_UNKNOWN;
    if (is_held(fd, PERMISSION_BASE, PERMISSIONS, &known) || is_held(fd, UNSHARED_BASE, PERMISSIONS, &known))
        return IA_LOCK_READ;
    return IA_LOCK_NONE;
}
