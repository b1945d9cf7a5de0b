/* SPDX-License-Identifier: MIT */
/* The forest: cases small enough to be worked out by hand. */
#include "test_analysis_fixture.h"

static int setup(void **state)
{
    static struct fixture fixture;
    fixture_init(&fixture);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_release(*state);
    return 0;
}

/* visible, present, masked, exclusive, shared: guest bytes */
static void assert_bytes(struct fixture *f, size_t node, int64_t visible, int64_t present, int64_t masked,
                         int64_t exclusive, int64_t shared)
{
    const struct ia_usage *usage = &f->images.items[node].usage;
    assert_int_equal(f->images.items[node].usages, 1);
    assert_int_equal(usage->visible_bytes, visible);
    assert_int_equal(usage->visible_present, present);
    assert_int_equal(usage->masked_bytes, masked);
    assert_int_equal(usage->exclusive_bytes, exclusive);
    assert_int_equal(usage->shared_bytes, shared);
}

static void assert_family(struct fixture *f, size_t node, size_t dependents, size_t descendants, size_t heads)
{
    const struct ia_usage *usage = &f->images.items[node].usage;
    assert_int_equal(usage->dependents, dependents);
    assert_int_equal(usage->descendants, descendants);
    assert_int_equal(usage->heads, heads);
}

/* 'M' for each masked byte. */
static void assert_masked(struct fixture *f, size_t node, const char *expected)
{
    char drawn[128];
    memset(drawn, '.', sizeof(drawn));
    drawn[f->nodes.items[node].size] = '\0';
    const struct image *image = &f->images.items[node];
    for (size_t i = 0; i < image->masked.len; i++)
        memset(drawn + image->masked.items[i].start, 'M', (size_t)image->masked.items[i].length);
    assert_string_equal(drawn, expected);
}

static void assert_piece(struct fixture *f, size_t node, size_t index, struct ia_extent expected)
{
    const struct image *image = &f->images.items[node];
    assert_true(index < image->masked.len);
    const struct ia_extent *piece = &image->masked.items[index];
    assert_int_equal(piece->start, expected.start);
    assert_int_equal(piece->length, expected.length);
    assert_int_equal(piece->offset, expected.offset);
    assert_int_equal(piece->state, expected.state);
    assert_int_equal(piece->file, expected.file);
}

static void assert_row(struct fixture *f, size_t node, size_t depth, size_t layer, int64_t size, int64_t visible,
                       int64_t data)
{
    const struct image *image = &f->images.items[node];
    assert_true(depth < image->chain.len);
    const struct ia_chain_row *row = &image->chain.items[depth];
    assert_int_equal(row->layer, layer);
    assert_int_equal(row->size, size);
    assert_int_equal(row->visible_bytes, visible);
    assert_int_equal(row->data_bytes, data);
}

static void analysis_of_no_images_succeeds(void **state)
{
    analyse(*state);
}

static void image_alone_reads_all_its_data_and_is_read_once(void **state)
{
    struct fixture *f = *state;
    size_t disk = add_image(f, IA_NO_PARENT, "DD..ZZAASSCCEERR");
    add_snapshot(f, disk, "DDDD");
    analyse(f);
    assert_bytes(f, disk, 8, 12, 0, 8, 0);
    assert_family(f, disk, 0, 0, 0);
    assert_masked(f, disk, "................");
    assert_int_equal(f->images.items[disk].chain.len, 1);
    assert_row(f, disk, 0, disk, 16, 12, 8);
    assert_int_equal(f->images.items[disk].mappings.items[0].handed,
                     f->images.items[disk].mappings.items[0].extents.len);
    assert_int_equal(f->images.items[disk].mappings.items[1].handed, 0);
}

static void no_mapping_is_read_more_than_twice(void **state)
{
    struct fixture *f = *state;
    size_t head = add_image(f, 1, "D...");
    size_t base = add_image(f, IA_NO_PARENT, "DDDD");
    analyse(f);
    assert_int_equal(f->images.items[head].mappings.items[0].handed, 2);
    assert_int_equal(f->images.items[base].mappings.items[0].handed, 2);
    assert_int_equal(f->images.items[base].seen.len, 1);
    assert_int_equal(f->images.items[base].seen.items[0].readers, 1);
    assert_int_equal(f->images.items[base].seen.items[0].bytes, 3);
}

