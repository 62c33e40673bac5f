/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/engine/zip_check.h"

/* -- a zip made by hand, so that each field can be wrong -- */

#define M "META-INF/MANIFEST.MF"

struct member {
    const char *name;
    size_t name_len;        /* 0: that of the text */
    const char *local_name; /* NULL: the same */
    unsigned made_by, flags, method;
    uint32_t attributes;
    uint64_t unpacked; /* deflated: as it says; stored: as it is, 4 */
    int local_size;    /* added to that in front of the bytes */
    int offset;        /* added to where it is */
    bool zip64;        /* sizes and offset stand in the extra field */
};

enum { DEFLATED = 8, UNIX = 3 << 8, SIZES_BEHIND = 8 };
#define TYPE(mode) ((uint32_t)(mode) << 16)
#define BYTES "1234"

struct archive {
    const char *front, *comment;
    struct member members[3];
    int count, directory,
        end; /* added to: the number of entries, offset and size of the directory */
    bool zip64;
    const char *why; /* NULL: it is taken */
};

static void put(struct str *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        str_add_char(out, i < 8 ? (char)(value >> (8 * i)) : 0);
}

static size_t name_len(const struct member *member)
{
    return member->name_len ? member->name_len : strlen(member->name);
}

static void put_local(struct str *out, const struct member *member)
{
    const char *name = member->local_name ? member->local_name : member->name;
    size_t len = member->local_name ? strlen(name) : name_len(member);
    bool behind = member->flags & SIZES_BEHIND;
    uint64_t unpacked = member->unpacked ? member->unpacked : strlen(BYTES);
    str_add_bytes(out, "PK\3\4", 4);
    put(out, 20, 2);
    put(out, member->flags, 2);
    put(out, member->method, 2);
    put(out, 0, 8); /* time, date, CRC */
    put(out, behind ? 0 : strlen(BYTES), 4);
    put(out, behind ? 0 : unpacked + (uint64_t)member->local_size, 4);
    put(out, len, 2);
    put(out, 0, 2);
    str_add_bytes(out, name, len);
    str_add(out, BYTES);
    if (behind)
        put(out, 0, 16);
}

static void put_entry(struct str *out, const struct member *member, uint64_t at)
{
    uint64_t unpacked = member->unpacked ? member->unpacked : strlen(BYTES);
    uint64_t offset = at + (uint64_t)member->offset;
    str_add_bytes(out, "PK\1\2", 4);
    put(out, 20 | member->made_by, 2);
    put(out, 20, 2);
    put(out, member->flags, 2);
    put(out, member->method, 2);
    put(out, 0, 8);
    put(out, member->zip64 ? UINT32_MAX : strlen(BYTES), 4);
    put(out, member->zip64 ? UINT32_MAX : unpacked, 4);
    put(out, name_len(member), 2);
    put(out, member->zip64 ? 28 + 5 : 0, 2);
    put(out, 0, 6);
    put(out, member->attributes, 4);
    put(out, member->zip64 ? UINT32_MAX : offset, 4);
    str_add_bytes(out, member->name, name_len(member));
    if (!member->zip64)
        return;
    put(out, 0xcafe | 1 << 16, 4); /* another field in front */
    put(out, 0, 1);
    put(out, 1 | 24 << 16, 4);
    put(out, unpacked, 8);
    put(out, strlen(BYTES), 8);
    put(out, offset, 8);
}

static void put_end64(struct str *out, uint64_t count, uint64_t size, uint64_t directory,
                      uint64_t at)
{
    str_add_bytes(out, "PK\6\6", 4);
    put(out, 44, 8);
    put(out, 20, 4);
    put(out, 0, 8);
    put(out, count, 8);
    put(out, count, 8);
    put(out, size, 8);
    put(out, directory, 8);
    str_add_bytes(out, "PK\6\7", 4);
    put(out, 0, 4);
    put(out, at, 8);
    put(out, 1, 4);
}

static struct str zip_of(const struct archive *archive)
{
    struct str out = STR_INIT(LIMIT_MIB(1));
    uint64_t offsets[ARRAY_LEN(archive->members)], count = 0;
    const char *comment = archive->comment ? archive->comment : "";
    size_t front = archive->front ? strlen(archive->front) : 0;
    if (front)
        str_add(&out, archive->front);
    for (; count < ARRAY_LEN(archive->members) && archive->members[count].name; count++) {
        offsets[count] = out.len - front;
        put_local(&out, &archive->members[count]);
    }
    uint64_t directory = out.len - front + (uint64_t)archive->directory;
    size_t from = out.len;
    for (size_t i = 0; i < count; i++)
        put_entry(&out, &archive->members[i], offsets[i]);
    uint64_t size = out.len - from + (uint64_t)archive->end, at = out.len - front;
    count += (uint64_t)archive->count;
    if (archive->zip64)
        put_end64(&out, count, size, directory, at);
    str_add_bytes(&out, "PK\5\6", 4);
    put(&out, 0, 4);
    put(&out, archive->zip64 ? UINT16_MAX : count, 2);
    put(&out, archive->zip64 ? UINT16_MAX : count, 2);
    put(&out, archive->zip64 ? UINT32_MAX : size, 4);
    put(&out, archive->zip64 ? UINT32_MAX : directory, 4);
    put(&out, strlen(comment), 2);
    str_add(&out, comment);
    return out;
}

