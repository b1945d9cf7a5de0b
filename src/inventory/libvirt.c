/* SPDX-License-Identifier: MIT */
/* libvirt[:DIR]: the files that libvirt keeps of its machines and storage pools. Where they are: for each driver
 * virQEMUDriverConfigNew and its like (src/qemu/qemu_conf.c), and virDomainObjListLoadAllConfigs. Nobody asks the
 * daemon: machines are there when it does not run, too. */
#include "inventory/libvirt.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "inventory/libvirt_place.h"

/* A machine by what it is known by. */
struct known {
    const char *key; /* its UUID; without one its name */
    bool is_uuid;
    size_t machine;
};

struct state {
    struct ia_libvirt libvirt;
    bool knows_running;         /* what runs was looked for: the others do not */
    size_t undefined;           /* the first machine that runs without a definition; SIZE_MAX: there is none */
    IA_VEC(struct known) known; /* by key; rebuilt between the kinds of files */
};

/* -- Machines ------------------------------------------------------------------------------------------------------ */

static int by_key(const void *left, const void *right)
{
    const struct known *a = left;
    const struct known *b = right;
    if (a->is_uuid != b->is_uuid)
        return a->is_uuid ? 1 : -1;
    return strcasecmp(a->key, b->key);
}

/* Keys point into machines, whose texts stay where they are. */
static void learn(struct state *state, size_t first)
{
    const struct ia_inventory *inventory = state->libvirt.inventory;
    state->known.len = 0;
    for (size_t i = first; i < inventory->machines.len; i++) {
        const struct ia_machine *machine = &inventory->machines.items[i];
        struct known one = {machine->uuid != NULL ? machine->uuid : machine->name, machine->uuid != NULL, i};
        if (!ia_vec_push(&state->known, one)) {
            state->libvirt.inventory->failed = true;
            return;
        }
    }
    if (state->known.len > 0)
        qsort(state->known.items, state->known.len, sizeof(state->known.items[0]), by_key);
}

static const struct known *look_up(const struct state *state, const char *key, bool is_uuid)
{
    const struct known wanted = {.key = key, .is_uuid = is_uuid};
    return state->known.len == 0
               ? NULL
               : bsearch(&wanted, state->known.items, state->known.len, sizeof(state->known.items[0]), by_key);
}

/* The machine that a <domain> describes; one is added where there is none. SIZE_MAX: out of memory. */
static size_t machine_of(struct state *state, const struct ia_xml_node *domain, const char *name, const char *path)
{
    struct ia_inventory *inventory = state->libvirt.inventory;
    const char *uuid = ia_xml_child_text(domain, "uuid");
    const char *type = ia_xml_attribute(domain, "type");
    const struct known *known = look_up(state, uuid != NULL ? uuid : name, uuid != NULL);
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
    machine->state = state->knows_running ? IA_MACHINE_OFF : IA_MACHINE_UNKNOWN;
    return inventory->machines.len - 1;
}

/* The name of a machine; where its XML has none, that of the file or directory. */
static char *name_of(struct state *state, const struct ia_xml_node *domain, const char *path)
{
    const char *written = ia_xml_child_text(domain, "name");
    const char *last = strrchr(path, '/') + 1;
    const char *dot = strrchr(last, '.');
    char *name = written != NULL ? strdup(written) : strndup(last, dot == NULL ? strlen(last) : (size_t)(dot - last));
    state->libvirt.inventory->failed = state->libvirt.inventory->failed || name == NULL;
    return name;
}

static void read_domain(struct state *state, const struct ia_xml_node *domain, enum ia_libvirt_use use,
                        const char *name, const char *path)
{
    size_t machine = machine_of(state, domain, name, path);
    if (machine != SIZE_MAX)
        ia_libvirt_read_domain(&state->libvirt, machine, use, domain, path, name);
}

/* -- Files --------------------------------------------------------------------------------------------------------- */

