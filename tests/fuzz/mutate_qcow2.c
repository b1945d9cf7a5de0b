/* SPDX-License-Identifier: MIT */
/* Fields of the header and entries of the tables that they lead to: L1, L2, refcounts, snapshots. */
#include "fuzz/mutate.h"
#include "support/qcow2_image.h"

static const struct fuzz_field header[] = {
    {FIELD_VERSION, 4},
    {FIELD_BACKING_OFFSET, 8},
    {FIELD_BACKING_LENGTH, 4},
    {FIELD_CLUSTER_BITS, 4},
    {FIELD_SIZE, 8},
    {FIELD_CRYPT_METHOD, 4},
    {FIELD_L1_ENTRIES, 4},
    {FIELD_L1_OFFSET, 8},
    {FIELD_REFTABLE_OFFSET, 8},
    {FIELD_REFTABLE_CLUSTERS, 4},
    {FIELD_SNAPSHOTS, 4},
    {FIELD_SNAPSHOTS_OFFSET, 8},
    {FIELD_INCOMPATIBLE, 8},
    {FIELD_COMPATIBLE, 8},
    {FIELD_AUTOCLEAR, 8},
    {FIELD_REFCOUNT_ORDER, 4},
    {FIELD_HEADER_LENGTH, 4},
    {FIELD_COMPRESSION_TYPE, 1},
    {104, 4}, /* the first extension: its type and length */
    {108, 4},
    {112, 4},
    {116, 4},
};
enum { FIELDS = sizeof(header) / sizeof(header[0]), LEAST = 120, ENTRY = 8 };
static const uint64_t offset_bits = UINT64_C(0x00fffffffffffe00);
static const uint64_t flags[] = {
    0, 1, ENTRY_COPIED, ENTRY_COPIED | 1, ENTRY_COMPRESSED, ENTRY_COMPRESSED | ENTRY_COPIED};

/* An entry of a table with `count` of them; what it was, which is the place of another table. */
static uint64_t change_entry(uint32_t *state, uint8_t *bytes, size_t len, uint64_t table, uint32_t count, bool follow)
{
    uint64_t at = table + (uint64_t)fuzz_below(state, count) * ENTRY;
    if (table > len || at > len - ENTRY)
        return 0;
    uint64_t old = fuzz_number(bytes + at, ENTRY, FUZZ_BIG);
    if (follow && old != 0)
        return old & offset_bits;
    fuzz_change_number(state, bytes + at, ENTRY, FUZZ_BIG, len, 512);
    bytes[at] |= (uint8_t)(flags[fuzz_below(state, sizeof(flags) / sizeof(flags[0]))] >> 56);
    bytes[at + 7] |= (uint8_t)fuzz_below(state, 2);
    return 0;
}

static void change(uint32_t *state, uint8_t *bytes, size_t len)
{
    uint64_t l1 = fuzz_number(bytes + FIELD_L1_OFFSET, 8, FUZZ_BIG);
    uint32_t l1_entries = (uint32_t)fuzz_number(bytes + FIELD_L1_ENTRIES, 4, FUZZ_BIG);
    uint64_t snapshots = fuzz_number(bytes + FIELD_SNAPSHOTS_OFFSET, 8, FUZZ_BIG);
    static const struct fuzz_field snapshot[] = {{0, 8}, {8, 4}, {12, 2}, {14, 2}, {32, 4}, {36, 4}, {40, 8}, {48, 8}};
    switch (fuzz_below(state, 5)) {
    case 0:
        fuzz_change_field(state, bytes, len, 0, header, FIELDS, FUZZ_BIG, 512);
        break;
    case 1:
        change_entry(state, bytes, len, l1, l1_entries, false);
        break;
    case 2:
        change_entry(state, bytes, len, fuzz_number(bytes + FIELD_REFTABLE_OFFSET, 8, FUZZ_BIG), 8, false);
        break;
    case 3:
        if (snapshots <= len)
            fuzz_change_field(state, bytes, len, snapshots, snapshot, sizeof(snapshot) / sizeof(snapshot[0]), FUZZ_BIG,
                              512);
        break;
    default:
        change_entry(state, bytes, len, change_entry(state, bytes, len, l1, l1_entries, true), 64, false);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t most, unsigned seed)
{
    return fuzz_mutate(bytes, len, most, seed, LEAST, change);
}