static bool read_text(void *user, int64_t at, void *bytes, size_t len)
{
    memcpy(bytes, str_text(user) + at, len);
    return true;
}

static char *check(struct str *zip)
{
    struct zip_source source = {(int64_t)zip->len, read_text, zip};
    return zip_check(&source);
}

/* -- what is taken and what is not -- */

#define NO_PATH "has a character in its name that no path has"
#define OUT "leads out of the folder that it is unpacked into"
#define SPECIAL "is a link, or another special file"

static const struct archive archives[] = {
    /* what jars are like */
    {.members = {{.name = M},
                 {.name = "a/"},
                 {.name = "a/b.class", .method = DEFLATED, .unpacked = 900}}},
    {.members = {{.name = "META-INF/", .made_by = UNIX, .attributes = TYPE(0040755)},
                 {.name = M, .made_by = UNIX, .attributes = TYPE(0100644)},
                 {.name = "lib/x.jar"}}},
    {.members = {{.name = M, .method = DEFLATED, .flags = SIZES_BEHIND},
                 {.name = "x", .flags = SIZES_BEHIND}}},
    {.members = {{.name = M}, {.name = "META-INF/LICENSE"}, {.name = "META-INF/LICENSE"}}},
    {.members = {{.name = M}, {.name = "a..b/..c/d.."}, {.name = ".hidden/...x"}}},
    {.members = {{.name = M},
                 {.name = "m\xc3\xb6"
                          "dule"},
                 {.name = "sub/" M}}},
    {.members = {{.name = M, .attributes = TYPE(0120777)}}}, /* of DOS, where that means nothing */
    {.members = {{.name = M},
                 {.name = "META-INF/maven/", .made_by = UNIX, .attributes = TYPE(0170755)}}},
    {.members = {{.name = M}}, .comment = "built by hand"},
    {.members = {{.name = M}}, .front = "#!/bin/sh\nexec java -jar \"$0\"\n"},
    {.members = {{.name = M}, {.name = "x", .zip64 = true}}},
    {.members = {{.name = M}, {.name = "x"}}, .zip64 = true},
    {.members = {{.name = M, .zip64 = true}}, .zip64 = true, .front = "#!", .comment = "PK"},
    {.members = {{.name = NULL}}},

    /* names */
    {.members = {{.name = M}, {.name = "../x"}}, .why = "its entry \"../x\" " OUT},
    {.members = {{.name = M}, {.name = "a/../../x"}}, .why = "its entry \"a/../../x\" " OUT},
    {.members = {{.name = M}, {.name = ".."}}, .why = "its entry \"..\" " OUT},
    {.members = {{.name = M}, {.name = "a/.."}}, .why = "its entry \"a/..\" " OUT},
    {.members = {{.name = M}, {.name = "/etc/x"}}, .why = "its entry \"/etc/x\" " OUT},
    {.members = {{.name = M}, {.name = "C:/x"}}, .why = "its entry \"C:/x\" " OUT},
    {.members = {{.name = M}, {.name = "..\\x"}}, .why = "its entry \"..\\x\" " NO_PATH},
    {.members = {{.name = M}, {.name = "a\nb"}}, .why = "its entry \"a?b\" " NO_PATH},
    {.members = {{.name = M}, {.name = "a\x7f"}}, .why = "its entry \"a?\" " NO_PATH},
    {.members = {{.name = M}, {.name = "a\0b", 3}}, .why = "its entry \"a\" " NO_PATH},
    {.members = {{.name = M}, {.name = "\xff\\"}},
     .why = "its entry \"?\\\" " NO_PATH}, /* shown as UTF-8 */
    {.members = {{.name = "", .local_name = ""}}, .why = "one of its entries has no name"},
    {.members = {{.name = M}, {.name = M}}, .why = "its entry \"" M "\" is there twice"},
    {.members = {{.name = M}, {.name = "meta-inf/manifest.mf"}},
     .why = "its entry \"meta-inf/manifest.mf\" is there twice"},

    /* kinds */
    {.members = {{.name = "x", .made_by = UNIX, .attributes = TYPE(0120777)}},
     .why = "its entry \"x\" " SPECIAL},
    {.members = {{.name = "x", .made_by = 19 << 8, .attributes = TYPE(0120777)}},
     .why = "its entry \"x\" " SPECIAL},
    {.members = {{.name = "x", .made_by = UNIX, .attributes = TYPE(0010644)}},
     .why = "its entry \"x\" " SPECIAL},
    {.members = {{.name = "x", .made_by = UNIX, .attributes = TYPE(0020644)}},
     .why = "its entry \"x\" " SPECIAL},
    {.members = {{.name = "x", .made_by = UNIX, .attributes = TYPE(0060644)}},
     .why = "its entry \"x\" " SPECIAL},
    {.members = {{.name = "x", .made_by = UNIX, .attributes = TYPE(0140644)}},
     .why = "its entry \"x\" " SPECIAL},

    /* packing and sizes */
    {.members = {{.name = "x", .flags = 1}}, .why = "its entry \"x\" is encrypted"},
    {.members = {{.name = "x", .method = 12}},
     .why = "its entry \"x\" is packed in a way that Java does not know"},
    {.members = {{.name = "x", .unpacked = 5}},
     .why = "its entry \"x\" is stored in another size than it has"},
    {.members = {{.name = "x", .method = DEFLATED, .unpacked = LIMIT_MIB(256)}}},
    {.members = {{.name = "x", .method = DEFLATED, .unpacked = LIMIT_MIB(256)},
                 {.name = "y", .method = DEFLATED, .unpacked = 1}},
     .why = "its entry \"y\" makes it unpack to 200 times its size"},
    {.members = {{.name = "x", .method = DEFLATED, .unpacked = LIMIT_MIB(4095)},
                 {.name = "y", .method = DEFLATED, .unpacked = LIMIT_MIB(2)}},
     .why = "its entry \"x\" makes it unpack to 200 times its size"},
    {.members = {{.name = "x", .method = DEFLATED, .unpacked = (1ULL << 63) + 1, .zip64 = true}},
     .why = "its entry \"x\" makes it unpack to more than 4 GiB"},

    /* in front of the bytes */
    {.members = {{.name = "x", .local_name = "y"}},
     .why = "its entry \"x\" has another name where its bytes are"},
    {.members = {{.name = "x", .local_name = "xy"}},
     .why = "its entry \"x\" is another one where its bytes are"},
    {.members = {{.name = "x", .method = DEFLATED, .unpacked = 9, .local_size = 1}},
     .why = "its entry \"x\" has another size where its bytes are"},
    {.members = {{.name = "x", .offset = 1}},
     .why = "its entry \"x\" is another one where its bytes are"},
    {.members = {{.name = "x", .offset = 35}}, .why = "its entry \"x\" begins behind the others"},
    {.members = {{.name = "x", .offset = 999}}, .why = "its entry \"x\" begins behind the others"},
    {.members = {{.name = "x"}, {.name = "x", .offset = -35}},
     .why = "two of its entries share bytes"},

    /* the directory */
    {.members = {{.name = "x"}},
     .count = 1,
     .why = "its directory has another number of entries than it says"},
    {.members = {{.name = "x"}, {.name = "y"}},
     .count = -1,
     .why = "its directory has another number of entries than it says"},
    {.members = {{.name = "x"}},
     .directory = 1,
     .why = "it is cut off, or its records point behind its end"},
    {.members = {{.name = "x"}},
     .directory = -1,
     .why = "its entry \"x\" is another one where its bytes are"},
    {.members = {{.name = "x"}}, .end = -1, .why = "its directory is damaged"},
    {.members = {{.name = "x"}},
     .end = 999,
     .why = "it is cut off, or its records point behind its end"},
    {.members = {{.name = "x"}}, .count = 200000, .zip64 = true, .why = "it has too many entries"},
    {.members = {{.name = "x"}},
     .comment = "PK\5\6"
                "0123456789abcdefghij",
     .why = "its end record is not at its end"},
};

