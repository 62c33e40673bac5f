/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/json_pretty.h"

#include <string.h>

#include "lib/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void json_is_laid_out(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pretty;
    } rows[] = {
        {"null", "null"},
        {"{}", "{}"},
        {"[]", "[]"},
        {"\"a\\n\\\"b\"", "\"a\\n\\\"b\""},
        {"{\"a\":1,\"b\":{\"c\":[true,\"x\"],\"d\":[]}}",
         "{\n    \"a\": 1,\n    \"b\": {\n        \"c\": [\n            true,\n"
         "            \"x\"\n        ],\n        \"d\": []\n    }\n}"},
        {"[{\"k\\\"ey\":1}]", "[\n    {\n        \"k\\\"ey\": 1\n    }\n]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_STR struct str out = STR_INIT(LIMIT_KIB(4));
        AUTO_JSON cJSON *json = json_parse(rows[i].text, strlen(rows[i].text), LIMIT_KIB(4), NULL);
        assert_non_null(json);
        json_pretty(json, &out);
        assert_string_equal(str_text(&out), rows[i].pretty);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_laid_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
