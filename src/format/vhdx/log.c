/* SPDX-License-Identifier: MIT */
/* The log (section 2.3): a ring of entries, each made of sectors of descriptors and sectors of data. The newest valid
 * sequence of entries is what has to be replayed. Nothing is written: the descriptors become patches (replay.c). */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "format/vhdx/crc32c.h"
#include "format/vhdx/internal.h"
#include "io/window.h"

enum { DESCRIPTOR = 32, PER_SECTOR = VHDX_LOG_SECTOR / DESCRIPTOR, MAX_PATCHES = 1 << 18 };

/* What follows the first sectors of valid entries is read twice at most, once as part of a sequence that begins at the
 * end of the ring; what looks like an entry and is none may overlap with others. A log that costs more is none. */
enum { MAX_READS = 8, MAX_READ_BYTES = 256 << 20 };

struct entry {
    int64_t at;     /* in the ring, bytes */
    int64_t length; /* bytes */
    int64_t tail;   /* where in the ring the sequence began when this entry was its last */
    uint64_t sequence;
    uint32_t descriptors;
    uint64_t flushed_size; /* the file had at least this length */
    uint64_t last_size;    /* it gets at least this length */
};

struct run {
    IA_VEC(struct entry) entries;
};

static void release_run(struct run *run)
{
    ia_vec_release(&run->entries);
}

#define AUTO_RUN __attribute__((cleanup(release_run)))

struct ring {
    struct ia_image *image;
    const struct vhdx_header *header;
    int64_t read_bytes; /* of entries behind their first sectors */
};

static int64_t descriptor_sectors(uint32_t descriptors)
{
    /* The header takes the room of two. */
    return ((int64_t)descriptors + 2 + PER_SECTOR - 1) / PER_SECTOR;
}

static enum ia_status read_sector(const struct ring *ring, int64_t at, uint8_t sector[VHDX_LOG_SECTOR],
                                  struct ia_error *err)
{
    int64_t off = ring->header->log_offset + at % ring->header->log_length;
    return ia_source_read(ring->image->main, off, sector, VHDX_LOG_SECTOR, "log", err);
}

static enum ia_status charge(struct ring *ring, struct ia_error *err)
{
    int64_t length = ring->header->log_length;
    ring->read_bytes += VHDX_LOG_SECTOR;
    if (ring->read_bytes <= ia_min(MAX_READS * length, MAX_READ_BYTES))
        return IA_OK;
    return ia_fail(err, IA_LIMIT, "the log of %jd bytes is too full, or has too many overlapping entries",
                   (intmax_t)length);
}

static bool decode_header(const struct ring *ring, const uint8_t *sector, struct entry *entry)
{
    struct ia_window w = {.bytes = sector, .len = VHDX_LOG_SECTOR};
    entry->length = ia_window_le32(&w, 8);
    entry->tail = ia_window_le32(&w, 12);
    entry->sequence = ia_window_le64(&w, 16);
    entry->descriptors = ia_window_le32(&w, 24);
    entry->flushed_size = ia_window_le64(&w, 48);
    entry->last_size = ia_window_le64(&w, 56);
    return memcmp(sector, "loge", 4) == 0 && memcmp(sector + 32, ring->header->log_guid, VHDX_GUID_BYTES) == 0 &&
           entry->sequence != 0 && entry->length % VHDX_LOG_SECTOR == 0 && entry->length <= ring->header->log_length &&
           entry->tail % VHDX_LOG_SECTOR == 0 &&
           descriptor_sectors(entry->descriptors) <= entry->length / VHDX_LOG_SECTOR;
}

/* The place and length that a descriptor speaks of; false: it is not valid. A data sector goes with it where
 * patch->sector is not -1. */
static bool decode_descriptor(const uint8_t *bytes, uint64_t sequence, struct vhdx_patch *patch)
{
    struct ia_window w = {.bytes = bytes, .len = DESCRIPTOR};
    bool zero = memcmp(bytes, "zero", 4) == 0;
    patch->sector = zero ? -1 : 0;
    patch->start = ia_window_le_size(&w, 16);
    patch->length = zero ? ia_window_le_size(&w, 8) : VHDX_LOG_SECTOR;
    memcpy(patch->trailing, bytes + 4, sizeof(patch->trailing));
    memcpy(patch->leading, bytes + 8, sizeof(patch->leading));
    return (zero || memcmp(bytes, "desc", 4) == 0) && ia_window_le64(&w, 24) == sequence && !w.failed &&
           patch->start % VHDX_LOG_SECTOR == 0 && patch->length % VHDX_LOG_SECTOR == 0 &&
           patch->length <= INT64_MAX - patch->start;
}