static void a_base_gets_what_is_plain(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(archives); i++) {
        struct str zip = zip_of(&archives[i]);
        AUTO_FREE char *why = check(&zip);
        if (!str_eq(why, archives[i].why))
            fail_msg("row %zu: %s instead of %s", i, why, archives[i].why);
        str_done(&zip);
    }
}

/* Cut anywhere, or with a byte of it changed, it is refused or still all that it was: nothing is read that is not there. */
static void damaged_ones_are_no_trouble(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(archives); i++) {
        struct str zip = zip_of(&archives[i]);
        size_t whole = zip.len;
        for (zip.len = 0; zip.len < whole; zip.len++) {
            AUTO_FREE char *why = check(&zip);
            if (!why)
                fail_msg("row %zu, cut to %zu of %zu bytes", i, zip.len, whole);
        }
        for (size_t at = 0; at < whole; at++) {
            zip.data[at] ^= 0x10;
            mem_free(check(&zip)); /* whatever it says: it reads nothing that is not there */
            zip.data[at] ^= 0x10;
        }
        str_done(&zip);
    }
}

static bool fail_to_read(void *user, int64_t at, void *bytes, size_t len)
{
    (void)user, (void)at, (void)bytes, (void)len;
    return false;
}

static void what_can_not_be_read_is_refused(void **state)
{
    (void)state;
    struct zip_source source = {100, fail_to_read, NULL};
    AUTO_FREE char *why = zip_check(&source);
    assert_string_equal(why, "it can't be read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_base_gets_what_is_plain),
        cmocka_unit_test(damaged_ones_are_no_trouble),
        cmocka_unit_test(what_can_not_be_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
