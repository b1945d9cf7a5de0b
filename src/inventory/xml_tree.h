/* SPDX-License-Identifier: MIT */
/* A small XML document as a tree: what describes a machine is looked at in more than one order. Elements, attributes
 * and texts only; what declares entities is refused (io/xml.h). */
#ifndef IA_INVENTORY_XML_TREE_H
#define IA_INVENTORY_XML_TREE_H

#include <stddef.h>

#include "base/status.h"

struct ia_xml_node {
    char *name;        /* without a namespace's prefix it is as written */
    char **attributes; /* name, value, name, value, NULL */
    char *text;        /* of the element itself, in one piece, without the white space around it; NULL: none */
    struct ia_xml_node *parent, *first, *last, *next;
};

/* The most elements of one document; one with more is IA_LIMIT. */
#define IA_XML_MAX_NODES 100000
/* The deepest nesting: VirtualBox nests snapshots of snapshots, and media that were made on one another. */
#define IA_XML_MAX_TREE_DEPTH 2000

/* The root element, to be freed with ia_xml_tree_free. */
IA_MUST_CHECK enum ia_status ia_xml_tree_parse(const void *bytes, size_t len, struct ia_xml_node **root,
                                               struct ia_error *err);
void ia_xml_tree_free(struct ia_xml_node *node);
static inline void ia_xml_tree_cleanup_(struct ia_xml_node **node)
{
    ia_xml_tree_free(*node);
}
#define IA_AUTO_XML __attribute__((cleanup(ia_xml_tree_cleanup_)))

/* The first child of that name, and the next of its siblings of the same name. NULL: there is none; node may be NULL.
 */
const struct ia_xml_node *ia_xml_child(const struct ia_xml_node *node, const char *name);
const struct ia_xml_node *ia_xml_next(const struct ia_xml_node *node);
/* The value of an attribute; NULL: there is none; node may be NULL. */
const char *ia_xml_attribute(const struct ia_xml_node *node, const char *name);
/* The text of the first child of that name; NULL: there is none, or it is empty; node may be NULL. */
const char *ia_xml_child_text(const struct ia_xml_node *node, const char *name);

#endif
