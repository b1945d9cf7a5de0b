/* SPDX-License-Identifier: MIT */
/* Is there a file beside an image that describes it? */
#include "chain/described.h"

#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"

/* Of any kind: what is in its place is not left out of account. */
static bool is_there(const char *path, size_t len, const char *rest)
{
    struct stat st;
    IA_AUTO_BUF struct ia_buf name = {0};
    ia_buf_add(&name, path, len);
    ia_buf_add_str(&name, rest);
    return name.failed || lstat(name.data, &st) == 0; /* without memory the rest fails, too */
}

const struct ia_format *ia_described_format(const char *path)
{
    for (size_t i = 0; ia_formats[i] != NULL; i++) {
        const struct ia_format *format = ia_formats[i];
        if (format->may_be_described != NULL && format->may_be_described(ia_path_name(path)) &&
            (is_there(path, strlen(path), format->description) ||
             is_there(path, ia_path_directory_length(path), format->description_of_all)))
            return format;
    }
    return NULL;
}
