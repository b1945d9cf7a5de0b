/* SPDX-License-Identifier: MIT */
/* The configuration of one guest of Proxmox VE: qm.conf(5), pct.conf(5), parse_vm_config in PVE/QemuServer.pm,
 * parse_pct_config in PVE/LXC/Config.pm. */
#include "inventory/proxmox_guest.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"

/* -- Values -------------------------------------------------------------------------------------------------------- */

static bool is_set(const char *value)
{
    return strcmp(value, "1") == 0 || strcasecmp(value, "on") == 0 || strcasecmp(value, "yes") == 0 ||
           strcasecmp(value, "true") == 0;
}

/* "VOLUME,media=cdrom,size=32G": what has no key is the volume, wherever it is. */
static void read_drive(struct px_guest *guest, const char *key, char *value)
{
    struct px_drive drive = {.key = key, .is_cdrom = strcmp(key, "cdrom") == 0};
    char *volume = NULL;
    for (char *word; (word = px_next_word(&value, ",")) != NULL;) {
        char *equals = strchr(word, '=');
        const char *set = equals != NULL ? equals + 1 : "";
        if (equals != NULL)
            *equals = '\0';
        if (equals == NULL || strcmp(word, "file") == 0 || strcmp(word, "volume") == 0)
            volume = equals == NULL ? word : equals + 1;
        else if (strcmp(word, "media") == 0)
            drive.is_cdrom = strcmp(set, "cdrom") == 0;
        else if (strcmp(word, "format") == 0)
            drive.format = set;
        else if (strcmp(word, "snapshot") == 0)
            drive.is_transient = is_set(set);
        else if (strcmp(word, "ro") == 0)
            drive.is_read_only = is_set(set);
    }
    if (volume == NULL || volume[0] == '\0')
        px_guest_problem(guest, "names no volume", key);
    else
        px_guest_claim_drive(guest, volume, &drive);
}

/* A value of which nothing is known, but that a storage may be named in it. */
static void read_other(struct px_guest *guest, char *value)
{
    for (char *word; (word = px_next_word(&value, " \t,;")) != NULL;) {
        char *equals = strchr(word, '=');
        char *id = equals != NULL ? equals + 1 : word;
        char *colon = strchr(id, ':');
        if (colon == NULL)
            continue;
        *colon = '\0';
        const struct px_storage *storage = px_storages_find(guest->from->storages, id);
        struct px_drive drive = {.volume = id};
        struct px_volume volume;
        if (storage == NULL || !px_guest_shares(guest, storage))
            continue;
        px_storage_locate(storage, colon + 1, NULL, &volume);
        px_guest_claim_volume(guest, &volume, &drive, true);
        ia_buf_release(&volume.path);
    }
}

/* lxc.mount.entry: a line of fstab(5); with "loop" it is a file that is mounted. */
static void read_mount(struct px_guest *guest, char *value)
{
    struct px_drive drive = {.key = "lxc.mount.entry"};
    char *path = px_next_word(&value, " \t");
    if (path != NULL && path[0] == '/' && !guest->from->is_foreign && px_list_has(value, "loop"))
        px_guest_claim(guest, px_guest_role(guest, &drive), path, "raw", false, &drive);
}

/* -- Lines --------------------------------------------------------------------------------------------------------- */

static bool is_one_of(const char *key, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        size_t len = strlen(names[i]);
        if (strncmp(key, names[i], len) == 0 && key[len + strspn(key + len, "0123456789")] == '\0')
            return true;
    }
    return false;
}

static bool is_drive(const struct px_guest *guest, const char *key)
{
    static const char *const of_vms[] = {"ide",     "sata",     "scsi",   "virtio",  "nvme",
                                         "efidisk", "tpmstate", "unused", "vmstate", NULL};
    static const char *const of_containers[] = {"rootfs", "mp", "unused", NULL};
    return is_one_of(key, guest->from->is_container ? of_containers : of_vms);
}

/* A value that a person wrote, or that names no image. */
static bool is_irrelevant(const char *key)
{
    static const char *const names[] = {"name",       "hostname", "description", "tags",
                                        "hookscript", "cicustom", "parent",      NULL};
    return is_one_of(key, names);
}

