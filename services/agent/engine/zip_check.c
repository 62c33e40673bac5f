/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/zip_check.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"

/* APPNOTE.TXT of PKWARE, 4.3: sizes of records without what is of variable length, and where in them fields stand. */
enum {
    LOCAL_SIZE = 30,
    ENTRY_SIZE = 46,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    COMMENT_MAX = 65535,
    ZIP64_EXTRA = 1,
    FLAG_ENCRYPTED = 1,
    FLAG_SIZES_BEHIND = 8,
    STORED = 0,
    DEFLATED = 8,
    TYPE_MASK = 0170000, /* of the mode of a file, in the upper half of the attributes */
    TYPE_PIPE = 0010000,
    TYPE_CHARACTERS = 0020000,
    TYPE_BLOCKS = 0060000,
    TYPE_LINK = 0120000,
    TYPE_SOCKET = 0140000,
    MADE_BY_UNIX = 3,
    MADE_BY_MACOS = 19,
    COUNT_MODULO = 65536, /* what is over it is lost where there is no zip64 */
};
#define IN_ZIP64 UINT32_MAX /* of a size or an offset: it stands in the extra field */
#define UNPACKED_FREE LIMIT_MIB(256)
#define NAME_SHOWN 200

#define MANIFEST_NAME "META-INF/MANIFEST.MF"

struct entry {
    const char *name;
    size_t name_len;
    unsigned made_by, flags, method;
    uint32_t attributes;
    uint64_t packed, unpacked, offset; /* offset: of the local header, in the file */
};

struct extent {
    uint64_t from, to;
};

struct check {
    const struct zip_source *source;
    uint64_t start; /* where offsets count from: bytes in front */
    uint64_t directory, directory_size, count;
    bool zip64;
    uint64_t end64;    /* where its record says that it is */
    uint64_t unpacked; /* of all entries so far */
    bool has_manifest;
    struct extent *extents;
    char *why;
};

static unsigned get16(const uint8_t *at)
{
    return at[0] | (unsigned)at[1] << 8;
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) | (uint32_t)get16(at + 2) << 16;
}

static uint64_t get64(const uint8_t *at)
{
    return get32(at) | (uint64_t)get32(at + 4) << 32;
}

static bool is_record(const uint8_t *at, uint8_t a, uint8_t b)
{
    return at[0] == 'P' && at[1] == 'K' && at[2] == a && at[3] == b;
}

static bool refuse(struct check *check, const char *why)
{
    mem_free(check->why);
    check->why = mem_strdup(why);
    return false;
}

/* The name as far as it can be shown. */
static bool refuse_entry(struct check *check, const struct entry *entry, const char *why)
{
    AUTO_FREE char *name = mem_strndup(entry->name, entry->name_len);
    for (size_t i = 0; name[i];) {
        size_t len = str_utf8(name + i);
        if (len == 0 || (unsigned char)name[i] < ' ' || name[i] == 0x7f)
            name[i] = '?';
        i += len ? len : 1;
    }
    str_shorten(name, NAME_SHOWN);
    mem_free(check->why);
    check->why = mem_printf("its entry \"%s\" %s", name, why);
    return false;
}

static bool read_at(struct check *check, uint64_t at, void *bytes, size_t len)
{
    const struct zip_source *source = check->source;
    uint64_t size = (uint64_t)source->size;
    if (at > size || len > size - at)
        return refuse(check, "it is cut off, or its records point behind its end");
    return source->read(source->user, (int64_t)at, bytes, len) || refuse(check, "it can't be read");
}

/* -- the end record -- */

/*
 * The last one in the file, which is the one that all programs find. Behind it there is its comment and nothing else, so a
 * comment that looks like a record would be found by some.
 */
static bool find_end(struct check *check, uint64_t *ret_at, uint8_t *ret_record)
{
    uint64_t size = (uint64_t)check->source->size;
    size_t len = size < END_SIZE + COMMENT_MAX ? (size_t)size : END_SIZE + COMMENT_MAX;
    AUTO_FREE uint8_t *tail = mem_alloc(len + 1);
    if (!read_at(check, size - len, tail, len))
        return false;
    for (size_t i = len < END_SIZE ? 0 : len - END_SIZE + 1; i-- > 0;) {
        if (!is_record(tail + i, 5, 6))
            continue;
        if (i + END_SIZE + get16(tail + i + 20) != len)
            return refuse(check, "its end record is not at its end");
        memcpy(ret_record, tail + i, END_SIZE);
        *ret_at = size - len + i;
        return true;
    }
    return refuse(check, "it is no zip file");
}

static bool says(uint64_t narrow, uint64_t unset, uint64_t wide)
{
    return narrow == unset || narrow == wide;
}

/*
 * Of zip64, where there is one: it stands in front of its locator, and that in front of the end record. Some programs look
 * at it only where the end record leaves something out, so both have to say the same.
 */
