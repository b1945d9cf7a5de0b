/* SPDX-License-Identifier: MIT */
/* Random forests against a reference that asks for every byte of every reader, one at a time, straight from the words
 * of src/analysis/forest.h. IA_SEED repeats a run, IA_FORESTS sets the number of small forests. */
#include <inttypes.h>
#include <time.h>

#include "base/checked.h"
#include "test_analysis_fixture.h"

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int64_t below(uint64_t *state, int64_t bound)
{
    return (int64_t)(next_random(state) % (uint64_t)bound);
}

/* Sizes of what is thrown together. */
struct shape {
    int64_t max_nodes, max_size, max_run, max_host;
    int64_t chain_bias; /* of 10: how many nodes stand on the one before */
};

static const struct shape small = {.max_nodes = 12, .max_size = 64, .max_run = 12, .max_host = 96, .chain_bias = 3};
/* Enough steps for several chunks, with long untouched stretches that are shared between maps. */
static const struct shape large = {.max_nodes = 10, .max_size = 6000, .max_run = 3, .max_host = 4000, .chain_bias = 6};

static void random_mapping(uint64_t *rng, const struct shape *shape, struct mapping *mapping)
{
    int64_t max_gap = 1 + below(rng, 3) * below(rng, 3) * shape->max_run * (shape->max_size > 1000 ? 40 : 1);
    for (int64_t start = below(rng, 2) * below(rng, max_gap); start < mapping->size;) {
        int64_t length = ia_min(1 + below(rng, shape->max_run), mapping->size - start);
        uint32_t state = (uint32_t)(below(rng, 3) > 0 ? 0 : below(rng, IA_EXTENT_STATES));
        bool located = below(rng, state == IA_EXTENT_COMPRESSED ? 2 : 12) > 0;
        add_extent(mapping, start, length, state, located ? below(rng, shape->max_host) : IA_NO_OFFSET);
        mapping->extents.items[mapping->extents.len - 1].file = (uint32_t)(below(rng, 5) == 0);
        start += length + below(rng, 2) * below(rng, max_gap);
    }
}

/* Sizes are often equal, as in life. */
static int64_t random_size(uint64_t *rng, const struct shape *shape)
{
    switch (below(rng, 4)) {
    case 0:
        return below(rng, shape->max_size + 1);
    case 1:
        return shape->max_size / 2;
    default:
        return shape->max_size;
    }
}

static void random_forest(uint64_t *rng, const struct shape *shape, struct fixture *f)
{
    fixture_init(f);
    f->batch = (size_t)(1 + below(rng, 9));
    int64_t count = 1 + below(rng, shape->max_nodes);
    size_t order[16]; /* order[i] stands on one of order[0..i - 1] */
    for (int64_t i = 0; i < count; i++) {
        int64_t other = below(rng, i + 1);
        order[i] = order[other];
        order[other] = (size_t)i;
        add_empty_image(f, IA_NO_PARENT, random_size(rng, shape));
    }
    for (int64_t i = 0; i < count; i++) {
        size_t node = order[i];
        if (i > 0 && below(rng, 6) > 0)
            f->nodes.items[node].parent = order[below(rng, 10) < shape->chain_bias ? i - 1 : below(rng, i)];
        f->nodes.items[node].keep_whole = below(rng, 8) == 0;
        random_mapping(rng, shape, &f->images.items[node].mappings.items[0]);
        for (int64_t snapshots = below(rng, 3) == 0 ? 1 + below(rng, 3) : 0; snapshots > 0; snapshots--)
            random_mapping(rng, shape, add_empty_snapshot(f, node, random_size(rng, shape)));
    }
}

/* The reference. */

struct reference {
    struct fixture *f;
    int64_t width;
    const struct ia_extent **at; /* by node and byte: the extent of the active mapping there, or NULL */
    int *readers;                /* by node and byte */
    bool *asked;                 /* by node and byte: the present reader asked for it */
};

static size_t cell(const struct reference *r, size_t node, int64_t byte)
{
    return node * (size_t)r->width + (size_t)byte;
}

/* The extents of a mapping by byte; where two lie over each other, the first. `at` holds NULL for `size` bytes. */
static void spread_extents(const struct mapping *mapping, int64_t size, const struct ia_extent **at)
{
    for (size_t i = mapping->extents.len; i-- > 0;) {
        const struct ia_extent *extent = &mapping->extents.items[i];
        for (int64_t byte = extent->start; byte < ia_min(extent->start + extent->length, size); byte++)
            at[byte] = extent;
    }
}

