/* SPDX-License-Identifier: MIT */
/* What libvhdi, written by somebody else, reads from a VHD or VHDX disk and its parents:
 *     vhdi_read OUT IMAGE [PARENT]...
 * OUT becomes a raw file of the media's size. Prints the identifiers, and the parent's name, of IMAGE. */
#include <errno.h>
#include <libvhdi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILES = 64, BUFFER_BYTES = 1 << 20 };

static int fail(const char *what, libvhdi_error_t *error)
{
    fprintf(stderr, "vhdi_read: cannot %s\n", what);
    libvhdi_error_backtrace_fprint(error, stderr);
    libvhdi_error_free(&error);
    return 1;
}

/* Opens files[0] and what it is based on, each the child of the next. */
static int open_chain(libvhdi_file_t **files, char *const *names, int count)
{
    libvhdi_error_t *error = NULL;
    for (int i = count - 1; i >= 0; i--) {
        if (libvhdi_file_initialize(&files[i], &error) != 1 ||
            libvhdi_file_open(files[i], names[i], LIBVHDI_OPEN_READ, &error) != 1)
            return fail(names[i], error);
        if (i + 1 < count && libvhdi_file_set_parent_file(files[i], files[i + 1], &error) != 1)
            return fail("set the parent", error);
    }
    return 0;
}

static void print_guid(const char *what, const uint8_t guid[16])
{
    printf("%s ", what);
    for (int i = 0; i < 16; i++)
        printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", guid[i]);
    printf("\n");
}

static int print_names(libvhdi_file_t *file)
{
    libvhdi_error_t *error = NULL;
    uint8_t guid[16];
    uint8_t name[4096];
    size_t size = 0;
    if (libvhdi_file_get_identifier(file, guid, sizeof(guid), &error) != 1)
        return fail("tell the identifier", error);
    print_guid("identifier", guid);
    if (libvhdi_file_get_parent_identifier(file, guid, sizeof(guid), &error) == 1)
        print_guid("parent", guid);
    if (libvhdi_file_get_utf8_parent_filename_size(file, &size, &error) == 1 && size > 0 && size <= sizeof(name) &&
        libvhdi_file_get_utf8_parent_filename(file, name, size, &error) == 1)
        printf("name %s\n", (const char *)name);
    libvhdi_error_free(&error);
    return 0;
}

static int copy(libvhdi_file_t *file, FILE *out)
{
    static uint8_t buffer[BUFFER_BYTES];
    libvhdi_error_t *error = NULL;
    size64_t size = 0;
    if (libvhdi_file_get_media_size(file, &size, &error) != 1)
        return fail("tell the media size", error);
    for (size64_t at = 0; at < size;) {
        size_t len = size - at < sizeof(buffer) ? (size_t)(size - at) : sizeof(buffer);
        ssize_t got = libvhdi_file_read_buffer_at_offset(file, buffer, len, (off64_t)at, &error);
        if (got <= 0)
            return fail("read", error);
        if (fwrite(buffer, 1, (size_t)got, out) != (size_t)got)
            return fail("write", error);
        at += (size64_t)got;
    }
    return 0;
}

int main(int argc, char **argv)
{
    libvhdi_file_t *files[MOST_FILES] = {NULL};
    int count = argc - 2;
    if (count < 1 || count > MOST_FILES) {
        fprintf(stderr, "usage: vhdi_read OUT IMAGE [PARENT]...\n");
        return 2;
    }
    FILE *out = fopen(argv[1], "wb");
    if (out == NULL) {
        fprintf(stderr, "vhdi_read: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    int code = open_chain(files, argv + 2, count);
    if (code == 0)
        code = print_names(files[0]);
    if (code == 0)
        code = copy(files[0], out);
    if (fclose(out) != 0)
        code = 1;
    for (int i = 0; i < count; i++)
        if (files[i] != NULL)
            libvhdi_file_free(&files[i], NULL);
    return code;
}
