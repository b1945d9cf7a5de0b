/* SPDX-License-Identifier: MIT */
/* libvirt[:DIR]: the files that libvirt keeps of its machines and storage pools. Where they are: for each driver
 * virQEMUDriverConfigNew and its like (src/qemu/qemu_conf.c), and virDomainObjListLoadAllConfigs. Nobody asks the
 * daemon: machines are there when it does not run, too. */
#include "inventory/libvirt.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "inventory/libvirt_files.h"
#include "inventory/libvirt_place.h"

/* -- Directories --------------------------------------------------------------------------------------------------- */

typedef void read_file(struct ia_inventory *inventory, const char *path, void *ctx);

/* Reads the files of ROOT/DRIVER/BELOW that end in `suffix`. */
static void read_directory(struct ia_libvirt_files *files, const char *root, const char *driver, const char *below,
                           const char *suffix, read_file *each)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    ia_buf_addf(&path, "%s/%s%s", root, driver, below);
    if (path.failed)
        files->libvirt.inventory->failed = true;
    else
        ia_inventory_each_file(files->libvirt.inventory, path.data, suffix, each, files);
}

/* A directory for each machine. */
static void read_machine_directory(struct ia_inventory *inventory, const char *path, void *ctx)
{
    struct stat st;
    if (stat(path, &st) != 0 || S_ISDIR(st.st_mode)) /* what cannot be looked at is a problem when it is listed */
        ia_inventory_each_file(inventory, path, ".xml", ia_libvirt_read_snapshot, ctx);
}

static const char *const drivers[] = {"qemu", "lxc", "libxl", "xen",    "ch",  "bhyve",
                                      "vbox", "uml", "vz",    "openvz", "test"};
enum { DRIVERS = sizeof(drivers) / sizeof(drivers[0]) };

/* Sessions of users have "run" between. */
static void read_running(struct ia_libvirt_files *files, const char *run)
{
    for (size_t i = 0; i < DRIVERS; i++) {
        read_directory(files, run, drivers[i], "", ".xml", ia_libvirt_read_status);
        read_directory(files, run, drivers[i], "/run", ".xml", ia_libvirt_read_status);
    }
}

static void read_kept(struct ia_libvirt_files *files, const char *root)
{
    for (size_t i = 0; i < DRIVERS; i++) {
        read_directory(files, root, drivers[i], "/snapshot", "", read_machine_directory);
        read_directory(files, root, drivers[i], "/checkpoint", "", read_machine_directory);
        read_directory(files, root, drivers[i], "/save", ".save", ia_libvirt_read_save);
    }
}

static void read_pools(struct ia_libvirt_files *files, const struct ia_libvirt_place *place)
{
    static const char *const below[] = {"/storage", "/storage/run"};
    for (size_t i = 0; i < 1 + place->runs; i++) {
        const char *root = i == 0 ? place->etc : place->run[i - 1];
        for (size_t k = 0; k < 2 && root != NULL; k++) {
            IA_AUTO_BUF struct ia_buf path = {0};
            ia_buf_addf(&path, "%s%s", root, below[k]);
            if (path.failed)
                files->libvirt.inventory->failed = true;
            else
                ia_libvirt_read_pools(&files->libvirt, path.data);
        }
    }
    ia_libvirt_settle_pools(&files->libvirt);
}

/* Whoever made one may have made others, which are off. */
static void report_undefined(const struct ia_libvirt_files *files, const char *place)
{
    if (files->undefined == SIZE_MAX || files->libvirt.inventory->failed)
        return;
    const struct ia_machine *machine = &files->libvirt.inventory->machines.items[files->undefined];
    ia_inventory_add_problem(files->libvirt.inventory, place,
                             "machine '%s' (%s) runs and is not defined here: where it comes from there may be others, "
                             "which are off",
                             machine->name, machine->defined_in);
}

static void read_all(struct ia_libvirt_files *files, const struct ia_libvirt_place *place)
{
    struct ia_inventory *inventory = files->libvirt.inventory;
    size_t first = inventory->machines.len;
    files->knows_running = place->runs > 0;
    read_pools(files, place);
    for (size_t i = 0; i < DRIVERS; i++)
        read_directory(files, place->etc, drivers[i], "", ".xml", ia_libvirt_read_definition);
    ia_libvirt_list_machines(files, first);
    for (size_t i = 0; i < place->runs; i++)
        read_running(files, place->run[i]);
    report_undefined(files, place->etc);
    ia_libvirt_list_machines(files, first);
    read_kept(files, place->etc);
    if (place->lib != NULL)
        read_kept(files, place->lib);
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
    struct ia_libvirt_files files = {.libvirt = {.inventory = inventory}, .undefined = SIZE_MAX};
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
        read_all(&files, &places);
    ia_vec_release(&files.known);
    ia_libvirt_release(&files.libvirt);
    ia_libvirt_place_release(&places);
}

static void each_place(const char *place, void (*each)(void *ctx, const char *path), void *ctx)
{
    struct ia_libvirt_place places = {0};
    if (ia_libvirt_place_find(place, &places)) {
        const char *const all[] = {places.etc, places.run[0], places.run[1], places.lib};
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
            if (all[i] != NULL)
                each(ctx, all[i]);
    }
    ia_libvirt_place_release(&places);
}

/* What a place without a tilde means is the same. */
static char *at_home(const char *place)
{
    struct ia_libvirt_place places = {0};
    char *home = place[0] == '~' && ia_libvirt_place_find(place, &places) ? strdup(places.etc) : NULL;
    ia_libvirt_place_release(&places);
    return home;
}

const struct ia_inventory_reader ia_libvirt_reader = {.kind = "libvirt",
                                                      .place = "/etc/libvirt",
                                                      .is_there = is_there,
                                                      .each_place = each_place,
                                                      .at_home = at_home,
                                                      .read = read_libvirt};
