/* SPDX-License-Identifier: MIT */
/* Several files as a chain: opening ends, opens nothing outside of its directory, and the map has each guest byte once.
 */
#include <sys/stat.h>

#include "chain/chain.h"
#include "chain/map.h"
#include "fuzz/chain_files.h"
#include "fuzz/target.h"

const char *const fuzz_chain_names[FUZZ_CHAIN_FILES] = {
    [FUZZ_CHAIN_A] = "a",
    [FUZZ_CHAIN_B] = "b",
    [FUZZ_CHAIN_C] = "c",
    [FUZZ_CHAIN_D] = "d",
    [FUZZ_CHAIN_BELOW] = "below/e",
    [FUZZ_CHAIN_HEAD] = "volume-head-000.img",
    [FUZZ_CHAIN_HEAD_META] = "volume-head-000.img.meta",
    [FUZZ_CHAIN_SNAPSHOT] = "volume-snap-s.img",
    [FUZZ_CHAIN_SNAPSHOT_META] = "volume-snap-s.img.meta",
    [FUZZ_CHAIN_VOLUME] = "volume.meta",
};

/* Small enough that hitting each of them is quick. */
static const struct ia_limits limits = {
    .max_table_bytes = 1 << 20,
    .max_extents = 5000,
    .max_chain_depth = 6,
    .max_snapshots = 8,
    .max_parts = 16,
};
enum { MOST_ENTRIES = 40000 };

static bool is_ours(const struct ia_layer *layer)
{
    for (size_t i = 0; i < FUZZ_CHAIN_FILES; i++) {
        char path[FUZZ_PATH];
        struct stat st;
        if (stat(fuzz_path(path, fuzz_chain_names[i]), &st) == 0 && st.st_dev == layer->dev &&
            st.st_ino == layer->inode)
            return true;
    }
    return false;
}

static void check_layers(const struct ia_chain *chain)
{
    FUZZ_CHECK(chain->layers.len > 0 && (int64_t)chain->layers.len <= limits.max_chain_depth);
    for (size_t i = 0; i < chain->layers.len; i++) {
        const struct ia_layer *layer = &chain->layers.items[i];
        FUZZ_CHECK(is_ours(layer) && layer->name != NULL);
        FUZZ_CHECK(layer->part_names.len == layer->image->facts.parts.len);
        FUZZ_CHECK(layer->visible_size >= 0 && layer->visible_size <= layer->image->facts.virtual_size);
        FUZZ_CHECK(i == 0 || layer->visible_size <= chain->layers.items[i - 1].visible_size);
    }
}

static void check_map(const struct ia_chain *chain, int64_t from, int64_t to)
{
    IA_AUTO_MAP struct ia_map *map = NULL;
    struct ia_map_entry entry;
    bool have = true;
    int64_t end = from;
    if (ia_map_open(chain, from, to, &map, NULL) != IA_OK)
        return;
    for (int count = 0; count < MOST_ENTRIES; count++) {
        enum ia_status status = ia_map_next(map, &entry, &have, NULL);
        FUZZ_CHECK(status != IA_BUG);
        if (status != IA_OK || !have) {
            FUZZ_CHECK(status != IA_OK || end == to);
            return;
        }
        FUZZ_CHECK(entry.start == end && entry.length > 0 && entry.length <= to - end);
        FUZZ_CHECK(entry.depth < chain->layers.len);
        FUZZ_CHECK((entry.offset == IA_NO_OFFSET) == (entry.filename == NULL) && entry.offset >= IA_NO_OFFSET);
        FUZZ_CHECK(entry.zero || entry.data);
        end += entry.length;
    }
}

static void check_chain(const char *name, const struct ia_confine *confine, bool no_backing)
{
    IA_AUTO_CHAIN struct ia_chain chain = {0};
    const struct ia_chain_options options = {.confine = confine, .limits = &limits, .no_backing = no_backing};
    struct ia_error err = {0};
    enum ia_status status = ia_chain_open(name, &options, &chain, &err);
    FUZZ_CHECK(status != IA_BUG && status == err.status && (status == IA_OK) == (err.message[0] == '\0'));
    if (status != IA_OK) {
        FUZZ_CHECK(chain.layers.len == 0);
        return;
    }
    int64_t size = chain.layers.items[0].image->facts.virtual_size;
    check_layers(&chain);
    check_map(&chain, 0, size);
    check_map(&chain, size / 3, size / 3 * 2);
}

const int fuzz_changed_bytes = 24;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ia_confine confine = {0};
    const char *directory = fuzz_lay_files(fuzz_chain_names, FUZZ_CHAIN_FILES, bytes, len);
    FUZZ_CHECK(ia_confine_add(&confine, directory, NULL) == IA_OK);
    char path[FUZZ_PATH];
    check_chain(fuzz_path(path, "a"), &confine, false);
    check_chain(path, &confine, true);
    check_chain(fuzz_path(path, "volume-head-000.img"), &confine, false);
    ia_confine_release(&confine);
    return 0;
}
