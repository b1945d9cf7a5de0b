/* SPDX-License-Identifier: MIT */
/* What the bytes of an image's files are used for: the account of host space.
 *
 * Drivers and the scan account for ranges, in any order and as often as they like; where these overlap, the greater use
 * counts. What is not accounted for is unused. Kept in pages of short runs, two bytes each, so that a file costs by its
 * runs and not by its clusters: a shuffled image of 16.8 million clusters of 64 KiB stays below 64 MiB on the way. */
#ifndef IA_MODEL_SPACE_H
#define IA_MODEL_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/space_use.h"

/* The smallest piece of a file that is kept apart: ranges are widened to whole units. */
#define IA_SPACE_UNIT 512

struct ia_space;

/* For the files 0..files-1 of an image. NULL when memory is short. */
struct ia_space *ia_space_new(size_t files);
void ia_space_free(struct ia_space *space); /* NULL is fine */

/* [start, start + length) of a file has this use. What is negative is ignored, and what would end past INT64_MAX is cut
 * there. A lack of memory, too many runs or steps and a file that is none of the image's stick, and make the whole
 * account unknown: see ia_space_failed.
 *
 * Returns the set of uses that units of the range had before, IA_SPACE_UNUSED among them. Units that the range has only
 * a part of are left out, for it may be the other part that was accounted for. Of uses not less than this one the set
 * may lack some, but not all: where a whole MiB or more was accounted for at once as such a use, that one may be in it
 * in place of greater ones that the range had before or after. */
unsigned ia_space_account(struct ia_space *space, uint32_t file, enum ia_space_use use, int64_t start, int64_t length);
/* Makes the account unknown: what some of the files is for could not be found out. */
void ia_space_fail(struct ia_space *space);
bool ia_space_failed(const struct ia_space *space);

/* The use at pos (>= 0) of a file, never IA_SPACE_COMPRESSED, and up to where it stays so (INT64_MAX: for ever). */
enum ia_space_use ia_space_at(const struct ia_space *space, uint32_t file, int64_t pos, int64_t *until);

/* Behind the last byte that anything but IA_SPACE_LEAKED was accounted for; 0: nothing was. Not widened to units. */
int64_t ia_space_end(const struct ia_space *space, uint32_t file);

/* Bytes of a use (not IA_SPACE_UNUSED, which has no end) over all files, whether the host keeps them or not. */
int64_t ia_space_bytes(const struct ia_space *space, enum ia_space_use use);

#endif
