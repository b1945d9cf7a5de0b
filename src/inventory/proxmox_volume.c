/* SPDX-License-Identifier: MIT */
/* Where volumes of Proxmox VE are: parse_volname, filesystem_path and path of the plug-ins in PVE/Storage. */
#include "inventory/proxmox.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"

/* The directory of one sort of contents, which content-dirs may put elsewhere: "images=disks,iso=media". */
static void add_directory(const struct px_storage *storage, const char *sort, const char *usual, struct ia_buf *out)
{
    size_t len = strlen(sort);
    const char *dirs = storage->content_dirs;
    if (storage->path != NULL)
        ia_buf_addf(out, "%s/", storage->path);
    else
        ia_buf_addf(out, "/mnt/pve/%s/", storage->id);
    for (; dirs != NULL && *dirs != '\0'; dirs += strcspn(dirs, " \t,;")) {
        dirs += strspn(dirs, " \t,;");
        if (strncmp(dirs, sort, len) == 0 && dirs[len] == '=') {
            dirs += len + 1;
            ia_buf_add(out, dirs, strcspn(dirs, " \t,;"));
            return;
        }
    }
    ia_buf_add_str(out, usual);
}

void px_storage_add_pool(struct ia_inventory *inventory, const struct px_storage *storage, const char *defined_in)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    const char *content = storage->content;
    if (content != NULL && !px_list_has(content, "images") && !px_list_has(content, "rootdir"))
        return;
    if (!px_storage_has_place(storage)) /* a problem already */
        return;
    add_directory(storage, "images", "images", &path);
    inventory->failed |= path.failed;
    if (!path.failed)
        ia_inventory_add_pool(inventory, storage->id, path.data, defined_in);
}

static bool is_number(const char *text, size_t len)
{
    size_t digits = 0;
    while (digits < len && isdigit((unsigned char)text[digits]))
        digits++;
    return len > 0 && digits == len;
}

/* The format that the name of an image has at its end; NULL: it is no such name. */
static const char *format_of(const char *name)
{
    static const char *const formats[] = {"raw", "qcow2", "vmdk", "subvol"};
    const char *dot = strrchr(name, '.');
    if (dot == NULL || dot == name || strpbrk(name, "/ \t") != NULL)
        return NULL;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(dot + 1, formats[i]) == 0)
            return formats[i];
    return NULL;
}

/* "VMID/NAME", or of a linked clone "VMID of base/NAME of base/VMID/NAME": what matters is at the end. */
static const char *own_part(const char *name)
{
    const char *slashes[4] = {NULL};
    size_t count = 0;
    for (const char *at = name; (at = strchr(at, '/')) != NULL && count < 4; at++)
        slashes[count++] = at;
    if (count != 1 && count != 3)
        return NULL;
    const char *own = count == 1 ? name : slashes[1] + 1;
    bool is_good = is_number(name, (size_t)(slashes[0] - name)) && is_number(own, (size_t)(slashes[count - 1] - own));
    return is_good ? own : NULL;
}

static void locate_image(const struct px_storage *storage, const char *name, const char *snapshot,
                         struct px_volume *out)
{
    const char *own = own_part(name);
    const char *last = own != NULL ? strchr(own, '/') + 1 : NULL;
    const char *format = last != NULL ? format_of(last) : NULL;
    if (format == NULL)
        return;
    bool is_in_directory = px_storage_kind(storage) == PX_BTRFS && strcmp(format, "raw") == 0;
    bool is_in_chain = storage->has_chains && strcmp(format, "qcow2") == 0;
    add_directory(storage, "images", "images", &out->path);
    ia_buf_addf(&out->path, "/%.*s/", (int)(last - own - 1), own);
    if (is_in_directory)
        ia_buf_addf(&out->path, "%.*s%s%s/disk.raw", (int)(strrchr(last, '.') - last), last,
                    snapshot != NULL ? "@" : "", snapshot != NULL ? snapshot : "");
    else if (is_in_chain && snapshot != NULL)
        ia_buf_addf(&out->path, "snap-%s-%s", snapshot, last);
    else
        ia_buf_add_str(&out->path, last);
    out->place = strcmp(format, "subvol") == 0 ? PX_DIRECTORY : PX_FILE;
    out->format = out->place == PX_FILE ? format : NULL;
}

/* What is no guest's own: media, and what guests are made of. */
static bool locate_other(const struct px_storage *storage, const char *name, struct px_volume *out)
{
    static const struct {
        const char *sort, *usual;
    } sorts[] = {{"iso", "template/iso"},
                 {"vztmpl", "template/cache"},
                 {"backup", "dump"},
                 {"snippets", "snippets"},
                 {"import", "import"}};
    for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
        size_t len = strlen(sorts[i].sort);
        if (strncmp(name, sorts[i].sort, len) != 0 || name[len] != '/')
            continue;
        const char *file = name + len + 1;
        size_t end = strcspn(file, "/"); /* what follows is inside an archive */
        if (end == 0 || (end <= 2 && strspn(file, ".") >= end))
            return true;
        add_directory(storage, sorts[i].sort, sorts[i].usual, &out->path);
        ia_buf_addf(&out->path, "/%.*s", (int)end, file);
        out->place = PX_FILE;
        return true;
    }
    return false;
}

/* A logical volume, or one of ZFS; the name of a linked clone may have that of its base before it. */
static void locate_device(const struct px_storage *storage, enum px_kind kind, const char *name, const char *snapshot,
                          struct px_volume *out)
{
    const char *slash = kind == PX_ZFS ? strrchr(name, '/') : NULL;
    const char *last = slash != NULL ? slash + 1 : name;
    const char *dot = strrchr(last, '.');
    bool is_qcow2 = kind == PX_LVM && dot != NULL && strcmp(dot, ".qcow2") == 0;
    bool is_directory = strncmp(last, "subvol-", 7) == 0 || strncmp(last, "basevol-", 8) == 0;
    if (strpbrk(last, "/ \t") != NULL ||
        (strncmp(last, "vm-", 3) != 0 && strncmp(last, "base-", 5) != 0 && !(kind == PX_ZFS && is_directory)))
        return;
    out->place = is_directory ? PX_DIRECTORY : PX_DEVICE;
    out->format = is_qcow2 ? "qcow2" : "raw";
    if (kind == PX_ZFS)
        ia_buf_addf(&out->path, "/dev/zvol/%s/%s", storage->pool, last);
    else if (snapshot != NULL && is_qcow2)
        ia_buf_addf(&out->path, "/dev/%s/snap_%.*s_%s.qcow2", storage->vgname, (int)(dot - last), last, snapshot);
    else if (snapshot != NULL && kind == PX_LVM_THIN)
        ia_buf_addf(&out->path, "/dev/%s/snap_%s_%s", storage->vgname, last, snapshot);
    else
        ia_buf_addf(&out->path, "/dev/%s/%s", storage->vgname, last);
}

void px_storage_locate(const struct px_storage *storage, const char *name, const char *snapshot, struct px_volume *out)
{
    enum px_kind kind = px_storage_kind(storage);
    *out = (struct px_volume){.place = PX_NOWHERE};
    if (kind == PX_UNKNOWN)
        return;
    if (kind == PX_OTHERS || !px_storage_has_place(storage)) /* the latter is a problem of storage.cfg */
        out->place = PX_ELSEWHERE;
    else if (kind == PX_LVM || kind == PX_LVM_THIN || kind == PX_ZFS)
        locate_device(storage, kind, name, snapshot, out);
    else if (!locate_other(storage, name, out))
        locate_image(storage, name, snapshot, out);
}
