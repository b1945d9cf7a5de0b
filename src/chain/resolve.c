/* SPDX-License-Identifier: MIT */
/* Looking up names of images, and opening what they lead to. */
#include "chain/resolve.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"

void ia_resolved_release(struct ia_resolved *resolved)
{
    free(resolved->path);
    free(resolved->named);
    *resolved = (struct ia_resolved){0};
}

static enum ia_resolve_state state_of(enum ia_status status)
{
    switch (status) {
    case IA_OK:
        return IA_RESOLVE_FOLLOWED;
    case IA_REFUSED:
        return IA_RESOLVE_OUTSIDE;
    case IA_MISSING:
        return IA_RESOLVE_MISSING;
    case IA_LOOP:
        return IA_RESOLVE_LOOP;
    default:
        return IA_RESOLVE_DENIED;
    }
}

/* A canonical path that may be opened: what is there? */
static enum ia_resolve_state look_at(struct ia_resolved *out)
{
    if (lstat(out->path, &out->st) != 0)
        return state_of(ia_fail_errno(&out->cause, errno, "'%s'", out->path));
    if (S_ISREG(out->st.st_mode) || S_ISBLK(out->st.st_mode))
        return IA_RESOLVE_FOLLOWED;
    ia_fail(&out->cause, IA_REFUSED, "'%s' is neither a regular file nor a block device", out->path);
    return IA_RESOLVE_NOT_A_FILE;
}

/* One more name of a file inside, by a hard link or mount, is that file. Looked at, never opened. */
static enum ia_resolve_state look_outside(const struct ia_resolve_rules *rules, struct ia_resolved *out)
{
    bool known = lstat(out->path, &out->st) == 0 && rules->is_known != NULL && rules->is_known(rules->known, &out->st);
    return known ? IA_RESOLVE_FOLLOWED : IA_RESOLVE_OUTSIDE;
}

/* Finds where out->named leads. */
static enum ia_status look_up(const struct ia_resolve_rules *rules, struct ia_resolved *out)
{
    enum ia_status resolved = ia_confine_resolve(rules->confine, out->named, &out->path, &out->cause);
    out->found = state_of(resolved);
    if (resolved == IA_OK)
        out->found = look_at(out);
    else if (resolved == IA_REFUSED)
        out->found = look_outside(rules, out);
    else if (resolved != IA_NOMEM)
        out->path = strdup(out->named);
    return out->path != NULL ? IA_OK : IA_NOMEM;
}

/* Looks up a path from beside the image, or from the working directory where image is NULL. */
static enum ia_status find(const struct ia_resolve_rules *rules, const char *image, const char *path,
                           struct ia_resolved *out, struct ia_error *err)
{
    *out = (struct ia_resolved){.named = image != NULL ? ia_reference_combine(image, path) : strdup(path)};
    if (out->named != NULL && look_up(rules, out) == IA_OK)
        return IA_OK;
    ia_resolved_release(out);
    return ia_no_memory(err);
}

enum ia_status ia_resolve_path(const struct ia_resolve_rules *rules, const char *image, const char *path,
                               struct ia_resolved *out, struct ia_error *err)
{
    enum ia_status status = find(rules, image, path, out, err);
    out->state = out->found;
    return status;
}

static void set_unsupported(struct ia_resolved *out)
{
    out->state = IA_RESOLVE_UNSUPPORTED;
    ia_fail(&out->cause, IA_UNSUPPORTED,
            "a protocol or json: description that is not followed"
            " (for a file with such a name, put ./ before it)");
}

/* The file is used as the reference describes it. The format that an image states goes before that of the reference: a
 * bare file takes none, and only raw has slices. */
static bool is_plain(const struct ia_resolve_rules *rules, const struct ia_reference *reference, const char *format)
{
    switch (reference->kind) {
    case IA_REFERENCE_PATH:
    case IA_REFERENCE_WORKING_DIR:
        return !reference->bare_file || format == NULL;
    case IA_REFERENCE_SLICE:
        return rules->take_slices && (format == NULL || strcmp(format, "raw") == 0);
    default:
        return false;
    }
}

