/* SPDX-License-Identifier: MIT */
/* The account of host space: for each file a tree of slots, 64 below each, whose leaves are pages. A slot whose bytes
 * are all of one use needs nothing below it, so that a long run costs a few slots at its ends, whatever its length. */
#include "model/space.h"

#include <stdlib.h>

#include "base/checked.h"
#include "model/space_page.h"

enum { FANOUT_BITS = 6, FANOUT = 1 << FANOUT_BITS };

/* A slot of height 0 is a page; of height h, 64 slots of height h - 1. One word, as there are many and they are met in
 * no order: in its low bits a use, above them the address of what is below it, if anything is. With nothing below, all
 * bytes have the use; else none has a lesser one. */
struct slot {
    uintptr_t word;
};

struct node {
    struct slot slots[FANOUT];
};

/* The slot reaches as far as something was claimed; what lies behind is unused. */
struct file {
    struct slot root;
    unsigned height;
    int64_t end;
};

struct ia_space {
    bool failed;
    int64_t memory; /* bytes of nodes and pages */
    int64_t steps;
    size_t count;
    struct file files[];
};

static struct slot make_slot(const void *below, enum ia_space_use use)
{
    return (struct slot){.word = (uintptr_t)below | (uintptr_t)use}; /* the heap's addresses are multiples of 16 */
}

static enum ia_space_use use_of(struct slot slot)
{
    return (enum ia_space_use)(slot.word & (IA_SPACE_USES - 1));
}

static void *below(struct slot slot)
{
    return (void *)(slot.word & ~(uintptr_t)(IA_SPACE_USES - 1)); // NOLINT(performance-no-int-to-ptr)
}

static bool is_whole(struct slot slot)
{
    return slot.word < IA_SPACE_USES;
}

static unsigned span_bits(unsigned height)
{
    return IA_SPACE_PAGE_BITS + FANOUT_BITS * height;
}

/* Units that a slot stands for: at most 2^55, of a file of at most 2^54. */
static int64_t span_of(unsigned height)
{
    return INT64_C(1) << span_bits(height);
}

struct ia_space *ia_space_new(size_t files)
{
    struct ia_space *space = calloc(1, sizeof(*space) + files * sizeof(*space->files));
    if (space != NULL)
        space->count = files;
    return space;
}

/* Recursion is bounded by the height of a tree, at most 7. */
static void release(struct slot slot, unsigned height)
{
    if (is_whole(slot))
        return;
    const struct node *node = below(slot);
    for (size_t i = 0; i < FANOUT && height > 0; i++)
        release(node->slots[i], height - 1);
    free(below(slot));
}

void ia_space_free(struct ia_space *space)
{
    if (space == NULL)
        return;
    for (size_t i = 0; i < space->count; i++)
        release(space->files[i].root, space->files[i].height);
    free(space);
}

static void charge(struct ia_space *space, int64_t memory)
{
    space->memory += memory;
    space->failed = space->failed || space->memory > IA_SPACE_MAX_MEMORY;
}

static struct node *new_node(struct ia_space *space, enum ia_space_use use)
{
    struct node *node = malloc(sizeof(*node));
    if (node == NULL)
        return NULL;
    for (size_t i = 0; i < FANOUT; i++)
        node->slots[i] = make_slot(NULL, use);
    charge(space, (int64_t)sizeof(*node));
    return node;
}

static struct ia_space_page *new_page(struct ia_space *space, enum ia_space_use use)
{
    struct ia_space_page *page = ia_space_page_new(use);
    if (page != NULL)
        charge(space, ia_space_page_memory(page));
    return page;
}

/* The slot gets something below it, of the use that all of it had. */
static bool divide(struct ia_space *space, struct slot *slot, unsigned height)
{
    enum ia_space_use use = use_of(*slot);
    void *made = height > 0 ? (void *)new_node(space, use) : (void *)new_page(space, use);
    if (made == NULL) {
        space->failed = true;
        return false;
    }
    *slot = make_slot(made, use);
    return true;
}

