/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/base/mem.h"

static void a_file_keeps_them(void **state)
{
    (void)state;
    static const char text[] =
        "{\"m:1\":{\"url\":\"file:///c/"
        "d.jar\",\"sha256\":\"d\",\"restart\":\"r\",\"source\":\"http://x/m.jar\","
        "\"md5\":\"5\",\"args\":[\"-a\",\"b "
        "c\"],\"inactive\":true,\"lost\":true},\"m:2\":{\"url\":\"u\"}}";
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), sizeof(text), NULL);
    AUTO_JSON cJSON *again = cJSON_CreateObject();
    struct map map = {0};
    record_map_read(json, &map);
    record_map_write(&map, again);
    AUTO_FREE char *written = json_text(again);
    assert_string_equal(written, text);
    record_map_done(&map);
}

/* What an older agent wrote, what stands beside, and what is damaged. */
static void others_are_left_out(void **state)
{
    (void)state;
    static const char text[] =
        "{\"m:1\":{\"url\":\"u\",\"sha256\":\"d\"},\"removed\":{\"url\":\"u\"},\"jvm\":\"7\","
        "\"m:2\":{\"sha256\":\"d\"},\"m:3\":{\"url\":3},\"m:4\":[],\"m:5\":{\"url\":\"\"},"
        "\"m:6\":{\"url\":\"u\",\"sha256\":\"\"}}";
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), sizeof(text), NULL);
    struct map map = {0};
    record_map_read(json, &map);
    assert_int_equal(map.len, 2);
    const struct record *empty = map_get(&map, "m:6"), *record = map_get(&map, "m:1");
    assert_null(empty->digest);
    assert_string_equal(record->digest, "d");
    assert_false(record->lost);
    record_map_done(&map);
}

static void which_jvm_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *recorded, *now;
        bool by_us;
        enum jvm_met met;
    } rows[] = {
        {NULL, "1000", false, JVM_MET_UNKNOWN}, {"", "1000", false, JVM_MET_UNKNOWN},
        {"1000", "1000", false, JVM_MET_SAME},  {"1000", "1000", true, JVM_MET_SAME},
        {"1000", "1002", false, JVM_MET_SAME},  {"1002", "1000", false, JVM_MET_SAME},
        {"1000", "1003", false, JVM_MET_OTHER}, {"1000", "1001", true, JVM_MET_OTHER},
        {"1000", "900", true, JVM_MET_OTHER}, /* a clock that was set back */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (jvm_meet(rows[i].recorded, rows[i].now, rows[i].by_us) != rows[i].met)
            fail_msg("row %zu", i);
}

static void versions(void **state)
{
    (void)state;
    assert_string_equal(record_version("shop:1.0", "shop"), "1.0");
    assert_null(record_version("shop:1.0", "sho"));
    assert_null(record_version("shop:1.0", "shop2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_keeps_them),
        cmocka_unit_test(others_are_left_out),
        cmocka_unit_test(which_jvm_it_is),
        cmocka_unit_test(versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
