/* SPDX-License-Identifier: MIT */
/* The files that a <domain> of libvirt uses. What its XML has: formatdomain.html, and virDomainDefFormatInternal in
 * libvirt's src/conf/domain_conf.c, which writes it. */
#include "inventory/libvirt.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* What is read, and into which machine. */
struct reading {
    struct ia_libvirt *libvirt;
    size_t machine;
    enum ia_libvirt_use use;
    const char *file, *name;
};

static bool is(const char *word, const char *other)
{
    return word != NULL && strcmp(word, other) == 0;
}

/* The machine is looked up each time: machines move when one is added. */
static struct ia_machine *machine_of(const struct reading *reading)
{
    return &reading->libvirt->inventory->machines.items[reading->machine];
}

static struct ia_claim *add(const struct reading *reading, enum ia_claim_role role, const char *path)
{
    struct ia_inventory *inventory = reading->libvirt->inventory;
    if (path[0] != '/') {
        ia_inventory_add_problem(inventory, reading->file, "'%s' is no absolute path", path);
        return NULL;
    }
    struct ia_claim *claim = ia_inventory_add_claim(inventory, machine_of(reading), role, path);
    if (claim != NULL && reading->use != IA_LIBVIRT_MACHINE) {
        claim->read_only = true;
        claim->is_optional = role != IA_CLAIM_RESTORE_POINT || reading->use == IA_LIBVIRT_CHECKPOINT;
    }
    return claim;
}

/* -- Where it is --------------------------------------------------------------------------------------------------- */

/* Types of sources, and which attribute of <source> has the path; NULL: it is no local file. */
static const struct source_type {
    const char *word, *attribute;
} source_types[] = {
    {"file", "file"}, {"block", "dev"},    {"dir", "dir"},      {"volume", "volume"}, {"network", NULL},
    {"nvme", NULL},   {"vhostuser", NULL}, {"vhostvdpa", NULL}, {"ctl", NULL},        {"none", NULL},
};

/* A claim of what a <source>, or an element of the same kind, names; NULL: no local file. */
static struct ia_claim *add_source(const struct reading *reading, enum ia_claim_role role, const char *type,
                                   const struct ia_xml_node *source)
{
    const struct source_type *known = source_types;
    const struct source_type *end = source_types + sizeof(source_types) / sizeof(source_types[0]);
    while (known < end && strcmp(known->word, type == NULL ? "file" : type) != 0)
        known++;
    if (known == end) {
        ia_inventory_add_problem(reading->libvirt->inventory, reading->file, "a disk of the unknown type '%s'", type);
        return NULL;
    }
    const char *path = known->attribute == NULL ? NULL : ia_xml_attribute(source, known->attribute);
    if (path == NULL || path[0] == '\0')
        return NULL;
    IA_AUTO_FREE char *volume = NULL;
    if (is(type, "volume")) {
        const char *pool = ia_xml_attribute(source, "pool");
        volume = ia_libvirt_volume_path(reading->libvirt, pool == NULL ? "" : pool, path, reading->file);
        path = volume;
    }
    struct ia_claim *claim = path == NULL ? NULL : add(reading, role, path);
    if (claim != NULL)
        claim->is_directory = is(type, "dir");
    return claim;
}

/* The word that QEMU has for a format of libvirt; NULL: none, so that the content decides. */
static const char *format_word(const char *format)
{
    static const char *const same[] = {"raw", "bochs", "cloop", "dmg", "vpc", "vdi", "qcow", "qcow2", "qed", "vmdk"};
    for (size_t i = 0; format != NULL && i < sizeof(same) / sizeof(same[0]); i++)
        if (strcmp(same[i], format) == 0)
            return same[i];
    if (is(format, "iso") || is(format, "aio")) /* the latter is written for Xen */
        return "raw";
    return is(format, "vhd") ? "vpc" : NULL;
}

/* An encrypted raw disk is one of LUKS to QEMU. */
static const char *with_encryption(const char *format, const struct ia_xml_node *owner,
                                   const struct ia_xml_node *source)
{
    const struct ia_xml_node *encryption = ia_xml_child(source, "encryption");
    if (encryption == NULL)
        encryption = ia_xml_child(owner, "encryption");
    return is(format, "raw") && is(ia_xml_attribute(encryption, "format"), "luks") ? "luks" : format;
}

/* The file in which a qcow2 image keeps its data. */
static void add_data_store(const struct reading *reading, const struct ia_xml_node *source)
{
    const struct ia_xml_node *store = ia_xml_child(source, "dataStore");
    if (store != NULL)
        add_source(reading, IA_CLAIM_OTHER, ia_xml_attribute(store, "type"), ia_xml_child(store, "source"));
}

