/* SPDX-License-Identifier: MIT */
/* The coordinator of a scan. */
#include "scan/scan.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/checked.h"
#include "scan/identities.h"
#include "scan/internal.h"

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void ia_scan_tell(struct ia_scan *scan, const char *phase)
{
    if (scan->options->progress == NULL)
        return;
    const struct ia_scan_progress progress = {
        .phase = phase,
        .files_done = scan->files_done,
        .files_total = scan->files_total > 0 ? scan->files_total : scan->row.walked,
        .table_bytes = scan->row.table_bytes,
        .bytes_done = scan->bytes_done,
        .bytes_total = scan->bytes_total,
    };
    scan->options->progress(scan->options->progress_ctx, &progress);
}

static enum ia_status add_template(void *ctx, const char *glob, struct ia_error *err)
{
    struct ia_scan *scan = ctx;
    char *copy = strdup(glob);
    if (copy != NULL && ia_vec_push(&scan->templates, copy))
        return IA_OK;
    free(copy);
    return ia_fail(err, IA_NOMEM, "out of memory");
}

/* Those of the store, and those of this scan alone. */
static enum ia_status load_templates(struct ia_scan *scan, struct ia_error *err)
{
    enum ia_status status = ia_writer_load_templates(scan->writer, add_template, scan, err);
    for (size_t i = 0; i < scan->options->template_count && status == IA_OK; i++)
        status = add_template(scan, scan->options->templates[i], err);
    return status;
}

/* The workers share the process's file descriptors, and each has an image with all its files open. */
static int affordable_parts(const struct ia_scan_options *options)
{
    enum { RESERVED = 128, LEAST = 16 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return options->limits->max_parts;
    int64_t each = ((int64_t)limit.rlim_cur - RESERVED) / ia_max(options->workers, 1);
    return (int)ia_min(options->limits->max_parts, ia_max(each, LEAST));
}

static enum ia_status set_up(struct ia_scan *scan, struct ia_error *err)
{
    scan->limits = *scan->options->limits;
    scan->limits.max_parts = affordable_parts(scan->options);
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < scan->options->root_count && status == IA_OK; i++)
        status = ia_confine_add(&scan->confine, scan->options->roots[i], err);
    for (size_t i = 0; i < scan->options->allow_count && status == IA_OK; i++)
        status = ia_confine_add(&scan->confine, scan->options->allow[i], err);
    scan->env = (struct ia_parse_env){.confine = &scan->confine, .limits = &scan->limits};
    if (status == IA_OK)
        status = ia_writer_begin(scan->options->db, &scan->writer, err);
    if (status == IA_OK)
        status = load_templates(scan, err);
    if (status == IA_OK)
        status = ia_pool_start(scan->options->workers, &scan->env, &scan->pool, err);
    return status;
}

struct walk_job {
    struct ia_scan *scan;
    enum ia_status status;
    struct ia_error err;
};

static void *walk(void *arg)
{
    struct walk_job *job = arg;
    job->status = ia_scan_walk(job->scan, &job->err);
    return NULL;
}

/* What is there, and what was there: the walk has the inventory's items, the other side its previous ones. */
static enum ia_status walk_and_load(struct ia_scan *scan, struct ia_error *err)
{
    struct walk_job job = {.scan = scan};
    pthread_t thread;
    bool beside = pthread_create(&thread, NULL, walk, &job) == 0;
    enum ia_status status = ia_scan_load_previous(scan, err);
    if (beside)
        pthread_join(thread, NULL);
    else
        walk(&job);
    if (status == IA_OK && job.status != IA_OK)
        status = ia_fail(err, job.status, "%s", job.err.message);
    return status;
}

/* Reads and follows until no file needs another look. Ends: a file is read again at most once for what others say of
 * it, and the files of the allowed directories are finite. */
static enum ia_status read_and_follow(struct ia_scan *scan, struct ia_error *err)
{
    bool any = true;
    enum ia_status status = ia_scan_read_new(scan, err);
    while (status == IA_OK && any) {
        status = ia_scan_resolve(scan, err);
        if (status == IA_OK)
            status = ia_scan_read_referenced(scan, &any, err);
    }
    return status;
}

static enum ia_status publish(struct ia_scan *scan, struct ia_error *err)
{
    scan->row.scan_id = ia_writer_scan_id(scan->writer);
    scan->row.errors = ia_findings_incomplete(&scan->findings);
    scan->row.finished_ns = now_ns();
    enum ia_status status = ia_writer_put_scan(scan->writer, &scan->row, err);
    if (status == IA_OK)
        status = ia_scan_put_options(scan, err);
    if (status == IA_OK)
        status = ia_writer_keep_history(scan->writer, scan->options->keep, err);
    if (status == IA_OK)
        status = ia_writer_commit(scan->writer, err);
    return status;
}

static enum ia_status run(struct ia_scan *scan, struct ia_error *err)
{
    enum ia_status status = set_up(scan, err);
    if (status == IA_OK)
        status = walk_and_load(scan, err);
    if (status == IA_OK)
        status = ia_scan_add_allowed(scan, err);
    if (status == IA_OK)
        status = ia_scan_match_previous(scan, err);
    if (status == IA_OK)
        status = read_and_follow(scan, err);
    if (status == IA_OK)
        status = ia_scan_check_chains(scan, err);
    if (status == IA_OK)
        status = ia_scan_judge(scan, err);
    if (status == IA_OK)
        status = ia_scan_look(scan, err);
    if (status == IA_OK)
        status = ia_scan_find_absent(scan, err);
    if (status == IA_OK)
        status = ia_scan_record(scan, err);
    return status == IA_OK ? publish(scan, err) : status;
}

static void release(struct ia_scan *scan)
{
    ia_pool_stop(scan->pool);
    ia_writer_close(scan->writer);
    ia_inventory_release(&scan->inventory);
    ia_identities_release(&scan->identities);
    for (size_t i = 0; i < scan->templates.len; i++)
        free(scan->templates.items[i]);
    ia_vec_release(&scan->templates);
    ia_findings_release(&scan->findings);
    ia_confine_release(&scan->confine);
    for (size_t i = 0; i < scan->aliases.len; i++) {
        free(scan->aliases.items[i].name);
        free(scan->aliases.items[i].path);
    }
    for (size_t i = 0; i < scan->symlinks.len; i++)
        free(scan->symlinks.items[i]);
    for (size_t i = 0; i < scan->absent.len; i++)
        free(scan->absent.items[i].path);
    ia_vec_release(&scan->aliases);
    ia_vec_release(&scan->symlinks);
    ia_vec_release(&scan->absent);
    ia_vec_release(&scan->passed);
}

enum ia_status ia_scan_run(const struct ia_scan_options *options, struct ia_scan_row *row, struct ia_error *err)
{
    struct ia_scan scan = {.options = options, .row = {.started_ns = now_ns()}};
    enum ia_status status = run(&scan, err);
    if (status == IA_OK)
        *row = scan.row;
    release(&scan);
    return status;
}
