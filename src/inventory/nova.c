/* SPDX-License-Identifier: MIT */
/* OpenStack: the directory of an instance, called by its UUID (before Grizzly: instance-NUMBER), has disks of fixed
 * names (nova/virt/libvirt/blockinfo.py, driver.py). UUID_resize is what a resize can be undone with, UUID_del what is
 * about to be deleted (driver.py: _cleanup_resize, delete_instance_files). disk.info beside them has the format of each
 * (imagebackend.py: resolve_driver_format): without it a disk of raw format that looks like another one, by what its
 * guest wrote, would be taken for that. Images of glance, and volumes of cinder on shared directories
 * (cinder/volume/drivers/remotefs.py), are known by their places. */
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "chain/json_options.h"
#include "inventory/places.h"

#define DISK_INFO_BYTES (INT64_C(1) << 20)

struct name {
    const char *form;
    enum ia_claim_role role;
};

static const struct name names[] = {
    {"disk", IA_CLAIM_DISK},        {"disk.local", IA_CLAIM_DISK},          {"disk.swap", IA_CLAIM_DISK},
    {"disk.eph#", IA_CLAIM_DISK},   {"disk.rescue", IA_CLAIM_DISK},         {"disk.config", IA_CLAIM_CDROM},
    {"disk.gpu", IA_CLAIM_OTHER},   {"disk.config.rescue", IA_CLAIM_CDROM}, {"kernel", IA_CLAIM_FIRMWARE},
    {"ramdisk", IA_CLAIM_FIRMWARE}, {"kernel.rescue", IA_CLAIM_FIRMWARE},   {"ramdisk.rescue", IA_CLAIM_FIRMWARE},
};

static const struct name directories[] = {
    {"U", IA_CLAIM_DISK},
    {"instance-H", IA_CLAIM_DISK},
    {"U_resize", IA_CLAIM_RESTORE_POINT},
    {"U_del", IA_CLAIM_UNUSED},
};

static const struct name *find(const struct name *all, size_t count, struct ia_place_component component)
{
    for (size_t i = 0; i < count; i++)
        if (ia_place_has_form(component, all[i].form))
            return &all[i];
    return NULL;
}

static const struct name *name_of(const char *path)
{
    return find(names, sizeof(names) / sizeof(names[0]), ia_place_component(path, 0));
}

static const struct name *directory_of(const char *path)
{
    return find(directories, sizeof(directories) / sizeof(directories[0]), ia_place_component(path, 1));
}

static bool takes(const char *path)
{
    char first = ia_path_name(path)[0]; /* most files have another one */
    return (first == 'd' || first == 'k' || first == 'r') && directory_of(path) != NULL && name_of(path) != NULL;
}

/* disk.info is an object: the disk's path on the compute node, and its format. */
static void set_format(struct ia_inventory *inventory, struct ia_claim *claim, const char *info, const char *text)
{
    IA_AUTO_JSON_OPTIONS struct ia_json_options options = {0};
    if (ia_json_options_read(text, &options, NULL) != IA_OK)
        inventory->failed = true;
    else if (!options.accepted)
        ia_inventory_add_problem(inventory, info, "is no JSON object");
    for (size_t i = 0; i < options.all.len; i++)
        if (options.all.items[i].is_text &&
            strcmp(ia_path_name(options.all.items[i].key), ia_path_name(claim->path)) == 0)
            ia_inventory_set_format(inventory, claim, options.all.items[i].value);
}

static void look_up_format(struct ia_inventory *inventory, struct ia_claim *claim)
{
    IA_AUTO_BUF struct ia_buf info = {0};
    IA_AUTO_BUF struct ia_buf text = {0};
    struct stat st;
    ia_buf_add(&info, claim->path, ia_path_directory_length(claim->path));
    ia_buf_add_str(&info, "disk.info");
    inventory->failed = inventory->failed || info.failed;
    if (!info.failed && lstat(info.data, &st) == 0 && S_ISREG(st.st_mode) &&
        ia_inventory_load(inventory, info.data, DISK_INFO_BYTES, &text))
        set_format(inventory, claim, info.data, text.data);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is every reader's */
static void read_file(struct ia_inventory *inventory, const char *path, char *text, size_t len)
{
    (void)text;
    (void)len;
    const struct name *directory = directory_of(path);
    struct ia_place place = {.role = name_of(path)->role, .kind = IA_MACHINE_VM, .machine = 1, .named = ""};
    if (place.role == IA_CLAIM_DISK)
        place.role = directory->role;
    struct ia_claim *claim = ia_place_claim(inventory, &place, path);
    if (claim != NULL && (place.role == IA_CLAIM_DISK || place.role == IA_CLAIM_RESTORE_POINT))
        look_up_format(inventory, claim);
}

const struct ia_beside_reader ia_nova_reader = {
    .kind = "nova", .formats = "", .by_name = true, .takes = takes, .read = read_file};

#define STORE(forms, role, number)                                                                                     \
    {                                                                                                                  \
        forms, IA_CLAIM_##role, IA_MACHINE_STORAGE, number, "", NULL                                                   \
    }

static const struct ia_place glance[] = {STORE("glance/images/U", TEMPLATE, 1)};
const struct ia_beside_reader ia_glance_reader = {IA_PLACES("glance", glance)};

static const struct ia_place cinder[] = {
    STORE("mnt/H/volume-U", DISK, 1),
    STORE("mnt/H/volume-U.U", RESTORE_POINT, 1),
};
const struct ia_beside_reader ia_cinder_reader = {IA_PLACES("cinder", cinder)};

/* -- Images that are copied or overlaid, and in no use by themselves ------------------------------------------------
 */

/* imagecache.py and imagebackend.py: an image by the SHA-1 of its UUID, of another size, of an empty file system (which
 * has no partition table), and for swap. */
bool ia_inventory_is_image_by_place(const char *path)
{
    static const char *const forms[] = {"H", "H_#", "ephemeral_*", "swap_#"};
    struct ia_place_component name = ia_place_component(path, 0);
    if (!ia_place_has_form(ia_place_component(path, 1), "_base"))
        return false;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (ia_place_has_form(name, forms[i]))
            return true;
    return false;
}
