/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/watch_stream.h"

#include <string.h>

#include "lib/base/limits.h"

#define LINE_KEPT_MAX LIMIT_KIB(64) /* memory that stays for the next line */

static const struct {
    const char *name;
    enum kube_event_type type;
} types[] = {
    {"ADDED", KUBE_ADDED},
    {"MODIFIED", KUBE_MODIFIED},
    {"DELETED", KUBE_DELETED},
    {"BOOKMARK", KUBE_BOOKMARK},
};

/* An event as it stands in its line. */
struct entry {
    struct span type, object;
};

/* Whether @text is one JSON object and nothing else, as far as scanning tells. */
static bool read_entry(struct span text, struct entry *ret)
{
    struct span key, value;
    struct scan scan = scan_begin(text, '{');
    struct entry entry = {0};
    while (scan_member(&scan, &key, &value)) {
        if (span_is(key, "type") && !span_string(value, &entry.type))
            return false;
        if (span_is(key, "object"))
            entry.object = value;
    }
    size_t rest = (size_t)(scan.end - scan.at);
    if (scan.malformed || rest || !entry.type.len || !entry.object.len ||
        entry.object.text[0] != '{')
        return false;
    *ret = entry;
    return true;
}

/* The member @name of @object; empty where there is none. */
static struct span member(struct span object, const char *name)
{
    struct span key, value;
    struct scan scan = scan_begin(object, '{');
    while (scan_member(&scan, &key, &value))
        if (span_is(key, name))
            return value;
    return (struct span){"", 0};
}

static int refuse(struct err **err)
{
    return err_set(err, ERR_DATA_LOSS, "what came is no event of a watch");
}

bool kube_stream_is_version(const char *text)
{
    int64_t number;
    return str_parse_int64(text, 0, INT64_MAX, &number);
}

/* Return: owned, or NULL where @object has none. */
static char *version_of(struct span object)
{
    struct span value;
    if (!span_string(member(member(object, "metadata"), "resourceVersion"), &value))
        return NULL;
    char *version = mem_strndup(value.text, value.len);
    if (strlen(version) == value.len && kube_stream_is_version(version))
        return version;
    mem_free(version);
    return NULL;
}

static bool ends_list(enum kube_event_type type, struct span object)
{
    struct span annotations = member(member(object, "metadata"), "annotations"), value;
    return type == KUBE_BOOKMARK &&
           span_string(member(annotations, "k8s.io/initial-events-end"), &value) &&
           span_is(value, "true");
}

/* In the middle of a streaming list. */
static void handle_listed(struct kube_stream *stream, enum kube_event_type type, struct span object,
                          const char *version, kube_stream_fn fn, void *user)
{
    if (ends_list(type, object)) {
        stream->version = mem_strdup(version);
        fn(user, KUBE_LISTED, object);
    } else if (type != KUBE_BOOKMARK) {
        fn(user, type, object);
    }
}

static int handle(struct kube_stream *stream, const struct entry *entry, kube_stream_fn fn,
                  void *user, struct err **err)
{
    if (span_is(entry->type, "ERROR"))
        return err_move(err, kube_status_error(500, entry->object.text, entry->object.len));
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (!span_is(entry->type, types[i].name))
            continue;
        AUTO_FREE char *version = version_of(entry->object);
        if (!version)
            return refuse(err);
        if (!stream->version) {
            handle_listed(stream, types[i].type, entry->object, version, fn, user);
            return 0;
        }
        mem_free(stream->version);
        stream->version = TAKE(version);
        fn(user, types[i].type, entry->object);
        return 0;
    }
    return refuse(err);
}

static struct span trim(const char *text, size_t len)
{
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\r'))
        len--;
    return (struct span){text, len};
}

static int take_line(struct kube_stream *stream, const char *text, size_t len, kube_stream_fn fn,
                     void *user, struct err **err)
{
    struct entry entry;
    struct span line = trim(text, len);
    if (!line.len)
        return 0;
    if (line.len > LIMIT_KUBE_EVENT)
        return err_set(err, ERR_LIMIT, "an event is larger than %zu bytes", LIMIT_KUBE_EVENT);
    return read_entry(line, &entry) ? handle(stream, &entry, fn, user, err) : refuse(err);
}

static void clear_line(struct kube_stream *stream)
{
    if (stream->line.cap > LINE_KEPT_MAX)
        str_done(&stream->line);
    str_clear(&stream->line);
}

/* The line that was begun before, and its end. */
static int take_begun(struct kube_stream *stream, const char *bytes, size_t len, kube_stream_fn fn,
                      void *user, struct err **err)
{
    str_add_bytes(&stream->line, bytes, len);
    if (stream->line.full)
        return err_set(err, ERR_LIMIT, "an event is larger than %zu bytes", LIMIT_KUBE_EVENT);
    int result = take_line(stream, str_text(&stream->line), stream->line.len, fn, user, err);
    clear_line(stream);
    return result;
}

int kube_stream_feed(struct kube_stream *stream, const char *bytes, size_t len, kube_stream_fn fn,
                     void *user, struct err **err)
{
    stream->line.max = LIMIT_KUBE_EVENT + 1; /* one more tells that it is too long */
    for (const char *end; (end = memchr(bytes, '\n', len)) != NULL;) {
        size_t piece = (size_t)(end - bytes);
        int result = stream->line.len ? take_begun(stream, bytes, piece, fn, user, err)
                                      : take_line(stream, bytes, piece, fn, user, err);
        if (result != 0)
            return -1;
        bytes += piece + 1;
        len -= piece + 1;
    }
    str_add_bytes(&stream->line, bytes, len);
    if (stream->line.full)
        return err_set(err, ERR_LIMIT, "an event is larger than %zu bytes", LIMIT_KUBE_EVENT);
    return 0;
}

void kube_stream_restart(struct kube_stream *stream)
{
    clear_line(stream);
}

void kube_stream_done(struct kube_stream *stream)
{
    str_done(&stream->line);
    mem_free(stream->version);
}