static void read_section(struct px_guest *guest, char *line)
{
    char *name = line + 1;
    char *end = strchr(name, ']');
    if (end == NULL || end[1] != '\0') {
        px_guest_problem(guest, "is not understood", line);
        return;
    }
    *end = '\0';
    if (strcasecmp(name, guest->from->is_container ? "pve:pending" : "pending") == 0) {
        guest->section = PX_PENDING;
    } else if (strcasecmp(name, "special:cloudinit") == 0 || strcasecmp(name, "special:fleecing") == 0) {
        guest->section = PX_SPECIAL;
    } else if (name[0] == '\0' || strchr(name, ':') != NULL || strchr(name, '/') != NULL) {
        guest->section = PX_SPECIAL;
        px_guest_problem(guest, "is a section that is not understood", name);
    } else {
        guest->section = PX_SNAPSHOT;
        guest->snapshot = name;
    }
}

static void read_value(struct px_guest *guest, const char *key, char *value)
{
    bool is_container = guest->from->is_container;
    bool is_special = guest->section == PX_SPECIAL; /* a key means something else there */
    bool is_cdrom = !is_container && strcmp(key, "cdrom") == 0;
    if (value[0] == '\0' && (is_drive(guest, key) || is_cdrom))
        px_guest_problem(guest, "has no value", key);
    else if (value[0] == '\0' || is_irrelevant(key))
        return;
    else if (!is_special && (is_cdrom || is_drive(guest, key)))
        read_drive(guest, key, value);
    else if (!is_special && !is_container && strcmp(key, "args") == 0)
        px_guest_read_arguments(guest, value);
    else if (!is_special && is_container && strcmp(key, "lxc.mount.entry") == 0)
        read_mount(guest, value);
    else
        read_other(guest, value);
}

/* "KEY: VALUE"; of LXC's own keys "KEY = VALUE", too. The value; NULL: it is no such line. */
static char *cut_key(const struct px_guest *guest, char *line)
{
    size_t len = 0;
    while (isalnum((unsigned char)line[len]) || line[len] == '_' || line[len] == '-' || line[len] == '.')
        len++;
    char *value = line + len;
    bool is_lxc = guest->from->is_container && strncmp(line, "lxc.", 4) == 0;
    if (is_lxc)
        value += strspn(value, " \t");
    if (len == 0 || (*value != ':' && !(is_lxc && *value == '=')))
        return NULL;
    value++;
    line[len] = '\0';
    return value + strspn(value, " \t");
}

static void read_line(struct px_guest *guest, char *line)
{
    if (line[strspn(line, " \t")] == '\0' || line[0] == '#')
        return;
    if (line[0] == '[') {
        read_section(guest, line);
        return;
    }
    char *value = cut_key(guest, line);
    if (value == NULL)
        px_guest_problem(guest, "is not understood", line);
    else
        read_value(guest, line, value);
}

/* What the machine is, which may follow behind what it uses. The name lies in *name. */
static void look_ahead(struct px_guest *guest, const char *text, size_t len, struct ia_buf *name)
{
    const char *key = guest->from->is_container ? "hostname:" : "name:";
    const char *end = text + len;
    for (const char *line = text, *stop; line < end && line[0] != '['; line = stop + 1) {
        stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL)
            stop = end;
        size_t rest = (size_t)(stop - line);
        if (rest > strlen(key) && memcmp(line, key, strlen(key)) == 0) {
            const char *from = line + strlen(key);
            from += strspn(from, " \t");
            ia_buf_clear(name);
            ia_buf_add(name, from, strcspn(from, " \t\r\n"));
        }
        if (rest > 9 && memcmp(line, "template:", 9) == 0)
            guest->is_template = line[9 + strspn(line + 9, " \t")] == '1';
    }
    guest->from->inventory->failed |= name->failed;
    guest->name = name->len > 0 && !name->failed ? name->data : NULL;
}

void px_guest_parse(const struct px_guest_source *source, char *text, size_t len)
{
    struct px_guest guest = {.from = source};
    IA_AUTO_BUF struct ia_buf name = {0};
    bool has_nul = false;
    char *line;
    look_ahead(&guest, text, len, &name);
    if (!source->is_foreign)
        px_guest_add_machine(&guest);
    for (char *at = text; (line = px_next_line(&at, text + len, &has_nul)) != NULL;) {
        guest.line++;
        read_line(&guest, line);
    }
    if (guest.machine != NULL)
        ia_inventory_merge_claims(source->inventory, guest.machine);
    if (has_nul)
        ia_inventory_add_problem(source->inventory, source->path, "there are NUL bytes in it");
}