static void claim_page(struct ia_space *space, struct slot *slot, uint32_t from, uint32_t to, enum ia_space_use use)
{
    struct ia_space_page *page = below(*slot);
    int64_t before = ia_space_page_memory(page);
    bool done = ia_space_page_claim(&page, from, to, use, &space->steps);
    space->failed = space->failed || !done || space->steps > IA_SPACE_MAX_STEPS;
    charge(space, ia_space_page_memory(page) - before);
    *slot = make_slot(page, use_of(*slot));
    enum ia_space_use all;
    if (ia_space_page_is_uniform(page, &all)) {
        charge(space, -ia_space_page_memory(page));
        free(page);
        *slot = make_slot(NULL, all);
    }
}

/* Nothing is kept below a slot whose bytes are all of one use. The last slot is asked first: a file that is claimed
 * from its beginning to its end is not looked through again and again. */
static void join(struct ia_space *space, struct slot *slot)
{
    struct node *node = below(*slot);
    struct slot last = node->slots[FANOUT - 1];
    for (size_t i = FANOUT; i-- > 0;)
        if (!is_whole(last) || node->slots[i].word != last.word)
            return;
    charge(space, -(int64_t)sizeof(*node));
    free(node);
    *slot = last;
}

static void claim_slot(struct ia_space *space, struct slot *slot, unsigned height, int64_t from, int64_t to,
                       enum ia_space_use use);

static void claim_below(struct ia_space *space, struct slot *slot, unsigned height, int64_t from, int64_t to,
                        enum ia_space_use use)
{
    struct node *node = below(*slot);
    unsigned bits = span_bits(height - 1);
    int64_t last = (to - 1) >> bits;
    for (int64_t i = from >> bits; i <= last; i++) {
        int64_t start = i << bits;
        claim_slot(space, &node->slots[i], height - 1, ia_max(from - start, 0), ia_min(to - start, INT64_C(1) << bits),
                   use);
    }
    if (is_whole(node->slots[last]))
        join(space, slot);
}

/* Units [from, to) of the slot. A claim that takes in all of a slot is either answered by the slot itself or raises its
 * use, 7 times at most: repeating claims costs no more than what they took to write down. */
static void claim_slot(struct ia_space *space, struct slot *slot, unsigned height, int64_t from, int64_t to,
                       enum ia_space_use use)
{
    if (use <= use_of(*slot) || space->failed)
        return;
    bool all = from == 0 && to == span_of(height);
    if (is_whole(*slot) && all) {
        *slot = make_slot(NULL, use);
        return;
    }
    if (is_whole(*slot) && !divide(space, slot, height))
        return;
    if (all)
        *slot = make_slot(below(*slot), use);
    if (height == 0) {
        claim_page(space, slot, (uint32_t)from, (uint32_t)to, use);
        return;
    }
    claim_below(space, slot, height, from, to, use);
}

/* Makes the file's tree reach over `units`. */
static void heighten(struct ia_space *space, struct file *file, int64_t units)
{
    while (span_of(file->height) < units) {
        if (file->root.word != 0) {
            struct node *node = new_node(space, IA_SPACE_UNUSED);
            if (node == NULL) {
                space->failed = true;
                return;
            }
            node->slots[0] = file->root;
            file->root = make_slot(node, IA_SPACE_UNUSED);
        }
        file->height++;
    }
}

void ia_space_claim(struct ia_space *space, uint32_t file, enum ia_space_use use, int64_t start, int64_t length)
{
    if (file >= space->count)
        space->failed = true;
    if (space->failed || use == IA_SPACE_UNUSED || start < 0 || length <= 0)
        return;
    struct file *f = &space->files[file];
    int64_t end = length > INT64_MAX - start ? INT64_MAX : start + length;
    int64_t units = end / IA_SPACE_UNIT + (end % IA_SPACE_UNIT != 0);
    heighten(space, f, units);
    claim_slot(space, &f->root, f->height, start / IA_SPACE_UNIT, units, use);
    if (use != IA_SPACE_LEAKED)
        f->end = ia_max(f->end, end);
}

