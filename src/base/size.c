/* SPDX-License-Identifier: MIT */
/* Parsing sizes. */
#include "base/size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* The digits behind a decimal point, without an exponent; *end is set behind them. */
static double read_fraction(const char *digits, char **end)
{
    size_t count = strspn(digits, "0123456789");
    double fraction = 0;
    for (size_t i = count; i > 0; i--)
        fraction = (fraction + (digits[i - 1] - '0')) / 10;
    *end = (char *)digits + count;
    return fraction;
}

bool ia_size_parse(const char *text, int64_t *out)
{
    static const char suffixes[] = "bkmgtpe";
    text += strspn(text, " \t\n\v\f\r");
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    errno = 0;
    unsigned long long whole = strtoull(text, &end, hex ? 16 : 10);
    double fraction = *end == '.' && !hex ? read_fraction(end + 1, &end) : 0;
    const char *suffix = *end == '\0' || hex ? NULL : strchr(suffixes, *end | ('a' - 'A'));
    int64_t unit = suffix == NULL ? 1 : INT64_C(1) << (10 * (suffix - suffixes));
    end += suffix != NULL;
    int64_t size;
    if (errno != 0 || *end != '\0' || whole > INT64_MAX || (fraction > 0 && unit == 1))
        return false;
    return ia_mul((int64_t)whole, unit, &size) && ia_add(size, (int64_t)(fraction * (double)unit + 0.5), out);
}
