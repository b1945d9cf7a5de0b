/* SPDX-License-Identifier: MIT */
/* Machines of VirtualBox: NAME.vbox has the media that it registers, nested as they were made on one another, and which
 * of them each of its snapshots and its current state have attached. VirtualBox.xml of a user has the media that no
 * machine registers, and those of machines of releases before 4.0. Elements and attributes: Settings.cpp of VirtualBox
 * (readMediumOne, readStorageControllers, readHardDiskAttachments_pre1_7, readSnapshot). Not read: NAME.vbox-prev,
 * which is what NAME.vbox was before the last change and names what may be gone since. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/search.h"
#include "inventory/foreign.h"
#include "inventory/xml_tree.h"

struct medium {
    const struct ia_xml_node *node;
    const char *uuid, *location;
    enum ia_claim_role role; /* IA_CLAIM_DISK, _CDROM or _FLOPPY */
    bool is_current;         /* attached now */
    bool is_kept;            /* attached in a snapshot */
};

struct reading {
    struct ia_inventory *inventory;
    const char *path;
    bool is_machine; /* else the registry of a user */
    IA_VEC(struct medium) media;
};

/* -- Trees --------------------------------------------------------------------------------------------------------- */

/* The element behind this one in the document, which is below `root`. NULL: it was the last. *left is how many elements
 * of the name `counted` end before it. */
static const struct ia_xml_node *next_of_all(const struct ia_xml_node *node, const struct ia_xml_node *root,
                                             const char *counted, size_t *left)
{
    *left = 0;
    if (node->first != NULL)
        return node->first;
    for (; node != root; node = node->parent) {
        *left += strcmp(node->name, counted) == 0;
        if (node->next != NULL)
            return node->next;
    }
    return NULL;
}

static bool is_called(const struct ia_xml_node *node, const char *name)
{
    return node != NULL && strcmp(node->name, name) == 0;
}

/* The attribute is this word, in either case. */
static bool has(const struct ia_xml_node *node, const char *attribute, const char *word)
{
    const char *value = ia_xml_attribute(node, attribute);
    return value != NULL && strcasecmp(value, word) == 0;
}

/* -- Media --------------------------------------------------------------------------------------------------------- */

static enum ia_claim_role kind_of_medium(const struct ia_xml_node *node)
{
    if (is_called(node, "HardDisk") && (is_called(node->parent, "HardDisks") || is_called(node->parent, "HardDisk")))
        return IA_CLAIM_DISK;
    if (is_called(node, "Image") && is_called(node->parent, "DVDImages"))
        return IA_CLAIM_CDROM;
    if (is_called(node, "Image") && is_called(node->parent, "FloppyImages"))
        return IA_CLAIM_FLOPPY;
    return IA_CLAIM_ROLES;
}

/* Before version 1.4 of the settings: an element of the kind of image in it, or another attribute. */
static const char *location_of(const struct ia_xml_node *node)
{
    const char *location = ia_xml_attribute(node, "location");
    if (location == NULL)
        location = ia_xml_attribute(node, "src");
    for (const struct ia_xml_node *child = node->first; child != NULL && location == NULL; child = child->next)
        location = ia_xml_attribute(child, "filePath");
    return location;
}

static void add_medium(struct reading *reading, const struct ia_xml_node *node)
{
    struct medium medium = {.node = node,
                            .uuid = ia_xml_attribute(node, "uuid"),
                            .location = location_of(node),
                            .role = kind_of_medium(node)};
    if (medium.uuid == NULL || medium.location == NULL || medium.location[0] == '\0')
        ia_inventory_add_problem(reading->inventory, reading->path, "has a medium without an identity or a location");
    else if (!ia_vec_push(&reading->media, medium))
        reading->inventory->failed = true;
}

static int by_uuid(const void *left, const void *right)
{
    return strcasecmp(((const struct medium *)left)->uuid, ((const struct medium *)right)->uuid);
}

/* The first of that identity; NULL: there is none. */
static struct medium *find_medium(struct reading *reading, const char *uuid)
{
    struct medium *media = reading->media.items;
    const struct medium wanted = {.uuid = uuid};
    size_t at = ia_lower_bound(&wanted, media, reading->media.len, sizeof(wanted), by_uuid);
    return at < reading->media.len && by_uuid(&media[at], &wanted) == 0 ? &media[at] : NULL;
}

/* -- What is attached ---------------------------------------------------------------------------------------------- */

