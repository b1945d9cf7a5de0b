/* SPDX-License-Identifier: MIT */
/* The compression libraries behind one function. The only place that includes their headers. */
#include "content/inflate.h"

#include <bzlib.h>
#include <limits.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "content/adc.h"
#include "content/lzfse.h"

/* Windows of zstd and dictionaries of xz beyond this are refused: a compressed cluster is a few MiB. */
#define MAX_WINDOW_LOG 27
#define MAX_XZ_MEMORY (UINT64_C(256) << 20)

struct task {
    const uint8_t *in;
    size_t in_len; /* at most UINT_MAX */
    uint8_t *out;
    size_t out_len; /* the same */
    size_t produced;
};

static enum ia_status broken(const char *codec, const struct task *task, int code, struct ia_error *err)
{
    return ia_fail(err, IA_CORRUPT, "%s stream of at most %zu bytes is broken after %zu expanded bytes (code %d)",
                   codec, task->in_len, task->produced, code);
}

/* window: as inflateInit2 has it, negative for a stream without a zlib header. */
static enum ia_status expand_zlib(struct task *task, int window, struct ia_error *err)
{
    z_stream stream = {
        .next_in = (Bytef *)task->in,
        .avail_in = (uInt)task->in_len,
        .next_out = task->out,
        .avail_out = (uInt)task->out_len,
    };
    if (inflateInit2(&stream, window) != Z_OK)
        return ia_no_memory(err);
    int code = inflate(&stream, Z_FINISH);
    task->produced = task->out_len - stream.avail_out;
    inflateEnd(&stream);
    if (code == Z_STREAM_END || (code == Z_BUF_ERROR && task->produced == task->out_len))
        return IA_OK;
    return broken("deflate", task, code, err);
}

static enum ia_status expand_zstd(struct task *task, struct ia_error *err)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL)
        return ia_no_memory(err);
    ZSTD_inBuffer in = {.src = task->in, .size = task->in_len};
    ZSTD_outBuffer out = {.dst = task->out, .size = task->out_len};
    size_t code = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, MAX_WINDOW_LOG);
    size_t left = 1;
    /* Ends: a call that neither reads nor writes anything is the last one. */
    while (!ZSTD_isError(code) && left > 0 && out.pos < out.size) {
        size_t before = in.pos + out.pos;
        code = left = ZSTD_decompressStream(context, &out, &in);
        if (in.pos + out.pos == before)
            break;
    }
    ZSTD_freeDCtx(context);
    task->produced = out.pos;
    if (ZSTD_isError(code) || (left > 0 && out.pos < out.size))
        return broken("zstd", task, (int)ZSTD_getErrorCode(code), err);
    return IA_OK;
}

static enum ia_status expand_bzip2(struct task *task, struct ia_error *err)
{
    bz_stream stream = {
        .next_in = (char *)task->in,
        .avail_in = (unsigned)task->in_len,
        .next_out = (char *)task->out,
        .avail_out = (unsigned)task->out_len,
    };
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK)
        return ia_no_memory(err);
    int code = BZ2_bzDecompress(&stream);
    task->produced = task->out_len - stream.avail_out;
    BZ2_bzDecompressEnd(&stream);
    if (code == BZ_STREAM_END || (code == BZ_OK && task->produced == task->out_len))
        return IA_OK;
    return broken("bzip2", task, code, err);
}

static enum ia_status expand_xz(struct task *task, struct ia_error *err)
{
    lzma_stream stream = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&stream, MAX_XZ_MEMORY, 0) != LZMA_OK)
        return ia_no_memory(err);
    stream.next_in = task->in;
    stream.avail_in = task->in_len;
    stream.next_out = task->out;
    stream.avail_out = task->out_len;
    lzma_ret code = lzma_code(&stream, LZMA_FINISH);
    task->produced = task->out_len - stream.avail_out;
    lzma_end(&stream);
    if (code == LZMA_STREAM_END || ((code == LZMA_OK || code == LZMA_BUF_ERROR) && task->produced == task->out_len))
        return IA_OK;
    return broken("xz", task, (int)code, err);
}

static enum ia_status expand(enum ia_codec codec, struct task *task, struct ia_error *err)
{
    switch (codec) {
    case IA_CODEC_DEFLATE:
        return expand_zlib(task, -MAX_WBITS, err);
    case IA_CODEC_ZLIB:
        return expand_zlib(task, MAX_WBITS, err);
    case IA_CODEC_ZSTD:
        return expand_zstd(task, err);
    case IA_CODEC_BZIP2:
        return expand_bzip2(task, err);
    case IA_CODEC_XZ:
        return expand_xz(task, err);
    case IA_CODEC_LZFSE:
        return ia_lzfse_expand(task->in, task->in_len, task->out, task->out_len, &task->produced, err);
    case IA_CODEC_ADC:
        return ia_adc_expand(task->in, task->in_len, task->out, task->out_len, &task->produced, err);
    }
    return ia_fail(err, IA_BUG, "no codec %d", (int)codec);
}

enum ia_status ia_inflate(enum ia_codec codec, const void *in, size_t in_len, void *out, size_t out_len,
                          size_t *produced, struct ia_error *err)
{
    struct task task = {.in = in, .in_len = in_len, .out = out, .out_len = out_len};
    if (in_len > UINT_MAX || out_len > UINT_MAX)
        return ia_fail(err, IA_LIMIT, "a compressed unit of %zu bytes that expands to %zu", in_len, out_len);
    IA_TRY(expand(codec, &task, err));
    *produced = task.produced;
    return IA_OK;
}
