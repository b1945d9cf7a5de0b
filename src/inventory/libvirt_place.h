/* SPDX-License-Identifier: MIT */
/* Which directories of libvirt belong together. Private to src/inventory. */
#ifndef IA_INVENTORY_LIBVIRT_PLACE_H
#define IA_INVENTORY_LIBVIRT_PLACE_H

#include <stdbool.h>
#include <stddef.h>

struct ia_libvirt_place {
    char *etc;       /* owned; definitions */
    char *run[2];    /* owned; what runs */
    size_t runs;     /* how many of them; 0: not known where that is */
    char *lib;       /* owned; snapshots, checkpoints and saved machines; NULL: not known, or below etc */
    char *covers;    /* owned; the place of the source, if that is another than etc */
    bool is_session; /* of one user: other machines are elsewhere */
    bool failed;     /* out of memory */
};

/* "DIR", "ETC:RUN:LIB", "~" or "~USER". False: there is no such user or directory, or memory is out. */
bool ia_libvirt_place_find(const char *place, struct ia_libvirt_place *out);
void ia_libvirt_place_release(struct ia_libvirt_place *place);

#endif
