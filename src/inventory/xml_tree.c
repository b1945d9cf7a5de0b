/* SPDX-License-Identifier: MIT */
#include "inventory/xml_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/vec.h"
#include "io/xml.h"

struct builder {
    struct ia_xml_node *root, *open;
    size_t nodes;
    IA_VEC(struct ia_buf) texts; /* of the elements that are open */
};

void ia_xml_tree_free(struct ia_xml_node *node)
{
    while (node != NULL) { /* leaves first, without recursion */
        if (node->first != NULL) {
            struct ia_xml_node *child = node->first;
            node->first = child->next;
            child->next = node;
            node = child;
            continue;
        }
        struct ia_xml_node *up = node->next;
        for (char **attribute = node->attributes; attribute != NULL && *attribute != NULL; attribute++)
            free(*attribute);
        free(node->attributes);
        free(node->name);
        free(node->text);
        free(node);
        node = up;
    }
}

static char **copy_attributes(const char *const *attributes)
{
    size_t count = 0;
    while (attributes[count] != NULL)
        count++;
    char **made = calloc(count + 1, sizeof(*made));
    for (size_t i = 0; made != NULL && i < count; i++) {
        made[i] = strdup(attributes[i]);
        if (made[i] == NULL) {
            while (i-- > 0)
                free(made[i]);
            free(made);
            return NULL;
        }
    }
    return made;
}

static struct ia_xml_node *make(const char *name, const char *const *attributes)
{
    struct ia_xml_node *node = calloc(1, sizeof(*node));
    if (node == NULL)
        return NULL;
    node->name = strdup(name);
    node->attributes = copy_attributes(attributes);
    if (node->name != NULL && node->attributes != NULL)
        return node;
    ia_xml_tree_free(node);
    return NULL;
}

static enum ia_status start(void *ctx, const char *name, const char *const *attributes, struct ia_error *err)
{
    struct builder *builder = ctx;
    if (++builder->nodes > IA_XML_MAX_NODES)
        return ia_fail(err, IA_LIMIT, "more than %d elements", IA_XML_MAX_NODES);
    struct ia_xml_node *node = make(name, attributes);
    if (node == NULL || !ia_vec_push(&builder->texts, ((struct ia_buf){0}))) {
        ia_xml_tree_free(node);
        return ia_no_memory(err);
    }
    node->parent = builder->open;
    if (builder->open == NULL)
        builder->root = node;
    else if (builder->open->last == NULL)
        builder->open->first = node;
    else
        builder->open->last->next = node;
    if (builder->open != NULL)
        builder->open->last = node;
    builder->open = node;
    return IA_OK;
}

static enum ia_status text(void *ctx, const char *bytes, size_t len, struct ia_error *err)
{
    struct builder *builder = ctx;
    if (builder->texts.len == 0)
        return IA_OK;
    struct ia_buf *all = &builder->texts.items[builder->texts.len - 1];
    ia_buf_add(all, bytes, len);
    return all->failed ? ia_no_memory(err) : IA_OK;
}

static char *trimmed(const struct ia_buf *text)
{
    static const char spaces[] = " \t\r\n";
    const char *from = text->data;
    size_t len = text->len;
    while (len > 0 && strchr(spaces, *from) != NULL) {
        from++;
        len--;
    }
    while (len > 0 && strchr(spaces, from[len - 1]) != NULL)
        len--;
    return len > 0 ? strndup(from, len) : NULL;
}

static enum ia_status end(void *ctx, const char *name, struct ia_error *err)
{
    (void)name;
    (void)err;
    struct builder *builder = ctx;
    struct ia_buf all = builder->texts.items[--builder->texts.len];
    builder->open->text = trimmed(&all);
    ia_buf_release(&all);
    builder->open = builder->open->parent;
    return IA_OK;
}

enum ia_status ia_xml_tree_parse(const void *bytes, size_t len, struct ia_xml_node **root, struct ia_error *err)
{
    struct builder builder = {0};
    const struct ia_xml_handler handler = {
        .ctx = &builder, .max_depth = IA_XML_MAX_TREE_DEPTH, .start = start, .text = text, .end = end};
    enum ia_status status = ia_xml_parse(bytes, len, &handler, err);
    for (size_t i = 0; i < builder.texts.len; i++)
        ia_buf_release(&builder.texts.items[i]);
    ia_vec_release(&builder.texts);
    if (status != IA_OK)
        ia_xml_tree_free(ia_steal_ptr(builder.root));
    *root = builder.root;
    return status;
}

const struct ia_xml_node *ia_xml_child(const struct ia_xml_node *node, const char *name)
{
    const struct ia_xml_node *child = node == NULL ? NULL : node->first;
    while (child != NULL && strcmp(child->name, name) != 0)
        child = child->next;
    return child;
}

const struct ia_xml_node *ia_xml_next(const struct ia_xml_node *node)
{
    const struct ia_xml_node *next = node->next;
    while (next != NULL && strcmp(next->name, node->name) != 0)
        next = next->next;
    return next;
}

const char *ia_xml_attribute(const struct ia_xml_node *node, const char *name)
{
    for (char **attribute = node == NULL ? NULL : node->attributes; attribute != NULL && *attribute != NULL;
         attribute += 2)
        if (strcmp(attribute[0], name) == 0)
            return attribute[1];
    return NULL;
}

const char *ia_xml_child_text(const struct ia_xml_node *node, const char *name)
{
    const struct ia_xml_node *child = ia_xml_child(node, name);
    return child == NULL ? NULL : child->text;
}
