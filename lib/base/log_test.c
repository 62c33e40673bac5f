/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

static int64_t morning(struct clock *clock)
{
    (void)clock;
    return INT64_C(1795420800000);
}

static struct clock still_clock = {morning, morning};

#define TIME "2026-11-23T08:00:00Z"

struct output {
    int fd;
    struct log *log;
    char text[LIMIT_LOG_LINE * 2];
};

static struct output *output_new(enum log_level level, enum log_format format)
{
    struct output *output = NEW(struct output);
    output->fd = memfd_create("log", MFD_CLOEXEC);
    output->log = log_new(output->fd, level, format, &still_clock);
    return output;
}

/* What was written since the last call. */
static const char *written(struct output *output)
{
    ssize_t len = pread(output->fd, output->text, sizeof(output->text) - 1, 0);
    assert_true(len >= 0);
    output->text[len] = '\0';
    assert_int_equal(ftruncate(output->fd, 0), 0);
    assert_int_equal(lseek(output->fd, 0, SEEK_SET), 0);
    return output->text;
}

static void output_free(struct output **output)
{
    log_free((*output)->log);
    close((*output)->fd);
    mem_free(*output);
}
#define AUTO_OUTPUT AUTO(output_free)

static void lines_have_two_forms(void **state)
{
    (void)state;
    AUTO_OUTPUT struct output *text = output_new(LOG_DEBUG, LOG_TEXT);
    AUTO_OUTPUT struct output *json = output_new(LOG_DEBUG, LOG_JSON);
    log_info(text->log, "started");
    assert_string_equal(written(text), "time=" TIME " level=info msg=started\n");
    log_info(json->log, "started");
    assert_string_equal(written(json),
                        "{\"time\":\"" TIME "\",\"level\":\"info\",\"msg\":\"started\"}\n");
    struct err *err = NULL;
    err_set(&err, ERR_TIMEOUT, "no answer");
    log_warn(text->log, "install failed", LOG_STR("module", "a-b_c.1"), LOG_INT("attempt", -2),
             LOG_BOOL("retry", true), LOG_ERR(err), LOG_STR("none", NULL));
    assert_string_equal(written(text),
                        "time=" TIME " level=warn msg=\"install failed\" module=a-b_c.1 attempt=-2 "
                        "retry=true error=\"no answer\" none=\"\"\n");
    log_error(json->log, "install failed", LOG_STR("module", "a-b_c.1"), LOG_INT("attempt", -2),
              LOG_BOOL("retry", false), LOG_ERR(err), LOG_STR("none", NULL));
    assert_string_equal(written(json),
                        "{\"time\":\"" TIME "\",\"level\":\"error\",\"msg\":\"install failed\","
                        "\"module\":\"a-b_c.1\",\"attempt\":-2,\"retry\":false,"
                        "\"error\":\"no answer\",\"none\":\"\"}\n");
    err_free(err);
}

/* Nobody can forge a line or break the JSON by what they send. */
static void values_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *value, *quoted, *read; /* read: as a JSON parser gets it back */
    } rows[] = {
        {"a b", "\"a b\"", "a b"},
        {"", "\"\"", ""},
        {"k=v", "\"k=v\"", "k=v"},
        {"say \"x\"", "\"say \\\"x\\\"\"", "say \"x\""},
        {"C:\\x", "\"C:\\\\x\"", "C:\\x"},
        {"a\nlevel=error", "\"a\\nlevel=error\"", "a\nlevel=error"},
        {"\r\t\x1b[31m\x7f", "\"\\u000d\\u0009\\u001b[31m\\u007f\"", "\r\t\x1b[31m\x7f"},
        {"\xc3\xa4 \xf0\x9f\x98\x80", "\"\xc3\xa4 \xf0\x9f\x98\x80\"", "\xc3\xa4 \xf0\x9f\x98\x80"},
        {"\xff \xc3", "\"\\ufffd \\ufffd\"", "\xef\xbf\xbd \xef\xbf\xbd"},
        {"\xc3\"", "\"\\ufffd\\\"\"", "\xef\xbf\xbd\""},
    };
    AUTO_OUTPUT struct output *text = output_new(LOG_DEBUG, LOG_TEXT);
    AUTO_OUTPUT struct output *json = output_new(LOG_DEBUG, LOG_JSON);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        log_info(text->log, rows[i].value, LOG_STR("v", rows[i].value));
        AUTO_FREE char *line =
            mem_printf("time=" TIME " level=info msg=%s v=%s\n", rows[i].quoted, rows[i].quoted);
        assert_string_equal(written(text), line);
        log_info(json->log, rows[i].value, LOG_STR("v", rows[i].value));
        const char *object = written(json);
        AUTO_JSON cJSON *tree = json_parse(object, strlen(object), LIMIT_LOG_LINE, NULL);
        assert_string_equal(json_get_string(tree, "v"), rows[i].read);
        assert_string_equal(json_get_string(tree, "msg"), rows[i].read);
        assert_string_equal(strchr(object, '\n'), "\n"); /* one line */
    }
}

