/* SPDX-License-Identifier: MIT */
/* Loading libarchive. */
#include "io/archive_library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

_Static_assert(ARCHIVE_VERSION_NUMBER / 1000000 == 3, "libarchive.so.13 is that of version 3");

static bool find(void *handle, const char *name, void *out)
{
    void *found = dlsym(handle, name);
    memcpy(out, &found, sizeof(found)); /* a pointer to a function, as POSIX has it */
    return found != NULL;
}

enum ia_status ia_archive_library_load(struct ia_archive_library *out, struct ia_error *err)
{
    void *handle = dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    bool found = handle != NULL;
    if (handle == NULL)
        return ia_fail(err, IA_MISSING, "libarchive, which unpacks, is not installed (libarchive.so.13)");
#define FIND(function) found = found && find(handle, #function, &out->function)
    IA_ARCHIVE_FUNCTIONS(FIND);
#undef FIND
    dlclose(handle); /* it stays, by RTLD_NODELETE */
    return found ? IA_OK : ia_fail(err, IA_MISSING, "libarchive.so.13 is too old");
}
