/* SPDX-License-Identifier: MIT */
/* The XML reader: events in order, and what it refuses. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "io/xml.h"
#include "support/unit.h"

static struct ia_error err;

static enum ia_status on_start(void *ctx, const char *name, const char *const *attributes, struct ia_error *e)
{
    (void)e;
    ia_buf_addf(ctx, "<%s", name);
    for (size_t i = 0; attributes[i] != NULL; i += 2)
        ia_buf_addf(ctx, " %s=%s", attributes[i], attributes[i + 1]);
    ia_buf_add_char(ctx, '>');
    return strcmp(name, "stop") == 0 ? ia_fail(e, IA_UNSUPPORTED, "told to stop") : IA_OK;
}

static enum ia_status on_text(void *ctx, const char *text, size_t len, struct ia_error *e)
{
    (void)e;
    ia_buf_add(ctx, text, len);
    return IA_OK;
}

static enum ia_status on_end(void *ctx, const char *name, struct ia_error *e)
{
    (void)e;
    ia_buf_addf(ctx, "</%s>", name);
    return IA_OK;
}

static enum ia_status read_xml(const char *xml, struct ia_buf *events)
{
    const struct ia_xml_handler handler = {.ctx = events, .start = on_start, .text = on_text, .end = on_end};
    return ia_xml_parse(xml, strlen(xml), &handler, &err);
}

static void events_come_in_order(void **state)
{
    (void)state;
    struct ia_buf events = {0};
    assert_ok(read_xml("<?xml version='1.0'?><a x='1' y='&lt;'><b>t&amp;u</b><c/></a>", &events));
    assert_string_equal(events.data, "<a x=1 y=<><b>t&u</b><c></c></a>");
    ia_buf_release(&events);
}

static void a_handler_ends_the_reading(void **state)
{
    (void)state;
    struct ia_buf events = {0};
    assert_status(IA_UNSUPPORTED, read_xml("<a><stop/><b/></a>", &events));
    assert_string_equal(events.data, "<a><stop>");
    ia_buf_release(&events);
}

static void broken_documents_are_corrupt(void **state)
{
    (void)state;
    static const char *const broken[] = {"", "<a>", "<a></b>", "no xml", "<a/><b/>", "<a x=1/>"};
    for (size_t i = 0; i < COUNT(broken); i++) {
        struct ia_buf events = {0};
        assert_status(IA_CORRUPT, read_xml(broken[i], &events));
        ia_buf_release(&events);
    }
}

static void entities_are_refused(void **state)
{
    (void)state;
    struct ia_buf events = {0};
    assert_status(IA_CORRUPT, read_xml("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", &events));
    assert_status(IA_CORRUPT, read_xml("<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>", &events));
    ia_buf_release(&events);
}

static void an_outer_document_type_is_not_read(void **state)
{
    (void)state;
    struct ia_buf events = {0};
    assert_ok(read_xml("<!DOCTYPE a PUBLIC '-//X//Y' 'http://127.0.0.1:1/a.dtd'><a/>", &events));
    assert_string_equal(events.data, "<a></a>");
    ia_buf_release(&events);
}

static void nesting_has_a_bound(void **state)
{
    (void)state;
    for (int depth = IA_XML_MAX_DEPTH; depth <= IA_XML_MAX_DEPTH + 1; depth++) {
        struct ia_buf xml = {0};
        struct ia_buf events = {0};
        for (int i = 0; i < depth; i++)
            ia_buf_add_str(&xml, "<a>");
        for (int i = 0; i < depth; i++)
            ia_buf_add_str(&xml, "</a>");
        assert_status(depth > IA_XML_MAX_DEPTH ? IA_LIMIT : IA_OK, read_xml(xml.data, &events));
        ia_buf_release(&xml);
        ia_buf_release(&events);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order),
        cmocka_unit_test(a_handler_ends_the_reading),
        cmocka_unit_test(broken_documents_are_corrupt),
        cmocka_unit_test(entities_are_refused),
        cmocka_unit_test(an_outer_document_type_is_not_read),
        cmocka_unit_test(nesting_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