/* ETC/DRIVER/NAME.xml */
static void read_definition(struct ia_inventory *inventory, const char *path, void *ctx)
{
    struct state *state = ctx;
    IA_AUTO_XML struct ia_xml_node *root = ia_libvirt_load_xml(&state->libvirt, path);
    if (root == NULL)
        return;
    if (strcmp(root->name, "domain") != 0) {
        ia_inventory_add_problem(inventory, path, "is no machine of libvirt, but <%s>", root->name);
        return;
    }
    IA_AUTO_FREE char *name = name_of(state, root, path);
    if (name != NULL)
        read_domain(state, root, IA_LIBVIRT_MACHINE, name, path);
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
static void note_undefined(struct state *state, size_t machine, size_t known)
{
    const struct ia_inventory *inventory = state->libvirt.inventory;
    if (machine >= known && state->undefined == SIZE_MAX &&
        strncmp(inventory->machines.items[machine].name, "guestfs-", 8) != 0)
        state->undefined = machine;
}

/* RUN/DRIVER/NAME.xml: virDomainObjFormat in src/conf/domain_conf.c */
static void read_status(struct ia_inventory *inventory, const char *path, void *ctx)
{
    struct state *state = ctx;
    IA_AUTO_XML struct ia_xml_node *root = ia_libvirt_load_xml(&state->libvirt, path);
    const struct ia_xml_node *domain = ia_xml_child(root, "domain");
    if (root == NULL)
        return;
    if (strcmp(root->name, "domstatus") != 0 || domain == NULL) {
        ia_inventory_add_problem(inventory, path, "is no status of a machine of libvirt, but <%s>", root->name);
        return;
    }
    IA_AUTO_FREE char *name = name_of(state, domain, path);
    size_t known = inventory->machines.len;
    size_t machine = name == NULL ? SIZE_MAX : machine_of(state, domain, name, path);
    if (machine == SIZE_MAX)
        return;
    note_undefined(state, machine, known);
    inventory->machines.items[machine].state = state_by_word(ia_xml_attribute(root, "state"));
    ia_libvirt_read_domain(&state->libvirt, machine, IA_LIBVIRT_MACHINE, domain, path, name);
    ia_libvirt_read_jobs(&state->libvirt, machine, root, path);
}

/* What a snapshot keeps of the machine. Its memory lies in a file of its own where it is external. */
static void read_snapshot_parts(struct state *state, size_t machine, const struct ia_xml_node *root, const char *path)
{
    ia_libvirt_read_overlays(&state->libvirt, machine, ia_xml_child(root, "disks"), path);
    ia_libvirt_read_overlays(&state->libvirt, machine, ia_xml_child(root, "revertDisks"), path);
    const char *memory = ia_xml_attribute(ia_xml_child(root, "memory"), "file");
    struct ia_claim *claim =
        memory == NULL || memory[0] != '/'
            ? NULL
            : ia_inventory_add_claim(state->libvirt.inventory, &state->libvirt.inventory->machines.items[machine],
                                     IA_CLAIM_OTHER, memory);
    if (claim != NULL)
        claim->read_only = claim->is_optional = true;
}

/* LIB/DRIVER/snapshot/MACHINE/NAME.xml: virDomainSnapshotDefFormatInternal in src/conf/snapshot_conf.c; the same for
 * checkpoints: checkpoint_conf.c. They have the machine as it was. */
static void read_snapshot(struct ia_inventory *inventory, const char *path, void *ctx)
{
    struct state *state = ctx;
    IA_AUTO_XML struct ia_xml_node *root = ia_libvirt_load_xml(&state->libvirt, path);
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
    IA_AUTO_FREE char *name = directory == NULL ? NULL : name_of(state, domain, directory);
    size_t machine = name == NULL ? SIZE_MAX : machine_of(state, domain, name, path);
    if (machine == SIZE_MAX)
        return;
    if (domain != NULL)
        ia_libvirt_read_domain(&state->libvirt, machine, use, domain, path, name);
    if (inactive != NULL)
        ia_libvirt_read_domain(&state->libvirt, machine, use, inactive, path, name);
    if (!is_checkpoint)
        read_snapshot_parts(state, machine, root, path);
}

/* LIB/DRIVER/save/NAME.save */
static void read_save(struct ia_inventory *inventory, const char *path, void *ctx)
{
    struct state *state = ctx;
    IA_AUTO_XML struct ia_xml_node *root = ia_libvirt_load_saved(&state->libvirt, path);
    IA_AUTO_FREE char *name = root == NULL ? NULL : name_of(state, root, path);
    if (name != NULL && strcmp(root->name, "domain") == 0)
        read_domain(state, root, IA_LIBVIRT_MACHINE, name, path);
    else if (name != NULL)
        ia_inventory_add_problem(inventory, path, "holds no machine of libvirt, but <%s>", root->name);
}

/* -- Directories --------------------------------------------------------------------------------------------------- */

typedef void read_file(struct ia_inventory *inventory, const char *path, void *ctx);

/* Reads the files of ROOT/DRIVER/BELOW that end in `suffix`. */
static void read_directory(struct state *state, const char *root, const char *driver, const char *below,
                           const char *suffix, read_file *each)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    ia_buf_addf(&path, "%s/%s%s", root, driver, below);
    if (path.failed)
        state->libvirt.inventory->failed = true;
    else
        ia_inventory_each_file(state->libvirt.inventory, path.data, suffix, each, state);
}

