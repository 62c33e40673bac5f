/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/engine/arklet_answer.h"

/* Bodies as Arklet 1.4.2 and 2.1.6 send them, stack traces cut. */
#define INSTALLED                                                                                  \
    "{\"code\":\"SUCCESS\",\"data\":{\"bizInfos\":[{\"attributes\":{},\"bizName\":\"biz1\","       \
    "\"bizState\":\"activated\",\"bizStateRecords\":[{},{}],\"declaredMode\":true,"                \
    "\"identity\":\"biz1:1.0.0\",\"mainClass\":\"demo.biz.BizApplication\",\"priority\":100,"      \
    "\"webContextPath\":\"biz1\"}],\"code\":\"SUCCESS\",\"elapsedSpace\":624464,"                  \
    "\"message\":\"Install Biz: biz1:1.0.0 success, cost: 1040 ms, started at: 05:31:48,964\"}}"
#define SHRUNK                                                                                     \
    "{\"baseIdentity\":\"192.0.2.7\",\"code\":\"SUCCESS\",\"data\":{\"bizInfos\":[{\"bizName\":"   \
    "\"order\",\"bizVersion\":\"1.0.0\"}],\"code\":\"SUCCESS\",\"elapsedSpace\":-203896,"          \
    "\"message\":\"Install Biz: order:1.0.0 success\"}}"
#define REPEATED                                                                                   \
    "{\"code\":\"FAILED\",\"data\":{\"code\":\"REPEAT_BIZ\",\"elapsedSpace\":0,\"message\":\"Biz:" \
    " "                                                                                            \
    "biz1:1.0.0 has been installed or registered.\"},\"message\":\"install biz not success!\"}"
#define CONFLICT                                                                                   \
    "{\"baseIdentity\":\"192.0.2.7\",\"code\":\"FAILED\",\"message\":\"FAILED:order:1.0.0 "        \
    "installBiz conflict, exist unfinished command(uninstallBiz) for this biz\"}"
#define NOT_FOUND                                                                                  \
    "{\"code\":\"FAILED\",\"data\":{\"code\":\"NOT_FOUND_BIZ\",\"message\":\"Uninstall biz: "      \
    "order:1.1.0 not found.\"},\"message\":\"uninstall biz not success!\"}"
#define ILLEGAL_STATE                                                                              \
    "{\"code\":\"FAILED\",\"data\":{\"code\":\"ILLEGAL_STATE_BIZ\",\"message\":\"Switch Biz: "     \
    "order:1.1.0's state must not be broken.\"},\"message\":\"switch biz not success!\"}"
#define NO_COMMAND "{\"code\":\"CMD_NOT_FOUND\",\"message\":\"please follow the doc\"}"
#define PATH_CLASH                                                                                 \
    "{\"code\":\"CMD_PROCESS_INTERNAL_ERROR\",\"errorStackTrace\":\""                              \
    "java.lang.RuntimeException: no cause yet\\n\\tat a.B.c(B.java:1)\\nCaused by: "               \
    "java.lang.reflect.InvocationTargetException\\n\\tat d.E.f(E.java:2)\\nCaused by: "            \
    "java.lang.IllegalArgumentException: Child name [biz1] is not unique\\r\\n\\tat "              \
    "says Caused by: nothing\\n\",\"message\":\"Internal Error: "                                  \
    "java.lang.reflect.InvocationTargetException\"}"
#define NO_METASPACE                                                                               \
    "{\"code\":\"CMD_PROCESS_INTERNAL_ERROR\",\"errorStackTrace\":\"Caused by: "                   \
    "java.lang.OutOfMemoryError: Metaspace\",\"message\":\"Internal Error: x\"}"
#define NO_HEAP                                                                                    \
    "{\"code\":\"CMD_PROCESS_INTERNAL_ERROR\",\"message\":\"Internal Error: "                      \
    "java.lang.OutOfMemoryError: Java heap space\"}"
#define NO_METASPACE_SAID                                                                          \
    "{\"code\":\"CMD_PROCESS_INTERNAL_ERROR\",\"message\":\"Internal Error: "                      \
    "java.lang.OutOfMemoryError: Metaspace\"}"

