/* SPDX-License-Identifier: MIT */
/* The coordinator of a scan: its four rooms, one after the other. */
#include "scan/scan.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "scan/catalog/volumes.h"
#include "scan/guard.h"
#include "scan/publish/publish.h"

/* A file of the catalog, with what the other rooms have of it. */
struct entry {
    struct ia_file file;
    struct ia_read read;
    struct ia_node node;
};

/* Entries lie in blocks, which stay where they are: one by one, they would cost the thread of the walk a system call
 * for each page. */
#define BLOCK_ENTRIES 512

struct scan {
    struct ia_writer *writer;
    struct ia_catalog catalog;
    struct ia_reading reading;
    struct ia_links links;
    struct ia_publish publish;
    IA_VEC(struct entry *) blocks; /* of BLOCK_ENTRIES each */
    size_t entries;
};

static struct entry *next_entry(struct scan *scan)
{
    if (scan->entries == scan->blocks.len * BLOCK_ENTRIES) {
        struct entry *block = calloc(BLOCK_ENTRIES, sizeof(*block));
        if (block == NULL || !ia_vec_push(&scan->blocks, block)) {
            free(block);
            return NULL;
        }
    }
    size_t place = scan->entries++ % BLOCK_ENTRIES;
    return &scan->blocks.items[scan->blocks.len - 1][place];
}

static struct ia_file *make_file(void *ctx)
{
    struct entry *entry = next_entry(ctx);
    if (entry == NULL)
        return NULL;
    entry->file.read = &entry->read;
    entry->file.node = &entry->node;
    entry->file.parsed = &ia_parsed_nothing;
    entry->read.lock = IA_LOCK_UNKNOWN;
    ia_node_init(&entry->node);
    return &entry->file;
}

static void release_file(struct ia_file *file)
{
    ia_node_release(file->node);
    ia_read_release(file->read);
    ia_file_release(file);
}

static enum ia_status allow(struct scan *scan, const char *const *paths, size_t count, struct ia_error *err)
{
    for (size_t i = 0; i < count; i++)
        IA_TRY(ia_confine_add(&scan->catalog.confine, paths[i], err));
    return IA_OK;
}

static enum ia_status set_up(struct scan *scan, const struct ia_scan_options *options, struct ia_error *err)
{
    IA_TRY(allow(scan, options->roots, options->root_count, err));
    IA_TRY(allow(scan, options->allow, options->allow_count, err));
    IA_TRY(ia_own_host_load("/etc/hosts", &scan->links.host, err));
    IA_TRY(ia_links_find_inventories(&scan->links, err));
    IA_TRY(ia_reading_start(&scan->reading, err)); /* before the store is open */
    IA_TRY(ia_writer_begin(options->db, &scan->writer, err));
    scan->catalog.writer = scan->reading.writer = scan->publish.writer = scan->writer;
    IA_TRY(ia_links_load_templates(&scan->links, err));
    return ia_guard_coordinator(options, &scan->catalog.confine, &scan->links, &scan->links.aside, err);
}

struct walk_job {
    struct ia_catalog *catalog;
    enum ia_status status;
    struct ia_error err;
};

static void *walk(void *arg)
{
    struct walk_job *job = arg;
    job->status = ia_catalog_walk(job->catalog, &job->err);
    return NULL;
}

/* What is there, and what was there: the walk has the catalog's files, the other side its previous ones. */
static enum ia_status walk_and_load(struct ia_catalog *catalog, struct ia_error *err)
{
    struct walk_job job = {.catalog = catalog};
    pthread_t thread;
    bool beside = pthread_create(&thread, NULL, walk, &job) == 0;
    enum ia_status status = ia_catalog_load(catalog, err);
    if (beside)
        pthread_join(thread, NULL);
    else
        walk(&job);
    if (status == IA_OK && job.status != IA_OK)
        status = ia_fail(err, job.status, "%s", job.err.message);
    return status;
}