static bool read_end64(struct check *check, uint64_t *behind)
{
    uint8_t locator[LOCATOR_SIZE], record[END64_SIZE];
    uint64_t end = *behind;
    if (end < LOCATOR_SIZE + END64_SIZE)
        return true;
    if (!read_at(check, end - LOCATOR_SIZE, locator, sizeof(locator)))
        return false;
    if (!is_record(locator, 6, 7))
        return true;
    *behind = end - LOCATOR_SIZE - END64_SIZE;
    if (!read_at(check, *behind, record, sizeof(record)))
        return false;
    uint64_t count = get64(record + 32), size = get64(record + 40), at = get64(record + 48);
    if (!is_record(record, 6, 6) || get64(record + 4) != END64_SIZE - 12 || get32(record + 16) ||
        get32(record + 20) || get64(record + 24) != count ||
        !says(check->count, UINT16_MAX, count) || !says(check->directory_size, IN_ZIP64, size) ||
        !says(check->directory, IN_ZIP64, at))
        return refuse(check, "its two end records do not say the same");
    check->zip64 = true;
    check->end64 = get64(locator + 8);
    check->count = count;
    check->directory_size = size;
    check->directory = at;
    return true;
}

static bool read_end(struct check *check)
{
    uint64_t behind = 0;
    uint8_t record[END_SIZE];
    if (!find_end(check, &behind, record))
        return false;
    if (get16(record + 4) || get16(record + 6) || get16(record + 8) != get16(record + 10))
        return refuse(check, "it is one of several parts");
    check->count = get16(record + 10);
    check->directory_size = get32(record + 12);
    check->directory = get32(record + 16);
    if (!read_end64(check, &behind))
        return false;
    if (check->directory_size > LIMIT_JAR_DIRECTORY || check->count > LIMIT_JAR_ENTRIES)
        return refuse(check, "it has too many entries");
    if (check->directory_size > behind || check->directory > behind - check->directory_size)
        return refuse(check, "it is cut off, or its records point behind its end");
    check->start = behind - check->directory_size - check->directory;
    check->directory += check->start;
    return !check->zip64 || check->end64 == behind - check->start ||
           refuse(check, "its end record of zip64 is not where it says");
}

/* -- one entry -- */

static bool part_is(const char *part, size_t len, const char *what)
{
    return len == strlen(what) && memcmp(part, what, len) == 0;
}

static bool leads_out(const char *name, size_t len)
{
    if (name[0] == '/' || (len > 1 && name[1] == ':'))
        return true;
    for (size_t from = 0, to; from < len; from = to + 1) {
        const char *slash = memchr(name + from, '/', len - from);
        to = slash ? (size_t)(slash - name) : len;
        if (part_is(name + from, to - from, ".."))
            return true;
    }
    return false;
}

static bool check_name(struct check *check, const struct entry *entry)
{
    const char *name = entry->name;
    size_t len = entry->name_len;
    if (len == 0)
        return refuse(check, "one of its entries has no name");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f || name[i] == '\\')
            return refuse_entry(check, entry, "has a character in its name that no path has");
    if (leads_out(name, len))
        return refuse_entry(check, entry, "leads out of the folder that it is unpacked into");
    if (len != strlen(MANIFEST_NAME) || strncasecmp(name, MANIFEST_NAME, len) != 0)
        return true;
    if (check->has_manifest)
        return refuse_entry(check, entry, "is there twice");
    check->has_manifest = true;
    return true;
}

/* What a file system could make of it. Some archivers give folders a type that there is not: all bits are set. */
static bool check_kind(struct check *check, const struct entry *entry)
{
    unsigned type = entry->attributes >> 16 & TYPE_MASK;
    bool special = type == TYPE_LINK || type == TYPE_PIPE || type == TYPE_SOCKET ||
                   type == TYPE_CHARACTERS || type == TYPE_BLOCKS;
    if (special && (entry->made_by == MADE_BY_UNIX || entry->made_by == MADE_BY_MACOS))
        return refuse_entry(check, entry, "is a link, or another special file");
    return true;
}

static bool check_packing(struct check *check, const struct entry *entry)
{
    if (entry->flags & FLAG_ENCRYPTED)
        return refuse_entry(check, entry, "is encrypted");
    if (entry->method != STORED && entry->method != DEFLATED)
        return refuse_entry(check, entry, "is packed in a way that Java does not know");
    if (entry->method == STORED && entry->packed != entry->unpacked)
        return refuse_entry(check, entry, "is stored in another size than it has");
    if (entry->unpacked > LIMIT_JAR_UNPACKED - check->unpacked)
        return refuse_entry(check, entry, "makes it unpack to more than 4 GiB");
    check->unpacked += entry->unpacked;
    uint64_t size = (uint64_t)check->source->size;
    if (check->unpacked > UNPACKED_FREE && check->unpacked / LIMIT_JAR_RATIO > size)
        return refuse_entry(check, entry, "makes it unpack to 200 times its size");
    return true;
}

