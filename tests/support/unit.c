/* SPDX-License-Identifier: MIT */
/* Assertions on enum ia_status. */
#include "support/unit.h"

void check_status(enum ia_status expected, enum ia_status got, const struct ia_error *err, const char *call,
                  const char *file, int line)
{
    if (got == expected)
        return;
    print_error("%s\nis %s instead of %s: %s\n", call, ia_status_word(got), ia_status_word(expected),
                got == IA_OK ? "no error" : err->message);
    _fail(file, line);
}
