/* SPDX-License-Identifier: MIT */
/* The uses of one file's units: a tree of slots, 64 below each, whose leaves are pages. A slot whose units are all of
 * one use needs nothing below it, so that a long run costs a few slots at its ends, whatever its length. Private to
 * src/model. */
#ifndef IA_MODEL_SPACE_TREE_H
#define IA_MODEL_SPACE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/space_use.h"

/* Bytes of memory that the account of one image may take; past them it has failed. */
#define IA_SPACE_MAX_MEMORY (INT64_C(64) << 20)

/* Runs that may be looked at. A range of an honest image lies across one or two; ranges across thousands of runs,
 * over and over, are made to keep us busy. */
#define IA_SPACE_MAX_STEPS (INT64_C(1) << 31)

/* A slot of height 0 is a page; of height h, 64 slots of height h - 1. One word, as there are many and they are visited
 * in no order: in its low bits a use, above them the address of what is below it, if anything is. With nothing below,
 * all units have the use; else none has a lesser one. */
struct ia_space_slot {
    uintptr_t word;
};

/* Reaches as far as something was accounted for; what lies behind is unused. Zero-initialised is empty. */
struct ia_space_tree {
    struct ia_space_slot root;
    unsigned height;
};

/* What all trees of an image take together. Past a bound, or when memory is short, failed is set, and accounting ends.
 */
struct ia_space_cost {
    bool failed;
    int64_t memory; /* bytes of nodes and pages */
    int64_t steps;  /* runs that were looked at */
};

void ia_space_tree_release(struct ia_space_tree *tree);

/* Units [from, to) have at least this use; 0 <= from < to <= 2^54. Returns the set of uses that they had before: of a
 * slot that has no lesser use than this one, and was not looked into, the least that it may have. */
unsigned ia_space_tree_account(struct ia_space_tree *tree, struct ia_space_cost *cost, int64_t from, int64_t to,
                               enum ia_space_use use);

/* The use of one unit, and the unit up to which it holds; behind it, the same use may go on. INT64_MAX: for ever. */
enum ia_space_use ia_space_tree_at(const struct ia_space_tree *tree, int64_t unit, int64_t *until);

/* How many units have a use, as far as the tree reaches. */
int64_t ia_space_tree_units(const struct ia_space_tree *tree, enum ia_space_use use);

#endif
