/* SPDX-License-Identifier: MIT */
/* What a file has in common with other files on its host, by asking the file system. */
#ifndef IA_SCAN_READING_SHARING_H
#define IA_SCAN_READING_SHARING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/vec.h"

/* A run of bytes of the file in blocks that something else uses too. */
struct ia_shared_piece {
    int64_t start, length; /* bytes of the file */
    int64_t physical;      /* bytes on the volume */
    bool encoded;          /* kept there in another form, of an unknown length */
};

/* Zero-initialised: not asked. */
struct ia_sharing {
    bool asked;
    bool known;                            /* by FIEMAP: shared_bytes and encoded_bytes hold */
    bool placed;                           /* and where: pieces has all of it */
    uint64_t volume;                       /* where the pieces lie, see ia_host_volume; 0 where there are none */
    int64_t shared_bytes;                  /* of the file, in blocks that something else uses too */
    int64_t encoded_bytes;                 /* of the file, in blocks of its own that are compressed */
    IA_VEC(struct ia_shared_piece) pieces; /* ascending, those that go on as one joined */
};
void ia_sharing_release(struct ia_sharing *sharing);
/* There is no room for them: what was counted stays. */
void ia_sharing_forget_places(struct ia_sharing *sharing);

/* Of an open file. More than max_pieces are counted, but not kept. What is unknown is marked in *out, which
 * was zero; a failing status is IA_NOMEM. One fstatfs where the file system never shares. */
IA_MUST_CHECK enum ia_status ia_sharing_ask(int fd, int64_t max_pieces, struct ia_sharing *out, struct ia_error *err);

#endif
