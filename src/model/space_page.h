/* SPDX-License-Identifier: MIT */
/* A page of the account of host space: the uses of 4096 units, as runs of two bytes each. Private to src/model. */
#ifndef IA_MODEL_SPACE_PAGE_H
#define IA_MODEL_SPACE_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/space_use.h"

#define IA_SPACE_PAGE_BITS 12
#define IA_SPACE_PAGE_UNITS (UINT32_C(1) << IA_SPACE_PAGE_BITS)

/* Runs in ascending order, the first from unit 0 on, each up to the next one; neighbours differ. A run is its first
 * unit, then in the four low bits its use. */
struct ia_space_page {
    uint16_t len, room;
    uint16_t runs[];
};

/* All of one use. NULL when memory is short. */
struct ia_space_page *ia_space_page_new(enum ia_space_use use);

/* What the page takes of the heap, bytes. */
int64_t ia_space_page_memory(const struct ia_space_page *page);

/* Units [from, to) have at least this use; from < to <= IA_SPACE_PAGE_UNITS. *page may move. Adds the runs that it
 * looked at to *steps, and the uses that they had to the set *had. False when memory is short: nothing changed then. */
bool ia_space_page_account(struct ia_space_page **page, uint32_t from, uint32_t to, enum ia_space_use use,
                           int64_t *steps, unsigned *had);

/* The whole page is of one use. */
bool ia_space_page_is_uniform(const struct ia_space_page *page, enum ia_space_use *use);

/* The use of a unit, and the unit behind the run that it lies in. */
enum ia_space_use ia_space_page_at(const struct ia_space_page *page, uint32_t unit, uint32_t *until);

#endif
