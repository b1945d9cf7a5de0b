/* SPDX-License-Identifier: MIT */
/* The files that a <domain> of libvirt uses. What its XML has: formatdomain.html, and virDomainDefFormatInternal in
 * libvirt's src/conf/domain_conf.c, which writes it. */
#include "inventory/libvirt_reading.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* An encrypted raw disk is one of LUKS to QEMU. */
static const char *with_encryption(const char *format, const struct ia_xml_node *owner,
                                   const struct ia_xml_node *source)
{
    const struct ia_xml_node *encryption = ia_xml_child(source, "encryption");
    if (encryption == NULL)
        encryption = ia_xml_child(owner, "encryption");
    return ia_libvirt_is(format, "raw") && ia_libvirt_is(ia_xml_attribute(encryption, "format"), "luks") ? "luks"
                                                                                                         : format;
}

/* The file in which a qcow2 image keeps its data. */
static void add_data_store(const struct ia_libvirt_reading *reading, const struct ia_xml_node *source)
{
    const struct ia_xml_node *store = ia_xml_child(source, "dataStore");
    if (store != NULL)
        ia_libvirt_add_source(reading, IA_CLAIM_OTHER, ia_xml_attribute(store, "type"), ia_xml_child(store, "source"));
}

/* -- Disks --------------------------------------------------------------------------------------------------------- */

/* The place of a claim that was just made, as ia_claim.over has it; 0: none was made. */
static size_t place_of(const struct ia_libvirt_reading *reading, const struct ia_claim *claim)
{
    return claim == NULL ? 0 : (size_t)(claim - ia_libvirt_machine(reading)->claims.items) + 1;
}

