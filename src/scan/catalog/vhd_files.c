/* SPDX-License-Identifier: MIT */
/* The small files of VHDs that are directories. */
#include "scan/catalog/vhd_files.h"

#include "base/cleanup.h"
#include "io/source.h"

char *ia_vhd_join(const char *directory, const char *name)
{
    struct ia_buf path = {0};
    ia_buf_add_str(&path, directory);
    ia_buf_add_char(&path, '/');
    ia_buf_add_str(&path, name);
    return ia_buf_steal(&path);
}

enum ia_status ia_vhd_read_small(const struct ia_catalog *catalog, const char *path, size_t most, char *out,
                                 size_t *len, struct ia_error *err)
{
    struct stat st;
    struct ia_error cause;
    struct ia_source *source = NULL;
    IA_AUTO_CLOSE int fd = -1;
    *len = 0;
    out[0] = '\0';
    enum ia_status status = ia_confine_open(&catalog->confine, path, &fd, &st, &cause);
    if (status == IA_OK && (status = ia_source_open_fd(fd, &source, &cause)) == IA_OK)
        ia_steal_fd(&fd);
    if (status == IA_OK && source->size <= (int64_t)most)
        status = ia_source_read(source, 0, out, (size_t)source->size, "a small file", &cause);
    if (status == IA_OK && source->size <= (int64_t)most)
        *len = (size_t)source->size;
    out[*len] = '\0';
    ia_source_close(source);
    return status == IA_NOMEM ? ia_no_memory(err) : IA_OK;
}
