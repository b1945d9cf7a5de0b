/* SPDX-License-Identifier: MIT */
/* The configuration of one guest of Proxmox VE: qm.conf(5), pct.conf(5), parse_vm_config in PVE/QemuServer.pm,
 * parse_pct_config in PVE/LXC/Config.pm. */
#include "inventory/proxmox.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"

enum section {
    MAIN,
    PENDING, /* what holds after the next start */
    SNAPSHOT,
    SPECIAL /* what Proxmox VE keeps for itself */
};

struct guest {
    const struct px_guest_source *from;
    struct ia_machine *machine; /* NULL: not added yet */
    const char *name;
    bool is_template;
    enum section section;
    const char *snapshot; /* its name */
    size_t line;
};

/* What the value of a drive or of a mount point has. */
struct drive {
    const char *key; /* NULL: it is nothing of the kind */
    const char *volume, *format;
    bool is_cdrom, is_transient, is_read_only;
};

static void problem(const struct guest *guest, const char *what, const char *which)
{
    ia_inventory_add_problem(guest->from->inventory, guest->from->path, "line %zu: '%s' %s", guest->line, which, what);
}

/* -- Claims -------------------------------------------------------------------------------------------------------- */

static void add_machine(struct guest *guest)
{
    const struct px_guest_source *from = guest->from;
    enum ia_machine_kind kind = guest->is_template   ? IA_MACHINE_TEMPLATE
                                : from->is_container ? IA_MACHINE_CONTAINER
                                                     : IA_MACHINE_VM;
    guest->machine =
        ia_inventory_add_machine(from->inventory, kind, guest->name != NULL ? guest->name : from->id, from->path);
    ia_inventory_set_uuid(from->inventory, guest->machine, from->id);
    if (guest->machine != NULL)
        guest->machine->state = from->state;
}

static void add_claim(struct guest *guest, enum ia_claim_role role, const char *path, const char *format,
                      bool is_optional, const struct drive *drive)
{
    if (guest->machine == NULL)
        add_machine(guest);
    struct ia_claim *claim = ia_inventory_add_claim(guest->from->inventory, guest->machine, role, path);
    ia_inventory_set_format(guest->from->inventory, claim, format);
    if (claim == NULL)
        return;
    claim->is_optional = is_optional;
    claim->read_only = drive->is_read_only || drive->is_cdrom || guest->section == SNAPSHOT;
    claim->transient = drive->is_transient;
}

static enum ia_claim_role role_of(const struct guest *guest, const struct drive *drive)
{
    if (drive->is_cdrom)
        return IA_CLAIM_CDROM;
    if (drive->key == NULL)
        return IA_CLAIM_OTHER;
    if (guest->section == SNAPSHOT || strcmp(drive->key, "vmstate") == 0)
        return IA_CLAIM_RESTORE_POINT;
    if (strncmp(drive->key, "unused", 6) == 0)
        return IA_CLAIM_UNUSED;
    if (strncmp(drive->key, "efidisk", 7) == 0 || strncmp(drive->key, "tpmstate", 8) == 0)
        return IA_CLAIM_FIRMWARE;
    return guest->is_template ? IA_CLAIM_TEMPLATE : IA_CLAIM_DISK;
}

static void claim_located(struct guest *guest, const struct px_volume *volume, const struct drive *drive, bool is_guess)
{
    bool has_path = volume->place == PX_FILE || volume->place == PX_DEVICE;
    guest->from->inventory->failed |= volume->path.failed;
    /* Logical volumes are there while they are active alone. */
    if (has_path && !volume->path.failed)
        add_claim(guest, role_of(guest, drive), volume->path.data, volume->format,
                  is_guess || volume->place == PX_DEVICE, drive);
    else if (volume->place == PX_NOWHERE && !is_guess)
        problem(guest, "is no volume of its storage", drive->volume);
}

/* Another node's: on this host is what nodes share. */
static bool concerns_host(const struct guest *guest, const struct px_storage *storage)
{
    return !guest->from->is_foreign || (storage->is_shared && px_storage_is_here(guest->from->storages, storage));
}

static bool is_same_path(const struct px_volume *a, const struct px_volume *b)
{
    return a->path.data != NULL && b->path.data != NULL && strcmp(a->path.data, b->path.data) == 0;
}

/* What a snapshot has of a disk is a state in the disk's own file, or a file of its own. The disk is kept with it. */
static void claim_volume(struct guest *guest, const struct px_storage *storage, const char *name,
                         const struct drive *drive)
{
    struct px_volume own = {.place = PX_ELSEWHERE};
    struct px_volume state = {.place = PX_ELSEWHERE};
    bool has_state = guest->section == SNAPSHOT && !drive->is_cdrom && strcmp(drive->key, "vmstate") != 0;
    if (!concerns_host(guest, storage))
        return;
    px_storage_locate(storage, name, NULL, &own);
    claim_located(guest, &own, drive, false);
    if (has_state && own.place != PX_NOWHERE)
        px_storage_locate(storage, name, guest->snapshot, &state);
    if (!is_same_path(&own, &state))
        claim_located(guest, &state, drive, false);
    ia_buf_release(&own.path);
    ia_buf_release(&state.path);
}

