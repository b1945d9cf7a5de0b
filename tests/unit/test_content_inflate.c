/* SPDX-License-Identifier: MIT */
/* Each codec on a stream that another program made of the same text, or that was written by hand; and what happens when
 * the stream is cut, is followed by something else, or does not fit. */
#include "content/inflate.h"

#include <string.h>

#include "support/unit.h"

#define PHRASE "a guest's bytes "
enum { TEXT_BYTES = 1024 }; /* the phrase, 64 times */

static const uint8_t deflate[] = {0x4b, 0x54, 0x48, 0x2f, 0x4d, 0x2d, 0x2e, 0x51, 0x2f, 0x56, 0x48, 0xaa, 0x2c, 0x49,
                                  0x2d, 0x56, 0x48, 0x1c, 0xe5, 0x8f, 0xf2, 0x47, 0xf9, 0x23, 0x86, 0x0f, 0x00};

static const uint8_t zlib[] = {0x78, 0xda, 0x4b, 0x54, 0x48, 0x2f, 0x4d, 0x2d, 0x2e, 0x51, 0x2f,
                               0x56, 0x48, 0xaa, 0x2c, 0x49, 0x2d, 0x56, 0x48, 0x1c, 0xe5, 0x8f,
                               0xf2, 0x47, 0xf9, 0x23, 0x86, 0x0f, 0x00, 0xe9, 0xbb, 0x6a, 0x90};

static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x00, 0x03, 0xbd, 0x00, 0x00, 0x80,
                               0x61, 0x20, 0x67, 0x75, 0x65, 0x73, 0x74, 0x27, 0x73, 0x20, 0x62,
                               0x79, 0x74, 0x65, 0x73, 0x20, 0x01, 0x00, 0xda, 0x4f, 0x35, 0x97};

static const uint8_t bzip2[] = {0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0xf5, 0xc1, 0x53,
                                0x5a, 0x00, 0x00, 0x9f, 0x91, 0x80, 0x40, 0x80, 0x32, 0x80, 0x0e, 0x20, 0x20,
                                0x00, 0x72, 0x20, 0x06, 0x01, 0x55, 0x34, 0xd1, 0x93, 0x4a, 0x01, 0x20, 0x58,
                                0x12, 0x02, 0x00, 0xf0, 0x1b, 0x02, 0xc0, 0xa0, 0x20, 0x0a, 0x03, 0x00, 0xc0,
                                0x30, 0x06, 0x2e, 0xe4, 0x8a, 0x70, 0xa1, 0x21, 0xeb, 0x82, 0xa6, 0xb4};

static const uint8_t xz[] = {0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36, 0x02, 0x00, 0x21,
                             0x01, 0x0c, 0x00, 0x00, 0x00, 0x8f, 0x98, 0x41, 0x9c, 0xe0, 0x03, 0xff, 0x00, 0x1c, 0x5d,
                             0x00, 0x30, 0x88, 0x08, 0xe7, 0x93, 0x98, 0xca, 0x29, 0x98, 0x56, 0xb3, 0xb3, 0x5c, 0x08,
                             0xb3, 0x5f, 0x49, 0xb2, 0x0c, 0x9f, 0x6e, 0x4b, 0x39, 0x08, 0xe6, 0x02, 0x36, 0x00, 0x00,
                             0xa4, 0x40, 0x77, 0x37, 0x00, 0x01, 0x34, 0x80, 0x08, 0x00, 0x00, 0x00, 0x1b, 0x09, 0xec,
                             0x28, 0x3e, 0x30, 0x0d, 0x8b, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x59, 0x5a};

/* 16 literals, 15 copies of 67 bytes from 16 bytes back, one of 3 bytes: 16 + 1005 + 3 */
#define ADC_67 "\x7f\x00\x0f"
static const char adc[] = "\x8f" PHRASE ADC_67 ADC_67 ADC_67 ADC_67 ADC_67 ADC_67 ADC_67 ADC_67 ADC_67 ADC_67 ADC_67
    ADC_67 ADC_67 ADC_67 ADC_67 "\x00\x0f";

/* Two stored blocks of 512 bytes and the end. */
#define PHRASE_X8 PHRASE PHRASE PHRASE PHRASE PHRASE PHRASE PHRASE PHRASE
#define PHRASE_X32 PHRASE_X8 PHRASE_X8 PHRASE_X8 PHRASE_X8
#define LZFSE_PLAIN_512 "bvx-\x00\x02\x00\x00" PHRASE_X32
static const char lzfse[] = LZFSE_PLAIN_512 LZFSE_PLAIN_512 "bvx$";

