/* SPDX-License-Identifier: MIT */
/* One sweep over all runs in the order of their addresses. Between two places where a run begins or ends, two things
 * are of interest about the files that have a run there: which is the first, and are they more than one. Both are kept
 * up to date, so that a step costs the same for two files and for ten thousand. */
#include "analysis/host_sharing.h"

#include <stdlib.h>

#include "base/heap.h"

bool ia_shared_run_stretch(struct ia_shared_run *run)
{
    enum { STRETCH = 4096 };
    static const uint64_t ENCODED = UINT64_C(1) << 61;
    if (run->physical > (INT64_MAX - run->length) / STRETCH)
        return false;
    run->volume ^= ENCODED;
    run->physical *= STRETCH;
    return true;
}

struct sweep {
    struct ia_host_account *accounts;
    uint32_t *places;     /* of each file: its runs that are open */
    size_t open_files;    /* files with an open run */
    struct ia_heap ends;  /* of the open runs */
    struct ia_heap files; /* with open runs; those without any more are taken out when they come to the top */
    int64_t pos;
};

/* The first of the files with an open run, of which there is one. */
static uint32_t first_open(struct sweep *sweep)
{
    while (sweep->places[ia_heap_top(&sweep->files)->index] == 0)
        ia_heap_pop(&sweep->files);
    return (uint32_t)ia_heap_top(&sweep->files)->index;
}

static void advance(struct sweep *sweep, int64_t to)
{
    if (sweep->open_files > 0 && to > sweep->pos) {
        uint32_t first = first_open(sweep);
        struct ia_host_account *account = &sweep->accounts[first];
        account->counted += to - sweep->pos;
        if (sweep->open_files == 1)
            account->unmatched += (to - sweep->pos) * sweep->places[first];
    }
    sweep->pos = to;
}

/* The runs that end at `limit` or before it. */
static void close_until(struct sweep *sweep, int64_t limit)
{
    while (!ia_heap_is_empty(&sweep->ends) && ia_heap_top(&sweep->ends)->key <= limit) {
        const struct ia_heap_entry end = *ia_heap_top(&sweep->ends);
        ia_heap_pop(&sweep->ends);
        advance(sweep, end.key);
        if (--sweep->places[end.index] == 0)
            sweep->open_files--;
    }
}

/* Ends: each step goes to a smaller number, but for the root. */
static uint32_t root_of(struct ia_host_account *accounts, uint32_t file)
{
    while (accounts[file].group != file) {
        accounts[file].group = accounts[accounts[file].group].group;
        file = accounts[file].group;
    }
    return file;
}

static void join(struct ia_host_account *accounts, uint32_t a, uint32_t b)
{
    a = root_of(accounts, a);
    b = root_of(accounts, b);
    accounts[a < b ? b : a].group = a < b ? a : b;
}

static bool open_run(struct sweep *sweep, const struct ia_shared_run *run)
{
    advance(sweep, run->physical);
    sweep->accounts[run->file].bytes += run->length;
    if (sweep->open_files > 0) /* all that are open overlap here, and belong together already */
        join(sweep->accounts, run->file, first_open(sweep));
    if (!ia_heap_push(&sweep->ends, run->physical + run->length, run->file))
        return false;
    if (sweep->places[run->file]++ > 0)
        return true;
    sweep->open_files++;
    return ia_heap_push(&sweep->files, run->file, run->file);
}

static int by_address(const void *left, const void *right)
{
    const struct ia_shared_run *a = left;
    const struct ia_shared_run *b = right;
    if (a->volume != b->volume)
        return a->volume < b->volume ? -1 : 1;
    return (a->physical > b->physical) - (a->physical < b->physical);
}

enum ia_status ia_host_sharing(struct ia_shared_run *runs, size_t count, struct ia_host_account *accounts, size_t files,
                               struct ia_error *err)
{
    struct sweep sweep = {.accounts = accounts, .places = calloc(files + 1, sizeof(*sweep.places))};
    bool ok = sweep.places != NULL;
    for (size_t i = 0; i < files; i++)
        accounts[i] = (struct ia_host_account){.group = (uint32_t)i};
    if (count > 0)
        qsort(runs, count, sizeof(*runs), by_address);
    for (size_t i = 0; i < count && ok; i++) {
        bool same_volume = i > 0 && runs[i].volume == runs[i - 1].volume;
        close_until(&sweep, same_volume ? runs[i].physical : INT64_MAX);
        ok = open_run(&sweep, &runs[i]);
    }
    if (ok)
        close_until(&sweep, INT64_MAX);
    for (size_t i = 0; i < files; i++)
        accounts[i].group = root_of(accounts, (uint32_t)i);
    ia_heap_release(&sweep.ends);
    ia_heap_release(&sweep.files);
    free(sweep.places);
    return ok ? IA_OK : ia_no_memory(err);
}
