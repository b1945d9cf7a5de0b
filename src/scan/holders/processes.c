/* SPDX-License-Identifier: MIT */
/* Who has files open or mapped: one pass over /proc for all files. A file is known by what stat has of it through
 * /proc/PID/fd, so that names, mount namespaces and chroots do not matter; mapped ones by the numbers in
 * /proc/PID/maps. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "scan/holders/internal.h"

/* How a process holds a file, the strongest last. */
enum hold { MAPPED, READS, WRITES };

struct seen {
    size_t file;
    enum hold how;
};

struct pass {
    struct ia_holders *holders;
    const char *proc;
    int64_t pid;
    char place[64]; /* "/proc/PID" */
    struct ia_buf text;
    IA_VEC(struct seen) seen; /* of this process */
    IA_VEC(uint64_t) mount_namespaces;
    int64_t denied; /* the first process that cannot be looked at; 0: none */
};

static void close_directory(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}
#define AUTO_DIR __attribute__((cleanup(close_directory)))

/* Init of the host, which this is where all processes are seen, may have rights that root has not here. It uses no
 * images: who does is another process. */
static void deny(struct pass *pass)
{
    if (pass->pid == 1 && geteuid() == 0)
        return;
    if (pass->denied == 0)
        pass->denied = pass->pid;
}

static bool is_number(const char *name)
{
    return name[strspn(name, "0123456789")] == '\0';
}

static void see(struct pass *pass, size_t file, enum hold how)
{
    for (size_t i = 0; i < pass->seen.len; i++) {
        struct seen *seen = &pass->seen.items[i];
        if (seen->file == file) {
            seen->how = how > seen->how ? how : seen->how;
            return;
        }
    }
    if (!ia_vec_push(&pass->seen, ((struct seen){file, how})))
        pass->holders->failed = true;
}

static void see_all(struct pass *pass, int64_t dev, int64_t inode, enum hold how)
{
    size_t count;
    const struct ia_holder_key *key = ia_holders_match(pass->holders, dev, inode, &count);
    for (size_t i = 0; i < count; i++)
        see(pass, key[i].file, how);
}

/* -- Open files ---------------------------------------------------------------------------------------------------- */

/* By its flags in fdinfo; for writing where they are not to be had. */
static enum hold how_open(struct pass *pass, const char *folder, const char *name)
{
    char path[192];
    snprintf(path, sizeof(path), "%s/%.64sinfo/%.20s", pass->place, folder, name);
    const char *flags = ia_host_text(path, &pass->text) ? strstr(pass->text.data, "flags:") : NULL;
    unsigned long mode = flags == NULL ? O_RDWR : strtoul(flags + strlen("flags:"), NULL, 8);
    return (mode & O_ACCMODE) == O_RDONLY ? READS : WRITES;
}

/* The link itself may be read: what it leads to lies on a file system (FUSE) that lets in its owner alone, and not us.
 */
static bool is_of_closed_file_system(int fd, const char *name)
{
    char target[2];
    return readlinkat(fd, name, target, sizeof(target)) > 0;
}

static void look_at_open_file(struct pass *pass, int64_t dev, int64_t inode, const char *folder, const char *name)
{
    size_t count;
    if (ia_holders_match(pass->holders, dev, inode, &count) != NULL)
        see_all(pass, dev, inode, how_open(pass, folder, name));
}

static void look_at_descriptor(struct pass *pass, int fd, const char *folder, const char *name)
{
    struct statx stx;
    if (statx(fd, name, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &stx) != 0) {
        if ((errno == EACCES || errno == EPERM) && !is_of_closed_file_system(fd, name))
            deny(pass);
        return; /* closed meanwhile, or of a file system that is dead */
    }
    int64_t dev = (int64_t)makedev(stx.stx_dev_major, stx.stx_dev_minor);
    int64_t inode = (int64_t)stx.stx_ino;
    if (S_ISBLK(stx.stx_mode)) {
        dev = IA_HOLDER_BLOCK_DEVICE;
        inode = (int64_t)makedev(stx.stx_rdev_major, stx.stx_rdev_minor);
    }
    look_at_open_file(pass, dev, inode, folder, name);
    if (S_ISREG(stx.stx_mode))
        look_at_open_file(pass, IA_HOLDER_ANY_DEVICE, inode, folder, name);
}