static void tells_what_came_of_a_command(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum arklet_code code;
        const char *data_code, *message, *cause;
        bool metaspace_full;
        const char *identity;
        int64_t metaspace_bytes;
    } rows[] = {
        {INSTALLED, ARKLET_SUCCESS, "SUCCESS",
         "Install Biz: biz1:1.0.0 success, cost: 1040 ms, started at: 05:31:48,964", NULL, false,
         "biz1:1.0.0", 624464},
        {SHRUNK, ARKLET_SUCCESS, "SUCCESS", "Install Biz: order:1.0.0 success", NULL, false,
         "order:1.0.0", -203896},
        {REPEATED, ARKLET_FAILED, "REPEAT_BIZ", "Biz: biz1:1.0.0 has been installed or registered.",
         NULL, false, NULL, 0},
        {CONFLICT, ARKLET_FAILED, NULL,
         "FAILED:order:1.0.0 installBiz conflict, exist unfinished command(uninstallBiz) for this "
         "biz",
         NULL, false, NULL, 0},
        {NOT_FOUND, ARKLET_FAILED, "NOT_FOUND_BIZ", "Uninstall biz: order:1.1.0 not found.", NULL,
         false, NULL, 0},
        {ILLEGAL_STATE, ARKLET_FAILED, "ILLEGAL_STATE_BIZ",
         "Switch Biz: order:1.1.0's state must not be broken.", NULL, false, NULL, 0},
        {NO_COMMAND, ARKLET_CMD_NOT_FOUND, NULL, "please follow the doc", NULL, false, NULL, 0},
        {PATH_CLASH, ARKLET_INTERNAL_ERROR, NULL,
         "Internal Error: java.lang.reflect.InvocationTargetException",
         "java.lang.IllegalArgumentException: Child name [biz1] is not unique", false, NULL, 0},
        {NO_METASPACE, ARKLET_INTERNAL_ERROR, NULL, "Internal Error: x",
         "java.lang.OutOfMemoryError: Metaspace", true, NULL, 0},
        {NO_METASPACE_SAID, ARKLET_INTERNAL_ERROR, NULL,
         "Internal Error: java.lang.OutOfMemoryError: Metaspace", NULL, true, NULL, 0},
        {NO_HEAP, ARKLET_INTERNAL_ERROR, NULL,
         "Internal Error: java.lang.OutOfMemoryError: Java heap space", NULL, false, NULL, 0},
        {"{\"code\":\"TEAPOT\"}", ARKLET_INTERNAL_ERROR, NULL, "", NULL, false, NULL, 0},
        {"{\"code\":\"SUCCESS\",\"data\":{\"bizInfos\":[],\"elapsedSpace\":-9.5367431640625E-7}}",
         ARKLET_SUCCESS, NULL, "", NULL, false, NULL, 0},
        {"{\"code\":\"SUCCESS\",\"data\":{\"bizInfos\":[{\"bizName\":\"a\"}]}}", ARKLET_SUCCESS,
         NULL, "", NULL, false, NULL, 0},
        {"{\"code\":\"SUCCESS\",\"data\":[1]}", ARKLET_SUCCESS, NULL, "", NULL, false, NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arklet_answer answer;
        if (arklet_answer_parse(rows[i].body, strlen(rows[i].body), &answer, NULL) < 0)
            fail_msg("row %zu: no envelope", i);
        if (answer.code != rows[i].code || !str_eq(answer.data_code, rows[i].data_code) ||
            !str_eq(answer.message, rows[i].message) || !str_eq(answer.cause, rows[i].cause) ||
            answer.metaspace_full != rows[i].metaspace_full ||
            !str_eq(answer.identity, rows[i].identity) ||
            answer.metaspace_bytes != rows[i].metaspace_bytes)
            fail_msg("row %zu: %d %s \"%s\" cause %s, %d, %s, %lld", i, answer.code,
                     answer.data_code, answer.message, answer.cause, answer.metaspace_full,
                     answer.identity, (long long)answer.metaspace_bytes);
        arklet_answer_done(&answer);
        assert_null(answer.message);
    }
}

