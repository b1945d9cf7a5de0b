/* SPDX-License-Identifier: MIT */
/* The peer that does least: reads the L1 table and every L2 table of a qcow2 image with pread, and looks at nothing. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t be(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static int fail(const char *what)
{
    perror(what);
    return 1;
}

int main(int argc, char **argv)
{
    enum { OFFSET_BITS = 56 };
    uint8_t header[48];
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || pread(fd, header, sizeof(header), 0) != sizeof(header))
        return fail("read_tables IMAGE");
    size_t cluster = (size_t)1 << (be(header + 20, 4) & 31);
    size_t entries = (size_t)be(header + 36, 4);
    uint8_t *l1 = malloc(entries * 8);
    uint8_t *table = malloc(cluster);
    if (l1 == NULL || table == NULL || pread(fd, l1, entries * 8, (off_t)be(header + 40, 8)) != (ssize_t)(entries * 8))
        return fail("L1 table");
    for (size_t i = 0; i < entries; i++) {
        uint64_t at = be(l1 + i * 8, 8) & ((UINT64_C(1) << OFFSET_BITS) - 1);
        if (at != 0 && pread(fd, table, cluster, (off_t)at) != (ssize_t)cluster)
            return fail("L2 table");
    }
    free(l1);
    free(table);
    return close(fd);
}
