/* SPDX-License-Identifier: MIT */
/* Machines of VMware: NAME.vmx, or NAME.vmtx of a template, and NAME.vmsd beside it, which has its snapshots. What a
 * snapshot names is the disk of that moment; its own chain is in the images. Not read: .vmxf (a team's), .nvram, .vmsn,
 * .vmem and .vmss, which hold no disk. Fields: "Virtual Disk Development Kit", "vSphere Virtual Machine
 * Administration", and what Workstation writes. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "inventory/dict.h"
#include "inventory/foreign.h"

struct vmware {
    struct ia_inventory *inventory;
    const char *path; /* of the file that is being read */
    const char *vmx;  /* of the machine's file */
    const struct ia_dict *dict;
    size_t machine;
    enum ia_claim_role role; /* of its disks */
};

static bool takes(const char *path)
{
    return ia_path_has_suffix(path, ".vmx") || ia_path_has_suffix(path, ".vmsd") || ia_path_has_suffix(path, ".vmtx");
}

static bool is_word(const char *value, const char *word)
{
    return value != NULL && strcasecmp(value, word) == 0;
}

static bool holds(const char *value, const char *word)
{
    return value != NULL && strcasestr(value, word) != NULL;
}

static bool is_false(const char *value)
{
    return value == NULL || is_word(value, "false") || is_word(value, "no") || is_word(value, "off") ||
           is_word(value, "f") || is_word(value, "n") || is_word(value, "0");
}

/* -- Names --------------------------------------------------------------------------------------------------------- */

static bool is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

/* windows-1252 and ISO-8859-1 are one in what a name has: the letters from 0xa0 on. False: it has others. */
static bool add_latin(struct ia_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x80 && c < 0xa0)
            return false;
        int last = c < 0x80 ? c : 0x80 | (c & 0x3f);
        if (c >= 0x80)
            ia_buf_add_char(out, (char)(0xc0 | c >> 6));
        ia_buf_add_char(out, (char)last);
    }
    return true;
}

/* The name as the file system has it: in UTF-8. A name in an encoding that is not known here stays as it is, and is a
 * problem. */
static void decode(const struct vmware *vm, const char *name, struct ia_buf *out)
{
    const char *encoding = ia_dict_value(vm->dict, "", "encoding");
    bool is_latin = is_word(encoding, "windows-1252") || is_word(encoding, "iso-8859-1");
    if (!is_ascii(name) && is_latin && add_latin(out, name))
        return;
    ia_buf_clear(out);
    ia_buf_add_str(out, name);
    if (!is_ascii(name) && encoding != NULL && !is_word(encoding, "utf-8"))
        ia_inventory_add_problem(vm->inventory, vm->path, "'%s' is in the encoding '%s', which is not read", name,
                                 encoding);
}

static struct ia_claim *claim(const struct vmware *vm, enum ia_claim_role role, const char *name)
{
    IA_AUTO_BUF struct ia_buf decoded = {0};
    decode(vm, name, &decoded);
    if (decoded.failed) {
        vm->inventory->failed = true;
        return NULL;
    }
    struct ia_claim *made = ia_inventory_add_claim_foreign(vm->inventory, &vm->inventory->machines.items[vm->machine],
                                                           role, vm->path, decoded.data);
    if (made != NULL && ia_path_has_suffix(name, ".vmdk"))
        ia_inventory_set_format(vm->inventory, made, "vmdk");
    return made;
}

/* -- Devices ------------------------------------------------------------------------------------------------------- */

/* "scsi0:1": a bus, its number, and a place on it. */
static bool is_disk_device(const char *device)
{
    static const char *const buses[] = {"scsi", "ide", "sata", "nvme"};
    const char *rest = NULL;
    for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]) && rest == NULL; i++)
        if (strncmp(device, buses[i], strlen(buses[i])) == 0)
            rest = device + strlen(buses[i]);
    size_t number = rest == NULL ? 0 : strspn(rest, "0123456789");
    return number > 0 && rest[number] == ':' && isdigit((unsigned char)rest[number + 1]) &&
           rest[number + 1 + strspn(rest + number + 1, "0123456789")] == '\0';
}

