/* SPDX-License-Identifier: MIT */
/* Headers of reports of every sort, for the fuzzer to start from. */
#include <stdio.h>
#include <string.h>

#include "fuzz/target.h"

static const char *const headers[] = {
    "SELECT 1",
    "-- title: one line\n-- about: What it is.\n--about:more\n-- column: path | path | the image\n"
    "-- column: size | bytes | blocks\n-- parameter: :image | any path\n-- include: unused-backing\nSELECT path FROM x",
    "-- column: a | count | \n-- column: b | text | |\n-- column: c | ratio |\n-- column: d|flag|e\n-- column: f | "
    "time | "
    "g\n-- column: h | any | i\n-- column: j | unit | k\n-- column: l | advice | m\n",
    "--\n\n \t\r\n-- title:\n-- a plain comment | with a bar\n\r\n  -- about:\n",
    "-- column: name\n",
    "-- column: name | word | meaning\n",
    "-- parameter: image | no colon\n",
    "-- include:\n",
};

void fuzz_each_seed(fuzz_use_seed use, void *ctx)
{
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "header-%02zu", i);
        use(ctx, name, headers[i], strlen(headers[i]));
    }
}
