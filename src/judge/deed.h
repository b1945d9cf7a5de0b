/* SPDX-License-Identifier: MIT */
/* What becomes of images when some of them are deleted, flattened or committed (a what-if), one effect at a time, and
 * why it is not proven, besides the judge's doubts about the images themselves. Pure functions of the facts of a row.
 */
#ifndef IA_JUDGE_DEED_H
#define IA_JUDGE_DEED_H

#include <stdbool.h>

#include "judge/doubt.h"

/* In the order of the report. */
enum ia_effect {
    IA_EFFECT_DELETED, /* of the set */
    IA_EFFECT_FLATTENED,
    IA_EFFECT_COMMITTED,
    IA_EFFECT_RECEIVES,     /* the backing image of a commit */
    IA_EFFECT_BREAKS,       /* it does not open any more, or an internal snapshot of it loses what it read */
    IA_EFFECT_CHANGES,      /* it reads otherwise than before */
    IA_EFFECT_UNREFERENCED, /* nothing names it any more */
    IA_EFFECT_MASKED_MORE,  /* less of it is read */
    IA_EFFECT_TOTAL,
    IA_EFFECT_TOTAL_WITH_NEXT, /* with those that are unreferenced */
    IA_EFFECT_COUNT
};

/* "deleted", "masked-more". */
const char *ia_effect_word(enum ia_effect effect);
/* By its word; IA_EFFECT_COUNT for one that is none. */
enum ia_effect ia_effect_by_word(const char *word);

/* Of the image that a row is about, or, where noted, of the row. */
struct ia_effect_facts {
    bool is_flattened;   /* of the set, and the deed flattens */
    bool is_ok;          /* it was read without a problem */
    bool chain_ok;       /* and so was all of its chain */
    bool has_data_file;  /* it keeps its data in an external file */
    bool has_snapshots;  /* internal ones */
    bool is_freed_known; /* what the row frees; false: the host does not report what files share */
    bool can_commit;     /* as struct ia_abilities, and so are the next five */
    bool can_receive;
    bool can_grow;
    bool can_grow_with_snapshots;
    bool can_grow_over_backing;
    bool zeroes_are_known;
    bool grows;              /* RECEIVES: to the length of the overlay */
    bool has_larger_backing; /* than itself */
    bool names_what_goes;    /* BREAKS: it names the file by a name that goes, not by one that may stay */
    bool is_change_known;    /* CHANGES: how much */
    bool rows_have_doubts;   /* totals: a row that is summed up is doubted for itself */
};

/* Appends the doubts of such a row, without subjects but for IA_DOUBT_CANNOT_GROW; false: out of memory. */
bool ia_effect_doubts(enum ia_effect effect, const struct ia_effect_facts *facts, struct ia_doubts *out);

#endif