void ia_space_fail(struct ia_space *space)
{
    space->failed = true;
}

bool ia_space_failed(const struct ia_space *space)
{
    return space->failed;
}

int64_t ia_space_end(const struct ia_space *space, uint32_t file)
{
    return space->files[file].end;
}

/* The use of one unit, and a unit up to which it holds; behind it, the same use may go on. */
static enum ia_space_use piece_at(const struct file *file, int64_t unit, int64_t *until)
{
    struct slot slot = file->root;
    unsigned height = file->height;
    int64_t start = 0;
    if (unit >= span_of(height)) {
        *until = INT64_MAX;
        return IA_SPACE_UNUSED;
    }
    while (!is_whole(slot) && height > 0) {
        const struct node *node = below(slot);
        unsigned bits = span_bits(--height);
        int64_t number = (unit - start) >> bits;
        start += number << bits;
        slot = node->slots[number];
    }
    if (is_whole(slot)) {
        *until = start + span_of(height);
        return use_of(slot);
    }
    uint32_t end;
    enum ia_space_use use = ia_space_page_at(below(slot), (uint32_t)(unit - start), &end);
    *until = start + end;
    return use;
}

enum ia_space_use ia_space_at(const struct ia_space *space, uint32_t file, int64_t pos, int64_t *until)
{
    const struct file *f = &space->files[file];
    int64_t end;
    int64_t next;
    enum ia_space_use use = piece_at(f, pos / IA_SPACE_UNIT, &end);
    while (end != INT64_MAX && piece_at(f, end, &next) == use)
        end = next;
    *until = end > INT64_MAX / IA_SPACE_UNIT ? INT64_MAX : end * IA_SPACE_UNIT;
    return use;
}

static int64_t add_up(int64_t a, int64_t b)
{
    int64_t sum;
    return ia_add(a, b, &sum) ? sum : INT64_MAX;
}

static int64_t units_of_page(const struct ia_space_page *page, enum ia_space_use use)
{
    int64_t sum = 0;
    uint32_t end;
    for (uint32_t at = 0; at < IA_SPACE_PAGE_UNITS; at = end)
        if (ia_space_page_at(page, at, &end) == use)
            sum += end - at;
    return sum;
}

static int64_t units_of(struct slot slot, unsigned height, enum ia_space_use use)
{
    if (is_whole(slot))
        return use_of(slot) == use ? span_of(height) : 0;
    if (height == 0)
        return units_of_page(below(slot), use);
    const struct node *node = below(slot);
    int64_t sum = 0;
    for (size_t i = 0; i < FANOUT; i++)
        sum += units_of(node->slots[i], height - 1, use);
    return sum;
}

int64_t ia_space_bytes(const struct ia_space *space, enum ia_space_use use)
{
    int64_t sum = 0;
    for (size_t i = 0; i < space->count; i++) {
        int64_t bytes;
        int64_t units = units_of(space->files[i].root, space->files[i].height, use);
        sum = add_up(sum, ia_mul(units, IA_SPACE_UNIT, &bytes) ? bytes : INT64_MAX);
    }
    return sum;
}

const char *ia_space_use_name(enum ia_space_use use)
{
    static const char *const names[IA_SPACE_USES] = {
        [IA_SPACE_UNUSED] = "unused",     [IA_SPACE_LEAKED] = "leaked",     [IA_SPACE_UNALLOCATED] = "unallocated",
        [IA_SPACE_SNAPSHOT] = "snapshot", [IA_SPACE_ZERO] = "zero",         [IA_SPACE_DATA] = "data",
        [IA_SPACE_BITMAP] = "bitmap",     [IA_SPACE_METADATA] = "metadata",
    };
    return names[use];
}
