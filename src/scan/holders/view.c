/* SPDX-License-Identifier: MIT */
/* Whether all that a host has is to be seen from here. */
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "scan/holders/internal.h"
#include "scan/reading/locks.h"

void ia_holders_check_view(struct ia_holders *holders, const char *proc, const char *sys)
{
    char first[64];
    struct statfs fs;
    struct stat st;
    snprintf(first, sizeof(first), "%s/1", proc);
    if (statfs(proc, &fs) != 0 || (uint32_t)fs.f_type != PROC_SUPER_MAGIC)
        ia_holders_add_unseen(holders, "what processes have open could not be found out: no %s here", proc);
    else if (!ia_sees_all_processes())
        ia_holders_add_unseen(holders, "what processes outside of this PID namespace have open could not be found out");
    else if (stat(first, &st) != 0)
        ia_holders_add_unseen(holders, "what processes of other users have open could not be found out: %s hides them",
                              proc);
    if (statfs(sys, &fs) != 0 || (uint32_t)fs.f_type != SYSFS_MAGIC)
        ia_holders_add_unseen(holders, "what loop and other devices hold could not be found out: no %s here", sys);
}
