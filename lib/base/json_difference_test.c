/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json_difference.h"
#include "lib/base/str.h"

/* RFC 7396, section 2, as it stands there. Takes @target, returns the result. */
static cJSON *merge(cJSON *target, const cJSON *patch)
{
    if (!cJSON_IsObject(patch)) {
        json_free(target);
        return cJSON_Duplicate(patch, true);
    }
    if (!cJSON_IsObject(target)) {
        json_free(target);
        target = cJSON_CreateObject();
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, patch)
    {
        cJSON *old = cJSON_DetachItemFromObjectCaseSensitive(target, item->string);
        if (cJSON_IsNull(item))
            json_free(old);
        else
            cJSON_AddItemToObject(target, item->string, merge(old, item));
    }
    return target;
}

static cJSON *parse(const char *text)
{
    cJSON *json = json_parse(text, strlen(text), 10000, NULL);
    if (!json)
        fail_msg("%s", text);
    return json;
}

static void the_patch_leads_from_one_to_the_other(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after, *patch; /* patch NULL: they are equal */
    } rows[] = {
        {"{}", "{}", NULL},
        {"{\"a\":1}", "{\"a\":1}", NULL},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", NULL},
        {"{\"a\":{\"b\":[1,{\"c\":2}]}}", "{\"a\":{\"b\":[1,{\"c\":2}]}}", NULL},
        {"{}", "{\"a\":1}", "{\"a\":1}"},
        {"{\"a\":1}", "{}", "{\"a\":null}"},
        {"{\"a\":1}", "{\"a\":2}", "{\"a\":2}"},
        {"{\"a\":1}", "{\"a\":\"1\"}", "{\"a\":\"1\"}"},
        {"{\"a\":true}", "{\"a\":false}", "{\"a\":false}"},
        {"{\"a\":1}", "{\"A\":1}", "{\"A\":1,\"a\":null}"},
        {"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":1,\"c\":3}}", "{\"a\":{\"c\":3}}"},
        {"{\"a\":{\"b\":1}}", "{\"a\":{}}", "{\"a\":{\"b\":null}}"},
        {"{\"a\":{\"b\":{\"c\":1,\"d\":2}}}", "{\"a\":{\"b\":{\"d\":2}}}",
         "{\"a\":{\"b\":{\"c\":null}}}"},
        {"{\"a\":1}", "{\"a\":{}}", "{\"a\":{}}"},
        {"{\"a\":{\"b\":1}}", "{\"a\":1}", "{\"a\":1}"},
        {"{\"a\":{\"b\":1}}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"{\"a\":[1,2]}", "{\"a\":[2,1]}", "{\"a\":[2,1]}"}, /* lists are replaced whole */
        {"{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":1,\"c\":2}]}", "{\"a\":[{\"b\":1,\"c\":2}]}"},
        {"{\"a\":[]}", "{\"a\":{}}", "{\"a\":{}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON cJSON *before = parse(rows[i].before), *after = parse(rows[i].after);
        AUTO_JSON cJSON *patch = json_difference(before, after);
        AUTO_FREE char *text = patch ? json_text(patch) : NULL;
        if (!text != !rows[i].patch || !str_eq(text, rows[i].patch))
            fail_msg("%s to %s: %s", rows[i].before, rows[i].after, text ? text : "equal");
        if (!patch)
            continue;
        AUTO_JSON cJSON *merged = merge(TAKE(before), patch);
        assert_true(cJSON_Compare(merged, after, true));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_patch_leads_from_one_to_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