/* folder: "fd", or "task/TID/fd". */
static void look_at_descriptors(struct pass *pass, const char *folder)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", pass->place, folder);
    AUTO_DIR DIR *dir = opendir(path);
    if (dir == NULL) {
        if (errno != ENOENT && errno != ESRCH)
            deny(pass);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (is_number(entry->d_name))
            look_at_descriptor(pass, dirfd(dir), folder, entry->d_name);
}

/* Threads share their open files as a rule; one that does not, and those that outlive the first thread, are looked at
 * by themselves. */
static bool has_files_of(int64_t pid, int64_t thread)
{
    return syscall(SYS_kcmp, (pid_t)pid, (pid_t)thread, KCMP_FILES, 0UL, 0UL) == 0;
}

/* procfs counts the threads as links of their directory, besides its own two. */
static bool has_one_thread(const struct pass *pass)
{
    char path[96];
    struct stat st;
    snprintf(path, sizeof(path), "%s/task", pass->place);
    return stat(path, &st) == 0 && st.st_nlink == 3;
}

/* A thread of the kernel, or a process that has ended: neither has a program, nor files. */
static bool has_no_files(const struct pass *pass)
{
    char path[96];
    char target[2];
    snprintf(path, sizeof(path), "%s/exe", pass->place);
    return readlink(path, target, sizeof(target)) < 0 && errno == ENOENT && has_one_thread(pass);
}

static void look_at_threads(struct pass *pass)
{
    char path[96];
    if (has_one_thread(pass))
        return;
    snprintf(path, sizeof(path), "%s/task", pass->place);
    AUTO_DIR DIR *dir = opendir(path);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        int64_t thread = is_number(entry->d_name) ? strtoll(entry->d_name, NULL, 10) : pass->pid;
        if (thread == pass->pid || has_files_of(pass->pid, thread))
            continue;
        snprintf(path, sizeof(path), "task/%jd/fd", (intmax_t)thread);
        look_at_descriptors(pass, path);
    }
}

/* -- Mapped files -------------------------------------------------------------------------------------------------- */

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

static void look_at_maps(struct pass *pass)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/maps", pass->place);
    if (!ia_host_text(path, &pass->text)) {
        if (errno != ENOENT && errno != ESRCH)
            deny(pass);
        return;
    }
    int64_t last_dev = 0;
    int64_t last_inode = 0; /* a file is mapped in several pieces, one behind the other */
    for (const char *line = pass->text.data; *line != '\0';) {
        int64_t dev;
        int64_t inode;
        if (parse_mapping(line, &dev, &inode) && (dev != last_dev || inode != last_inode)) {
            see_all(pass, dev, inode, MAPPED);
            see_all(pass, IA_HOLDER_ANY_DEVICE, inode, MAPPED);
            last_dev = dev;
            last_inode = inode;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

/* -- Mounts that only some processes see --------------------------------------------------------------------------- */

/* Of block devices: which mounts there are differs from one mount namespace to another. */
static void look_at_mounts(struct pass *pass)
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

/* -- The pass ------------------------------------------------------------------------------------------------------ */

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

static void report(struct pass *pass)
{
    static const char *const words[] = {
        [MAPPED] = "mapped", [READS] = "open for reading", [WRITES] = "open for writing"};
    char name[32];
    if (pass->seen.len > 0)
        ia_holders_process_name(pass->proc, pass->pid, name, sizeof(name));
    for (size_t i = 0; i < pass->seen.len; i++)
        ia_holders_hold_file(pass->holders, pass->seen.items[i].file, pass->pid, "%s by %s (pid %jd)",
                             words[pass->seen.items[i].how], name, (intmax_t)pass->pid);
}

static void look_at_process(struct pass *pass)
{
    snprintf(pass->place, sizeof(pass->place), "%.32s/%jd", pass->proc, (intmax_t)pass->pid);
    pass->seen.len = 0;
    if (has_no_files(pass))
        return;
    look_at_descriptors(pass, "fd");
    look_at_threads(pass);
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

static void report_denied(struct pass *pass)
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
    struct pass pass = {.holders = holders, .proc = proc};
    int64_t own = own_pid(proc);
    AUTO_DIR DIR *dir = opendir(proc);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        pass.pid = is_number(entry->d_name) ? strtoll(entry->d_name, NULL, 10) : own;
        if (pass.pid != own)
            look_at_process(&pass);
    }
    report_denied(&pass);
    ia_buf_release(&pass.text);
    ia_vec_release(&pass.seen);
    ia_vec_release(&pass.mount_namespaces);
}