/* The sizes and the offset that did not fit, from the extra field of zip64: those, in this order. */
static bool read_extra(struct check *check, const uint8_t *extra, size_t len, struct entry *entry)
{
    uint64_t *const wide[] = {&entry->unpacked, &entry->packed, &entry->offset};
    for (size_t at = 0; at + 4 <= len; at += 4 + (size_t)get16(extra + at + 2)) {
        size_t field = at + 4, end = field + get16(extra + at + 2);
        if (end > len)
            break;
        if (get16(extra + at) != ZIP64_EXTRA)
            continue;
        for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
            if (*wide[i] != IN_ZIP64)
                continue;
            if (field + 8 > end)
                return refuse_entry(check, entry, "has no size");
            *wide[i] = get64(extra + field);
            field += 8;
        }
        return true;
    }
    return true;
}

/* What stands in front of its bytes must say the same: programs that read on without the directory go by it. */
static bool check_local(struct check *check, const struct entry *entry, struct extent *ret)
{
    if (entry->offset >= check->directory)
        return refuse_entry(check, entry, "begins behind the others");
    AUTO_FREE uint8_t *header = mem_alloc(LOCAL_SIZE + entry->name_len);
    if (!read_at(check, entry->offset, header, LOCAL_SIZE + entry->name_len))
        return false;
    if (!is_record(header, 3, 4) || get16(header + 8) != entry->method ||
        get16(header + 26) != entry->name_len || (get16(header + 6) & FLAG_ENCRYPTED))
        return refuse_entry(check, entry, "is another one where its bytes are");
    if (memcmp(header + LOCAL_SIZE, entry->name, entry->name_len) != 0)
        return refuse_entry(check, entry, "has another name where its bytes are");
    uint32_t packed = get32(header + 18), unpacked = get32(header + 22);
    bool behind = get16(header + 6) & FLAG_SIZES_BEHIND;
    if (!behind && ((packed != IN_ZIP64 && packed != entry->packed) ||
                    (unpacked != IN_ZIP64 && unpacked != entry->unpacked)))
        return refuse_entry(check, entry, "has another size where its bytes are");
    uint64_t bytes = entry->offset + LOCAL_SIZE + entry->name_len + get16(header + 28);
    if (bytes > check->directory || entry->packed > check->directory - bytes)
        return refuse_entry(check, entry, "reaches behind the others");
    *ret = (struct extent){entry->offset, bytes + entry->packed};
    return true;
}

/* -- all entries -- */

/* @at: in the directory, whose size is @size. */
static bool read_entry(struct check *check, const uint8_t *at, size_t size, struct entry *out,
                       size_t *ret_len)
{
    if (size < ENTRY_SIZE || !is_record(at, 1, 2))
        return refuse(check, "its directory is damaged");
    size_t name = get16(at + 28), extra = get16(at + 30);
    size_t len = ENTRY_SIZE + name + extra + get16(at + 32);
    if (len > size)
        return refuse(check, "its directory is damaged");
    *out = (struct entry){
        .name = (const char *)at + ENTRY_SIZE,
        .name_len = name,
        .made_by = at[5],
        .flags = get16(at + 8),
        .method = get16(at + 10),
        .attributes = get32(at + 38),
        .packed = get32(at + 20),
        .unpacked = get32(at + 24),
        .offset = get32(at + 42),
    };
    *ret_len = len;
    if (!read_extra(check, at + ENTRY_SIZE + name, extra, out))
        return false;
    if (out->offset > check->directory)
        return refuse_entry(check, out, "begins behind the others");
    out->offset += check->start;
    return true;
}

static bool check_entries(struct check *check, const uint8_t *directory, size_t *ret_count)
{
    size_t size = (size_t)check->directory_size, count = 0, len = 0;
    for (size_t at = 0; at < size; at += len) {
        struct entry entry;
        if (count == LIMIT_JAR_ENTRIES)
            return refuse(check, "it has too many entries");
        if (!read_entry(check, directory + at, size - at, &entry, &len) ||
            !check_name(check, &entry) || !check_kind(check, &entry) ||
            !check_packing(check, &entry) || !check_local(check, &entry, &check->extents[count]))
            return false;
        count++;
    }
    *ret_count = count;
    return count == check->count || (!check->zip64 && count % COUNT_MODULO == check->count) ||
           refuse(check, "its directory has another number of entries than it says");
}

static int compare_extents(const void *a, const void *b)
{
    const struct extent *left = a, *right = b;
    return (left->from > right->from) - (left->from < right->from);
}

static bool check_extents(struct check *check, size_t count)
{
    if (count > 1)
        qsort(check->extents, count, sizeof(*check->extents), compare_extents);
    for (size_t i = 1; i < count; i++)
        if (check->extents[i].from < check->extents[i - 1].to)
            return refuse(check, "two of its entries share bytes");
    return true;
}

static void check_all(struct check *check)
{
    size_t count = 0;
    if (!read_end(check))
        return;
    size_t size = (size_t)check->directory_size;
    AUTO_FREE uint8_t *directory = mem_alloc(size + 1);
    check->extents = mem_alloc((size / ENTRY_SIZE + 1) * sizeof(*check->extents));
    if (read_at(check, check->directory, directory, size) &&
        check_entries(check, directory, &count))
        check_extents(check, count);
}

char *zip_check(const struct zip_source *source)
{
    struct check check = {.source = source};
    check_all(&check);
    mem_free(check.extents);
    return check.why;
}
