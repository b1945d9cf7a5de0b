/* SPDX-License-Identifier: MIT */
/* OpenNebula: a machine's directory DATASTORE/NUMBER has its disks as disk.N, and where these are qcow2 with snapshots
 * the link disk.N to the file of disk.N.snap that is in use; the others there are snapshots, or what incremental
 * backups begin with (src/tm_mad/qcow2/ln, clone and snap_create, src/tm_mad/lib/backup_qcow2.rb). Images that persist
 * have the same beside them in an image datastore: datastores/NUMBER/HASH and HASH.snap. While a machine that runs is
 * backed up it writes into an overlay in `tmp`; backups lie in `backup` until they are taken away, and by rsync in a
 * backup datastore: datastores/NUMBER/MACHINE/ID (src/datastore_mad/remotes/rsync/backup). */
#include "inventory/places.h"

#define VM(forms, role, number)                                                                                        \
    {                                                                                                                  \
        forms, IA_CLAIM_##role, IA_MACHINE_VM, number, "one-", NULL                                                    \
    }
#define STORE(forms, role, number)                                                                                     \
    {                                                                                                                  \
        forms, IA_CLAIM_##role, IA_MACHINE_STORAGE, number, "datastore ", NULL                                         \
    }

static const struct ia_place places[] = {
    VM("#/disk.#", DISK, 1),
    VM("#/disk.#.snap/#", RESTORE_POINT, 2),
    VM("#/disk.#.snap/base", RESTORE_POINT, 2),
    VM("#/disk.#.snap/base.#", RESTORE_POINT, 2),
    VM("#/tmp/overlay_#.qcow2", DISK, 2),
    VM("#/backup/disk.#.#", RESTORE_POINT, 2),
    VM("datastores/#/#/H/disk.#.#", RESTORE_POINT, 2),
    STORE("datastores/#/H", TEMPLATE, 1),
    STORE("datastores/#/H.snap/#", RESTORE_POINT, 2),
};

const struct ia_beside_reader ia_opennebula_reader = {IA_PLACES("opennebula", places)};
