/* SPDX-License-Identifier: MIT */
/* The tokens of QEMU's JSON: qobject/json-lexer.c, and the strings of qobject/json-parser.c, which are modified UTF-8
 * (util/unicode.c). */
#include "chain/qemu_json.h"

#include <stdint.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A character that text may hold: neither a half of a surrogate pair nor one of those that are set aside. NUL is one
 * for QEMU; here it is refused. */
static bool is_character(uint32_t code)
{
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    bool set_aside = (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe;
    return code > 0 && code <= 0x10ffff && !surrogate && !set_aside;
}

static void add_character(struct ia_buf *out, uint32_t code)
{
    if (code >= 0x10000)
        ia_buf_addf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
    else if (code < 0x20 || code >= 0x7f || code == '"' || code == '\\')
        ia_buf_addf(out, "\\u%04x", code);
    else
        ia_buf_add_char(out, (char)code);
}

/* One character of UTF-8 at *at, which moves behind it. UINT32_MAX for what is none: a byte that begins none, a
 * character that is cut short, or one that is longer than it need be. */
static uint32_t take_utf8(const char **at)
{
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    const uint8_t *bytes = (const uint8_t *)*at;
    const uint8_t first = bytes[0];
    const int more = first < 0xc0 || first >= 0xf8 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    uint32_t code = first < 0x80 ? first : first & (0x3fU >> more);
    for (int i = 1; i <= more; i++) {
        if ((bytes[i] & 0xc0) != 0x80) /* the NUL at the end, too */
            return UINT32_MAX;
        code = code << 6 | (bytes[i] & 0x3f);
    }
    *at += 1 + more;
    return first < 0x80 || (more > 0 && code >= smallest[more]) ? code : UINT32_MAX;
}

/* Four hexadecimal digits at `at`; UINT32_MAX where there are others. */
static uint32_t hex4(const char *at)
{
    static const char digits[] = "0123456789abcdef";
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        char lower = at[i] >= 'A' && at[i] <= 'F' ? (char)(at[i] + ('a' - 'A')) : at[i];
        const char *digit = lower == '\0' ? NULL : strchr(digits, lower);
        if (digit == NULL)
            return UINT32_MAX;
        code = code << 4 | (uint32_t)(digit - digits);
    }
    return code;
}

/* What follows \u at *at: four digits, or two times four where the first are the leading half of a pair. */
static uint32_t take_unicode_escape(const char **at)
{
    uint32_t code = hex4(*at);
    if (code == UINT32_MAX)
        return UINT32_MAX;
    *at += 4;
    if (code < 0xd800 || code > 0xdbff || (*at)[0] != '\\' || (*at)[1] != 'u')
        return code;
    uint32_t trailing = hex4(*at + 2);
    if (trailing < 0xdc00 || trailing > 0xdfff)
        return UINT32_MAX;
    *at += 6;
    return 0x10000 + ((code & 0x3ff) << 10 | (trailing & 0x3ff));
}

static uint32_t take_escape(const char **at)
{
    static const char names[] = "\"'\\/bfnrt";
    static const char meant[] = "\"'\\/\b\f\n\r\t";
    char name = *(*at)++;
    if (name == 'u')
        return take_unicode_escape(at);
    const char *found = name == '\0' ? NULL : strchr(names, name);
    return found == NULL ? UINT32_MAX : (uint32_t)meant[found - names];
}

/* A string at *at, from behind its opening mark on. Ends at the NUL at the latest: it is no character. */
static bool take_string(const char **at, char mark, struct ia_buf *out)
{
    ia_buf_add_char(out, '"');
    while (**at != mark) {
        const uint8_t byte = (uint8_t)(*at)[0];
        if (byte < 0x20)
            return false;
        bool escaped = byte == '\\';
        *at += escaped;
        uint32_t code = escaped ? take_escape(at) : take_utf8(at);
        if (!is_character(code))
            return false;
        add_character(out, code);
    }
    (*at)++;
    ia_buf_add_char(out, '"');
    return true;
}

static size_t count_digits(const char *text)
{
    size_t count = 0;
    while (is_digit(text[count]))
        count++;
    return count;
}

/* How long the number at `text` is; 0: there is none. QEMU has no exponent behind a lone zero. */
static size_t number_length(const char *text)
{
    size_t len = text[0] == '-';
    size_t digits = count_digits(text + len);
    bool lone_zero = text[len] == '0';
    if (digits == 0 || (lone_zero && digits > 1))
        return 0;
    len += digits;
    if (text[len] == '.') {
        digits = count_digits(text + len + 1);
        if (digits == 0)
            return 0;
        len += 1 + digits;
        lone_zero = false;
    }
    if (!lone_zero && (text[len] == 'e' || text[len] == 'E')) {
        len += 1 + (text[len + 1] == '-' || text[len + 1] == '+');
        digits = count_digits(text + len);
        len += digits;
        return digits == 0 ? 0 : len;
    }
    return len;
}

static size_t word_length(const char *text)
{
    size_t len = 0;
    while (is_lower(text[len]))
        len++;
    return len;
}

/* One token that is no string. A number or word right behind another is out of order in any text; side by side in the
 * output they could become one. */
static bool take_other(const char **at, struct ia_buf *out)
{
    const char *token = *at;
    size_t len;
    if (is_space(*token)) {
        len = strspn(token, " \t\r\n");
        if (token[len] != '\0')
            ia_buf_add_char(out, ' ');
        *at += len;
        return true;
    }
    bool structural = strchr("{}[],:", *token) != NULL;
    if (structural)
        len = 1;
    else
        len = is_lower(*token) ? word_length(token) : number_length(token);
    ia_buf_add(out, token, len);
    *at += len;
    return structural || (len > 0 && !is_digit(**at) && !is_lower(**at));
}

bool ia_qemu_json_to_ascii(const char *text, struct ia_buf *out, size_t *keys)
{
    *keys = 0;
    const char *at = text;
    while (*at != '\0') { /* ends: each token takes a byte at least */
        char first = *at;
        bool is_string = first == '"' || first == '\'';
        *keys += first == ':';
        at += is_string;
        if (!(is_string ? take_string(&at, first, out) : take_other(&at, out)))
            return false;
    }
    return true;
}
