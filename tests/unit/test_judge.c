/* SPDX-License-Identifier: MIT */
/* The rules of the judge, one by one: each case changes one thing in a graph whose answer is known.
 *
 * The graph: orphan was named in scan 1 by an image that is gone; alone never was; base is named by the overlays left
 * and right, which hide all of it; top stands on right. Image n has file n. */
#include "judge/judge.h"

#include <stdlib.h>
#include <string.h>

#include "judge/finding_kind.h"
#include "support/unit.h"

enum { ORPHAN, ALONE, BASE, LEFT, RIGHT, TOP, IMAGES };
enum { SPARE_FILE = IMAGES }; /* no image's main file */

static struct ia_error err;

static void add_name(struct ia_graph *graph, size_t file, const char *path)
{
    /* The names of a file lie together: its old ones are repeated at the end. */
    struct ia_graph_file *of = &graph->files.items[file];
    size_t first = graph->names.len;
    for (size_t i = 0; i < of->names; i++)
        assert_true(ia_vec_push(&graph->names, graph->names.items[of->first_name + i]));
    assert_true(ia_vec_push(&graph->names, (struct ia_graph_name){path}));
    of->first_name = first;
    of->names++;
}

static void add_image(struct ia_graph *graph, const char *path)
{
    size_t file = graph->files.len;
    struct ia_graph_image image = {.path = path,
                                   .format = "qcow2",
                                   .file = file,
                                   .backing = IA_GRAPH_NONE,
                                   .base_before = IA_GRAPH_NONE,
                                   .past_base = IA_GRAPH_NONE};
    assert_true(ia_vec_push(&graph->files, ((struct ia_graph_file){.mtime_ns = 5, .ctime_ns = 5, .birth_ns = 6})));
    assert_true(ia_vec_push(&graph->images, image));
    add_name(graph, file, path);
}

static void refer(struct ia_graph *graph, size_t image, enum ia_name_kind kind, enum ia_graph_state state,
                  const char *name, const char *path, size_t target)
{
    struct ia_graph_reference reference = {image, kind, state, name, path, target};
    assert_true(ia_vec_push(&graph->references, reference));
}

static void stand_on(struct ia_graph *graph, size_t image, size_t base)
{
    graph->images.items[image].backing = base;
    graph->images.items[image].backing_path = graph->images.items[base].path;
    graph->images.items[image].backing_format = "qcow2";
    refer(graph, image, IA_NAME_BACKING, IA_GRAPH_FOLLOWED, "b", graph->images.items[base].path, base);
}

static void make_graph(struct ia_graph *graph)
{
    static const char *const paths[IMAGES] = {"/r/orphan.qcow2", "/r/alone.qcow2", "/r/base.qcow2",
                                              "/r/left.qcow2",   "/r/right.qcow2", "/r/top.qcow2"};
    *graph = (struct ia_graph){0};
    for (size_t i = 0; i < IMAGES; i++)
        add_image(graph, paths[i]);
    assert_true(ia_vec_push(&graph->files, ((struct ia_graph_file){.mtime_ns = 5, .ctime_ns = 5, .birth_ns = 6})));
    assert_true(ia_vec_push(&graph->walked, "/r"));
    graph->is_vouched = true;
    for (size_t i = 0; i < IMAGES; i++)
        if (i != ORPHAN && i != BASE)
            graph->files.items[i].mtime_ns = 6; /* made after those, and no copy of something older */
    stand_on(graph, LEFT, BASE);
    stand_on(graph, RIGHT, BASE);
    stand_on(graph, TOP, RIGHT);
    struct ia_graph_image *image = graph->images.items;
    image[ORPHAN].named_scan = 1;
    image[ORPHAN].named_by = "/r/gone.qcow2";
    image[ORPHAN].named_mtime_ns = 5;
    image[BASE].named_scan = 2;
    image[BASE].named_by = "/r/left.qcow2";
    image[BASE].named_mtime_ns = 5;
    image[BASE].accounted = image[RIGHT].accounted = true;
    image[BASE].masked_bytes = 262144;
    image[RIGHT].visible_present = 1;
}

static void add_assumptions(struct ia_buf *out, struct ia_judge *judge, size_t image, enum ia_candidate candidate)
{
    IA_AUTO_ASSUMPTIONS struct ia_assumptions assumptions = {0};
    assert_ok(ia_judge_assumes(judge, image, candidate, &assumptions, &err));
    if (assumptions.all.len > 0)
        ia_buf_add_str(out, " assumes ");
    ia_assumptions_render(out, &assumptions);
}

/* "path status: code (subject), code (subject) assumes ...\n" for each candidate. */
static char *judged(const struct ia_graph *graph)
{
    struct ia_buf out = {0};
    struct ia_judge *judge = NULL;
    ia_buf_add_str(&out, "");
    assert_ok(ia_judge_new(graph, &judge, &err));
    for (size_t i = 0; i < graph->images.len; i++) {
        struct ia_doubts doubts = {0};
        enum ia_candidate candidate = ia_judge_candidate(judge, i);
        if (candidate == IA_CANDIDATE_NONE)
            continue;
        ia_buf_addf(&out, "%s %s:", graph->images.items[i].path + strlen("/r/"), ia_candidate_word(candidate));
        assert_ok(ia_judge_doubts_of_all(judge, &doubts, &err));
        assert_ok(ia_judge_doubts(judge, i, candidate, &doubts, &err));
        for (size_t d = 0; d < doubts.all.len; d++)
            ia_buf_addf(&out, " %s [%s]", ia_doubt_kinds[doubts.all.items[d].doubt].code, doubts.all.items[d].subject);
        add_assumptions(&out, judge, i, candidate);
        ia_buf_add_char(&out, '\n');
        ia_doubts_release(&doubts);
    }
    ia_judge_free(judge);
    return ia_buf_steal(&out);
}

/* Each rule's change to the graph; g is the graph, i its images. */
#define CHANGE(name, ...)                                                                                              \
    static void name(struct ia_graph *g)                                                                               \
    {                                                                                                                  \
        struct ia_graph_image *i = g->images.items;                                                                    \
        (void)i;                                                                                                       \
        __VA_ARGS__;                                                                                                   \
    }
#define FINDING(where, of_all, of_readers)                                                                             \
    assert_true(ia_vec_push(&g->findings, ((struct ia_graph_finding){where, IA_FINDING_UNREADABLE, of_all, of_readers, \
                                                                     IA_GRAPH_NONE, 0})))
/* A finding as a scan makes it, accepted by a number or (0) not. */
#define KNOWN_FINDING(where, number, accepted)                                                                         \
    assert_true(ia_vec_push(                                                                                           \
        &g->findings, ((struct ia_graph_finding){where, number, ia_finding_kinds[number].of_all,                       \
                                                 ia_finding_kinds[number].of_readers, IA_GRAPH_NONE, accepted})))
#define PART(image, file, path) assert_true(ia_vec_push(&g->parts, ((struct ia_graph_part){image, file, path})))

/* Volume 0, which has all files; and volume 1, of that kind, which has one. */
#define VOLUME_1(file, mount, type, shared, twin)                                                                      \
    assert_true(ia_vec_push(&g->volumes, ((struct ia_graph_volume){"/r", "ext4", false, false})));                     \
    assert_true(ia_vec_push(&g->volumes, ((struct ia_graph_volume){mount, type, shared, twin})));                      \
    g->files.items[file].volume = 1

#define PACKED(archive, member, state, name, path, target)                                                             \
    assert_true(ia_vec_push(&g->packed,                                                                                \
                            ((struct ia_graph_packed){archive, member, state, name, path, target, .is_base = false})))
/* The same of a file that the packed image may have been made on. */
#define PACKED_BASE(archive, state, name, path, target)                                                                \
    assert_true(                                                                                                       \
        ia_vec_push(&g->packed, ((struct ia_graph_packed){archive, "", state, name, path, target, .is_base = true})))
/* The same where nothing is known of that but its format. */
#define PACKED_UNKNOWN(archive, name, format, written, kind, instead)                                                  \
    assert_true(ia_vec_push(&g->packed, ((struct ia_graph_packed){archive, "", IA_GRAPH_EARLIER, name, instead,        \
                                                                  IA_GRAPH_NONE, .unknown = kind, .stated = format,    \
                                                                  .written_ns = written, .made_ns = written})))
#define FORMER(of, called) assert_true(ia_vec_push(&g->former, ((struct ia_graph_former){.image = of, .path = called})))
#define FORMER_THEN(of, called, since, until)                                                                          \
    assert_true(ia_vec_push(&g->former, ((struct ia_graph_former){of, called, since, until})))

CHANGE(nothing, (void)g)
CHANGE(orphan_is_template, i[ORPHAN].is_template = true)
CHANGE(orphan_without_evidence, i[ORPHAN].named_scan = 0)
CHANGE(alone_matches_glob, assert_true(ia_vec_push(&g->backing_globs, "alone*")))
CHANGE(alone_is_in_base_folder, i[ALONE].path = "/r/_base/alone")
CHANGE(alone_is_hidden, i[ALONE].is_hidden = true)
CHANGE(alone_is_called_as_proxmox_does, i[ALONE].path = "/r/base-7-disk-0.raw")
CHANGE(orphan_is_named, stand_on(g, ALONE, ORPHAN))
CHANGE(orphan_by_alias, refer(g, ALONE, IA_NAME_ALIAS, IA_GRAPH_FOLLOWED, "o", "/r/orphan.qcow2", ORPHAN))
CHANGE(orphan_as_data_file, refer(g, ALONE, IA_NAME_DATA_FILE, IA_GRAPH_FOLLOWED, "o", "/x", ORPHAN))
CHANGE(orphan_in_content, refer(g, ALONE, IA_NAME_CONTENT, IA_GRAPH_OTHER, "o", "/x", ORPHAN))
CHANGE(orphan_by_second_name, add_name(g, ORPHAN, "/other/name");
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_OTHER, "name", "/other/name", IA_GRAPH_NONE))
CHANGE(orphan_by_backing_path, i[ALONE].backing_path = "/r/orphan.qcow2")
CHANGE(orphan_by_path_of_image, g->files.items[ORPHAN].names = 0;
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_OTHER, "o", "/r/orphan.qcow2", IA_GRAPH_NONE))
CHANGE(orphan_backs_itself, refer(g, ORPHAN, IA_NAME_BACKING, IA_GRAPH_OTHER, "o", "/r/orphan.qcow2", ORPHAN))
CHANGE(orphan_is_part, PART(ALONE, ORPHAN, "/elsewhere"))
CHANGE(orphan_is_part_by_name, PART(ALONE, IA_GRAPH_NONE, "/r/orphan.qcow2"))
CHANGE(orphan_is_its_own_part, PART(ORPHAN, ORPHAN, "/r/orphan.qcow2"))
CHANGE(orphan_is_classed_as_part, g->files.items[ORPHAN].is_part = true)
CHANGE(reference_of_a_gone_image, stand_on(g, ALONE, ORPHAN); i[ALONE].is_gone = true)

CHANGE(shares_an_extent, PART(ORPHAN, SPARE_FILE, "/r/flat"); PART(ALONE, SPARE_FILE, "/r/flat"))
CHANGE(base_shares_an_extent, PART(BASE, SPARE_FILE, "/r/flat"); PART(ALONE, SPARE_FILE, "/r/flat"))
CHANGE(has_an_extent, PART(ORPHAN, SPARE_FILE, "/r/flat"))
CHANGE(written_since, g->files.items[ORPHAN].mtime_ns = 6)
CHANGE(extent_written_since, PART(ORPHAN, SPARE_FILE, "/r/flat"); g->files.items[SPARE_FILE].mtime_ns = 6)
CHANGE(newer_than_what_named_it, i[ORPHAN].named_mtime_ns = -1)
CHANGE(inode_reused, i[ORPHAN].named_uncertain = true)
CHANGE(inode_reused_beside_a_glob, i[ORPHAN].named_uncertain = true;
       assert_true(ia_vec_push(&g->backing_globs, "orphan*")))
CHANGE(inode_reused_of_what_is_named, i[BASE].named_uncertain = true)
CHANGE(orphan_on_a_twin, VOLUME_1(ORPHAN, "/mnt", "xfs", false, true))
CHANGE(base_on_a_twin, VOLUME_1(BASE, "/mnt", "xfs", false, true))
CHANGE(orphan_on_a_shared_volume, VOLUME_1(ORPHAN, "/mnt", "nfs4", true, false))
CHANGE(base_on_a_shared_volume, VOLUME_1(BASE, "/mnt", "nfs4", true, false))
CHANGE(overlay_on_a_shared_volume, VOLUME_1(LEFT, "/mnt", "nfs4", true, false))
CHANGE(orphan_on_an_unknown_volume, VOLUME_1(ORPHAN, "", "", true, false))
CHANGE(orphan_on_a_volume_of_one_host, VOLUME_1(ORPHAN, "/mnt", "nfs4", false, false))
CHANGE(extent_on_a_shared_volume, PART(ORPHAN, SPARE_FILE, "/r/flat");
       VOLUME_1(SPARE_FILE, "/mnt", "cifs", true, false))
CHANGE(base_newer_than_overlays, g->files.items[BASE].mtime_ns = 6; i[BASE].named_mtime_ns = -1)
CHANGE(partly_masked_newer_than_overlays, base_newer_than_overlays(g); i[BASE].visible_present = 1)
CHANGE(base_written_before_overlays, g->files.items[BASE].mtime_ns = i[BASE].named_mtime_ns = 6)
/* One second has passed since all was made and called what it is. */
CHANGE(as_old_as_min_age, g->now_ns = 1000000006; ia_graph_set_min_age(g, 1); i[ORPHAN].was_since_ns = 6;
       i[ORPHAN].was = IA_CANDIDATE_UNREFERENCED; i[BASE].was = IA_CANDIDATE_FULLY_MASKED; i[BASE].was_since_ns = 6)
CHANGE(status_is_recent, as_old_as_min_age(g); i[ORPHAN].was_since_ns = 7; i[BASE].was_since_ns = 7)
CHANGE(status_is_new, as_old_as_min_age(g); i[ORPHAN].was = IA_CANDIDATE_NONE; i[BASE].was = IA_CANDIDATE_PARTLY_MASKED)
CHANGE(file_is_recent, as_old_as_min_age(g); g->files.items[ORPHAN].birth_ns = 7)
CHANGE(inode_is_recent, as_old_as_min_age(g); g->files.items[ORPHAN].ctime_ns = 1000000006)
CHANGE(file_of_unknown_birth_is_recent, as_old_as_min_age(g); g->files.items[ORPHAN].birth_ns = -1;
       g->files.items[ORPHAN].ctime_ns = 7)
CHANGE(write_is_recent, as_old_as_min_age(g); g->files.items[BASE].mtime_ns = i[BASE].named_mtime_ns = 7)
CHANGE(extent_is_recent, as_old_as_min_age(g); PART(ORPHAN, SPARE_FILE, "/r/flat");
       g->files.items[SPARE_FILE].birth_ns = 7)
CHANGE(extent_of_another_is_recent, as_old_as_min_age(g); PART(ALONE, SPARE_FILE, "/r/flat");
       g->files.items[SPARE_FILE].birth_ns = 7)
CHANGE(file_is_of_the_future, as_old_as_min_age(g); g->files.items[ORPHAN].birth_ns = 2000000000)
CHANGE(status_is_of_the_future, as_old_as_min_age(g); i[ORPHAN].was_since_ns = 2000000000)
CHANGE(ages_at_the_limits, as_old_as_min_age(g); g->files.items[ORPHAN].birth_ns = -1;
       g->files.items[ORPHAN].ctime_ns = INT64_MIN; g->files.items[BASE].birth_ns = INT64_MAX)