static void what_is_no_envelope_is_a_lost_answer(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "POST http request only supported by arklet",
        "<html>",
        "{\"code\":\"SUCCESS\"",
        "{\"code\":\"SUCCESS\"}x",
        "[1]",
        "1",
        "null",
        "{}",
        "{\"code\":200}",
        "{\"code\":null}",
        "{\"data\":{\"code\":\"SUCCESS\"}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        AUTO_ERR struct err *err = NULL;
        AUTO_ERR struct err *list_err = NULL;
        struct arklet_answer answer = {0};
        struct biz_list list = {0};
        if (arklet_answer_parse(bodies[i], strlen(bodies[i]), &answer, &err) == 0 ||
            err->code != ERR_DATA_LOSS)
            fail_msg("%s: taken as an answer", bodies[i]);
        if (biz_list_parse(bodies[i], strlen(bodies[i]), &list, &list_err) == 0 ||
            list_err->code != ERR_DATA_LOSS)
            fail_msg("%s: taken as a list", bodies[i]);
    }
}

static void an_answer_over_the_limit_is_refused(void **state)
{
    (void)state;
    AUTO_ERR struct err *err = NULL;
    struct arklet_answer answer = {0};
    size_t len = LIMIT_ARKLET_ANSWER + 1;
    AUTO_FREE char *body = mem_alloc(len + 1);
    memset(body, ' ', len);
    memcpy(body, "{\"code\":\"SUCCESS\"}", strlen("{\"code\":\"SUCCESS\"}"));
    assert_int_equal(arklet_answer_parse(body, len - 1, &answer, NULL), 0);
    arklet_answer_done(&answer);
    assert_int_equal(arklet_answer_parse(body, len, &answer, &err), -1);
    assert_int_equal(err->code, ERR_DATA_LOSS);
}

/* -- modules -- */

#define MODULE(name, version, state, path)                                                         \
    "{\"bizName\":\"" name "\",\"bizState\":\"" state "\",\"bizStateRecords\":[{},{}],"            \
    "\"bizVersion\":\"" version "\",\"mainClass\":\"demo.Order\",\"webContextPath\":\"" path "\"}"
#define LIST(items) "{\"baseIdentity\":\"192.0.2.7\",\"code\":\"SUCCESS\",\"data\":[" items "]}"

#define MIXED                                                                                      \
    LIST(MODULE("order", "1.1.0", "activated", "/o/") "," MODULE(                                  \
        "billing", "2", "BROKEN",                                                                  \
        "/") "," MODULE("order", "1.0.0", "deactivated",                                           \
                        "o/1") ",7,{\"bizName\":\"x\"},{\"bizName\":\"y\",\"bizVersion\":\"1\"}")

static struct biz_list parse_list(const char *body)
{
    struct biz_list list = {0};
    AUTO_ERR struct err *err = NULL;
    if (biz_list_parse(body, strlen(body), &list, &err) < 0)
        fail_msg("%s: %s", body, err->message);
    return list;
}

static void lists_modules_in_order(void **state)
{
    (void)state;
    struct biz_list list = parse_list(MIXED);
    static const struct {
        const char *name, *version, *path;
        enum biz_state state;
    } rows[] = {
        {"billing", "2", "", BIZ_BROKEN},
        {"order", "1.0.0", "o/1", BIZ_DEACTIVATED},
        {"order", "1.1.0", "o", BIZ_ACTIVATED},
        {"y", "1", "", BIZ_RESOLVED},
    };
    assert_int_equal(list.len, ARRAY_LEN(rows));
    for (size_t i = 0; i < list.len; i++) {
        assert_string_equal(list.items[i].name, rows[i].name);
        assert_string_equal(list.items[i].version, rows[i].version);
        assert_string_equal(list.items[i].web_context_path, rows[i].path);
        assert_int_equal(list.items[i].state, rows[i].state);
    }
    biz_list_done(&list);
}