/* Chains as they are, of machines that run, or as somebody wrote them down. An empty element ends one. */
static void read_chain(const struct ia_libvirt_reading *reading, const struct ia_xml_node *owner, size_t over)
{
    for (const struct ia_xml_node *layer = ia_xml_child(owner, "backingStore"); layer != NULL;
         layer = ia_xml_child(layer, "backingStore")) {
        const struct ia_xml_node *source = ia_xml_child(layer, "source");
        const char *type = ia_xml_attribute(layer, "type");
        const char *format = ia_libvirt_format(ia_xml_attribute(ia_xml_child(layer, "format"), "type"));
        struct ia_claim *claim = ia_libvirt_add_source(reading, IA_CLAIM_BACKING, type, source);
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
static void read_mirror(const struct ia_libvirt_reading *reading, const struct ia_xml_node *disk)
{
    const struct ia_xml_node *mirror = ia_xml_child(disk, "mirror");
    const struct ia_xml_node *source = ia_xml_child(mirror, "source");
    if (mirror == NULL)
        return;
    const char *format = ia_xml_attribute(ia_xml_child(mirror, "format"), "type");
    if (format == NULL)
        format = ia_xml_attribute(mirror, "format");
    struct ia_claim *claim = ia_libvirt_add_source(reading, IA_CLAIM_DISK, ia_xml_attribute(mirror, "type"),
                                                   source != NULL ? source : mirror);
    ia_inventory_set_format(reading->libvirt->inventory, claim, ia_libvirt_format(format));
    add_data_store(reading, source);
    read_chain(reading, mirror, place_of(reading, claim));
}

/* The overlay of a transient disk, which libvirt makes at the start and removes at the end. */
static void add_transient_overlay(const struct ia_libvirt_reading *reading, const char *path)
{
    if (reading->use != IA_LIBVIRT_MACHINE || ia_libvirt_machine(reading)->state == IA_MACHINE_OFF)
        return;
    IA_AUTO_BUF struct ia_buf overlay = {0};
    ia_buf_addf(&overlay, "%s.TRANSIENT-%s", path, reading->name);
    if (overlay.failed)
        reading->libvirt->inventory->failed = true;
    struct ia_claim *claim = overlay.failed ? NULL : ia_libvirt_add(reading, IA_CLAIM_DISK, overlay.data);
    ia_inventory_set_format(reading->libvirt->inventory, claim, "qcow2");
    if (claim != NULL)
        claim->transient = claim->is_optional = true;
}

static enum ia_claim_role role_of(const struct ia_libvirt_reading *reading, const char *device)
{
    if (ia_libvirt_is(device, "cdrom"))
        return IA_CLAIM_CDROM;
    if (ia_libvirt_is(device, "floppy"))
        return IA_CLAIM_FLOPPY;
    return ia_libvirt_disk_role(reading);
}

/* libvirt takes a file or device without a stated format for raw, and writes that down as soon as it sees it. Of a
 * volume it looks up the format. */
static const char *stated_format(const struct ia_xml_node *disk, const char *type)
{
    const char *format = ia_xml_attribute(ia_xml_child(disk, "driver"), "type");
    bool is_plain = type == NULL || strcmp(type, "file") == 0 || strcmp(type, "block") == 0;
    return ia_libvirt_format(format == NULL && is_plain ? "raw" : format);
}

static void read_disk(const struct ia_libvirt_reading *reading, const struct ia_xml_node *disk)
{
    const char *type = ia_xml_attribute(disk, "type");
    const struct ia_xml_node *source = ia_xml_child(disk, "source");
    enum ia_claim_role role = role_of(reading, ia_xml_attribute(disk, "device"));
    struct ia_claim *claim = ia_libvirt_add_source(reading, role, type, source);
    size_t place = place_of(reading, claim);
    ia_inventory_set_format(reading->libvirt->inventory, claim,
                            with_encryption(stated_format(disk, type), disk, source));
    if (claim != NULL) {
        claim->read_only |= role == IA_CLAIM_CDROM || ia_xml_child(disk, "readonly") != NULL;
        claim->shareable = ia_xml_child(disk, "shareable") != NULL;
        claim->transient = ia_xml_child(disk, "transient") != NULL;
        claim->is_optional |= ia_libvirt_is(ia_xml_attribute(source, "startupPolicy"), "optional");
    }
    bool is_transient = claim != NULL && claim->transient && role == IA_CLAIM_DISK;
    add_data_store(reading, source);
    read_chain(reading, disk, place);
    read_mirror(reading, disk);
    if (is_transient) {
        IA_AUTO_FREE char *path = strdup(ia_libvirt_machine(reading)->claims.items[place - 1].path);
        if (path == NULL)
            reading->libvirt->inventory->failed = true;
        else
            add_transient_overlay(reading, path);
    }
}

/* -- Whole documents ----------------------------------------------------------------------------------------------- */

static void read_devices(const struct ia_libvirt_reading *reading, const struct ia_xml_node *devices)
{
    for (const struct ia_xml_node *device = devices->first; device != NULL; device = device->next) {
        if (strcmp(device->name, "disk") == 0)
            read_disk(reading, device);
        ia_libvirt_read_device(reading, device);
    }
}

void ia_libvirt_read_domain(struct ia_libvirt *libvirt, size_t machine, enum ia_libvirt_use use,
                            const struct ia_xml_node *domain, const char *file, const char *name)
{
    const struct ia_libvirt_reading reading = {libvirt, machine, use, file, name};
    /* libvirt asks for "./devices/disk", wherever that is. */
    for (const struct ia_xml_node *node = ia_xml_child(domain, "devices"); node != NULL; node = ia_xml_next(node))
        read_devices(&reading, node);
    for (const struct ia_xml_node *node = ia_xml_child(domain, "os"); node != NULL; node = ia_xml_next(node))
        ia_libvirt_read_boot(&reading, node);
    ia_libvirt_read_command_lines(&reading, domain);
}

void ia_libvirt_read_overlays(struct ia_libvirt *libvirt, size_t machine, const struct ia_xml_node *disks,
                              const char *file)
{
    const struct ia_libvirt_reading reading = {libvirt, machine, IA_LIBVIRT_OVERLAY, file, ""};
    for (const struct ia_xml_node *disk = ia_xml_child(disks, "disk"); disk != NULL; disk = ia_xml_next(disk)) {
        const char *format = ia_xml_attribute(ia_xml_child(disk, "driver"), "type");
        struct ia_claim *claim = ia_libvirt_add_source(&reading, IA_CLAIM_RESTORE_POINT, ia_xml_attribute(disk, "type"),
                                                       ia_xml_child(disk, "source"));
        ia_inventory_set_format(libvirt->inventory, claim, ia_libvirt_format(format));
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

static void read_job_files(const struct ia_libvirt_reading *reading, const struct ia_xml_node *jobs)
{
    static const char *const names[] = {"source", "target", "scratch"};
    for (const struct ia_xml_node *node = jobs; node != NULL; node = next_in_document(node, jobs)) {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            const struct ia_xml_node *source = ia_xml_child(node, names[i]);
            struct ia_claim *claim =
                source == NULL ? NULL
                               : ia_libvirt_add_source(reading, IA_CLAIM_OTHER, ia_xml_attribute(node, "type"), source);
            if (claim != NULL)
                claim->is_optional = true;
        }
    }
}

/* <blockjobs> have chains of disks that are gone from the machine, <backups> what they write to. */
void ia_libvirt_read_jobs(struct ia_libvirt *libvirt, size_t machine, const struct ia_xml_node *status,
                          const char *file)
{
    const struct ia_libvirt_reading reading = {libvirt, machine, IA_LIBVIRT_MACHINE, file, ""};
    read_job_files(&reading, ia_xml_child(status, "blockjobs"));
    read_job_files(&reading, ia_xml_child(status, "backups"));
}
