/* SPDX-License-Identifier: MIT */
/* libvirt's files of machines, a function for each kind: definitions, status files, snapshots, saved machines. */
#include "inventory/libvirt_files.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

/* -- Machines ------------------------------------------------------------------------------------------------------ */

static int by_key(const void *left, const void *right)
{
    const struct ia_libvirt_known *a = left;
    const struct ia_libvirt_known *b = right;
    if (a->is_uuid != b->is_uuid)
        return a->is_uuid ? 1 : -1;
    return strcasecmp(a->key, b->key);
}

/* Keys point into machines, whose texts stay where they are. */
void ia_libvirt_list_machines(struct ia_libvirt_files *files, size_t first)
{
    const struct ia_inventory *inventory = files->libvirt.inventory;
    files->known.len = 0;
    for (size_t i = first; i < inventory->machines.len; i++) {
        const struct ia_machine *machine = &inventory->machines.items[i];
        struct ia_libvirt_known one = {machine->uuid != NULL ? machine->uuid : machine->name, machine->uuid != NULL, i};
        if (!ia_vec_push(&files->known, one)) {
            files->libvirt.inventory->failed = true;
            return;
        }
    }
    if (files->known.len > 0)
        qsort(files->known.items, files->known.len, sizeof(files->known.items[0]), by_key);
}

static const struct ia_libvirt_known *look_up(const struct ia_libvirt_files *files, const char *key, bool is_uuid)
{
    const struct ia_libvirt_known wanted = {.key = key, .is_uuid = is_uuid};
    return files->known.len == 0
               ? NULL
               : bsearch(&wanted, files->known.items, files->known.len, sizeof(files->known.items[0]), by_key);
}

/* The machine that a <domain> describes; one is added where there is none. SIZE_MAX: out of memory. */
static size_t machine_of(struct ia_libvirt_files *files, const struct ia_xml_node *domain, const char *name,
                         const char *path)
{
    struct ia_inventory *inventory = files->libvirt.inventory;
    const char *uuid = ia_xml_child_text(domain, "uuid");
    const char *type = ia_xml_attribute(domain, "type");
    const struct ia_libvirt_known *known = look_up(files, uuid != NULL ? uuid : name, uuid != NULL);
    if (known != NULL) {
        struct ia_machine *machine = &inventory->machines.items[known->machine];
        if (machine->defined_ns > inventory->loaded_ns) /* of the oldest file: what was renamed since may be missed */
            machine->defined_ns = inventory->loaded_ns;
        return known->machine;
    }
    bool is_container = type != NULL && strcmp(type, "lxc") == 0;
    struct ia_machine *machine =
        ia_inventory_add_machine(inventory, is_container ? IA_MACHINE_CONTAINER : IA_MACHINE_VM, name, path);
    if (machine == NULL)
        return SIZE_MAX;
    ia_inventory_set_uuid(inventory, machine, uuid);
    machine->state = files->knows_running ? IA_MACHINE_OFF : IA_MACHINE_UNKNOWN;
    return inventory->machines.len - 1;
}

/* The name of a machine; where its XML has none, that of the file or directory. */
static char *name_of(struct ia_libvirt_files *files, const struct ia_xml_node *domain, const char *path)
{
    const char *written = ia_xml_child_text(domain, "name");
    const char *last = strrchr(path, '/') + 1;
    const char *dot = strrchr(last, '.');
    char *name = written != NULL ? strdup(written) : strndup(last, dot == NULL ? strlen(last) : (size_t)(dot - last));
    files->libvirt.inventory->failed = files->libvirt.inventory->failed || name == NULL;
    return name;
}

static void read_domain(struct ia_libvirt_files *files, const struct ia_xml_node *domain, enum ia_libvirt_use use,
                        const char *name, const char *path)
{
    size_t machine = machine_of(files, domain, name, path);
    if (machine != SIZE_MAX)
        ia_libvirt_read_domain(&files->libvirt, machine, use, domain, path, name);
}

/* -- Files --------------------------------------------------------------------------------------------------------- */

/* ETC/DRIVER/NAME.xml */
void ia_libvirt_read_definition(struct ia_inventory *inventory, const char *path, void *ctx)
{
    struct ia_libvirt_files *files = ctx;
    IA_AUTO_XML struct ia_xml_node *root = ia_libvirt_load_xml(&files->libvirt, path);
    if (root == NULL)
        return;
    if (strcmp(root->name, "domain") != 0) {
        ia_inventory_add_problem(inventory, path, "is no machine of libvirt, but <%s>", root->name);
        return;
    }
    IA_AUTO_FREE char *name = name_of(files, root, path);
    if (name != NULL)
        read_domain(files, root, IA_LIBVIRT_MACHINE, name, path);
}

/* What is shutting down runs, and what crashed may have been kept as it was. */
static enum ia_machine_state state_by_word(const char *word)
{
    static const char *const paused[] = {"paused", "pmsuspended", "crashed"};
    if (word != NULL && strcmp(word, "shutoff") == 0)
        return IA_MACHINE_OFF;
    for (size_t i = 0; word != NULL && i < sizeof(paused) / sizeof(paused[0]); i++)
        if (strcmp(word, paused[i]) == 0)
            return IA_MACHINE_PAUSED;
    return IA_MACHINE_RUNNING;
}

