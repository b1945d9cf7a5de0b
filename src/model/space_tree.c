/* SPDX-License-Identifier: MIT */
/* Claims that run down a tree of slots, and looking uses up in it. */
#include "model/space_tree.h"

#include <stdlib.h>

#include "base/checked.h"
#include "model/space_page.h"

enum { FANOUT_BITS = 6, FANOUT = 1 << FANOUT_BITS };

/* Of a slot's word: the use. The heap's addresses are multiples of 16. */
enum { USE_MASK = 15 };
_Static_assert(IA_SPACE_USES <= USE_MASK + 1, "a use fits into the low bits of an address");

struct node {
    struct ia_space_slot slots[FANOUT];
};

static struct ia_space_slot make_slot(const void *below, enum ia_space_use use)
{
    return (struct ia_space_slot){.word = (uintptr_t)below | (uintptr_t)use};
}

static enum ia_space_use use_of(struct ia_space_slot slot)
{
    return (enum ia_space_use)(slot.word & USE_MASK);
}

static void *below(struct ia_space_slot slot)
{
    return (void *)(slot.word & ~(uintptr_t)USE_MASK); // NOLINT(performance-no-int-to-ptr)
}

static bool is_whole(struct ia_space_slot slot)
{
    return slot.word <= USE_MASK;
}

static unsigned span_bits(unsigned height)
{
    return IA_SPACE_PAGE_BITS + FANOUT_BITS * height;
}

/* Units that a slot covers: at most 2^54, as many as the largest file has. */
static int64_t span_of(unsigned height)
{
    return INT64_C(1) << span_bits(height);
}

/* Recursion is bounded by the height of a tree, at most 7. */
static void release(struct ia_space_slot slot, unsigned height)
{
    if (is_whole(slot))
        return;
    const struct node *node = below(slot);
    for (size_t i = 0; i < FANOUT && height > 0; i++)
        release(node->slots[i], height - 1);
    free(below(slot));
}

void ia_space_tree_release(struct ia_space_tree *tree)
{
    release(tree->root, tree->height);
    *tree = (struct ia_space_tree){0};
}

static void charge(struct ia_space_cost *cost, int64_t memory)
{
    cost->memory += memory;
    cost->failed = cost->failed || cost->memory > IA_SPACE_MAX_MEMORY;
}

static struct node *new_node(struct ia_space_cost *cost, enum ia_space_use use)
{
    struct node *node = malloc(sizeof(*node));
    if (node == NULL)
        return NULL;
    for (size_t i = 0; i < FANOUT; i++)
        node->slots[i] = make_slot(NULL, use);
    charge(cost, (int64_t)sizeof(*node));
    return node;
}

static struct ia_space_page *new_page(struct ia_space_cost *cost, enum ia_space_use use)
{
    struct ia_space_page *page = ia_space_page_new(use);
    if (page != NULL)
        charge(cost, ia_space_page_memory(page));
    return page;
}

/* The slot gets something below it, of the use that all of it had. */
static bool divide(struct ia_space_cost *cost, struct ia_space_slot *slot, unsigned height)
{
    enum ia_space_use use = use_of(*slot);
    void *made = height > 0 ? (void *)new_node(cost, use) : (void *)new_page(cost, use);
    if (made == NULL) {
        cost->failed = true;
        return false;
    }
    *slot = make_slot(made, use);
    return true;
}

static unsigned account_page(struct ia_space_cost *cost, struct ia_space_slot *slot, uint32_t from, uint32_t to,
                             enum ia_space_use use)
{
    unsigned had = 0;
    struct ia_space_page *page = below(*slot);
    int64_t before = ia_space_page_memory(page);
    bool done = ia_space_page_account(&page, from, to, use, &cost->steps, &had);
    cost->failed = cost->failed || !done || cost->steps > IA_SPACE_MAX_STEPS;
    charge(cost, ia_space_page_memory(page) - before);
    *slot = make_slot(page, use_of(*slot));
    enum ia_space_use all;
    if (ia_space_page_is_uniform(page, &all)) {
        charge(cost, -ia_space_page_memory(page));
        free(page);
        *slot = make_slot(NULL, all);
    }
    return had;
}