static void reads_states_of_all_versions_of_arklet(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum biz_state state;
    } rows[] = {
        {"resolved", BIZ_RESOLVED},       {"RESOLVED", BIZ_RESOLVED},
        {"activated", BIZ_ACTIVATED},     {"ACTIVATED", BIZ_ACTIVATED},
        {"deactivated", BIZ_DEACTIVATED}, {"DEACTIVATED", BIZ_DEACTIVATED},
        {"broken", BIZ_BROKEN},           {"BROKEN", BIZ_BROKEN},
        {"unresolved", BIZ_RESOLVED},     {"UNRESOLVED", BIZ_RESOLVED},
        {"something new", BIZ_RESOLVED},  {"", BIZ_RESOLVED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *body =
            mem_printf("{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1\","
                       "\"bizState\":\"%s\"}]}",
                       rows[i].text);
        struct biz_list list = parse_list(body);
        if (list.len != 1 || list.items[0].state != rows[i].state)
            fail_msg("%s", rows[i].text);
        biz_list_done(&list);
    }
    assert_string_equal(biz_state_name(BIZ_RESOLVED), "resolved");
    assert_string_equal(biz_state_name(BIZ_ACTIVATED), "activated");
    assert_string_equal(biz_state_name(BIZ_DEACTIVATED), "deactivated");
    assert_string_equal(biz_state_name(BIZ_BROKEN), "broken");
}

static void no_modules_are_a_list_too(void **state)
{
    (void)state;
    struct biz_list list = parse_list(LIST(""));
    assert_int_equal(list.len, 0);
    assert_null(biz_list_find(&list, "m", "1"));
    biz_list_done(&list);
}

static void a_failed_question_is_no_list(void **state)
{
    (void)state;
    const char *body = "{\"code\":\"CMD_PROCESS_INTERNAL_ERROR\",\"errorStackTrace\":\"\","
                       "\"message\":\"Internal Error: boom\"}";
    AUTO_ERR struct err *err = NULL;
    struct biz_list list = {0};
    assert_int_equal(biz_list_parse(body, strlen(body), &list, &err), -1);
    assert_string_equal(err->message, "Arklet: CMD_PROCESS_INTERNAL_ERROR: Internal Error: boom");
}

/* What another program calls a success. */
static void a_success_without_a_list_is_no_answer(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"code\":\"SUCCESS\"}",
        "{\"code\":\"SUCCESS\",\"data\":null}",
        "{\"code\":\"SUCCESS\",\"data\":\"welcome\"}",
        "{\"code\":\"SUCCESS\",\"data\":{\"rows\":[]}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        struct biz_list list = {0};
        assert_int_equal(biz_list_parse(rows[i], strlen(rows[i]), &list, &err), -1);
        assert_int_equal(err->code, ERR_DATA_LOSS);
    }
}

static void the_list_is_bounded(void **state)
{
    (void)state;
    struct str body = STR_INIT(LIMIT_MIB(8));
    str_add(&body, "{\"code\":\"SUCCESS\",\"data\":[");
    for (int i = 0; i < LIMIT_MODULES_PER_REPORT + 1; i++)
        str_printf(&body, "%s{\"bizName\":\"m%d\",\"bizVersion\":\"1\"}", i ? "," : "", i);
    str_add(&body, "]}");
    AUTO_FREE char *text = str_take(&body);
    struct biz_list list = parse_list(text);
    assert_int_equal(list.len, LIMIT_MODULES_PER_REPORT);
    biz_list_done(&list);
}

static void finds_by_identity_and_by_path(void **state)
{
    (void)state;
    struct biz_list list = parse_list(LIST(MODULE("a", "1", "activated", "shop") "," MODULE(
        "a", "2", "deactivated", "shop2") "," MODULE("b", "1", "activated", "/")));
    const struct biz *a1 = biz_list_find(&list, "a", "1");
    const struct biz *a2 = biz_list_find(&list, "a", "2");
    assert_string_equal(a1->web_context_path, "shop");
    assert_string_equal(a2->web_context_path, "shop2");
    assert_null(biz_list_find(&list, "a", "3"));
    assert_null(biz_list_find(&list, "A", "1"));
    assert_ptr_equal(biz_list_on_path(&list, "shop", NULL), a1);
    assert_ptr_equal(biz_list_on_path(&list, "shop", "b"), a1);
    assert_null(biz_list_on_path(&list, "shop", "a"));
    assert_null(biz_list_on_path(&list, "Shop", NULL));
    assert_null(biz_list_on_path(&list, "", NULL));
    assert_null(biz_list_on_path(&list, NULL, NULL));
    biz_list_done(&list);
}