/* -- Disks --------------------------------------------------------------------------------------------------------- */

/* The place of a claim that was just made, as ia_claim.over has it; 0: none was made. */
static size_t place_of(const struct reading *reading, const struct ia_claim *claim)
{
    return claim == NULL ? 0 : (size_t)(claim - machine_of(reading)->claims.items) + 1;
}

/* Chains as they are, of machines that run, or as somebody wrote them down. An empty element ends one. */
static void read_chain(const struct reading *reading, const struct ia_xml_node *owner, size_t over)
{
    for (const struct ia_xml_node *layer = ia_xml_child(owner, "backingStore"); layer != NULL;
         layer = ia_xml_child(layer, "backingStore")) {
        const struct ia_xml_node *source = ia_xml_child(layer, "source");
        const char *type = ia_xml_attribute(layer, "type");
        const char *format = format_word(ia_xml_attribute(ia_xml_child(layer, "format"), "type"));
        struct ia_claim *claim = add_source(reading, IA_CLAIM_BACKING, type, source);
        ia_inventory_set_format(reading->libvirt->inventory, claim, with_encryption(format, layer, source));
        if (claim != NULL) {
            claim->over = over;
            claim->read_only = true;
        }
        over = place_of(reading, claim);
        add_data_store(reading, source);
    }
}

/* What a job copies the disk to, or commits it into: the machine writes to it, and may go on with it alone. */
static void read_mirror(const struct reading *reading, const struct ia_xml_node *disk)
{
    const struct ia_xml_node *mirror = ia_xml_child(disk, "mirror");
    const struct ia_xml_node *source = ia_xml_child(mirror, "source");
    if (mirror == NULL)
        return;
    const char *format = ia_xml_attribute(ia_xml_child(mirror, "format"), "type");
    if (format == NULL)
        format = ia_xml_attribute(mirror, "format");
    struct ia_claim *claim =
        add_source(reading, IA_CLAIM_DISK, ia_xml_attribute(mirror, "type"), source != NULL ? source : mirror);
    ia_inventory_set_format(reading->libvirt->inventory, claim, format_word(format));
    add_data_store(reading, source);
    read_chain(reading, mirror, place_of(reading, claim));
}

/* The overlay of a transient disk, which libvirt makes at the start and removes at the end. */
static void add_transient_overlay(const struct reading *reading, const char *path)
{
    if (reading->use != IA_LIBVIRT_MACHINE || machine_of(reading)->state == IA_MACHINE_OFF)
        return;
    IA_AUTO_BUF struct ia_buf overlay = {0};
    ia_buf_addf(&overlay, "%s.TRANSIENT-%s", path, reading->name);
    if (overlay.failed)
        reading->libvirt->inventory->failed = true;
    struct ia_claim *claim = overlay.failed ? NULL : add(reading, IA_CLAIM_DISK, overlay.data);
    ia_inventory_set_format(reading->libvirt->inventory, claim, "qcow2");
    if (claim != NULL)
        claim->transient = claim->is_optional = true;
}

static enum ia_claim_role role_of(const struct reading *reading, const char *device)
{
    if (is(device, "cdrom"))
        return IA_CLAIM_CDROM;
    if (is(device, "floppy"))
        return IA_CLAIM_FLOPPY;
    return reading->use == IA_LIBVIRT_MACHINE ? IA_CLAIM_DISK : IA_CLAIM_RESTORE_POINT;
}

/* libvirt takes a file or device without a stated format for raw, and writes that down as soon as it sees it. Of a
 * volume it looks up the format. */
static const char *stated_format(const struct ia_xml_node *disk, const char *type)
{
    const char *format = ia_xml_attribute(ia_xml_child(disk, "driver"), "type");
    bool is_plain = type == NULL || strcmp(type, "file") == 0 || strcmp(type, "block") == 0;
    return format_word(format == NULL && is_plain ? "raw" : format);
}

static void read_disk(const struct reading *reading, const struct ia_xml_node *disk)
{
    const char *type = ia_xml_attribute(disk, "type");
    const struct ia_xml_node *source = ia_xml_child(disk, "source");
    enum ia_claim_role role = role_of(reading, ia_xml_attribute(disk, "device"));
    struct ia_claim *claim = add_source(reading, role, type, source);
    size_t place = place_of(reading, claim);
    ia_inventory_set_format(reading->libvirt->inventory, claim,
                            with_encryption(stated_format(disk, type), disk, source));
    if (claim != NULL) {
        claim->read_only |= role == IA_CLAIM_CDROM || ia_xml_child(disk, "readonly") != NULL;
        claim->shareable = ia_xml_child(disk, "shareable") != NULL;
        claim->transient = ia_xml_child(disk, "transient") != NULL;
        claim->is_optional |= is(ia_xml_attribute(source, "startupPolicy"), "optional");
    }
    bool is_transient = claim != NULL && claim->transient && role == IA_CLAIM_DISK;
    add_data_store(reading, source);
    read_chain(reading, disk, place);
    read_mirror(reading, disk);
    if (is_transient) {
        IA_AUTO_FREE char *path = strdup(machine_of(reading)->claims.items[place - 1].path);
        if (path == NULL)
            reading->libvirt->inventory->failed = true;
        else
            add_transient_overlay(reading, path);
    }
}