static void what_the_overlay_has_is_masked_in_the_base(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDDZZ..");
    size_t head = add_image(f, base, ".DD...D...");
    analyse(f);
    assert_bytes(f, base, 4, 5, 2, 4, 0);
    assert_masked(f, base, ".MM.......");
    assert_piece(f, base, 0, (struct ia_extent){.start = 1, .length = 2, .offset = 1});
    assert_bytes(f, head, 3, 3, 0, 3, 0);
    assert_family(f, base, 1, 1, 1);
    assert_family(f, head, 0, 0, 0);
    assert_int_equal(f->images.items[base].chain.len, 1);
    assert_row(f, base, 0, base, 10, 8, 6);
    assert_int_equal(f->images.items[head].chain.len, 2);
    assert_row(f, head, 0, head, 10, 3, 3);
    assert_row(f, head, 1, base, 10, 5, 4);
}

static void overlay_longer_than_its_base_reads_nothing_behind_it(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDD");
    size_t head = add_image(f, base, "..D.....");
    analyse(f);
    assert_bytes(f, base, 3, 3, 1, 3, 0);
    assert_row(f, head, 0, head, 8, 1, 1);
    assert_row(f, head, 1, base, 4, 3, 3);
}

static void overlay_shorter_than_its_base_cuts_it(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDDDD");
    size_t head = add_image(f, base, "D...");
    analyse(f);
    assert_bytes(f, base, 3, 3, 5, 3, 0);
    assert_masked(f, base, "M...MMMM");
    assert_row(f, head, 1, base, 8, 3, 3);
}

static void short_layer_in_the_middle_cuts_what_is_below_it(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDDDD");
    size_t middle = add_image(f, base, "...");
    size_t head = add_image(f, middle, "......");
    analyse(f);
    assert_masked(f, base, "...MMMMM");
    assert_row(f, head, 0, head, 6, 0, 0);
    assert_row(f, head, 1, middle, 3, 0, 0);
    assert_row(f, head, 2, base, 8, 3, 3);
    assert_row(f, middle, 1, base, 8, 3, 3);
    assert_bytes(f, middle, 0, 0, 0, 0, 0);
}

static void zero_extents_of_the_overlay_mask_the_base(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDD");
    size_t head = add_image(f, base, "ZZAA..");
    analyse(f);
    assert_masked(f, base, "MMMM..");
    assert_bytes(f, head, 0, 4, 0, 0, 0);
    assert_row(f, head, 0, head, 6, 4, 0);
    assert_row(f, head, 1, base, 6, 2, 2);
}

static void masked_zero_extents_of_the_base_are_not_masked_data(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "ZZAADD");
    add_image(f, base, "DDDD..");
    analyse(f);
    assert_bytes(f, base, 2, 2, 0, 2, 0);
    assert_masked(f, base, "......");
}

static void reserved_is_not_present(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDRR");
    size_t head = add_image(f, base, "RRRR");
    analyse(f);
    assert_bytes(f, base, 2, 2, 0, 2, 0);
    assert_bytes(f, head, 0, 0, 0, 0, 0);
    assert_row(f, head, 0, head, 4, 0, 0);
    assert_row(f, head, 1, base, 4, 2, 2);
}

static void base_that_contributes_nothing_still_has_its_row(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DD..");
    size_t head = add_image(f, base, "DDDD");
    analyse(f);
    assert_bytes(f, base, 0, 0, 2, 0, 0);
    assert_row(f, head, 1, base, 4, 0, 0);
}

static void two_overlays_mask_only_what_both_have(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDDDD");
    add_image(f, base, "DDDD....");
    add_image(f, base, "..DDDD..");
    analyse(f);
    assert_masked(f, base, "..MM....");
    assert_bytes(f, base, 6, 6, 2, 4, 2);
    assert_family(f, base, 2, 2, 2);
}

static void masked_piece_ends_with_its_extent(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDEEECCC.");
    f->images.items[base].mappings.items[0].extents.items[1].file = 7;
    add_image(f, base, "..DDDDDD..");
    add_image(f, base, "..DDDDDD..");
    analyse(f);
    assert_masked(f, base, "..MMMMMM..");
    assert_int_equal(f->images.items[base].masked.len, 3);
    assert_piece(f, base, 0, (struct ia_extent){2, 1, 2, IA_EXTENT_DATA, 0});
    assert_piece(f, base, 1, (struct ia_extent){3, 3, 3, IA_EXTENT_ENCRYPTED, 7});
    assert_piece(f, base, 2, (struct ia_extent){6, 2, IA_NO_OFFSET, IA_EXTENT_COMPRESSED, 0});
}