/* Several machines may write to it: by the disk, or by its bus. */
static bool is_shared(const struct vmware *vm, const char *device)
{
    IA_AUTO_FREE char *bus = strndup(device, strcspn(device, ":"));
    if (bus == NULL) {
        vm->inventory->failed = true;
        return false;
    }
    const char *how = ia_dict_value(vm->dict, bus, "sharedbus");
    return is_word(ia_dict_value(vm->dict, device, "sharing"), "multi-writer") || is_word(how, "virtual") ||
           is_word(how, "physical");
}

static void read_disk(const struct vmware *vm, const char *device, const char *name)
{
    const char *type = ia_dict_value(vm->dict, device, "devicetype");
    bool is_present = !is_false(ia_dict_value(vm->dict, device, "present"));
    if (holds(type, "cdrom")) {
        struct ia_claim *cdrom = holds(type, "image") ? claim(vm, IA_CLAIM_CDROM, name) : NULL;
        if (cdrom != NULL)
            cdrom->read_only = cdrom->is_optional = true;
        return;
    }
    if (holds(type, "passthru") && !ia_path_has_suffix(name, ".vmdk"))
        return;
    struct ia_claim *disk = claim(vm, is_present ? vm->role : IA_CLAIM_UNUSED, name);
    if (disk == NULL)
        return;
    disk->is_optional = !is_present;
    disk->transient = holds(ia_dict_value(vm->dict, device, "mode"), "nonpersistent");
    disk->shareable = is_shared(vm, device);
}

static void read_device(const struct vmware *vm, const struct ia_dict_entry *entry)
{
    if (entry->value[0] == '\0')
        return;
    struct ia_claim *other = NULL;
    if (strcmp(entry->key, "filename") == 0 && is_disk_device(entry->device))
        read_disk(vm, entry->device, entry->value);
    else if (strcmp(entry->key, "redo") == 0 && is_disk_device(entry->device)) /* what is written meanwhile */
        other = claim(vm, vm->role, entry->value);
    else if (strcmp(entry->key, "filename") == 0 && strncmp(entry->device, "floppy", 6) == 0 &&
             is_word(ia_dict_value(vm->dict, entry->device, "filetype"), "file"))
        other = claim(vm, IA_CLAIM_FLOPPY, entry->value);
    else if (strcmp(entry->key, "nvram") == 0 && entry->device[0] == '\0')
        other = claim(vm, IA_CLAIM_FIRMWARE, entry->value);
    if (other != NULL)
        other->is_optional = true;
}

/* -- Files --------------------------------------------------------------------------------------------------------- */

static bool parse(struct ia_inventory *inventory, const char *path, struct ia_dict *dict, char *text, size_t len)
{
    ia_dict_parse(dict, text, len);
    if (dict->has_too_many)
        ia_inventory_add_problem(inventory, path, "has more than %d lines", IA_DICT_MAX_ENTRIES);
    else if (dict->bad_line != 0)
        ia_inventory_add_problem(inventory, path, "line %zu is not understood", dict->bad_line);
    inventory->failed = inventory->failed || dict->failed;
    return !inventory->failed;
}

/* "snapshot0.disk0.fileName" */
static void read_snapshots(const struct vmware *machine, const char *path, char *text, size_t len)
{
    IA_AUTO_DICT struct ia_dict dict = {0};
    struct vmware vm = *machine;
    if (!parse(vm.inventory, path, &dict, text, len))
        return;
    vm.path = path;
    vm.dict = &dict;
    for (size_t i = 0; i < dict.entries.len; i++) {
        const struct ia_dict_entry *entry = &dict.entries.items[i];
        if (strcmp(entry->key, "filename") == 0 && strncmp(entry->device, "snapshot", 8) == 0 &&
            strstr(entry->device, ".disk") != NULL && entry->value[0] != '\0')
            claim(&vm, IA_CLAIM_RESTORE_POINT, entry->value);
    }
}

/* The path with another suffix, where a regular file has that name. */
static bool find_beside(struct ia_inventory *inventory, const char *path, const char *suffix, struct ia_buf *out)
{
    const char *name = ia_path_name(path);
    const char *dot = strrchr(name, '.');
    ia_buf_add(out, path, dot != NULL ? (size_t)(dot - path) : strlen(path));
    ia_buf_add_str(out, suffix);
    inventory->failed = inventory->failed || out->failed;
    struct stat st;
    return !out->failed && lstat(out->data, &st) == 0 && S_ISREG(st.st_mode);
}

