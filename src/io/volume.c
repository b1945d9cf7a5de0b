/* SPDX-License-Identifier: MIT */
/* Asking the host about a file system. */
#include "io/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "io/volume_kind.h"

/* FS_IOC_GETFSUUID of Linux 6.9, which headers of older ones lack. */
struct uuid_argument {
    uint8_t len;
    uint8_t uuid[16];
};
#define GET_UUID _IOR(0x15, 0, struct uuid_argument)

enum { UUID_TEXT = 256 };

void ia_volume_release(struct ia_volume *volume)
{
    free(volume->mount);
    free(volume->type);
    free(volume->identity);
    *volume = (struct ia_volume){0};
}

static bool uuid_of_kernel(int fd, uint32_t magic, char out[UUID_TEXT])
{
    struct uuid_argument argument = {0};
    if (!ia_volume_keeps_uuid(magic) || ioctl(fd, GET_UUID, &argument) != 0 || argument.len != sizeof(argument.uuid))
        return false;
    size_t len = 0;
    for (size_t i = 0; i < sizeof(argument.uuid); i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        len += (size_t)snprintf(out + len, UUID_TEXT - len, "%s%02x", dash ? "-" : "", argument.uuid[i]);
    }
    return true;
}

/* Before Linux 6.9: udev has a link to each block device, named by the UUID of what is on it. */
static bool uuid_of_udev(uint64_t dev, char out[UUID_TEXT])
{
    DIR *links = major(dev) == 0 ? NULL : opendir("/dev/disk/by-uuid");
    if (links == NULL)
        return false;
    struct dirent *entry;
    bool found = false;
    while (!found && (entry = readdir(links)) != NULL) {
        struct stat st;
        found = fstatat(dirfd(links), entry->d_name, &st, 0) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == dev;
        if (found)
            snprintf(out, UUID_TEXT, "%s", entry->d_name);
    }
    closedir(links);
    return found;
}

/* The identifier that an NFS server gives the file system: "v4 0a000001  801 0:47  5f3a1:0  no" in the list of the
 * kernel's client (fs/nfs/client.c, nfs_volume_list_show), the fourth word st_dev. */
static void find_nfs_fsid(uint64_t dev, char out[UUID_TEXT])
{
    char line[512];
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "%u:%u", major(dev), minor(dev));
    FILE *list = fopen("/proc/fs/nfsfs/volumes", "re");
    while (list != NULL && fgets(line, sizeof(line), list) != NULL) {
        char device[64];
        char fsid[64];
        if (sscanf(line, "%*s %*s %*s %63s %63s", device, fsid) == 2 && strcmp(device, wanted) == 0)
            snprintf(out, UUID_TEXT, "%s", fsid);
    }
    if (list != NULL)
        fclose(list);
}

/* Where the kernel does not number mounts (before Linux 5.8), and for a file that has another mount on top, by path. */
static const struct ia_mount *mount_of(int fd, const char *path, const struct ia_mounts *mounts)
{
    struct statx st;
    const struct ia_mount *found = NULL;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) == 0 && (st.stx_mask & STATX_MNT_ID) != 0)
        found = ia_mounts_by_id(mounts, st.stx_mnt_id);
    return found != NULL ? found : ia_mounts_by_path(mounts, path);
}

static int64_t bytes_of(uint64_t blocks, const struct statfs *fs)
{
    int64_t unit = fs->f_frsize > 0 ? (int64_t)fs->f_frsize : (int64_t)fs->f_bsize;
    int64_t bytes;
    return blocks <= INT64_MAX && ia_mul((int64_t)blocks, unit, &bytes) ? bytes : -1;
}

static enum ia_status fill(const struct ia_volume_facts *facts, const char *mount, struct ia_volume *out,
                           struct ia_error *err)
{
    struct ia_buf identity = {0};
    ia_volume_identify(facts, &identity);
    *out = (struct ia_volume){
        .dev = (int64_t)facts->dev,
        .mount = strdup(mount),
        .type = strdup(facts->type),
        .identity = ia_buf_steal(&identity),
        .is_shared = ia_volume_is_shared(facts),
        .size = -1,
        .free = -1,
    };
    if (out->mount != NULL && out->type != NULL && out->identity != NULL)
        return IA_OK;
    ia_volume_release(out);
    return ia_no_memory(err);
}

enum ia_status ia_volume_unknown(int64_t dev, struct ia_volume *out, struct ia_error *err)
{
    const struct ia_volume_facts facts = {.dev = (uint64_t)dev, .type = "", .source = "", .uuid = "", .nfs_fsid = ""};
    return fill(&facts, "", out, err);
}

enum ia_status ia_volume_of(int fd, const char *path, const struct ia_mounts *mounts, struct ia_volume *out,
                            struct ia_error *err)
{
    struct stat st;
    struct statfs fs = {0};
    char uuid[UUID_TEXT] = "";
    char nfs_fsid[UUID_TEXT] = "";
    if (fstat(fd, &st) != 0)
        return ia_fail_errno(err, errno, "cannot stat '%s'", path);
    bool is_asked = fstatfs(fd, &fs) == 0;
    const struct ia_mount *mount = mount_of(fd, path, mounts);
    struct ia_volume_facts facts = {
        .dev = st.st_dev,
        .magic = (uint32_t)fs.f_type,
        .type = mount == NULL ? "" : mount->type,
        .source = mount == NULL ? "" : mount->source,
        .uuid = uuid,
        .nfs_fsid = nfs_fsid,
    };
    memcpy(&facts.fsid, &fs.f_fsid, sizeof(facts.fsid));
    if (!uuid_of_kernel(fd, facts.magic, uuid))
        uuid_of_udev(st.st_dev, uuid);
    if (strncmp(facts.type, "nfs", 3) == 0)
        find_nfs_fsid(st.st_dev, nfs_fsid);
    IA_TRY(fill(&facts, mount == NULL ? "" : mount->point, out, err));
    if (is_asked) {
        out->size = bytes_of(fs.f_blocks, &fs);
        out->free = bytes_of(fs.f_bavail, &fs);
    }
    return IA_OK;
}

enum ia_status ia_volume_of_path(const char *path, const struct ia_mounts *mounts, struct ia_volume *out,
                                 struct ia_error *err)
{
    IA_AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return ia_fail_errno(err, errno, "cannot open '%s'", path);
    return ia_volume_of(fd, path, mounts, out, err);
}

bool ia_volume_birth(int fd, const char *path, int64_t *dev, int64_t *inode, int64_t *birth_ns)
{
    struct statx st;
    int flags = path[0] == '\0' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
    if (statx(fd, path, flags, STATX_INO | STATX_BTIME, &st) != 0)
        return false;
    *dev = (int64_t)makedev(st.stx_dev_major, st.stx_dev_minor);
    *inode = (int64_t)st.stx_ino;
    bool is_kept =
        (st.stx_mask & STATX_BTIME) != 0 && st.stx_btime.tv_sec >= 0 && st.stx_btime.tv_sec < INT64_MAX / 1000000000;
    *birth_ns = is_kept ? (int64_t)st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec : -1;
    return true;
}
