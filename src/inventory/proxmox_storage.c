/* SPDX-License-Identifier: MIT */
/* Storages of Proxmox VE, and where their volumes are: what /etc/pve/storage.cfg has (pve-storage(5), and
 * parse_volname, filesystem_path and path of the plug-ins in PVE/Storage). */
#include "inventory/proxmox.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* -- Lines --------------------------------------------------------------------------------------------------------- */

char *px_next_line(char **at, char *end, bool *has_nul)
{
    char *line = *at;
    if (line >= end)
        return NULL;
    char *stop = memchr(line, '\n', (size_t)(end - line));
    if (stop == NULL)
        stop = end;
    *at = stop + 1;
    *stop = '\0';
    *has_nul |= memchr(line, '\0', (size_t)(stop - line)) != NULL;
    for (size_t len = strlen(line); len > 0 && isspace((unsigned char)line[len - 1]); len--)
        line[len - 1] = '\0';
    return line;
}

char *px_next_word(char **at, const char *separators)
{
    char *word = *at + strspn(*at, separators);
    if (*word == '\0')
        return NULL;
    size_t len = strcspn(word, separators);
    *at = word[len] == '\0' ? word + len : word + len + 1;
    word[len] = '\0';
    return word;
}

bool px_list_has(const char *list, const char *word)
{
    static const char separators[] = " \t,;";
    size_t wanted = strlen(word);
    for (size_t len = 0; *list != '\0'; list += len) {
        list += strspn(list, separators);
        len = strcspn(list, separators);
        if (len == wanted && memcmp(list, word, len) == 0)
            return true;
    }
    return false;
}

/* -- storage.cfg --------------------------------------------------------------------------------------------------- */

enum kind {
    OF_FILES,
    OF_FILES_IN_MNT, /* the same, and its path is /mnt/pve/ID where none is given */
    OF_BTRFS,        /* of files and, for what is raw, of directories with one */
    OF_LVM,
    OF_LVM_THIN,
    OF_ZFS,
    OF_OTHERS, /* their volumes are no files of this host */
    UNKNOWN
};

static const struct type {
    const char *name;
    enum kind kind;
    bool is_shared;
} types[] = {
    {"dir", OF_FILES, false},
    {"nfs", OF_FILES_IN_MNT, true},
    {"cifs", OF_FILES_IN_MNT, true},
    {"cephfs", OF_FILES_IN_MNT, true},
    {"glusterfs", OF_FILES_IN_MNT, true},
    {"btrfs", OF_BTRFS, false},
    {"lvm", OF_LVM, false},
    {"lvmthin", OF_LVM_THIN, false},
    {"zfspool", OF_ZFS, false},
    {"zfs", OF_OTHERS, true},
    {"rbd", OF_OTHERS, true},
    {"iscsi", OF_OTHERS, true},
    {"iscsidirect", OF_OTHERS, true},
    {"pbs", OF_OTHERS, true},
    {"esxi", OF_OTHERS, false},
    {"drbd", OF_OTHERS, true},
    {"sheepdog", OF_OTHERS, true},
    {"nexenta", OF_OTHERS, true},
};

static const struct type *type_of(const struct px_storage *storage)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].name, storage->type) == 0)
            return &types[i];
    return NULL;
}

/* A plug-in of somebody else with a path keeps files below that as others do. */
static enum kind kind_of(const struct px_storage *storage)
{
    const struct type *type = type_of(storage);
    if (type != NULL)
        return type->kind;
    return storage->path != NULL ? OF_FILES : UNKNOWN;
}

static bool is_true(const char *value)
{
    static const char *const words[] = {"1", "on", "yes", "true"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    return false;
}

static void set(struct px_storage *storage, const char *key, const char *value)
{
    const struct {
        const char *key;
        const char **text;
    } texts[] = {
        {"path", &storage->path},
        {"vgname", &storage->vgname},
        {"pool", &storage->pool},
        {"nodes", &storage->nodes},
        {"mountpoint", &storage->mountpoint},
        {"content", &storage->content},
        {"content-dirs", &storage->content_dirs},
    };
    const struct {
        const char *key;
        bool *flag;
    } flags[] = {
        {"shared", &storage->is_shared},
        {"disable", &storage->is_disabled},
        {"snapshot-as-volume-chain", &storage->has_chains},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(texts[i].key, key) == 0)
            *texts[i].text = value;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(flags[i].key, key) == 0)
            *flags[i].flag = value[0] == '\0' || is_true(value); /* a word alone is set */
}

