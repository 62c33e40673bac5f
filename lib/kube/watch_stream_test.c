/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/watch_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"

#define OBJECT(version)                                                                            \
    "{\"kind\":\"X\",\"metadata\":{\"name\":\"a\\n\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, version) "{\"type\":\"" type "\",\"object\":" OBJECT(version) "}\n"

/* What came, as text: "ADDED {...};". */
static void note(void *user, enum kube_event_type type, struct span object)
{
    static const char *const names[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "LISTED"};
    struct str *seen = user;
    str_printf(seen, "%s %.*s;", names[type], (int)object.len, object.text);
}

static const char three[] = EVENT("ADDED", "1") EVENT("DELETED", "2") "\r\n" EVENT("BOOKMARK", "7");
static const char three_seen[] =
    "ADDED " OBJECT("1") ";DELETED " OBJECT("2") ";BOOKMARK " OBJECT("7") ";";

static void events_come_whole_wherever_the_bytes_are_split(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= sizeof(three); piece++) {
        struct kube_stream stream = KUBE_STREAM_INIT("0");
        struct str seen = STR_INIT(LIMIT_KIB(1));
        for (size_t at = 0; at < sizeof(three) - 1; at += piece) {
            size_t left = sizeof(three) - 1 - at;
            assert_int_equal(kube_stream_feed(&stream, three + at, left < piece ? left : piece,
                                              note, &seen, NULL),
                             0);
        }
        assert_string_equal(str_text(&seen), three_seen);
        assert_string_equal(stream.version, "7");
        str_done(&seen);
        kube_stream_done(&stream);
    }
}

#define BOOKMARK_WITH(version, annotations)                                                        \
    "{\"metadata\":{\"resourceVersion\":\"" version "\",\"annotations\":{" annotations "}}}"
#define LISTED(version) BOOKMARK_WITH(version, "\"k8s.io/initial-events-end\":\"true\"")
#define BOOKMARK(object) "{\"type\":\"BOOKMARK\",\"object\":" object "}\n"

static void a_list_has_its_version_from_its_end(void **state)
{
    (void)state;
    static const char *const listing[] = {
        EVENT("ADDED", "9"),
        EVENT("MODIFIED", "10"),
        EVENT("DELETED", "11"),
        EVENT("BOOKMARK", "12"),
        BOOKMARK(BOOKMARK_WITH("12", "\"k8s.io/initial-events-end\":\"false\"")),
        BOOKMARK(BOOKMARK_WITH("12", "\"k8s.io/initial-events-end\":true")),
        "{\"type\":\"ADDED\",\"object\":" LISTED("12") "}\n",
    };
    struct kube_stream stream = KUBE_STREAM_INIT(NULL);
    struct str seen = STR_INIT(LIMIT_KIB(1));
    for (size_t i = 0; i < ARRAY_LEN(listing); i++) {
        assert_int_equal(
            kube_stream_feed(&stream, listing[i], strlen(listing[i]), note, &seen, NULL), 0);
        assert_null(stream.version);
    }
    static const char end[] = BOOKMARK(LISTED("8")) BOOKMARK(LISTED("13"));
    assert_int_equal(kube_stream_feed(&stream, end, strlen(end), note, &seen, NULL), 0);
    assert_string_equal(stream.version, "13");
    assert_string_equal(
        str_text(&seen),
        "ADDED " OBJECT("9") ";MODIFIED " OBJECT("10") ";DELETED " OBJECT("11") ";ADDED " LISTED(
            "12") ";LISTED " LISTED("8") ";BOOKMARK " LISTED("13") ";");
    str_done(&seen);
    kube_stream_done(&stream);
}

static void half_a_line_is_dropped_with_its_connection(void **state)
{
    (void)state;
    static const char half[] = EVENT("ADDED", "1") "{\"type\":\"MODI";
    struct kube_stream stream = KUBE_STREAM_INIT("0");
    struct str seen = STR_INIT(LIMIT_KIB(1));
    assert_int_equal(kube_stream_feed(&stream, half, strlen(half), note, &seen, NULL), 0);
    kube_stream_restart(&stream);
    assert_string_equal(stream.version, "1");
    assert_int_equal(kube_stream_feed(&stream, three, strlen(three), note, &seen, NULL), 0);
    assert_string_equal(str_text(&seen) + strlen("ADDED " OBJECT("1") ";"), three_seen);
    str_done(&seen);
    kube_stream_done(&stream);
}

