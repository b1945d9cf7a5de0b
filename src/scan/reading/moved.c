/* SPDX-License-Identifier: MIT */
/* Files whose names lead elsewhere by the time that they are read. */
#include "scan/reading/reading.h"

bool ia_reading_has_moved(const struct ia_file *file, const struct ia_event *event)
{
    const struct ia_parse_result *result = &event->result;
    if (event->request.lock_only)
        return false;
    return result->opened ? !ia_file_is_of(file, &result->st)
                          : result->parsed.status == IA_MISSING || result->parsed.status == IA_REFUSED;
}

enum ia_status ia_reading_find_moved(struct ia_catalog *catalog, const struct ia_event *event, enum ia_moved *how,
                                     struct ia_error *err)
{
    struct ia_file *file = catalog->files.items[event->file];
    size_t names = file->names.len;
    IA_TRY(ia_catalog_check_names(catalog, event->file, err));
    *how = file->gone || file->look_again ? IA_MOVED_AWAY
           : file->names.len != names     ? IA_MOVED_TO_OTHER_NAMES
                                          : IA_MOVED_NOT;
    if (*how != IA_MOVED_NOT || !event->result.opened)
        return IA_OK;
    *how = IA_MOVED_BACK;
    file->class = IA_CLASS_UNKNOWN;
    file->reason = IA_REASON_UNREADABLE;
    file->checked_ns = 0;
    file->from_store = false;
    return IA_OK;
}
