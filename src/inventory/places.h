/* SPDX-License-Identifier: MIT */
/* Where platforms keep images of machines: names and directories that by themselves show what an image is. Private to
 * src/inventory. */
#ifndef IA_INVENTORY_PLACES_H
#define IA_INVENTORY_PLACES_H

#include "inventory/reader.h"

/* Components of a path from its end on: ia_place_component(path, 0) is the last one. len is 0 where there are not so
 * many. */
struct ia_place_component {
    const char *text; /* not terminated */
    size_t len;
};
struct ia_place_component ia_place_component(const char *path, int number);

/* The component is of a form: other characters are themselves, and
 *   #  one decimal digit or more
 *   *  one byte or more: what follows it has a fixed length
 *   U  a UUID of 36 characters
 *   H  one lower-case hexadecimal digit or more
 * A form that begins with ? is a glob, without the ?; ~TEXT* has that text anywhere. */
bool ia_place_has_form(struct ia_place_component component, const char *form);

/* One rule: the last components of a path. */
struct ia_place {
    const char *forms; /* with slashes between them */
    enum ia_claim_role role;
    enum ia_machine_kind kind;
    int machine;       /* which component, from the end on, names the machine */
    const char *named; /* before that name */
    const char *format;
};

/* The members of a reader that has nothing but places. */
#define IA_PLACES(name, all)                                                                                           \
    .kind = name, .formats = "", .by_name = true, .places = all, .place_count = sizeof(all) / sizeof((all)[0])

/* The first rule whose forms the end of the path has; NULL: none has. */
const struct ia_place *ia_place_of(const struct ia_place *places, size_t count, const char *path);

/* Two halves of the same, for many files of one directory: the form that the rule asks of their names, NULL where the
 * directory has not the forms that come before it; and whether a name has a form. */
const char *ia_place_form_in(const struct ia_place *place, const char *directory);
bool ia_place_name_has(const char *name, const char *form);

/* Adds the claim that the rule makes; the machine is that of the claim before where it lies in the same place. */
struct ia_claim *ia_place_claim(struct ia_inventory *inventory, const struct ia_place *place, const char *path);

#endif
