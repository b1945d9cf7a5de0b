/* SPDX-License-Identifier: MIT */
/* Matching paths, and simplifying them. */
#include "base/path.h"

#include <fnmatch.h>

bool ia_path_matches(const char *path, const char *glob)
{
    return fnmatch(glob, path, 0) == 0 || fnmatch(glob, ia_path_name(path), 0) == 0;
}

static bool is_component(const char *component, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(component, text, len) == 0;
}

void ia_path_simplify(char *path)
{
    size_t out = 0;                             /* what is written ends in no slash; "" stands for the root directory */
    for (const char *at = path; *at != '\0';) { /* ends: each round takes a byte at least */
        at += strspn(at, "/");
        size_t len = strcspn(at, "/");
        if (is_component(at, len, "..")) {
            while (out > 0 && path[--out] != '/') /* ends: it grows shorter */
                ;
        } else if (len > 0 && !is_component(at, len, ".")) {
            path[out++] = '/'; /* behind that, nothing was read yet */
            memmove(path + out, at, len);
            out += len;
        }
        at += len;
    }
    if (out == 0)
        path[out++] = '/';
    path[out] = '\0';
}
