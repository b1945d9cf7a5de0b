/* SPDX-License-Identifier: MIT */
/* DiskDescriptor.xml ("Parallels Disk Format", prl-xml): the document, element by element. The texts of
 * these are taken in descriptor_text.c, what it all means is worked out in tree.c. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "format/parallels/descriptor.h"
#include "io/xml.h"

#define MAX_DOCUMENT (1 << 20) /* bytes: thousands of pieces and shots */

/* Elements that are not named here, and all inside of them, mean nothing for the map. */
const struct prl_element_kind prl_elements[PRL_ELEMENTS] = {
    [PRL_DISK] = {"Parallels_disk_image", PRL_NOWHERE, false},
    [PRL_PARAMETERS] = {"Disk_Parameters", PRL_DISK, false},
    [PRL_DISK_SIZE] = {"Disk_size", PRL_PARAMETERS, true},
    [PRL_PADDING] = {"Padding", PRL_PARAMETERS, true},
    [PRL_SECTOR_SIZE] = {"LogicSectorSize", PRL_PARAMETERS, true},
    [PRL_ENCRYPTION] = {"Encryption", PRL_PARAMETERS, false},
    [PRL_ENGINE] = {"Engine", PRL_ENCRYPTION, true},
    [PRL_KEY_DATA] = {"Data", PRL_ENCRYPTION, true},
    [PRL_STORAGE_DATA] = {"StorageData", PRL_DISK, false},
    [PRL_STORAGE] = {"Storage", PRL_STORAGE_DATA, false},
    [PRL_STORAGE_START] = {"Start", PRL_STORAGE, true},
    [PRL_STORAGE_END] = {"End", PRL_STORAGE, true},
    [PRL_BLOCK_SIZE] = {"Blocksize", PRL_STORAGE, true},
    [PRL_IMAGE] = {"Image", PRL_STORAGE, false},
    [PRL_IMAGE_GUID] = {"GUID", PRL_IMAGE, true},
    [PRL_IMAGE_TYPE] = {"Type", PRL_IMAGE, true},
    [PRL_IMAGE_FILE] = {"File", PRL_IMAGE, true},
    [PRL_SNAPSHOTS] = {"Snapshots", PRL_DISK, false},
    [PRL_TOP_GUID] = {"TopGUID", PRL_SNAPSHOTS, true},
    [PRL_SHOT] = {"Shot", PRL_SNAPSHOTS, false},
    [PRL_SHOT_GUID] = {"GUID", PRL_SHOT, true},
    [PRL_PARENT_GUID] = {"ParentGUID", PRL_SHOT, true},
    [PRL_SHOT_NAME] = {"Name", PRL_SHOT, true},
};

static enum prl_element find_element(enum prl_element parent, const char *name)
{
    for (enum prl_element e = PRL_DISK; e < PRL_ELEMENTS; e++)
        if (prl_elements[e].parent == parent && strcmp(prl_elements[e].name, name) == 0)
            return e;
    return PRL_NOWHERE;
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

static enum ia_status enter(struct prl_reading *r, const char *const *attributes, struct ia_error *err)
{
    struct prl_disk *disk = r->disk;
    struct prl_storage storage = {.start = -1, .end = -1, .cluster_size = -1, .first = disk->pieces.len};
    struct prl_piece piece = {.file = (uint32_t)disk->pieces.len + 1};
    struct prl_shot shot = {.parent = PRL_NONE};
    bool added = true;
    switch (r->at) {
    case PRL_DISK:
        return check_version(attributes, err);
    case PRL_STORAGE:
        added = ia_vec_push(&disk->storages, storage);
        break;
    case PRL_IMAGE:
        added = ia_vec_push(&disk->pieces, piece);
        break;
    case PRL_SHOT:
        added = ia_vec_push(&disk->shots, shot);
        break;
    default:
        break;
    }
    return added ? IA_OK : ia_no_memory(err);
}

static enum ia_status on_start(void *ctx, const char *name, const char *const *attributes, struct ia_error *err)
{
    struct prl_reading *r = ctx;
    enum prl_element found = r->skipped > 0 ? PRL_NOWHERE : find_element(r->at, name);
    if (found == PRL_NOWHERE && r->at == PRL_NOWHERE && r->skipped == 0)
        return ia_fail(err, IA_NOT_MINE, "XML, but no disk descriptor of parallels");
    if (found == PRL_NOWHERE) {
        r->skipped++;
        return IA_OK;
    }
    r->at = found;
    ia_buf_clear(&r->text);
    return enter(r, attributes, err);
}

static enum ia_status on_text(void *ctx, const char *text, size_t len, struct ia_error *err)
{
    struct prl_reading *r = ctx;
    (void)err;
    if (r->skipped == 0 && prl_elements[r->at].has_text)
        ia_buf_add(&r->text, text, len);
    return IA_OK;
}

/* What has to be inside of an element, when it ends. */
static enum ia_status check_complete(const struct prl_reading *r, struct ia_error *err)
{
    const struct prl_disk *disk = r->disk;
    const char *missing = NULL;
    if (r->at == PRL_STORAGE) {
        struct prl_storage *storage = &disk->storages.items[disk->storages.len - 1];
        storage->count = disk->pieces.len - storage->first;
        missing = storage->start < 0          ? "Start"
                  : storage->end < 0          ? "End"
                  : storage->cluster_size < 0 ? "Blocksize"
                                              : NULL;
    } else if (r->at == PRL_IMAGE) {
        const struct prl_piece *piece = &disk->pieces.items[disk->pieces.len - 1];
        missing = piece->guid.text[0] == '\0'                     ? "GUID"
                  : !piece->has_type                              ? "Type"
                  : r->image->facts.parts.len != disk->pieces.len ? "File"
                                                                  : NULL;
    } else if (r->at == PRL_SHOT) {
        const struct prl_shot *shot = &disk->shots.items[disk->shots.len - 1];
        missing = shot->guid.text[0] == '\0' ? "GUID" : shot->parent_guid.text[0] == '\0' ? "ParentGUID" : NULL;
    }
    return missing == NULL ? IA_OK : ia_fail(err, IA_CORRUPT, "%s without %s", prl_elements[r->at].name, missing);
}

static enum ia_status on_end(void *ctx, const char *name, struct ia_error *err)
{
    struct prl_reading *r = ctx;
    (void)name;
    if (r->skipped > 0) {
        r->skipped--;
        return IA_OK;
    }
    if (!prl_elements[r->at].has_text) {
        IA_TRY(check_complete(r, err));
    } else {
        ia_buf_add_str(&r->text, ""); /* terminates an empty one */
        if (r->text.failed)
            return ia_no_memory(err);
        IA_TRY(prl_take_text(r, r->text.data, err));
    }
    r->at = prl_elements[r->at].parent;
    return IA_OK;
}

static enum ia_status check_parameters(const struct prl_reading *r, struct ia_error *err)
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
    struct prl_reading r = {.image = image, .disk = image->state, .padding = -1, .sector_size = -1};
    r.disk->is_descriptor = true;
    const struct ia_xml_handler handler = {.ctx = &r, .start = on_start, .text = on_text, .end = on_end};
    enum ia_status status = ia_xml_parse(document, size, &handler, err);
    ia_buf_release(&r.text);
    IA_TRY(status);
    return check_parameters(&r, err);
}