enum ia_status ia_resolve(const struct ia_resolve_rules *rules, const char *image, const struct ia_reference *reference,
                          const char *format, struct ia_resolved *out, struct ia_error *err)
{
    bool beside = reference->kind == IA_REFERENCE_PATH || !rules->from_working_dir;
    enum ia_status status = IA_OK;
    *out = (struct ia_resolved){0};
    if (reference->path != NULL)
        status = find(rules, beside ? image : NULL, reference->path, out, err);
    if (status != IA_OK)
        return status;
    out->state = out->found;
    if (reference->kind == IA_REFERENCE_REMOTE) {
        out->state = IA_RESOLVE_REMOTE;
        ia_fail(&out->cause, IA_UNSUPPORTED, "not a local file");
    } else if (!is_plain(rules, reference, format)) {
        set_unsupported(out);
    } else if (reference->kind == IA_REFERENCE_WORKING_DIR && !rules->from_working_dir) {
        out->state = IA_RESOLVE_AMBIGUOUS;
    }
    return IA_OK;
}

/* QEMU takes a relative name of a data file from its working directory, however the name is spelled. */
static enum ia_status resolve_data_file(const struct ia_resolve_rules *rules, const char *image,
                                        const struct ia_image_part *part, struct ia_resolved *out, struct ia_error *err)
{
    IA_AUTO_REFERENCE struct ia_reference reference = {0};
    enum ia_status status = ia_reference_parse(part->name, &reference, err);
    if (status != IA_OK)
        return status;
    if (reference.kind == IA_REFERENCE_PATH && reference.path[0] != '/')
        reference.kind = IA_REFERENCE_WORKING_DIR;
    if (reference.kind == IA_REFERENCE_PATH || reference.kind == IA_REFERENCE_WORKING_DIR)
        return ia_resolve(rules, image, &reference, NULL, out, err);
    out->state = reference.kind == IA_REFERENCE_REMOTE ? IA_RESOLVE_REMOTE : IA_RESOLVE_UNSUPPORTED;
    ia_fail(&out->cause, IA_UNSUPPORTED, "%s file '%s' is not a local file", part->role, part->name);
    return IA_OK;
}

static enum ia_status resolve_beside(const struct ia_resolve_rules *rules, const char *image, const char *name,
                                     struct ia_resolved *out, struct ia_error *err)
{
    enum ia_status status = ia_resolve_path(rules, image, name, out, err);
    bool exists = out->found == IA_RESOLVE_FOLLOWED || out->found == IA_RESOLVE_NOT_A_FILE;
    if (status == IA_OK && exists && rules->parts_stay && !ia_path_is_below_directory_of(out->path, image)) {
        out->state = out->found = IA_RESOLVE_OUTSIDE;
        ia_fail(&out->cause, IA_REFUSED, "'%s' is outside the directory of the image", out->path);
    }
    return status;
}

/* A file called as the image is, with something behind it. */
static enum ia_status resolve_appended(const struct ia_resolve_rules *rules, const char *image, const char *ending,
                                       struct ia_resolved *out, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf name = {0};
    ia_buf_add_str(&name, ia_path_name(image));
    ia_buf_add_str(&name, ending);
    return name.failed ? ia_no_memory(err) : resolve_beside(rules, image, name.data, out, err);
}

enum ia_status ia_resolve_part(const struct ia_resolve_rules *rules, const char *image,
                               const struct ia_image_part *part, struct ia_resolved *out, struct ia_error *err)
{
    *out = (struct ia_resolved){0};
    if (part->name == NULL) {
        out->state = IA_RESOLVE_UNSUPPORTED;
        ia_fail(&out->cause, IA_CORRUPT, "the image does not name its %s file", part->role);
        return IA_OK;
    }
    if (part->place == IA_PART_OWN_DESCRIPTION)
        return resolve_appended(rules, image, part->name, out, err);
    return part->place == IA_PART_REFERENCE ? resolve_data_file(rules, image, part, out, err)
                                            : resolve_beside(rules, image, part->name, out, err);
}

enum ia_status ia_resolved_open(const struct ia_confine *confine, struct ia_resolved *resolved, struct ia_source **out,
                                struct ia_error *err)
{
    bool usable = resolved->state == IA_RESOLVE_FOLLOWED || resolved->state == IA_RESOLVE_AMBIGUOUS;
    IA_AUTO_CLOSE int fd = -1;
    if (!usable || resolved->found != IA_RESOLVE_FOLLOWED) {
        assert(resolved->cause.status != IA_OK);
        *err = resolved->cause;
        return resolved->cause.status;
    }
    enum ia_status status = ia_confine_open_again(confine, resolved->path, &fd, &resolved->st, err);
    if (status == IA_OK)
        status = ia_source_open_fd(fd, out, err);
    if (status == IA_OK)
        ia_steal_fd(&fd);
    return status;
}
