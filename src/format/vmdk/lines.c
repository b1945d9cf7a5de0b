/* SPDX-License-Identifier: MIT */
/* The descriptor's extent lines: ACCESS SECTORS TYPE ["NAME" [OFFSET]] ("The Descriptor File: The Extents"). */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/vmdk/internal.h"

enum { MAX_NAME = 511 }; /* QEMU's */

struct line {
    const char *text; /* the whole of it, for messages */
    int shown;        /* bytes of it to show */
    int64_t sectors;
    const char *type;
    size_t type_length;
    const char *name; /* NULL: none */
    size_t name_length;
    int64_t offset; /* sectors; -1: not stated */
};

static enum ia_status refuse(const struct line *line, const char *why, struct ia_error *err)
{
    return ia_fail(err, IA_CORRUPT, "extent line '%.*s': %s", line->shown, line->text, why);
}

static bool is_word(const char *at, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(at, word, len) == 0;
}

static bool read_number(const char **at, int64_t *out)
{
    char *end;
    errno = 0;
    long long number = strtoll(*at, &end, 10);
    if (end == *at || errno != 0)
        return false;
    *at = end;
    *out = number;
    return true;
}

static size_t word_length(const char *at)
{
    return strcspn(at, " \t\r\n");
}

/* Whether this is an extent line: an access, and then a number. *at moves to the number. */
static bool is_extent_line(const char **at, bool *no_access)
{
    static const char *const accesses[] = {"RW", "RDONLY", "NOACCESS"};
    const char *word = vmdk_skip_blanks(*at);
    size_t len = word_length(word);
    const char *number = vmdk_skip_blanks(word + len);
    if (!isdigit((unsigned char)*number) && *number != '-' && *number != '+')
        return false;
    for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
        if (is_word(word, len, accesses[i])) {
            *at = number;
            *no_access = i == 2;
            return true;
        }
    }
    return false;
}

static enum ia_status read_rest(const char *at, struct line *line, struct ia_error *err)
{
    if (!read_number(&at, &line->sectors) || line->sectors < 0 || line->sectors > VMDK_MAX_SECTORS)
        return refuse(line, "bad number of sectors", err);
    at = vmdk_skip_blanks(at);
    line->type = at;
    line->type_length = word_length(at);
    at = vmdk_skip_blanks(at + line->type_length);
    line->offset = -1;
    if (*at != '"')
        return IA_OK;
    line->name = at + 1;
    line->name_length = strcspn(line->name, "\"\r\n");
    at = line->name + line->name_length;
    if (*at != '"')
        return refuse(line, "the name's quotes do not end", err);
    if (line->name_length == 0 || line->name_length > MAX_NAME)
        return refuse(line, "a name of no or too many bytes", err);
    at = vmdk_skip_blanks(at + 1);
    bool numbered = isdigit((unsigned char)*at) || *at == '-';
    if (numbered && (!read_number(&at, &line->offset) || line->offset < 0 || line->offset > VMDK_MAX_SECTORS))
        return refuse(line, "bad offset", err);
    return IA_OK;
}

/* Which kind, and whether the line has what that kind needs. As in QEMU, an offset where none belongs is refused. */
static enum ia_status classify(const struct line *line, enum vmdk_kind *kind, struct ia_error *err)
{
    static const struct {
        const char *word;
        enum vmdk_kind kind;
        bool has_name;
        bool has_offset;
    } types[] = {
        {"FLAT", VMDK_FLAT, true, true},      {"VMFS", VMDK_FLAT, true, false},
        {"SPARSE", VMDK_SPARSE, true, false}, {"VMFSSPARSE", VMDK_SPARSE, true, false},
        {"ZERO", VMDK_ZERO, false, false},    {"SESPARSE", VMDK_SESPARSE, true, false},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (!is_word(line->type, line->type_length, types[i].word))
            continue;
        *kind = types[i].kind;
        if (types[i].has_name != (line->name != NULL))
            return refuse(line, types[i].has_name ? "no name" : "a name", err);
        if (types[i].has_offset != (line->offset >= 0))
            return refuse(line, types[i].has_offset ? "no offset" : "an offset", err);
        return IA_OK;
    }
    return ia_fail(err, IA_UNSUPPORTED, "extent of type '%.*s'", (int)ia_min((int64_t)line->type_length, 32),
                   line->type);
}

/* The number of the file; the same name twice in a row is one file with two extents. */
static enum ia_status add_file(struct ia_image *image, const struct line *line, uint32_t *file, struct ia_error *err)
{
    struct ia_image_facts *facts = &image->facts;
    IA_AUTO_FREE char *name = strndup(line->name, line->name_length);
    if (name == NULL)
        return ia_no_memory(err);
    bool again = facts->parts.len > 0 && strcmp(facts->parts.items[facts->parts.len - 1].name, name) == 0;
    if (!again && !ia_image_facts_add_part(facts, name, "extent", IA_PART_BESIDE))
        return ia_no_memory(err);
    *file = (uint32_t)facts->parts.len; /* part n is file n + 1 */
    return IA_OK;
}

static enum ia_status add_extent(struct ia_image *image, struct vmdk *v, const struct line *line, struct ia_error *err)
{
    struct vmdk_extent extent = {.length = line->sectors * VMDK_SECTOR};
    IA_TRY(classify(line, &extent.kind, err));
    if (line->sectors == 0)
        return IA_OK; /* QEMU passes over extents of no sectors */
    if (v->extents.len >= VMDK_MAX_EXTENTS)
        return ia_fail(err, IA_LIMIT, "more than %d extents", VMDK_MAX_EXTENTS);
    if (extent.kind == VMDK_FLAT) {
        int64_t end;
        extent.offset = ia_max(line->offset, 0) * VMDK_SECTOR;
        if (!ia_add(extent.offset, extent.length, &end))
            return refuse(line, "it ends past 2^63", err);
    }
    if (line->name != NULL)
        IA_TRY(add_file(image, line, &extent.file, err));
    if (!ia_vec_push(&v->extents, extent))
        return ia_no_memory(err);
    return IA_OK;
}

enum ia_status vmdk_parse_lines(struct ia_image *image, struct vmdk *v, const char *text, struct ia_error *err)
{
    for (const char *at = text; at != NULL; at = vmdk_next_line(at)) {
        const char *number = at;
        bool no_access;
        if (!is_extent_line(&number, &no_access))
            continue;
        struct line line = {.text = at, .shown = (int)ia_min((int64_t)strcspn(at, "\r\n"), 120)};
        if (no_access)
            return ia_fail(err, IA_UNSUPPORTED, "extent line '%.*s': not accessible", line.shown, line.text);
        IA_TRY(read_rest(number, &line, err));
        IA_TRY(add_extent(image, v, &line, err));
    }
    if (v->extents.len == 0)
        return ia_fail(err, IA_CORRUPT, "the descriptor names no extent");
    return IA_OK;
}
