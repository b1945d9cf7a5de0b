/* SPDX-License-Identifier: MIT */
/* All that a backing file name leads to besides its main file: local files and servers anywhere in a json: description
 * or behind stacked protocols. Names are parsed, never executed or looked up. */
#ifndef IA_CHAIN_NAMES_H
#define IA_CHAIN_NAMES_H

#include <stdbool.h>

#include "base/status.h"
#include "base/vec.h"
#include "chain/remote.h"

struct ia_named_file {
    char *path;   /* owned; absolute, or relative to the working directory of whoever opens it */
    bool is_sure; /* QEMU takes it for a file's name; else it is a text whose meaning depends on the driver */
};

struct ia_names {
    IA_VEC(struct ia_named_file) files;
    struct ia_services services;
};
void ia_names_release(struct ia_names *names);

#define IA_AUTO_NAMES __attribute__((cleanup(ia_names_release)))

/* Takes a name in QEMU's syntax apart; the main file is among the files of a json: description. A plain path and a
 * file: name have nothing besides. IA_NOMEM only. The caller releases *out, after a failure, too. */
IA_MUST_CHECK enum ia_status ia_names_take_apart(const char *name, struct ia_names *out, struct ia_error *err);

#endif
