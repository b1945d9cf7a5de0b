/* SPDX-License-Identifier: MIT */
/* The words of where names lead. */
#include "model/resolve_state.h"

#include <stddef.h>
#include <string.h>

static const char *const words[IA_RESOLVE_STATES] = {
    [IA_RESOLVE_FOLLOWED] = "followed", [IA_RESOLVE_MISSING] = "missing",         [IA_RESOLVE_OUTSIDE] = "outside",
    [IA_RESOLVE_DENIED] = "denied",     [IA_RESOLVE_NOT_A_FILE] = "not-a-file",   [IA_RESOLVE_LOOP] = "loop",
    [IA_RESOLVE_REMOTE] = "remote",     [IA_RESOLVE_UNSUPPORTED] = "unsupported", [IA_RESOLVE_AMBIGUOUS] = "ambiguous",
    [IA_RESOLVE_SEVERAL] = "several",   [IA_RESOLVE_EARLIER] = "earlier",
};

const char *ia_resolve_word(enum ia_resolve_state state)
{
    return words[state];
}

enum ia_resolve_state ia_resolve_state_by_word(const char *word)
{
    for (enum ia_resolve_state state = IA_RESOLVE_FOLLOWED; word != NULL && state < IA_RESOLVE_STATES; state++)
        if (strcmp(words[state], word) == 0)
            return state;
    return IA_RESOLVE_NONE;
}