/* Sector number `index` of an entry, if it is one of descriptors: all of them are valid. Counts those with data. */
static bool check_descriptors(const struct entry *entry, int64_t index, const uint8_t *sector, int64_t *with_data)
{
    int64_t first = index == 0 ? 2 : 0;
    int64_t before = index * PER_SECTOR - (index == 0 ? 0 : 2);
    int64_t last = ia_min(PER_SECTOR, first + entry->descriptors - before);
    for (int64_t i = first; i < last; i++) {
        struct vhdx_patch patch;
        if (!decode_descriptor(sector + i * DESCRIPTOR, entry->sequence, &patch))
            return false;
        *with_data += patch.sector != -1;
    }
    return true;
}

static bool check_data(const struct entry *entry, const uint8_t *sector)
{
    struct ia_window w = {.bytes = sector, .len = VHDX_LOG_SECTOR};
    uint64_t sequence = (uint64_t)ia_window_le32(&w, 4) << 32 | ia_window_le32(&w, VHDX_LOG_SECTOR - 4);
    return memcmp(sector, "data", 4) == 0 && sequence == entry->sequence;
}

/* Whether there is a valid entry at `at` of the ring. */
static enum ia_status look(struct ring *ring, int64_t at, struct entry *entry, bool *valid, struct ia_error *err)
{
    uint8_t sector[VHDX_LOG_SECTOR];
    *entry = (struct entry){.at = at % ring->header->log_length};
    *valid = false;
    IA_TRY(read_sector(ring, at, sector, err));
    if (!decode_header(ring, sector, entry))
        return IA_OK;
    struct ia_window w = {.bytes = sector, .len = sizeof(sector)};
    uint32_t checksum = ia_window_le32(&w, 4);
    memset(sector + 4, 0, 4);
    int64_t sectors = entry->length / VHDX_LOG_SECTOR;
    int64_t first_data = descriptor_sectors(entry->descriptors);
    int64_t with_data = 0;
    uint32_t crc = 0;
    bool fine = true;
    for (int64_t i = 0; i < sectors && fine; i++) {
        if (i > 0) {
            IA_TRY(charge(ring, err));
            IA_TRY(read_sector(ring, at + i * VHDX_LOG_SECTOR, sector, err));
        }
        crc = vhdx_crc32c(crc, sector, sizeof(sector));
        if (i < first_data)
            fine = check_descriptors(entry, i, sector, &with_data);
        else if (i < first_data + with_data)
            fine = check_data(entry, sector);
    }
    *valid = fine && first_data + with_data <= sectors && crc == checksum;
    return IA_OK;
}

/* The entries that follow upon each other from `at` on. Ends: sequence numbers rise, and all of the entries together
 * are not longer than the ring. */
static enum ia_status follow(struct ring *ring, int64_t at, struct run *run, int64_t *length, struct ia_error *err)
{
    run->entries.len = 0;
    *length = 0;
    for (;;) {
        struct entry entry;
        bool valid;
        IA_TRY(look(ring, at + *length, &entry, &valid, err));
        if (!valid || entry.length > ring->header->log_length - *length)
            return IA_OK;
        if (run->entries.len > 0 && entry.sequence != run->entries.items[run->entries.len - 1].sequence + 1)
            return IA_OK;
        if (!ia_vec_push(&run->entries, entry))
            return ia_no_memory(err);
        *length += entry.length;
        if (*length == ring->header->log_length)
            return IA_OK;
    }
}

/* Drops what is before the tail that the last entry names. False: it is not in the run, which is then no sequence. */
static bool cut_at_tail(struct run *run)
{
    size_t count = run->entries.len;
    for (size_t i = 0; i < count; i++) {
        if (run->entries.items[i].at != run->entries.items[count - 1].tail)
            continue;
        memmove(run->entries.items, run->entries.items + i, (count - i) * sizeof(*run->entries.items));
        run->entries.len = count - i;
        return true;
    }
    return false;
}

static uint64_t newest(const struct run *run)
{
    return run->entries.len == 0 ? 0 : run->entries.items[run->entries.len - 1].sequence;
}

