/* SPDX-License-Identifier: MIT */
/* What is beside an image: NAME.meta (`type disk struct` of longhorn-engine's pkg/replica/replica.go: Name, Parent,
 * Removed, UserCreated, Created, Labels) and volume.meta (`type Info struct`: Size, Head, Dirty, Rebuilding, Error,
 * Parent, SectorSize, BackingFilePath, Encrypted). Go writes every member, so one that is not there is no "": nothing
 * is known then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "format/longhorn/internal.h"
#include "io/json.h"

static enum ia_status read_description(struct ia_image *image, size_t number, struct ia_json **out,
                                       struct ia_error *err)
{
    struct ia_source *source = image->parts.items[number];
    if (source->size > LONGHORN_MAX_DESCRIPTION)
        return ia_fail(err, IA_LIMIT, "its description has %jd bytes, more than %d", (intmax_t)source->size,
                       LONGHORN_MAX_DESCRIPTION);
    IA_AUTO_FREE char *bytes = malloc((size_t)source->size + 1);
    if (bytes == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_source_read(source, 0, bytes, (size_t)source->size, "its description", err));
    struct ia_error cause;
    enum ia_status status = ia_json_open(bytes, (size_t)source->size, out, &cause);
    const char *name = number == LONGHORN_DISK ? ".meta" : "volume.meta";
    return status == IA_OK ? IA_OK : ia_fail(err, status, "%s: %s", name, cause.message);
}

static void add_word(struct ia_image *image, const char *word)
{
    size_t len = strlen(image->facts.variant);
    snprintf(image->facts.variant + len, sizeof(image->facts.variant) - len, "%s%s", len > 0 ? " " : "", word);
}

/* Longhorn finds parents among the files of the directory by their names: readMetadata, Chain. */
static bool is_file_name(const char *name)
{
    return strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static enum ia_status set_parent(struct ia_image *image, const char *parent, struct ia_error *err)
{
    struct ia_image_facts *facts = &image->facts;
    if (!is_file_name(parent))
        return ia_fail(err, IA_CORRUPT, ".meta: the Parent '%s' is no name of a file", parent);
    facts->backing_name = strdup(parent);
    facts->backing_format = strdup(image->format->name);
    bool added =
        facts->backing_name != NULL && facts->backing_format != NULL && ia_image_facts_add_backing_path(facts, parent);
    return added ? IA_OK : ia_no_memory(err);
}

static enum ia_status read_disk(struct ia_image *image, const struct ia_json *json, struct ia_error *err)
{
    const char *parent;
    struct ia_error cause;
    enum ia_status status = ia_json_text(json, "Parent", &parent, &cause);
    if (status != IA_OK)
        return ia_fail(err, status, ".meta: %s", cause.message);
    if (ia_json_is_true(json, "UserCreated"))
        add_word(image, "user-created");
    image->facts.kept = !ia_json_is_true(json, "Removed");
    if (!image->facts.kept) /* it is read all the same, until it was merged */
        add_word(image, "removed");
    if (parent[0] != '\0')
        return set_parent(image, parent, err);
    return ia_image_facts_add_part(&image->facts, image->format->description_of_all, "description", IA_PART_DESCRIPTION)
               ? IA_OK
               : ia_no_memory(err);
}

/* DISK/replicas/NAME and DISK/backing-images/IMAGE/backing are on one disk of Longhorn's, and engines see all of the
 * host below /host (GetBackingImagePathForReplicaManagerContainer of longhorn-manager's types/types.go). All that is
 * there counts as named. */
static bool add_backing_paths(struct ia_image_facts *facts, const char *path)
{
    static const char host[] = "/host/";
    const char *name = ia_path_name(path);
    const char *image = name;
    for (int i = 0; i < 2 && image > path; i++) /* two components more */
        for (image--; image > path && image[-1] != '/';)
            image--;
    bool added = true;
    if (strncmp(image, "backing-images/", 15) == 0) {
        IA_AUTO_BUF struct ia_buf beside = {0};
        ia_buf_addf(&beside, "../../%s", image);
        added = !beside.failed && ia_image_facts_add_backing_path(facts, beside.data);
    }
    if (strncmp(path, host, sizeof(host) - 1) == 0)
        added = added && ia_image_facts_add_backing_path(facts, path + sizeof(host) - 2);
    return added && ia_image_facts_add_backing_path(facts, path);
}

static enum ia_status read_volume(struct ia_image *image, const struct ia_json *json, struct ia_error *err)
{
    const char *backing;
    struct ia_error cause;
    enum ia_status status = ia_json_text(json, "BackingFilePath", &backing, &cause);
    if (status != IA_OK)
        return ia_fail(err, status, "volume.meta: %s", cause.message);
    if (ia_json_is_true(json, "Rebuilding")) {
        image->facts.dirty = true;
        add_word(image, "rebuilding");
    }
    if (backing[0] == '\0')
        return IA_OK;
    image->facts.backing_name = strdup(backing);
    return image->facts.backing_name != NULL && add_backing_paths(&image->facts, backing) ? IA_OK : ia_no_memory(err);
}

enum ia_status longhorn_attached(struct ia_image *image, size_t number, struct ia_error *err)
{
    struct longhorn *longhorn = image->state;
    IA_AUTO_JSON struct ia_json *json = NULL;
    struct ia_error cause = {0};
    enum ia_status status = read_description(image, number, &json, &cause);
    if (status == IA_OK)
        status = number == LONGHORN_DISK ? read_disk(image, json, &cause) : read_volume(image, json, &cause);
    if (status == IA_NOMEM)
        return ia_no_memory(err);
    if (status != IA_OK) {
        longhorn->status = status;
        longhorn->failed = cause;
    }
    return IA_OK;
}