/* Until the directories hold still, twice at most: those that change once more are reported. */
static enum ia_status look_again(struct scan *scan, struct ia_error *err)
{
    bool any = false;
    for (int looks = 0; looks < 2; looks++) {
        IA_TRY(ia_catalog_look_again(&scan->catalog, &any, err));
        if (!any)
            return IA_OK;
        IA_TRY(ia_links_start_over(&scan->links, err));
        IA_TRY(ia_reading_read_former(&scan->reading, err));
    }
    ia_catalog_report_changing(&scan->catalog);
    return IA_OK;
}

static enum ia_status run(struct scan *scan, const struct ia_scan_options *options, struct ia_error *err)
{
    IA_TRY(set_up(scan, options, err));
    IA_TRY(walk_and_load(&scan->catalog, err));
    IA_TRY(ia_catalog_add_allowed(&scan->catalog, err));
    IA_TRY(ia_catalog_match(&scan->catalog, err));
    IA_TRY(ia_catalog_keep_hidden(&scan->catalog, err));
    IA_TRY(ia_catalog_find_absent(&scan->catalog, err));
    IA_TRY(ia_catalog_keep_unmounted(&scan->catalog, err));
    IA_TRY(ia_catalog_keep_linked(&scan->catalog, err));
    IA_TRY(ia_reading_read_new(&scan->reading, err));
    IA_TRY(ia_reading_read_former(&scan->reading, err));
    IA_TRY(ia_catalog_keep_unreadable(&scan->catalog, err));
    ia_catalog_keep_packed(&scan->catalog);
    IA_TRY(ia_links_read_inventories(&scan->links, err));
    IA_TRY(ia_links_resolve_claims(&scan->links, err));
    IA_TRY(ia_links_follow(&scan->links, err));
    IA_TRY(look_again(scan, err));
    IA_TRY(ia_links_settle_claims(&scan->links, err));
    IA_TRY(ia_catalog_judge_vhds(&scan->catalog, err));
    IA_TRY(ia_links_resolve_packed(&scan->links, err));
    IA_TRY(ia_links_find_packed_bases(&scan->links, err));
    IA_TRY(ia_links_check_chains(&scan->links, err));
    IA_TRY(ia_links_judge(&scan->links, err));
    IA_TRY(ia_links_report_claims(&scan->links, err));
    ia_catalog_find_lost(&scan->catalog);
    IA_TRY(ia_links_compare(&scan->links, err));
    IA_TRY(ia_links_find_past_names(&scan->links, err));
    IA_TRY(ia_links_recheck(&scan->links, err));
    ia_catalog_mark_sole_hosts(&scan->catalog);
    IA_TRY(ia_publish_rows(&scan->publish, err));
    scan->publish.row.finished_ns = ia_clock_ns(CLOCK_REALTIME);
    return ia_publish_scan(&scan->publish, err);
}

static void release(struct scan *scan, void *volatile *rest)
{
    ia_reading_stop(&scan->reading);
    ia_aside_stop(scan->links.aside);
    ia_writer_close(scan->writer);
    struct scan *copy = rest != NULL ? malloc(sizeof(*copy)) : NULL;
    if (copy != NULL) { /* to free a million pieces takes as long as to write what they are about */
        *copy = *scan;
        *rest = copy;
        return;
    }
    ia_links_release(&scan->links);
    ia_catalog_release(&scan->catalog);
    for (size_t i = 0; i < scan->blocks.len; i++)
        free(scan->blocks.items[i]);
    ia_vec_release(&scan->blocks);
}

enum ia_status ia_scan_run(const struct ia_scan_options *options, struct ia_scan_row *row, struct ia_error *err)
{
    struct scan scan = {.catalog = {.options = options, .maker = {make_file, release_file, &scan}},
                        .reading = {.catalog = &scan.catalog},
                        .links = {.catalog = &scan.catalog, .reading = &scan.reading},
                        .publish = {.catalog = &scan.catalog,
                                    .reading = &scan.reading,
                                    .links = &scan.links,
                                    .row = {.started_ns = ia_clock_ns(CLOCK_REALTIME)}}};
    enum ia_status status = run(&scan, options, err);
    if (status == IA_OK)
        *row = scan.publish.row;
    release(&scan, options->rest);
    return status;
}