static void readers_of_a_deep_base_are_counted_through_every_branch(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDDDD");
    size_t branch = add_image(f, base, "DD......");
    size_t left = add_image(f, branch, "....DD..");
    size_t right = add_image(f, branch, "....D...");
    size_t lone = add_image(f, base, "...DDDDD");
    analyse(f);
    /* read by:        lone  lone  all  left+right x1: none at 4, right at 5, both at 6 and 7 */
    assert_masked(f, base, "....M...");
    assert_bytes(f, base, 7, 7, 1, 3, 4);
    assert_bytes(f, branch, 2, 2, 0, 0, 2);
    assert_family(f, base, 2, 4, 3);
    assert_family(f, branch, 2, 2, 2);
    assert_row(f, left, 2, base, 8, 4, 4);
    assert_row(f, right, 2, base, 8, 5, 5);
    assert_row(f, lone, 1, base, 8, 3, 3);
    assert_row(f, branch, 1, base, 8, 6, 6);
}

static void snapshot_of_the_head_keeps_what_the_head_overwrote(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDD");
    size_t head = add_image(f, base, "DDDD..");
    add_snapshot(f, head, "D.....");
    analyse(f);
    assert_masked(f, base, "M.....");
    /* head and snapshot are one file: bytes 4 and 5, read by both, are exclusive */
    assert_bytes(f, base, 5, 5, 1, 5, 0);
    assert_row(f, head, 1, base, 6, 2, 2);
}

static void snapshot_longer_than_its_head_reads_more_of_the_base(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDD");
    size_t head = add_image(f, base, "D.");
    add_snapshot(f, head, "DD..");
    analyse(f);
    assert_masked(f, base, "M...MM");
}

static void snapshots_of_a_middle_image_are_a_reader_of_their_own(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDD");
    size_t middle = add_image(f, base, "DDDD..");
    add_snapshot(f, middle, "D..DDD");
    add_snapshot(f, middle, "D.DDD.");
    add_image(f, middle, "......");
    analyse(f);
    assert_masked(f, base, "M..M..");
    assert_bytes(f, base, 4, 4, 2, 3, 1);
}

static void host_range_shared_with_a_snapshot_is_not_masked(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDDDD");
    struct mapping *snapshot = add_empty_snapshot(f, base, 8);
    add_extent(snapshot, 0, 1, IA_EXTENT_RESERVED, 5);
    add_extent(snapshot, 4, 2, IA_EXTENT_DATA, 2); /* host bytes 2 and 3, at another guest address */
    add_image(f, base, ".DDDDDD.");
    analyse(f);
    assert_masked(f, base, ".M..M.M.");
    assert_bytes(f, base, 5, 5, 3, 5, 0);
    assert_int_equal(f->images.items[base].masked.len, 3);
    assert_piece(f, base, 1, (struct ia_extent){.start = 4, .length = 1, .offset = 4});
    assert_piece(f, base, 2, (struct ia_extent){.start = 6, .length = 1, .offset = 6});
}

static void host_range_of_another_file_is_not_shared(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDD");
    struct mapping *snapshot = add_empty_snapshot(f, base, 4);
    add_extent(snapshot, 0, 4, IA_EXTENT_DATA, 0);
    snapshot->extents.items[0].file = 1;
    add_image(f, base, "DDDD");
    analyse(f);
    assert_masked(f, base, "MMMM");
}

static void compressed_data_of_an_image_with_snapshots_is_never_masked(void **state)
{
    struct fixture *f = *state;
    size_t plain = add_image(f, IA_NO_PARENT, "CCDD");
    add_image(f, plain, "DDDD");
    size_t with_snapshot = add_image(f, IA_NO_PARENT, "CCDD");
    add_snapshot(f, with_snapshot, "....");
    add_image(f, with_snapshot, "DDDD");
    analyse(f);
    assert_masked(f, plain, "MMMM");
    assert_masked(f, with_snapshot, "..MM");
    assert_bytes(f, with_snapshot, 2, 2, 2, 2, 0);
}

