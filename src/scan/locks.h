/* SPDX-License-Identifier: MIT */
/* QEMU's image locks, looked at and never taken. */
#ifndef IA_SCAN_LOCKS_H
#define IA_SCAN_LOCKS_H

/* "write": a running QEMU may write the file; "read": one has it open, as a base for example; "none"; "unknown" where
 * the file system cannot tell. */
const char *ia_lock_state(int fd);

#endif
