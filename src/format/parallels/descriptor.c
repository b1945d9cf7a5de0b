/* SPDX-License-Identifier: MIT */
/* DiskDescriptor.xml ("Parallels Disk Format", prl-xml): the document, element by element. What it means is worked out
 * in tree.c. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "format/parallels/internal.h"
#include "io/xml.h"

#define MAX_DOCUMENT (1 << 20) /* bytes: thousands of pieces and shots */

enum element {
    NOWHERE,
    DISK,
    PARAMETERS,
    DISK_SIZE,
    PADDING,
    SECTOR_SIZE,
    ENCRYPTION,
    ENGINE,
    KEY_DATA,
    STORAGE_DATA,
    STORAGE,
    STORAGE_START,
    STORAGE_END,
    BLOCK_SIZE,
    IMAGE,
    IMAGE_GUID,
    IMAGE_TYPE,
    IMAGE_FILE,
    SNAPSHOTS,
    TOP_GUID,
    SHOT,
    SHOT_GUID,
    PARENT_GUID,
    SHOT_NAME,
    ELEMENTS
};

/* Elements that are not named here, and all inside of them, mean nothing for the map. */
static const struct {
    const char *name;
    enum element parent;
    bool has_text;
} grammar[ELEMENTS] = {
    [DISK] = {"Parallels_disk_image", NOWHERE, false},
    [PARAMETERS] = {"Disk_Parameters", DISK, false},
    [DISK_SIZE] = {"Disk_size", PARAMETERS, true},
    [PADDING] = {"Padding", PARAMETERS, true},
    [SECTOR_SIZE] = {"LogicSectorSize", PARAMETERS, true},
    [ENCRYPTION] = {"Encryption", PARAMETERS, false},
    [ENGINE] = {"Engine", ENCRYPTION, true},
    [KEY_DATA] = {"Data", ENCRYPTION, true},
    [STORAGE_DATA] = {"StorageData", DISK, false},
    [STORAGE] = {"Storage", STORAGE_DATA, false},
    [STORAGE_START] = {"Start", STORAGE, true},
    [STORAGE_END] = {"End", STORAGE, true},
    [BLOCK_SIZE] = {"Blocksize", STORAGE, true},
    [IMAGE] = {"Image", STORAGE, false},
    [IMAGE_GUID] = {"GUID", IMAGE, true},
    [IMAGE_TYPE] = {"Type", IMAGE, true},
    [IMAGE_FILE] = {"File", IMAGE, true},
    [SNAPSHOTS] = {"Snapshots", DISK, false},
    [TOP_GUID] = {"TopGUID", SNAPSHOTS, true},
    [SHOT] = {"Shot", SNAPSHOTS, false},
    [SHOT_GUID] = {"GUID", SHOT, true},
    [PARENT_GUID] = {"ParentGUID", SHOT, true},
    [SHOT_NAME] = {"Name", SHOT, true},
};

struct reading {
    struct ia_image *image;
    struct prl_disk *disk;
    enum element at;
    int skipped; /* elements that are open and not in the grammar */
    struct ia_buf text;
    int64_t padding, sector_size; /* -1: not stated */
};

static enum element find_element(enum element parent, const char *name)
{
    for (enum element e = DISK; e < ELEMENTS; e++)
        if (grammar[e].parent == parent && strcmp(grammar[e].name, name) == 0)
            return e;
    return NOWHERE;
}

static enum ia_status check_version(const char *const *attributes, struct ia_error *err)
{
    const char *version = "";
    for (size_t i = 0; attributes[i] != NULL; i += 2)
        if (strcmp(attributes[i], "Version") == 0)
            version = attributes[i + 1];
    return strcmp(version, "1.0") == 0 ? IA_OK
                                       : ia_fail(err, IA_UNSUPPORTED, "disk descriptor of version '%s'", version);
}

static enum ia_status enter(struct reading *r, const char *const *attributes, struct ia_error *err)
{
    struct prl_disk *disk = r->disk;
    struct prl_storage storage = {.start = -1, .end = -1, .cluster_size = -1, .first = disk->pieces.len};
    struct prl_piece piece = {.file = (uint32_t)disk->pieces.len + 1};
    struct prl_shot shot = {.parent = PRL_NONE};
    bool added = true;
    switch (r->at) {
    case DISK:
        return check_version(attributes, err);
    case STORAGE:
        added = ia_vec_push(&disk->storages, storage);
        break;
    case IMAGE:
        added = ia_vec_push(&disk->pieces, piece);
        break;
    case SHOT:
        added = ia_vec_push(&disk->shots, shot);
        break;
    default:
        break;
    }
    return added ? IA_OK : ia_no_memory(err);
}