static void lower_levels_are_left_out(void **state)
{
    (void)state;
    AUTO_OUTPUT struct output *output = output_new(LOG_WARN, LOG_TEXT);
    log_debug(output->log, "x");
    log_info(output->log, "x");
    assert_string_equal(written(output), "");
    log_warn(output->log, "x");
    log_error(output->log, "y");
    assert_string_equal(written(output),
                        "time=" TIME " level=warn msg=x\ntime=" TIME " level=error msg=y\n");
    log_error(NULL, "x", LOG_INT("n", 1)); /* no log, no line */
}

static void names_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum log_level level;
    } rows[] = {{"debug", LOG_DEBUG}, {"info", LOG_INFO}, {"warn", LOG_WARN}, {"error", LOG_ERROR}};
    enum log_level level = LOG_WARN;
    enum log_format format = LOG_JSON;
    assert_false(log_level_parse("INFO", &level));
    assert_false(log_level_parse("", &level));
    assert_false(log_level_parse(NULL, &level));
    assert_int_equal(level, LOG_WARN);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(log_level_parse(rows[i].name, &level));
        assert_int_equal(level, rows[i].level);
    }
    assert_false(log_format_parse("xml", &format));
    assert_int_equal(format, LOG_JSON);
    assert_true(log_format_parse("text", &format));
    assert_int_equal(format, LOG_TEXT);
    assert_true(log_format_parse("json", &format));
    assert_int_equal(format, LOG_JSON);
}

static void long_values_are_cut(void **state)
{
    (void)state;
    AUTO_OUTPUT struct output *json = output_new(LOG_DEBUG, LOG_JSON);
    AUTO_OUTPUT struct output *text = output_new(LOG_DEBUG, LOG_TEXT);
    AUTO_FREE char *value = mem_alloc(100000);
    for (int i = 0; i < 49000; i++)
        memcpy(value + 2 * i, "\xc3\xa4", 2);
    log_info(json->log, "x", LOG_STR("v", value), LOG_INT("n", 1));
    const char *line = written(json);
    AUTO_JSON cJSON *tree = json_parse(line, strlen(line), LIMIT_LOG_LINE, NULL);
    const char *v = json_get_string(tree, "v");
    assert_int_equal(strlen(v), 2048 + 3);
    assert_string_equal(v + 2046, "\xc3\xa4...");
    assert_int_equal(json_get(tree, "n")->valueint, 1);

    memset(value, 'a', 2049);
    value[2048] = '\0';
    log_info(text->log, value);
    line = written(text);
    assert_null(strstr(line, "...")); /* fits */
    value[2048] = 'a';
    value[2049] = '\0';
    log_info(text->log, value);
    line = written(text);
    assert_string_equal(line + strlen(line) - 6, "a...\"\n");
}

static void a_line_is_bounded_and_keeps_its_message(void **state)
{
    (void)state;
    AUTO_OUTPUT struct output *text = output_new(LOG_DEBUG, LOG_TEXT);
    AUTO_OUTPUT struct output *json = output_new(LOG_DEBUG, LOG_JSON);
    AUTO_FREE char *value = mem_alloc(100000);
    memset(value, 1, 99999); /* each takes six bytes */
    log_info(json->log, value, LOG_STR("a", value), LOG_INT("n", 1));
    const char *line = written(json);
    AUTO_JSON cJSON *tree = json_parse(line, strlen(line), LIMIT_LOG_LINE, NULL);
    assert_int_equal(strlen(json_get_string(tree, "msg")), 2048 + 3);
    assert_true(cJSON_IsTrue(json_get(tree, "truncated")));
    assert_null(json_get(tree, "a"));

    log_warn(text->log, "many things", LOG_STR("a", value), LOG_STR("b", value));
    assert_string_equal(written(text),
                        "time=" TIME " level=warn msg=\"many things\" truncated=true\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_two_forms),
        cmocka_unit_test(values_are_escaped),
        cmocka_unit_test(lower_levels_are_left_out),
        cmocka_unit_test(names_are_parsed),
        cmocka_unit_test(long_values_are_cut),
        cmocka_unit_test(a_line_is_bounded_and_keeps_its_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
