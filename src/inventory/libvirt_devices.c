/* SPDX-License-Identifier: MIT */
/* What a <domain> of libvirt uses besides disks: other devices, and what it boots from. */
#include <string.h>

#include "inventory/libvirt_reading.h"

/* A directory that the machine sees, or an image with the file system of a container. */
static void read_filesystem(const struct ia_libvirt_reading *reading, const struct ia_xml_node *filesystem)
{
    const char *type = ia_xml_attribute(filesystem, "type");
    const struct ia_xml_node *driver = ia_xml_child(filesystem, "driver");
    const struct ia_xml_node *source = ia_xml_child(filesystem, "source");
    if (ia_libvirt_is(type, "file") || ia_libvirt_is(type, "block") || ia_libvirt_is(type, "volume")) {
        struct ia_claim *claim = ia_libvirt_add_source(reading, ia_libvirt_disk_role(reading), type, source);
        ia_inventory_set_format(reading->libvirt->inventory, claim,
                                ia_libvirt_format(ia_xml_attribute(driver, "format")));
        if (claim != NULL)
            claim->read_only |= ia_xml_child(filesystem, "readonly") != NULL;
        return;
    }
    const char *directory = ia_xml_attribute(source, "dir"); /* a socket, memory or a template: none */
    if (directory == NULL || directory[0] != '/')
        return;
    struct ia_claim *claim = ia_libvirt_add(reading, IA_CLAIM_OTHER, directory);
    if (claim != NULL)
        claim->is_directory = true;
}

/* Memory that is kept in a file is as good as a disk to the guest. */
static void read_memory(const struct ia_libvirt_reading *reading, const struct ia_xml_node *memory)
{
    const char *path = ia_xml_child_text(ia_xml_child(memory, "source"), "path");
    struct ia_claim *claim = path == NULL ? NULL : ia_libvirt_add(reading, ia_libvirt_disk_role(reading), path);
    ia_inventory_set_format(reading->libvirt->inventory, claim, "raw");
}

/* Made at the start, or needed for it, and read by the machine as bytes. */
static void add_optional(const struct ia_libvirt_reading *reading, enum ia_claim_role role, const char *path,
                         bool is_directory)
{
    struct ia_claim *claim = path == NULL || path[0] != '/' ? NULL : ia_libvirt_add(reading, role, path);
    if (claim == NULL)
        return;
    claim->is_optional = true;
    claim->is_directory = is_directory;
}

/* What an emulated TPM keeps, since libvirt 10.10 where the definition has that. */
static void read_tpm(const struct ia_libvirt_reading *reading, const struct ia_xml_node *tpm)
{
    const struct ia_xml_node *source = ia_xml_child(ia_xml_child(tpm, "backend"), "source");
    const char *type = ia_xml_attribute(source, "type");
    if (ia_libvirt_is(type, "file") || ia_libvirt_is(type, "dir"))
        add_optional(reading, IA_CLAIM_FIRMWARE, ia_xml_attribute(source, "path"), ia_libvirt_is(type, "dir"));
}

/* Where a serial port and its like write to. */
static void read_character_device(const struct ia_libvirt_reading *reading, const struct ia_xml_node *device)
{
    static const char *const names[] = {"serial", "console", "parallel", "channel"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(device->name, names[i]) != 0)
            continue;
        if (ia_libvirt_is(ia_xml_attribute(device, "type"), "file"))
            add_optional(reading, IA_CLAIM_OTHER, ia_xml_attribute(ia_xml_child(device, "source"), "path"), false);
        add_optional(reading, IA_CLAIM_OTHER, ia_xml_attribute(ia_xml_child(device, "log"), "file"), false);
    }
}

void ia_libvirt_read_device(const struct ia_libvirt_reading *reading, const struct ia_xml_node *device)
{
    if (strcmp(device->name, "filesystem") == 0)
        read_filesystem(reading, device);
    else if (strcmp(device->name, "memory") == 0)
        read_memory(reading, device);
    else if (strcmp(device->name, "tpm") == 0)
        read_tpm(reading, device);
    else
        read_character_device(reading, device);
    add_optional(reading, IA_CLAIM_FIRMWARE, ia_xml_attribute(ia_xml_child(device, "rom"), "file"), false);
}

static void add_firmware(const struct ia_libvirt_reading *reading, const char *path, bool is_written)
{
    struct ia_claim *claim = path == NULL || path[0] != '/' ? NULL : ia_libvirt_add(reading, IA_CLAIM_FIRMWARE, path);
    if (claim == NULL)
        return;
    claim->read_only |= !is_written;
    claim->is_optional |= is_written; /* made from the template at the start */
}

/* The variables of UEFI in an image or a block device of their own. */
static void read_variables(const struct ia_libvirt_reading *reading, const struct ia_xml_node *nvram)
{
    const struct ia_xml_node *source = ia_xml_child(nvram, "source");
    struct ia_claim *claim =
        source == NULL ? NULL
                       : ia_libvirt_add_source(reading, IA_CLAIM_FIRMWARE, ia_xml_attribute(nvram, "type"), source);
    if (claim != NULL)
        claim->is_optional = true;
}

void ia_libvirt_read_boot(const struct ia_libvirt_reading *reading, const struct ia_xml_node *os)
{
    static const char *const whole[] = {"kernel", "initrd", "dtb", "shim", "loader"};
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        add_firmware(reading, ia_xml_child_text(os, whole[i]), false);
    const struct ia_xml_node *nvram = ia_xml_child(os, "nvram");
    if (nvram != NULL) {
        add_firmware(reading, nvram->text, true);
        read_variables(reading, nvram);
        add_firmware(reading, ia_xml_attribute(nvram, "template"), false);
    }
    const struct ia_xml_node *variables = ia_xml_child(os, "varstore");
    add_firmware(reading, ia_xml_attribute(variables, "path"), true);
    add_firmware(reading, ia_xml_attribute(variables, "template"), false);
    for (const struct ia_xml_node *table = ia_xml_child(ia_xml_child(os, "acpi"), "table"); table != NULL;
         table = ia_xml_next(table))
        add_firmware(reading, table->text, false);
}