static enum ia_status on_start(void *ctx, const char *name, const char *const *attributes, struct ia_error *err)
{
    struct reading *r = ctx;
    enum element found = r->skipped > 0 ? NOWHERE : find_element(r->at, name);
    if (found == NOWHERE && r->at == NOWHERE && r->skipped == 0)
        return ia_fail(err, IA_NOT_MINE, "XML, but no disk descriptor of parallels");
    if (found == NOWHERE) {
        r->skipped++;
        return IA_OK;
    }
    r->at = found;
    ia_buf_clear(&r->text);
    return enter(r, attributes, err);
}

static enum ia_status on_text(void *ctx, const char *text, size_t len, struct ia_error *err)
{
    struct reading *r = ctx;
    (void)err;
    if (r->skipped == 0 && grammar[r->at].has_text)
        ia_buf_add(&r->text, text, len);
    return IA_OK;
}

static enum ia_status twice(enum element element, struct ia_error *err)
{
    return ia_fail(err, IA_CORRUPT, "%s holds more than one %s", grammar[grammar[element].parent].name,
                   grammar[element].name);
}

/* The text without the white space around it. */
static const char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

/* A count of sectors; *out is -1 until it is stated, and becomes value times unit. */
static enum ia_status take_number(const struct reading *r, const char *text, int64_t unit, int64_t *out,
                                  struct ia_error *err)
{
    int64_t value = 0;
    if (*out != -1)
        return twice(r->at, err);
    for (const char *digit = text; *digit != '\0'; digit++)
        if (*digit < '0' || *digit > '9' || !ia_mul(value, 10, &value) || !ia_add(value, *digit - '0', &value))
            return ia_fail(err, IA_CORRUPT, "%s: '%.40s' is no number of sectors", grammar[r->at].name, text);
    if (text[0] == '\0' || value > PRL_MAX_SIZE / unit)
        return ia_fail(err, IA_CORRUPT, "%s: '%.40s' is no number of sectors", grammar[r->at].name, text);
    *out = value * unit;
    return IA_OK;
}

/* "{12345678-9abc-def1-2345-6789abcdef12}", in either case. */
static enum ia_status take_guid(const struct reading *r, const char *text, struct prl_guid *out, struct ia_error *err)
{
    static const char pattern[] = "{hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh}";
    if (out->text[0] != '\0')
        return twice(r->at, err);
    struct prl_guid guid = {0};
    bool fits = strlen(text) == sizeof(pattern) - 1;
    for (size_t i = 0; fits && i < sizeof(pattern) - 1; i++) {
        fits = pattern[i] == 'h' ? isxdigit((unsigned char)text[i]) != 0 : text[i] == pattern[i];
        guid.text[i] = (char)tolower((unsigned char)text[i]);
    }
    if (!fits)
        return ia_fail(err, IA_CORRUPT, "%s: '%.60s' is no GUID", grammar[r->at].name, text);
    *out = guid;
    return IA_OK;
}

static enum ia_status take_type(const struct reading *r, const char *text, struct prl_piece *piece,
                                struct ia_error *err)
{
    if (piece->has_type)
        return twice(r->at, err);
    piece->has_type = true;
    piece->is_plain = strcmp(text, "Plain") == 0;
    if (!piece->is_plain && strcmp(text, "Compressed") != 0)
        return ia_fail(err, IA_UNSUPPORTED, "image of type '%.40s'", text);
    return IA_OK;
}

/* Names are taken as they are. */
static enum ia_status take_file(const struct reading *r, const char *name, struct ia_error *err)
{
    if (r->image->facts.parts.len == r->disk->pieces.len)
        return twice(r->at, err);
    if (name[0] == '\0')
        return ia_fail(err, IA_CORRUPT, "image %zu has no file", r->disk->pieces.len);
    if (!ia_image_facts_add_part(&r->image->facts, name, "extent", IA_PART_BESIDE))
        return ia_no_memory(err);
    return IA_OK;
}

static enum ia_status take_name(const struct reading *r, const char *text, struct prl_shot *shot, struct ia_error *err)
{
    if (shot->name != NULL)
        return twice(r->at, err);
    shot->name = strdup(text);
    return shot->name != NULL ? IA_OK : ia_no_memory(err);
}

/* Unencrypted disks have an engine, too: the GUID of zeroes. */
static void note_encryption(const struct reading *r, const char *text)
{
    if (text[strspn(text, "{}-0")] != '\0')
        r->disk->is_encrypted = true;
}