static const struct stream {
    enum ia_codec codec;
    const void *bytes;
    size_t len;
    bool has_end; /* the stream says itself where it ends */
} streams[] = {
    {IA_CODEC_DEFLATE, deflate, sizeof(deflate), true},
    {IA_CODEC_ZLIB, zlib, sizeof(zlib), true},
    {IA_CODEC_ZSTD, zstd, sizeof(zstd), true},
    {IA_CODEC_BZIP2, bzip2, sizeof(bzip2), true},
    {IA_CODEC_XZ, xz, sizeof(xz), true},
    {IA_CODEC_LZFSE, lzfse, sizeof(lzfse) - 1, true},
    {IA_CODEC_ADC, adc, sizeof(adc) - 1, false},
};

static struct ia_error err;

/* The first `len` bytes are the text, and nothing after the room was touched. What is between them is unspecified: some
 * builds of zstd use spare room as scratch. */
static void assert_text(const uint8_t *out, size_t len, size_t room, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (i >= len && i < room)
            continue;
        uint8_t expected = i < len ? (uint8_t)PHRASE[i % strlen(PHRASE)] : 0xee;
        if (out[i] != expected)
            fail_msg("byte %zu is %#x, not %#x", i, out[i], expected);
    }
}

static void every_codec_gives_the_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        uint8_t out[TEXT_BYTES + 16];
        size_t produced = 0;
        memset(out, 0xee, sizeof(out));
        assert_ok(ia_inflate(streams[i].codec, streams[i].bytes, streams[i].len, out, TEXT_BYTES, &produced, &err));
        assert_int_equal(produced, TEXT_BYTES);
        assert_text(out, TEXT_BYTES, TEXT_BYTES, sizeof(out));
    }
}

static void stops_where_the_stream_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        uint8_t out[2 * TEXT_BYTES + 16];
        size_t produced = 0;
        memset(out, 0xee, sizeof(out));
        assert_ok(ia_inflate(streams[i].codec, streams[i].bytes, streams[i].len, out, 2 * TEXT_BYTES, &produced, &err));
        assert_int_equal(produced, TEXT_BYTES);
        assert_text(out, TEXT_BYTES, 2 * TEXT_BYTES, sizeof(out));
    }
}

static void stops_when_the_room_is_full(void **state)
{
    (void)state;
    static const size_t rooms[] = {0, 1, 15, 16, 17, 500, 511, 512, 513, 1023};
    for (size_t i = 0; i < COUNT(streams); i++) {
        for (size_t r = 0; r < COUNT(rooms); r++) {
            uint8_t out[TEXT_BYTES];
            size_t produced = 1;
            memset(out, 0xee, sizeof(out));
            assert_ok(ia_inflate(streams[i].codec, streams[i].bytes, streams[i].len, out, rooms[r], &produced, &err));
            assert_int_equal(produced, rooms[r]);
            assert_text(out, rooms[r], rooms[r], sizeof(out));
        }
    }
}

/* A unit of qcow2 ends with its sector, not with its stream. */
static void garbage_after_the_stream_is_not_looked_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        uint8_t in[2048];
        uint8_t out[2 * TEXT_BYTES + 16];
        size_t produced = 0;
        size_t room = streams[i].has_end ? 2 * TEXT_BYTES : TEXT_BYTES;
        memset(in, 0x5a, sizeof(in));
        memcpy(in, streams[i].bytes, streams[i].len);
        memset(out, 0xee, sizeof(out));
        assert_ok(ia_inflate(streams[i].codec, in, sizeof(in), out, room, &produced, &err));
        assert_int_equal(produced, TEXT_BYTES);
        assert_text(out, TEXT_BYTES, room, sizeof(out));
    }
}

static void a_cut_stream_is_corrupt(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        for (size_t len = 0; len < streams[i].len && streams[i].has_end; len++) {
            uint8_t out[2 * TEXT_BYTES];
            size_t produced = 12345;
            assert_status(IA_CORRUPT,
                          ia_inflate(streams[i].codec, streams[i].bytes, len, out, sizeof(out), &produced, &err));
            assert_int_equal(produced, 12345);
        }
    }
}

static void noise_is_corrupt(void **state)
{
    (void)state;
    uint8_t in[64];
    memset(in, 0x47, sizeof(in));
    for (size_t i = 0; i < COUNT(streams); i++) {
        uint8_t out[TEXT_BYTES];
        size_t produced;
        assert_status(IA_CORRUPT, ia_inflate(streams[i].codec, in, sizeof(in), out, sizeof(out), &produced, &err));
    }
}

static enum ia_status expand(enum ia_codec codec, const char *in, size_t len, uint8_t *out, size_t room, size_t *got)
{
    return ia_inflate(codec, in, len, out, room, got, &err);
}

