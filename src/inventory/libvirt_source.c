/* SPDX-License-Identifier: MIT */
/* Where files of a <domain> of libvirt are: the <source> of disks and of what is like them (formatdomain.html, and
 * virDomainStorageSourceParse in libvirt's src/conf/domain_conf.c). */
#include <string.h>

#include "base/cleanup.h"
#include "inventory/libvirt_reading.h"

struct ia_claim *ia_libvirt_add(const struct ia_libvirt_reading *reading, enum ia_claim_role role, const char *path)
{
    struct ia_inventory *inventory = reading->libvirt->inventory;
    if (path[0] != '/') {
        ia_inventory_add_problem(inventory, reading->file, "'%s' is no absolute path", path);
        return NULL;
    }
    struct ia_claim *claim = ia_inventory_add_claim(inventory, ia_libvirt_machine(reading), role, path);
    if (claim != NULL && reading->use != IA_LIBVIRT_MACHINE) {
        claim->read_only = true;
        claim->is_optional = role != IA_CLAIM_RESTORE_POINT || reading->use != IA_LIBVIRT_SNAPSHOT;
        claim->is_past = reading->use == IA_LIBVIRT_CHECKPOINT;
    }
    return claim;
}

enum ia_claim_role ia_libvirt_disk_role(const struct ia_libvirt_reading *reading)
{
    return reading->use == IA_LIBVIRT_MACHINE ? IA_CLAIM_DISK : IA_CLAIM_RESTORE_POINT;
}

/* Types of sources, and which attribute of <source> has the path; NULL: it is no local file. */
static const struct source_type {
    const char *word, *attribute;
} source_types[] = {
    {"file", "file"}, {"block", "dev"},    {"dir", "dir"},      {"volume", "volume"}, {"network", NULL},
    {"nvme", NULL},   {"vhostuser", NULL}, {"vhostvdpa", NULL}, {"ctl", NULL},        {"none", NULL},
};

/* -- What servers hand out ----------------------------------------------------------------------------------------- */

static void add_service(const struct ia_libvirt_reading *reading, enum ia_claim_role role, const char *protocol,
                        const char *host, const char *name)
{
    IA_AUTO_BUF struct ia_buf whole = {0};
    if (reading->use == IA_LIBVIRT_CHECKPOINT)
        return;
    ia_buf_addf(&whole, "%s://%s/%s", protocol, host == NULL ? "" : host, name == NULL ? "" : name);
    reading->libvirt->inventory->failed |= whole.failed;
    if (!whole.failed)
        ia_inventory_add_service(reading->libvirt->inventory, reading->machine, role, host, whole.data, reading->file);
}

/* A disk of the type network (virDomainStorageNetworkParseHosts). Ceph and Sheepdog store objects, and no files. */
static void add_network(const struct ia_libvirt_reading *reading, enum ia_claim_role role,
                        const struct ia_xml_node *source)
{
    const char *protocol = ia_xml_attribute(source, "protocol");
    const char *name = ia_xml_attribute(source, "name");
    const struct ia_xml_node *host = ia_xml_child(source, "host");
    if (protocol == NULL || strcmp(protocol, "rbd") == 0 || strcmp(protocol, "sheepdog") == 0)
        return;
    if (host == NULL)
        add_service(reading, role, protocol, NULL, name);
    for (; host != NULL; host = ia_xml_next(host)) {
        bool is_socket = ia_libvirt_is(ia_xml_attribute(host, "transport"), "unix");
        add_service(reading, role, protocol, is_socket ? NULL : ia_xml_attribute(host, "name"), name);
    }
}

/* -- Files --------------------------------------------------------------------------------------------------------- */

/* Of a pool with two targets each may have the volume. The claim of the first one is returned. */
static struct ia_claim *add_volume(const struct ia_libvirt_reading *reading, enum ia_claim_role role,
                                   const char *pool_name, const char *volume)
{
    struct ia_inventory *inventory = reading->libvirt->inventory;
    size_t count = 0;
    const struct ia_libvirt_pool *pools = ia_libvirt_find_pools(reading->libvirt, pool_name, &count);
    struct ia_claim *claim = NULL;
    if (pools == NULL)
        ia_inventory_add_problem(inventory, reading->file, "volume '%s': there is no storage pool '%s'", volume,
                                 pool_name);
    for (size_t i = count; i-- > 0;) {
        IA_AUTO_BUF struct ia_buf path = {0};
        if (pools[i].service != NULL)
            add_service(reading, role, pools[i].service, pools[i].host, volume);
        if (pools[i].target == NULL)
            continue;
        ia_buf_addf(&path, "%s/%s", pools[i].target, volume);
        inventory->failed |= path.failed;
        claim = path.failed ? NULL : ia_libvirt_add(reading, role, path.data);
        if (claim != NULL)
            claim->is_optional |= i > 0;
    }
    return claim;
}

struct ia_claim *ia_libvirt_add_source(const struct ia_libvirt_reading *reading, enum ia_claim_role role,
                                       const char *type, const struct ia_xml_node *source)
{
    const struct source_type *known = source_types;
    const struct source_type *end = source_types + sizeof(source_types) / sizeof(source_types[0]);
    while (known < end && strcmp(known->word, type == NULL ? "file" : type) != 0)
        known++;
    if (known == end) {
        ia_inventory_add_problem(reading->libvirt->inventory, reading->file, "a disk of the unknown type '%s'", type);
        return NULL;
    }
    if (ia_libvirt_is(type, "network"))
        add_network(reading, role, source);
    else if (ia_libvirt_is(type, "vhostuser")) /* a daemon here has the image */
        add_service(reading, role, type, NULL, ia_xml_attribute(source, "path"));
    else if (ia_libvirt_is(type, "vhostvdpa")) /* so it may by way of VDUSE */
        add_service(reading, role, type, NULL, ia_xml_attribute(source, "dev"));
    const char *path = known->attribute == NULL ? NULL : ia_xml_attribute(source, known->attribute);
    if (path == NULL || path[0] == '\0')
        return NULL;
    const char *pool = ia_xml_attribute(source, "pool");
    struct ia_claim *claim = ia_libvirt_is(type, "volume") ? add_volume(reading, role, pool == NULL ? "" : pool, path)
                                                           : ia_libvirt_add(reading, role, path);
    if (claim != NULL)
        claim->is_directory = ia_libvirt_is(type, "dir");
    return claim;
}

const char *ia_libvirt_format(const char *format)
{
    static const char *const same[] = {"raw", "bochs", "cloop", "dmg", "vpc", "vdi", "qcow", "qcow2", "qed", "vmdk"};
    for (size_t i = 0; format != NULL && i < sizeof(same) / sizeof(same[0]); i++)
        if (strcmp(same[i], format) == 0)
            return same[i];
    if (ia_libvirt_is(format, "iso") || ia_libvirt_is(format, "aio")) /* the latter is written for Xen */
        return "raw";
    return ia_libvirt_is(format, "vhd") ? "vpc" : NULL;
}
