/* SPDX-License-Identifier: MIT */
/* Reading a small XML document, event by event. Nothing outside of it is read, and what declares entities is refused:
 * the document comes from an image. */
#ifndef IA_IO_XML_H
#define IA_IO_XML_H

#include <stddef.h>

#include "base/status.h"

/* Nesting deeper than this is IA_LIMIT. */
#define IA_XML_MAX_DEPTH 64

/* Each may be NULL. Strings are UTF-8 and valid during the call. A failing status ends the reading with it. */
struct ia_xml_handler {
    void *ctx;
    int max_depth; /* 0: IA_XML_MAX_DEPTH */
    /* attributes: name, value, name, value, NULL. */
    enum ia_status (*start)(void *ctx, const char *name, const char *const *attributes, struct ia_error *err);
    /* A text may come in several pieces. */
    enum ia_status (*text)(void *ctx, const char *text, size_t len, struct ia_error *err);
    enum ia_status (*end)(void *ctx, const char *name, struct ia_error *err);
};

/* IA_CORRUPT for what is not well-formed or declares entities: no program that makes images writes any. */
IA_MUST_CHECK enum ia_status ia_xml_parse(const void *bytes, size_t len, const struct ia_xml_handler *handler,
                                          struct ia_error *err);

#endif