static void adc_literals_and_copies_expand(void **state)
{
    (void)state;
    uint8_t out[1024];
    size_t got;
    assert_ok(expand(IA_CODEC_ADC, "", 0, out, sizeof(out), &got));
    assert_int_equal(got, 0);
    /* "x", then 3 bytes from 1 back */
    assert_ok(expand(IA_CODEC_ADC, "\x80x\x00\x00", 4, out, sizeof(out), &got));
    assert_int_equal(got, 4);
    assert_memory_equal(out, "xxxx", 4);
    /* "ab", then the longest short copy, 18 bytes from 2 back */
    assert_ok(expand(IA_CODEC_ADC,
                     "\x81"
                     "ab\x3c\x01",
                     5, out, sizeof(out), &got));
    assert_int_equal(got, 20);
    assert_memory_equal(out, "abababababababababab", 20);
    /* "abc", then the shortest long copy, 4 bytes from 3 back */
    assert_ok(expand(IA_CODEC_ADC,
                     "\x82"
                     "abc\x40\x00\x02",
                     7, out, sizeof(out), &got));
    assert_int_equal(got, 7);
    assert_memory_equal(out, "abcabca", 7);
}

static void adc_copies_reach_back_to_the_first_byte_and_no_further(void **state)
{
    (void)state;
    uint8_t in[2 + 2 * 129 + 3] = {0};
    uint8_t out[300];
    size_t got;
    in[0] = in[129] = 0xff; /* twice 128 literals */
    memset(in + 1, 'p', 128);
    memset(in + 130, 'q', 128);
    in[1] = 'F';
    in[258] = 0x40; /* 4 bytes from 256 back: the very first ones */
    in[260] = 0xff;
    assert_ok(ia_inflate(IA_CODEC_ADC, in, 261, out, sizeof(out), &got, &err));
    assert_int_equal(got, 260);
    assert_memory_equal(out + 256, "Fppp", 4);
    in[258] = 0x01; /* 3 bytes, distance's high bits in the first byte: 0x100 + 0 + 1, one too far */
    in[259] = 0x00;
    assert_status(IA_CORRUPT, ia_inflate(IA_CODEC_ADC, in, 260, out, sizeof(out), &got, &err));
}

static void adc_that_ends_early_or_points_before_its_beginning_is_corrupt(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t len;
    } cases[] = {
        {"\x00\x00", 2},      /* a copy from before the beginning */
        {"\x80x\x00\x01", 4}, /* one byte too far back */
        {"\x81x", 2},         /* fewer literals than told */
        {"\x80x\x00", 3},     /* a copy without its distance */
        {"\x80x\x40\x00", 4}, /* half of it */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t out[64];
        size_t got;
        assert_status(IA_CORRUPT, expand(IA_CODEC_ADC, cases[i].in, cases[i].len, out, sizeof(out), &got));
    }
}

static void only_lzfse_blocks_that_are_not_compressed_expand(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t len;
        enum ia_status status;
    } cases[] = {
        {"bvx$", 4, IA_OK},
        {"bvx-\0\0\0\0bvx$", 12, IA_OK},
        {"bvx-\3\0\0\0abcbvx$", 15, IA_OK},
        {"bvxn\3\0\0\0abcbvx$", 15, IA_UNSUPPORTED},
        {"bvx1", 4, IA_UNSUPPORTED},
        {"bvx-\3\0\0\0abcbvx2", 15, IA_UNSUPPORTED},
        {"bvx!", 4, IA_CORRUPT},
        {"bvx-\4\0\0\0abc", 11, IA_CORRUPT},
        {"bvx-\xff\xff\xff\xff", 8, IA_CORRUPT},
        {"bvx-\3\0\0\0abc", 11, IA_CORRUPT}, /* no end */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t out[64];
        size_t got = 0;
        assert_status(cases[i].status, expand(IA_CODEC_LZFSE, cases[i].in, cases[i].len, out, sizeof(out), &got));
        assert_int_equal(got, i == 2 ? 3 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_gives_the_text),
        cmocka_unit_test(stops_where_the_stream_ends),
        cmocka_unit_test(stops_when_the_room_is_full),
        cmocka_unit_test(garbage_after_the_stream_is_not_looked_at),
        cmocka_unit_test(a_cut_stream_is_corrupt),
        cmocka_unit_test(noise_is_corrupt),
        cmocka_unit_test(adc_literals_and_copies_expand),
        cmocka_unit_test(adc_copies_reach_back_to_the_first_byte_and_no_further),
        cmocka_unit_test(adc_that_ends_early_or_points_before_its_beginning_is_corrupt),
        cmocka_unit_test(only_lzfse_blocks_that_are_not_compressed_expand),
    };
    return cmocka_run_group_tests_name("content/inflate", tests, NULL, NULL);
}