static void claim_id(struct guest *guest, char *id, const struct drive *drive)
{
    char *colon = strchr(id, ':');
    IA_AUTO_BUF struct ia_buf name = {0};
    if (colon == NULL && strchr(id, '/') == NULL && !guest->from->is_container) { /* a name alone is one of `local` */
        ia_buf_addf(&name, "%s/%s", drive->is_cdrom ? "iso" : guest->from->id, id);
        guest->from->inventory->failed |= name.failed;
        const struct px_storage *local = px_storages_find(guest->from->storages, "local");
        if (!name.failed && local != NULL)
            claim_volume(guest, local, name.data, drive);
        return;
    }
    if (colon == NULL || colon == id || colon[1] == '\0') {
        problem(guest, "is no volume", id);
        return;
    }
    *colon = '\0';
    const struct px_storage *storage = px_storages_find(guest->from->storages, id);
    if (storage != NULL)
        claim_volume(guest, storage, colon + 1, drive);
    else if (!drive->is_cdrom) /* installation media go with their storage */
        problem(guest, "is no storage of storage.cfg", id);
}

static void claim_drive(struct guest *guest, char *volume, struct drive *drive)
{
    drive->volume = volume;
    if (strcmp(volume, "none") == 0 || strcmp(volume, "cdrom") == 0)
        return;
    if (volume[0] != '/') {
        claim_id(guest, volume, drive);
        return;
    }
    bool is_device = strncmp(volume, "/dev/", 5) == 0;
    /* What is no device is a directory of the host where it is a container's, which is mounted there. */
    if (!guest->from->is_foreign && (is_device || !guest->from->is_container))
        add_claim(guest, role_of(guest, drive), volume, is_device && drive->format == NULL ? "raw" : drive->format,
                  is_device, drive);
}

/* -- Values -------------------------------------------------------------------------------------------------------- */

static bool is_set(const char *value)
{
    return strcmp(value, "1") == 0 || strcasecmp(value, "on") == 0 || strcasecmp(value, "yes") == 0 ||
           strcasecmp(value, "true") == 0;
}

/* "VOLUME,media=cdrom,size=32G": what has no key is the volume, wherever it is. */
static void read_drive(struct guest *guest, const char *key, char *value)
{
    struct drive drive = {.key = key, .is_cdrom = strcmp(key, "cdrom") == 0};
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
        problem(guest, "names no volume", key);
    else
        claim_drive(guest, volume, &drive);
}

/* A value of which nothing is known, but that a storage may be named in it. */
static void read_other(struct guest *guest, char *value)
{
    for (char *word; (word = px_next_word(&value, " \t,;")) != NULL;) {
        char *equals = strchr(word, '=');
        char *id = equals != NULL ? equals + 1 : word;
        char *colon = strchr(id, ':');
        if (colon == NULL)
            continue;
        *colon = '\0';
        const struct px_storage *storage = px_storages_find(guest->from->storages, id);
        struct drive drive = {.volume = id};
        struct px_volume volume;
        if (storage == NULL || !concerns_host(guest, storage))
            continue;
        px_storage_locate(storage, colon + 1, NULL, &volume);
        claim_located(guest, &volume, &drive, true);
        ia_buf_release(&volume.path);
    }
}

/* The next word as a shell takes it; quotes and backslashes go. */
static char *next_argument(char **at)
{
    char *from = *at + strspn(*at, " \t");
    char *word = from;
    char *to = from;
    char quote = '\0';
    if (*from == '\0')
        return NULL;
    for (; *from != '\0' && (quote != '\0' || (*from != ' ' && *from != '\t')); from++) {
        if (*from == quote)
            quote = '\0';
        else if (quote == '\0' && (*from == '\'' || *from == '"'))
            quote = *from;
        else if (*from == '\\' && quote != '\'' && from[1] != '\0')
            *to++ = *++from;
        else
            *to++ = *from;
    }
    *at = *from == '\0' ? from : from + 1;
    *to = '\0';
    return word;
}

/* QEMU writes a comma in a value as two. */
static void join_commas(char *path)
{
    char *to = path;
    for (const char *from = path; *from != '\0'; from++) {
        *to++ = *from;
        from += from[0] == ',' && from[1] == ',';
    }
    *to = '\0';
}

static size_t path_length(const char *path)
{
    size_t len = 0;
    while (path[len] != '\0' && path[len] != '"' && !(path[len] == ',' && path[len + 1] != ','))
        len += path[len] == ',' ? 2 : 1;
    return len;
}