/* Nothing is kept below a slot whose bytes are all of one use. The last slot is compared first: a file that is
 * accounted for from its beginning to its end is not looked through again and again. */
static void join(struct ia_space_cost *cost, struct ia_space_slot *slot)
{
    struct node *node = below(*slot);
    struct ia_space_slot last = node->slots[FANOUT - 1];
    for (size_t i = FANOUT; i-- > 0;)
        if (!is_whole(last) || node->slots[i].word != last.word)
            return;
    charge(cost, -(int64_t)sizeof(*node));
    free(node);
    *slot = last;
}

static unsigned account_slot(struct ia_space_cost *cost, struct ia_space_slot *slot, unsigned height, int64_t from,
                             int64_t to, enum ia_space_use use);

static unsigned account_below(struct ia_space_cost *cost, struct ia_space_slot *slot, unsigned height, int64_t from,
                              int64_t to, enum ia_space_use use)
{
    unsigned had = 0;
    struct node *node = below(*slot);
    unsigned bits = span_bits(height - 1);
    int64_t last = (to - 1) >> bits;
    for (int64_t i = from >> bits; i <= last; i++) {
        int64_t start = i << bits;
        had |= account_slot(cost, &node->slots[i], height - 1, ia_max(from - start, 0),
                            ia_min(to - start, INT64_C(1) << bits), use);
    }
    if (is_whole(node->slots[last]))
        join(cost, slot);
    return had;
}

/* Units [from, to) of the slot. A range that takes in all of a slot either ends at the slot itself or raises its
 * use, 8 times at most: repeating ranges costs no more than what they took to write down. */
static unsigned account_slot(struct ia_space_cost *cost, struct ia_space_slot *slot, unsigned height, int64_t from,
                             int64_t to, enum ia_space_use use)
{
    unsigned had = IA_SPACE_BIT(use_of(*slot));
    if (use <= use_of(*slot) || cost->failed)
        return had;
    bool all = from == 0 && to == span_of(height);
    if (is_whole(*slot) && all) {
        *slot = make_slot(NULL, use);
        return had;
    }
    if (is_whole(*slot) && !divide(cost, slot, height))
        return had;
    if (all)
        *slot = make_slot(below(*slot), use);
    return height == 0 ? account_page(cost, slot, (uint32_t)from, (uint32_t)to, use)
                       : account_below(cost, slot, height, from, to, use);
}

/* Makes the tree reach over `units`. */
static void heighten(struct ia_space_cost *cost, struct ia_space_tree *tree, int64_t units)
{
    while (span_of(tree->height) < units) {
        if (tree->root.word != 0) {
            struct node *node = new_node(cost, IA_SPACE_UNUSED);
            if (node == NULL) {
                cost->failed = true;
                return;
            }
            node->slots[0] = tree->root;
            tree->root = make_slot(node, IA_SPACE_UNUSED);
        }
        tree->height++;
    }
}

unsigned ia_space_tree_account(struct ia_space_tree *tree, struct ia_space_cost *cost, int64_t from, int64_t to,
                               enum ia_space_use use)
{
    heighten(cost, tree, to);
    return account_slot(cost, &tree->root, tree->height, from, to, use);
}

enum ia_space_use ia_space_tree_at(const struct ia_space_tree *tree, int64_t unit, int64_t *until)
{
    struct ia_space_slot slot = tree->root;
    unsigned height = tree->height;
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

static int64_t units_of_page(const struct ia_space_page *page, enum ia_space_use use)
{
    int64_t sum = 0;
    uint32_t end;
    for (uint32_t at = 0; at < IA_SPACE_PAGE_UNITS; at = end)
        if (ia_space_page_at(page, at, &end) == use)
            sum += end - at;
    return sum;
}

static int64_t units_of(struct ia_space_slot slot, unsigned height, enum ia_space_use use)
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

int64_t ia_space_tree_units(const struct ia_space_tree *tree, enum ia_space_use use)
{
    return units_of(tree->root, tree->height, use);
}