/* "Log Replay": the valid sequence with the highest sequence number. A part of a run that is no sequence is none
 * either: it has the same last entry, and fewer before it to be its tail. */
static enum ia_status find_active(struct ring *ring, struct run *active, struct ia_error *err)
{
    AUTO_RUN struct run run = {0};
    int64_t at = 0;
    while (at < ring->header->log_length) {
        int64_t length;
        IA_TRY(follow(ring, at, &run, &length, err));
        at += length > 0 ? length : VHDX_LOG_SECTOR;
        if (newest(&run) > newest(active) && cut_at_tail(&run)) {
            struct run older = *active;
            *active = run;
            run = older;
        }
    }
    return IA_OK;
}

/* The patches of one entry, in the order of its descriptors; data sectors follow in that order too. */
static enum ia_status gather(struct ring *ring, const struct entry *entry, struct vhdx_patch **patches, size_t *count,
                             size_t *capacity, struct ia_error *err)
{
    uint8_t sector[VHDX_LOG_SECTOR];
    int64_t length = ring->header->log_length;
    int64_t data = entry->at + descriptor_sectors(entry->descriptors) * VHDX_LOG_SECTOR;
    for (int64_t i = 0; i < entry->descriptors; i++) {
        int64_t slot = i + 2; /* the header takes the room of two */
        if (i == 0 || slot % PER_SECTOR == 0)
            IA_TRY(read_sector(ring, entry->at + slot / PER_SECTOR * VHDX_LOG_SECTOR, sector, err));
        struct vhdx_patch patch;
        if (!decode_descriptor(sector + slot % PER_SECTOR * DESCRIPTOR, entry->sequence, &patch))
            return ia_fail(err, IA_CHANGED, "the log changed while it was read");
        if (patch.sector != -1) {
            patch.sector = ring->header->log_offset + data % length;
            data += VHDX_LOG_SECTOR;
        }
        if (*count >= MAX_PATCHES)
            return ia_fail(err, IA_LIMIT, "more than %d descriptors in the log", MAX_PATCHES);
        if (*count == *capacity && !ia_vec_grow((void **)patches, capacity, *count + 1, sizeof(patch)))
            return ia_no_memory(err);
        (*patches)[(*count)++] = patch;
    }
    return IA_OK;
}

static enum ia_status replay(struct ring *ring, const struct run *active, struct vhdx_replay *out, struct ia_error *err)
{
    const struct entry *last = &active->entries.items[active->entries.len - 1];
    int64_t size = ring->image->main->size;
    if (last->flushed_size > (uint64_t)size)
        return ia_fail(err, IA_CORRUPT, "file of %jd bytes is cut short: by its log it had %ju", (intmax_t)size,
                       (uintmax_t)last->flushed_size);
    if (last->last_size > INT64_MAX)
        return ia_fail(err, IA_CORRUPT, "the log makes the file %ju bytes long", (uintmax_t)last->last_size);
    IA_AUTO_FREE struct vhdx_patch *patches = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < active->entries.len; i++)
        IA_TRY(gather(ring, &active->entries.items[i], &patches, &count, &capacity, err));
    out->size = (int64_t)last->last_size;
    return vhdx_replay_set(out, patches, count, err);
}

enum ia_status vhdx_read_log(struct ia_image *image, struct vhdx *v, struct ia_error *err)
{
    static const uint8_t none[VHDX_GUID_BYTES];
    struct ring ring = {.image = image, .header = &v->header};
    if (memcmp(v->header.log_guid, none, sizeof(none)) == 0 || v->header.log_length == 0)
        return IA_OK;
    if (v->header.log_length % VHDX_MIB != 0)
        return ia_fail(err, IA_CORRUPT, "log of %jd bytes", (intmax_t)v->header.log_length);
    if (v->header.log_length > image->limits->max_table_bytes)
        return ia_fail(err, IA_LIMIT, "log of %jd bytes", (intmax_t)v->header.log_length);
    image->facts.dirty = true;
    AUTO_RUN struct run active = {0};
    IA_TRY(find_active(&ring, &active, err));
    if (active.entries.len == 0)
        return ia_fail(err, IA_CORRUPT, "a log is to be replayed, and no sequence of its entries is valid");
    return replay(&ring, &active, &v->replay, err);
}
