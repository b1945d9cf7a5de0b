/* SPDX-License-Identifier: MIT */
/* What is beside it, the first bytes, then the last ones, then names. */
#include "scan/reading/decide.h"

#include <string.h>

#include "base/checked.h"
#include "base/path.h"
#include "format/raw/raw.h"
#include "io/packed.h"

static enum ia_status probe_footer_at(struct ia_source *source, int64_t at, const struct ia_format **out,
                                      struct ia_error *err)
{
    uint8_t footer[512] = {0};
    size_t len = (size_t)ia_min((int64_t)sizeof(footer), source->size - at);
    enum ia_status status = ia_source_read(source, at, footer, len, "the last bytes", err);
    if (status == IA_OK)
        *out = ia_format_probe_footer(footer);
    return status;
}

/* Nothing at the beginning; some formats put their mark at the end. It is looked for in the last 512 bytes, and, as old
 * footers of VHD are a byte short, in the last sector. What is raw by name is not looked at. */
static enum ia_status decide_by_footer(const struct ia_parse_request *request, struct ia_source *source,
                                       struct ia_decision *out, struct ia_error *err)
{
    enum { SECTOR = 512 };
    if (request->raw_by_name || request->raw_by_guess)
        return IA_OK;
    enum ia_status status = IA_OK;
    if (source->size >= SECTOR)
        status = probe_footer_at(source, source->size - SECTOR, &out->format, err);
    if (status == IA_OK && out->format == NULL && source->size % SECTOR != 0)
        status = probe_footer_at(source, source->size / SECTOR * SECTOR, &out->format, err);
    if (out->format != NULL)
        out->basis = IA_BASIS_FOOTER;
    return status;
}

/* A file of VMware's changed block tracking, NAME-ctk.vmdk: its name is that of an image, and it holds a bitmap. */
static enum ia_status probe_change_tracking(const struct ia_parse_request *request, struct ia_source *source, bool *is,
                                            struct ia_error *err)
{
    static const uint8_t magic[4] = {0xa2, 0x72, 0x19, 0xf6};
    uint8_t head[sizeof(magic)] = {0};
    if (ia_path_has_suffix(request->path, "-ctk.vmdk") && source->size >= (int64_t)sizeof(head))
        IA_TRY(ia_source_read(source, 0, head, sizeof(head), "the first bytes", err));
    *is = memcmp(head, magic, sizeof(magic)) == 0;
    return IA_OK;
}

/* No format is recognised: raw where that was stated, or where it begins as a disk does. */
static enum ia_status decide_raw(const struct ia_parse_request *request, struct ia_source *source,
                                 struct ia_decision *out, struct ia_error *err)
{
    const char *kind = "";
    bool is_stated = request->raw_by_name || request->raw_by_suffix || request->raw_by_guess || request->raw_by_past;
    bool is_tracking = false;
    IA_TRY(is_stated ? IA_OK : ia_raw_kind(source, &kind, err));
    IA_TRY(is_stated ? IA_OK : probe_change_tracking(request, source, &is_tracking, err));
    int64_t size = source->size;
    out->basis = kind[0] != '\0'          ? IA_BASIS_CONTENT
                 : request->raw_by_name   ? IA_BASIS_NAMED
                 : request->raw_by_suffix ? IA_BASIS_SUFFIX
                                          : IA_BASIS_GUESSED;
    if (is_stated || kind[0] != '\0') {
        out->format = ia_format_by_name("raw");
        out->class = IA_CLASS_IMAGE;
    } else if (is_tracking) {
        out->class = IA_CLASS_SKIPPED;
        out->reason = IA_REASON_CHANGE_TRACKING;
    } else if (request->claims_image) {
        out->class = IA_CLASS_UNKNOWN;
        out->reason = size == 0 ? IA_REASON_EMPTY : IA_REASON_UNRECOGNISED;
    } else {
        const char *file_system;
        IA_TRY(ia_raw_file_system(source, &file_system, err));
        out->class = IA_CLASS_SKIPPED;
        out->reason = size == 0 ? IA_REASON_EMPTY : file_system[0] != '\0' ? IA_REASON_FILE_SYSTEM : IA_REASON_NO_MAGIC;
    }
    return IA_OK;
}

enum ia_status ia_decide(const struct ia_parse_request *request, struct ia_source *source, struct ia_decision *out,
                         struct ia_error *err)
{
    *out = (struct ia_decision){.class = IA_CLASS_IMAGE, .basis = IA_BASIS_STATED};
    if (request->stated == NULL && request->described != NULL) { /* whatever a guest wrote to its beginning */
        out->format = request->described;
        out->basis = IA_BASIS_BESIDE;
        return IA_OK;
    }
    uint8_t head[IA_PROBE_BYTES] = {0};
    enum ia_status status =
        ia_source_read(source, 0, head, (size_t)ia_min(source->size, sizeof(head)), "the first bytes", err);
    if (status != IA_OK)
        return status;
    out->format = ia_format_probe(head, source->size > 0 ? sizeof(head) : 0, NULL);
    bool agrees = out->format != NULL && request->stated != NULL && strcmp(out->format->name, request->stated) == 0;
    if (request->stated != NULL && !agrees) {
        out->format = ia_format_by_name(request->stated);
        out->known = out->format == NULL ? request->stated : NULL;
        return IA_OK;
    }
    out->basis = IA_BASIS_CONTENT;
    out->looks_packed = ia_packed_has_magic(head, sizeof(head));
    if (out->format == NULL)
        status = decide_by_footer(request, source, out, err);
    if (status == IA_OK && out->format == NULL)
        status = decide_raw(request, source, out, err);
    return status;
}