static bool is_present(const struct ia_extent *extent)
{
    return extent != NULL && extent->state != IA_EXTENT_RESERVED;
}

static bool has_children(const struct fixture *f, size_t node)
{
    for (size_t i = 0; i < f->nodes.len; i++)
        if (f->nodes.items[i].parent == node)
            return true;
    return false;
}

/* Asks for a byte of a node, and of those below it until one has it. Returns that one, or IA_NO_PARENT. */
static size_t ask(struct reference *r, size_t node, int64_t byte)
{
    while (node != IA_NO_PARENT && byte < r->f->nodes.items[node].size) {
        r->asked[cell(r, node, byte)] = true;
        if (is_present(r->at[cell(r, node, byte)]))
            return node;
        node = r->f->nodes.items[node].parent;
    }
    return IA_NO_PARENT;
}

static void read_active(struct reference *r, size_t node)
{
    for (int64_t byte = 0; byte < r->f->nodes.items[node].size; byte++)
        ask(r, node, byte);
}

static void read_snapshots(struct reference *r, size_t node)
{
    const struct image *image = &r->f->images.items[node];
    for (size_t m = 1; m < image->mappings.len; m++) {
        int64_t size = image->mappings.items[m].size;
        const struct ia_extent **at = calloc((size_t)size + 1, sizeof(const struct ia_extent *));
        assert_non_null(at);
        spread_extents(&image->mappings.items[m], size, at);
        for (int64_t byte = 0; byte < size; byte++)
            if (!is_present(at[byte]))
                ask(r, r->f->nodes.items[node].parent, byte);
        free(at);
    }
}

static void end_of_reader(struct reference *r)
{
    for (size_t i = 0; i < r->f->nodes.len * (size_t)r->width; i++) {
        r->readers[i] += r->asked[i] ? 1 : 0;
        r->asked[i] = false;
    }
}

static void reference_init(struct reference *r, struct fixture *f)
{
    *r = (struct reference){.f = f, .width = 1};
    for (size_t i = 0; i < f->nodes.len; i++)
        r->width = ia_max(r->width, f->nodes.items[i].size);
    size_t cells = f->nodes.len * (size_t)r->width;
    r->at = calloc(cells, sizeof(*r->at));
    r->readers = calloc(cells, sizeof(*r->readers));
    r->asked = calloc(cells, sizeof(*r->asked));
    assert_true(r->at != NULL && r->readers != NULL && r->asked != NULL);
    for (size_t i = 0; i < f->nodes.len; i++)
        spread_extents(&f->images.items[i].mappings.items[0], f->nodes.items[i].size, &r->at[cell(r, i, 0)]);
    for (size_t i = 0; i < f->nodes.len; i++) {
        bool head = !has_children(f, i);
        if (head)
            read_active(r, i);
        if (!head)
            end_of_reader(r);
        read_snapshots(r, i);
        end_of_reader(r);
        if (!head && f->nodes.items[i].keep_whole) {
            read_active(r, i);
            end_of_reader(r);
        }
    }
}

static void reference_release(struct reference *r)
{
    free(r->at);
    free(r->readers);
    free(r->asked);
}

/* Data that nobody reads, but that a snapshot of the image holds on to or may hold on to. */
static bool is_held(const struct image *image, const struct ia_extent *extent, int64_t byte)
{
    if (image->mappings.len == 1)
        return false;
    if (extent->offset == IA_NO_OFFSET || extent->state == IA_EXTENT_COMPRESSED)
        return true;
    int64_t host = extent->offset + (byte - extent->start);
    for (size_t m = 1; m < image->mappings.len; m++)
        for (size_t i = 0; i < image->mappings.items[m].extents.len; i++) {
            const struct ia_extent *other = &image->mappings.items[m].extents.items[i];
            if (other->offset != IA_NO_OFFSET && other->file == extent->file && other->offset <= host &&
                host < other->offset + other->length)
                return true;
        }
    return false;
}

