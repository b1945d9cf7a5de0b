/* SPDX-License-Identifier: MIT */
/* Runs of uses in one page. */
#include "model/space_page.h"

#include <stdlib.h>
#include <string.h>

enum { USE_BITS = 4, USE_MASK = (1 << USE_BITS) - 1, CHUNK = 16, CHUNK_HEAD = 8 };

static uint32_t run_start(uint16_t run)
{
    return (uint32_t)run >> USE_BITS;
}

static enum ia_space_use run_use(uint16_t run)
{
    return (enum ia_space_use)(run & USE_MASK);
}

static uint16_t make_run(uint32_t start, enum ia_space_use use)
{
    return (uint16_t)(start << USE_BITS | (uint32_t)use);
}

/* The heap hands out chunks of a multiple of 16 bytes, with a head of 8: there are hundreds of thousands of pages, so
 * that none of it is left unused. */
static size_t chunk_for(size_t runs)
{
    size_t bytes = CHUNK_HEAD + sizeof(struct ia_space_page) + runs * sizeof(uint16_t);
    return (bytes + CHUNK - 1) / CHUNK * CHUNK;
}

static uint16_t room_of(size_t chunk)
{
    return (uint16_t)((chunk - CHUNK_HEAD - sizeof(struct ia_space_page)) / sizeof(uint16_t));
}

struct ia_space_page *ia_space_page_new(enum ia_space_use use)
{
    size_t chunk = chunk_for(3); /* what the first range makes of it, at most */
    struct ia_space_page *page = malloc(chunk - CHUNK_HEAD);
    if (page == NULL)
        return NULL;
    page->len = 1;
    page->room = room_of(chunk);
    page->runs[0] = make_run(0, use);
    return page;
}

int64_t ia_space_page_memory(const struct ia_space_page *page)
{
    return (int64_t)chunk_for(page->room);
}

static bool make_room(struct ia_space_page **page, size_t need)
{
    if (need <= (*page)->room)
        return true;
    size_t chunk = chunk_for((size_t)(*page)->room + (*page)->room / 2);
    size_t least = chunk_for(need);
    if (chunk < least)
        chunk = least;
    struct ia_space_page *moved = realloc(*page, chunk - CHUNK_HEAD);
    if (moved == NULL)
        return false;
    moved->room = room_of(chunk);
    *page = moved;
    return true;
}

/* The number of the run that a unit lies in. */
static size_t find(const struct ia_space_page *page, uint32_t unit)
{
    size_t low = 0;
    size_t high = page->len;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (run_start(page->runs[middle]) <= unit)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static uint32_t run_end(const struct ia_space_page *page, size_t number)
{
    return number + 1 < page->len ? run_start(page->runs[number + 1]) : IA_SPACE_PAGE_UNITS;
}

/* New runs in the place of some old ones. */
struct pieces {
    size_t len;
    int last; /* use of the run before the next piece; -1: there is none */
    uint16_t runs[IA_SPACE_PAGE_UNITS + 2];
};

static void add_piece(struct pieces *pieces, uint32_t start, uint32_t end, enum ia_space_use use)
{
    if (start >= end || pieces->last == (int)use)
        return;
    pieces->runs[pieces->len++] = make_run(start, use);
    pieces->last = (int)use;
}

static enum ia_space_use greater(enum ia_space_use a, enum ia_space_use b)
{
    return a > b ? a : b;
}

/* Runs first..last take in [from, to): cut there, each with the greater of its use and this one in between. Returns
 * the uses that they had. */
static unsigned divide(struct pieces *pieces, const struct ia_space_page *page, size_t first, size_t last,
                       uint32_t from, uint32_t to, enum ia_space_use use)
{
    unsigned had = 0;
    for (size_t i = first; i <= last; i++) {
        enum ia_space_use own = run_use(page->runs[i]);
        uint32_t start = run_start(page->runs[i]);
        uint32_t end = run_end(page, i);
        uint32_t inner_start = start < from ? from : start;
        uint32_t inner_end = end > to ? to : end;
        add_piece(pieces, start, inner_start, own);
        add_piece(pieces, inner_start, inner_end, greater(own, use));
        add_piece(pieces, inner_end, end, own);
        had |= IA_SPACE_BIT(own);
    }
    return had;
}

bool ia_space_page_account(struct ia_space_page **page, uint32_t from, uint32_t to, enum ia_space_use use,
                           int64_t *steps, unsigned *had)
{
    size_t first = find(*page, from);
    size_t after = first;
    while (after < (*page)->len && run_start((*page)->runs[after]) < to)
        after++;
    *steps += (int64_t)(after - first);
    struct pieces pieces;
    pieces.len = 0;
    pieces.last = first > 0 ? (int)run_use((*page)->runs[first - 1]) : -1;
    *had |= divide(&pieces, *page, first, after - 1, from, to, use);
    if (after < (*page)->len && (int)run_use((*page)->runs[after]) == pieces.last)
        after++;
    size_t tail = (*page)->len - after;
    if (!make_room(page, first + pieces.len + tail))
        return false;
    uint16_t *runs = (*page)->runs;
    memmove(runs + first + pieces.len, runs + after, tail * sizeof(*runs));
    memcpy(runs + first, pieces.runs, pieces.len * sizeof(*runs));
    (*page)->len = (uint16_t)(first + pieces.len + tail);
    return true;
}

bool ia_space_page_is_uniform(const struct ia_space_page *page, enum ia_space_use *use)
{
    *use = run_use(page->runs[0]);
    return page->len == 1;
}

enum ia_space_use ia_space_page_at(const struct ia_space_page *page, uint32_t unit, uint32_t *until)
{
    size_t number = find(page, unit);
    *until = run_end(page, number);
    return run_use(page->runs[number]);
}
