/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/journal_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/str.h"

static struct journal_line read_line(const char *text)
{
    struct journal_line line;
    AUTO_ERR struct err *err = NULL;
    if (journal_line_read(text, strlen(text), &line, &err) < 0)
        fail_msg("%s: %s", text, err->message);
    return line;
}

static void what_is_read_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum journal_what what;
        enum failure_kind failure;
    } lines[] = {
        {"{\"what\":\"agent\",\"id\":\"default/stock-1 http://127.0.0.1:1238\"}", JOURNAL_AGENT,
         FAILED_NONE},
        {"{\"what\":\"accepted\",\"id\":\"x\",\"timeMs\":1700000000000,\"type\":\"install\","
         "\"name\":\"pay\",\"version\":\"1.0.0\",\"url\":\"file:///pay.jar\",\"md5\":\"m\","
         "\"sha256\":\"s\",\"inPlace\":true,\"restart\":\"wish\",\"args\":[\"--a=b\","
         "\"two\\nlines\"],\"batch\":\"first\"}",
         JOURNAL_ACCEPTED, FAILED_NONE},
        {"{\"what\":\"ended\",\"id\":\"x\",\"timeMs\":1,\"urlPassedThrough\":true,\"executionMs\":"
         "2,"
         "\"metaspaceBytes\":-3,\"digest\":\"d\"}",
         JOURNAL_ENDED, FAILED_NONE},
        {"{\"what\":\"ended\",\"id\":\"x\",\"code\":\"Arklet.PullBizTimeOut\",\"reason\":"
         "\"JAR_UNAVAILABLE\",\"message\":\"why\",\"restored\":true}",
         JOURNAL_ENDED, FAILED_PULL_TIMED_OUT},
        {"{\"what\":\"epoch\",\"timeMs\":5,\"epoch\":\"9223372036854775807\"}", JOURNAL_EPOCH,
         FAILED_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct journal_line line = read_line(lines[i].text);
        AUTO_FREE char *text = journal_line_write(&line);
        assert_string_equal(text, lines[i].text);
        assert_int_equal(line.what, lines[i].what);
        assert_int_equal(line.failure, lines[i].failure);
        journal_line_done(&line);
    }
}

static void all_of_it_is_read(void **state)
{
    (void)state;
    struct journal_line line = read_line("{\"what\":\"accepted\",\"id\":\"x\",\"type\":\"install\","
                                         "\"name\":\"pay\",\"version\":\"1\",\"url\":\"u\","
                                         "\"args\":[\"a\",\"b\"],\"inPlace\":true,\"unknown\":{}}");
    assert_int_equal(line.what, JOURNAL_ACCEPTED);
    assert_string_equal(line.name, "pay");
    assert_true(line.in_place);
    assert_int_equal(line.args.len, 2);
    assert_string_equal(line.args.items[1], "b");
    journal_line_done(&line);
}

/* A later version may know more ways to fail: the operation has failed all the same. */
static void a_failure_that_is_not_known_is_one(void **state)
{
    (void)state;
    struct journal_line line =
        read_line("{\"what\":\"ended\",\"id\":\"x\",\"code\":\"No.Such\",\"reason\":\"NO_SUCH\"}");
    assert_int_equal(line.failure, FAILED_OTHER);
    journal_line_done(&line);
    line = read_line("{\"what\":\"ended\",\"id\":\"x\",\"reason\":\"\"}");
    assert_int_equal(line.failure, FAILED_NONE);
    journal_line_done(&line);
}

#define ACCEPTED "{\"what\":\"accepted\",\"id\":\"x\""

static void what_is_damaged_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        ACCEPTED ",\"type\":\"install\",\"na",
        "{\"id\":\"x\"}",
        "{\"what\":\"other\",\"id\":\"x\"}",
        "{\"what\":\"ended\"}",
        "{\"what\":\"ended\",\"id\":7}",
        "{\"what\":\"agent\",\"id\":\"\"}",
        ACCEPTED ",\"name\":\"pay\",\"version\":\"1\"}",
        ACCEPTED ",\"type\":\"switch\",\"version\":\"1\"}",
        ACCEPTED ",\"type\":\"switch\",\"name\":\"pay\"}",
        ACCEPTED ",\"type\":\"switch\",\"name\":\"p:y\",\"version\":\"1\"}",
        ACCEPTED ",\"type\":\"install\",\"name\":\"pay\",\"version\":\"1\"}",
        ACCEPTED ",\"type\":\"prefetch\",\"name\":\"pay\",\"version\":\"1\",\"url\":\"\"}",
        "{\"what\":\"ended\",\"id\":\"x\"}{}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct journal_line line;
        AUTO_ERR struct err *err = NULL;
        assert_int_equal(journal_line_read(texts[i], strlen(texts[i]), &line, &err), -1);
        assert_int_equal(err->code, ERR_INVALID);
        journal_line_done(&line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written),
        cmocka_unit_test(all_of_it_is_read),
        cmocka_unit_test(a_failure_that_is_not_known_is_one),
        cmocka_unit_test(what_is_damaged_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