/* A machine that was not defined, but made, is in no file once it is off. Those of libguestfs never come again. */
static void note_undefined(struct ia_libvirt_files *files, size_t machine, size_t known)
{
    const struct ia_inventory *inventory = files->libvirt.inventory;
    if (machine >= known && files->undefined == SIZE_MAX &&
        strncmp(inventory->machines.items[machine].name, "guestfs-", 8) != 0)
        files->undefined = machine;
}

/* RUN/DRIVER/NAME.xml: virDomainObjFormat in src/conf/domain_conf.c */
void ia_libvirt_read_status(struct ia_inventory *inventory, const char *path, void *ctx)
{
    struct ia_libvirt_files *files = ctx;
    IA_AUTO_XML struct ia_xml_node *root = ia_libvirt_load_xml(&files->libvirt, path);
    const struct ia_xml_node *domain = ia_xml_child(root, "domain");
    if (root == NULL)
        return;
    if (strcmp(root->name, "domstatus") != 0 || domain == NULL) {
        ia_inventory_add_problem(inventory, path, "is no status of a machine of libvirt, but <%s>", root->name);
        return;
    }
    IA_AUTO_FREE char *name = name_of(files, domain, path);
    size_t known = inventory->machines.len;
    size_t machine = name == NULL ? SIZE_MAX : machine_of(files, domain, name, path);
    if (machine == SIZE_MAX)
        return;
    note_undefined(files, machine, known);
    inventory->machines.items[machine].state = state_by_word(ia_xml_attribute(root, "state"));
    ia_libvirt_read_domain(&files->libvirt, machine, IA_LIBVIRT_MACHINE, domain, path, name);
    ia_libvirt_read_jobs(&files->libvirt, machine, root, path);
}

/* What a snapshot keeps of the machine. Its memory lies in a file of its own where it is external. */
static void read_snapshot_parts(struct ia_libvirt_files *files, size_t machine, const struct ia_xml_node *root,
                                const char *path)
{
    ia_libvirt_read_overlays(&files->libvirt, machine, ia_xml_child(root, "disks"), path);
    ia_libvirt_read_overlays(&files->libvirt, machine, ia_xml_child(root, "revertDisks"), path);
    const char *memory = ia_xml_attribute(ia_xml_child(root, "memory"), "file");
    struct ia_claim *claim =
        memory == NULL || memory[0] != '/'
            ? NULL
            : ia_inventory_add_claim(files->libvirt.inventory, &files->libvirt.inventory->machines.items[machine],
                                     IA_CLAIM_OTHER, memory);
    if (claim != NULL)
        claim->read_only = claim->is_optional = true;
}

/* LIB/DRIVER/snapshot/MACHINE/NAME.xml: virDomainSnapshotDefFormatInternal in src/conf/snapshot_conf.c; the same for
 * checkpoints: checkpoint_conf.c. They have the machine as it was. */
void ia_libvirt_read_snapshot(struct ia_inventory *inventory, const char *path, void *ctx)
{
    struct ia_libvirt_files *files = ctx;
    IA_AUTO_XML struct ia_xml_node *root = ia_libvirt_load_xml(&files->libvirt, path);
    if (root == NULL)
        return;
    bool is_checkpoint = strcmp(root->name, "domaincheckpoint") == 0;
    if (!is_checkpoint && strcmp(root->name, "domainsnapshot") != 0) {
        ia_inventory_add_problem(inventory, path, "is no snapshot of a machine of libvirt, but <%s>", root->name);
        return;
    }
    enum ia_libvirt_use use = is_checkpoint ? IA_LIBVIRT_CHECKPOINT : IA_LIBVIRT_SNAPSHOT;
    const struct ia_xml_node *domain = ia_xml_child(root, "domain");
    const struct ia_xml_node *inactive = ia_xml_child(root, "inactiveDomain");
    IA_AUTO_FREE char *directory = strndup(path, (size_t)(strrchr(path, '/') - path));
    IA_AUTO_FREE char *name = directory == NULL ? NULL : name_of(files, domain, directory);
    size_t machine = name == NULL ? SIZE_MAX : machine_of(files, domain, name, path);
    if (machine == SIZE_MAX)
        return;
    if (domain != NULL)
        ia_libvirt_read_domain(&files->libvirt, machine, use, domain, path, name);
    if (inactive != NULL)
        ia_libvirt_read_domain(&files->libvirt, machine, use, inactive, path, name);
    if (!is_checkpoint)
        read_snapshot_parts(files, machine, root, path);
}

/* LIB/DRIVER/save/NAME.save */
void ia_libvirt_read_save(struct ia_inventory *inventory, const char *path, void *ctx)
{
    struct ia_libvirt_files *files = ctx;
    IA_AUTO_XML struct ia_xml_node *root = ia_libvirt_load_saved(&files->libvirt, path);
    IA_AUTO_FREE char *name = root == NULL ? NULL : name_of(files, root, path);
    if (name != NULL && strcmp(root->name, "domain") == 0)
        read_domain(files, root, IA_LIBVIRT_MACHINE, name, path);
    else if (name != NULL)
        ia_inventory_add_problem(inventory, path, "holds no machine of libvirt, but <%s>", root->name);
}
