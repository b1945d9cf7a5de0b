/* SPDX-License-Identifier: MIT */
/* Machines, and the files that they use, as inventories of this host have them: one reader for each kind of inventory.
 * Nothing here opens an image. What an inventory holds is data of the host's administrator or of its users: it is
 * parsed as carefully as an image is. */
#ifndef IA_INVENTORY_INVENTORY_H
#define IA_INVENTORY_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/vec.h"

enum ia_machine_kind {
    IA_MACHINE_VM,
    IA_MACHINE_CONTAINER,
    IA_MACHINE_TEMPLATE, /* machines are made from it; it never runs */
    IA_MACHINE_STORAGE,  /* no machine: volumes that a platform keeps for none, or images that it hands out */
    IA_MACHINE_LIST,     /* the lines of a list that name no machine */
    IA_MACHINE_KINDS
};
const char *ia_machine_kind_word(enum ia_machine_kind kind);

enum ia_machine_state { IA_MACHINE_UNKNOWN, IA_MACHINE_RUNNING, IA_MACHINE_PAUSED, IA_MACHINE_OFF, IA_MACHINE_STATES };
const char *ia_machine_state_word(enum ia_machine_state state);

enum ia_claim_role {
    IA_CLAIM_DISK,
    IA_CLAIM_RESTORE_POINT, /* somebody may go back to it: a snapshot, a backup */
    IA_CLAIM_TEMPLATE,      /* others are made from it */
    IA_CLAIM_CDROM,
    IA_CLAIM_FLOPPY,
    IA_CLAIM_FIRMWARE, /* a kernel, an initrd, firmware and its variables */
    IA_CLAIM_BACKING,  /* lies below a disk of the machine, or below a restore point */
    IA_CLAIM_UNUSED,   /* kept with the machine, attached to nothing */
    IA_CLAIM_OTHER,
    IA_CLAIM_ROLES
};
const char *ia_claim_role_word(enum ia_claim_role role);
/* A CD, a floppy disk, firmware: no file of the machine's own. */
static inline bool ia_claim_role_is_medium(enum ia_claim_role role)
{
    return role == IA_CLAIM_CDROM || role == IA_CLAIM_FLOPPY || role == IA_CLAIM_FIRMWARE;
}
/* IA_CLAIM_ROLES for a word that is none. */
enum ia_claim_role ia_claim_role_by_word(const char *word, size_t len);

/* One statement: this machine uses this file. */
struct ia_claim {
    char *path;   /* owned, absolute; as written, or put together by the reader from what is written; or the name of
                   * what a server has (struct ia_inventory_service) */
    char *format; /* owned, a format of QEMU, as stated; NULL: it is not */
    enum ia_claim_role role;
    bool read_only;
    bool shareable;    /* several machines may write to it at a time */
    bool transient;    /* what is written to it is thrown away */
    bool is_optional;  /* it need not be there */
    bool is_past;      /* it need not be anywhere: nobody goes back to it */
    bool knows_parent; /* the claim after it, if that is over it, has all that lies directly below; else nothing does */
    bool is_directory; /* what the machine sees of it are files */
    /* Of what lies below another claim of the same machine: 1 and the place of that among the claims; 0: below none.
     * What that one's image names by itself counts as any backing file does, and is not read whole. */
    size_t over;
};

struct ia_machine {
    enum ia_machine_kind kind;
    enum ia_machine_state state;
    char *name;         /* owned */
    char *uuid;         /* owned; NULL: it has none */
    char *defined_in;   /* owned; path of the file that has it */
    int64_t defined_ns; /* when that was last written to; 0: unknown */
    size_t source;      /* place in ia_inventory.sources */
    IA_VEC(struct ia_claim) claims;
};

/* An inventory that was read, whole or in part. */
struct ia_inventory_source {
    const char *kind; /* "libvirt", "list"... */
    char *place;      /* owned; the directory or file; "-": standard input */
    /* True: it has all machines of its kind on this host. False: those of the directory that `place` is in, and of what
     * is below that. */
    bool is_of_host;
    /* Then those alone that use images of these formats, with commas between them, in that very directory. NULL: as
     * above; "": what it does not claim may be in use. */
    const char *formats;
    int64_t newest_ns; /* when one of its files was last changed; 0: unknown */
};

