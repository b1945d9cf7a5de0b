/* SPDX-License-Identifier: MIT */
/* Preparing the report what-if for images that are named on the command line. */
#ifndef IA_CLI_IMAGE_SET_H
#define IA_CLI_IMAGE_SET_H

#include <stddef.h>

#include "base/status.h"
#include "store/reader.h"
#include "what_if/what_if.h"

/* Looks the names up and computes what the action does. IA_MISSING names the one that is not in the store. */
IA_MUST_CHECK enum ia_status ia_cli_what_if(struct ia_reader *reader, enum ia_what_if_action action,
                                            const char *const *names, size_t count, struct ia_error *err);

#endif