static void read_snapshots_of(const struct vmware *vm)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    IA_AUTO_BUF struct ia_buf text = {0};
    if (!find_beside(vm->inventory, vm->vmx, ".vmsd", &path) ||
        !ia_inventory_load(vm->inventory, path.data, IA_INVENTORY_FILE_BYTES, &text))
        return;
    read_snapshots(vm, path.data, text.data, text.len);
}

/* NAME.vmx.lck is there while it runs: a file of ESXi, a directory of Workstation. */
static enum ia_machine_state state_of(const struct vmware *vm)
{
    IA_AUTO_BUF struct ia_buf lock = {0};
    struct stat st;
    const char *suspended = ia_dict_value(vm->dict, "checkpoint", "vmstate");
    ia_buf_addf(&lock, "%s.lck", vm->vmx);
    vm->inventory->failed = vm->inventory->failed || lock.failed;
    if (!lock.failed && lstat(lock.data, &st) == 0)
        return IA_MACHINE_RUNNING;
    return suspended != NULL && suspended[0] != '\0' ? IA_MACHINE_PAUSED : IA_MACHINE_OFF;
}

/* "56 4d 3e 5f 01 02 03 04-05 06 07 08 09 0a 0b 0c", as others write it. */
static void set_uuid(const struct vmware *vm, struct ia_machine *machine)
{
    const char *from = ia_dict_value(vm->dict, "uuid", "bios");
    char made[37] = "";
    size_t digits = 0;
    size_t at = 0;
    for (; from != NULL && *from != '\0' && digits < 32; from++) {
        if (!isxdigit((unsigned char)*from))
            continue;
        if (digits == 8 || digits == 12 || digits == 16 || digits == 20)
            made[at++] = '-';
        made[at++] = (char)tolower((unsigned char)*from);
        digits++;
    }
    if (digits == 32)
        ia_inventory_set_uuid(vm->inventory, machine, made);
}

static bool start_machine(struct vmware *vm, bool is_template)
{
    const char *name = ia_dict_value(vm->dict, "", "displayname");
    if (name == NULL || name[0] == '\0')
        name = ia_path_name(vm->vmx);
    struct ia_machine *machine =
        ia_inventory_add_machine(vm->inventory, is_template ? IA_MACHINE_TEMPLATE : IA_MACHINE_VM, name, vm->vmx);
    if (machine == NULL)
        return false;
    vm->machine = vm->inventory->machines.len - 1;
    vm->role = is_template ? IA_CLAIM_TEMPLATE : IA_CLAIM_DISK;
    machine->state = is_template ? IA_MACHINE_OFF : state_of(vm);
    set_uuid(vm, machine);
    return true;
}

static void read_machine(struct ia_inventory *inventory, const char *path, char *text, size_t len)
{
    IA_AUTO_DICT struct ia_dict dict = {0};
    struct vmware vm = {.inventory = inventory, .path = path, .vmx = path, .dict = &dict};
    if (!parse(inventory, path, &dict, text, len) || !start_machine(&vm, ia_path_has_suffix(path, ".vmtx")))
        return;
    if (ia_dict_value(&dict, "encryption", "data") != NULL)
        ia_inventory_add_problem(inventory, path, "is encrypted: the machine's disks are not in it");
    for (size_t i = 0; i < dict.entries.len; i++)
        read_device(&vm, &dict.entries.items[i]);
    read_snapshots_of(&vm);
}

/* Snapshots are read with their machine, unless its file is not there. */
static void read_file(struct ia_inventory *inventory, const char *path, char *text, size_t len)
{
    IA_AUTO_BUF struct ia_buf vmx = {0};
    IA_AUTO_BUF struct ia_buf vmtx = {0};
    if (!ia_path_has_suffix(path, ".vmsd")) {
        read_machine(inventory, path, text, len);
        return;
    }
    if (find_beside(inventory, path, ".vmx", &vmx) || find_beside(inventory, path, ".vmtx", &vmtx))
        return;
    const struct ia_dict none = {0};
    struct vmware vm = {.inventory = inventory, .path = path, .vmx = path, .dict = &none};
    if (start_machine(&vm, false))
        read_snapshots(&vm, path, text, len);
}

const struct ia_beside_reader ia_vmware_reader = {
    .kind = "vmware", .formats = "vmdk", .takes = takes, .read = read_file};
