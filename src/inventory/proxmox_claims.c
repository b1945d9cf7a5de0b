/* SPDX-License-Identifier: MIT */
/* What a guest of Proxmox VE claims. */
#include <string.h>

#include "base/cleanup.h"
#include "inventory/proxmox_guest.h"

void px_guest_problem(const struct px_guest *guest, const char *what, const char *which)
{
    ia_inventory_add_problem(guest->from->inventory, guest->from->path, "line %zu: '%s' %s", guest->line, which, what);
}

void px_guest_add_machine(struct px_guest *guest)
{
    const struct px_guest_source *from = guest->from;
    enum ia_machine_kind kind = guest->is_template   ? IA_MACHINE_TEMPLATE
                                : from->is_container ? IA_MACHINE_CONTAINER
                                                     : IA_MACHINE_VM;
    guest->machine =
        ia_inventory_add_machine(from->inventory, kind, guest->name != NULL ? guest->name : from->id, from->path);
    ia_inventory_set_uuid(from->inventory, guest->machine, from->id);
    if (guest->machine != NULL)
        guest->machine->state = from->state;
}

void px_guest_claim(struct px_guest *guest, enum ia_claim_role role, const char *path, const char *format,
                    bool is_optional, const struct px_drive *drive)
{
    if (guest->machine == NULL)
        px_guest_add_machine(guest);
    struct ia_claim *claim = ia_inventory_add_claim(guest->from->inventory, guest->machine, role, path);
    ia_inventory_set_format(guest->from->inventory, claim, format);
    if (claim == NULL)
        return;
    claim->is_optional = is_optional;
    claim->read_only = drive->is_read_only || drive->is_cdrom || guest->section == PX_SNAPSHOT;
    claim->transient = drive->is_transient;
}

enum ia_claim_role px_guest_role(const struct px_guest *guest, const struct px_drive *drive)
{
    if (drive->is_cdrom)
        return IA_CLAIM_CDROM;
    if (drive->key == NULL)
        return IA_CLAIM_OTHER;
    if (guest->section == PX_SNAPSHOT || strcmp(drive->key, "vmstate") == 0)
        return IA_CLAIM_RESTORE_POINT;
    if (strncmp(drive->key, "unused", 6) == 0)
        return IA_CLAIM_UNUSED;
    if (strncmp(drive->key, "efidisk", 7) == 0 || strncmp(drive->key, "tpmstate", 8) == 0)
        return IA_CLAIM_FIRMWARE;
    return guest->is_template ? IA_CLAIM_TEMPLATE : IA_CLAIM_DISK;
}

void px_guest_claim_volume(struct px_guest *guest, const struct px_volume *volume, const struct px_drive *drive,
                           bool is_guess)
{
    bool has_path = volume->place == PX_FILE || volume->place == PX_DEVICE;
    guest->from->inventory->failed |= volume->path.failed;
    /* Logical volumes are there while they are active alone. */
    if (has_path && !volume->path.failed)
        px_guest_claim(guest, px_guest_role(guest, drive), volume->path.data, volume->format,
                       is_guess || volume->place == PX_DEVICE, drive);
    else if (volume->place == PX_NOWHERE && !is_guess)
        px_guest_problem(guest, "is no volume of its storage", drive->volume);
}

bool px_guest_shares(const struct px_guest *guest, const struct px_storage *storage)
{
    return !guest->from->is_foreign || (storage->is_shared && px_storage_is_here(guest->from->storages, storage));
}

static bool is_same_path(const struct px_volume *a, const struct px_volume *b)
{
    return a->path.data != NULL && b->path.data != NULL && strcmp(a->path.data, b->path.data) == 0;
}

/* What a snapshot has of a disk is a state in the disk's own file, or a file of its own. The disk is kept with it. */
static void claim_stored(struct px_guest *guest, const struct px_storage *storage, const char *name,
                         const struct px_drive *drive)
{
    struct px_volume own = {.place = PX_ELSEWHERE};
    struct px_volume state = {.place = PX_ELSEWHERE};
    bool has_state = guest->section == PX_SNAPSHOT && !drive->is_cdrom && strcmp(drive->key, "vmstate") != 0;
    if (!px_guest_shares(guest, storage))
        return;
    px_storage_locate(storage, name, NULL, &own);
    px_guest_claim_volume(guest, &own, drive, false);
    if (has_state && own.place != PX_NOWHERE)
        px_storage_locate(storage, name, guest->snapshot, &state);
    if (!is_same_path(&own, &state))
        px_guest_claim_volume(guest, &state, drive, false);
    ia_buf_release(&own.path);
    ia_buf_release(&state.path);
}

static void claim_id(struct px_guest *guest, char *id, const struct px_drive *drive)
{
    char *colon = strchr(id, ':');
    IA_AUTO_BUF struct ia_buf name = {0};
    if (colon == NULL && strchr(id, '/') == NULL && !guest->from->is_container) { /* a name alone is one of `local` */
        ia_buf_addf(&name, "%s/%s", drive->is_cdrom ? "iso" : guest->from->id, id);
        guest->from->inventory->failed |= name.failed;
        const struct px_storage *local = px_storages_find(guest->from->storages, "local");
        if (!name.failed && local != NULL)
            claim_stored(guest, local, name.data, drive);
        return;
    }
    if (colon == NULL || colon == id || colon[1] == '\0') {
        px_guest_problem(guest, "is no volume", id);
        return;
    }
    *colon = '\0';
    const struct px_storage *storage = px_storages_find(guest->from->storages, id);
    if (storage != NULL)
        claim_stored(guest, storage, colon + 1, drive);
    else if (!drive->is_cdrom) /* installation media go with their storage */
        px_guest_problem(guest, "is no storage of storage.cfg", id);
}

/* What it sees of the host. */
static void claim_directory(struct px_guest *guest, const char *path, const struct px_drive *drive)
{
    struct ia_machine *machine = guest->machine;
    size_t count = machine == NULL ? 0 : machine->claims.len;
    px_guest_claim(guest, IA_CLAIM_OTHER, path, NULL, true, drive);
    machine = guest->machine;
    if (machine != NULL && machine->claims.len > count)
        machine->claims.items[count].is_directory = true;
}

void px_guest_claim_drive(struct px_guest *guest, char *volume, struct px_drive *drive)
{
    drive->volume = volume;
    if (strcmp(volume, "none") == 0 || strcmp(volume, "cdrom") == 0)
        return;
    if (volume[0] != '/') {
        claim_id(guest, volume, drive);
        return;
    }
    bool is_device = strncmp(volume, "/dev/", 5) == 0;
    if (guest->from->is_foreign)
        return;
    /* What is no device is a directory of the host where it is a container's, which is mounted there. */
    if (is_device || !guest->from->is_container)
        px_guest_claim(guest, px_guest_role(guest, drive), volume,
                       is_device && drive->format == NULL ? "raw" : drive->format, is_device, drive);
    else
        claim_directory(guest, volume, drive);
}