CHANGE(was_meant_by_a_name, as_old_as_min_age(g); i[ORPHAN].was_meant = i[BASE].was_meant = true)
CHANGE(meant_until_lately, as_old_as_min_age(g); i[ORPHAN].was_clear_ns = i[BASE].was_clear_ns = 7)
CHANGE(meant_long_ago, as_old_as_min_age(g); i[ORPHAN].was_clear_ns = i[BASE].was_clear_ns = 6)
CHANGE(age_does_not_matter, status_is_recent(g); file_is_recent(g); file_is_of_the_future(g); write_is_recent(g);
       ia_graph_set_min_age(g, 0))

CHANGE(ambiguous_name,
       refer(g, ALONE, IA_NAME_DATA_FILE, IA_GRAPH_AMBIGUOUS, "file:orphan.qcow2", "/e/orphan.qcow2", IA_GRAPH_NONE))
CHANGE(ambiguous_other_name,
       refer(g, ALONE, IA_NAME_DATA_FILE, IA_GRAPH_AMBIGUOUS, "file:other", "/e/other", IA_GRAPH_NONE))
CHANGE(lost_by_what_named_it, i[ALONE].path = "/r/gone.qcow2";
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_OTHER, "x", "/x", IA_GRAPH_NONE))
CHANGE(lost_by_another, refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "x", "/x", IA_GRAPH_NONE))
CHANGE(lost_by_another_and_raw, i[ORPHAN].format = "raw"; g->files.items[ALONE].birth_ns = 5;
       g->files.items[ORPHAN].birth_ns = 4; refer(g, ALONE, IA_NAME_EXTENT, IA_GRAPH_MISSING, "x", "/x", IA_GRAPH_NONE))
CHANGE(outside_and_raw, i[ORPHAN].format = "raw";
       refer(g, ALONE, IA_NAME_EXTENT, IA_GRAPH_OTHER, "x", "/x", IA_GRAPH_NONE))

CHANGE(orphan_in_description, refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_FOLLOWED, "o", "/r/orphan.qcow2", ORPHAN))
CHANGE(orphan_in_description_by_path,
       refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_OTHER, "o", "/r/orphan.qcow2", IA_GRAPH_NONE))
CHANGE(lost_in_description_by_what_named_it, i[ALONE].path = "/r/gone.qcow2";
       refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_OTHER, "x", "/x", IA_GRAPH_NONE))
CHANGE(base_in_description, refer(g, LEFT, IA_NAME_NESTED, IA_GRAPH_FOLLOWED, "b", "/r/base.qcow2", BASE))
CHANGE(overlay_in_description, refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_FOLLOWED, "l", "/r/left.qcow2", LEFT))
CHANGE(remote_orphan, refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_REMOTE, "orphan.qcow2", "", IA_GRAPH_NONE))
CHANGE(remote_base, refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_REMOTE, "base.qcow2", "", IA_GRAPH_NONE))
CHANGE(remote_second_name, add_name(g, ORPHAN, "/r/other/name");
       refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_REMOTE, "name", "", IA_GRAPH_NONE))
CHANGE(remote_part, PART(ORPHAN, SPARE_FILE, "/r/flat");
       refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_REMOTE, "flat", "", IA_GRAPH_NONE))
CHANGE(remote_other, refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_REMOTE, "orphan", "", IA_GRAPH_NONE);
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_REMOTE, "nbd://h/orphan.qcow2", "", IA_GRAPH_NONE))
CHANGE(remote_of_a_gone_image, i[ALONE].is_gone = true;
       refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_REMOTE, "orphan.qcow2", "", IA_GRAPH_NONE))
CHANGE(local_service, FINDING("/r/alone.qcow2", IA_DOUBT_LOCAL_SERVICE, IA_DOUBT_NONE))

CHANGE(lost_after_that_name_came, i[ALONE].backing_format = "qcow2";
       g->files.items[ALONE].birth_ns = g->files.items[ALONE].mtime_ns = 5;
       g->files.items[ORPHAN].birth_ns = g->files.items[BASE].birth_ns = 4;
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "x", "/x", IA_GRAPH_NONE))
CHANGE(
    lost_before_that_was_made, lost_after_that_name_came(g); i[ORPHAN].named_mtime_ns = i[BASE].named_mtime_ns = 7;
    for (size_t n = ORPHAN; n <= BASE; n += BASE - ORPHAN) g->files.items[n].birth_ns = g->files.items[n].mtime_ns = 7)
/* A copy has the time of the last write of what it is a copy of. */
CHANGE(lost_before_that_was_copied, lost_before_that_was_made(g); i[ORPHAN].named_mtime_ns = 4;
       g->files.items[ORPHAN].mtime_ns = 4)
CHANGE(lost_by_a_copy, lost_by_another(g); g->files.items[ALONE].mtime_ns = 5)
CHANGE(lost_by_a_copy_after_a_scan_saw_its_path, lost_by_a_copy(g); i[ORPHAN].path_since_ns = 4;
       i[BASE].path_since_ns = 5)
CHANGE(lost_another_format, i[ALONE].backing_format = "vmdk"; g->files.items[ALONE].birth_ns = 5;
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "x", "/x", IA_GRAPH_NONE))
CHANGE(lost_an_unknown_format, g->files.items[ALONE].birth_ns = -1;
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "x", "/x", IA_GRAPH_NONE))
CHANGE(lost_what_lies_outside, g->files.items[ALONE].birth_ns = -1;
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_OTHER, "x", "/x", IA_GRAPH_NONE))
CHANGE(lost_the_same_file, i[ALONE].base_before = ORPHAN;
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "x", "/x", IA_GRAPH_NONE))
CHANGE(lost_a_base, i[ALONE].base_before = BASE;
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "x", "/x", IA_GRAPH_NONE))
CHANGE(lost_the_same_name,
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "../t/orphan.qcow2", "/t/orphan.qcow2", IA_GRAPH_NONE))
CHANGE(lost_what_named_it,
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "gone.qcow2", "/r/gone.qcow2", IA_GRAPH_NONE))
/* Orphan and base were touched when alone was made, at 5. */
CHANGE(lost_after_a_scan_saw_its_path, lost_after_that_name_came(g); i[ORPHAN].path_since_ns = 4;
       i[BASE].path_since_ns = 5)
CHANGE(lost_a_name_of_which_its_own_is_made, i[ALONE].backing_format = "qcow2";
       g->files.items[ALONE].birth_ns = g->files.items[ALONE].mtime_ns = 5;
       g->files.items[ORPHAN].birth_ns = g->files.items[BASE].birth_ns = 4;
       i[ORPHAN].path_since_ns = i[BASE].path_since_ns = 4;
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "snap-orphan.qcow2", "/r/snap-orphan.qcow2", IA_GRAPH_NONE))
/* Left and right read base, top reads base through right. */
CHANGE(lost_a_reader,
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "far/left.qcow2", "/far/left.qcow2", IA_GRAPH_NONE))
CHANGE(lost_a_reader_of_a_reader,
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "far/top.qcow2", "/far/top.qcow2", IA_GRAPH_NONE))
CHANGE(lost_a_reader_and_accepted, lost_a_reader(g); KNOWN_FINDING("/r/alone.qcow2", IA_FINDING_BACKING_MISSING, 3))
CHANGE(reader_exchanged, stand_on(g, ALONE, ORPHAN); i[ALONE].base_before = RIGHT)
CHANGE(lost_a_base_that_is_there, lost_after_that_name_came(g); i[ALONE].base_before = BASE)
CHANGE(lost_a_base_that_is_gone, lost_after_that_name_came(g); i[ALONE].base_lost_ns = 8; i[ORPHAN].seen_since_ns = 8;
       i[BASE].seen_since_ns = 9)
CHANGE(lost_what_stood_on_orphan, refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "x", "/x", IA_GRAPH_NONE);
       i[ALONE].base_lost_ns = 8; for (size_t n = 0; n < g->images.len; n++) i[n].seen_since_ns = 8;
       assert_true(ia_vec_push(&g->lost_bases, ((struct ia_graph_lost_base){ALONE, ORPHAN}))))
CHANGE(orphan_lost_what_stood_on_it, lost_what_stood_on_orphan(g); g->lost_bases.items[0].image = ORPHAN)
CHANGE(lost_what_stood_on_a_reader, lost_what_stood_on_orphan(g); g->lost_bases.items[0].file = TOP)
CHANGE(lost_what_stood_on_orphan_and_accepted, lost_what_stood_on_orphan(g);
       KNOWN_FINDING("/r/alone.qcow2", IA_FINDING_BACKING_MISSING, 3))
CHANGE(has_another_base_than_what_stood_on_orphan, stand_on(g, ALONE, TOP); lost_what_stood_on_orphan(g))
CHANGE(had_another_base_than_what_stood_on_orphan, has_another_base_than_what_stood_on_orphan(g);
       i[ALONE].is_gone = true)
CHANGE(has_another_base_than_what_stood_on_a_reader, has_another_base_than_what_stood_on_orphan(g);
       g->lost_bases.items[0].file = LEFT)
CHANGE(lost_where_another_was, lost_after_that_name_came(g); i[ALONE].past_base_is_known = true;
       i[ALONE].past_base = TOP; i[ORPHAN].seen_since_ns = 4; i[BASE].seen_since_ns = 5)
CHANGE(lost_where_it_was, lost_where_another_was(g); i[ALONE].past_base = ORPHAN; i[BASE].seen_since_ns = 4)
CHANGE(lost_where_one_was_that_is_gone, lost_where_another_was(g); i[ALONE].past_base = IA_GRAPH_NONE)
CHANGE(lost_before_that_was_made_and_rebased, lost_before_that_was_made(g); g->files.items[ALONE].mtime_ns = 7)
/* Alone leads to what was made later, by way of nothing else, or of a link. */
CHANGE(misled_after_all, stand_on(g, ALONE, TOP); i[ALONE].parent_differs = true; g->files.items[ALONE].birth_ns = 6)
CHANGE(misled_by_a_link, misled_after_all(g); i[ALONE].link_is_newer = true;
       g->names.items[g->files.items[ORPHAN].first_name].path = "/r/other/orphan.qcow2")
CHANGE(misled_by_a_link_that_led_elsewhere, misled_by_a_link(g); i[ALONE].past_base_is_known = true;
       i[ALONE].past_base = SPARE_FILE; add_name(g, SPARE_FILE, "/r/other/flat"))
CHANGE(lost_by_a_link, g->files.items[ALONE].birth_ns = 6; i[ALONE].link_is_newer = true;
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "x", "/x", IA_GRAPH_NONE))
CHANGE(lost_by_a_link_that_led_to_orphan, lost_by_a_link(g); i[ALONE].past_base_is_known = true;
       i[ALONE].past_base = ORPHAN; g->names.items[g->files.items[ORPHAN].first_name].path = "/r/s/orphan.qcow2")
CHANGE(led_by_a_link, stand_on(g, ALONE, TOP); i[ALONE].link_is_newer = true; g->files.items[ALONE].birth_ns = 6;
       g->names.items[g->files.items[ORPHAN].first_name].path = "/r/other/orphan.qcow2")
CHANGE(gone_after_the_loss, lost_the_same_file(g); i[ALONE].is_gone = true)
CHANGE(meant_still, as_old_as_min_age(g); lost_the_same_file(g); i[ORPHAN].was_meant = true)
CHANGE(meant_still_and_accepted, meant_still(g); KNOWN_FINDING("/r/alone.qcow2", IA_FINDING_BACKING_MISSING, 3))
CHANGE(has_a_parent_that_differs, i[ALONE].parent_differs = true; i[ALONE].base_before = ORPHAN;
       stand_on(g, ALONE, TOP))
CHANGE(has_the_parent_that_it_expects, stand_on(g, ALONE, TOP))
CHANGE(base_exchanged, stand_on(g, ALONE, TOP); i[ALONE].base_before = ORPHAN)
CHANGE(base_not_exchanged, stand_on(g, ALONE, TOP); i[ALONE].base_before = TOP)
CHANGE(exchanged_and_gone, base_exchanged(g); i[ALONE].is_gone = true)
#define WAS_ON(image, file) assert_true(ia_vec_push(&g->former_bases, ((struct ia_graph_former_base){image, file})))
CHANGE(used_on_another_before, WAS_ON(ALONE, ORPHAN))
CHANGE(used_on_another_and_on_it_now, WAS_ON(LEFT, BASE))
CHANGE(used_on_another_and_gone, used_on_another_before(g); i[ALONE].is_gone = true)
/* Orphan keeps its data in the spare file, whose name is /r/flat; base may do so, too. */
#define WITH_DATA(image, ...)                                                                                          \
    PART(image, SPARE_FILE, "/r/flat");                                                                                \
    add_name(g, SPARE_FILE, "/r/flat");                                                                                \
    __VA_ARGS__
CHANGE(data_in_description,
       WITH_DATA(ORPHAN, refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_FOLLOWED, "d", "/r/flat", SPARE_FILE)))
CHANGE(data_in_description_of_a_gone_image, data_in_description(g); i[ALONE].is_gone = true)
CHANGE(data_in_its_own_description,
       WITH_DATA(ORPHAN, refer(g, ORPHAN, IA_NAME_NESTED, IA_GRAPH_FOLLOWED, "d", "/r/flat", SPARE_FILE)))
CHANGE(data_of_base_in_description,
       WITH_DATA(BASE, refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_FOLLOWED, "d", "/r/flat", SPARE_FILE)))
CHANGE(data_of_an_overlay_in_description,
       WITH_DATA(LEFT, refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_FOLLOWED, "d", "/r/flat", SPARE_FILE)))
CHANGE(data_exchanged, WITH_DATA(ORPHAN, stand_on(g, ALONE, TOP)); i[ALONE].base_before = SPARE_FILE)
CHANGE(data_of_an_overlay_exchanged, data_exchanged(g); g->parts.items[0].image = TOP)
CHANGE(used_on_data_before, WITH_DATA(ORPHAN, WAS_ON(ALONE, SPARE_FILE)))
CHANGE(lost_the_data_file, WITH_DATA(ORPHAN, lost_the_same_file(g)); i[ALONE].base_before = SPARE_FILE)
CHANGE(lost_a_name_of_the_data_file, WITH_DATA(ORPHAN, add_name(g, SPARE_FILE, "/r/second"));
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "second", "/t/second", IA_GRAPH_NONE))
CHANGE(lost_what_may_be_the_data_file, WITH_DATA(ORPHAN, i[ALONE].backing_format = "raw");
       g->files.items[ALONE].birth_ns = 6; g->files.items[SPARE_FILE].ctime_ns = 7;
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "x", "/x", IA_GRAPH_NONE))
CHANGE(lost_before_the_data_file_was_made, lost_what_may_be_the_data_file(g);
       g->files.items[SPARE_FILE].birth_ns = g->files.items[SPARE_FILE].mtime_ns = i[ORPHAN].named_mtime_ns = 7)
CHANGE(lost_what_stood_on_data, WITH_DATA(ORPHAN, lost_what_stood_on_orphan(g));
       g->lost_bases.items[0].file = SPARE_FILE)