static void keep_whole_makes_an_image_a_reader_of_itself_and_of_its_bases(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDDDD");
    size_t template = add_image(f, base, "DDDD..");
    add_image(f, template, "DD..DD..");
    f->nodes.items[template].keep_whole = true;
    analyse(f);
    assert_masked(f, template, "......");
    assert_bytes(f, template, 4, 4, 0, 2, 2);
    assert_masked(f, base, "MMMM..MM");
    assert_bytes(f, base, 2, 2, 6, 2, 0);
}

static void keep_whole_changes_nothing_for_a_head(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDD");
    size_t head = add_image(f, base, "D...");
    f->nodes.items[head].keep_whole = true;
    analyse(f);
    assert_bytes(f, base, 3, 3, 1, 3, 0);
    assert_bytes(f, head, 1, 1, 0, 1, 0);
}

static void each_base_in_a_chain_of_a_thousand_has_one_masked_byte(void **state)
{
    struct fixture *f = *state;
    enum { CHAIN = 1000 };
    /* Image i has the bytes i and i + 1: byte i shows in image i and is masked in image i - 1 whoever looks from
     * above. */
    for (size_t i = 0; i < CHAIN; i++) {
        size_t node = add_empty_image(f, i == 0 ? IA_NO_PARENT : i - 1, CHAIN + 1);
        add_extent(&f->images.items[node].mappings.items[0], (int64_t)i, 2, IA_EXTENT_DATA, 4096);
    }
    analyse(f);
    for (size_t i = 0; i < CHAIN; i++) {
        bool head = i == CHAIN - 1;
        assert_bytes(f, i, head ? 2 : 1, head ? 2 : 1, head ? 0 : 1, head ? 2 : 1, 0);
        assert_family(f, i, head ? 0 : 1, CHAIN - 1 - i, head ? 0 : 1);
        assert_int_equal(f->images.items[i].chain.len, i + 1);
        for (size_t depth = 0; depth <= i; depth++)
            assert_row(f, i, depth, i - depth, CHAIN + 1, depth == 0 ? 2 : 1, depth == 0 ? 2 : 1);
        if (!head)
            assert_piece(f, i, 0, (struct ia_extent){.start = (int64_t)i + 1, .length = 1, .offset = 4097});
    }
}

static size_t rows_of_all(const struct fixture *f)
{
    size_t rows = 0;
    for (size_t i = 0; i < f->images.len; i++)
        rows += f->images.items[i].rows.len + f->images.items[i].changes.len;
    return rows;
}

static void a_chain_of_n_images_has_n_rows_and_one_about_each(void **state)
{
    struct fixture *f = *state;
    enum { CHAIN = 1000 };
    for (size_t i = 0; i < CHAIN; i++)
        add_empty_image(f, i == 0 ? IA_NO_PARENT : i - 1, 4);
    add_extent(&f->images.items[0].mappings.items[0], 0, 4, IA_EXTENT_DATA, 0);
    analyse(f);
    assert_int_equal(f->images.items[CHAIN - 1].rows.len, CHAIN);
    assert_int_equal(rows_of_all(f), CHAIN + CHAIN - 1);
    assert_row(f, 500, 500, 0, 4, 4, 4);
}

static void what_a_base_reads_of_its_own_is_not_what_its_overlays_read(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDDDD");
    size_t low = add_image(f, base, "DD......");
    size_t high = add_image(f, low, ".DD.....");
    size_t head = add_image(f, high, "D..D....");
    analyse(f);
    assert_row(f, base, 0, base, 8, 8, 8);
    assert_row(f, low, 1, base, 8, 6, 6);
    assert_row(f, high, 1, low, 8, 1, 1);
    assert_row(f, high, 2, base, 8, 5, 5);
    assert_row(f, head, 2, low, 8, 0, 0);
    assert_row(f, head, 3, base, 8, 4, 4);
}