/* How many bytes of data so many readers see, for every number. */
static void check_seen(struct reference *r, size_t node, int64_t visible)
{
    const struct fixture *f = r->f;
    const struct image *image = &f->images.items[node];
    int64_t sum = 0;
    for (size_t i = 0; i < image->seen.len; i++) {
        int64_t bytes = 0;
        for (int64_t byte = 0; byte < f->nodes.items[node].size; byte++) {
            const struct ia_extent *extent = r->at[cell(r, node, byte)];
            int readers = r->readers[cell(r, node, byte)];
            if (!is_present(extent) || strchr("DCES", state_letters[extent->state]) == NULL)
                continue;
            if (readers == 0 && is_held(image, extent, byte))
                readers = 1;
            bytes += readers == (int)image->seen.items[i].readers;
        }
        assert_int_equal(image->seen.items[i].bytes, bytes);
        sum += bytes;
    }
    assert_int_equal(sum, visible);
}

static void check_usage(struct reference *r, size_t node)
{
    const struct fixture *f = r->f;
    const struct image *image = &f->images.items[node];
    struct ia_usage expected = {0};
    IA_VEC(struct ia_extent) masked = {0};
    for (int64_t byte = 0; byte < f->nodes.items[node].size; byte++) {
        const struct ia_extent *extent = r->at[cell(r, node, byte)];
        if (!is_present(extent))
            continue;
        bool is_data = strchr("DCES", state_letters[extent->state]) != NULL;
        int readers = r->readers[cell(r, node, byte)];
        if (readers == 0 && is_data && is_held(image, extent, byte))
            readers = 1;
        expected.visible_present += readers > 0;
        if (!is_data)
            continue;
        expected.visible_bytes += readers > 0;
        expected.exclusive_bytes += readers == 1;
        expected.shared_bytes += readers > 1;
        expected.masked_bytes += readers == 0;
        if (readers > 0)
            continue;
        struct ia_extent *last = masked.len > 0 ? &masked.items[masked.len - 1] : NULL;
        if (last != NULL && last->start + last->length == byte && byte > extent->start) {
            last->length++;
            continue;
        }
        struct ia_extent piece = *extent;
        piece.start = byte;
        piece.length = 1;
        if (piece.offset != IA_NO_OFFSET)
            piece.offset += byte - extent->start;
        assert_true(ia_vec_push(&masked, piece));
    }
    for (size_t i = 0; i < f->nodes.len; i++) {
        size_t at = f->nodes.items[i].parent;
        expected.dependents += at == node;
        while (at != IA_NO_PARENT && at != node)
            at = f->nodes.items[at].parent;
        expected.descendants += at == node;
        expected.heads += at == node && !has_children(f, i);
    }
    check_seen(r, node, expected.visible_bytes);
    assert_int_equal(image->usages, 1);
    assert_int_equal(image->usage.visible_bytes, expected.visible_bytes);
    assert_int_equal(image->usage.visible_present, expected.visible_present);
    assert_int_equal(image->usage.masked_bytes, expected.masked_bytes);
    assert_int_equal(image->usage.exclusive_bytes, expected.exclusive_bytes);
    assert_int_equal(image->usage.shared_bytes, expected.shared_bytes);
    assert_int_equal(image->usage.dependents, expected.dependents);
    assert_int_equal(image->usage.descendants, expected.descendants);
    assert_int_equal(image->usage.heads, expected.heads);
    assert_int_equal(image->masked.len, masked.len);
    if (masked.len > 0)
        assert_memory_equal(image->masked.items, masked.items, masked.len * sizeof(*masked.items));
    ia_vec_release(&masked);
}

static void check_chain(struct reference *r, size_t node)
{
    const struct fixture *f = r->f;
    const struct image *image = &f->images.items[node];
    size_t depth = 0;
    for (size_t layer = node; layer != IA_NO_PARENT; layer = f->nodes.items[layer].parent, depth++) {
        int64_t visible = 0;
        int64_t data = 0;
        for (int64_t byte = 0; byte < f->nodes.items[node].size; byte++)
            if (ask(r, node, byte) == layer) {
                visible++;
                data += strchr("DCES", state_letters[r->at[cell(r, layer, byte)]->state]) != NULL;
            }
        assert_true(depth < image->chain.len);
        const struct ia_chain_row *row = &image->chain.items[depth];
        assert_int_equal(row->layer, layer);
        assert_int_equal(row->size, f->nodes.items[layer].size);
        assert_int_equal(row->visible_bytes, visible);
        assert_int_equal(row->data_bytes, data);
    }
    assert_int_equal(image->chain.len, depth);
}