/* A directory for each machine. */
static void read_machine_directory(struct ia_inventory *inventory, const char *path, void *ctx)
{
    struct stat st;
    if (stat(path, &st) != 0 || S_ISDIR(st.st_mode)) /* what cannot be looked at is a problem when it is listed */
        ia_inventory_each_file(inventory, path, ".xml", read_snapshot, ctx);
}

static const char *const drivers[] = {"qemu", "lxc", "libxl", "xen",    "ch",  "bhyve",
                                      "vbox", "uml", "vz",    "openvz", "test"};
enum { DRIVERS = sizeof(drivers) / sizeof(drivers[0]) };

/* Sessions of users have "run" between. */
static void read_running(struct state *state, const char *run)
{
    for (size_t i = 0; i < DRIVERS; i++) {
        read_directory(state, run, drivers[i], "", ".xml", read_status);
        read_directory(state, run, drivers[i], "/run", ".xml", read_status);
    }
}

static void read_kept(struct state *state, const char *root)
{
    for (size_t i = 0; i < DRIVERS; i++) {
        read_directory(state, root, drivers[i], "/snapshot", "", read_machine_directory);
        read_directory(state, root, drivers[i], "/checkpoint", "", read_machine_directory);
        read_directory(state, root, drivers[i], "/save", ".save", read_save);
    }
}

static void read_pools(struct state *state, const struct ia_libvirt_place *place)
{
    static const char *const below[] = {"/storage", "/storage/run"};
    for (size_t i = 0; i < 1 + place->runs; i++) {
        const char *root = i == 0 ? place->etc : place->run[i - 1];
        for (size_t k = 0; k < 2 && root != NULL; k++) {
            IA_AUTO_BUF struct ia_buf path = {0};
            ia_buf_addf(&path, "%s%s", root, below[k]);
            if (path.failed)
                state->libvirt.inventory->failed = true;
            else
                ia_libvirt_read_pools(&state->libvirt, path.data);
        }
    }
    ia_libvirt_settle_pools(&state->libvirt);
}

/* Whoever made one may have made others, which are off. */
static void report_undefined(const struct state *state, const char *place)
{
    if (state->undefined == SIZE_MAX || state->libvirt.inventory->failed)
        return;
    const struct ia_machine *machine = &state->libvirt.inventory->machines.items[state->undefined];
    ia_inventory_add_problem(state->libvirt.inventory, place,
                             "machine '%s' (%s) runs and is not defined here: where it comes from there may be others, "
                             "which are off",
                             machine->name, machine->defined_in);
}

