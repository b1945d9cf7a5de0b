/* SPDX-License-Identifier: MIT */
/* Standard output, and files that are replaced as a whole. */
#include "report/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* What open() would give a new file. There is one thread while reports are written. */
static mode_t default_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static enum ia_status open_directly(struct ia_output *output, const char *path, struct ia_error *err)
{
    output->file = fopen(path, "we");
    return output->file != NULL ? IA_OK : ia_fail_errno(err, errno, "cannot open '%s'", path);
}

static enum ia_status open_beside(struct ia_output *output, const char *path, mode_t mode, struct ia_error *err)
{
    /* A symbolic link stays; what it leads to is replaced. */
    output->path = realpath(path, NULL);
    if (output->path == NULL && errno == ENOENT)
        output->path = strdup(path);
    if (output->path == NULL)
        return ia_fail_errno(err, errno, "cannot resolve '%s'", path);
    IA_AUTO_BUF struct ia_buf temp = {0};
    ia_buf_addf(&temp, "%s.XXXXXX", output->path);
    IA_AUTO_FREE char *name = ia_buf_steal(&temp);
    if (name == NULL)
        return ia_no_memory(err);
    IA_AUTO_CLOSE int fd = mkstemp(name);
    if (fd < 0)
        return ia_fail_errno(err, errno, "cannot create a file beside '%s'", path);
    output->temp = ia_steal_ptr(name);
    output->file = fchmod(fd, mode) == 0 ? fdopen(fd, "w") : NULL;
    if (output->file == NULL)
        return ia_fail_errno(err, errno, "cannot write '%s'", output->temp);
    ia_steal_fd(&fd);
    return IA_OK;
}

enum ia_status ia_output_open(struct ia_output *output, const char *path, FILE *standard, struct ia_error *err)
{
    *output = (struct ia_output){0};
    if (path == NULL || strcmp(path, "-") == 0) {
        *output = (struct ia_output){.file = standard, .standard = true};
        return IA_OK;
    }
    struct stat st;
    if (stat(path, &st) != 0)
        return open_beside(output, path, default_mode(), err);
    if (S_ISREG(st.st_mode))
        return open_beside(output, path, st.st_mode & 0777, err);
    return open_directly(output, path, err);
}

enum ia_status ia_output_commit(struct ia_output *output, struct ia_error *err)
{
    const char *what = output->path != NULL ? output->path : "the output";
    if (fflush(output->file) != 0 || ferror(output->file))
        return ia_fail_errno(err, errno, "cannot write %s", what);
    if (output->temp == NULL)
        return IA_OK;
    if (fsync(fileno(output->file)) != 0)
        return ia_fail_errno(err, errno, "cannot write '%s'", what);
    if (rename(output->temp, output->path) != 0)
        return ia_fail_errno(err, errno, "cannot replace '%s'", what);
    free(output->temp);
    output->temp = NULL;
    return IA_OK;
}

void ia_output_release(struct ia_output *output)
{
    if (output->file != NULL && !output->standard)
        fclose(output->file);
    if (output->temp != NULL)
        unlink(output->temp);
    free(output->temp);
    free(output->path);
    *output = (struct ia_output){0};
}
