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

void ia_libvirt_read_device(const struct ia_libvirt_reading *reading, const struct ia_xml_node *device)
{
    if (strcmp(device->name, "filesystem") == 0)
        read_filesystem(reading, device);
    else if (strcmp(device->name, "memory") == 0)
        read_memory(reading, device);
}

static void add_firmware(const struct ia_libvirt_reading *reading, const char *path, bool is_written)
{
    struct ia_claim *claim = path == NULL || path[0] != '/' ? NULL : ia_libvirt_add(reading, IA_CLAIM_FIRMWARE, path);
    if (claim == NULL)
        return;
    claim->read_only |= !is_written;
    claim->is_optional |= is_written; /* made from the template at the start */
}

void ia_libvirt_read_boot(const struct ia_libvirt_reading *reading, const struct ia_xml_node *os)
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
