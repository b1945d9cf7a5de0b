/* SPDX-License-Identifier: MIT */
/* Tables in the property list: base64 in its <data> elements (RFC 4648, section 4). The key of an element
 * is ignored, as in QEMU: a table begins with its own magic. */
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "format/dmg/internal.h"
#include "io/xml.h"

struct plist {
    struct dmg *dmg;
    bool in_data;
    bool padded;    /* '=' was seen: nothing may follow */
    uint32_t bits;  /* decoded, not yet a byte */
    unsigned count; /* of these bits */
    struct ia_buf table;
};

/* -1: not of the alphabet. */
static int base64_value(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c == '\0' ? NULL : strchr(alphabet, c);
    return found == NULL ? -1 : (int)(found - alphabet);
}

static enum ia_status decode(struct plist *plist, char c, struct ia_error *err)
{
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
        return IA_OK;
    plist->padded = plist->padded || c == '=';
    if (c == '=')
        return IA_OK;
    int value = base64_value(c);
    if (value < 0 || plist->padded)
        return ia_fail(err, IA_CORRUPT, "byte %#x in base64 data of the property list", (unsigned char)c);
    plist->bits = plist->bits << 6 | (uint32_t)value;
    plist->count += 6;
    if (plist->count >= 8) {
        plist->count -= 8;
        ia_buf_add_char(&plist->table, (char)(plist->bits >> plist->count & 0xff));
    }
    return IA_OK;
}

static enum ia_status on_start(void *ctx, const char *name, const char *const *attributes, struct ia_error *err)
{
    struct plist *plist = ctx;
    (void)attributes;
    if (plist->in_data)
        return ia_fail(err, IA_CORRUPT, "an element inside <data> of the property list");
    plist->in_data = strcmp(name, "data") == 0;
    plist->padded = false;
    plist->bits = plist->count = 0;
    ia_buf_clear(&plist->table);
    return IA_OK;
}

static enum ia_status on_text(void *ctx, const char *text, size_t len, struct ia_error *err)
{
    struct plist *plist = ctx;
    for (size_t i = 0; i < len && plist->in_data; i++)
        IA_TRY(decode(plist, text[i], err));
    return IA_OK;
}

static enum ia_status on_end(void *ctx, const char *name, struct ia_error *err)
{
    struct plist *plist = ctx;
    (void)name;
    if (!plist->in_data)
        return IA_OK;
    plist->in_data = false;
    if (plist->table.failed)
        return ia_no_memory(err);
    return dmg_add_table(plist->dmg, (const uint8_t *)plist->table.data, plist->table.len, err);
}

enum ia_status dmg_read_plist(struct ia_image *image, struct dmg *dmg, struct ia_error *err)
{
    IA_AUTO_FREE uint8_t *bytes = NULL;
    struct plist plist = {.dmg = dmg};
    struct ia_xml_handler handler = {.ctx = &plist, .start = on_start, .text = on_text, .end = on_end};
    IA_TRY(dmg_read_metadata(image, &dmg->plist, "property list", &bytes, err));
    size_t len = (size_t)dmg->plist.length;
    while (len > 0 && bytes[len - 1] == '\0') /* its length may be rounded up */
        len--;
    enum ia_status status = ia_xml_parse(bytes, len, &handler, err);
    ia_buf_release(&plist.table);
    return status;
}
