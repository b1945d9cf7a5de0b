/* SPDX-License-Identifier: MIT */
/* The tables of types. Words are those of /proc/filesystems and of mount programs, numbers those of statfs(2). */
#include "io/volume_kind.h"

#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Not in linux/magic.h of every distribution. */
#define GFS2_NUMBER UINT32_C(0x01161970)
#define ZFS_NUMBER UINT32_C(0x2fc12fc1)

static const uint32_t shared_numbers[] = {
    NFS_SUPER_MAGIC,      SMB_SUPER_MAGIC,  UINT32_C(0xff534d42),                       /* CIFS */
    UINT32_C(0xfe534d42),                                                               /* CIFS, SMB 2 and later */
    CEPH_SUPER_MAGIC,     FUSE_SUPER_MAGIC,                                             /* virtiofs too */
    V9FS_MAGIC,           GFS2_NUMBER,      OCFS2_SUPER_MAGIC,    UINT32_C(0x0bd00bd0), /* Lustre */
    UINT32_C(0x47504653),                                                               /* GPFS */
    UINT32_C(0x19830326),                                                               /* BeeGFS */
    UINT32_C(0x20030528),                                                               /* OrangeFS */
    UINT32_C(0xaad7aaea),                                                               /* PanFS */
    UINT32_C(0x61636673),                                                               /* ACFS */
    UINT32_C(0x786f4256),                                                               /* vboxsf */
    AFS_SUPER_MAGIC,      AFS_FS_MAGIC,     CODA_SUPER_MAGIC,     UINT32_C(0x564c),     /* NCP */
};

static const char *const shared_types[] = {
    "9p",     "acfs",  "afs",    "beegfs", "ceph",   "cifs",     "coda",   "fuse",  "gfs",
    "gfs2",   "gpfs",  "lustre", "mfs",    "ncpfs",  "nfs",      "nfs4",   "ocfs2", "panfs",
    "prl_fs", "pvfs2", "smb3",   "smbfs",  "vboxsf", "virtiofs", "vmhgfs",
};

/* FUSE, but of a block device or a file of this host. */
static const char *const local_fuse[] = {"fuse.lxcfs", "fuse.squashfuse", "fuse.squashfuse_ll", "fuseblk"};

/* Those of one host whose st_dev is not that of a block device. */
static const uint32_t local_numbers[] = {
    BTRFS_SUPER_MAGIC, ECRYPTFS_SUPER_MAGIC, HUGETLBFS_MAGIC, OVERLAYFS_SUPER_MAGIC,
    RAMFS_MAGIC,       TMPFS_MAGIC,          ZFS_NUMBER};
static const char *const local_types[] = {"aufs",    "bcachefs", "jffs2", "overlayfs",
                                          "shiftfs", "simfs",    "ubifs", "unionfs"};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool has_word(const char *const *list, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], word) == 0)
            return true;
    return false;
}

static bool has_number(const uint32_t *list, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == number)
            return true;
    return false;
}

bool ia_volume_is_shared(const struct ia_volume_facts *facts)
{
    if (has_word(local_fuse, COUNT(local_fuse), facts->type))
        return false;
    if (has_number(shared_numbers, COUNT(shared_numbers), facts->magic) ||
        has_word(shared_types, COUNT(shared_types), facts->type) || strncmp(facts->type, "fuse.", 5) == 0)
        return true;
    return major(facts->dev) == 0 && !has_number(local_numbers, COUNT(local_numbers), facts->magic) &&
           !has_word(local_types, COUNT(local_types), facts->type);
}

/* Not tmpfs and overlayfs, whose UUID is made for each mount. */
bool ia_volume_keeps_uuid(uint32_t magic)
{
    return magic == EXT4_SUPER_MAGIC || magic == XFS_SUPER_MAGIC || magic == F2FS_SUPER_MAGIC || magic == GFS2_NUMBER ||
           magic == OCFS2_SUPER_MAGIC;
}

/* f_fsid is made from the file system's own identifier, in btrfs from that and the subvolume's: inode numbers are each
 * subvolume's own. Of XFS, FAT and others it is st_dev. */
static bool keeps_fsid(uint32_t magic)
{
    return magic == EXT4_SUPER_MAGIC || magic == BTRFS_SUPER_MAGIC || magic == CEPH_SUPER_MAGIC || magic == ZFS_NUMBER;
}

/* Others have one source for many file systems ("none"), or numbers of inodes that the next mount does not repeat. */
static bool keeps_source(const struct ia_volume_facts *facts)
{
    static const char *const types[] = {"9p",  "cifs", "fuse.ceph", "fuse.glusterfs", "lustre",
                                        "nfs", "nfs4", "smb3",      "virtiofs"};
    return facts->source[0] != '\0' && strcmp(facts->source, "none") != 0 && has_word(types, COUNT(types), facts->type);
}

/* Two exports of one file system have one identity. */
static void identify_nfs(const struct ia_volume_facts *facts, struct ia_buf *out)
{
    const char *server_end = strstr(facts->source, ":/");
    size_t len = server_end == NULL ? strlen(facts->source) : (size_t)(server_end - facts->source);
    ia_buf_add_str(out, "nfs:");
    ia_buf_add(out, facts->source, len);
    ia_buf_add_char(out, '/');
    ia_buf_add_str(out, facts->nfs_fsid);
}

void ia_volume_identify(const struct ia_volume_facts *facts, struct ia_buf *out)
{
    if (facts->uuid[0] != '\0')
        ia_buf_addf(out, "uuid:%s", facts->uuid);
    else if (keeps_fsid(facts->magic) && facts->fsid != 0)
        ia_buf_addf(out, "fsid:%016" PRIx64, facts->fsid);
    else if (facts->nfs_fsid[0] != '\0' && facts->source[0] != '\0')
        identify_nfs(facts, out);
    else if (keeps_source(facts))
        ia_buf_addf(out, "source:%s", facts->source);
    else
        ia_buf_addf(out, "dev:%u:%u", major(facts->dev), minor(facts->dev));
}
