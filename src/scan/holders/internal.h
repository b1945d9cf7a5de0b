/* SPDX-License-Identifier: MIT */
/* The places where holders are looked for, each with the directory that it is found in. */
#ifndef IA_SCAN_HOLDERS_INTERNAL_H
#define IA_SCAN_HOLDERS_INTERNAL_H

#include "base/buf.h"
#include "scan/holders/holders.h"

/* In place of a device number in a key: a file whose file system's own number is unknown, found by its inode alone; a
 * block device, whose number is in place of the inode's. */
enum { IA_HOLDER_ANY_DEVICE = -1, IA_HOLDER_BLOCK_DEVICE = -2 };

/* holders.c: */
void ia_holders_add_key(struct ia_holders *holders, int64_t dev, int64_t inode, size_t file);
void ia_holders_sort_keys(struct ia_holders *holders);
/* find.c, before all else: adds what else files are known as, and sorts the keys. mountinfo is that of this process;
 * sys is
 * "/sys". */
void ia_holders_prepare(struct ia_holders *holders, const char *mountinfo, const char *sys);
/* At the end: sorts what was found, each once. */
void ia_holders_settle(struct ia_holders *holders);

/* The keys of an identity: the first of them, and their number. */
const struct ia_holder_key *ia_holders_match(const struct ia_holders *holders, int64_t dev, int64_t inode,
                                             size_t *count);
/* Somebody holds what has this identity; this path, links followed; this one file. */
IA_PRINTF(4, 5)
void ia_holders_hold(struct ia_holders *holders, int64_t dev, int64_t inode, const char *format, ...);
/* False: it was not found. */
IA_PRINTF(3, 4) bool ia_holders_hold_path(struct ia_holders *holders, const char *path, const char *format, ...);
IA_PRINTF(4, 5)
void ia_holders_hold_file(struct ia_holders *holders, size_t file, int64_t pid, const char *format, ...);
/* Something could not be looked at; the first reason is kept. */
IA_PRINTF(2, 3) void ia_holders_add_unseen(struct ia_holders *holders, const char *format, ...);

/* processes.c: who has files open or mapped; proc is "/proc". */
void ia_holders_of_processes(struct ia_holders *holders, const char *proc);
/* Adds to unseen where this procfs does not show all processes. */
void ia_holders_check_view(struct ia_holders *holders, const char *proc, const char *sys);
/* The name of a process, without what a terminal would obey. */
void ia_holders_process_name(const char *proc, int64_t pid, char *name, size_t size);
/* held_locks.c: locks of any kind but QEMU's. */
void ia_holders_of_locks(struct ia_holders *holders, const char *proc);
/* The same file: what the clients of the NFS server have open. */
void ia_holders_of_nfs_server(struct ia_holders *holders, const char *proc);
/* mounts.c */
void ia_holders_of_swap(struct ia_holders *holders, const char *swaps);
void ia_holders_of_mounts(struct ia_holders *holders, const char *mountinfo);
/* devices.c: loop devices, and those that block devices are part of; targets that export files. dev is "/dev". */
void ia_holders_of_loops(struct ia_holders *holders, const char *sys, const char *dev);
void ia_holders_of_block_devices(struct ia_holders *holders, const char *sys);
/* A disk and its partitions are asked about with each other. */
void ia_holders_add_partitions(struct ia_holders *holders, const char *sys);
void ia_holders_of_targets(struct ia_holders *holders, const char *sys);

/* A mount, as a line of mountinfo has it. */
struct ia_mount {
    int64_t id, dev; /* dev: of the file system, as st_dev is encoded */
    const char *root, *point, *source;
};
/* Takes the line apart in place, and goes on to the next. False: it is not understood. */
bool ia_mount_parse(char **text, struct ia_mount *mount);

/* A file that the kernel makes up, whole; false: it cannot be read, errno is set. */
bool ia_host_text(const char *path, struct ia_buf *out);
/* Its first line, without the end of the line. */
bool ia_host_line(const char *path, struct ia_buf *out);

#endif
