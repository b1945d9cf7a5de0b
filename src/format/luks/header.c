/* SPDX-License-Identifier: MIT */
/* The header of LUKS version 1 ("LUKS On-Disk Format Specification" 1.2.3, figures 1 to 4). What QEMU refuses to open
 * with the right key is refused here too; but no cipher is unknown here, since none is used. */
#include "format/luks/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "io/window.h"

enum {
    HEADER_BYTES = 592,
    SECTOR = 512,
    SLOTS = 8,
    SLOT_BYTES = 48,
    SLOT_TABLE = 208,
    STRIPES = 4000,
    FIRST_SECTOR = 8, /* of key material: it begins 4096 bytes into the file, and so aligned it goes on */
};

#define SLOT_ENABLED UINT32_C(0x00ac71f3)
#define SLOT_DISABLED UINT32_C(0x0000dead)

/* Sectors of a key slot's material. */
struct area {
    int64_t start, end;
};

/* A text field of 32 bytes as printable characters. */
struct text {
    char chars[32];
};

static enum ia_status read_text(struct ia_window *w, size_t at, const char *what, struct text *out,
                                struct ia_error *err)
{
    memcpy(out->chars, w->bytes + at, sizeof(out->chars));
    if (memchr(out->chars, '\0', sizeof(out->chars)) == NULL)
        return ia_fail(err, IA_CORRUPT, "the %s does not end", what);
    for (char *c = out->chars; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return IA_OK;
}

static enum ia_status check_slot(struct ia_window *w, int slot, uint32_t payload, struct area *area,
                                 struct ia_error *err)
{
    size_t at = SLOT_TABLE + (size_t)slot * SLOT_BYTES;
    uint32_t state = ia_window_be32(w, at);
    uint32_t iterations = ia_window_be32(w, at + 4);
    uint32_t stripes = ia_window_be32(w, at + 44);
    int64_t key_bytes = (int64_t)ia_window_be32(w, 108) * STRIPES;
    area->start = ia_window_be32(w, at + 40);
    area->end = area->start + ia_round_up((key_bytes + SECTOR - 1) / SECTOR, FIRST_SECTOR);
    if (stripes != STRIPES)
        return ia_fail(err, IA_CORRUPT, "key slot %d has %u stripes, not %d", slot, stripes, STRIPES);
    if (state != SLOT_ENABLED && state != SLOT_DISABLED)
        return ia_fail(err, IA_CORRUPT, "key slot %d is neither enabled nor disabled: %#x", slot, state);
    if (state == SLOT_ENABLED && iterations == 0)
        return ia_fail(err, IA_CORRUPT, "key slot %d has no iterations", slot);
    if (area->start < FIRST_SECTOR)
        return ia_fail(err, IA_CORRUPT, "key slot %d at sector %jd, inside the header", slot, (intmax_t)area->start);
    if (area->end > payload)
        return ia_fail(err, IA_CORRUPT, "key slot %d reaches to sector %jd, the payload begins at %u", slot,
                       (intmax_t)area->end, payload);
    return IA_OK;
}

static enum ia_status check_slots(struct ia_window *w, uint32_t payload, struct ia_error *err)
{
    struct area areas[SLOTS];
    for (int i = 0; i < SLOTS; i++) {
        IA_TRY(check_slot(w, i, payload, &areas[i], err));
        for (int j = 0; j < i; j++)
            if (areas[j].end > areas[i].start && areas[i].end > areas[j].start)
                return ia_fail(err, IA_CORRUPT, "key slots %d and %d overlap", j, i);
    }
    return IA_OK;
}

/* The payload reaches to the end of the file, which counts as rounded up to a sector. */
static enum ia_status set_size(struct ia_image *image, struct luks *luks, uint32_t payload, struct ia_error *err)
{
    if (payload == 0)
        return ia_fail(err, IA_UNSUPPORTED, "detached LUKS header: its payload is in another file");
    if (payload < FIRST_SECTOR)
        return ia_fail(err, IA_CORRUPT, "payload at sector %u, inside the header", payload);
    luks->payload_offset = (int64_t)payload * SECTOR;
    int64_t size = ia_round_up(image->main->size, SECTOR);
    if (luks->payload_offset > size)
        return ia_fail(err, IA_CORRUPT, "payload at offset %#jx, past the end of the file of %jd bytes",
                       (uintmax_t)luks->payload_offset, (intmax_t)image->main->size);
    image->facts.virtual_size = size - luks->payload_offset;
    return IA_OK;
}

static enum ia_status describe(struct ia_image *image, struct ia_window *w, struct ia_error *err)
{
    struct text cipher;
    struct text mode;
    struct text hash;
    IA_TRY(read_text(w, 8, "name of the cipher", &cipher, err));
    IA_TRY(read_text(w, 40, "mode of the cipher", &mode, err));
    IA_TRY(read_text(w, 72, "name of the hash", &hash, err));
    snprintf(image->facts.variant, sizeof(image->facts.variant), "v1 %.29s %.29s %.29s", cipher.chars, mode.chars,
             hash.chars);
    image->facts.version = 1; /* luks_read_header takes no other */
    image->facts.encrypted = true;
    return IA_OK;
}

enum ia_status luks_read_header(struct ia_image *image, struct luks *luks, struct ia_error *err)
{
    uint8_t bytes[HEADER_BYTES];
    IA_TRY(ia_source_read(image->main, 0, bytes, sizeof(bytes), "LUKS header", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    if (memcmp(bytes, LUKS_MAGIC, LUKS_MAGIC_BYTES) != 0)
        return ia_fail(err, IA_NOT_MINE, "no LUKS magic");
    if (image->main->size < HEADER_BYTES)
        return ia_fail(err, IA_CORRUPT, "LUKS header cut at %jd bytes", (intmax_t)image->main->size);
    uint16_t version = ia_window_be16(&w, 6);
    uint32_t payload = ia_window_be32(&w, 104);
    if (version != 1)
        return ia_fail(err, IA_UNSUPPORTED, "LUKS version %u", version);
    IA_TRY(describe(image, &w, err));
    IA_TRY(set_size(image, luks, payload, err));
    if (ia_window_be32(&w, 108) == 0 || ia_window_be32(&w, 164) == 0)
        return ia_fail(err, IA_CORRUPT, "a master key of %u bytes with %u iterations", ia_window_be32(&w, 108),
                       ia_window_be32(&w, 164));
    IA_TRY(check_slots(&w, payload, err));
    return w.failed ? ia_fail(err, IA_BUG, "read past the LUKS header") : IA_OK;
}
