/* SPDX-License-Identifier: MIT */
/* abilities [-f FMT] IMAGE: what the header of IMAGE says of its kind, and what QEMU is said to do with it: a line
 * "NAME VALUE" for each of these facts and for each field of struct ia_abilities. Exit status: 0 done, 1 failed, 2
 * usage. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain/chain.h"

enum { EXIT_USAGE = 2 };

static void print_facts(const struct ia_image_facts *facts)
{
    printf("version %d\n", facts->version);
    printf("has_data_file %d\n", facts->has_data_file);
    printf("extended_l2 %d\n", facts->extended_l2);
    printf("compression %s\n", facts->compression == NULL ? "-" : facts->compression);
}

static void print_abilities(const struct ia_abilities *can)
{
    printf("unit %" PRId64 "\n", can->unit);
    printf("cluster %" PRId64 "\n", can->cluster);
    printf("zeroes %d\n", can->zeroes);
    printf("zeroes_are_known %d\n", can->zeroes_are_known);
    printf("is_plain %d\n", can->is_plain);
    printf("can_be_written %d\n", can->can_be_written);
    printf("can_rebase %d\n", can->can_rebase);
    printf("can_commit %d\n", can->can_commit);
    printf("can_be_empty %d\n", can->can_be_empty);
    printf("can_receive %d\n", can->can_receive);
    printf("is_good_base %d\n", can->is_good_base);
    printf("can_grow %d\n", can->can_grow);
    printf("can_grow_with_snapshots %d\n", can->can_grow_with_snapshots);
    printf("can_grow_over_backing %d\n", can->can_grow_over_backing);
    printf("can_be_trimmed %d\n", can->can_be_trimmed);
}

static int run(const char *name, const char *format)
{
    const struct ia_chain_options how = {.format = format, .limits = &ia_default_limits, .no_backing = true};
    struct ia_chain chain;
    struct ia_error err;
    if (ia_chain_open(name, &how, &chain, &err) != IA_OK) {
        fprintf(stderr, "abilities: %s: %s\n", name, err.message);
        return EXIT_FAILURE;
    }
    const struct ia_image *image = chain.layers.items[0].image;
    struct ia_abilities abilities = ia_format_abilities(image->format, &image->facts);
    print_facts(&image->facts);
    print_abilities(&abilities);
    ia_chain_release(&chain);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const char *format = NULL;
    int c;
    while ((c = getopt(argc, argv, "f:")) == 'f')
        format = optarg;
    if (c != -1 || optind != argc - 1) {
        fprintf(stderr, "Usage: abilities [-f FMT] IMAGE\n");
        return EXIT_USAGE;
    }
    return run(argv[optind], format);
}
