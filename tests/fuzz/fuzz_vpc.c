/* SPDX-License-Identifier: MIT */
/* Any bytes as a VHD image, and once more with right checksums: nobody guesses those. */
#include "format/vpc/vpc.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/image_target.h"
#include "fuzz/target.h"

/* The checksum of the structure of `len` bytes at `at`, where its four bytes at `field` are counted as zeroes. */
static void repair(uint8_t *bytes, size_t at, size_t len, size_t field)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++)
        if (i < field || i >= field + 4)
            sum += bytes[at + i];
    sum = htobe32(~sum);
    memcpy(bytes + at + field, &sum, sizeof(sum));
}

static void repair_all(uint8_t *bytes, size_t len)
{
    uint64_t header;
    if (len < 512)
        return;
    if (memcmp(bytes, "conectix", 8) != 0) {
        if (len % 512 == 0)
            repair(bytes, len - 512, 512, 64);
        return;
    }
    memcpy(&header, bytes + 16, sizeof(header));
    header = be64toh(header);
    if (len >= 1024 && header <= len - 1024)
        repair(bytes, (size_t)header, 1024, 36);
    repair(bytes, 0, 512, 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_image(&ia_format_vpc, bytes, len);
    uint8_t *repaired = malloc(len + 1);
    FUZZ_CHECK(repaired != NULL);
    memcpy(repaired, bytes, len);
    repair_all(repaired, len);
    fuzz_image(&ia_format_vpc, repaired, len);
    free(repaired);
    return 0;
}
