/* SPDX-License-Identifier: MIT */
/* What reads the configuration of one guest of Proxmox VE. Private to proxmox_*.c. */
#ifndef IA_INVENTORY_PROXMOX_GUEST_H
#define IA_INVENTORY_PROXMOX_GUEST_H

#include "inventory/proxmox.h"

enum px_section {
    PX_MAIN,
    PX_PENDING, /* what holds after the next start */
    PX_SNAPSHOT,
    PX_SPECIAL /* what Proxmox VE keeps for itself */
};

struct px_guest {
    const struct px_guest_source *from;
    struct ia_machine *machine; /* NULL: not added yet */
    const char *name;
    bool is_template;
    enum px_section section;
    const char *snapshot; /* its name */
    size_t line;
};

/* What the value of a drive or of a mount point has. */
struct px_drive {
    const char *key; /* NULL: it is nothing of the kind */
    const char *volume, *format;
    bool is_cdrom, is_transient, is_read_only;
};

/* The line at which the guest's reader is: '`which`' `what`. */
void px_guest_problem(const struct px_guest *guest, const char *what, const char *which);
void px_guest_add_machine(struct px_guest *guest);

/* Another node's: on this host is what nodes share. */
bool px_guest_shares(const struct px_guest *guest, const struct px_storage *storage);
enum ia_claim_role px_guest_role(const struct px_guest *guest, const struct px_drive *drive);
/* format: NULL where none is stated. is_optional: that it is not there is no finding. */
void px_guest_claim(struct px_guest *guest, enum ia_claim_role role, const char *path, const char *format,
                    bool is_optional, const struct px_drive *drive);
/* A volume that was located; is_guess: it may be none. */
void px_guest_claim_volume(struct px_guest *guest, const struct px_volume *volume, const struct px_drive *drive,
                           bool is_guess);
/* volume: a volume's name with its storage's, or a path; it is written into, and drive->volume set. */
void px_guest_claim_drive(struct px_guest *guest, char *volume, struct px_drive *drive);
/* args: what is handed to QEMU as it is; it is written into. */
void px_guest_read_arguments(struct px_guest *guest, char *value);

#endif
