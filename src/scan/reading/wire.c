/* SPDX-License-Identifier: MIT */
/* Packing and unpacking, by one function for each structure: it appends what it is given, or fills it. */
#include "scan/reading/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "scan/catalog/packed.h"

struct wire {
    struct ia_buf *out; /* where it packs to; NULL: it unpacks */
    const char *at;     /* what is left to unpack */
    size_t left;
    bool no_memory, bad; /* it failed: nothing more is done */
};

static bool is_well(const struct wire *wire)
{
    return !wire->no_memory && !wire->bad;
}

static void wire_bytes(struct wire *wire, void *bytes, size_t len)
{
    if (wire->out != NULL) {
        ia_buf_add(wire->out, bytes, len);
        return;
    }
    wire->bad = wire->bad || len > wire->left;
    if (!is_well(wire))
        return;
    memcpy(bytes, wire->at, len);
    wire->at += len;
    wire->left -= len;
}

static void wire_int(struct wire *wire, int64_t *value)
{
    wire_bytes(wire, value, sizeof(*value));
}

static int64_t wire_number(struct wire *wire, int64_t value, int64_t least, int64_t end)
{
    wire_int(wire, &value);
    wire->bad = wire->bad || value < least || value >= end;
    return is_well(wire) ? value : least;
}

static void wire_bool(struct wire *wire, bool *value)
{
    *value = wire_number(wire, *value, 0, 2) != 0;
}

/* Enumerations of different types, each from 0 on. */
#define WIRE_ENUM(wire, value, end) ((value) = (__typeof__(value))wire_number(wire, (int64_t)(value), 0, (end)))

/* NULL is a text, too. */
static void wire_text(struct wire *wire, char **text)
{
    int64_t len = *text == NULL ? -1 : (int64_t)strlen(*text);
    wire_int(wire, &len);
    if (wire->out != NULL) {
        if (*text != NULL)
            ia_buf_add(wire->out, *text, (size_t)len);
        return;
    }
    wire->bad = wire->bad || len < -1 || (len >= 0 && (uint64_t)len > wire->left) ||
                (len > 0 && memchr(wire->at, '\0', (size_t)len) != NULL);
    if (!is_well(wire) || len < 0)
        return;
    *text = strndup(wire->at, (size_t)len);
    wire->no_memory = *text == NULL;
    wire->at += len;
    wire->left -= (size_t)len;
}

/* A text within a structure. */
static void wire_array(struct wire *wire, char *text, size_t size)
{
    wire_bytes(wire, text, size);
    if (wire->out == NULL && is_well(wire))
        text[size - 1] = '\0';
}

/* A text that is one of the program's own. */
static const char *wire_word(struct wire *wire, const char *word, const char *const *words, size_t count)
{
    size_t number = 0;
    while (number < count && (word == NULL || strcmp(words[number], word) != 0))
        number++;
    assert(word == NULL || number < count);
    number = (size_t)wire_number(wire, (int64_t)number, 0, (int64_t)count + 1);
    return number < count ? words[number] : NULL;
}

/* The number of elements that follow, each of at least one byte; room for them, zeroed, where it unpacks. */
#define WIRE_COUNT(wire, vec)                                                                                          \
    do {                                                                                                               \
        int64_t count_ = (int64_t)(vec)->len;                                                                          \
        wire_int(wire, &count_);                                                                                       \
        if ((wire)->out != NULL)                                                                                       \
            break;                                                                                                     \
        (wire)->bad = (wire)->bad || count_ < 0 || (uint64_t)count_ > (wire)->left;                                    \
        if (!is_well(wire) || count_ == 0)                                                                             \
            break;                                                                                                     \
        (wire)->no_memory = !ia_vec_reserve(vec, (size_t)count_);                                                      \
        if ((wire)->no_memory)                                                                                         \
            break;                                                                                                     \
        memset((vec)->items, 0, (size_t)count_ * sizeof(*(vec)->items));                                               \
        (vec)->len = (size_t)count_;                                                                                   \
    } while (0)