static size_t root_of(const struct fixture *f, size_t node)
{
    while (f->nodes.items[node].parent != IA_NO_PARENT)
        node = f->nodes.items[node].parent;
    return node;
}

/* Data that both heads read from the same image. */
static int64_t shared_by(struct reference *r, size_t a, size_t b)
{
    int64_t bytes = 0;
    int64_t end = ia_min(r->f->nodes.items[a].size, r->f->nodes.items[b].size);
    for (int64_t byte = 0; byte < end; byte++) {
        size_t layer = ask(r, a, byte);
        if (layer != IA_NO_PARENT && layer == ask(r, b, byte))
            bytes += strchr("DCES", state_letters[r->at[cell(r, layer, byte)]->state]) != NULL;
    }
    return bytes;
}

static const struct ia_pair_row *find_pair(const struct fixture *f, size_t a, size_t b)
{
    for (size_t i = 0; i < f->pairs.len; i++)
        if (f->pairs.items[i].node == a && f->pairs.items[i].other == b)
            return &f->pairs.items[i];
    return NULL;
}

/* Every pair of the tree has a row with its bytes, or shares no more than `others` of all rows. Returns the rows. */
static size_t check_pairs(struct reference *r, size_t root)
{
    const struct fixture *f = r->f;
    size_t rows = 0;
    int64_t least = INT64_MAX;
    int64_t untold = 0;
    int64_t others = -1;
    for (size_t b = 0; b < f->nodes.len; b++)
        for (size_t a = 0; a < b; a++) {
            if (root_of(f, a) != root || root_of(f, b) != root || has_children(f, a) || has_children(f, b))
                continue;
            int64_t bytes = shared_by(r, a, b);
            const struct ia_pair_row *row = find_pair(f, a, b);
            if (row == NULL) {
                untold = ia_max(untold, bytes);
                continue;
            }
            assert_int_equal(row->bytes, bytes);
            assert_true(others == -1 || others == row->others);
            others = row->others;
            least = ia_min(least, bytes);
            rows++;
        }
    assert_true(untold <= least);
    assert_true(rows == IA_PAIRS_SHOWN || untold == 0);
    if (rows > 0)
        assert_int_equal(others, untold);
    return rows;
}

static void check_all_pairs(struct reference *r)
{
    const struct fixture *f = r->f;
    size_t rows = 0;
    for (size_t node = 0; node < f->nodes.len; node++)
        if (f->nodes.items[node].parent == IA_NO_PARENT)
            rows += check_pairs(r, node);
    assert_int_equal(rows, f->pairs.len);
    for (size_t i = 1; i < f->pairs.len; i++)
        if (root_of(f, f->pairs.items[i].node) == root_of(f, f->pairs.items[i - 1].node))
            assert_true(f->pairs.items[i].bytes <= f->pairs.items[i - 1].bytes);
}

/* No extent is asked for more than twice, of a stand-alone image once, or never where it is known what it holds. */
static void check_reads(const struct fixture *f, size_t node)
{
    const struct image *image = &f->images.items[node];
    bool alone = f->nodes.items[node].parent == IA_NO_PARENT && !has_children(f, node);
    size_t most = !alone ? 2 : f->tell_states ? 0 : 1;
    for (size_t m = 0; m < image->mappings.len; m++)
        assert_true(image->mappings.items[m].handed <= most * image->mappings.items[m].extents.len);
}

/* What an image was told, apart from what it is. */
struct told {
    int usages;
    struct ia_usage usage;
    struct ia_extent *masked;
    size_t pieces;
    struct ia_chain_row *chain;
    size_t rows;
};

static void *copy(const void *items, size_t bytes)
{
    void *made = malloc(bytes + 1);
    assert_non_null(made);
    if (bytes > 0)
        memcpy(made, items, bytes);
    return made;
}

static struct told *remember(const struct fixture *f)
{
    struct told *told = calloc(f->images.len, sizeof(*told));
    assert_non_null(told);
    for (size_t i = 0; i < f->images.len; i++) {
        const struct image *image = &f->images.items[i];
        told[i] = (struct told){
            .usages = image->usages,
            .usage = image->usage,
            .masked = copy(image->masked.items, image->masked.len * sizeof(image->masked.items[0])),
            .pieces = image->masked.len,
            .chain = copy(image->chain.items, image->chain.len * sizeof(image->chain.items[0])),
            .rows = image->chain.len,
        };
    }
    return told;
}