static void what_is_no_event_ends_the_watch(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "garbage\n",
        "[]\n",
        "{}\n",
        "{\"type\":\"ADDED\"}\n",
        "{\"type\":\"ADDED\",\"object\":null}\n",
        "{\"type\":\"ADDED\",\"object\":{}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"\"}}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":5}}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"x\"}}}\n",
        "{\"type\":\"RENAMED\",\"object\":" OBJECT("1") "}\n",
        "{\"type\":5,\"object\":" OBJECT("1") "}\n",
        "{\"type\":\"ADDED\",\"object\":" OBJECT("1") "}}\n",
        "{\"type\":\"ADDED\",\"object\":" OBJECT("1") "\n",
        "{\"type\":\"ADDED\n",
        "HTTP/1.1 200 OK\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct kube_stream stream = KUBE_STREAM_INIT("0");
        struct str seen = STR_INIT(LIMIT_KIB(1));
        AUTO_ERR struct err *err = NULL;
        if (kube_stream_feed(&stream, lines[i], strlen(lines[i]), note, &seen, &err) == 0)
            fail_msg("accepted: %s", lines[i]);
        assert_int_equal(err->code, ERR_DATA_LOSS);
        assert_string_equal(stream.version, "0");
        assert_string_equal(str_text(&seen), "");
        kube_stream_done(&stream);
    }
}

static void an_error_event_says_what_the_server_says(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        enum err_code code;
    } rows[] = {
        {"{\"kind\":\"Status\",\"message\":\"too old\",\"reason\":\"Expired\",\"code\":410}",
         ERR_EXPIRED},
        {"{\"kind\":\"Status\",\"message\":\"gone\",\"reason\":\"Gone\",\"code\":410}",
         ERR_EXPIRED},
        {"{\"kind\":\"Status\",\"message\":\"oh\",\"reason\":\"InternalError\",\"code\":500}",
         ERR_UNAVAILABLE},
        {"{}", ERR_UNAVAILABLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *line = mem_printf("{\"type\":\"ERROR\",\"object\":%s}\n", rows[i].status);
        struct kube_stream stream = KUBE_STREAM_INIT("5");
        AUTO_ERR struct err *err = NULL;
        assert_int_equal(kube_stream_feed(&stream, line, strlen(line), note, NULL, &err), -1);
        assert_int_equal(err->code, rows[i].code);
        assert_string_equal(stream.version, "5");
        kube_stream_done(&stream);
    }
}

/* One that is told at once, and one whose end never comes. */
static void an_event_is_bounded(void **state)
{
    (void)state;
    struct kube_stream stream = KUBE_STREAM_INIT("0");
    AUTO_ERR struct err *whole = NULL, *endless = NULL;
    AUTO_FREE char *line = mem_alloc(LIMIT_KUBE_EVENT + 2);
    memset(line, 'x', LIMIT_KUBE_EVENT + 1);
    line[LIMIT_KUBE_EVENT + 1] = '\n';
    assert_int_equal(kube_stream_feed(&stream, line, LIMIT_KUBE_EVENT + 2, note, NULL, &whole), -1);
    assert_int_equal(whole->code, ERR_LIMIT);
    int result = 0;
    for (size_t fed = 0; result == 0 && fed < 2 * LIMIT_KUBE_EVENT; fed += LIMIT_MIB(1))
        result = kube_stream_feed(&stream, line, LIMIT_MIB(1), note, NULL, &endless);
    assert_int_equal(result, -1);
    assert_int_equal(endless->code, ERR_LIMIT);
    kube_stream_done(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_whole_wherever_the_bytes_are_split),
        cmocka_unit_test(a_list_has_its_version_from_its_end),
        cmocka_unit_test(half_a_line_is_dropped_with_its_connection),
        cmocka_unit_test(what_is_no_event_ends_the_watch),
        cmocka_unit_test(an_error_event_says_what_the_server_says),
        cmocka_unit_test(an_event_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
