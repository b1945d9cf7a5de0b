/* SPDX-License-Identifier: MIT */
/* The layout of a made image, and a permutation that needs no memory. */
#include "image_layout.h"

enum { LEAST_BITS = 9, MOST_BITS = 21 };

size_t image_cluster_size(const struct image_layout *layout)
{
    return (size_t)1 << layout->cluster_bits;
}

/* Sebastiano Vigna's splitmix64. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* True for `share` of 1000 numbers. */
static bool chance(const struct image_layout *layout, uint64_t number, uint64_t kind, uint64_t share)
{
    return share >= 1000 || mix(number ^ mix(layout->seed * 2 + kind)) % 1000 < share;
}

bool image_is_allocated(const struct image_layout *layout, uint64_t guest)
{
    if (guest >= layout->clusters || guest % layout->every != 0)
        return false;
    uint64_t table = guest >> (layout->cluster_bits - 3);
    return chance(layout, table, 1, layout->table_share) && chance(layout, guest, 0, layout->share);
}

bool image_table_is_used(const struct image_layout *layout, uint64_t entry)
{
    uint64_t per_table = image_cluster_size(layout) / 8;
    for (uint64_t i = 0; i < per_table; i++)
        if (image_is_allocated(layout, entry * per_table + i))
            return true;
    return false;
}

/* Each step can be undone modulo a power of two, so that the whole is a permutation of [0, 2^bits). */
static uint64_t permute_bits(uint64_t x, int bits, uint64_t seed)
{
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    int half = (bits + 1) / 2;
    for (int round = 0; round < 3; round++) {
        x = (x * UINT64_C(0xd1342543de82ef95) + (seed >> round)) & mask;
        x ^= x >> half;
    }
    return x;
}

/* Of [0, count): what falls outside is permuted again. Ends: the walk is a cycle through a number inside. */
static uint64_t permute(uint64_t x, uint64_t count, uint64_t seed)
{
    int bits = 1;
    while (UINT64_C(1) << bits < count)
        bits++;
    do
        x = permute_bits(x, bits, seed);
    while (x >= count);
    return x;
}

uint64_t image_place(const struct image_layout *layout, uint64_t n)
{
    uint64_t runs = layout->run == 0 ? 0 : layout->allocated / layout->run;
    if (runs == 0 || n >= runs * layout->run) /* what is no whole run stays at the end */
        return n;
    return permute(n / layout->run, runs, mix(layout->seed)) * layout->run + n % layout->run;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/* The refcount structures count themselves: they grow until they hold all. Ends: each round adds less than a block's
 * worth for every block, and a block counts many more clusters than one. */
static void place_all(struct image_layout *layout, uint64_t tables)
{
    uint64_t size = image_cluster_size(layout);
    uint64_t blocks = 0;
    uint64_t needed = 1;
    while (blocks < needed) {
        blocks = needed;
        layout->reftable_at = 1;
        layout->refblocks_at = layout->reftable_at + divide_up(blocks * 8, size);
        layout->l1_at = layout->refblocks_at + blocks;
        layout->l2_at = layout->l1_at + divide_up(layout->l1_entries * 8, size);
        layout->data_at = layout->l2_at + tables;
        layout->end = layout->data_at + layout->allocated;
        needed = divide_up(layout->end, size / 2);
    }
}

bool image_layout_settle(struct image_layout *layout)
{
    if (layout->clusters == 0 || layout->every == 0 || layout->cluster_bits < LEAST_BITS ||
        layout->cluster_bits > MOST_BITS || layout->clusters > UINT64_C(1) << (55 - layout->cluster_bits))
        return false;
    uint64_t per_table = image_cluster_size(layout) / 8;
    uint64_t tables = 0;
    layout->l1_entries = divide_up(layout->clusters, per_table);
    layout->allocated = 0;
    for (uint64_t guest = 0; guest < layout->clusters; guest++)
        layout->allocated += image_is_allocated(layout, guest);
    for (uint64_t entry = 0; entry < layout->l1_entries; entry++)
        tables += image_table_is_used(layout, entry);
    place_all(layout, tables);
    return true;
}