/* Sinks that are not wanted change nothing for the others. */
static void check_partial(struct fixture *f, const struct told *told, struct ia_forest_sinks sinks)
{
    struct ia_error err = {0};
    assert_int_equal(try_analyse(f, sinks, &err), IA_OK);
    for (size_t i = 0; i < f->images.len; i++) {
        const struct image *now = &f->images.items[i];
        bool silent = sinks.bases_only && told[i].usage.dependents == 0;
        bool has_usage = sinks.usage != NULL && !silent;
        assert_int_equal(now->usages, has_usage ? told[i].usages : 0);
        assert_int_equal(now->masked.len, sinks.masked != NULL && !silent ? told[i].pieces : 0);
        assert_int_equal(now->chain.len, sinks.chain != NULL ? told[i].rows : 0);
        if (has_usage)
            assert_memory_equal(&now->usage, &told[i].usage, sizeof(now->usage));
        if (now->masked.len > 0)
            assert_memory_equal(now->masked.items, told[i].masked, now->masked.len * sizeof(now->masked.items[0]));
        if (now->chain.len > 0)
            assert_memory_equal(now->chain.items, told[i].chain, now->chain.len * sizeof(now->chain.items[0]));
    }
}

static void check_partials(struct fixture *f)
{
    struct told *told = remember(f);
    check_partial(f, told, (struct ia_forest_sinks){.usage = keep_usage});
    check_partial(f, told, (struct ia_forest_sinks){.masked = keep_masked});
    check_partial(f, told, (struct ia_forest_sinks){.chain = keep_chain, .place = keep_place, .change = keep_change});
    check_partial(f, told, (struct ia_forest_sinks){.bases_only = true, .usage = keep_usage, .masked = keep_masked});
    for (size_t i = 0; i < f->images.len; i++) {
        free(told[i].masked);
        free(told[i].chain);
    }
    free(told);
}

/* The seed of the forest at hand, for teardown to name it whatever went wrong. */
static int setup(void **state)
{
    *state = calloc(1, sizeof(uint64_t));
    return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    print_message("# last forest: IA_SEED=%" PRIu64 " IA_FORESTS=1\n", *(uint64_t *)*state);
    free(*state);
    return 0;
}

static void try_forests(const struct shape *shape, int64_t count, uint64_t *seed)
{
    const char *given = getenv("IA_SEED");
    uint64_t first = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    int64_t pieces = 0;
    int64_t shared = 0;
    int64_t pairs = 0;
    print_message("# IA_SEED=%" PRIu64 ", %jd forests\n", first, (intmax_t)count);
    for (int64_t i = 0; i < count; i++) {
        *seed = first + (uint64_t)i;
        uint64_t rng = *seed;
        struct fixture f;
        random_forest(&rng, shape, &f);
        f.tell_states = below(&rng, 2) == 1;
        analyse(&f);
        struct reference r;
        reference_init(&r, &f);
        for (size_t node = 0; node < f.nodes.len; node++) {
            check_usage(&r, node);
            check_chain(&r, node);
            check_reads(&f, node);
            pieces += (int64_t)f.images.items[node].masked.len;
            shared += f.images.items[node].usage.shared_bytes;
        }
        check_all_pairs(&r);
        pairs += (int64_t)f.pairs.len;
        reference_release(&r);
        check_partials(&f);
        fixture_release(&f);
    }
    /* Forests in which nothing is masked or shared would prove little. */
    if (count >= 20)
        assert_true(pieces > count && shared > count && pairs > count / 10);
}

static int64_t count_or(int64_t normal)
{
    const char *given = getenv("IA_FORESTS");
    return given != NULL ? strtoll(given, NULL, 0) : normal;
}

static void small_forests_agree_with_the_reference(void **state)
{
    try_forests(&small, count_or(2000), *state);
}

static void large_forests_agree_with_the_reference(void **state)
{
    try_forests(&large, (count_or(2000) + 49) / 50, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_forests_agree_with_the_reference, setup, teardown),
        cmocka_unit_test_setup_teardown(large_forests_agree_with_the_reference, setup, teardown),
    };
    return cmocka_run_group_tests_name("analysis/random", tests, NULL, NULL);
}
