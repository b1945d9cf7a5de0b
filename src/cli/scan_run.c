/* SPDX-License-Identifier: MIT */
/* What every scan from the command line has in common. */
#include "cli/scan_run.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/checked.h"
#include "cli/sandbox_option.h"
#include "scan/scan.h"

/* Files that are read at a time: what waits for slow storage takes no processor. */
enum { LEAST_WORKERS = 8 };

/* The line of progress. */
struct line {
    struct timespec started, printed;
    bool printed_any;
};

static double seconds_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

/* One line that rewrites itself, at most ten times a second. */
static void show_progress(void *ctx, const struct ia_scan_progress *progress)
{
    struct line *line = ctx;
    if (line->printed_any && seconds_since(&line->printed) < 0.1)
        return;
    clock_gettime(CLOCK_MONOTONIC, &line->printed);
    line->printed_any = true;
    double elapsed = seconds_since(&line->started);
    double tables = (double)progress->table_bytes / (1024 * 1024);
    fprintf(stderr, "\r\033[K%s: %jd of %jd files, %.1f MiB of tables", progress->phase, (intmax_t)progress->files_done,
            (intmax_t)progress->files_total, tables);
    if (elapsed > 0.5 && progress->files_done > 0) {
        double left = elapsed * (double)(progress->files_total - progress->files_done) / (double)progress->files_done;
        fprintf(stderr, ", %.0f files/s, %.1f MiB/s, %.0f s left", (double)progress->files_done / elapsed,
                tables / elapsed, left);
    }
    fflush(stderr);
}

static void end_progress(const struct line *line)
{
    if (line->printed_any)
        fputs("\r\033[K", stderr);
}

static void note_missing(void *ctx, const char *what)
{
    (void)ctx;
    ia_cli_note_sandbox(what);
}

enum ia_status ia_cli_scan(const struct ia_scan_options *options, struct ia_scan_row *row, struct ia_error *err)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct line line = {0};
    struct ia_scan_options complete = *options;
    if (complete.workers == 0)
        complete.workers = (int)ia_max(2 * processors, LEAST_WORKERS);
    complete.limits = &ia_default_limits;
    complete.progress = isatty(STDERR_FILENO) ? show_progress : NULL;
    complete.progress_ctx = &line;
    complete.without = note_missing;
    complete.without_ctx = NULL;
    clock_gettime(CLOCK_MONOTONIC, &line.started);
    enum ia_status status = ia_scan_run(&complete, row, err);
    end_progress(&line);
    return status;
}