static void read_all(struct state *state, const struct ia_libvirt_place *place)
{
    struct ia_inventory *inventory = state->libvirt.inventory;
    size_t first = inventory->machines.len;
    state->knows_running = place->runs > 0;
    read_pools(state, place);
    for (size_t i = 0; i < DRIVERS; i++)
        read_directory(state, place->etc, drivers[i], "", ".xml", read_definition);
    learn(state, first);
    for (size_t i = 0; i < place->runs; i++)
        read_running(state, place->run[i]);
    report_undefined(state, place->etc);
    learn(state, first);
    read_kept(state, place->etc);
    if (place->lib != NULL)
        read_kept(state, place->lib);
    for (size_t i = first; i < inventory->machines.len && !inventory->failed; i++)
        ia_inventory_merge_claims(inventory, &inventory->machines.items[i]);
}

/* -- The reader ---------------------------------------------------------------------------------------------------- */

/* Whether a directory has an entry like that; one that cannot be listed may. */
static bool has_entry(const char *root, const char *driver, const char *suffix)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    ia_buf_addf(&path, "%s/%s", root, driver);
    DIR *opened = path.failed ? NULL : opendir(path.data);
    if (opened == NULL)
        return (errno != ENOENT && errno != ENOTDIR) || (!path.failed && ia_inventory_leads_nowhere(path.data));
    bool found = false;
    for (const struct dirent *entry; !found && (entry = readdir(opened)) != NULL;)
        found = entry->d_name[0] != '.' && ia_path_ends_in(entry->d_name, suffix);
    closedir(opened);
    return found;
}

/* The packages make directories that stay empty where machines are run by other means: there must be a machine. */
static bool is_there(const char *place)
{
    struct ia_libvirt_place places = {0};
    bool found = false;
    if (!ia_libvirt_place_find(place, &places)) {
        ia_libvirt_place_release(&places);
        return ia_inventory_leads_nowhere(place);
    }
    for (size_t i = 0; i < DRIVERS && !found; i++) {
        found = has_entry(places.etc, drivers[i], ".xml");
        for (size_t k = 0; k < places.runs && !found; k++)
            found = has_entry(places.run[k], drivers[i], ".xml");
    }
    ia_libvirt_place_release(&places);
    return found;
}

/* Before the first machine is defined there is no directory for definitions. */
static bool has_driver(const struct ia_libvirt_place *place)
{
    const char *const roots[] = {place->etc, place->lib, place->run[0], place->run[1]};
    for (size_t i = 0; i < DRIVERS * (sizeof(roots) / sizeof(roots[0])); i++) {
        IA_AUTO_BUF struct ia_buf path = {0};
        if (roots[i / DRIVERS] == NULL)
            continue;
        ia_buf_addf(&path, "%s/%s", roots[i / DRIVERS], drivers[i % DRIVERS]);
        if (!path.failed && (access(path.data, F_OK) == 0 || errno != ENOENT || ia_inventory_leads_nowhere(path.data)))
            return true;
    }
    return false;
}

static void read_libvirt(struct ia_inventory *inventory, const char *place)
{
    struct ia_libvirt_place places = {0};
    struct state state = {.libvirt = {.inventory = inventory}, .undefined = SIZE_MAX};
    bool found = ia_libvirt_place_find(place, &places);
    inventory->failed = inventory->failed || places.failed;
    ia_inventory_add_source(inventory, ia_libvirt_reader.kind, places.covers != NULL ? places.covers : place,
                            !places.is_session);
    if (!found)
        ia_inventory_add_problem(inventory, place, "there is no such user or directory%s",
                                 ia_inventory_leads_nowhere(place) ? ", but a symbolic link that leads nowhere" : "");
    else if (!has_driver(&places))
        ia_inventory_add_problem(inventory, places.etc, "has no directory of a driver of libvirt: qemu, lxc...");
    else
        read_all(&state, &places);
    ia_vec_release(&state.known);
    ia_libvirt_release(&state.libvirt);
    ia_libvirt_place_release(&places);
}

const struct ia_inventory_reader ia_libvirt_reader = {
    .kind = "libvirt", .place = "/etc/libvirt", .is_there = is_there, .read = read_libvirt};
