/* SPDX-License-Identifier: MIT */
/* Matching paths. */
#include "base/path.h"

#include <fnmatch.h>

bool ia_path_matches(const char *path, const char *glob)
{
    return fnmatch(glob, path, 0) == 0 || fnmatch(glob, ia_path_name(path), 0) == 0;
}