/* The identity of a medium that the element attaches; NULL: it attaches none. */
static const char *attached_by(const struct ia_xml_node *node, bool *is_disk)
{
    *is_disk = is_called(node, "HardDiskAttachment") || has(node->parent, "type", "HardDisk");
    if (is_called(node, "HardDiskAttachment"))
        return ia_xml_attribute(node, "hardDisk");
    bool is_image =
        is_called(node, "Image") && (is_called(node->parent, "AttachedDevice") || is_called(node->parent, "DVDDrive") ||
                                     is_called(node->parent, "FloppyDrive"));
    return is_image ? ia_xml_attribute(node, "uuid") : NULL;
}

static void attach(struct reading *reading, const char *uuid, bool is_disk, bool in_snapshot)
{
    struct medium *first = find_medium(reading, uuid);
    if (first != NULL) {
        first->is_current |= !in_snapshot;
        first->is_kept |= in_snapshot;
    } else if (is_disk)
        ia_inventory_add_problem(reading->inventory, reading->path,
                                 "attaches the medium %s, which it does not register", uuid);
}

static void collect(struct reading *reading, const struct ia_xml_node *root)
{
    size_t left;
    for (const struct ia_xml_node *node = root; node != NULL; node = next_of_all(node, root, "Snapshot", &left))
        if (kind_of_medium(node) != IA_CLAIM_ROLES && !has(node, "format", "iSCSI")) /* which is no file */
            add_medium(reading, node);
    if (reading->media.len > 1)
        qsort(reading->media.items, reading->media.len, sizeof(reading->media.items[0]), by_uuid);
}

static void attach_all(struct reading *reading, const struct ia_xml_node *root)
{
    size_t snapshots = 0; /* the element is in so many */
    size_t left = 0;
    for (const struct ia_xml_node *node = root; node != NULL; node = next_of_all(node, root, "Snapshot", &left)) {
        snapshots = snapshots - left + is_called(node, "Snapshot");
        bool is_disk;
        const char *uuid = attached_by(node, &is_disk);
        if (uuid != NULL)
            attach(reading, uuid, is_disk, snapshots > 0);
    }
    /* Of two with one identity either may be meant. */
    for (size_t i = 1; i < reading->media.len; i++)
        if (by_uuid(&reading->media.items[i - 1], &reading->media.items[i]) == 0) {
            reading->media.items[i].is_current = reading->media.items[i - 1].is_current;
            reading->media.items[i].is_kept = reading->media.items[i - 1].is_kept;
        }
}

/* -- Claims -------------------------------------------------------------------------------------------------------- */

static const char *format_of(const struct medium *medium)
{
    static const char *const names[][2] = {{"VDI", "vdi"},   {"VMDK", "vmdk"},           {"VHD", "vpc"},
                                           {"VHDX", "vhdx"}, {"Parallels", "parallels"}, {"QED", "qed"}};
    const char *format = ia_xml_attribute(medium->node, "format");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && format != NULL && medium->role == IA_CLAIM_DISK; i++)
        if (strcasecmp(format, names[i][0]) == 0)
            return names[i][1];
    return NULL;
}

/* What nothing has attached is one that others were made on, or lies ready. */
static enum ia_claim_role role_of(const struct reading *reading, const struct medium *medium)
{
    if (medium->role != IA_CLAIM_DISK || medium->is_current)
        return medium->role;
    if (has(medium->node, "type", "MultiAttach"))
        return IA_CLAIM_TEMPLATE;
    if (medium->is_kept || ia_xml_child(medium->node, "HardDisk") != NULL)
        return IA_CLAIM_RESTORE_POINT;
    return reading->is_machine ? IA_CLAIM_UNUSED : IA_CLAIM_DISK;
}

static void claim(const struct reading *reading, struct ia_machine *machine, const struct medium *medium)
{
    const struct ia_xml_node *node = medium->node;
    enum ia_claim_role role = role_of(reading, medium);
    struct ia_claim *made =
        ia_inventory_add_claim_foreign(reading->inventory, machine, role, reading->path, medium->location);
    if (made == NULL)
        return;
    ia_inventory_set_format(reading->inventory, made, format_of(medium));
    made->is_optional = role != IA_CLAIM_DISK && role != IA_CLAIM_RESTORE_POINT && role != IA_CLAIM_TEMPLATE;
    made->read_only = medium->role == IA_CLAIM_CDROM || has(node, "type", "Immutable") ||
                      has(node, "type", "Readonly") || has(node, "type", "MultiAttach");
    made->shareable = has(node, "type", "Shareable");
    made->transient = has(node, "autoReset", "true");
}

