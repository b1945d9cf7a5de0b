/* SPDX-License-Identifier: MIT */
/* oVirt: beside each volume VOLUME of a file domain lies VOLUME.meta (vdsm, lib/vdsm/storage: volumemetadata.py and
 * fileVolume.py). A volume needs no suffix; the file has its format. The machines are in the engine's database, so
 * what a volume belongs to is its disk, that is the image directory. */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "inventory/reader.h"

static const char suffix[] = ".meta";

/* What the file has; NULL: it has no such line. */
struct volume {
    const char *format, *role, *use, *parent, *disk, *legality, *cleared;
};

/* Other platforms' files of that suffix (Longhorn's) have another one before it. */
static bool takes(const char *path)
{
    const char *name = ia_path_name(path);
    return ia_path_ends_in(name, suffix) && strchr(name, '.') == name + strlen(name) - strlen(suffix);
}

/* vdsm's own names of volumes. */
static bool is_uuid(const char *path)
{
    const char *name = ia_path_name(path);
    size_t len = strspn(name, "0123456789abcdefABCDEF-");
    return len == 36 && strcmp(name + len, suffix) == 0;
}

static void set(struct volume *volume, const char *key, const char *value)
{
    const struct {
        const char *key;
        const char **text;
    } keys[] = {
        {"FORMAT", &volume->format}, {"VOLTYPE", &volume->role}, {"DISKTYPE", &volume->use},
        {"PUUID", &volume->parent},  {"IMAGE", &volume->disk},   {"LEGALITY", &volume->legality},
        {"NONE", &volume->cleared},
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i].key, key) == 0)
            *keys[i].text = value;
}

