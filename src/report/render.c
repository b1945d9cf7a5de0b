/* SPDX-License-Identifier: MIT */
/* The list of renderers, and what they share: writing out what they made and noticing when that fails. */
#include "report/render.h"

#include <errno.h>
#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/render_formats.h"

static const struct ia_renderer *const renderers[] = {
    &ia_render_table,
    &ia_render_json,
    &ia_render_ndjson,
    &ia_render_csv,
};

#define RENDERER_COUNT (sizeof(renderers) / sizeof(renderers[0]))

const struct ia_renderer *ia_renderer_find(const char *name)
{
    for (size_t i = 0; i < RENDERER_COUNT; i++)
        if (strcmp(renderers[i]->name, name) == 0)
            return renderers[i];
    return NULL;
}

void ia_renderer_names(struct ia_buf *out)
{
    for (size_t i = 0; i < RENDERER_COUNT; i++) {
        ia_buf_add_str(out, i == 0 ? "" : ", ");
        ia_buf_add_str(out, renderers[i]->name);
    }
}

void ia_render_locale(struct ia_render_options *options, FILE *out)
{
    options->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    options->width = 0;
    int fd = fileno(out);
    if (fd < 0 || !isatty(fd))
        return;
    struct winsize size;
    options->width = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static enum ia_status write_out(struct ia_render *render, struct ia_error *err)
{
    struct ia_buf *buf = &render->buf;
    if (buf->failed)
        return ia_no_memory(err);
    if (buf->len > 0 && fwrite(buf->data, 1, buf->len, render->out) != buf->len)
        return ia_fail_errno(err, errno, "cannot write the output");
    ia_buf_clear(buf);
    return IA_OK;
}

enum ia_status ia_render_begin(struct ia_render *render, const struct ia_renderer *renderer,
                               const struct ia_render_options *options, const struct ia_render_head *head, FILE *out,
                               struct ia_error *err)
{
    *render = (struct ia_render){.renderer = renderer, .head = head, .options = *options, .out = out};
    IA_TRY(renderer->begin(render, err));
    return write_out(render, err);
}

enum ia_status ia_render_row(struct ia_render *render, const struct ia_cell *cells, struct ia_error *err)
{
    IA_TRY(render->renderer->row(render, cells, err));
    IA_TRY(write_out(render, err));
    render->rows++;
    return IA_OK;
}

enum ia_status ia_render_end(struct ia_render *render, struct ia_error *err)
{
    IA_TRY(render->renderer->end(render, err));
    IA_TRY(write_out(render, err));
    if (fflush(render->out) != 0 || ferror(render->out))
        return ia_fail_errno(err, errno, "cannot write the output");
    return IA_OK;
}

void ia_render_release(struct ia_render *render)
{
    if (render->renderer != NULL && render->renderer->release != NULL)
        render->renderer->release(render);
    ia_buf_release(&render->buf);
}
