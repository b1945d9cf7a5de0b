/* SPDX-License-Identifier: MIT */
/* Longhorn: a replica is a directory with a volume's head and its snapshots (longhorn-engine, pkg/replica/replica.go),
 * below DISK/replicas on a disk of Longhorn's, with backing images in DISK/backing-images/NAME/backing
 * (longhorn-manager, types/types.go). What is made on what is in files beside these, and for the format's driver. All
 * are kept, those that are marked as removed too, for they are read until they were merged. */
#include <string.h>

#include "base/path.h"
#include "chain/described.h"
#include "inventory/places.h"

static const struct ia_place places[] = {
    {"replicas/*/volume-head-#.img", IA_CLAIM_DISK, IA_MACHINE_VM, 1, "", "raw"},
    {"replicas/*/?volume-snap-*.img", IA_CLAIM_RESTORE_POINT, IA_MACHINE_VM, 1, "", "raw"},
    {"backing-images/*/backing", IA_CLAIM_TEMPLATE, IA_MACHINE_STORAGE, 1, "", NULL},
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

/* A replica elsewhere, a copy or one that is recovered, is described by what lies beside its files. */
static const struct ia_place anywhere[] = {
    {"volume-head-#.img", IA_CLAIM_DISK, IA_MACHINE_VM, 1, "", NULL},
    {"?volume-snap-*.img", IA_CLAIM_RESTORE_POINT, IA_MACHINE_VM, 1, "", NULL},
};
enum { ANYWHERE = sizeof(anywhere) / sizeof(anywhere[0]) };

static const struct ia_place *place_of(const char *path, const struct ia_format **format)
{
    const struct ia_place *place = ia_place_of(places, PLACES, path);
    *format = ia_described_format(path);
    return place == NULL && *format != NULL ? ia_place_of(anywhere, ANYWHERE, path) : place;
}

/* Most files are called otherwise. */
static bool takes(const char *path)
{
    const struct ia_format *format;
    const char *name = ia_path_name(path);
    bool may_be = strncmp(name, "volume-", 7) == 0 || strcmp(name, "backing") == 0;
    return may_be && place_of(path, &format) != NULL;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is every reader's */
static void read_file(struct ia_inventory *inventory, const char *path, char *text, size_t len)
{
    (void)text;
    (void)len;
    const struct ia_format *format;
    const struct ia_place *place = place_of(path, &format);
    struct ia_claim *claim = place == NULL ? NULL : ia_place_claim(inventory, place, path);
    if (claim != NULL && format != NULL)
        ia_inventory_set_format(inventory, claim, format->name);
}

const struct ia_beside_reader ia_longhorn_reader = {
    .kind = "longhorn", .formats = "", .by_name = true, .takes = takes, .read = read_file};
