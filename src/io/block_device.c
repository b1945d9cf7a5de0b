/* SPDX-License-Identifier: MIT */
/* From sysfs, which counts in units of 512 bytes whatever the device's sectors are. */
#include "io/block_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

int64_t ia_block_device_size(dev_t device)
{
    enum { UNIT = 512 };
    char path[64];
    char text[32] = "";
    snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/size", major(device), minor(device));
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    int64_t units = fgets(text, sizeof(text), file) == NULL ? 0 : strtoll(text, NULL, 10);
    fclose(file);
    return units > 0 && units <= INT64_MAX / UNIT ? units * UNIT : 0;
}
