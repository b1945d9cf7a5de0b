/* SPDX-License-Identifier: MIT */
/* XML by expat. */
#include "io/xml.h"

#include <expat.h>
#include <inttypes.h>
#include <limits.h>

struct reading {
    const struct ia_xml_handler *handler;
    XML_Parser parser;
    int depth;
    enum ia_status status;
    struct ia_error *err;
};

/* The first failure ends the reading. */
static void settle(struct reading *reading, enum ia_status status)
{
    if (status == IA_OK || reading->status != IA_OK)
        return;
    reading->status = status;
    XML_StopParser(reading->parser, XML_FALSE);
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *reading = ctx;
    if (reading->status != IA_OK)
        return;
    int most = reading->handler->max_depth != 0 ? reading->handler->max_depth : IA_XML_MAX_DEPTH;
    if (++reading->depth > most)
        settle(reading, ia_fail(reading->err, IA_LIMIT, "XML nested deeper than %d", most));
    else if (reading->handler->start != NULL)
        settle(reading,
               reading->handler->start(reading->handler->ctx, name, (const char *const *)attributes, reading->err));
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
    struct reading *reading = ctx;
    reading->depth--;
    if (reading->status == IA_OK && reading->handler->end != NULL)
        settle(reading, reading->handler->end(reading->handler->ctx, name, reading->err));
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int len)
{
    struct reading *reading = ctx;
    if (reading->status == IA_OK && reading->handler->text != NULL)
        settle(reading, reading->handler->text(reading->handler->ctx, text, (size_t)len, reading->err));
}

/* NOLINTNEXTLINE(readability-function-size): the signature is expat's */
static void XMLCALL on_entity(void *ctx, const XML_Char *name, int is_parameter, const XML_Char *value, int len,
                              const XML_Char *base, const XML_Char *system, const XML_Char *public,
                              const XML_Char *notation)
{
    struct reading *reading = ctx;
    (void)name, (void)is_parameter, (void)value, (void)len, (void)base, (void)system, (void)public, (void)notation;
    settle(reading, ia_fail(reading->err, IA_CORRUPT, "XML that declares entities"));
}

/* Counted from 1. Recent versions of expat deprecate the function that returns an unsigned long. */
static uint64_t current_line(XML_Parser parser)
{
#ifdef IA_HAVE_XML_LINE_NUMBER_64
    return XML_GetCurrentLineNumber64(parser);
#else
    return XML_GetCurrentLineNumber(parser);
#endif
}

enum ia_status ia_xml_parse(const void *bytes, size_t len, const struct ia_xml_handler *handler, struct ia_error *err)
{
    if (len > INT_MAX)
        return ia_fail(err, IA_LIMIT, "%zu bytes of XML", len);
    struct reading reading = {.handler = handler, .parser = XML_ParserCreate(NULL), .err = err};
    if (reading.parser == NULL)
        return ia_no_memory(err);
    XML_SetUserData(reading.parser, &reading);
    XML_SetElementHandler(reading.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reading.parser, on_text);
    XML_SetEntityDeclHandler(reading.parser, on_entity);
    enum XML_Status parsed = XML_Parse(reading.parser, bytes, (int)len, 1);
    enum XML_Error code = XML_GetErrorCode(reading.parser);
    if (reading.status == IA_OK && parsed != XML_STATUS_OK)
        reading.status = code == XML_ERROR_NO_MEMORY ? ia_no_memory(err)
                                                     : ia_fail(err, IA_CORRUPT, "line %" PRIu64 " of the XML: %s",
                                                               current_line(reading.parser), XML_ErrorString(code));
    XML_ParserFree(reading.parser);
    return reading.status;
}
