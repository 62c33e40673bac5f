/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a watch: "N" and the bytes. Fed at once and N / 2 + 1 bytes at a time it must tell the same events,
 * come to the same version, and end alike; where N is odd it is a streaming list first.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/kube/watch_stream.h"
#include "tests/fuzz/fuzz.h"

struct told {
    struct str events;
    const struct kube_stream *stream;
    int ends; /* of lists */
};

static void note(void *user, enum kube_event_type type, struct span object)
{
    struct told *told = user;
    ASSERT(type <= KUBE_LISTED);
    ASSERT(object.len >= 2 && object.text[0] == '{' && object.text[object.len - 1] == '}');
    const char *version = told->stream->version;
    told->ends += type == KUBE_LISTED;
    ASSERT(version ? *version : type != KUBE_BOOKMARK);
    str_printf(&told->events, "%d %s ", (int)type, version ? version : "");
    str_add_bytes(&told->events, object.text, object.len);
}

/* Return: ERR_CODE_MAX_, or how it ended. */
static enum err_code feed(struct told *told, struct kube_stream *stream, bool list,
                          const char *bytes, size_t size, size_t piece)
{
    AUTO_ERR struct err *err = NULL;
    *told = (struct told){.events = STR_INIT(LIMIT_MIB(64)), .stream = stream};
    *stream = KUBE_STREAM_INIT(list ? NULL : "1");
    for (size_t at = 0; at < size && !err; at += piece)
        if (kube_stream_feed(stream, bytes + at, size - at < piece ? size - at : piece, note, told,
                             &err) != 0)
            return err->code;
    return ERR_CODE_MAX_;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told whole, split;
    struct kube_stream first, second;
    if (!size)
        return 0;
    const char *bytes = (const char *)data + 1;
    bool list = data[0] % 2;
    enum err_code end = feed(&whole, &first, list, bytes, size - 1, size);
    ASSERT(feed(&split, &second, list, bytes, size - 1, (size_t)data[0] / 2 + 1) == end);
    ASSERT(str_eq(first.version, second.version));
    ASSERT(whole.ends == (list && first.version));
    ASSERT(whole.events.len == split.events.len);
    ASSERT(memcmp(str_text(&whole.events), str_text(&split.events), whole.events.len) == 0);
    str_done(&whole.events);
    str_done(&split.events);
    kube_stream_done(&first);
    kube_stream_done(&second);
    return 0;
}
