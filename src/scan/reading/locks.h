/* SPDX-License-Identifier: MIT */
/* QEMU's image locks, looked at and never taken. */
#ifndef IA_SCAN_READING_LOCKS_H
#define IA_SCAN_READING_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "model/lock.h"

enum ia_image_lock ia_image_lock_of(int fd);

/* The inode numbers of all files that anybody on this host holds a lock on, as the kernel lists them: a file that is
 * not among them need not be opened to learn that it is not locked. Of file systems whose locks it does not list
 * (ia_host_lists_locks), this is no answer. */
struct ia_lock_list {
    IA_VEC(uint64_t) inodes; /* ascending, whatever their file system; owned */
};

/* False where the list cannot be had, changes too fast to be had whole, does not show a lock of our own, or is seen
 * from a PID namespace that does not show all. */
bool ia_lock_list_read(struct ia_lock_list *list);
bool ia_lock_list_has(const struct ia_lock_list *list, uint64_t inode);
void ia_lock_list_release(struct ia_lock_list *list);

/* Of /proc. In another PID namespace than the first one, the kernel leaves out processes outside of it, and those of
 * their locks that are not bound to an open file. */
bool ia_sees_all_processes(void);

/* A line of /proc/locks. */
struct ia_lock {
    uint64_t inode;
    int64_t dev;      /* of the file system, as st_dev is encoded */
    int64_t pid;      /* -1: it belongs to an open file, not to a process; 0: to a process that is not shown */
    bool has_no_file; /* it is of none any more: the others are 0 then */
    bool is_of_qemu;  /* on the bytes that QEMU locks, and taken in its way */
};
/* False: the line is not understood. */
bool ia_lock_parse(const char *line, struct ia_lock *lock);

/* The inode numbers in a text like that of /proc/locks. False when a line is not understood, or memory is short. */
bool ia_lock_list_parse(struct ia_lock_list *list, const char *text);

#endif