static void images_beyond_the_longest_chain_have_no_rows_but_are_readers(void **state)
{
    struct fixture *f = *state;
    f->max_chain = 2;
    size_t base = add_image(f, IA_NO_PARENT, "DDDD");
    size_t last = add_image(f, base, "D...");
    size_t beyond = add_image(f, last, ".D..");
    size_t farther = add_image(f, beyond, "..D.");
    size_t other = add_image(f, base, "DDDD");
    analyse(f);
    assert_int_equal(f->images.items[last].rows.len, 2);
    assert_row(f, last, 1, base, 4, 3, 3);
    assert_row(f, other, 1, base, 4, 0, 0);
    assert_int_equal(f->images.items[beyond].chain.len, 0);
    assert_int_equal(f->images.items[farther].chain.len, 0);
    assert_int_equal(rows_of_all(f), 2 + 2 + 1);
    assert_masked(f, base, "MMM.");
    assert_family(f, base, 2, 4, 2);
}

static void base_of_five_hundred_overlays_masks_what_none_of_them_reads(void **state)
{
    struct fixture *f = *state;
    enum { OVERLAYS = 500 };
    size_t base = add_empty_image(f, IA_NO_PARENT, OVERLAYS + 2);
    add_extent(&f->images.items[base].mappings.items[0], 0, OVERLAYS + 2, IA_EXTENT_DATA, 0);
    /* Overlay i has all but byte i, of which the base's last byte but one is read by nobody and the last by all. */
    for (int64_t i = 0; i < OVERLAYS; i++) {
        size_t node = add_empty_image(f, base, OVERLAYS + 2);
        struct mapping *map = &f->images.items[node].mappings.items[0];
        if (i > 0)
            add_extent(map, 0, i, IA_EXTENT_ZERO, IA_NO_OFFSET);
        add_extent(map, i + 1, OVERLAYS - i, IA_EXTENT_DATA, 0);
    }
    analyse(f);
    assert_bytes(f, base, OVERLAYS + 1, OVERLAYS + 1, 1, OVERLAYS, 1);
    assert_family(f, base, OVERLAYS, OVERLAYS, OVERLAYS);
    assert_int_equal(f->images.items[base].masked.len, 1);
    assert_piece(f, base, 0, (struct ia_extent){.start = OVERLAYS, .length = 1, .offset = OVERLAYS});
    const struct seen *seen = f->images.items[base].seen.items;
    assert_int_equal(f->images.items[base].seen.len, 2);
    assert_int_equal(seen[0].readers, 1);
    assert_int_equal(seen[0].bytes, OVERLAYS);
    assert_int_equal(seen[1].readers, OVERLAYS);
    assert_int_equal(seen[1].bytes, 1);
    for (size_t i = 1; i <= OVERLAYS; i++)
        assert_row(f, i, 1, base, OVERLAYS + 2, 2, 2);
}

static void parents_may_come_after_their_children(void **state)
{
    struct fixture *f = *state;
    size_t head = add_image(f, 2, "D..");
    size_t other = add_image(f, IA_NO_PARENT, "DDD");
    size_t middle = add_image(f, 3, ".D.");
    size_t base = add_image(f, IA_NO_PARENT, "DDD");
    analyse(f);
    assert_masked(f, base, "MM.");
    assert_row(f, head, 2, base, 3, 1, 1);
    assert_row(f, head, 1, middle, 3, 1, 1);
    assert_family(f, other, 0, 0, 0);
}

static void sizes_up_to_the_last_byte_do_not_wrap(void **state)
{
    struct fixture *f = *state;
    size_t base = add_empty_image(f, IA_NO_PARENT, INT64_MAX);
    add_extent(&f->images.items[base].mappings.items[0], 0, INT64_MAX, IA_EXTENT_DATA, 0);
    size_t head = add_empty_image(f, base, INT64_MAX);
    add_extent(&f->images.items[head].mappings.items[0], INT64_MAX - 3, 3, IA_EXTENT_DATA, 0);
    analyse(f);
    assert_bytes(f, base, INT64_MAX - 3, INT64_MAX - 3, 3, INT64_MAX - 3, 0);
    assert_row(f, head, 1, base, INT64_MAX, INT64_MAX - 3, INT64_MAX - 3);
}

static void image_of_no_size_lets_nothing_of_its_base_through(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DD");
    size_t nothing = add_image(f, base, "");
    size_t head = add_image(f, nothing, "D.");
    add_snapshot(f, nothing, "");
    analyse(f);
    assert_masked(f, base, "MM");
    assert_row(f, head, 2, base, 2, 0, 0);
}

