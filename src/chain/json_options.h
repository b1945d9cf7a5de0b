/* SPDX-License-Identifier: MIT */
/* A json: description of a block device as options with dotted keys, the way QEMU flattens it. */
#ifndef IA_CHAIN_JSON_OPTIONS_H
#define IA_CHAIN_JSON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/vec.h"

struct ia_json_option {
    char *key;    /* owned: "file.filename", "children.0.driver" */
    char *value;  /* owned; NULL for JSON null */
    bool is_text; /* a string, not a number or a flag */
};

struct ia_json_options {
    IA_VEC(struct ia_json_option) all;
    bool accepted; /* by QEMU as an object; false: no options, or a key is there twice */
};

/* `text` is what is behind "json:". IA_NOMEM only. The caller releases *out, after a failure, too. */
IA_MUST_CHECK enum ia_status ia_json_options_read(const char *text, struct ia_json_options *out, struct ia_error *err);
void ia_json_options_release(struct ia_json_options *options);

#define IA_AUTO_JSON_OPTIONS __attribute__((cleanup(ia_json_options_release)))

/* The value of a key; NULL: there is none, or it is null. */
const char *ia_json_options_find(const struct ia_json_options *options, const char *key);

#endif