CHANGE(data_outside, WITH_DATA(ORPHAN, add_name(g, SPARE_FILE, "/templates/flat")))
CHANGE(renamed_since, i[ORPHAN].named_path = "/r/before.qcow2")
CHANGE(second_name_since, i[ORPHAN].named_path = "/r/before.qcow2"; add_name(g, ORPHAN, "/r/before.qcow2"))
CHANGE(not_renamed, i[ORPHAN].named_path = "/r/orphan.qcow2"; i[BASE].named_path = "/r/before.qcow2")
CHANGE(has_the_name_of_its_overlay, i[ORPHAN].named_path = "/r/orphan.qcow2"; i[ORPHAN].named_by = "/r/orphan.qcow2")
#define OVERLAY_NAME(of, called)                                                                                       \
    assert_true(ia_vec_push(&g->overlay_names, ((struct ia_graph_overlay_name){of, called})))
CHANGE(has_the_name_of_an_earlier_overlay, OVERLAY_NAME(ORPHAN, "/r/orphan.qcow2"))
CHANGE(another_has_the_name_of_an_earlier_overlay, OVERLAY_NAME(ALONE, "/r/alone.qcow2"))
CHANGE(loses_the_name_of_an_earlier_overlay, add_name(g, ORPHAN, "/r/too.qcow2"); OVERLAY_NAME(ORPHAN, "/r/too.qcow2");
       assert_true(ia_graph_drop_name(g, ORPHAN, "/r/too.qcow2")))

CHANGE(something_unread, FINDING("/r/secret", IA_DOUBT_UNREAD, IA_DOUBT_NONE))
CHANGE(something_harmless, FINDING("/r/left.qcow2", IA_DOUBT_NONE, IA_DOUBT_NONE))
CHANGE(two_unread, FINDING("/r/b", IA_DOUBT_UNREAD, IA_DOUBT_NONE); FINDING("/r/a", IA_DOUBT_UNREAD, IA_DOUBT_NONE);
       FINDING("/r/b", IA_DOUBT_UNREAD, IA_DOUBT_NONE))
CHANGE(open_for_writing, i[ORPHAN].lock = i[ALONE].lock = IA_LOCK_WRITE)
CHANGE(open_for_reading, i[BASE].lock = IA_LOCK_READ)
#define HOLD(file, subject) assert_true(ia_vec_push(&g->holders, ((struct ia_graph_holder){file, subject})))
CHANGE(held, HOLD(ORPHAN, "loop device /dev/loop3"))
CHANGE(held_twice, HOLD(BASE, "swap"); HOLD(BASE, "mapped by x (pid 7)"); HOLD(BASE, "swap"))
CHANGE(held_and_locked, HOLD(ORPHAN, "open for writing by x (pid 7)"); i[ORPHAN].lock = IA_LOCK_WRITE)
CHANGE(held_and_lock_unknown, HOLD(ORPHAN, "swap"); i[ORPHAN].lock = IA_LOCK_UNKNOWN)
CHANGE(part_is_held, PART(ORPHAN, SPARE_FILE, "/r/data"); HOLD(SPARE_FILE, "swap"))
CHANGE(part_of_another_is_held, PART(ALONE, SPARE_FILE, "/r/data"); HOLD(SPARE_FILE, "swap"))
CHANGE(part_was_not_found, PART(ORPHAN, IA_GRAPH_NONE, "/r/data"); HOLD(SPARE_FILE, "swap"))
CHANGE(part_is_held_and_image_locked, part_is_held(g); i[ORPHAN].lock = IA_LOCK_READ)
CHANGE(overlay_is_held, HOLD(LEFT, "swap"))
CHANGE(holders_unknown, HOLD(IA_GRAPH_NONE, "not seen"))
CHANGE(open_unknown, i[ORPHAN].lock = IA_LOCK_UNKNOWN)
CHANGE(overlay_is_open, i[LEFT].lock = IA_LOCK_WRITE)
CHANGE(nothing_was_walked, g->walked.len = 0)
CHANGE(a_longer_name_was_walked, g->walked.items[0] = "/r2")
CHANGE(the_root_was_walked, g->walked.items[0] = "/")
CHANGE(a_name_outside, add_name(g, ORPHAN, "/templates/orphan.qcow2"))
CHANGE(only_the_base_folder_was_walked, g->walked.items[0] = "/r/_base";
       g->names.items[g->files.items[ORPHAN].first_name].path = "/r/_base/orphan")
CHANGE(above_the_base_folder_was_walked, g->names.items[g->files.items[ORPHAN].first_name].path = "/r/_base/orphan")
CHANGE(only_the_folder_of_the_machine_was_walked, g->walked.items[0] = "/r/images/7";
       g->names.items[g->files.items[ORPHAN].first_name].path = "/r/images/7/base-7-disk-0.raw")
CHANGE(all_folders_of_machines_were_walked, g->walked.items[0] = "/r/images";
       g->names.items[g->files.items[ORPHAN].first_name].path = "/r/images/7/base-7-disk-0.raw")
CHANGE(changed_under_the_scan, i[ORPHAN].unsettled = i[ALONE].unsettled = true)
CHANGE(base_changed_under_the_scan, i[BASE].unsettled = true)
CHANGE(not_understood, i[ORPHAN].problem = "corrupt"; i[ORPHAN].cross_linked = -1)
CHANGE(cross_linked, i[BASE].cross_linked = 1)
CHANGE(cross_links_unknown, i[ORPHAN].cross_linked = -1)

CHANGE(one_byte_is_read, i[BASE].visible_present = 1)
CHANGE(one_byte_is_read_and_none_masked, i[BASE].visible_present = 1; i[BASE].masked_bytes = 0)
CHANGE(accounts_unknown, i[BASE].accounted = false)
CHANGE(base_has_snapshots, i[BASE].has_snapshots = true)
CHANGE(base_is_template, i[BASE].is_template = true)
CHANGE(base_by_alias_of_another, refer(g, ALONE, IA_NAME_ALIAS, IA_GRAPH_FOLLOWED, "b", "/r/base.qcow2", BASE))
CHANGE(base_by_alias_of_overlay, refer(g, LEFT, IA_NAME_ALIAS, IA_GRAPH_FOLLOWED, "b", "/r/base.qcow2", BASE))
CHANGE(base_in_content_of_overlay, refer(g, LEFT, IA_NAME_CONTENT, IA_GRAPH_FOLLOWED, "b", "/x", BASE))
CHANGE(base_not_followed, refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_OTHER, "b", "/r/base.qcow2", IA_GRAPH_NONE))
CHANGE(base_is_part, PART(ALONE, BASE, "/r/base.qcow2"))
CHANGE(overlay_not_understood, i[LEFT].problem = "corrupt")
CHANGE(overlay_of_overlay_not_understood, i[TOP].problem = "denied")
/* An image that looks for its parent by identity, and images that have it. */
#define SEEK(by, of) i[by].is_nameless = (i[by].expects = of) != NULL
CHANGE(sought_orphan, i[ORPHAN].identity = "u"; SEEK(ALONE, "u"))
CHANGE(sought_orphan_of_another_format, sought_orphan(g); i[ALONE].format = "vdi")
CHANGE(sought_other, i[ORPHAN].identity = "u"; SEEK(ALONE, "v"))
CHANGE(sought_by_one_that_is_gone, sought_orphan(g); i[ALONE].is_gone = true)
CHANGE(sought_by_itself, i[ORPHAN].identity = "u"; SEEK(ORPHAN, "u"))
CHANGE(sought_by_its_overlay, i[BASE].identity = "u"; SEEK(LEFT, "u"))
CHANGE(sought_base, i[BASE].identity = "u"; SEEK(LEFT, "u"); SEEK(ALONE, "u"))
CHANGE(sought_by_two, i[ORPHAN].identity = "u"; SEEK(ALONE, "u"); SEEK(TOP, "u"))
CHANGE(sought_reader, i[RIGHT].identity = "u"; SEEK(ALONE, "u"))
/* It has a name, too. */
CHANGE(sought_by_a_name_that_leads_nowhere, i[ORPHAN].identity = i[ALONE].expects = "u";
       refer(g, ALONE, IA_NAME_BACKING, IA_GRAPH_MISSING, "x", "/x", IA_GRAPH_NONE))
CHANGE(sought_another_by_a_name_that_leads_nowhere, sought_by_a_name_that_leads_nowhere(g); i[ALONE].expects = "v")
CHANGE(sought_by_one_that_has_it, sought_by_a_name_that_leads_nowhere(g); g->references.len--; stand_on(g, ALONE, TOP);
       i[TOP].identity = "u")
CHANGE(sought_by_one_that_has_another, sought_by_one_that_has_it(g); i[TOP].identity = "v")
CHANGE(sought_by_one_that_has_one_without, sought_by_one_that_has_it(g); i[TOP].identity = NULL)
CHANGE(sought_by_one_that_has_it_altered, sought_by_one_that_has_it(g); i[ALONE].parent_differs = true)
CHANGE(sought_by_one_that_is_accepted, sought_orphan(g); KNOWN_FINDING("/r/alone.qcow2", IA_FINDING_PARENT_SEVERAL, 3))
CHANGE(sought_by_two_and_one_is_accepted, sought_by_two(g);
       KNOWN_FINDING("/r/alone.qcow2", IA_FINDING_PARENT_SEVERAL, 3))
CHANGE(overlay_with_an_error, FINDING("/r/top.qcow2", IA_DOUBT_NONE, IA_DOUBT_CHAIN_BROKEN))
CHANGE(stranger_with_an_error, FINDING("/r/alone.qcow2", IA_DOUBT_NONE, IA_DOUBT_CHAIN_BROKEN))
CHANGE(overlay_cross_links_unknown, i[LEFT].cross_linked = -1)
CHANGE(overlay_has_other_reader, refer(g, ALONE, IA_NAME_ALIAS, IA_GRAPH_FOLLOWED, "l", "/r/left.qcow2", LEFT))
CHANGE(unread_accepted, KNOWN_FINDING("/r/secret", IA_FINDING_EXCLUDED, 3))
CHANGE(one_of_two_accepted, KNOWN_FINDING("/r/secret", IA_FINDING_EXCLUDED, 3);
       KNOWN_FINDING("/r/secret", IA_FINDING_UNREADABLE_DIRECTORY, 0))
CHANGE(many_accepted, KNOWN_FINDING("/r/4", IA_FINDING_EMPTY, 1); KNOWN_FINDING("/r/2", IA_FINDING_EMPTY, 1);
       KNOWN_FINDING("/r/3", IA_FINDING_EMPTY, 1); KNOWN_FINDING("/r/1", IA_FINDING_EMPTY, 1);
       KNOWN_FINDING("/r/1", IA_FINDING_EXCLUDED, 1); KNOWN_FINDING("/r/5", IA_FINDING_ENCRYPTED, 2))
CHANGE(loss_accepted, lost_by_what_named_it(g); KNOWN_FINDING("/r/gone.qcow2", IA_FINDING_BACKING_REMOTE, 0);
       KNOWN_FINDING("/r/gone.qcow2", IA_FINDING_BACKING_MISSING, 4))
CHANGE(something_else_of_it_accepted, lost_by_what_named_it(g); KNOWN_FINDING("/r/gone.qcow2", IA_FINDING_ENCRYPTED, 4))
CHANGE(lost_twice_and_one_accepted, lost_by_what_named_it(g);
       KNOWN_FINDING("/r/gone.qcow2", IA_FINDING_DATA_FILE_MISSING, 0);
       KNOWN_FINDING("/r/gone.qcow2", IA_FINDING_BACKING_MISSING, 4))
CHANGE(loss_of_a_part_accepted, lost_by_another_and_raw(g);
       KNOWN_FINDING("/r/alone.qcow2", IA_FINDING_EXTENT_MISSING, 5))
CHANGE(overlay_not_understood_accepted, i[LEFT].problem = "snapshot-unreadable";
       KNOWN_FINDING("/r/left.qcow2", IA_FINDING_SNAPSHOT_UNREADABLE, 6))
CHANGE(overlay_with_an_accepted_error, KNOWN_FINDING("/r/top.qcow2", IA_FINDING_MARKED_CORRUPT, 7))
CHANGE(overlay_with_two_errors, KNOWN_FINDING("/r/top.qcow2", IA_FINDING_MARKED_CORRUPT, 7);
       KNOWN_FINDING("/r/top.qcow2", IA_FINDING_SNAPSHOT_UNREADABLE, 0))
CHANGE(stranger_with_an_accepted_error, KNOWN_FINDING("/r/alone.qcow2", IA_FINDING_MARKED_CORRUPT, 7))
CHANGE(ring, stand_on(g, BASE, TOP))

CHANGE(packed_names_orphan, PACKED("/r/x.gz", "", IA_GRAPH_FOLLOWED, "o", "/elsewhere", ORPHAN))
CHANGE(packed_names_alone, PACKED("/r/x.gz", "", IA_GRAPH_FOLLOWED, "a", "/r/alone.qcow2", ALONE))
CHANGE(packed_twice, PACKED("/r/x.tar", "b", IA_GRAPH_FOLLOWED, "o", "/r/orphan.qcow2", ORPHAN);
       PACKED("/r/x.tar", "a", IA_GRAPH_FOLLOWED, "o", "/r/orphan.qcow2", ORPHAN))
CHANGE(packed_names_path, PACKED("/r/x.gz", "", IA_GRAPH_OTHER, "o", "/r/orphan.qcow2", IA_GRAPH_NONE))
CHANGE(packed_names_second_name, add_name(g, ORPHAN, "/r/other/name");
       PACKED("/r/x.gz", "", IA_GRAPH_OTHER, "o", "/r/other/name", IA_GRAPH_NONE))
CHANGE(packed_lost_name, PACKED("/r/x.gz", "", IA_GRAPH_MISSING, "../s/orphan.qcow2", "/s/orphan.qcow2", IA_GRAPH_NONE))
CHANGE(packed_lost_other_name, PACKED("/r/x.gz", "", IA_GRAPH_MISSING, "orphan", "/r/orphan", IA_GRAPH_NONE))
CHANGE(packed_found_other_of_that_name,
       PACKED("/r/x.gz", "", IA_GRAPH_FOLLOWED, "s/orphan.qcow2", "/s/orphan.qcow2", SPARE_FILE))
CHANGE(packed_remote_name, PACKED("/r/x.gz", "", IA_GRAPH_REMOTE, "nbd://host/orphan.qcow2", "", IA_GRAPH_NONE))
CHANGE(packed_description,
       PACKED("/r/x.gz", "", IA_GRAPH_OTHER, "json:{\"file\":{\"filename\":\"/s/orphan.qcow2\"}}", "", IA_GRAPH_NONE))
CHANGE(packed_other_description, PACKED("/r/x.gz", "", IA_GRAPH_OTHER,
                                        "json:{\"file\":{\"filename\":\"/s/orphan.qcow2.bak\"}}", "", IA_GRAPH_NONE))
CHANGE(packed_former_overlay, PACKED("/r/gone.qcow2.gz", "", IA_GRAPH_MISSING, "x", "/r/x", IA_GRAPH_NONE))
CHANGE(packed_former_overlay_of_another_host,
       PACKED("/r/gone.qcow2.gz", "", IA_GRAPH_REMOTE, "nbd://host/x", "", IA_GRAPH_NONE))
CHANGE(packed_overlay_of_another, PACKED("/r/gone.gz", "", IA_GRAPH_MISSING, "x", "/r/x", IA_GRAPH_NONE))
CHANGE(packed_former_overlay_found, PACKED("/r/gone.qcow2.gz", "", IA_GRAPH_FOLLOWED, "x", "/r/alone.qcow2", ALONE))
CHANGE(packed_beside_its_image, PACKED("/r/orphan.qcow2.gz", "", IA_GRAPH_MISSING, "x", "/r/x", IA_GRAPH_NONE))
CHANGE(packed_names_extent, PART(ORPHAN, SPARE_FILE, "/r/flat");
       PACKED("/r/x.gz", "", IA_GRAPH_FOLLOWED, "o", "/r/flat", SPARE_FILE))
