/* SPDX-License-Identifier: MIT */
/* The open files of a process. A file is known by what stat has of it through /proc/PID/fd, so that names, mount
 * namespaces and chroots do not matter. */
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

#include "scan/holders/pass.h"

/* By its flags in fdinfo; for writing where they are not to be had. */
static enum ia_hold how_open(struct ia_pass *pass, const char *folder, const char *name)
{
    char path[192];
    snprintf(path, sizeof(path), "%s/%.64sinfo/%.20s", pass->place, folder, name);
    const char *flags = ia_host_text(path, &pass->text) ? strstr(pass->text.data, "flags:") : NULL;
    unsigned long mode = flags == NULL ? O_RDWR : strtoul(flags + strlen("flags:"), NULL, 8);
    return (mode & O_ACCMODE) == O_RDONLY ? IA_HOLD_READS : IA_HOLD_WRITES;
}

/* The link itself may be read: what it leads to lies on a file system (FUSE) that lets in its owner alone, and not us.
 */
static bool is_of_closed_file_system(int fd, const char *name)
{
    char target[2];
    return readlinkat(fd, name, target, sizeof(target)) > 0;
}

static void look_at_open_file(struct ia_pass *pass, int64_t dev, int64_t inode, const char *folder, const char *name)
{
    size_t count;
    if (ia_holders_match(pass->holders, dev, inode, &count) != NULL)
        ia_pass_see(pass, dev, inode, how_open(pass, folder, name));
}

static void look_at_descriptor(struct ia_pass *pass, int fd, const char *folder, const char *name)
{
    struct statx stx;
    if (statx(fd, name, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &stx) != 0) {
        if ((errno == EACCES || errno == EPERM) && !is_of_closed_file_system(fd, name))
            ia_pass_deny(pass);
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
static void look_at_descriptors(struct ia_pass *pass, const char *folder)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", pass->place, folder);
    IA_AUTO_DIR DIR *dir = opendir(path);
    if (dir == NULL) {
        if (errno != ENOENT && errno != ESRCH)
            ia_pass_deny(pass);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (ia_pass_is_number(entry->d_name))
            look_at_descriptor(pass, dirfd(dir), folder, entry->d_name);
}

/* Threads share their open files as a rule; one that does not, and those that outlive the first thread, are looked at
 * by themselves. */
static bool has_files_of(int64_t pid, int64_t thread)
{
    return syscall(SYS_kcmp, (pid_t)pid, (pid_t)thread, KCMP_FILES, 0UL, 0UL) == 0;
}

/* procfs counts the threads as links of their directory, besides its own two. */
static bool has_one_thread(const struct ia_pass *pass)
{
    char path[96];
    struct stat st;
    snprintf(path, sizeof(path), "%s/task", pass->place);
    return stat(path, &st) == 0 && st.st_nlink == 3;
}

/* Of kernel threads there is no program. Whether its link may be read is decided as for those of open files: the host's
 * init may have thousands, none of which is for us. */
bool ia_pass_has_no_files(struct ia_pass *pass)
{
    char path[96];
    char target[2];
    snprintf(path, sizeof(path), "%s/exe", pass->place);
    if (readlink(path, target, sizeof(target)) >= 0)
        return false;
    if (errno == ENOENT)
        return has_one_thread(pass);
    bool is_denied = errno == EACCES || errno == EPERM;
    if (is_denied)
        ia_pass_deny(pass);
    return is_denied;
}

static void look_at_threads(struct ia_pass *pass)
{
    char path[96];
    if (has_one_thread(pass))
        return;
    snprintf(path, sizeof(path), "%s/task", pass->place);
    IA_AUTO_DIR DIR *dir = opendir(path);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        int64_t thread = ia_pass_is_number(entry->d_name) ? strtoll(entry->d_name, NULL, 10) : pass->pid;
        if (thread == pass->pid || has_files_of(pass->pid, thread))
            continue;
        snprintf(path, sizeof(path), "task/%jd/fd", (intmax_t)thread);
        look_at_descriptors(pass, path);
    }
}

void ia_pass_of_files(struct ia_pass *pass)
{
    look_at_descriptors(pass, "fd");
    look_at_threads(pass);
}
