/* SPDX-License-Identifier: MIT */
/* One pass over /proc for all files, process by process. */
#ifndef IA_SCAN_HOLDERS_PASS_H
#define IA_SCAN_HOLDERS_PASS_H

#include <dirent.h>
#include <string.h>

#include "base/vec.h"
#include "scan/holders/internal.h"

/* How a process holds a file, the strongest last. */
enum ia_hold { IA_HOLD_MAPPED, IA_HOLD_READS, IA_HOLD_WRITES };

struct ia_pass_seen {
    size_t file;
    enum ia_hold how;
};

struct ia_pass {
    struct ia_holders *holders;
    const char *proc;
    int64_t pid;
    char place[64]; /* "/proc/PID" */
    struct ia_buf text;
    IA_VEC(struct ia_pass_seen) seen; /* of this process */
    IA_VEC(uint64_t) mount_namespaces;
    int64_t denied; /* the first process that cannot be looked at; 0: none */
};

/* pass.c: the process cannot be looked at. */
void ia_pass_deny(struct ia_pass *pass);
/* It holds what has this identity, if it is one of the files that are asked for. */
void ia_pass_see(struct ia_pass *pass, int64_t dev, int64_t inode, enum ia_hold how);

/* open_files.c: sees all that it, or a thread of it, has open. */
void ia_pass_of_files(struct ia_pass *pass);
/* A thread of the kernel, or a process that has ended: neither has a program, nor files. Or one whose files are not for
 * us, which is denied. */
bool ia_pass_has_no_files(struct ia_pass *pass);

static inline bool ia_pass_is_number(const char *name)
{
    return name[strspn(name, "0123456789")] == '\0';
}

static inline void ia_cleanup_dir_(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}
#define IA_AUTO_DIR __attribute__((cleanup(ia_cleanup_dir_)))

#endif