CHANGE(packed_names_base, PACKED("/r/x.gz", "", IA_GRAPH_FOLLOWED, "b", "/r/base.qcow2", BASE))
CHANGE(packed_names_top, PACKED("/r/x.gz", "", IA_GRAPH_FOLLOWED, "t", "/r/top.qcow2", TOP))
CHANGE(packed_names_partly_masked, packed_names_base(g); i[BASE].visible_present = 1)

CHANGE(packed_led_to_orphan, PACKED("/r/x.gz", "", IA_GRAPH_MISSING, "o", "/r/o", IA_GRAPH_NONE);
       PACKED_BASE("/r/x.gz", IA_GRAPH_EARLIER, "o", "/r/orphan.qcow2", ORPHAN))
CHANGE(packed_led_to_orphan_and_leads_elsewhere, PACKED("/r/x.gz", "", IA_GRAPH_FOLLOWED, "o", "/r/alone.qcow2", ALONE);
       PACKED_BASE("/r/x.gz", IA_GRAPH_EARLIER, "o", "/r/orphan.qcow2", ORPHAN))
CHANGE(packed_led_to_what_is_gone, PACKED("/r/x.gz", "", IA_GRAPH_FOLLOWED, "o", "/r/alone.qcow2", ALONE);
       PACKED_BASE("/r/x.gz", IA_GRAPH_EARLIER, "o", "", IA_GRAPH_NONE))
CHANGE(packed_lost_former_name, PACKED("/r/x.gz", "", IA_GRAPH_MISSING, "../s/o", "/s/o", IA_GRAPH_NONE);
       FORMER(ORPHAN, "/r/old/o"))
CHANGE(packed_lost_other_former_name, PACKED("/r/x.gz", "", IA_GRAPH_MISSING, "../s/o", "/s/o", IA_GRAPH_NONE);
       FORMER(ORPHAN, "/r/old/o2"); FORMER(ALONE, "/r/old/o"))
CHANGE(packed_found_and_lost_of_former_name, packed_led_to_what_is_gone(g); FORMER(ORPHAN, "/r/old/alone.qcow2"))
CHANGE(packed_base_is_found_beside_former_name, PACKED_BASE("/r/x.gz", IA_GRAPH_FOLLOWED, "o", "/r/alone.qcow2", ALONE);
       FORMER(ORPHAN, "/r/alone.qcow2"))
CHANGE(packed_remote_former_name, PACKED("/r/x.gz", "", IA_GRAPH_REMOTE, "nbd://host/o", "", IA_GRAPH_NONE);
       FORMER(ORPHAN, "/r/o"))

#define NEWER(format, written) PACKED_UNKNOWN("/r/x.gz", "o", format, written, IA_GRAPH_UNKNOWN_NEWER, "/r/alone.qcow2")
#define LINKED(written, instead) PACKED_UNKNOWN("/r/x.gz", "o", "qcow2", written, IA_GRAPH_UNKNOWN_LINKED, instead)
CHANGE(packed_on_what_is_unknown, PACKED("/r/x.gz", "", IA_GRAPH_FOLLOWED, "o", "/r/alone.qcow2", ALONE);
       NEWER("qcow2", 5))
CHANGE(packed_on_what_is_unknown_and_raw, NEWER("raw", 5))
CHANGE(packed_on_what_is_unknown_and_not_stated, NEWER(NULL, 5))
CHANGE(packed_before_orphan_was_made, g->files.items[ORPHAN].mtime_ns = 7; i[ORPHAN].named_mtime_ns = 7;
       NEWER("qcow2", 5))
CHANGE(packed_by_a_turned_link, g->files.items[ORPHAN].ctime_ns = 4; LINKED(5, "/r/alone.qcow2"))
CHANGE(packed_by_a_link_turned_elsewhere, LINKED(5, "/r/s/alone.qcow2"))
CHANGE(packed_by_a_link_turned_to_another_directory, LINKED(5, "/r/s/orphan.qcow2"))
CHANGE(packed_before_what_lies_beside, g->files.items[ORPHAN].ctime_ns = 4; NEWER("qcow2", 5))
#define LOST(format) PACKED_UNKNOWN("/r/x.gz", "o", format, 5, IA_GRAPH_UNKNOWN_LOST, "")
CHANGE(packed_on_what_is_lost, LOST("qcow2"))
CHANGE(packed_on_what_is_lost_and_raw, LOST("raw"))
CHANGE(packed_on_what_is_lost_after_orphan_was_renamed, g->files.items[ORPHAN].ctime_ns = 4; LOST("qcow2"))
CHANGE(packed_on_what_is_lost_and_added_to_later, packed_on_what_is_lost_after_orphan_was_renamed(g);
       g->packed.items[0].made_ns = 4)
CHANGE(packed_on_what_is_lost_after_orphan_was_seen, i[ORPHAN].path_since_ns = 4; LOST("qcow2"))
CHANGE(packed_on_what_is_lost_while_orphan_had_a_path, FORMER_THEN(ORPHAN, "/r/old", 4, 6); LOST("qcow2"))
CHANGE(packed_on_what_is_lost_before_orphan_had_a_path, FORMER_THEN(ORPHAN, "/r/old", 5, 7);
       FORMER_THEN(ALONE, "/r/older", 4, 6); LOST("qcow2"))
CHANGE(packed_on_what_is_lost_after_orphan_had_a_path, FORMER_THEN(ORPHAN, "/r/old", 3, 5); LOST("qcow2"))
CHANGE(packed_on_what_is_lost_before_orphan_was_made, g->files.items[ORPHAN].mtime_ns = 7; i[ORPHAN].named_mtime_ns = 7;
       LOST("qcow2"))
#define NEWER_ELSEWHERE PACKED_UNKNOWN("/r/x.gz", "o", "qcow2", 5, IA_GRAPH_UNKNOWN_NEWER, "/r/s/alone.qcow2")
CHANGE(packed_after_orphan_was_seen, i[ORPHAN].path_since_ns = 4; NEWER_ELSEWHERE)
CHANGE(packed_before_orphan_was_seen, i[ORPHAN].path_since_ns = 5; NEWER_ELSEWHERE)
CHANGE(packed_before_what_lies_elsewhere, g->files.items[ORPHAN].ctime_ns = 4; NEWER_ELSEWHERE)
/* Inventories of machines. */
#define INVENTORY(place, is_of_host)                                                                                   \
    assert_true(ia_vec_push(&g->inventories, ((struct ia_graph_inventory){place, is_of_host, NULL})))
#define INVENTORY_OF(place, formats)                                                                                   \
    assert_true(ia_vec_push(&g->inventories, ((struct ia_graph_inventory){place, false, formats})))
#define LOST_CLAIM(where, form, found, led_to, written)                                                                \
    assert_true(ia_vec_push(&g->claims, ((struct ia_graph_claim){.path = where,                                        \
                                                                 .machine = "vm",                                      \
                                                                 .format = form,                                       \
                                                                 .image = IA_GRAPH_NONE,                               \
                                                                 .was_found = found,                                   \
                                                                 .before = led_to,                                     \
                                                                 .base = IA_GRAPH_NONE,                                \
                                                                 .defined_ns = written})))
#define SEEN_DIRECTORY(directory)                                                                                      \
    LOST_CLAIM(directory, NULL, false, IA_GRAPH_NONE, 9);                                                              \
    g->claims.items[0].is_directory = true
CHANGE(nobody_vouches, g->is_vouched = false)
CHANGE(an_inventory_of_the_host, g->is_vouched = false; INVENTORY("/etc/list", true))
CHANGE(an_inventory_beside, g->is_vouched = false; INVENTORY("/r/vm.vmx", false))
CHANGE(an_inventory_beside_of_its_format, g->is_vouched = false; INVENTORY_OF("/r/vm.vmx", "vdi,qcow2"))
CHANGE(an_inventory_beside_of_other_formats, g->is_vouched = false; INVENTORY_OF("/r/vm.vmx", "qcow,vdi,vmdk,qcow22"))
CHANGE(an_inventory_above_of_its_format, g->is_vouched = false; INVENTORY_OF("/vm.vmx", "vdi,qcow2"))
CHANGE(an_inventory_beside_of_no_format, g->is_vouched = false; INVENTORY_OF("/r/vm.vmx", ""))
CHANGE(an_inventory_of_another_directory, g->is_vouched = false; INVENTORY("/r/vm/vm.vmx", false))
CHANGE(nobody_vouches_and_a_glob, g->is_vouched = false; assert_true(ia_vec_push(&g->backing_globs, "orphan*")))
CHANGE(orphan_is_claimed, i[ORPHAN].is_claimed = true)
CHANGE(orphan_is_below_a_disk, i[ORPHAN].is_below = true)
CHANGE(base_is_below_a_disk, i[BASE].is_below = true)
CHANGE(base_is_claimed, i[BASE].is_claimed = true)
CHANGE(an_inventory_and_templates, an_inventory_of_the_host(g); i[ALONE].is_template = i[LEFT].is_claimed = true;
       i[TOP].is_claimed = true)
#define FULL_OF_MASKED(image)                                                                                          \
    i[image].accounted = true;                                                                                         \
    i[image].visible_present = 0;                                                                                      \
    i[image].masked_bytes = 65536
CHANGE(right_below_a_disk, FULL_OF_MASKED(RIGHT); i[TOP].is_claimed = i[TOP].is_disk = true)
CHANGE(right_below_what_is_no_disk, FULL_OF_MASKED(RIGHT); i[TOP].is_claimed = true)
CHANGE(right_below_a_disk_by_glob, right_below_a_disk(g); assert_true(ia_vec_push(&g->backing_globs, "right*")))
CHANGE(base_below_a_disk_among_two, i[TOP].is_claimed = i[TOP].is_disk = true;
       i[LEFT].is_claimed = i[LEFT].is_disk = true)
CHANGE(orphan_written_to_and_renamed, g->files.items[ORPHAN].mtime_ns = 7; i[ORPHAN].named_path = "/r/before.qcow2")
CHANGE(orphan_changed_and_all_machines_known, orphan_written_to_and_renamed(g); an_inventory_and_templates(g))
CHANGE(orphan_changed_and_some_machines_known, orphan_written_to_and_renamed(g); an_inventory_and_templates(g);
       g->inventories.items[0] = (struct ia_graph_inventory){"/r/vm.vmx", false, NULL})
CHANGE(orphan_changed_and_machines_unread, orphan_changed_and_all_machines_known(g);
       KNOWN_FINDING("/etc/list", IA_FINDING_INVENTORY_UNREADABLE, 0))
CHANGE(inventory_unreadable, KNOWN_FINDING("/etc/list", IA_FINDING_INVENTORY_UNREADABLE, 0))
CHANGE(inventory_unreadable_accepted, KNOWN_FINDING("/etc/list", IA_FINDING_INVENTORY_UNREADABLE, 4))
CHANGE(claim_of_the_same_name_lost, LOST_CLAIM("/old/orphan.qcow2", "raw", false, IA_GRAPH_NONE, 9))
CHANGE(claim_that_led_to_it_lost, LOST_CLAIM("/r/disk", "raw", true, ORPHAN, 9))
CHANGE(claim_that_led_to_another_lost, LOST_CLAIM("/old/orphan.qcow2", NULL, true, ALONE, 1))
CHANGE(claim_that_led_to_what_is_gone_lost, LOST_CLAIM("/old/orphan.qcow2", NULL, true, IA_GRAPH_NONE, 1))
CHANGE(claim_that_led_to_an_overlay_lost, LOST_CLAIM("/r/disk", NULL, true, IA_GRAPH_NONE, 1);
       g->claims.items[0].base = ORPHAN)
CHANGE(claim_that_led_to_an_overlay_of_another_lost, LOST_CLAIM("/r/orphan.qcow2", NULL, true, IA_GRAPH_NONE, 1);
       g->claims.items[0].base = ALONE)
CHANGE(claim_of_its_directory, SEEN_DIRECTORY("/r"))
CHANGE(claim_of_a_directory_above, SEEN_DIRECTORY("/"))
CHANGE(claim_of_another_directory, SEEN_DIRECTORY("/r/orphan"))
CHANGE(claim_lost_before_it_was_renamed, LOST_CLAIM("/r/disk", NULL, false, IA_GRAPH_NONE, 5))
CHANGE(claim_beside_it_lost_after_it_was_renamed, LOST_CLAIM("/r/disk", NULL, false, IA_GRAPH_NONE, 6))
CHANGE(medium_beside_it_lost_after_it_was_renamed, LOST_CLAIM("/r/disk", NULL, false, IA_GRAPH_NONE, 6);
       g->claims.items[0].is_medium = true)
CHANGE(claim_elsewhere_lost_after_it_was_renamed, LOST_CLAIM("/s/disk", NULL, false, IA_GRAPH_NONE, 6))
CHANGE(claim_elsewhere_lost_before_it_was_renamed, LOST_CLAIM("/s/disk", NULL, false, IA_GRAPH_NONE, 5))
CHANGE(claim_of_another_format_lost, LOST_CLAIM("/r/disk", "raw", false, IA_GRAPH_NONE, 5))
CHANGE(claim_lost_and_accepted, LOST_CLAIM("/r/disk", NULL, true, ORPHAN, 9);
       KNOWN_FINDING("/r/disk", IA_FINDING_CLAIM_MISSING, 4))

#define ORPHAN_PROVEN "orphan.qcow2 unreferenced:\n"
#define BASE_PROVEN "base.qcow2 fully-masked:\n"
#define ORPHAN_BUT(doubts) "orphan.qcow2 unreferenced: " doubts "\n"
#define BASE_BUT(doubts) "base.qcow2 fully-masked: " doubts "\n"
#define WITH_UNCLAIMED                                                                                                 \
    ORPHAN_PROVEN "alone.qcow2 unclaimed:\n" BASE_PROVEN "left.qcow2 unclaimed:\ntop.qcow2 unclaimed:\n"
#define BASE_PARTLY "base.qcow2 partly-masked:\n"