/* -- Other devices, and what is booted ----------------------------------------------------------------------------- */

/* A directory that the machine sees, or an image with the file system of a container. */
static void read_filesystem(const struct reading *reading, const struct ia_xml_node *filesystem)
{
    const char *type = ia_xml_attribute(filesystem, "type");
    const struct ia_xml_node *driver = ia_xml_child(filesystem, "driver");
    const struct ia_xml_node *source = ia_xml_child(filesystem, "source");
    if (is(type, "file") || is(type, "block") || is(type, "volume")) {
        struct ia_claim *claim = add_source(reading, role_of(reading, NULL), type, source);
        ia_inventory_set_format(reading->libvirt->inventory, claim, format_word(ia_xml_attribute(driver, "format")));
        if (claim != NULL)
            claim->read_only |= ia_xml_child(filesystem, "readonly") != NULL;
        return;
    }
    const char *directory = ia_xml_attribute(source, "dir"); /* a socket, memory or a template: none */
    if (directory == NULL || directory[0] != '/')
        return;
    struct ia_claim *claim = add(reading, IA_CLAIM_OTHER, directory);
    if (claim != NULL)
        claim->is_directory = true;
}

/* Memory that is kept in a file is as good as a disk to the guest. */
static void read_memory(const struct reading *reading, const struct ia_xml_node *memory)
{
    const char *path = ia_xml_child_text(ia_xml_child(memory, "source"), "path");
    struct ia_claim *claim = path == NULL ? NULL : add(reading, role_of(reading, NULL), path);
    ia_inventory_set_format(reading->libvirt->inventory, claim, "raw");
}

static void read_devices(const struct reading *reading, const struct ia_xml_node *devices)
{
    for (const struct ia_xml_node *device = devices == NULL ? NULL : devices->first; device != NULL;
         device = device->next) {
        if (strcmp(device->name, "disk") == 0)
            read_disk(reading, device);
        else if (strcmp(device->name, "filesystem") == 0)
            read_filesystem(reading, device);
        else if (strcmp(device->name, "memory") == 0)
            read_memory(reading, device);
    }
}

static void add_firmware(const struct reading *reading, const char *path, bool is_written)
{
    struct ia_claim *claim = path == NULL || path[0] != '/' ? NULL : add(reading, IA_CLAIM_FIRMWARE, path);
    if (claim == NULL)
        return;
    claim->read_only |= !is_written;
    claim->is_optional |= is_written; /* made from the template at the start */
}

static void read_boot(const struct reading *reading, const struct ia_xml_node *os)
{
    static const char *const whole[] = {"kernel", "initrd", "dtb", "shim", "loader"};
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        add_firmware(reading, ia_xml_child_text(os, whole[i]), false);
    const struct ia_xml_node *nvram = ia_xml_child(os, "nvram");
    if (nvram != NULL) {
        add_firmware(reading, nvram->text, true);
        add_firmware(reading, ia_xml_attribute(ia_xml_child(nvram, "source"), "file"), true);
        add_firmware(reading, ia_xml_attribute(nvram, "template"), false);
    }
    const struct ia_xml_node *variables = ia_xml_child(os, "varstore");
    add_firmware(reading, ia_xml_attribute(variables, "path"), true);
    add_firmware(reading, ia_xml_attribute(variables, "template"), false);
    for (const struct ia_xml_node *table = ia_xml_child(ia_xml_child(os, "acpi"), "table"); table != NULL;
         table = ia_xml_next(table))
        add_firmware(reading, table->text, false);
}

/* -- What is handed to the emulator as it is ----------------------------------------------------------------------- */

/* Up to the end of a path in an option: a comma, unless doubled, or in JSON a quotation mark. */
static const char *read_path(const char *from, bool is_json, struct ia_buf *path)
{
    for (; *from != '\0' && *from != '"' && (is_json || *from != ',' || from[1] == ','); from++) {
        if (!is_json && *from == ',')
            from++;
        ia_buf_add_char(path, *from);
    }
    return from;
}