static const char *firmware_of(const struct ia_xml_node *machine)
{
    const struct ia_xml_node *hardware = ia_xml_child(machine, "Hardware");
    const struct ia_xml_node *bios = ia_xml_child(hardware, "BIOS");
    const struct ia_xml_node *nvram = ia_xml_child(bios != NULL ? bios : hardware, "NVRAM");
    return ia_xml_attribute(nvram, "path");
}

static void set_uuid(struct ia_inventory *inventory, struct ia_machine *machine, const char *uuid)
{
    char bare[37] = "";
    if (uuid != NULL && uuid[0] == '{' && strlen(uuid) == 38)
        memcpy(bare, uuid + 1, 36);
    for (char *c = bare; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    if (bare[0] != '\0')
        ia_inventory_set_uuid(inventory, machine, bare);
}

/* That it runs is nowhere in the file; saved and aborted ones do not. */
static enum ia_machine_state state_of(const struct ia_xml_node *node)
{
    if (ia_xml_attribute(node, "stateFile") != NULL)
        return IA_MACHINE_PAUSED;
    return has(node, "aborted", "true") ? IA_MACHINE_OFF : IA_MACHINE_UNKNOWN;
}

static void add_machine(struct reading *reading, const struct ia_xml_node *node)
{
    const char *name = ia_xml_attribute(node, "name");
    struct ia_machine *machine = ia_inventory_add_machine(
        reading->inventory, reading->is_machine ? IA_MACHINE_VM : IA_MACHINE_STORAGE,
        reading->is_machine && name != NULL ? name : ia_path_name(reading->path), reading->path);
    if (machine == NULL)
        return;
    if (reading->is_machine) {
        machine->state = state_of(node);
        set_uuid(reading->inventory, machine, ia_xml_attribute(node, "uuid"));
    }
    for (size_t i = 0; i < reading->media.len; i++)
        claim(reading, machine, &reading->media.items[i]);
    const char *firmware = firmware_of(node);
    struct ia_claim *made =
        firmware == NULL || firmware[0] == '\0'
            ? NULL
            : ia_inventory_add_claim_foreign(reading->inventory, machine, IA_CLAIM_FIRMWARE, reading->path, firmware);
    if (made != NULL)
        made->is_optional = true;
}

static void read_tree(struct reading *reading, const struct ia_xml_node *root)
{
    const struct ia_xml_node *machine = ia_xml_child(root, "Machine");
    const struct ia_xml_node *global = ia_xml_child(root, "Global");
    const struct ia_xml_node *node = machine != NULL ? machine : global;
    if (ia_xml_child(root, "MachineEncrypted") != NULL)
        ia_inventory_add_problem(reading->inventory, reading->path,
                                 "is encrypted: the machine's disks are not known from it");
    else if (node == NULL || !is_called(root, "VirtualBox"))
        ia_inventory_add_problem(reading->inventory, reading->path, "has neither a machine of VirtualBox nor media");
    if (node == NULL)
        return;
    reading->is_machine = machine != NULL;
    collect(reading, node);
    if (reading->is_machine)
        attach_all(reading, node);
    if (reading->is_machine || reading->media.len > 0)
        add_machine(reading, node);
}

static bool takes(const char *path)
{
    return ia_path_has_suffix(path, ".vbox") || strcmp(ia_path_name(path), "VirtualBox.xml") == 0;
}

static void read_file(struct ia_inventory *inventory, const char *path, char *text, size_t len)
{
    IA_AUTO_XML struct ia_xml_node *root = NULL;
    struct ia_error err = {0};
    struct reading reading = {.inventory = inventory, .path = path};
    enum ia_status status = ia_xml_tree_parse(text, len, &root, &err);
    if (status == IA_NOMEM)
        inventory->failed = true;
    else if (status != IA_OK)
        ia_inventory_add_problem(inventory, path, "is not understood: %s", err.message);
    else
        read_tree(&reading, root);
    ia_vec_release(&reading.media);
}

const struct ia_beside_reader ia_virtualbox_reader = {
    .kind = "virtualbox", .formats = "vdi,vmdk,vpc,vhdx,parallels,qed", .takes = takes, .read = read_file};