static const struct rule {
    const char *name;
    void (*change)(struct ia_graph *graph);
    const char *expected;
} rules[] = {
    {"both are proven", nothing, ORPHAN_PROVEN BASE_PROVEN},

    /* What is unreferenced, and what is not. */
    {"a template is kept", orphan_is_template, BASE_PROVEN},
    {"no evidence that it was a base", orphan_without_evidence, BASE_PROVEN},
    {"evidence by --backing-glob", alone_matches_glob, ORPHAN_PROVEN "alone.qcow2 unreferenced:\n" BASE_PROVEN},
    {"evidence by a folder of OpenStack", alone_is_in_base_folder,
     ORPHAN_PROVEN "_base/alone unreferenced:\n" BASE_PROVEN},
    {"evidence by a mark in its footer", alone_is_hidden, ORPHAN_PROVEN "alone.qcow2 unreferenced:\n" BASE_PROVEN},
    {"evidence by a name of Proxmox", alone_is_called_as_proxmox_does,
     ORPHAN_PROVEN "base-7-disk-0.raw unreferenced:\n" BASE_PROVEN},
    {"an image names it as backing file", orphan_is_named, BASE_PROVEN},
    {"a reference seen from another name of the image", orphan_by_alias, BASE_PROVEN},
    {"a reference as data file", orphan_as_data_file, BASE_PROVEN},
    {"a reference in the content of a raw image", orphan_in_content, BASE_PROVEN},
    {"a reference that was not followed, by its second name", orphan_by_second_name, BASE_PROVEN},
    {"a backing path that led nowhere", orphan_by_backing_path, BASE_PROVEN},
    {"a reference that was not followed, where only the image has the path", orphan_by_path_of_image, BASE_PROVEN},
    {"an image that backs itself", orphan_backs_itself, BASE_PROVEN},
    {"the data file of another image", orphan_is_part, BASE_PROVEN},
    {"the data file of another image, not identified", orphan_is_part_by_name, BASE_PROVEN},
    {"a part of itself", orphan_is_its_own_part, ORPHAN_PROVEN BASE_PROVEN},
    {"a part by the scan's class", orphan_is_classed_as_part, BASE_PROVEN},
    {"a reference of an image that is gone", reference_of_a_gone_image, ORPHAN_PROVEN BASE_PROVEN},

    {"a name in a description", orphan_in_description, BASE_PROVEN},
    {"a name in a description that was not followed", orphan_in_description_by_path, BASE_PROVEN},

    /* Doubts about what is unreferenced. */
    {"one of its files belongs to another image", shares_an_extent,
     ORPHAN_BUT("shared-file [/r/alone.qcow2]") BASE_PROVEN},
    {"the same of a base", base_shares_an_extent, ORPHAN_PROVEN BASE_BUT("shared-file [/r/alone.qcow2]")},
    {"all its files are its own", has_an_extent, ORPHAN_PROVEN BASE_PROVEN},
    {"written to since it was named", written_since, ORPHAN_BUT("written-since []") BASE_PROVEN},
    {"an extent of it written to since", extent_written_since, ORPHAN_BUT("written-since []") BASE_PROVEN},
    {"newer than all that named it", newer_than_what_named_it, ORPHAN_BUT("written-since []") BASE_PROVEN},
    {"an inode that may have been used again", inode_reused,
     ORPHAN_BUT("identity-uncertain [/r/gone.qcow2]") BASE_PROVEN},
    {"the same where the administrator calls it a base", inode_reused_beside_a_glob, ORPHAN_PROVEN BASE_PROVEN},
    {"the same of a base that is named now", inode_reused_of_what_is_named, ORPHAN_PROVEN BASE_PROVEN},
    {"a file system whose identity another has", orphan_on_a_twin,
     ORPHAN_BUT("identity-uncertain [/r/gone.qcow2]") BASE_PROVEN},
    {"the same of a base that is named now", base_on_a_twin, ORPHAN_PROVEN BASE_PROVEN},
    {"a shared file system", orphan_on_a_shared_volume, ORPHAN_BUT("shared-filesystem [/mnt (nfs4)]") BASE_PROVEN},
    {"a base on a shared file system", base_on_a_shared_volume,
     ORPHAN_PROVEN BASE_BUT("shared-filesystem [/mnt (nfs4)]")},
    {"an overlay on a shared file system", overlay_on_a_shared_volume, ORPHAN_PROVEN BASE_PROVEN},
    {"a file system of unknown type and place", orphan_on_an_unknown_volume,
     ORPHAN_BUT("shared-filesystem [/r/orphan.qcow2 (unknown type)]") BASE_PROVEN},
    {"a file system that no other host uses", orphan_on_a_volume_of_one_host, ORPHAN_PROVEN BASE_PROVEN},
    {"an extent on a shared file system", extent_on_a_shared_volume,
     ORPHAN_BUT("shared-filesystem [/mnt (cifs)]") BASE_PROVEN},
    {"a base that is named, written to after its overlays", base_newer_than_overlays,
     ORPHAN_PROVEN BASE_BUT("written-since []")},
    {"the same of one that is read in part", partly_masked_newer_than_overlays,
     ORPHAN_PROVEN "base.qcow2 partly-masked: written-since []\n"},
    {"a base that was written to later, before its overlays", base_written_before_overlays, ORPHAN_PROVEN BASE_PROVEN},
    {"all is as old as --min-age", as_old_as_min_age, ORPHAN_PROVEN BASE_PROVEN},
    {"a status is a moment younger", status_is_recent,
     ORPHAN_BUT("recent [unreferenced (the status)]") BASE_BUT("recent [fully-masked (the status)]")},
    {"a status that it did not have before", status_is_new,
     ORPHAN_BUT("recent [unreferenced (the status)]") BASE_BUT("recent [fully-masked (the status)]")},
    {"a file is a moment younger", file_is_recent, ORPHAN_BUT("recent [/r/orphan.qcow2 (the file)]") BASE_PROVEN},
    {"a file of an unknown birth has a ctime a moment younger", file_of_unknown_birth_is_recent,
     ORPHAN_BUT("recent [/r/orphan.qcow2 (the file)]") BASE_PROVEN},
    {"a file of a known birth has a ctime of now", inode_is_recent, ORPHAN_PROVEN BASE_PROVEN},
    {"a write is a moment younger", write_is_recent, ORPHAN_PROVEN BASE_BUT("recent [/r/base.qcow2 (its last write)]")},
    {"an extent is a moment younger", extent_is_recent, ORPHAN_BUT("recent [/r/flat (the file)]") BASE_PROVEN},
    {"an extent of another is a moment younger", extent_of_another_is_recent, ORPHAN_PROVEN BASE_PROVEN},
    {"a file of the future, of a clock that was set back", file_is_of_the_future,
     ORPHAN_BUT("recent [/r/orphan.qcow2 (the file)]") BASE_PROVEN},
    {"some name might mean it before", was_meant_by_a_name,
     ORPHAN_BUT("recent [unreferenced (the names)]") BASE_BUT("recent [fully-masked (the names)]")},
    {"some name might mean it until a moment less ago", meant_until_lately,
     ORPHAN_BUT("recent [unreferenced (the names)]") BASE_BUT("recent [fully-masked (the names)]")},
    {"some name might mean it until then", meant_long_ago, ORPHAN_PROVEN BASE_PROVEN},
    {"some name may mean it still", meant_still, ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"that is accepted, and some name may mean it still", meant_still_and_accepted,
     "orphan.qcow2 unreferenced: assumes backing-missing /r/alone.qcow2 (accepted as 3)\n" BASE_PROVEN},
    {"a status of the future", status_is_of_the_future, ORPHAN_BUT("recent [unreferenced (the status)]") BASE_PROVEN},
    {"the oldest and the youngest that there may be", ages_at_the_limits,
     ORPHAN_PROVEN BASE_BUT("recent [/r/base.qcow2 (the file)]")},
    {"all is recent, and age does not matter", age_does_not_matter, ORPHAN_PROVEN BASE_PROVEN},
    {"a name that depends on a working directory", ambiguous_name,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"a name that depends on a working directory and means something else", ambiguous_other_name,
     ORPHAN_PROVEN BASE_PROVEN},
    {"the image that named it lost its backing file", lost_by_what_named_it,
     ORPHAN_BUT("broken-reference [/r/gone.qcow2]") BASE_PROVEN},
    {"another image lost its backing file", lost_by_another, ORPHAN_PROVEN BASE_PROVEN},
    {"another image lost a file, and raw bytes may be it", lost_by_another_and_raw,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"another image has a file outside, which raw bytes here are not", outside_and_raw, ORPHAN_PROVEN BASE_PROVEN},

    {"the image that named it lost a file of a description", lost_in_description_by_what_named_it,
     ORPHAN_BUT("broken-reference [/r/gone.qcow2]") BASE_PROVEN},
    {"another image has a parent of its identity", sought_orphan,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"so has one whose name of it leads nowhere", sought_by_a_name_that_leads_nowhere,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"that one's is of another identity", sought_another_by_a_name_that_leads_nowhere, ORPHAN_PROVEN BASE_PROVEN},
    {"its name leads to one of that identity", sought_by_one_that_has_it, ORPHAN_PROVEN BASE_PROVEN},
    {"its name leads to one of another", sought_by_one_that_has_another,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"its name leads to one that has none", sought_by_one_that_has_one_without,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"its name leads to one that was modified since", sought_by_one_that_has_it_altered,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"one of another format has", sought_orphan_of_another_format, ORPHAN_PROVEN BASE_PROVEN},
    {"one has a parent of another identity", sought_other, ORPHAN_PROVEN BASE_PROVEN},
    {"one had that is gone", sought_by_one_that_is_gone, ORPHAN_PROVEN BASE_PROVEN},
    {"it has a parent of its own identity", sought_by_itself, ORPHAN_PROVEN BASE_PROVEN},
    {"its own overlay is the one that expects its identity", sought_by_its_overlay, ORPHAN_PROVEN BASE_PROVEN},
    {"another one expects it too", sought_base, ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"of two that expect it the first is named", sought_by_two,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"an image that could read it is the one that is expected", sought_reader,
     ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"that several have the identity is accepted", sought_by_one_that_is_accepted,
     "orphan.qcow2 unreferenced: assumes parent-ambiguous /r/alone.qcow2 (accepted as 3)\n" BASE_PROVEN},
    {"it is accepted of one of two", sought_by_two_and_one_is_accepted,
     "orphan.qcow2 unreferenced: broken-reference [/r/top.qcow2] assumes parent-ambiguous /r/alone.qcow2 (accepted as "
     "3)\n" BASE_PROVEN},
    {"another machine is asked for its name", remote_orphan, ORPHAN_BUT("remote-name [/r/alone.qcow2]") BASE_PROVEN},
    {"another machine is asked for the name of a base", remote_base,
     ORPHAN_PROVEN BASE_BUT("remote-name [/r/alone.qcow2]")},
    {"another machine is asked for its second name", remote_second_name,
     ORPHAN_BUT("remote-name [/r/alone.qcow2]") BASE_PROVEN},
    {"another machine is asked for one of its parts", remote_part,
     ORPHAN_BUT("remote-name [/r/alone.qcow2]") BASE_PROVEN},
    {"another machine is asked for a part of its name", remote_other, ORPHAN_PROVEN BASE_PROVEN},
    {"another machine was asked by an image that is gone", remote_of_a_gone_image, ORPHAN_PROVEN BASE_PROVEN},

    /* What an image names in vain, and what that may be. */
    {"an image lost a file after it got that name", lost_after_that_name_came,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"an image lost a file before that one was made", lost_before_that_was_made, ORPHAN_PROVEN BASE_PROVEN},
    {"an image lost a file before that one was copied here", lost_before_that_was_copied,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"a copy lost a file, and its original was made before that got its name", lost_by_a_copy,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"the same, and a scan had seen one before the original was made", lost_by_a_copy_after_a_scan_saw_its_path,
     ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"an image lost a file, and a scan had seen that before it was made", lost_after_a_scan_saw_its_path,
     ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"the same of a name of which that one's is made", lost_a_name_of_which_its_own_is_made,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"an image lost what may read a base", lost_a_reader, ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"an image lost what may read a base through another", lost_a_reader_of_a_reader,
     ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"that is accepted", lost_a_reader_and_accepted,
     ORPHAN_PROVEN "base.qcow2 fully-masked: assumes backing-missing /r/alone.qcow2 (accepted as 3)\n"},
    {"an image was made on what reads a base, and leads elsewhere", reader_exchanged,
     BASE_BUT("exchanged [/r/alone.qcow2]")},
    {"an image lost a file that has another name now", lost_a_base_that_is_there,
     ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"an image lost a file that is no more and stood on it", lost_what_stood_on_orphan,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"it lost its base, which had been made on it", orphan_lost_what_stood_on_it, ORPHAN_PROVEN BASE_PROVEN},
    {"an image lost a file that is no more and stood on what reads a base", lost_what_stood_on_a_reader,
     ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"an image that lost what stood on it is accepted", lost_what_stood_on_orphan_and_accepted,
     "orphan.qcow2 unreferenced: assumes backing-missing /r/alone.qcow2 (accepted as 3)\n" BASE_PROVEN},
    {"an image has another base than what stood on it, and is no more", has_another_base_than_what_stood_on_orphan,
     ORPHAN_BUT("exchanged [/r/alone.qcow2]") BASE_PROVEN},
    {"that image is gone", had_another_base_than_what_stood_on_orphan, ORPHAN_PROVEN BASE_PROVEN},
    {"the same of what stood on a reader of a base", has_another_base_than_what_stood_on_a_reader,
     ORPHAN_PROVEN BASE_BUT("exchanged [/r/alone.qcow2]")},
    {"an image lost a file that is no more, and was seen beside it", lost_a_base_that_is_gone,
     ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"an image lost a file, and the scan before it had another one there", lost_where_another_was,
     ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"an image lost a file, and the scan before it had that there", lost_where_it_was,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"an image lost a file, and what the scan before it had there is gone", lost_where_one_was_that_is_gone,
     ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"an image lost a file that was made before it was written to last", lost_before_that_was_made_and_rebased,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"a backing name leads to a newer file, and nothing was touched since", misled_after_all,
     ORPHAN_PROVEN BASE_PROVEN},
    {"the same by a link that was turned", misled_by_a_link,
     ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"the same of a link that led elsewhere in the scan before", misled_by_a_link_that_led_elsewhere,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"an image lost a file by a link", lost_by_a_link,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"the same of a link that led to that in the scan before", lost_by_a_link_that_led_to_orphan,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"a link that was turned leads to what is no newer", led_by_a_link,
     ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"an image lost a file of another format", lost_another_format, ORPHAN_PROVEN BASE_PROVEN},
    {"an image whose age is unknown lost a file whose format it does not state", lost_an_unknown_format,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"what an image names lies outside", lost_what_lies_outside, ORPHAN_PROVEN BASE_PROVEN},
    {"an image lost the file that it named before", lost_the_same_file,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"the same of a base", lost_a_base, ORPHAN_PROVEN BASE_BUT("broken-reference [/r/alone.qcow2]")},
    {"an image lost a file of that name", lost_the_same_name,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"an image lost the file that named it", lost_what_named_it,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"an image that lost a file is gone", gone_after_the_loss, ORPHAN_PROVEN BASE_PROVEN},
    {"an image has another parent than it expects", has_a_parent_that_differs,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2] exchanged [/r/alone.qcow2]") BASE_PROVEN},
    {"an image has the parent that it expects", has_the_parent_that_it_expects, ORPHAN_PROVEN BASE_PROVEN},
    {"a backing name leads to another file than before", base_exchanged,
     ORPHAN_BUT("exchanged [/r/alone.qcow2]") BASE_PROVEN},
    {"a backing name leads where it led before", base_not_exchanged, ORPHAN_PROVEN BASE_PROVEN},
    {"the image whose base was exchanged is gone", exchanged_and_gone, ORPHAN_PROVEN BASE_PROVEN},
    {"a backing name led to it for a while", used_on_another_before,
     ORPHAN_BUT("exchanged [/r/alone.qcow2]") BASE_PROVEN},
    {"a backing name led to it for a while, and does now", used_on_another_and_on_it_now, ORPHAN_PROVEN BASE_PROVEN},
    {"the image whose name led to it is gone", used_on_another_and_gone, ORPHAN_PROVEN BASE_PROVEN},

    /* The files that an image is made of count as its main one does. */
    {"a description names its data file", data_in_description,
     ORPHAN_BUT("non-backing-reader [/r/orphan.qcow2]") BASE_PROVEN},
    {"one of an image that is gone does", data_in_description_of_a_gone_image, ORPHAN_PROVEN BASE_PROVEN},
    {"one of its own does", data_in_its_own_description, ORPHAN_PROVEN BASE_PROVEN},
    {"a description names the data file of a base", data_of_base_in_description,
     ORPHAN_PROVEN BASE_BUT("non-backing-reader [/r/base.qcow2]")},
    {"one names the data file of an overlay", data_of_an_overlay_in_description,
     ORPHAN_PROVEN BASE_BUT("non-backing-reader [/r/left.qcow2]")},
    {"an image was made on its data file", data_exchanged, ORPHAN_BUT("exchanged [/r/alone.qcow2]") BASE_PROVEN},
    {"one was made on that of what reads a base", data_of_an_overlay_exchanged,
     ORPHAN_PROVEN BASE_BUT("exchanged [/r/alone.qcow2]")},
    {"a backing name led to its data file for a while", used_on_data_before,
     ORPHAN_BUT("exchanged [/r/alone.qcow2]") BASE_PROVEN},
    {"an image lost its data file", lost_the_data_file, ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"an image lost a file of its data file's name", lost_a_name_of_the_data_file,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"an image lost raw bytes, which its data file may be", lost_what_may_be_the_data_file,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"its data file was made after that image", lost_before_the_data_file_was_made, ORPHAN_PROVEN BASE_PROVEN},
    {"an image lost a file that is no more and stood on its data file", lost_what_stood_on_data,
     ORPHAN_BUT("broken-reference [/r/alone.qcow2]") BASE_PROVEN},
    {"its data file has a name in no directory that was walked", data_outside,
     ORPHAN_BUT("not-walked [/templates]") BASE_PROVEN},

    {"renamed since it was named", renamed_since, ORPHAN_BUT("renamed [/r/before.qcow2]") BASE_PROVEN},
    {"one more name since it was named", second_name_since, ORPHAN_PROVEN BASE_PROVEN},
    {"its name is the same; a base that is named was renamed", not_renamed, ORPHAN_PROVEN BASE_PROVEN},
    {"it has the name of what named it", has_the_name_of_its_overlay,
     ORPHAN_BUT("renamed [/r/orphan.qcow2]") BASE_PROVEN},
    {"it has the name of what named it before that", has_the_name_of_an_earlier_overlay,
     ORPHAN_BUT("renamed [/r/orphan.qcow2]") BASE_PROVEN},
    {"another image has such a name", another_has_the_name_of_an_earlier_overlay, ORPHAN_PROVEN BASE_PROVEN},
    {"it loses such a name", loses_the_name_of_an_earlier_overlay, ORPHAN_PROVEN BASE_PROVEN},

    /* Doubts about all. */
    {"a service of this host", local_service,
     ORPHAN_BUT("local-service [/r/alone.qcow2]") BASE_BUT("local-service [/r/alone.qcow2]")},
    {"something was not read", something_unread, ORPHAN_BUT("unread [/r/secret]") BASE_BUT("unread [/r/secret]")},
    {"a finding that raises no doubt", something_harmless, ORPHAN_PROVEN BASE_PROVEN},
    {"each subject once, in order", two_unread,
     ORPHAN_BUT("unread [/r/a] unread [/r/b]") BASE_BUT("unread [/r/a] unread [/r/b]")},
    {"open for writing", open_for_writing, ORPHAN_BUT("in-use [open for writing]") BASE_PROVEN},
    {"open for reading", open_for_reading, ORPHAN_PROVEN BASE_BUT("in-use [open for reading]")},
    {"locks unknown", open_unknown, ORPHAN_BUT("in-use [whether it is locked is unknown]") BASE_PROVEN},
    {"somebody holds it", held, ORPHAN_BUT("in-use [loop device /dev/loop3]") BASE_PROVEN},
    {"several hold it", held_twice, ORPHAN_PROVEN BASE_BUT("in-use [mapped by x (pid 7)] in-use [swap]")},
    {"the one with the lock is known", held_and_locked,
     ORPHAN_BUT("in-use [open for writing by x (pid 7)]") BASE_PROVEN},
    {"somebody holds it, and locks are unknown", held_and_lock_unknown,
     ORPHAN_BUT("in-use [swap] in-use [whether it is locked is unknown]") BASE_PROVEN},
    {"somebody holds a part of it", part_is_held, ORPHAN_BUT("in-use [swap]") BASE_PROVEN},
    {"somebody holds a part of another", part_of_another_is_held, ORPHAN_PROVEN BASE_PROVEN},
    {"a part that was not found", part_was_not_found, ORPHAN_PROVEN BASE_PROVEN},
    {"somebody holds a part of it, and it is locked itself", part_is_held_and_image_locked,
     ORPHAN_BUT("in-use [open for reading] in-use [swap]") BASE_PROVEN},
    {"somebody holds an overlay", overlay_is_held, ORPHAN_PROVEN BASE_PROVEN},
    {"who holds files is unknown", holders_unknown, ORPHAN_BUT("in-use [not seen]") BASE_BUT("in-use [not seen]")},
    {"an overlay is open", overlay_is_open, ORPHAN_PROVEN BASE_PROVEN},
    {"in no directory that was walked", nothing_was_walked, ORPHAN_BUT("not-walked [/r]") BASE_BUT("not-walked [/r]")},
    {"a directory was walked whose name begins alike", a_longer_name_was_walked,
     ORPHAN_BUT("not-walked [/r]") BASE_BUT("not-walked [/r]")},
    {"the root directory was walked", the_root_was_walked, ORPHAN_PROVEN BASE_PROVEN},
    {"one of its names lies in no directory that was walked", a_name_outside,
     ORPHAN_BUT("not-walked [/templates]") BASE_PROVEN},
    {"of OpenStack's folders only _base was walked", only_the_base_folder_was_walked,
     ORPHAN_BUT("not-walked [/r]") BASE_BUT("not-walked [/r]")},
    {"the folder above _base was walked", above_the_base_folder_was_walked, ORPHAN_PROVEN BASE_PROVEN},
    {"of Proxmox's folders only one machine's was walked", only_the_folder_of_the_machine_was_walked,
     ORPHAN_BUT("not-walked [/r/images]") BASE_BUT("not-walked [/r]")},
    {"the folder of all machines was walked", all_folders_of_machines_were_walked,
     ORPHAN_PROVEN BASE_BUT("not-walked [/r]")},
    {"it changed while the scan ran", changed_under_the_scan, ORPHAN_BUT("changed-during-scan []") BASE_PROVEN},
    {"the same of a base", base_changed_under_the_scan, ORPHAN_PROVEN BASE_BUT("changed-during-scan []")},
    {"not understood, of which nothing more is reported", not_understood,
     ORPHAN_BUT("not-understood [/r/orphan.qcow2 (corrupt)]") BASE_PROVEN},
    {"cross-linked clusters", cross_linked, ORPHAN_PROVEN BASE_BUT("cross-linked [/r/base.qcow2]")},
    {"cross-links unknown", cross_links_unknown, ORPHAN_BUT("cross-linked [/r/orphan.qcow2 (unknown)]") BASE_PROVEN},

    /* What is masked, and doubts about it. */
    {"one byte of it is read", one_byte_is_read, ORPHAN_PROVEN BASE_PARTLY},
    {"one byte of it is read, and none is masked", one_byte_is_read_and_none_masked, ORPHAN_PROVEN},
    {"its accounts are unknown", accounts_unknown, ORPHAN_PROVEN},
    {"an internal snapshot of its own", base_has_snapshots, ORPHAN_PROVEN BASE_PARTLY},
    {"a template that has nothing visible", base_is_template, ORPHAN_PROVEN},
    {"read under another name of an image too", base_by_alias_of_another, ORPHAN_PROVEN},
    {"an overlay names it by both of its own names", base_by_alias_of_overlay, ORPHAN_PROVEN BASE_PROVEN},
    {"an overlay reads it in another way too", base_in_content_of_overlay, ORPHAN_PROVEN},
    {"a reference to it was not followed", base_not_followed, ORPHAN_PROVEN},
    {"named in a description too", base_in_description, ORPHAN_PROVEN},
    {"an overlay is named in a description", overlay_in_description,
     ORPHAN_PROVEN BASE_BUT("non-backing-reader [/r/left.qcow2]")},
    {"the data file of another image too", base_is_part, ORPHAN_PROVEN},
    {"an overlay was not understood", overlay_not_understood,
     ORPHAN_PROVEN BASE_BUT("not-understood [/r/left.qcow2 (corrupt)]")},
    {"an overlay of an overlay was not understood", overlay_of_overlay_not_understood,
     ORPHAN_PROVEN BASE_BUT("not-understood [/r/top.qcow2 (denied)]")},
    {"an overlay of an overlay has an error", overlay_with_an_error,
     ORPHAN_PROVEN BASE_BUT("chain-broken [/r/top.qcow2 (unreadable)]")},
    {"an image that does not read it has an error", stranger_with_an_error, ORPHAN_PROVEN BASE_PROVEN},
    {"cross-links of an overlay are unknown", overlay_cross_links_unknown,
     ORPHAN_PROVEN BASE_BUT("cross-linked [/r/left.qcow2 (unknown)]")},
    {"an overlay is read otherwise", overlay_has_other_reader,
     ORPHAN_PROVEN BASE_BUT("non-backing-reader [/r/left.qcow2]")},
    {"a packed image names it", packed_names_orphan, ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a packed image names another", packed_names_alone, ORPHAN_PROVEN BASE_PROVEN},
    {"two members of an archive name it", packed_twice,
     ORPHAN_BUT("packed-reference [/r/x.tar (a)] packed-reference [/r/x.tar (b)]") BASE_PROVEN},
    {"a packed image names its path", packed_names_path, ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a packed image names its second name", packed_names_second_name,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a packed image lost a file of its name", packed_lost_name, ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a packed image lost a file of another name", packed_lost_other_name, ORPHAN_PROVEN BASE_PROVEN},
    {"a packed image has another file of its name", packed_found_other_of_that_name, ORPHAN_PROVEN BASE_PROVEN},
    {"a packed image names it on another host", packed_remote_name,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a packed image describes it", packed_description, ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a packed image describes another", packed_other_description, ORPHAN_PROVEN BASE_PROVEN},
    {"the image that named it is packed, and lost what it names", packed_former_overlay,
     ORPHAN_BUT("packed-reference [/r/gone.qcow2.gz]") BASE_PROVEN},
    {"the image that named it is packed, and names one of another host", packed_former_overlay_of_another_host,
     ORPHAN_PROVEN BASE_PROVEN},
    {"an image that is called almost so is packed", packed_overlay_of_another, ORPHAN_PROVEN BASE_PROVEN},
    {"the image that named it is packed, and names another", packed_former_overlay_found, ORPHAN_PROVEN BASE_PROVEN},
    {"it is packed itself, beside it", packed_beside_its_image, ORPHAN_PROVEN BASE_PROVEN},
    {"a packed image names one of its files", packed_names_extent,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a packed image reads what its overlays hide", packed_names_base,
     ORPHAN_PROVEN BASE_BUT("packed-reference [/r/x.gz]")},
    {"a packed image reads it through others", packed_names_top, ORPHAN_PROVEN BASE_BUT("packed-reference [/r/x.gz]")},
    {"a packed image reads what is partly masked", packed_names_partly_masked,
     ORPHAN_PROVEN "base.qcow2 partly-masked: packed-reference [/r/x.gz]\n"},
    {"a packed image had led to it", packed_led_to_orphan, ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a packed image had led to it, and leads elsewhere", packed_led_to_orphan_and_leads_elsewhere,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a packed image had led to what is gone", packed_led_to_what_is_gone, ORPHAN_PROVEN BASE_PROVEN},
    {"a packed image was made on what nothing is known of", packed_on_what_is_unknown,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_BUT("packed-reference [/r/x.gz]")},
    {"a packed image was made on what nothing is known of but its format", packed_on_what_is_unknown_and_raw,
     ORPHAN_PROVEN BASE_PROVEN},
    {"a packed image was made on what not even the format is known of", packed_on_what_is_unknown_and_not_stated,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_BUT("packed-reference [/r/x.gz]")},
    {"it was made after what is packed, on what nothing is known of", packed_before_orphan_was_made,
     ORPHAN_PROVEN BASE_BUT("packed-reference [/r/x.gz]")},
    {"it did not change since a packed image lost its base to a newer file elsewhere",
     packed_before_what_lies_elsewhere, ORPHAN_PROVEN BASE_BUT("packed-reference [/r/x.gz]")},
    {"it did not change since a packed image lost its base to a newer file beside it", packed_before_what_lies_beside,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_BUT("packed-reference [/r/x.gz]")},
    {"it had its path before that", packed_after_orphan_was_seen, ORPHAN_PROVEN BASE_BUT("packed-reference [/r/x.gz]")},
    {"it was seen after that", packed_before_orphan_was_seen,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_BUT("packed-reference [/r/x.gz]")},
    {"a packed image was made on what is lost", packed_on_what_is_lost,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_BUT("packed-reference [/r/x.gz]")},
    {"it is of another format than what is lost", packed_on_what_is_lost_and_raw, ORPHAN_PROVEN BASE_PROVEN},
    {"it was renamed before what lost its base was packed", packed_on_what_is_lost_after_orphan_was_renamed,
     ORPHAN_PROVEN BASE_BUT("packed-reference [/r/x.gz]")},
    {"the archive was made before that, and added to later", packed_on_what_is_lost_and_added_to_later,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_BUT("packed-reference [/r/x.gz]")},
    {"it had its path before what lost its base was packed", packed_on_what_is_lost_after_orphan_was_seen,
     ORPHAN_PROVEN BASE_BUT("packed-reference [/r/x.gz]")},
    {"it had a path before and after what lost its base was packed", packed_on_what_is_lost_while_orphan_had_a_path,
     ORPHAN_PROVEN BASE_BUT("packed-reference [/r/x.gz]")},
    {"it got that path after it", packed_on_what_is_lost_before_orphan_had_a_path,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_BUT("packed-reference [/r/x.gz]")},
    {"it lost that path before", packed_on_what_is_lost_after_orphan_had_a_path,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_BUT("packed-reference [/r/x.gz]")},
    {"it was made after what lost its base was packed", packed_on_what_is_lost_before_orphan_was_made,
     ORPHAN_PROVEN BASE_BUT("packed-reference [/r/x.gz]")},
    {"it has the name of what a turned link leads to", packed_by_a_link_turned_to_another_directory,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"it lies beside what a turned link leads to", packed_by_a_turned_link,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_BUT("packed-reference [/r/x.gz]")},
    {"it lies elsewhere than what a turned link leads to", packed_by_a_link_turned_elsewhere,
     ORPHAN_PROVEN BASE_PROVEN},
    {"a packed image lost a file of its former name", packed_lost_former_name,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a packed image lost a file of another former name", packed_lost_other_former_name, ORPHAN_PROVEN BASE_PROVEN},
    {"a packed image has another file of its former name, and its own is gone", packed_found_and_lost_of_former_name,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a packed image has its own base, of its former name", packed_base_is_found_beside_former_name,
     ORPHAN_PROVEN BASE_PROVEN},
    {"a packed image names one of its former name on another host", packed_remote_former_name,
     ORPHAN_PROVEN BASE_PROVEN},

    /* What was accepted. */
    {"something was left out, and that is accepted", unread_accepted,
     "orphan.qcow2 unreferenced: assumes excluded /r/secret (accepted as 3)\n"
     "base.qcow2 fully-masked: assumes excluded /r/secret (accepted as 3)\n"},
    {"of two findings about a path one is accepted", one_of_two_accepted,
     "orphan.qcow2 unreferenced: unread [/r/secret] assumes excluded /r/secret (accepted as 3)\n"
     "base.qcow2 fully-masked: unread [/r/secret] assumes excluded /r/secret (accepted as 3)\n"},
    {"accepted are many, one of which raises no doubt", many_accepted,
     "orphan.qcow2 unreferenced: assumes empty-image /r/1, /r/2, /r/3 and 1 more (accepted as 1); excluded /r/1"
     " (accepted as 1)\n"
     "base.qcow2 fully-masked: assumes empty-image /r/1, /r/2, /r/3 and 1 more (accepted as 1); excluded /r/1"
     " (accepted as 1)\n"},
    {"that what named it lost its backing file is accepted", loss_accepted,
     "orphan.qcow2 unreferenced: assumes backing-missing /r/gone.qcow2 (accepted as 4)\n" BASE_PROVEN},
    {"something else of it is accepted", something_else_of_it_accepted,
     ORPHAN_BUT("broken-reference [/r/gone.qcow2]") BASE_PROVEN},
    {"it lost two files, and one loss is accepted", lost_twice_and_one_accepted,
     ORPHAN_BUT("broken-reference [/r/gone.qcow2]") BASE_PROVEN},
    {"that another image lost a part is accepted", loss_of_a_part_accepted,
     "orphan.qcow2 unreferenced: assumes extent-missing /r/alone.qcow2 (accepted as 5)\n" BASE_PROVEN},
    {"that an overlay was not understood is accepted", overlay_not_understood_accepted,
     ORPHAN_PROVEN "base.qcow2 fully-masked: assumes snapshot-unreadable /r/left.qcow2 (accepted as 6)\n"},
    {"the error of an overlay of an overlay is accepted", overlay_with_an_accepted_error,
     ORPHAN_PROVEN "base.qcow2 fully-masked: assumes marked-corrupt /r/top.qcow2 (accepted as 7)\n"},
    {"of two errors of it one is accepted", overlay_with_two_errors,
     ORPHAN_PROVEN "base.qcow2 fully-masked: not-understood [/r/top.qcow2 (snapshot-unreadable)] assumes marked-corrupt"
                   " /r/top.qcow2 (accepted as 7)\n"},
    {"the error of an image that does not read it is accepted", stranger_with_an_accepted_error,
     ORPHAN_PROVEN BASE_PROVEN},
    /* Machines. */
    {"no inventory was read", nobody_vouches, ORPHAN_BUT("no-inventory []") BASE_PROVEN},
    {"an inventory of the host was read, and has none of them", an_inventory_of_the_host, WITH_UNCLAIMED},
    {"an inventory of their directory was read, and has none of them", an_inventory_beside, WITH_UNCLAIMED},
    {"an inventory was read, and they are claimed or kept as templates", an_inventory_and_templates,
     ORPHAN_PROVEN BASE_PROVEN},
    {"an inventory of their directory and their format was read", an_inventory_beside_of_its_format, WITH_UNCLAIMED},
    {"one of their directory and of other formats was read", an_inventory_beside_of_other_formats,
     ORPHAN_BUT("no-inventory []") BASE_PROVEN},
    {"one of their directory that has no format whole was read", an_inventory_beside_of_no_format,
     ORPHAN_BUT("no-inventory []") BASE_PROVEN},
    {"one of the directory above and their format was read", an_inventory_above_of_its_format,
     ORPHAN_BUT("no-inventory []") BASE_PROVEN},
    {"an inventory of another directory was read", an_inventory_of_another_directory,
     ORPHAN_BUT("no-inventory []") BASE_PROVEN},
    {"no inventory was read, and it is meant as a base", nobody_vouches_and_a_glob, ORPHAN_PROVEN BASE_PROVEN},
    {"a machine uses what no image names", orphan_is_claimed, BASE_PROVEN},
    {"a machine has what no image names below its disk", orphan_is_below_a_disk, BASE_PROVEN},
    {"a machine has what overlays mask below its disk", base_is_below_a_disk, ORPHAN_PROVEN BASE_PROVEN},
    {"a machine uses what overlays mask", base_is_claimed, ORPHAN_PROVEN},
    {"the only overlay of what it masks is a machine's disk", right_below_a_disk,
     ORPHAN_PROVEN BASE_PROVEN "right.qcow2 partly-masked:\n"},
    {"the only overlay of what it masks is claimed otherwise", right_below_what_is_no_disk,
     ORPHAN_PROVEN BASE_PROVEN "right.qcow2 fully-masked:\n"},
    {"the base of a machine's disk is called one by --backing-glob", right_below_a_disk_by_glob,
     ORPHAN_PROVEN BASE_PROVEN "right.qcow2 fully-masked:\n"},
    {"a base of two machines' disks", base_below_a_disk_among_two, ORPHAN_PROVEN BASE_PROVEN},
    {"it was written to and renamed, and may be a machine's disk", orphan_written_to_and_renamed,
     ORPHAN_BUT("renamed [/r/before.qcow2] written-since []") BASE_PROVEN},
    {"it was written to and renamed, and is the disk of no machine", orphan_changed_and_all_machines_known,
     ORPHAN_PROVEN BASE_PROVEN},
    {"it was written to and renamed, and only machines beside it are known", orphan_changed_and_some_machines_known,
     ORPHAN_BUT("renamed [/r/before.qcow2] written-since []") BASE_PROVEN},
    {"it was written to and renamed, and an inventory could not be read", orphan_changed_and_machines_unread,
     ORPHAN_BUT("inventory-incomplete [/etc/list] renamed [/r/before.qcow2] written-since []")
         BASE_BUT("inventory-incomplete [/etc/list]")},
    {"an inventory could not be read", inventory_unreadable,
     ORPHAN_BUT("inventory-incomplete [/etc/list]") BASE_BUT("inventory-incomplete [/etc/list]")},
    {"that an inventory could not be read is accepted", inventory_unreadable_accepted,
     "orphan.qcow2 unreferenced: assumes inventory-unreadable /etc/list (accepted as 4)\n"
     "base.qcow2 fully-masked: assumes inventory-unreadable /etc/list (accepted as 4)\n"},
    {"a machine's disk of its name is lost", claim_of_the_same_name_lost,
     ORPHAN_BUT("inventory-incomplete [/old/orphan.qcow2 (vm)]") BASE_PROVEN},
    {"a machine's disk is lost, and was this", claim_that_led_to_it_lost,
     ORPHAN_BUT("inventory-incomplete [/r/disk (vm)]") BASE_PROVEN},
    {"a machine's disk is lost, and was another one", claim_that_led_to_another_lost, ORPHAN_PROVEN BASE_PROVEN},
    {"a machine's disk is lost, and was what is gone", claim_that_led_to_what_is_gone_lost, ORPHAN_PROVEN BASE_PROVEN},
    {"a machine's disk is lost, and was made on this", claim_that_led_to_an_overlay_lost,
     ORPHAN_BUT("inventory-incomplete [/r/disk (vm)]") BASE_PROVEN},
    {"a machine's disk is lost, and was made on another one", claim_that_led_to_an_overlay_of_another_lost,
     ORPHAN_PROVEN BASE_PROVEN},
    {"a machine sees its directory", claim_of_its_directory,
     ORPHAN_BUT("inventory-incomplete [/r (vm)]") BASE_BUT("inventory-incomplete [/r (vm)]")},
    {"a machine sees a directory above", claim_of_a_directory_above,
     ORPHAN_BUT("inventory-incomplete [/ (vm)]") BASE_BUT("inventory-incomplete [/ (vm)]")},
    {"a machine sees another directory", claim_of_another_directory, ORPHAN_PROVEN BASE_PROVEN},
    {"a machine's disk is lost, and this was renamed since", claim_lost_before_it_was_renamed,
     ORPHAN_BUT("inventory-incomplete [/r/disk (vm)]") BASE_BUT("inventory-incomplete [/r/disk (vm)]")},
    {"a machine's disk beside this is lost, and this has its name for longer",
     claim_beside_it_lost_after_it_was_renamed,
     ORPHAN_BUT("inventory-incomplete [/r/disk (vm)]") BASE_BUT("inventory-incomplete [/r/disk (vm)]")},
    {"a machine's CD beside this is lost, and this has its name for longer", medium_beside_it_lost_after_it_was_renamed,
     ORPHAN_PROVEN BASE_PROVEN},
    {"a machine's disk elsewhere is lost, and this has its name for longer", claim_elsewhere_lost_after_it_was_renamed,
     ORPHAN_PROVEN BASE_PROVEN},
    {"a machine's disk elsewhere is lost, and this was renamed since", claim_elsewhere_lost_before_it_was_renamed,
     ORPHAN_BUT("inventory-incomplete [/s/disk (vm)]") BASE_BUT("inventory-incomplete [/s/disk (vm)]")},
    {"a machine's disk of another format is lost", claim_of_another_format_lost, ORPHAN_PROVEN BASE_PROVEN},
    {"that a machine's disk is lost is accepted", claim_lost_and_accepted,
     "orphan.qcow2 unreferenced: assumes claim-missing /r/disk (accepted as 4)\n"
     "base.qcow2 fully-masked: assumes claim-missing /r/disk (accepted as 4)\n"},
    {"a ring of images", ring, ORPHAN_PROVEN BASE_BUT("loop []")},
};

#define RULES (sizeof(rules) / sizeof(rules[0]))

static void judgement_is_the_one_that_the_rule_expects(void **state)
{
    const struct rule *rule = *state;
    struct ia_graph graph;
    make_graph(&graph);
    rule->change(&graph);
    char *text = judged(&graph);
    assert_string_equal(text, rule->expected);
    free(text);
    ia_graph_release(&graph);
}

/* -- Evidence ---------------------------------------------------------------------------------------------------- */

static bool append(void *ctx, enum ia_evidence evidence, const char *subject, int64_t scan)
{
    struct ia_buf *out = ctx;
    ia_buf_addf(out, "%s: ", ia_evidence_kinds[evidence].code);
    ia_evidence_render(out, evidence, subject, scan);
    ia_buf_add_char(out, '\n');
    return true;
}

static void expect_evidence(size_t image, void (*change)(struct ia_graph *), const char *expected)
{
    struct ia_graph graph;
    struct ia_judge *judge = NULL;
    struct ia_buf out = {0};
    make_graph(&graph);
    change(&graph);
    ia_buf_add_str(&out, "");
    assert_ok(ia_judge_new(&graph, &judge, &err));
    assert_true(ia_judge_evidence(judge, image, append, &out));
    assert_string_equal(out.data, expected);
    ia_buf_release(&out);
    ia_judge_free(judge);
    ia_graph_release(&graph);
}

static void evidence_is_listed_with_its_subject(void **state)
{
    (void)state;
    expect_evidence(ORPHAN, nothing, "was-named: scan 1 saw it named as backing file by '/r/gone.qcow2'\n");
    expect_evidence(BASE, nothing, "named: named by /r/left.qcow2\nnamed: named by /r/right.qcow2\n");
    expect_evidence(ALONE, nothing, "");
    expect_evidence(RIGHT, right_below_a_disk,
                    "named: named by /r/top.qcow2\n"
                    "external-snapshot: may be a snapshot of the machine's disk /r/top.qcow2\n");
    expect_evidence(ALONE, alone_matches_glob, "backing-glob: matches --backing-glob 'alone*'\n");
    expect_evidence(ALONE, alone_is_in_base_folder,
                    "openstack-base: lies in a directory _base, where OpenStack keeps base images\n");
    expect_evidence(ALONE, alone_is_hidden,
                    "hidden: is marked as hidden in its footer, as XCP-ng does with what disks are based on\n");
    expect_evidence(ALONE, alone_is_called_as_proxmox_does,
                    "proxmox-template: has the name of a Proxmox template's disk, base-N-disk-N\n");
}

/* -- Sentences --------------------------------------------------------------------------------------------------- */

static void sentences_name_three_subjects_and_count_the_rest(void **state)
{
    (void)state;
    static const char *const paths[] = {"/e", "/b", "/d", "/a", "/c"};
    struct ia_doubts all = {0};
    struct ia_doubts own = {0};
    struct ia_buf out = {0};
    assert_true(ia_vec_push(&own.all, ((struct ia_candidate_doubt){IA_DOUBT_LOOP, ""})));
    for (size_t i = 0; i < COUNT(paths); i++)
        assert_true(ia_vec_push(i % 2 == 0 ? &all.all : &own.all,
                                ((struct ia_candidate_doubt){IA_DOUBT_SHARED_FILE, paths[i]})));
    ia_doubts_sort(&all);
    ia_doubts_sort(&own);
    ia_doubts_render(&out, &all, &own);
    assert_string_equal(out.data,
                        "one of its files is also used by: /a, /b, /c and 2 more; its chain comes back to itself");
    ia_buf_clear(&out);
    ia_doubts_render_codes(&out, &all, &own);
    assert_string_equal(out.data, "shared-file,loop");
    ia_buf_release(&out);
    ia_doubts_release(&all);
    ia_doubts_release(&own);
}

static void what_is_doubted_of_all_is_not_repeated(void **state)
{
    (void)state;
    struct ia_doubts all = {0};
    struct ia_doubts own = {0};
    struct ia_buf out = {0};
    assert_true(ia_vec_push(&all.all, ((struct ia_candidate_doubt){IA_DOUBT_BROKEN_REFERENCE, "/a"})));
    assert_true(ia_vec_push(&own.all, ((struct ia_candidate_doubt){IA_DOUBT_BROKEN_REFERENCE, "/a"})));
    assert_true(ia_vec_push(&own.all, ((struct ia_candidate_doubt){IA_DOUBT_BROKEN_REFERENCE, "/b"})));
    ia_doubts_subtract(&own, &all);
    ia_doubts_render(&out, &all, &own);
    assert_string_equal(out.data, "a reference that could not be followed, or not for certain, may mean it: /a, /b");
    ia_buf_release(&out);
    ia_doubts_release(&all);
    ia_doubts_release(&own);
}

static void codes_differ_and_concern_candidates_or_deeds(void **state)
{
    (void)state;
    for (size_t i = 1; i < IA_DOUBT_COUNT; i++) {
        assert_true(ia_doubt_kinds[i].code[0] != '\0' && ia_doubt_kinds[i].sentence[0] != '\0');
        assert_int_equal(ia_doubt_kinds[i].concerns != 0, i < IA_DOUBT_OWN_CHAIN_BROKEN);
        for (size_t other = i + 1; other < IA_DOUBT_COUNT; other++)
            assert_string_not_equal(ia_doubt_kinds[i].code, ia_doubt_kinds[other].code);
    }
}

/* -- Deeds ------------------------------------------------------------------------------------------------------- */

CHANGE(delete_left, assert_true(ia_graph_delete(g, LEFT)))
CHANGE(delete_left_of_a_base_that_went_back, i[BASE].named_mtime_ns = 9; delete_left(g);
       assert_true(ia_graph_settle(g)))
CHANGE(delete_both, assert_true(ia_graph_delete(g, LEFT)); assert_true(ia_graph_delete(g, RIGHT));
       assert_true(ia_graph_delete(g, TOP)))
CHANGE(delete_what_states_a_format, i[BASE].format_stated = true; delete_both(g); assert_true(ia_graph_settle(g)))
CHANGE(delete_one_that_states_a_format, i[BASE].format_stated = true; delete_left(g); assert_true(ia_graph_settle(g)))
CHANGE(delete_one_of_two_that_differ, i[RIGHT].backing_format = "raw"; delete_left(g); assert_true(ia_graph_settle(g)))
CHANGE(delete_another_when_two_differ, i[RIGHT].backing_format = "raw"; assert_true(ia_graph_delete(g, TOP));
       assert_true(ia_graph_settle(g)))
CHANGE(drop_a_name, add_name(g, BASE, "/r/again.qcow2"); assert_true(ia_graph_drop_name(g, BASE, "/r/base.qcow2")))
CHANGE(drop_another_name, add_name(g, BASE, "/r/again.qcow2");
       assert_true(ia_graph_drop_name(g, BASE, "/r/again.qcow2")))
CHANGE(flatten_one_that_was_on_another, WAS_ON(TOP, ORPHAN); assert_true(ia_graph_flatten(g, TOP)))
CHANGE(flatten_what_was_never_on_it, WAS_ON(ALONE, ORPHAN); assert_true(ia_graph_flatten(g, TOP)))
CHANGE(delete_base, assert_true(ia_graph_delete(g, BASE)))
CHANGE(delete_base_that_is_raw, i[LEFT].backing_format = i[RIGHT].backing_format = "raw";
       assert_true(ia_graph_delete(g, BASE)))
CHANGE(flatten_both, assert_true(ia_graph_flatten(g, LEFT)); assert_true(ia_graph_flatten(g, RIGHT)))
CHANGE(flatten_one_that_expects_a_parent, sought_orphan(g); assert_true(ia_graph_flatten(g, ALONE)))
CHANGE(write_base_and_flatten_both, assert_true(ia_graph_write(g, BASE)); flatten_both(g))
CHANGE(flatten_one_with_a_part, PART(TOP, IMAGES, "/r/data.raw"); assert_true(ia_graph_flatten(g, TOP)))
CHANGE(flatten_one_with_an_image_as_its_part, PART(TOP, ALONE, "/r/alone.qcow2"); assert_true(ia_graph_flatten(g, TOP)))
CHANGE(flatten_one_with_the_part_of_one_that_is_gone, i[ALONE].is_gone = true; flatten_one_with_an_image_as_its_part(g))

CHANGE(write_base_and_keep_the_older_overlay, g->files.items[BASE].mtime_ns = 7; g->files.items[RIGHT].mtime_ns = 8;
       i[BASE].named_mtime_ns = 7; assert_true(ia_graph_delete(g, RIGHT)); assert_true(ia_graph_settle(g));
       assert_true(ia_graph_delete(g, LEFT)); assert_true(ia_graph_settle(g)))
CHANGE(delete_overlays_one_by_one, assert_true(ia_graph_delete(g, RIGHT)); assert_true(ia_graph_settle(g));
       assert_true(ia_graph_delete(g, LEFT)); assert_true(ia_graph_delete(g, TOP)); assert_true(ia_graph_settle(g)))
CHANGE(commit_into_one_without, assert_true(ia_graph_write(g, RIGHT)); assert_true(ia_graph_commit_into(g, BASE));
       assert_true(ia_graph_settle(g)))
CHANGE(commit_into_one_known_by_identity, i[LEFT].expects = "u"; commit_into_one_without(g))
CHANGE(get_a_status_by_the_deed, as_old_as_min_age(g); delete_both(g); assert_true(ia_graph_settle(g)))
CHANGE(keep_a_status_over_the_deed, as_old_as_min_age(g); delete_left(g); assert_true(ia_graph_settle(g)))
CHANGE(write_to_base_alone, assert_true(ia_graph_write(g, BASE)); assert_true(ia_graph_settle(g)))
CHANGE(overlay_loses_a_name, add_name(g, LEFT, "/s/left.qcow2");
       assert_true(ia_graph_drop_name(g, LEFT, "/r/left.qcow2")))

CHANGE(delete_one_in_a_description, refer(g, ALONE, IA_NAME_NESTED, IA_GRAPH_FOLLOWED, "t", "/r/top.qcow2", TOP);
       assert_true(ia_graph_delete(g, TOP)))
CHANGE(flatten_one_with_a_description, orphan_in_description(g); assert_true(ia_graph_flatten(g, ALONE)))
CHANGE(flatten_one_with_two_descriptions,
       refer(g, ALONE, IA_NAME_DATA_FILE, IA_GRAPH_OTHER, "json:", "", IA_GRAPH_NONE);
       flatten_one_with_a_description(g))
CHANGE(asker_loses_a_name, add_name(g, ALONE, "/s/alone.qcow2"); remote_other(g);
       g->references.len--; /* of its backing file */
       assert_true(ia_graph_drop_name(g, ALONE, "/r/alone.qcow2")))

CHANGE(delete_what_a_packed_image_names, packed_names_base(g); delete_base_that_is_raw(g))
CHANGE(delete_another_that_is_called_as_a_packed_one_names,
       PACKED("/r/x.gz", "", IA_GRAPH_FOLLOWED, "../s/orphan.qcow2", "/s/orphan.qcow2", ALONE);
       assert_true(ia_graph_delete(g, ALONE)))
CHANGE(drop_the_name_that_a_packed_image_has, add_name(g, ORPHAN, "/s/second.qcow2");
       PACKED("/r/x.gz", "", IA_GRAPH_FOLLOWED, "/s/second.qcow2", "/s/second.qcow2", ORPHAN);
       assert_true(ia_graph_drop_name(g, ORPHAN, "/s/second.qcow2")))
CHANGE(drop_a_name_that_no_packed_image_has, add_name(g, ORPHAN, "/s/second.qcow2"); packed_names_orphan(g);
       assert_true(ia_graph_drop_name(g, ORPHAN, "/s/second.qcow2")))

CHANGE(drop_the_name_of_what_a_packed_image_was_made_on, add_name(g, ORPHAN, "/s/second.qcow2");
       PACKED_BASE("/r/x.gz", IA_GRAPH_FOLLOWED, "/s/second.qcow2", "/s/second.qcow2", ORPHAN);
       assert_true(ia_graph_drop_name(g, ORPHAN, "/s/second.qcow2")))
CHANGE(drop_the_name_of_what_a_packed_image_had_led_to, add_name(g, ORPHAN, "/s/second.qcow2");
       PACKED("/r/x.gz", "", IA_GRAPH_MISSING, "o", "/r/o", IA_GRAPH_NONE);
       PACKED_BASE("/r/x.gz", IA_GRAPH_EARLIER, "o", "/s/second.qcow2", ORPHAN);
       assert_true(ia_graph_drop_name(g, ORPHAN, "/s/second.qcow2")))
CHANGE(drop_a_name_that_a_packed_image_may_mean, add_name(g, ORPHAN, "/s/second.qcow2");
       PACKED("/r/x.gz", "", IA_GRAPH_MISSING, "second.qcow2", "/r/second.qcow2", IA_GRAPH_NONE);
       assert_true(ia_graph_drop_name(g, ORPHAN, "/s/second.qcow2")))
CHANGE(drop_a_name_that_no_packed_image_may_mean, add_name(g, ORPHAN, "/s/second.qcow2");
       PACKED("/r/x.gz", "", IA_GRAPH_MISSING, "third.qcow2", "/r/third.qcow2", IA_GRAPH_NONE);
       assert_true(ia_graph_drop_name(g, ORPHAN, "/s/second.qcow2")))
CHANGE(delete_what_a_packed_image_was_made_on, PACKED_BASE("/r/x.gz", IA_GRAPH_FOLLOWED, "o", "/r/alone.qcow2", ALONE);
       FORMER(ORPHAN, "/r/alone.qcow2"); assert_true(ia_graph_delete(g, ALONE)))
CHANGE(delete_what_a_packed_image_had_led_to, PACKED_BASE("/r/x.gz", IA_GRAPH_EARLIER, "o", "/r/orphan.qcow2", ALONE);
       assert_true(ia_graph_delete(g, ALONE)))

/* The file after those of the images. */
CHANGE(delete_one_with_a_part, PART(ALONE, IMAGES, "/r/data.raw"); add_name(g, IMAGES, "/r/data.raw");
       assert_true(ia_graph_delete(g, ALONE)))
CHANGE(delete_one_with_a_part_of_two_names, add_name(g, IMAGES, "/r/more.raw"); delete_one_with_a_part(g))
CHANGE(delete_one_with_a_part_that_another_has, PART(TOP, IMAGES, "/r/data.raw");
       delete_one_with_a_part_of_two_names(g))

static const struct rule deeds[] = {
    {"an overlay is deleted: the base is still named", delete_left, ORPHAN_PROVEN BASE_PROVEN},
    {"an overlay is deleted, and the base is older than it was", delete_left_of_a_base_that_went_back,
     ORPHAN_PROVEN BASE_BUT("written-since []")},
    {"all are deleted that named it", delete_both, ORPHAN_PROVEN "base.qcow2 unreferenced:\n"},
    {"all are deleted that stated a format: the content decides", delete_what_states_a_format,
     ORPHAN_BUT("unread [/r/base.qcow2]") "base.qcow2 unreferenced: unread [/r/base.qcow2]\n"},
    {"one is deleted of two that state a format", delete_one_that_states_a_format, ORPHAN_PROVEN BASE_PROVEN},
    {"one is deleted, and another states another format", delete_one_of_two_that_differ,
     ORPHAN_BUT("unread [/r/base.qcow2]") BASE_BUT("unread [/r/base.qcow2]")},
    {"two state different formats, and a third is deleted", delete_another_when_two_differ, ORPHAN_PROVEN BASE_PROVEN},
    {"an image is deleted with its data file", delete_one_with_a_part, ORPHAN_PROVEN BASE_PROVEN},
    {"the data file has another name: what stays may be an image", delete_one_with_a_part_of_two_names,
     ORPHAN_BUT("unread [/r/more.raw]") BASE_BUT("unread [/r/more.raw]")},
    {"it stays another image's", delete_one_with_a_part_that_another_has, ORPHAN_PROVEN BASE_PROVEN},
    {"it loses the name by which it was named", drop_a_name,
     ORPHAN_PROVEN "again.qcow2 unreferenced: broken-reference [/r/left.qcow2] broken-reference [/r/right.qcow2]\n"},
    {"it loses a name by which nothing named it", drop_another_name, ORPHAN_PROVEN BASE_PROVEN},
    {"what a packed image names is deleted", delete_what_a_packed_image_names, ORPHAN_PROVEN},
    {"what a packed image names is deleted, and another has its name",
     delete_another_that_is_called_as_a_packed_one_names, ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"the name goes by which a packed image named it", drop_the_name_that_a_packed_image_has,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a name goes of what a packed image was made on", drop_the_name_of_what_a_packed_image_was_made_on,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a name goes of what a packed image had led to", drop_the_name_of_what_a_packed_image_had_led_to,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a name goes that a packed image may mean", drop_a_name_that_a_packed_image_may_mean,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"a name goes that no packed image may mean", drop_a_name_that_no_packed_image_may_mean, ORPHAN_PROVEN BASE_PROVEN},
    {"what a packed image was made on is deleted, and another had its name", delete_what_a_packed_image_was_made_on,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"what a packed image had led to is deleted", delete_what_a_packed_image_had_led_to, ORPHAN_PROVEN BASE_PROVEN},
    {"a name goes by which no packed image named it", drop_a_name_that_no_packed_image_has,
     ORPHAN_BUT("packed-reference [/r/x.gz]") BASE_PROVEN},
    {"an image is flattened that was used on it for a while", flatten_one_that_was_on_another,
     ORPHAN_PROVEN BASE_PROVEN},
    {"another image was", flatten_what_was_never_on_it, ORPHAN_BUT("exchanged [/r/alone.qcow2]") BASE_PROVEN},
    {"a base is deleted: what named it may mean no older file of another name", delete_base, ORPHAN_PROVEN},
    {"a raw base is deleted: it hid nothing, and no qcow2 is meant", delete_base_that_is_raw, ORPHAN_PROVEN},
    {"it was written to after the overlay that is left", write_base_and_keep_the_older_overlay,
     ORPHAN_PROVEN "base.qcow2 unreferenced: broken-reference [/r/top.qcow2] written-since []\n"},
    {"its overlays go one by one", delete_overlays_one_by_one, ORPHAN_PROVEN "base.qcow2 unreferenced:\n"},
    {"a commit into an image of which an overlay holds an identity", commit_into_one_known_by_identity,
     ORPHAN_BUT("broken-reference [/r/left.qcow2]")
         BASE_BUT("broken-reference [/r/left.qcow2] chain-broken [/r/left.qcow2 (parent-mismatch)]")},
    {"none of its overlays holds one", commit_into_one_without, ORPHAN_PROVEN BASE_PROVEN},
    {"a base is written to under its overlays", write_to_base_alone, ORPHAN_PROVEN BASE_BUT("written-since []")},
    {"a status that it has by the deed alone", get_a_status_by_the_deed,
     ORPHAN_PROVEN "base.qcow2 unreferenced: recent [unreferenced (the status)]\n"},
    {"a status that it had before the deed", keep_a_status_over_the_deed, ORPHAN_PROVEN BASE_PROVEN},
    {"an overlay with a relative backing name loses one of its names", overlay_loses_a_name,
     ORPHAN_BUT("broken-reference [/s/left.qcow2]")
         BASE_BUT("broken-reference [/s/left.qcow2] chain-broken [/s/left.qcow2 (backing-missing)]")},
    {"an image is deleted that a description names", delete_one_in_a_description, ORPHAN_PROVEN BASE_PROVEN},
    {"an image is flattened whose backing file's description named it", flatten_one_with_a_description,
     ORPHAN_PROVEN BASE_PROVEN},
    {"the same where the data file's description may name it", flatten_one_with_two_descriptions, BASE_PROVEN},
    {"an image that asks another machine loses a name", asker_loses_a_name, ORPHAN_PROVEN BASE_PROVEN},
    {"an image is flattened that looked for its parent by identity", flatten_one_that_expects_a_parent,
     ORPHAN_PROVEN BASE_PROVEN},
    {"its overlays are flattened", flatten_both, ORPHAN_PROVEN "base.qcow2 unreferenced:\n"},
    {"an image with a data file is flattened", flatten_one_with_a_part, ORPHAN_PROVEN BASE_PROVEN},
    {"its data file is another image, which is destroyed", flatten_one_with_an_image_as_its_part,
     ORPHAN_BUT("unread [/r/alone.qcow2]") BASE_BUT("unread [/r/alone.qcow2]")},
    {"its data file was another image, which is gone", flatten_one_with_the_part_of_one_that_is_gone,
     ORPHAN_PROVEN BASE_PROVEN},
    {"it is written to before", write_base_and_flatten_both,
     ORPHAN_PROVEN "base.qcow2 unreferenced: written-since []\n"},
};

#define DEEDS (sizeof(deeds) / sizeof(deeds[0]))

int main(void)
{
    struct CMUnitTest tests[RULES + DEEDS + 4];
    size_t count = 0;
    for (size_t i = 0; i < RULES; i++)
        tests[count++] = (struct CMUnitTest){rules[i].name, judgement_is_the_one_that_the_rule_expects, NULL, NULL,
                                             (void *)&rules[i]};
    for (size_t i = 0; i < DEEDS; i++)
        tests[count++] = (struct CMUnitTest){deeds[i].name, judgement_is_the_one_that_the_rule_expects, NULL, NULL,
                                             (void *)&deeds[i]};
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(evidence_is_listed_with_its_subject);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(sentences_name_three_subjects_and_count_the_rest);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(what_is_doubted_of_all_is_not_repeated);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(codes_differ_and_concern_candidates_or_deeds);
    return _cmocka_run_group_tests("judge", tests, count, NULL, NULL);
}
