/* SPDX-License-Identifier: MIT */
/* Mixing values into a number. */
#include "base/fingerprint.h"

#include <string.h>

void ia_fingerprint_text(struct ia_fingerprint *print, const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    ia_fingerprint_int(print, text == NULL ? -1 : (int64_t)len);
    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        int64_t word = 0;
        memcpy(&word, text + i, len - i < sizeof(word) ? len - i : sizeof(word));
        ia_fingerprint_int(print, word);
    }
}

int64_t ia_fingerprint_value(const struct ia_fingerprint *print)
{
    uint64_t value = ia_fingerprint_spread_(print->value);
    return value == 0 ? 1 : (int64_t)value;
}
