/* SPDX-License-Identifier: MIT */
/* The texts of the elements of DiskDescriptor.xml: numbers of sectors, GUIDs, types and names. */
#include <ctype.h>
#include <string.h>

#include "base/checked.h"
#include "format/parallels/descriptor.h"

static enum ia_status twice(enum prl_element element, struct ia_error *err)
{
    return ia_fail(err, IA_CORRUPT, "%s holds more than one %s", prl_elements[prl_elements[element].parent].name,
                   prl_elements[element].name);
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
static enum ia_status take_number(const struct prl_reading *r, const char *text, int64_t unit, int64_t *out,
                                  struct ia_error *err)
{
    int64_t value = 0;
    if (*out != -1)
        return twice(r->at, err);
    for (const char *digit = text; *digit != '\0'; digit++)
        if (*digit < '0' || *digit > '9' || !ia_mul(value, 10, &value) || !ia_add(value, *digit - '0', &value))
            return ia_fail(err, IA_CORRUPT, "%s: '%.40s' is no number of sectors", prl_elements[r->at].name, text);
    if (text[0] == '\0' || value > PRL_MAX_SIZE / unit)
        return ia_fail(err, IA_CORRUPT, "%s: '%.40s' is no number of sectors", prl_elements[r->at].name, text);
    *out = value * unit;
    return IA_OK;
}

/* "{12345678-9abc-def1-2345-6789abcdef12}", in either case. */
static enum ia_status take_guid(const struct prl_reading *r, const char *text, struct prl_guid *out,
                                struct ia_error *err)
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
        return ia_fail(err, IA_CORRUPT, "%s: '%.60s' is no GUID", prl_elements[r->at].name, text);
    *out = guid;
    return IA_OK;
}

static enum ia_status take_type(const struct prl_reading *r, const char *text, struct prl_piece *piece,
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
static enum ia_status take_file(const struct prl_reading *r, const char *name, struct ia_error *err)
{
    if (r->image->facts.parts.len == r->disk->pieces.len)
        return twice(r->at, err);
    if (name[0] == '\0')
        return ia_fail(err, IA_CORRUPT, "image %zu has no file", r->disk->pieces.len);
    if (!ia_image_facts_add_part(&r->image->facts, name, "extent", IA_PART_BESIDE))
        return ia_no_memory(err);
    return IA_OK;
}

static enum ia_status take_name(const struct prl_reading *r, const char *text, struct prl_shot *shot,
                                struct ia_error *err)
{
    if (shot->name != NULL)
        return twice(r->at, err);
    shot->name = strdup(text);
    return shot->name != NULL ? IA_OK : ia_no_memory(err);
}

/* Unencrypted disks have an engine, too: the GUID of zeroes. */
static void note_encryption(const struct prl_reading *r, const char *text)
{
    if (text[strspn(text, "{}-0")] != '\0')
        r->disk->is_encrypted = true;
}

enum ia_status prl_take_text(struct prl_reading *r, char *whole, struct ia_error *err)
{
    struct prl_disk *disk = r->disk;
    struct prl_storage *storage = disk->storages.len > 0 ? &disk->storages.items[disk->storages.len - 1] : NULL;
    struct prl_piece *piece = disk->pieces.len > 0 ? &disk->pieces.items[disk->pieces.len - 1] : NULL;
    struct prl_shot *shot = disk->shots.len > 0 ? &disk->shots.items[disk->shots.len - 1] : NULL;
    if (r->at == PRL_IMAGE_FILE)
        return take_file(r, whole, err);
    const char *text = trim(whole);
    switch (r->at) {
    case PRL_DISK_SIZE:
        return take_number(r, text, PRL_SECTOR, &disk->size, err);
    case PRL_PADDING:
        return take_number(r, text, 1, &r->padding, err);
    case PRL_SECTOR_SIZE:
        return take_number(r, text, 1, &r->sector_size, err);
    case PRL_STORAGE_START:
        return take_number(r, text, PRL_SECTOR, &storage->start, err);
    case PRL_STORAGE_END:
        return take_number(r, text, PRL_SECTOR, &storage->end, err);
    case PRL_BLOCK_SIZE:
        return take_number(r, text, PRL_SECTOR, &storage->cluster_size, err);
    case PRL_IMAGE_GUID:
        return take_guid(r, text, &piece->guid, err);
    case PRL_IMAGE_TYPE:
        return take_type(r, text, piece, err);
    case PRL_TOP_GUID:
        return take_guid(r, text, &disk->top_guid, err);
    case PRL_SHOT_GUID:
        return take_guid(r, text, &shot->guid, err);
    case PRL_PARENT_GUID:
        return take_guid(r, text, &shot->parent_guid, err);
    case PRL_SHOT_NAME:
        return take_name(r, text, shot, err);
    default:
        note_encryption(r, text);
        return IA_OK;
    }
}