static void what_lies_past_the_size_does_not_exist(void **state)
{
    struct fixture *f = *state;
    size_t disk = add_image(f, IA_NO_PARENT, "DDD");
    add_extent(&f->images.items[disk].mappings.items[0], 4, 2, IA_EXTENT_DATA, 0);
    f->nodes.items[disk].size = 2;
    analyse(f);
    assert_bytes(f, disk, 2, 2, 0, 2, 0);
}

static void host_range_past_63_bits_counts_as_none(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DD");
    f->images.items[base].mappings.items[0].extents.items[0].offset = INT64_MAX - 1;
    add_image(f, base, "DD");
    analyse(f);
    assert_piece(f, base, 0, (struct ia_extent){.start = 0, .length = 2, .offset = IA_NO_OFFSET});
}

static void expect_pair(const struct fixture *f, size_t place, size_t node, size_t other, int64_t bytes, int64_t others)
{
    assert_true(place < f->pairs.len);
    const struct ia_pair_row *row = &f->pairs.items[place];
    assert_int_equal(row->node, node);
    assert_int_equal(row->other, other);
    assert_int_equal(row->bytes, bytes);
    assert_int_equal(row->others, others);
}

/* left and right stand on middle, which stands on base; direct stands on base alone. */
static void pairs_share_what_both_read_from_one_image(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDDDDDDZZ");
    size_t middle = add_image(f, base, "..DDZ....DDD");
    size_t left = add_image(f, middle, ".DD...........");
    size_t right = add_image(f, middle, "......DD....");
    size_t direct = add_image(f, base, "D.......");
    add_image(f, IA_NO_PARENT, "DDDD");
    analyse(f);
    /* left and right: base 0 and 5, middle 3, 9, 10, 11; left and direct: base 5 to 7; right and direct: base 1 and 5.
     */
    assert_int_equal(f->pairs.len, 3);
    expect_pair(f, 0, left, right, 6, 0);
    expect_pair(f, 1, left, direct, 3, 0);
    expect_pair(f, 2, right, direct, 2, 0);
}

/* A snapshot reads for its image, but is no head: it has no part in what a pair shares. */
static void snapshots_have_no_part_in_pairs(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDD");
    size_t left = add_image(f, base, "DD..");
    size_t right = add_image(f, base, "..D.");
    add_snapshot(f, left, "....");
    analyse(f);
    assert_int_equal(f->pairs.len, 1);
    expect_pair(f, 0, left, right, 1, 0);
}

/* Forty heads, of which number n has its first n bytes of 64 to itself: it shares 64 - n with those before it. The
 * eight that get least, from number 32 on, are not looked at, and of the pairs of the others 32 are told. */
static void pairs_of_many_heads_are_bounded(void **state)
{
    struct fixture *f = *state;
    char map[65] = {0};
    memset(map, 'D', 64);
    size_t base = add_image(f, IA_NO_PARENT, map);
    for (size_t n = 0; n < 40; n++) {
        memset(map, '.', 64);
        memset(map, 'D', n);
        add_image(f, base, map);
    }
    analyse(f);
    /* 1 pair with number 1 as its later head, 2 with number 2... 28 up to number 7, and 4 of those with number 8. */
    assert_int_equal(f->pairs.len, 32);
    expect_pair(f, 0, base + 1, base + 2, 63, 56);
    expect_pair(f, 1, base + 1, base + 3, 62, 56);
    expect_pair(f, 2, base + 2, base + 3, 62, 56);
    expect_pair(f, 31, base + 4, base + 9, 56, 56);
}

static void expect_bug(struct fixture *f)
{
    struct ia_error err = {0};
    assert_int_equal(try_analyse(f, keep_all, &err), IA_BUG);
    assert_int_equal(err.status, IA_BUG);
}

static void circle_is_our_bug_and_nothing_is_reported(void **state)
{
    struct fixture *f = *state;
    size_t good = add_image(f, IA_NO_PARENT, "D");
    add_image(f, 2, "D");
    add_image(f, 1, "D");
    add_image(f, 2, "D");
    expect_bug(f);
    assert_int_equal(f->images.items[good].usages, 0);
}

static void image_on_itself_is_our_bug(void **state)
{
    add_image(*state, 0, "D");
    expect_bug(*state);
}