/* Arguments for QEMU: whatever in them is a path is taken for one. A disk is what a file= or a "filename": is about. */
static void read_argument(struct guest *guest, char *word)
{
    bool is_firmware = strstr(word, "pflash") != NULL;
    struct drive drive = {.key = "args"};
    for (char *path = word; (path = strchr(path, '/')) != NULL;) {
        size_t len = path_length(path);
        char *next = path[len] == '\0' ? path + len : path + len + 1;
        bool begins = path == word || path[-1] == '=' || path[-1] == '"' || path[-1] == ',' || path[-1] == ':';
        bool is_disk = (path - word >= 5 && strncmp(path - 5, "file=", 5) == 0) ||
                       (path - word >= 9 && strncmp(path - 9, "filename=", 9) == 0) || (path > word && path[-1] == '"');
        path[len] = '\0';
        join_commas(path);
        if (begins && path[1] != '\0')
            add_claim(guest,
                      is_firmware ? IA_CLAIM_FIRMWARE
                      : is_disk   ? IA_CLAIM_DISK
                                  : IA_CLAIM_OTHER,
                      path, NULL, true, &drive);
        path = next;
    }
}

static void read_arguments(struct guest *guest, char *value)
{
    for (char *word; !guest->from->is_foreign && (word = next_argument(&value)) != NULL;)
        read_argument(guest, word);
}

/* lxc.mount.entry: a line of fstab(5); with "loop" it is a file that is mounted. */
static void read_mount(struct guest *guest, char *value)
{
    struct drive drive = {.key = "lxc.mount.entry"};
    char *path = px_next_word(&value, " \t");
    if (path != NULL && path[0] == '/' && !guest->from->is_foreign && px_list_has(value, "loop"))
        add_claim(guest, role_of(guest, &drive), path, "raw", false, &drive);
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

static bool is_drive(const struct guest *guest, const char *key)
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

static void read_section(struct guest *guest, char *line)
{
    char *name = line + 1;
    char *end = strchr(name, ']');
    if (end == NULL || end[1] != '\0') {
        problem(guest, "is not understood", line);
        return;
    }
    *end = '\0';
    if (strcasecmp(name, guest->from->is_container ? "pve:pending" : "pending") == 0) {
        guest->section = PENDING;
    } else if (strcasecmp(name, "special:cloudinit") == 0 || strcasecmp(name, "special:fleecing") == 0) {
        guest->section = SPECIAL;
    } else if (name[0] == '\0' || strchr(name, ':') != NULL || strchr(name, '/') != NULL) {
        guest->section = SPECIAL;
        problem(guest, "is a section that is not understood", name);
    } else {
        guest->section = SNAPSHOT;
        guest->snapshot = name;
    }
}

static void read_value(struct guest *guest, const char *key, char *value)
{
    bool is_container = guest->from->is_container;
    bool is_special = guest->section == SPECIAL; /* a key means something else there */
    bool is_cdrom = !is_container && strcmp(key, "cdrom") == 0;
    if (value[0] == '\0' && (is_drive(guest, key) || is_cdrom))
        problem(guest, "has no value", key);
    else if (value[0] == '\0' || is_irrelevant(key))
        return;
    else if (!is_special && (is_cdrom || is_drive(guest, key)))
        read_drive(guest, key, value);
    else if (!is_special && !is_container && strcmp(key, "args") == 0)
        read_arguments(guest, value);
    else if (!is_special && is_container && strcmp(key, "lxc.mount.entry") == 0)
        read_mount(guest, value);
    else
        read_other(guest, value);
}

/* "KEY: VALUE"; of LXC's own keys "KEY = VALUE", too. The value; NULL: it is no such line. */
static char *cut_key(const struct guest *guest, char *line)
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

static void read_line(struct guest *guest, char *line)
{
    if (line[strspn(line, " \t")] == '\0' || line[0] == '#')
        return;
    if (line[0] == '[') {
        read_section(guest, line);
        return;
    }
    char *value = cut_key(guest, line);
    if (value == NULL)
        problem(guest, "is not understood", line);
    else
        read_value(guest, line, value);
}

/* What the machine is, which may follow behind what it uses. The name lies in *name. */
static void look_ahead(struct guest *guest, const char *text, size_t len, struct ia_buf *name)
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
    struct guest guest = {.from = source};
    IA_AUTO_BUF struct ia_buf name = {0};
    bool has_nul = false;
    char *line;
    look_ahead(&guest, text, len, &name);
    if (!source->is_foreign)
        add_machine(&guest);
    for (char *at = text; (line = px_next_line(&at, text + len, &has_nul)) != NULL;) {
        guest.line++;
        read_line(&guest, line);
    }
    if (guest.machine != NULL)
        ia_inventory_merge_claims(source->inventory, guest.machine);
    if (has_nul)
        ia_inventory_add_problem(source->inventory, source->path, "there are NUL bytes in it");
}