static void read_argument(const struct reading *reading, enum ia_claim_role role, const char *value)
{
    bool is_json = value[0] == '{';
    for (const char *at = value; *at != '\0';) { /* ends: at goes forward */
        bool begins = *at == '/' && at[1] != '/' && (at == value || strchr("=,:\"", at[-1]) != NULL);
        if (!begins) {
            at++;
            continue;
        }
        IA_AUTO_BUF struct ia_buf path = {0};
        at = read_path(at, is_json, &path);
        reading->libvirt->inventory->failed |= path.failed;
        struct ia_claim *claim = path.failed ? NULL : add(reading, role, path.data);
        if (claim != NULL)
            claim->is_optional |= role == IA_CLAIM_OTHER;
    }
}

/* Options of the emulator that name images. What others name is kept, and not missed. */
static enum ia_claim_role argument_role(const struct reading *reading, const char *option)
{
    static const char *const options[] = {"-drive", "-blockdev", "-hda", "-hdb", "-hdc", "-hdd", "-sd", "-mtdblock"};
    for (size_t i = 0; option != NULL && i < sizeof(options) / sizeof(options[0]); i++)
        if (strcmp(options[i], option) == 0)
            return role_of(reading, NULL);
    return IA_CLAIM_OTHER;
}

static bool has_local_name(const struct ia_xml_node *node, const char *name)
{
    const char *colon = strchr(node->name, ':');
    return colon != NULL && strcmp(colon + 1, name) == 0;
}

/* <qemu:commandline>, and the like of other drivers. */
static void read_command_lines(const struct reading *reading, const struct ia_xml_node *domain)
{
    for (const struct ia_xml_node *node = domain->first; node != NULL; node = node->next) {
        const char *option = NULL;
        for (const struct ia_xml_node *arg = has_local_name(node, "commandline") ? node->first : NULL; arg != NULL;
             arg = arg->next) {
            const char *value = has_local_name(arg, "arg") ? ia_xml_attribute(arg, "value") : NULL;
            if (value != NULL)
                read_argument(reading, argument_role(reading, option), value);
            option = value;
        }
    }
}

/* -- Whole documents ----------------------------------------------------------------------------------------------- */

void ia_libvirt_read_domain(struct ia_libvirt *libvirt, size_t machine, enum ia_libvirt_use use,
                            const struct ia_xml_node *domain, const char *file, const char *name)
{
    const struct reading reading = {libvirt, machine, use, file, name};
    read_devices(&reading, ia_xml_child(domain, "devices"));
    read_boot(&reading, ia_xml_child(domain, "os"));
    read_command_lines(&reading, domain);
}

void ia_libvirt_read_overlays(struct ia_libvirt *libvirt, size_t machine, const struct ia_xml_node *disks,
                              const char *file)
{
    const struct reading reading = {libvirt, machine, IA_LIBVIRT_CHECKPOINT, file, ""};
    for (const struct ia_xml_node *disk = ia_xml_child(disks, "disk"); disk != NULL; disk = ia_xml_next(disk)) {
        const char *format = ia_xml_attribute(ia_xml_child(disk, "driver"), "type");
        struct ia_claim *claim =
            add_source(&reading, IA_CLAIM_RESTORE_POINT, ia_xml_attribute(disk, "type"), ia_xml_child(disk, "source"));
        ia_inventory_set_format(libvirt->inventory, claim, format_word(format));
    }
}

/* In the order of the document, below and with `root`. */
static const struct ia_xml_node *next_in_document(const struct ia_xml_node *node, const struct ia_xml_node *root)
{
    if (node->first != NULL)
        return node->first;
    while (node != root && node->next == NULL) /* ends: at the root */
        node = node->parent;
    return node == root ? NULL : node->next;
}

static void read_job_files(const struct reading *reading, const struct ia_xml_node *jobs)
{
    static const char *const names[] = {"source", "target", "scratch"};
    for (const struct ia_xml_node *node = jobs; node != NULL; node = next_in_document(node, jobs)) {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            const struct ia_xml_node *source = ia_xml_child(node, names[i]);
            struct ia_claim *claim =
                source == NULL ? NULL : add_source(reading, IA_CLAIM_OTHER, ia_xml_attribute(node, "type"), source);
            if (claim != NULL)
                claim->is_optional = true;
        }
    }
}

/* <blockjobs> have chains of disks that are gone from the machine, <backups> what they write to. */
void ia_libvirt_read_jobs(struct ia_libvirt *libvirt, size_t machine, const struct ia_xml_node *status,
                          const char *file)
{
    const struct reading reading = {libvirt, machine, IA_LIBVIRT_MACHINE, file, ""};
    read_job_files(&reading, ia_xml_child(status, "blockjobs"));
    read_job_files(&reading, ia_xml_child(status, "backups"));
}
