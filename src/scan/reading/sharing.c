/* SPDX-License-Identifier: MIT */
/* Shared blocks of one file. */
#include "scan/reading/sharing.h"

#include "io/host_blocks.h"

void ia_sharing_release(struct ia_sharing *sharing)
{
    ia_vec_release(&sharing->pieces);
    *sharing = (struct ia_sharing){0};
}

void ia_sharing_forget_places(struct ia_sharing *sharing)
{
    ia_vec_release(&sharing->pieces);
    sharing->placed = false;
}

/* Does the piece begin where the last one ends, in the file and on the volume? Encoded ones are known apart by where
 * they begin alone. */
static bool goes_on(const struct ia_shared_piece *last, const struct ia_host_run *run)
{
    return !last->encoded && !run->encoded && last->start + last->length == run->start &&
           last->physical + last->length == run->physical;
}

/* False when memory is short. */
static bool add_piece(struct ia_sharing *sharing, const struct ia_host_run *run, int64_t max_pieces)
{
    if (!sharing->placed)
        return true;
    size_t count = sharing->pieces.len;
    if (count > 0 && goes_on(&sharing->pieces.items[count - 1], run)) {
        sharing->pieces.items[count - 1].length += run->length;
        return true;
    }
    if (run->physical < 0 || (int64_t)count >= max_pieces) {
        ia_sharing_forget_places(sharing);
        return true;
    }
    struct ia_shared_piece piece = {
        .start = run->start, .length = run->length, .physical = run->physical, .encoded = run->encoded};
    return ia_vec_push(&sharing->pieces, piece);
}

static enum ia_status read_runs(struct ia_host_blocks *blocks, int64_t max_pieces, struct ia_sharing *sharing,
                                struct ia_error *err)
{
    for (;;) {
        struct ia_host_run run;
        bool have;
        enum ia_status status = ia_host_blocks_next(blocks, &run, &have, err);
        if (status != IA_OK || !have)
            return status;
        if (run.shared) {
            sharing->shared_bytes += run.length;
            if (!add_piece(sharing, &run, max_pieces))
                return ia_no_memory(err);
        } else if (run.encoded) {
            sharing->encoded_bytes += run.length;
        }
    }
}

enum ia_status ia_sharing_ask(int fd, int64_t max_pieces, struct ia_sharing *out, struct ia_error *err)
{
    struct ia_host_blocks *blocks = NULL;
    *out = (struct ia_sharing){.asked = true, .known = true, .placed = true};
    if (!ia_host_can_share(fd))
        return IA_OK;
    enum ia_status status = ia_host_blocks_open(fd, &blocks, err);
    if (status != IA_OK)
        return status;
    out->known = ia_host_blocks_exact(blocks);
    if (out->known)
        status = read_runs(blocks, max_pieces, out, err);
    if (status == IA_OK && out->pieces.len > 0 && (out->volume = ia_host_volume(fd)) == 0)
        ia_sharing_forget_places(out);
    ia_host_blocks_close(blocks);
    if (status == IA_OK && out->known)
        return IA_OK;
    ia_sharing_release(out);
    out->asked = true;
    return status == IA_NOMEM ? status : IA_OK;
}
