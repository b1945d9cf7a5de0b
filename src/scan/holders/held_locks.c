/* SPDX-License-Identifier: MIT */
/* Locks of any kind, by the kernel's list, and what clients of the NFS server in the kernel have open: of these no
 * process has a descriptor. Those locks that QEMU takes are looked at by scan/reading/locks.c. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "scan/holders/internal.h"
#include "scan/reading/locks.h"

/* What this process has besides the lock is known: it has the file open. */
static bool is_known(const struct ia_holders *holders, size_t known, size_t file, int64_t pid)
{
    for (size_t i = 0; i < known; i++)
        if (holders->all.items[i].file == file && holders->all.items[i].pid == pid)
            return true;
    return false;
}

static void hold(struct ia_holders *holders, size_t known, const struct ia_lock *lock, int64_t dev, const char *proc)
{
    char name[32];
    size_t count;
    const struct ia_holder_key *key = ia_holders_match(holders, dev, (int64_t)lock->inode, &count);
    for (size_t i = 0; i < count; i++) {
        if (lock->pid <= 0) { /* of an open file description, or of another host */
            ia_holders_hold_file(holders, key[i].file, 0, "locked");
        } else if (!is_known(holders, known, key[i].file, lock->pid)) {
            ia_holders_process_name(proc, lock->pid, name, sizeof(name));
            ia_holders_hold_file(holders, key[i].file, lock->pid, "locked by %s (pid %jd)", name, (intmax_t)lock->pid);
        }
    }
}

void ia_holders_of_locks(struct ia_holders *holders, const char *proc)
{
    char path[64];
    size_t known = holders->all.len;
    IA_AUTO_BUF struct ia_buf text = {0};
    snprintf(path, sizeof(path), "%s/locks", proc);
    if (!ia_host_text(path, &text)) {
        ia_holders_add_unseen(holders, "who has locks could not be found out: %s cannot be read", path);
        return;
    }
    for (const char *line = text.data; *line != '\0';) {
        struct ia_lock lock;
        if (ia_lock_parse(line, &lock) && !lock.has_no_file && !lock.is_of_qemu) {
            hold(holders, known, &lock, lock.dev, proc);
            hold(holders, known, &lock, IA_HOLDER_ANY_DEVICE, proc);
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

/* "- 0x...: { type: open, access: rw, deny: --, superblock: "fd:13:33823232", filename: "a.raw", owner: "..." }": the
 * device's numbers in base 16, the inode's in base 10 (fs/nfsd/nfs4state.c). */
static void hold_states(struct ia_holders *holders, char *text)
{
    static const char before[] = "superblock: \"";
    for (char *at = strstr(text, before); at != NULL;
         at = strstr(at, before)) { /* ends: each goes on behind the last */
        at += strlen(before);
        unsigned long major = strtoul(at, &at, 16);
        unsigned long minor = *at == ':' ? strtoul(at + 1, &at, 16) : 0;
        int64_t inode = *at == ':' ? strtoll(at + 1, &at, 10) : 0;
        ia_holders_hold(holders, (int64_t)makedev((unsigned)major, (unsigned)minor), inode, "open by a client of nfsd");
        ia_holders_hold(holders, IA_HOLDER_ANY_DEVICE, inode, "open by a client of nfsd");
    }
}

void ia_holders_of_nfs_server(struct ia_holders *holders, const char *proc)
{
    glob_t found = {0};
    char pattern[96];
    IA_AUTO_BUF struct ia_buf text = {0};
    snprintf(pattern, sizeof(pattern), "%s/fs/nfsd/clients/*/states", proc);
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (ia_host_text(found.gl_pathv[i], &text))
            hold_states(holders, text.data);
    globfree(&found);
}
