/* SPDX-License-Identifier: MIT */
/* Where a name in an image leads. */
#ifndef IA_MODEL_RESOLVE_STATE_H
#define IA_MODEL_RESOLVE_STATE_H

enum ia_resolve_state {
    IA_RESOLVE_NONE, /* nothing is named, or nothing was looked up */
    IA_RESOLVE_FOLLOWED,
    IA_RESOLVE_MISSING,
    IA_RESOLVE_OUTSIDE, /* of the confinement */
    IA_RESOLVE_DENIED,  /* the operating system refuses to look */
    IA_RESOLVE_NOT_A_FILE,
    IA_RESOLVE_LOOP,
    IA_RESOLVE_REMOTE,
    IA_RESOLVE_UNSUPPORTED, /* described in a way that is not followed */
    IA_RESOLVE_AMBIGUOUS,   /* relative to an unknown working directory: looked for beside the image */
    /* Those that no lookup of one name gives: */
    IA_RESOLVE_SEVERAL, /* known by an identity that several images have */
    IA_RESOLVE_EARLIER, /* of packed images: the name led there in an earlier scan */
    IA_RESOLVE_STATES
};

/* The word of stores and messages: "followed", "not-a-file"...; NULL for IA_RESOLVE_NONE. */
const char *ia_resolve_word(enum ia_resolve_state state);
/* IA_RESOLVE_NONE for NULL, and for a word that is none of these. */
enum ia_resolve_state ia_resolve_state_by_word(const char *word);

#endif