/* Something that may have named files, and could not be read or not be understood. */
struct ia_inventory_problem {
    char *path;   /* owned; "-": standard input */
    char *detail; /* owned */
};

/* A directory in which a platform keeps images. */
struct ia_inventory_pool {
    char *name;       /* owned */
    char *path;       /* owned */
    char *defined_in; /* owned */
};

/* A disk that a server hands out to a machine. If that is this host, it may be any file here. */
struct ia_inventory_service {
    size_t machine;
    enum ia_claim_role role;
    char *host;       /* owned; a name or address; NULL: this host, by a socket */
    char *name;       /* owned; what is asked for, as PROTOCOL://HOST/NAME or the like */
    char *defined_in; /* owned */
};

/* All that was read. Zeroed: nothing. A failed allocation sticks: the owner looks once, at the end. */
struct ia_inventory {
    IA_VEC(struct ia_inventory_source) sources;
    IA_VEC(struct ia_machine) machines;
    IA_VEC(struct ia_inventory_problem) problems;
    IA_VEC(struct ia_inventory_pool) pools;
    IA_VEC(struct ia_inventory_service) services;
    int64_t loaded_ns; /* for readers: when the file that was loaded last was written to */
    bool failed;       /* out of memory */
};
void ia_inventory_release(struct ia_inventory *inventory);

/* Something could not be read or understood. */
IA_PRINTF(3, 4)
void ia_inventory_add_problem(struct ia_inventory *inventory, const char *path, const char *format, ...);

/* Once it is known which hosts are this one: a problem if `is_own`, else a claim of what has the name, which another
 * host's disk may have by another path here. IA_NOMEM only. */
IA_MUST_CHECK enum ia_status ia_inventory_settle_service(struct ia_inventory *inventory,
                                                         const struct ia_inventory_service *service, bool is_own,
                                                         struct ia_error *err);

/* -- Reading ------------------------------------------------------------------------------------------------------- */

/* Reads what `source` names: "libvirt", "libvirt:DIR", "list:FILE", "-"; "auto": all that are found on this host.
 * IA_USAGE where it is no such word; what cannot be read is a problem of the inventory. */
IA_MUST_CHECK enum ia_status ia_inventory_read(struct ia_inventory *inventory, const char *source,
                                               struct ia_error *err);
/* The same source, with a user's home directory in place of the user: who looks that up may ask a service. The caller
 * frees it; NULL: out of memory. */
char *ia_inventory_at_home(const char *source);
/* Calls `each` for the files and directories, there or not, that reading the source opens. */
void ia_inventory_each_place(const char *source, void (*each)(void *ctx, const char *path), void *ctx);
/* IA_USAGE where `source` names no inventory. */
IA_MUST_CHECK enum ia_status ia_inventory_check(const char *source, struct ia_error *err);

/* A walk over many files: what is known of the directory of the last one. Zeroed: none. */
struct ia_beside_reader;
struct ia_beside_rule {
    const struct ia_beside_reader *reader;
    const char *form; /* of the file's name (places.h); NULL: the reader decides */
};
struct ia_beside_walk {
    char *directory; /* owned */
    size_t len;      /* with its slash */
    IA_VEC(struct ia_beside_rule) rules;
};
void ia_beside_walk_release(struct ia_beside_walk *walk);

/* The file has, by its name, what a platform keeps beside its images, or is an image that by its place a machine uses.
 * So does or is a symbolic link, unless it is another name of such a file in its directory. */
bool ia_inventory_is_beside(struct ia_beside_walk *walk, const char *path, bool is_link);
/* By its name and its directory the file is an image, a raw one where it has no magic, though it is in no use. */
bool ia_inventory_is_image_by_place(const char *path);
/* Reads such a file, or takes what its name means. */
void ia_inventory_read_beside(struct ia_inventory *inventory, const char *path);

#endif
