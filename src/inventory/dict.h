/* SPDX-License-Identifier: MIT */
/* Files of VMware: lines of the form NAME = "VALUE", where names have parts with dots between them, without a
 * difference between upper and lower case. Private to src/inventory. */
#ifndef IA_INVENTORY_DICT_H
#define IA_INVENTORY_DICT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/vec.h"

/* device.key = "value"; all three are in the text that was parsed. */
struct ia_dict_entry {
    char *device; /* in lower case; "": the name has one part */
    char *key;    /* its last part, in lower case */
    char *value;
    size_t line;
};

struct ia_dict {
    IA_VEC(struct ia_dict_entry) entries; /* by device and key, then as in the file: those of a device lie together */
    size_t bad_line;                      /* the first that is no such line, from 1 on; 0: there is none */
    bool has_too_many;                    /* more than IA_DICT_MAX_ENTRIES: none is there */
    bool failed;                          /* out of memory */
};
#define IA_DICT_MAX_ENTRIES 100000

/* Takes a text apart in place; behind its len bytes is a NUL. */
void ia_dict_parse(struct ia_dict *dict, char *text, size_t len);
static inline void ia_dict_release(struct ia_dict *dict)
{
    ia_vec_release(&dict->entries);
}
#define IA_AUTO_DICT __attribute__((cleanup(ia_dict_release)))

/* The last value of that name; NULL: there is none. */
const char *ia_dict_value(const struct ia_dict *dict, const char *device, const char *key);

#endif
