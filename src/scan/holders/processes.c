/* SPDX-License-Identifier: MIT */
/* Who has files open or mapped: one pass over /proc for all files. Open ones are seen in open_files.c, mapped ones by
 * the numbers in /proc/PID/maps. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "scan/holders/pass.h"

/* "7f3c8a000000-7f3c8a021000 rw-s 00000000 fe:00 1835009  /srv/images/a.raw" */
static bool parse_mapping(const char *line, int64_t *dev, int64_t *inode)
{
    enum { WORDS = 3 };
    char *end;
    for (int i = 0; i < WORDS; i++) {
        line += strcspn(line, " \n");
        line += strspn(line, " ");
    }
    unsigned long major = strtoul(line, &end, 16);
    if (*end != ':')
        return false;
    unsigned long minor = strtoul(end + 1, &end, 16);
    *dev = (int64_t)makedev((unsigned)major, (unsigned)minor);
    *inode = strtoll(end, &end, 10);
    return *inode != 0;
}

static void look_at_maps(struct ia_pass *pass)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/maps", pass->place);
    if (!ia_host_text(path, &pass->text)) {
        if (errno != ENOENT && errno != ESRCH)
            ia_pass_deny(pass);
        return;
    }
    int64_t last_dev = 0;
    int64_t last_inode = 0; /* a file is mapped in several pieces, one behind the other */
    for (const char *line = pass->text.data; *line != '\0';) {
        int64_t dev;
        int64_t inode;
        if (parse_mapping(line, &dev, &inode) && (dev != last_dev || inode != last_inode)) {
            ia_pass_see(pass, dev, inode, IA_HOLD_MAPPED);
            ia_pass_see(pass, IA_HOLDER_ANY_DEVICE, inode, IA_HOLD_MAPPED);
            last_dev = dev;
            last_inode = inode;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

/* Of block devices: which mounts there are differs from one mount namespace to another. */
static void look_at_mounts(struct ia_pass *pass)
{
    char path[96];
    struct stat st;
    snprintf(path, sizeof(path), "%s/ns/mnt", pass->place);
    if (pass->holders->block_devices.len == 0 || stat(path, &st) != 0)
        return;
    for (size_t i = 0; i < pass->mount_namespaces.len; i++)
        if (pass->mount_namespaces.items[i] == st.st_ino)
            return;
    if (!ia_vec_push(&pass->mount_namespaces, (uint64_t)st.st_ino))
        pass->holders->failed = true;
    snprintf(path, sizeof(path), "%s/mountinfo", pass->place);
    ia_holders_of_mounts(pass->holders, path);
}

void ia_holders_process_name(const char *proc, int64_t pid, char *name, size_t size)
{
    char path[96];
    IA_AUTO_BUF struct ia_buf text = {0};
    snprintf(path, sizeof(path), "%s/%jd/comm", proc, (intmax_t)pid);
    bool known = ia_host_line(path, &text) && text.len > 0;
    snprintf(name, size, "%s", known ? text.data : "a process");
    for (char *at = name; *at != '\0'; at++)
        if (iscntrl((unsigned char)*at))
            *at = '?';
}

static void report(struct ia_pass *pass)
{
    static const char *const words[] = {
        [IA_HOLD_MAPPED] = "mapped", [IA_HOLD_READS] = "open for reading", [IA_HOLD_WRITES] = "open for writing"};
    char name[32];
    if (pass->seen.len > 0)
        ia_holders_process_name(pass->proc, pass->pid, name, sizeof(name));
    for (size_t i = 0; i < pass->seen.len; i++)
        ia_holders_hold_file(pass->holders, pass->seen.items[i].file, pass->pid, "%s by %s (pid %jd)",
                             words[pass->seen.items[i].how], name, (intmax_t)pass->pid);
}

static void look_at_process(struct ia_pass *pass)
{
    snprintf(pass->place, sizeof(pass->place), "%.32s/%jd", pass->proc, (intmax_t)pass->pid);
    pass->seen.len = 0;
    if (ia_pass_has_no_files(pass))
        return;
    ia_pass_of_files(pass);
    look_at_maps(pass);
    look_at_mounts(pass);
    report(pass);
}

static int64_t own_pid(const char *proc)
{
    char path[64];
    char target[32] = "";
    snprintf(path, sizeof(path), "%.32s/self", proc);
    return readlink(path, target, sizeof(target) - 1) > 0 ? strtoll(target, NULL, 10) : 0;
}

static void report_denied(struct ia_pass *pass)
{
    char name[32];
    if (pass->denied == 0)
        return;
    if (geteuid() != 0) {
        ia_holders_add_unseen(pass->holders, "what processes of other users have open could not be found out");
        return;
    }
    ia_holders_process_name(pass->proc, pass->denied, name, sizeof(name));
    ia_holders_add_unseen(pass->holders, "what %s (pid %jd) has open could not be found out", name,
                          (intmax_t)pass->denied);
}

void ia_holders_of_processes(struct ia_holders *holders, const char *proc)
{
    struct ia_pass pass = {.holders = holders, .proc = proc};
    int64_t own = own_pid(proc);
    IA_AUTO_DIR DIR *dir = opendir(proc);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        pass.pid = ia_pass_is_number(entry->d_name) ? strtoll(entry->d_name, NULL, 10) : own;
        if (pass.pid != own)
            look_at_process(&pass);
    }
    report_denied(&pass);
    ia_buf_release(&pass.text);
    ia_vec_release(&pass.seen);
    ia_vec_release(&pass.mount_namespaces);
}