static enum ia_status take_text(struct reading *r, char *whole, struct ia_error *err)
{
    struct prl_disk *disk = r->disk;
    struct prl_storage *storage = disk->storages.len > 0 ? &disk->storages.items[disk->storages.len - 1] : NULL;
    struct prl_piece *piece = disk->pieces.len > 0 ? &disk->pieces.items[disk->pieces.len - 1] : NULL;
    struct prl_shot *shot = disk->shots.len > 0 ? &disk->shots.items[disk->shots.len - 1] : NULL;
    if (r->at == IMAGE_FILE)
        return take_file(r, whole, err);
    const char *text = trim(whole);
    switch (r->at) {
    case DISK_SIZE:
        return take_number(r, text, PRL_SECTOR, &disk->size, err);
    case PADDING:
        return take_number(r, text, 1, &r->padding, err);
    case SECTOR_SIZE:
        return take_number(r, text, 1, &r->sector_size, err);
    case STORAGE_START:
        return take_number(r, text, PRL_SECTOR, &storage->start, err);
    case STORAGE_END:
        return take_number(r, text, PRL_SECTOR, &storage->end, err);
    case BLOCK_SIZE:
        return take_number(r, text, PRL_SECTOR, &storage->cluster_size, err);
    case IMAGE_GUID:
        return take_guid(r, text, &piece->guid, err);
    case IMAGE_TYPE:
        return take_type(r, text, piece, err);
    case TOP_GUID:
        return take_guid(r, text, &disk->top_guid, err);
    case SHOT_GUID:
        return take_guid(r, text, &shot->guid, err);
    case PARENT_GUID:
        return take_guid(r, text, &shot->parent_guid, err);
    case SHOT_NAME:
        return take_name(r, text, shot, err);
    default:
        note_encryption(r, text);
        return IA_OK;
    }
}

/* What has to be inside of an element, when it ends. */
static enum ia_status check_complete(const struct reading *r, struct ia_error *err)
{
    const struct prl_disk *disk = r->disk;
    const char *missing = NULL;
    if (r->at == STORAGE) {
        struct prl_storage *storage = &disk->storages.items[disk->storages.len - 1];
        storage->count = disk->pieces.len - storage->first;
        missing = storage->start < 0          ? "Start"
                  : storage->end < 0          ? "End"
                  : storage->cluster_size < 0 ? "Blocksize"
                                              : NULL;
    } else if (r->at == IMAGE) {
        const struct prl_piece *piece = &disk->pieces.items[disk->pieces.len - 1];
        missing = piece->guid.text[0] == '\0'                     ? "GUID"
                  : !piece->has_type                              ? "Type"
                  : r->image->facts.parts.len != disk->pieces.len ? "File"
                                                                  : NULL;
    } else if (r->at == SHOT) {
        const struct prl_shot *shot = &disk->shots.items[disk->shots.len - 1];
        missing = shot->guid.text[0] == '\0' ? "GUID" : shot->parent_guid.text[0] == '\0' ? "ParentGUID" : NULL;
    }
    return missing == NULL ? IA_OK : ia_fail(err, IA_CORRUPT, "%s without %s", grammar[r->at].name, missing);
}

static enum ia_status on_end(void *ctx, const char *name, struct ia_error *err)
{
    struct reading *r = ctx;
    (void)name;
    if (r->skipped > 0) {
        r->skipped--;
        return IA_OK;
    }
    if (!grammar[r->at].has_text) {
        IA_TRY(check_complete(r, err));
    } else {
        ia_buf_add_str(&r->text, ""); /* terminates an empty one */
        if (r->text.failed)
            return ia_no_memory(err);
        IA_TRY(take_text(r, r->text.data, err));
    }
    r->at = grammar[r->at].parent;
    return IA_OK;
}

static enum ia_status check_parameters(const struct reading *r, struct ia_error *err)
{
    if (r->disk->size < 0)
        return ia_fail(err, IA_CORRUPT, "disk descriptor without Disk_size");
    if (r->padding > 0)
        return ia_fail(err, IA_UNSUPPORTED, "a disk with padding %jd", (intmax_t)r->padding);
    if (r->sector_size >= 0 && r->sector_size != PRL_SECTOR)
        return ia_fail(err, IA_UNSUPPORTED, "sectors of %jd bytes", (intmax_t)r->sector_size);
    return IA_OK;
}

/* The whole of it. A compressed one is as long as turns out when it is read. */
static enum ia_status read_document(struct ia_source *source, char **document, size_t *size, struct ia_error *err)
{
    int64_t most = ia_min(source->size, (int64_t)MAX_DOCUMENT + 1);
    *document = malloc((size_t)most + 1);
    if (*document == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_source_read(source, 0, *document, (size_t)most, "disk descriptor", err));
    if (source->size > MAX_DOCUMENT)
        return ia_fail(err, IA_LIMIT, "disk descriptor of more than %jd bytes", (intmax_t)MAX_DOCUMENT);
    *size = (size_t)source->size;
    return IA_OK;
}

enum ia_status prl_read_descriptor(struct ia_image *image, struct ia_error *err)
{
    IA_AUTO_FREE char *document = NULL;
    size_t size = 0;
    IA_TRY(read_document(image->main, &document, &size, err));
    struct reading r = {.image = image, .disk = image->state, .padding = -1, .sector_size = -1};
    r.disk->is_descriptor = true;
    const struct ia_xml_handler handler = {.ctx = &r, .start = on_start, .text = on_text, .end = on_end};
    enum ia_status status = ia_xml_parse(document, size, &handler, err);
    ia_buf_release(&r.text);
    IA_TRY(status);
    return check_parameters(&r, err);
}
