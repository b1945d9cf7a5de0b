/* SPDX-License-Identifier: MIT */
/* Lines of a descriptor, which has its first bytes (fuzz_vmdk.c), or fields of the header of a sparse extent. */
#include <string.h>

#include "fuzz/mutate.h"

enum { DESCRIPTOR_BYTES = 1024, SECTOR = 512 };

static const char *const lines[] = {
    "version=1\n",
    "CID=fffffffe\n",
    "parentCID=ffffffff\n",
    "parentCID=00000001\n",
    "parentFileNameHint=\"base.vmdk\"\n",
    "encoding=\"windows-1252\"\n",
    "createType=\"monolithicSparse\"\n",
    "createType=\"monolithicFlat\"\n",
    "createType=\"twoGbMaxExtentSparse\"\n",
    "createType=\"vmfsSparse\"\n",
    "createType=\"seSparse\"\n",
    "createType=\"streamOptimized\"\n",
    "createType=\"custom\"\n",
    "RW 128 SPARSE \"a.vmdk\"\n",
    "RW 128 FLAT \"a-flat.vmdk\" 0\n",
    "RDONLY 9223372036854775807 FLAT \"b\" 1\n",
    "NOACCESS 1 ZERO\n",
    "RW 8 VMFS \"c\"\n",
    "RW 8 VMFSSPARSE \"d\"\n",
    "RW 8 SESPARSE \"e\"\n",
    "RW 8 VMFSRDM \"/dev/x\"\n",
    "changeTrackPath=\"f-ctk.vmdk\"\n",
    "ddb.geometry.cylinders = \"1\"\n",
    "=\n",
    "\"\n",
};
static const struct fuzz_field header[] = {{4, 4},  {8, 4},  {12, 8}, {20, 8}, {28, 8}, {36, 8}, {44, 4},
                                           {48, 8}, {56, 8}, {64, 8}, {72, 1}, {73, 4}, {77, 2}};

/* One line more at the start of one, one less, or another number in one; what does not fit is cut off. */
static void change_text(uint32_t *state, uint8_t *bytes)
{
    uint8_t *text = bytes;
    uint8_t *end = bytes + DESCRIPTOR_BYTES;
    for (uint32_t skip = fuzz_below(state, 12); skip > 0; skip--) {
        uint8_t *next = memchr(text, '\n', (size_t)(end - text));
        if (next == NULL || next + 1 >= end)
            break;
        text = next + 1;
    }
    uint8_t *next = memchr(text, '\n', (size_t)(end - text));
    next = next == NULL ? end : next + 1;
    const char *line = lines[fuzz_below(state, sizeof(lines) / sizeof(lines[0]))];
    size_t length = strlen(line);
    switch (text == bytes ? 3 : fuzz_below(state, 3)) { /* by the first line it is one */
    case 0:
        memmove(text, next, (size_t)(end - next));
        memset(end - (next - text), '\n', (size_t)(next - text));
        break;
    case 1:
        if (length > (size_t)(end - text))
            break;
        memmove(text + length, text, (size_t)(end - text) - length);
        memcpy(text, line, length);
        break;
    default:
        for (; text < next && (*text < '0' || *text > '9'); text++) {
        }
        if (text < next)
            *text = (uint8_t)('0' + fuzz_below(state, 10));
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t most, unsigned seed)
{
    uint32_t state = seed;
    if (len <= DESCRIPTOR_BYTES || fuzz_below(&state, 2) == 0)
        return LLVMFuzzerMutate(bytes, len, most);
    for (uint32_t left = 1 + fuzz_below(&state, 3); left > 0; left--) {
        if (bytes[0] == '#' && fuzz_below(&state, 3) != 0)
            change_text(&state, bytes);
        else
            fuzz_change_field(&state, bytes, len, bytes[0] == '#' ? DESCRIPTOR_BYTES : 0, header,
                              sizeof(header) / sizeof(header[0]), FUZZ_LITTLE, 1);
    }
    return len;
}
