/* SPDX-License-Identifier: MIT */
/* What every cmocka test starts with, and assertions on enum ia_status that show the message. */
#ifndef IA_TEST_SUPPORT_UNIT_H
#define IA_TEST_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"

/* `call` fills a `struct ia_error err` that is in scope. */
#define assert_status(expected, call) check_status((expected), (call), &err, #call, __FILE__, __LINE__)
#define assert_ok(call) assert_status(IA_OK, call)

void check_status(enum ia_status expected, enum ia_status got, const struct ia_error *err, const char *call,
                  const char *file, int line);

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