static char *trim(char *text)
{
    text += strspn(text, " \t\r\v\f");
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

/* Lines KEY=VALUE up to one that begins with EOF. False: that is not there. */
static bool parse(char *text, size_t len, struct volume *out)
{
    char *end = text + len;
    for (char *line = text, *stop; line < end; line = stop + 1) {
        stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL)
            stop = end;
        *stop = '\0';
        if (strncmp(line, "EOF", 3) == 0)
            return true;
        char *equals = strchr(line, '=');
        if (equals == NULL)
            continue;
        *equals = '\0';
        set(out, trim(line), trim(equals + 1));
    }
    return false;
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (size_t i = 0; word != NULL && words[i] != NULL; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

/* What no machine has as a disk: memory of snapshots, what the hosted engine keeps for itself, backups that run. */
static bool is_no_disk(const struct volume *volume)
{
    static const char *const uses[] = {"MEMD", "MEMM", "HESD", "HEMD", "HECI", "SCRD", NULL};
    return is_one_of(volume->use, uses);
}

/* Archives of machines' descriptions. */
static bool is_left_out(const struct volume *volume)
{
    static const char *const uses[] = {"OVFS", NULL};
    return is_one_of(volume->use, uses);
}

static enum ia_claim_role role_of(const struct volume *volume)
{
    if (is_no_disk(volume))
        return IA_CLAIM_OTHER;
    if (volume->use != NULL && strcmp(volume->use, "ISOF") == 0)
        return IA_CLAIM_CDROM;
    if (volume->role != NULL && strcmp(volume->role, "SHARED") == 0)
        return IA_CLAIM_TEMPLATE;
    return volume->role != NULL && strcmp(volume->role, "INTERNAL") == 0 ? IA_CLAIM_RESTORE_POINT : IA_CLAIM_DISK;
}

static const char *format_of(const struct volume *volume)
{
    if (volume->format != NULL && strcmp(volume->format, "RAW") == 0)
        return "raw";
    return volume->format != NULL && strcmp(volume->format, "COW") == 0 ? "qcow2" : NULL;
}

/* Of the image that a volume is of; that of a template's is the template's, in whatever directory it is linked. */
static bool add_disk_name(const struct volume *volume, const char *path, struct ia_buf *out)
{
    size_t len = ia_path_directory_length(path);
    const char *end = len > 0 ? path + len - 1 : path;
    const char *begin = end;
    while (begin > path && begin[-1] != '/')
        begin--;
    if (volume->disk != NULL && volume->disk[0] != '\0')
        ia_buf_add_str(out, volume->disk);
    else
        ia_buf_add(out, begin, (size_t)(end - begin));
    return !out->failed;
}

/* The parent lies in the same directory: a template's volume is linked into it. */
static void claim_parent(struct ia_inventory *inventory, struct ia_machine *machine, const char *path,
                         const struct volume *volume)
{
    static const char nobody[] = "00000000-0000-0000-0000-000000000000";
    if (volume->parent == NULL || volume->parent[0] == '\0' || strcmp(volume->parent, nobody) == 0)
        return;
    if (strchr(volume->parent, '/') != NULL || volume->parent[0] == '.') {
        ia_inventory_add_problem(inventory, path, "the parent '%s' is no name of a volume", volume->parent);
        return;
    }
    struct ia_claim *claim = ia_inventory_add_claim_beside(inventory, machine, IA_CLAIM_BACKING, path, volume->parent);
    if (claim == NULL)
        return;
    claim->over = machine->claims.len - 1; /* the volume itself */
    claim->read_only = true;
}

static void claim(struct ia_inventory *inventory, const char *path, const struct volume *volume)
{
    IA_AUTO_BUF struct ia_buf name = {0};
    IA_AUTO_BUF struct ia_buf own = {0};
    ia_buf_add(&own, path, strlen(path) - (sizeof(suffix) - 1));
    if (!add_disk_name(volume, path, &name) || own.failed) {
        inventory->failed = true;
        return;
    }
    struct ia_machine *machine = ia_inventory_add_machine(inventory, IA_MACHINE_STORAGE, name.data, path);
    struct ia_claim *claim = ia_inventory_add_claim(inventory, machine, role_of(volume), own.data);
    ia_inventory_set_format(inventory, claim, format_of(volume));
    if (claim == NULL)
        return;
    claim->read_only = claim->role != IA_CLAIM_DISK;
    claim->knows_parent = volume->parent != NULL && volume->parent[0] != '\0';
    claim_parent(inventory, machine, path, volume);
}

/* vdsm renames the directory of a disk that it is about to delete. */
static bool is_being_removed(const char *path)
{
    size_t len = ia_path_directory_length(path);
    const char *begin = len > 0 ? path + len - 1 : path;
    while (begin > path && begin[-1] != '/')
        begin--;
    return strncmp(begin, "_remove_me_", 11) == 0;
}

/* A file of somebody else with that suffix is not one that is damaged. */
static void forget_source(struct ia_inventory *inventory)
{
    if (inventory->sources.len > 0)
        inventory->sources.items[inventory->sources.len - 1].formats = "";
}

static void read_file(struct ia_inventory *inventory, const char *path, char *text, size_t len)
{
    static const char *const roles[] = {"LEAF", "INTERNAL", "SHARED", NULL};
    struct volume volume = {0};
    bool is_whole = parse(text, len, &volume);
    if (volume.cleared != NULL) {
        ia_inventory_add_problem(inventory, path, "it was cleared when its volume was deleted");
    } else if (volume.format == NULL && volume.role == NULL) {
        forget_source(inventory);
        if (is_uuid(path) || volume.parent != NULL || volume.disk != NULL)
            ia_inventory_add_problem(inventory, path, "it has neither FORMAT nor VOLTYPE");
    } else if (!is_being_removed(path) && !is_left_out(&volume)) {
        if (format_of(&volume) == NULL || !is_one_of(volume.role, roles))
            ia_inventory_add_problem(inventory, path, "FORMAT or VOLTYPE is missing%s, or not understood",
                                     is_whole ? "" : ", as is the end");
        if (volume.legality != NULL && strcmp(volume.legality, "LEGAL") != 0)
            ia_inventory_add_problem(inventory, path,
                                     "LEGALITY is %s: a change of the disk's chain has not ended, or failed",
                                     volume.legality);
        claim(inventory, path, &volume);
    }
}

const struct ia_beside_reader ia_ovirt_reader = {
    .kind = "ovirt", .formats = "qcow2,raw", .takes = takes, .read = read_file};