static void parent_that_does_not_exist_is_our_bug(void **state)
{
    add_image(*state, 1, "D");
    expect_bug(*state);
}

static void negative_size_is_our_bug(void **state)
{
    add_empty_image(*state, IA_NO_PARENT, -1);
    expect_bug(*state);
}

static void overlapping_extents_are_our_bug(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDD.");
    add_image(f, base, "D...");
    add_extent(&f->images.items[base].mappings.items[0], 2, 1, IA_EXTENT_DATA, 0);
    expect_bug(f);
}

static enum ia_status refuse_piece(void *ctx, size_t node, const struct ia_extent *piece, struct ia_error *err)
{
    (void)ctx;
    (void)node;
    return ia_fail(err, IA_FULL, "no room for %jd", (intmax_t)piece->start);
}

static void failing_sink_ends_the_analysis(void **state)
{
    struct fixture *f = *state;
    size_t base = add_image(f, IA_NO_PARENT, "DDDD");
    size_t middle = add_image(f, base, ".D..");
    size_t head = add_image(f, middle, "DD..");
    struct ia_forest_sinks sinks = keep_all;
    sinks.masked = refuse_piece;
    struct ia_error err = {0};
    assert_int_equal(try_analyse(f, sinks, &err), IA_FULL);
    assert_string_equal(err.message, "no room for 1");
    assert_int_equal(f->images.items[head].usages, 1);
    assert_int_equal(f->images.items[base].usages, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(analysis_of_no_images_succeeds),
        CASE(image_alone_reads_all_its_data_and_is_read_once),
        CASE(no_mapping_is_read_more_than_twice),
        CASE(what_the_overlay_has_is_masked_in_the_base),
        CASE(overlay_longer_than_its_base_reads_nothing_behind_it),
        CASE(overlay_shorter_than_its_base_cuts_it),
        CASE(short_layer_in_the_middle_cuts_what_is_below_it),
        CASE(zero_extents_of_the_overlay_mask_the_base),
        CASE(masked_zero_extents_of_the_base_are_not_masked_data),
        CASE(reserved_is_not_present),
        CASE(base_that_contributes_nothing_still_has_its_row),
        CASE(two_overlays_mask_only_what_both_have),
        CASE(masked_piece_ends_with_its_extent),
        CASE(readers_of_a_deep_base_are_counted_through_every_branch),
        CASE(snapshot_of_the_head_keeps_what_the_head_overwrote),
        CASE(snapshot_longer_than_its_head_reads_more_of_the_base),
        CASE(snapshots_of_a_middle_image_are_a_reader_of_their_own),
        CASE(host_range_shared_with_a_snapshot_is_not_masked),
        CASE(host_range_of_another_file_is_not_shared),
        CASE(compressed_data_of_an_image_with_snapshots_is_never_masked),
        CASE(keep_whole_makes_an_image_a_reader_of_itself_and_of_its_bases),
        CASE(keep_whole_changes_nothing_for_a_head),
        CASE(each_base_in_a_chain_of_a_thousand_has_one_masked_byte),
        CASE(a_chain_of_n_images_has_n_rows_and_one_about_each),
        CASE(what_a_base_reads_of_its_own_is_not_what_its_overlays_read),
        CASE(images_beyond_the_longest_chain_have_no_rows_but_are_readers),
        CASE(base_of_five_hundred_overlays_masks_what_none_of_them_reads),
        CASE(parents_may_come_after_their_children),
        CASE(sizes_up_to_the_last_byte_do_not_wrap),
        CASE(image_of_no_size_lets_nothing_of_its_base_through),
        CASE(what_lies_past_the_size_does_not_exist),
        CASE(host_range_past_63_bits_counts_as_none),
        CASE(pairs_share_what_both_read_from_one_image),
        CASE(snapshots_have_no_part_in_pairs),
        CASE(pairs_of_many_heads_are_bounded),
        CASE(circle_is_our_bug_and_nothing_is_reported),
        CASE(image_on_itself_is_our_bug),
        CASE(parent_that_does_not_exist_is_our_bug),
        CASE(negative_size_is_our_bug),
        CASE(overlapping_extents_are_our_bug),
        CASE(failing_sink_ends_the_analysis),
    };
    return cmocka_run_group_tests_name("analysis/forest", tests, NULL, NULL);
}