/* "TYPE: ID". */
static bool read_header(char *line, struct px_storage *out)
{
    size_t len = strcspn(line, ": \t");
    char *id = line + len + 1;
    if (len == 0 || line[len] != ':')
        return false;
    id += strspn(id, " \t");
    if (id[0] == '\0' || strpbrk(id, " \t") != NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        line[i] = (char)tolower((unsigned char)line[i]);
    line[len] = '\0';
    *out = (struct px_storage){.id = id, .type = line};
    return true;
}

static void read_property(struct px_storage *storage, char *line)
{
    char *key = line + strspn(line, " \t");
    size_t len = strcspn(key, " \t");
    char *value = key + len;
    value += strspn(value, " \t");
    key[len] = '\0';
    set(storage, key, value);
}

static int by_id(const void *left, const void *right)
{
    const struct px_storage *a = left;
    const struct px_storage *b = right;
    int order = strcmp(a->id, b->id);
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

/* The storage `local` is a directory of each node, whatever the file has. */
static void add_local(struct ia_inventory *inventory, struct px_storages *storages)
{
    struct px_storage *local = NULL;
    for (size_t i = 0; i < storages->all.len; i++)
        if (strcmp(storages->all.items[i].id, "local") == 0)
            local = &storages->all.items[i];
    bool is_good = local != NULL && strcmp(local->type, "dir") == 0 &&
                   (local->path == NULL || strcmp(local->path, "/var/lib/vz") == 0);
    struct px_storage made = {.id = "local", .type = "dir", .number = storages->all.len};
    if (!is_good && !ia_vec_push(&storages->all, made)) {
        inventory->failed = true;
        return;
    }
    if (!is_good)
        local = &storages->all.items[storages->all.len - 1];
    local->path = "/var/lib/vz";
    local->nodes = NULL;
}

/* It has what its kind needs. */
static bool has_place(const struct px_storage *storage)
{
    switch (kind_of(storage)) {
    case OF_FILES:
    case OF_BTRFS:
        return storage->path != NULL && storage->path[0] == '/';
    case OF_FILES_IN_MNT:
        return storage->path == NULL || storage->path[0] == '/';
    case OF_LVM:
    case OF_LVM_THIN:
        return storage->vgname != NULL;
    case OF_ZFS:
        return storage->pool != NULL;
    default:
        return true;
    }
}

static void check(struct ia_inventory *inventory, const char *path, const struct px_storage *storage)
{
    if (!has_place(storage))
        ia_inventory_add_problem(inventory, path, "storage '%s' (%s) has no place", storage->id, storage->type);
}

static void read_line(struct ia_inventory *inventory, const char *path, struct px_storages *storages, char *line,
                      size_t number)
{
    struct px_storage made;
    const char *first = line + strspn(line, " \t");
    if (*first == '\0' || *first == '#')
        return;
    if (first != line && storages->all.len > 0) {
        read_property(&storages->all.items[storages->all.len - 1], line);
    } else if (first == line && read_header(line, &made)) {
        made.number = storages->all.len;
        inventory->failed |= !ia_vec_push(&storages->all, made);
    } else {
        ia_inventory_add_problem(inventory, path, "line %zu is not understood", number);
    }
}

void px_storages_parse(struct ia_inventory *inventory, const char *path, char *text, size_t len,
                       struct px_storages *out)
{
    bool has_nul = false;
    char *line;
    size_t number = 0;
    for (char *at = text; (line = px_next_line(&at, text + len, &has_nul)) != NULL;)
        read_line(inventory, path, out, line, ++number);
    if (has_nul)
        ia_inventory_add_problem(inventory, path, "there are NUL bytes in it");
    add_local(inventory, out);
    for (size_t i = 0; i < out->all.len; i++) {
        struct px_storage *storage = &out->all.items[i];
        const struct type *type = type_of(storage);
        storage->is_shared |= type != NULL && type->is_shared;
        check(inventory, path, storage);
    }
    if (out->all.len > 1)
        qsort(out->all.items, out->all.len, sizeof(out->all.items[0]), by_id);
}

void px_storages_release(struct px_storages *storages)
{
    ia_vec_release(&storages->all);
}

/* The last of that id: what is written later counts. */
const struct px_storage *px_storages_find(const struct px_storages *storages, const char *id)
{
    size_t low = 0;
    for (size_t high = storages->all.len; low < high;) { /* ends: each round halves what is left */
        size_t middle = low + (high - low) / 2;
        if (strcmp(storages->all.items[middle].id, id) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_known = low > 0 && strcmp(storages->all.items[low - 1].id, id) == 0;
    return is_known ? &storages->all.items[low - 1] : NULL;
}

bool px_storage_is_here(const struct px_storages *storages, const struct px_storage *storage)
{
    return storage->nodes == NULL || storage->nodes[0] == '\0' || storages->node == NULL ||
           px_list_has(storage->nodes, storages->node);
}

bool px_storage_has_files(const struct px_storage *storage)
{
    enum kind kind = kind_of(storage);
    return kind == OF_FILES || kind == OF_FILES_IN_MNT || kind == OF_BTRFS;
}

/* -- Volumes ------------------------------------------------------------------------------------------------------- */

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
    bool is_in_directory = kind_of(storage) == OF_BTRFS && strcmp(format, "raw") == 0;
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
static void locate_device(const struct px_storage *storage, enum kind kind, const char *name, const char *snapshot,
                          struct px_volume *out)
{
    const char *slash = kind == OF_ZFS ? strrchr(name, '/') : NULL;
    const char *last = slash != NULL ? slash + 1 : name;
    const char *dot = strrchr(last, '.');
    bool is_qcow2 = kind == OF_LVM && dot != NULL && strcmp(dot, ".qcow2") == 0;
    bool is_directory = strncmp(last, "subvol-", 7) == 0 || strncmp(last, "basevol-", 8) == 0;
    if (strpbrk(last, "/ \t") != NULL ||
        (strncmp(last, "vm-", 3) != 0 && strncmp(last, "base-", 5) != 0 && !(kind == OF_ZFS && is_directory)))
        return;
    out->place = is_directory ? PX_DIRECTORY : PX_DEVICE;
    out->format = is_qcow2 ? "qcow2" : "raw";
    if (kind == OF_ZFS)
        ia_buf_addf(&out->path, "/dev/zvol/%s/%s", storage->pool, last);
    else if (snapshot != NULL && is_qcow2)
        ia_buf_addf(&out->path, "/dev/%s/snap_%.*s_%s.qcow2", storage->vgname, (int)(dot - last), last, snapshot);
    else if (snapshot != NULL && kind == OF_LVM_THIN)
        ia_buf_addf(&out->path, "/dev/%s/snap_%s_%s", storage->vgname, last, snapshot);
    else
        ia_buf_addf(&out->path, "/dev/%s/%s", storage->vgname, last);
}

void px_storage_locate(const struct px_storage *storage, const char *name, const char *snapshot, struct px_volume *out)
{
    enum kind kind = kind_of(storage);
    *out = (struct px_volume){.place = PX_NOWHERE};
    if (kind == UNKNOWN)
        return;
    if (kind == OF_OTHERS || !has_place(storage)) /* the latter is a problem of storage.cfg */
        out->place = PX_ELSEWHERE;
    else if (kind == OF_LVM || kind == OF_LVM_THIN || kind == OF_ZFS)
        locate_device(storage, kind, name, snapshot, out);
    else if (!locate_other(storage, name, out))
        locate_image(storage, name, snapshot, out);
}
