/* SPDX-License-Identifier: MIT */
/* Why an image counts as a backing file (evidence), and why a verdict about it is not proven (doubts): the codes, which
 * are stable, and their sentences. How they are used is in doc/ARCHITECTURE.md, the manual lists them. */
#ifndef IA_JUDGE_DOUBT_H
#define IA_JUDGE_DOUBT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"

/* What a candidate is, by what names and reads it. */
enum ia_candidate {
    IA_CANDIDATE_NONE, /* no report calls it unused */
    IA_CANDIDATE_UNREFERENCED,
    IA_CANDIDATE_FULLY_MASKED,
    IA_CANDIDATE_PARTLY_MASKED,
    IA_CANDIDATE_UNCLAIMED, /* no image names it, no machine uses it, and nothing shows that it was a base */
    IA_CANDIDATE_COUNT
};

/* In the order of the sentences. */
enum ia_doubt {
    IA_DOUBT_NONE,
    IA_DOUBT_SHARED_FILESYSTEM,
    IA_DOUBT_UNREAD,
    IA_DOUBT_NOT_WALKED,
    IA_DOUBT_NO_INVENTORY,
    IA_DOUBT_INVENTORY_INCOMPLETE,
    IA_DOUBT_BROKEN_REFERENCE,
    IA_DOUBT_EXCHANGED,
    IA_DOUBT_RENAMED,
    IA_DOUBT_LOCAL_SERVICE,
    IA_DOUBT_REMOTE_NAME,
    IA_DOUBT_CHANGED_DURING_SCAN,
    IA_DOUBT_NOT_UNDERSTOOD,
    IA_DOUBT_CROSS_LINKED,
    IA_DOUBT_IN_USE,
    IA_DOUBT_WRITTEN_SINCE,
    IA_DOUBT_IDENTITY_UNCERTAIN,
    IA_DOUBT_SHARED_FILE,
    IA_DOUBT_LOOP,
    IA_DOUBT_CHAIN_BROKEN,
    IA_DOUBT_NON_BACKING_READER,
    IA_DOUBT_PACKED_REFERENCE,
    IA_DOUBT_RECENT,
    /* About a deed, and the figures of a what-if (deed.h): they concern no candidate. */
    IA_DOUBT_OWN_CHAIN_BROKEN,
    IA_DOUBT_CANNOT_COMMIT,
    IA_DOUBT_CANNOT_RECEIVE,
    IA_DOUBT_ZEROES_UNKNOWN,
    IA_DOUBT_CANNOT_GROW,
    IA_DOUBT_EXTERNAL_DATA,
    IA_DOUBT_OTHER_NAME,
    IA_DOUBT_CHANGE_UNKNOWN,
    IA_DOUBT_ZEROES_NOT_COPIED,
    IA_DOUBT_SHARING_UNKNOWN,
    IA_DOUBT_OTHER_ROWS,
    IA_DOUBT_COUNT
};

enum ia_evidence {
    IA_EVIDENCE_NAMED,             /* an image names it as its backing file now */
    IA_EVIDENCE_WAS_NAMED,         /* an earlier scan saw it named */
    IA_EVIDENCE_BACKING_GLOB,      /* it matches --backing-glob */
    IA_EVIDENCE_OPENSTACK_BASE,    /* it lies where OpenStack keeps base images */
    IA_EVIDENCE_PROXMOX_TEMPLATE,  /* it has the name of a Proxmox template's disk */
    IA_EVIDENCE_HIDDEN,            /* it is marked so, as XenServer and XCP-ng do with what other disks are based on */
    IA_EVIDENCE_EXTERNAL_SNAPSHOT, /* a machine's disk is its only overlay, or based on that: it is a point to go back
                                      to */
    IA_EVIDENCE_COUNT
};

struct ia_doubt_kind {
    const char *code;
    const char *advice;   /* a suggestion of report/advice.h that helps to clear it; "": none does */
    unsigned concerns;    /* a set of candidates, by IA_CONCERNS */
    const char *sentence; /* goes on with its subjects */
};
struct ia_evidence_kind {
    const char *code;
    const char *sentence; /* %s is the subject, %jd the scan; either may be missing */
};
#define IA_CONCERNS(candidate) (1U << (candidate))

extern const struct ia_doubt_kind ia_doubt_kinds[IA_DOUBT_COUNT];
extern const struct ia_evidence_kind ia_evidence_kinds[IA_EVIDENCE_COUNT];

/* By its code; IA_DOUBT_NONE for one that is none. */
enum ia_doubt ia_doubt_by_code(const char *code);

/* "unreferenced", "fully-masked", "partly-masked". */
const char *ia_candidate_word(enum ia_candidate candidate);
/* IA_CANDIDATE_NONE for another word. */
enum ia_candidate ia_candidate_by_word(const char *word);

/* Why one candidate's verdict is not proven. The subject is what raises the doubt: a path most often, with a remark in
 * parentheses; "" where the code is all. */
struct ia_candidate_doubt {
    enum ia_doubt doubt;
    const char *subject; /* borrowed */
};
struct ia_doubts {
    IA_VEC(struct ia_candidate_doubt) all;
};

/* Sorts by code and subject, each pair once. */
void ia_doubts_sort(struct ia_doubts *doubts);
void ia_doubts_release(struct ia_doubts *doubts);
#define IA_AUTO_DOUBTS __attribute__((cleanup(ia_doubts_release)))
/* Takes out of one sorted list what another has. */
void ia_doubts_subtract(struct ia_doubts *doubts, const struct ia_doubts *others);

/* Appends one sentence with its subject. */
void ia_doubt_render(struct ia_buf *out, enum ia_doubt doubt, const char *subject);
/* The same of what lies in no directory that was walked, by that path. */
void ia_doubt_render_unwalked(struct ia_buf *out, const char *path);
/* Appends the sentences of two sorted lists, the doubts about all candidates and those about one, separated by "; ":
 * each with three of its subjects and the number of others. */
void ia_doubts_render(struct ia_buf *out, const struct ia_doubts *all, const struct ia_doubts *own);
/* The same of the codes alone, each once, separated by ",". */
void ia_doubts_render_codes(struct ia_buf *out, const struct ia_doubts *all, const struct ia_doubts *own);
void ia_evidence_render(struct ia_buf *out, enum ia_evidence evidence, const char *subject, int64_t scan);

#endif
