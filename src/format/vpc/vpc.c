/* SPDX-License-Identifier: MIT */
/* The VHD driver's entry points. */
#include "format/vpc/vpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/vpc/internal.h"

static bool vpc_probe(const uint8_t *head, size_t len)
{
    return len >= 8 && memcmp(head, VPC_COOKIE, 8) == 0;
}

/* A guest can write the last sector of a raw disk: a footer alone may make a file no more than what it is as a raw one
 * too, and that is a fixed disk. */
static bool vpc_probe_footer(const uint8_t *footer)
{
    return vpc_footer_is_valid(footer) && vpc_footer_type(footer) == VPC_FIXED;
}

static const char *type_word(enum vpc_type type)
{
    switch (type) {
    case VPC_FIXED:
        return "fixed";
    case VPC_DYNAMIC:
        return "dynamic";
    case VPC_DIFFERENCING:
        break;
    }
    return "differencing";
}

static enum ia_status vpc_open(struct ia_image *image, struct ia_error *err)
{
    struct vpc *v = calloc(1, sizeof(*v));
    if (v == NULL)
        return ia_no_memory(err);
    image->state = v;
    IA_TRY(vpc_read_footer(image, v, err));
    if (v->type != VPC_FIXED)
        IA_TRY(vpc_read_header(image, v, err));
    image->facts.version = 1; /* 1.0: what vpc_read_footer takes */
    snprintf(image->facts.variant, sizeof(image->facts.variant), "%s", type_word(v->type));
    return IA_OK;
}

static void vpc_close(struct ia_image *image)
{
    free(image->state);
}

static void vpc_describe(const struct ia_image_facts *facts, struct ia_abilities *out)
{
    (void)facts;
    out->can_be_written = true;
    out->can_receive = true;
}

static const char *const suffixes[] = {".vhd", ".vpc", NULL};

const struct ia_format ia_format_vpc = {
    .name = "vpc",
    .suffixes = suffixes,
    .describe = vpc_describe,
    .probe = vpc_probe,
    .probe_footer = vpc_probe_footer,
    .open = vpc_open,
    .close = vpc_close,
    .map_begin = vpc_map_begin,
    .map_step = vpc_map_step,
    .map_end = vpc_map_end,
    .account = vpc_account,
};
