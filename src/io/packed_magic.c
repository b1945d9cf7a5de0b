/* SPDX-License-Identifier: MIT */
/* How compressed files and archives begin. */
#include <string.h>

#include "base/bytes.h"
#include "io/packed.h"

struct magic {
    size_t at, len;
    const char *bytes;
};

static const struct magic magics[] = {
    {0, 3, "\x1f\x8b\x08"}, /* gzip, RFC 1952 */
    {0, 2, "\x1f\x9d"},     /* compress */
    {0, 6,
     "\xfd"
     "7zXZ\0"}, /* xz */
    {0, 4, "LZIP"},
    {0, 4, "\x28\xb5\x2f\xfd"},    /* zstd, RFC 8878 */
    {0, 4, "\x04\x22\x4d\x18"},    /* lz4's frame */
    {0, 4, "\x02\x21\x4c\x18"},    /* lz4, legacy */
    {0, 9, "\x89LZO\0\r\n\x1a\n"}, /* lzop */
    {0, 4, "LRZI"},                /* lrzip */
    {0, 4, "PK\x03\x04"},          /* zip */
    {0, 4, "PK\x05\x06"},          /* zip without members */
    {0, 6, "7z\xbc\xaf\x27\x1c"},  /* 7-Zip */
    {0, 6, "Rar!\x1a\x07"},        /* rar */
    {257, 5, "ustar"},             /* tar, of POSIX and of GNU */
};

/* A frame that a decoder skips, before one that it reads: zstd's and lz4's. */
static bool is_skippable_frame(const uint8_t *head, size_t len)
{
    return len >= 4 && (ia_le32(head) & ~UINT32_C(0xf)) == UINT32_C(0x184d2a50);
}

static bool is_bzip2(const uint8_t *head, size_t len)
{
    return len >= 4 && memcmp(head, "BZh", 3) == 0 && head[3] >= '1' && head[3] <= '9';
}

/* It has no magic: default properties, a dictionary of a power of two, and a size that is unknown or possible. */
static bool is_lzma(const uint8_t *head, size_t len)
{
    if (len < 13 || head[0] != 0x5d || head[1] != 0 || head[2] != 0)
        return false;
    uint64_t size = ia_le64(head + 5);
    return size == UINT64_MAX || size < UINT64_C(1) << 48;
}

static const struct magic unread_magics[] = {
    {0, 6, "070701"},                        /* cpio, newc */
    {0, 6, "070702"},                        /* the same with checksums */
    {0, 6, "070707"},                        /* cpio, odc */
    {0, 2, "\xc7\x71"},                      /* cpio, binary */
    {0, 2, "\x71\xc7"}, {0, 8, "!<arch>\n"}, /* ar */
    {0, 4, "hsqs"},                          /* squashfs */
};

static bool has_any(const struct magic *all, size_t count, const uint8_t *head, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (len >= all[i].at + all[i].len && memcmp(head + all[i].at, all[i].bytes, all[i].len) == 0)
            return true;
    return false;
}

bool ia_packed_has_unread_magic(const uint8_t *head, size_t len)
{
    return has_any(unread_magics, sizeof(unread_magics) / sizeof(unread_magics[0]), head, len);
}

bool ia_packed_has_magic(const uint8_t *head, size_t len)
{
    return has_any(magics, sizeof(magics) / sizeof(magics[0]), head, len) || is_skippable_frame(head, len) ||
           is_bzip2(head, len) || is_lzma(head, len);
}