static void paths_lose_their_outer_slashes(void **state)
{
    (void)state;
    static const struct {
        const char *path, *normal;
    } rows[] = {{NULL, ""},  {"", ""},    {"/", ""},      {"///", ""},     {"a", "a"},
                {"/a", "a"}, {"a/", "a"}, {"//a//", "a"}, {"/a/b", "a/b"}, {"a//b/", "a//b"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *normal = web_path_normal(rows[i].path);
        assert_string_equal(normal, rows[i].normal);
    }
}

/* -- the JVM, the commands -- */

static void reads_the_age_of_the_jvm(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int64_t uptime_s; /* -1: no answer */
    } rows[] = {
        {"{\"code\":\"SUCCESS\",\"data\":{\"healthData\":{\"jvm\":{\"java version\":\"17.0.15\","
         "\"run time(s)\":86400,\"java max metaspace\":-1}}}}",
         86400},
        {"{\"code\":\"SUCCESS\",\"data\":{\"healthData\":{\"jvm\":{\"run time(s)\":1.5E1}}}}", 15},
        {"{\"code\":\"SUCCESS\",\"data\":{\"healthData\":{\"jvm\":{\"run time(s)\":0}}}}", 0},
        {"{\"code\":\"SUCCESS\",\"data\":{\"healthData\":{\"jvm\":{\"run time(s)\":\"15\"}}}}", -1},
        {"{\"code\":\"SUCCESS\",\"data\":{\"healthData\":{\"jvm\":{}}}}", -1},
        {"{\"code\":\"SUCCESS\",\"data\":{\"healthData\":{\"cpu\":{\"count\":2}}}}", -1},
        {"{\"code\":\"FAILED\",\"message\":\"can not find plugin\"}", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct jvm_figures figures = {.uptime_s = -1};
        int status = jvm_figures_parse(rows[i].body, strlen(rows[i].body), &figures, NULL);
        if (status != (rows[i].uptime_s < 0 ? -1 : 0) || figures.uptime_s != rows[i].uptime_s)
            fail_msg("row %zu: %d, %lld", i, status, (long long)figures.uptime_s);
    }
}

#define JVM(members)                                                                               \
    "{\"code\":\"SUCCESS\",\"data\":{\"healthData\":{\"jvm\":{\"run time(s)\":1" members "}}}}"
#define HEAP(used, max) ",\"used heap memory(M)\":" used ",\"max heap memory(M)\":" max
#define METASPACE(used, committed, max)                                                            \
    ",\"java used metaspace\":" used ",\"java committed metaspace\":" committed                    \
    ",\"java max metaspace\":" max
#define FIGURE_MAX (INT64_MAX / 1000)

static void reads_the_figures_of_the_jvm(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        struct jvm_figures want;
    } rows[] = {
        {JVM(HEAP("48", "123.75") METASPACE("9600000", "9633792", "268435456")),
         {1, 50331648, 129761280, 9600000, 9633792, 268435456}},
        {JVM(HEAP("0.5", "-9.5367431640625E-7") METASPACE("0", "0", "-1")),
         {1, 524288, -1, 0, 0, -1}},
        {JVM(""), {1, -1, -1, -1, -1, -1}},
        {JVM(HEAP("\"48\"", "null") METASPACE("[]", "true", "{}")), {1, -1, -1, -1, -1, -1}},
        {JVM(HEAP("1e300", "1e18") METASPACE("1e300", "9223372036854775807", "1e999")),
         {1, FIGURE_MAX, FIGURE_MAX, FIGURE_MAX, FIGURE_MAX, FIGURE_MAX}},
        {JVM(",\"JAVA USED METASPACE\":5"), {1, -1, -1, -1, -1, -1}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct jvm_figures got = {0}; /* of six equal members, so without gaps */
        int status = jvm_figures_parse(rows[i].body, strlen(rows[i].body), &got, NULL);
        if (status != 0 || memcmp(&got, &rows[i].want, sizeof(got)) != 0)
            fail_msg("row %zu: %d, heap %lld of %lld, metaspace %lld, %lld of %lld", i, status,
                     (long long)got.heap_used_bytes, (long long)got.heap_max_bytes,
                     (long long)got.metaspace_used_bytes, (long long)got.metaspace_committed_bytes,
                     (long long)got.metaspace_max_bytes);
    }
}

static void lists_commands_in_order(void **state)
{
    (void)state;
    const char *body =
        "{\"code\":\"SUCCESS\",\"data\":[{\"desc\":\"query all ark biz(including master biz)\","
        "\"id\":\"queryAllBiz\"},{\"desc\":\"get all health info\",\"id\":\"health\"},"
        "{\"id\":\"own\"},{\"desc\":\"nothing\"}]}";
    struct arklet_commands commands = {0};
    assert_int_equal(arklet_commands_parse(body, strlen(body), &commands, NULL), 0);
    assert_int_equal(commands.len, 3);
    assert_string_equal(commands.items[0].id, "health");
    assert_string_equal(commands.items[0].description, "get all health info");
    assert_string_equal(commands.items[1].id, "own");
    assert_string_equal(commands.items[1].description, "");
    assert_string_equal(commands.items[2].id, "queryAllBiz");
    arklet_commands_done(&commands);
}

static void reads_the_requests_under_way(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int64_t requests;
    } rows[] = {
        {"{\"code\":\"SUCCESS\",\"data\":{\"requests\":0}}", 0},
        {"{\"code\":\"SUCCESS\",\"data\":{\"requests\":17}}", 17},
        {"{\"code\":\"SUCCESS\",\"data\":{\"requests\":-2}}", -1},
        {"{\"code\":\"SUCCESS\",\"data\":{\"requests\":\"3\"}}", -1},
        {"{\"code\":\"SUCCESS\"}", -1},
        {"{\"code\":\"FAILED\",\"message\":\"no web context\"}", -1},
        {"{\"code\":\"FAILED\",\"data\":{\"requests\":3}}", -1},
        {"{\"code\":\"CMD_NOT_FOUND\",\"message\":\"please follow the doc\"}", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t requests = -7;
        print_message("%s\n", rows[i].body);
        assert_int_equal(biz_requests_parse(rows[i].body, strlen(rows[i].body), &requests, NULL),
                         0);
        assert_int_equal(requests, rows[i].requests);
    }
    AUTO_ERR struct err *err = NULL;
    int64_t requests = -7;
    assert_int_equal(biz_requests_parse("[]", 2, &requests, &err), -1);
    assert_int_equal(err->code, ERR_DATA_LOSS);
    assert_int_equal(requests, -7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_came_of_a_command),
        cmocka_unit_test(what_is_no_envelope_is_a_lost_answer),
        cmocka_unit_test(an_answer_over_the_limit_is_refused),
        cmocka_unit_test(lists_modules_in_order),
        cmocka_unit_test(reads_states_of_all_versions_of_arklet),
        cmocka_unit_test(no_modules_are_a_list_too),
        cmocka_unit_test(a_failed_question_is_no_list),
        cmocka_unit_test(a_success_without_a_list_is_no_answer),
        cmocka_unit_test(the_list_is_bounded),
        cmocka_unit_test(finds_by_identity_and_by_path),
        cmocka_unit_test(paths_lose_their_outer_slashes),
        cmocka_unit_test(reads_the_age_of_the_jvm),
        cmocka_unit_test(reads_the_figures_of_the_jvm),
        cmocka_unit_test(lists_commands_in_order),
        cmocka_unit_test(reads_the_requests_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