/* The words of struct ia_image_facts that are const texts. */
static const char *const roles[] = {"data", "extent", "description"};
static const char *const compressions[] = {"zlib", "zstd"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void wire_facts(struct wire *wire, struct ia_image_facts *facts)
{
    wire_int(wire, &facts->virtual_size);
    wire_int(wire, &facts->cluster_size);
    wire_array(wire, facts->variant, sizeof(facts->variant));
    facts->version = (int)wire_number(wire, facts->version, INT32_MIN, INT32_MAX);
    bool *const flags[] = {
        &facts->has_data_file,   &facts->extended_l2, &facts->hidden,         &facts->kept,
        &facts->zeroed_grains,   &facts->read_only,   &facts->write_once,     &facts->encrypted,
        &facts->dirty,           &facts->truncated,   &facts->marked_corrupt, &facts->backing_by_identity,
        &facts->has_empty_table, &facts->may_be_lost};
    for (size_t i = 0; i < COUNT(flags); i++)
        wire_bool(wire, flags[i]);
    facts->compression = wire_word(wire, facts->compression, compressions, COUNT(compressions));
    wire_text(wire, &facts->backing_name);
    wire_text(wire, &facts->backing_format);
    WIRE_COUNT(wire, &facts->backing_paths);
    for (size_t i = 0; i < facts->backing_paths.len; i++) {
        wire_text(wire, &facts->backing_paths.items[i]);
        wire->bad = wire->bad || facts->backing_paths.items[i] == NULL;
    }
    WIRE_COUNT(wire, &facts->parts);
    for (size_t i = 0; i < facts->parts.len; i++) {
        struct ia_image_part *part = &facts->parts.items[i];
        wire_text(wire, &part->name);
        part->role = wire_word(wire, part->role, roles, COUNT(roles));
        wire->bad = wire->bad || part->role == NULL;
        WIRE_ENUM(wire, part->place, IA_PART_DESCRIPTION + 1);
    }
    wire_text(wire, &facts->companion);
    facts->overlapping = (int)wire_number(wire, facts->overlapping, -1, 2);
    WIRE_COUNT(wire, &facts->snapshots);
    for (size_t i = 0; i < facts->snapshots.len; i++) {
        struct ia_snapshot *snapshot = &facts->snapshots.items[i];
        wire_text(wire, &snapshot->id);
        wire_text(wire, &snapshot->name);
        wire_int(wire, &snapshot->size);
        wire_int(wire, &snapshot->vm_state);
        wire_int(wire, &snapshot->date_ns);
        wire->bad = wire->bad || snapshot->id == NULL || snapshot->name == NULL;
    }
    wire_int(wire, &facts->metadata_bytes);
    wire_int(wire, &facts->compressed_host);
}

static void wire_identity(struct wire *wire, struct ia_image_identity **identity)
{
    bool has = *identity != NULL;
    wire_bool(wire, &has);
    if (!has || !is_well(wire))
        return;
    if (wire->out == NULL && (*identity = calloc(1, sizeof(**identity))) == NULL) {
        wire->no_memory = true;
        return;
    }
    wire_array(wire, (*identity)->own, sizeof((*identity)->own));
    wire_array(wire, (*identity)->own_stamp, sizeof((*identity)->own_stamp));
    wire_array(wire, (*identity)->parent, sizeof((*identity)->parent));
    wire_array(wire, (*identity)->parent_stamp, sizeof((*identity)->parent_stamp));
}

static void wire_parsed(struct wire *wire, struct ia_parsed *parsed)
{
    WIRE_ENUM(wire, parsed->status, IA_BUG + 1);
    wire_text(wire, &parsed->message);
    wire_text(wire, &parsed->format);
    WIRE_ENUM(wire, parsed->basis, IA_BASIS_COUNT);
    wire_facts(wire, &parsed->facts);
    wire_identity(wire, &parsed->identity);
    wire_bytes(wire, parsed->state_bytes, sizeof(parsed->state_bytes));
    WIRE_COUNT(wire, &parsed->mappings);
    for (size_t i = 0; i < parsed->mappings.len; i++) {
        wire_int(wire, &parsed->mappings.items[i].size);
        wire_int(wire, &parsed->mappings.items[i].extents);
        wire_bool(wire, &parsed->mappings.items[i].failed);
    }
    wire_bool(wire, &parsed->changed_while_read);
    wire_bool(wire, &parsed->references_changed);
}

static void wire_account(struct wire *wire, struct ia_account *account)
{
    WIRE_COUNT(wire, &account->rows);
    for (size_t i = 0; i < account->rows.len; i++) {
        struct ia_account_row *row = &account->rows.items[i];
        row->file = (uint32_t)wire_number(wire, row->file, 0, UINT32_MAX);
        WIRE_ENUM(wire, row->use, IA_ACCOUNT_USES);
        wire_int(wire, &row->bytes);
        wire_int(wire, &row->disk_bytes);
        wire_int(wire, &row->unwritten_bytes);
    }
}

/* What a worker sets of a name. */
static void wire_packed_name(struct wire *wire, struct ia_packed_name *name)
{
    WIRE_ENUM(wire, name->kind, IA_PACKED_KINDS);
    wire_text(wire, &name->member);
    wire_text(wire, &name->format);
    wire_text(wire, &name->name);
    wire_text(wire, &name->stated);
    wire->bad = wire->bad || name->member == NULL || name->format == NULL || name->name == NULL;
}

static void wire_packed(struct wire *wire, struct ia_packed_content **packed)
{
    bool has = *packed != NULL;
    wire_bool(wire, &has);
    if (!has || !is_well(wire))
        return;
    if (wire->out == NULL && (*packed = calloc(1, sizeof(**packed))) == NULL) {
        wire->no_memory = true;
        return;
    }
    wire_text(wire, &(*packed)->problem);
    WIRE_COUNT(wire, &(*packed)->names);
    for (size_t i = 0; i < (*packed)->names.len; i++)
        wire_packed_name(wire, &(*packed)->names.items[i]);
}

static void wire_sharing(struct wire *wire, struct ia_sharing *sharing)
{
    wire_bool(wire, &sharing->asked);
    wire_bool(wire, &sharing->known);
    wire_bool(wire, &sharing->placed);
    wire_bytes(wire, &sharing->volume, sizeof(sharing->volume));
    wire_int(wire, &sharing->shared_bytes);
    wire_int(wire, &sharing->encoded_bytes);
    WIRE_COUNT(wire, &sharing->pieces);
    for (size_t i = 0; i < sharing->pieces.len; i++) {
        struct ia_shared_piece *piece = &sharing->pieces.items[i];
        wire_int(wire, &piece->start);
        wire_int(wire, &piece->length);
        wire_int(wire, &piece->physical);
        wire_bool(wire, &piece->encoded);
    }
}

static void wire_part(struct wire *wire, struct ia_parsed_part *part)
{
    struct ia_resolved *file = &part->file;
    WIRE_ENUM(wire, part->status, IA_BUG + 1);
    wire_text(wire, &part->message);
    WIRE_ENUM(wire, file->state, IA_RESOLVE_STATES);
    WIRE_ENUM(wire, file->found, IA_RESOLVE_STATES);
    wire_text(wire, &file->path);
    wire_text(wire, &file->named);
    wire_bytes(wire, &file->st, sizeof(file->st));
    WIRE_ENUM(wire, file->cause.status, IA_BUG + 1);
    file->cause.sys_errno = (int)wire_number(wire, file->cause.sys_errno, INT32_MIN, INT32_MAX);
    wire_array(wire, file->cause.message, sizeof(file->cause.message));
    wire_bool(wire, &part->opened);
    wire->bad = wire->bad || (part->opened && file->path == NULL);
}

static void wire_result(struct wire *wire, struct ia_parse_result *result)
{
    WIRE_ENUM(wire, result->class, IA_CLASS_UNKNOWN + 1);
    WIRE_ENUM(wire, result->reason, IA_REASONS);
    wire_parsed(wire, &result->parsed);
    wire_account(wire, &result->account);
    wire_packed(wire, &result->packed);
    wire_bool(wire, &result->looks_packed);
    wire_bytes(wire, &result->st, sizeof(result->st));
    wire_bool(wire, &result->opened);
    wire_int(wire, &result->birth_ns);
    wire_int(wire, &result->checked_ns);
    WIRE_ENUM(wire, result->lock, IA_LOCK_UNKNOWN + 1);
    wire_sharing(wire, &result->sharing);
    WIRE_COUNT(wire, &result->parts);
    for (size_t i = 0; i < result->parts.len; i++)
        wire_part(wire, &result->parts.items[i]);
    wire_int(wire, &result->table_bytes);
    bool needs_format = result->class == IA_CLASS_IMAGE;
    wire->bad = wire->bad || (needs_format && result->parsed.format == NULL) ||
                result->parts.len != result->parsed.facts.parts.len ||
                result->parsed.mappings.len > 1 + result->parsed.facts.snapshots.len;
    for (size_t i = 0; i < result->account.rows.len && is_well(wire); i++)
        wire->bad = result->account.rows.items[i].file > result->parts.len;
}

static void wire_request(struct wire *wire, struct ia_parse_request *request)
{
    char *described = request->described == NULL ? NULL : (char *)request->described->name;
    char *texts[] = {(char *)request->path, (char *)request->stated, (char *)request->described_as, described};
    for (size_t i = 0; i < COUNT(texts); i++)
        wire_text(wire, &texts[i]);
    bool *const flags[] = {&request->raw_by_suffix, &request->raw_by_past,  &request->raw_by_guess,
                           &request->raw_by_name,   &request->claims_image, &request->may_be_packed,
                           &request->claims_packed, &request->lock_only};
    for (size_t i = 0; i < COUNT(flags); i++)
        wire_bool(wire, flags[i]);
    if (wire->out != NULL)
        return;
    request->path = texts[0];
    request->stated = texts[1];
    request->described_as = texts[2];
    request->described = texts[3] == NULL ? NULL : ia_format_by_name(texts[3]);
    free(texts[3]);
}

void ia_wire_pack_request(struct ia_buf *out, const struct ia_parse_request *request)
{
    struct wire wire = {.out = out};
    struct ia_parse_request copy = *request;
    wire_request(&wire, &copy);
}

bool ia_wire_unpack_request(const char *bytes, size_t len, struct ia_parse_request *out)
{
    struct wire wire = {.at = bytes, .left = len};
    *out = (struct ia_parse_request){0};
    wire_request(&wire, out);
    return is_well(&wire) && out->path != NULL;
}

void ia_wire_release_request(struct ia_parse_request *request)
{
    free((char *)request->path);
    free((char *)request->stated);
    free((char *)request->described_as);
    *request = (struct ia_parse_request){0};
}

/* What packs changes nothing. */
void ia_wire_pack_result(struct ia_buf *out, const struct ia_parse_result *result)
{
    struct wire wire = {.out = out};
    struct ia_parse_result copy = *result;
    wire_result(&wire, &copy);
}

enum ia_status ia_wire_unpack_result(const char *bytes, size_t len, struct ia_parse_result *out, struct ia_error *err)
{
    struct wire wire = {.at = bytes, .left = len};
    wire_result(&wire, out);
    if (wire.no_memory)
        return ia_no_memory(err);
    return wire.bad || wire.left > 0 ? ia_fail(err, IA_BUG, "what the reading process sent is no result") : IA_OK;
}
