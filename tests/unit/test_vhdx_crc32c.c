/* SPDX-License-Identifier: MIT */
/* CRC-32C against the values that RFC 3720, appendix B.4, gives, and the check value of the CRC catalogue. */
#include <string.h>

#include "format/vhdx/crc32c.h"
#include "support/unit.h"

static void published_values_come_out(void **state)
{
    (void)state;
    uint8_t bytes[32] = {0};
    assert_int_equal(vhdx_crc32c(0, bytes, sizeof(bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(vhdx_crc32c(0, bytes, sizeof(bytes)), 0x62a8ab43);
    for (uint8_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = i;
    assert_int_equal(vhdx_crc32c(0, bytes, sizeof(bytes)), 0x46dd794e);
    for (uint8_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(sizeof(bytes) - 1 - i);
    assert_int_equal(vhdx_crc32c(0, bytes, sizeof(bytes)), 0x113fdb5c);
    assert_int_equal(vhdx_crc32c(0, (const uint8_t *)"123456789", 9), 0xe3069283);
    assert_int_equal(vhdx_crc32c(0, bytes, 0), 0);
}

static void pieces_make_the_checksum_of_the_whole(void **state)
{
    (void)state;
    static const uint8_t text[] = "123456789";
    for (size_t cut = 0; cut <= 9; cut++)
        assert_int_equal(vhdx_crc32c(vhdx_crc32c(0, text, cut), text + cut, 9 - cut), 0xe3069283);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values_come_out),
        cmocka_unit_test(pieces_make_the_checksum_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
