/* SPDX-License-Identifier: MIT */
/* Changes to a store for the fuzzer to start from: its header, its schema, its pages. Offsets of the header are those
 * of https://www.sqlite.org/fileformat2.html */
#include "fuzz/target.h"

#define SEED(name, ...)                                                                                                \
    {                                                                                                                  \
        name, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})                                   \
    }

static const struct {
    const char *name;
    const uint8_t *bytes;
    size_t len;
} seeds[] = {
    SEED("nothing", 0),
    SEED("page-size", 0, 0, 0, 16, 2, 0, 0, 0, 17, 0),
    SEED("format-versions", 0, 0, 0, 18, 1, 0, 0, 0, 19, 1),
    SEED("size-in-pages", 0, 0, 0, 31, 0xff, 0, 0, 0, 28, 0x7f),
    SEED("freelist", 0, 0, 0, 35, 3, 0, 0, 0, 39, 9),
    SEED("text-encoding", 0, 0, 0, 59, 2),
    SEED("vacuum", 0, 0, 0, 55, 5, 0, 0, 0, 67, 1),
    SEED("first-page", 0, 0, 0, 100, 13, 0, 0, 0, 104, 0xff, 0, 0, 0, 106, 0),
    SEED("schema-page", 0, 0, 0x1f, 0xf0, 'X', 0, 0, 0x1f, 0x80, 0xff),
    SEED("second-page", 0, 0, 0x20, 0, 2, 0, 0, 0x20, 3, 0xff, 0, 0, 0x20, 8, 0xff),
    SEED("last-pages", 0, 9, 0, 0, 10, 0, 9, 0x20, 1, 0xff, 0, 8, 0x20, 0, 5),
};

void fuzz_each_seed(fuzz_use_seed use, void *ctx)
{
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
        use(ctx, seeds[i].name, seeds[i].bytes, seeds[i].len);
}
