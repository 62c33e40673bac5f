/* SPDX-License-Identifier: Apache-2.0 */
/* RestartModules: a stamp in the template, and who leaves it alone. */
#include "lib/base/clock.h"
#include "services/controller/api/api_test_kit.h"

static const char *annotation(const struct outcome *outcome, const char *of, const char *name)
{
    AUTO_FREE char *path = mem_printf("moduleDeployment.%s.annotations", of);
    return cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(json_get(outcome->json, path), name));
}

static const char *stamp(const struct outcome *outcome)
{
    return annotation(outcome, "spec.template.metadata", ANNOTATION_RESTARTED_AT);
}

static int64_t stamp_ms(const struct outcome *outcome)
{
    int64_t ms = 0;
    assert_ok(outcome);
    assert_true(time_parse(stamp(outcome), &ms));
    return ms;
}

static void set_stamp(struct kit *kit, const char *text)
{
    AUTO_FREE char *change =
        mem_printf("{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{"
                   "\"" ANNOTATION_RESTARTED_AT "\":\"%s\",\"example.com/a\":\"b\"}}}}}",
                   text);
    patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_MAIN, change);
}

static void test_restart_stamps_the_template(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_MAIN,
          "{\"metadata\":{\"annotations\":{\"" ANNOTATION_ABORT "\":\"md-a\"}}}");
    int64_t before_ms = clock_wall_ms(clock_real());
    AUTO_OUTCOME struct outcome first = release(kit, "RestartModules", "{\"name\":\"md\"}");
    assert_in_range(stamp_ms(&first), before_ms, clock_wall_ms(clock_real()));
    assert_null(annotation(&first, "metadata", ANNOTATION_ABORT));

    set_stamp(kit, "2200-01-01T00:00:00Z"); /* by a clock that was ahead: none comes twice */
    AUTO_OUTCOME struct outcome second = release(kit, "RestartModules", "{\"name\":\"md\"}");
    assert_string_equal(stamp(&second), "2200-01-01T00:00:00.001Z");
    set_stamp(kit, "on Monday"); /* by a person */
    AUTO_OUTCOME struct outcome third = release(kit, "RestartModules", "{\"name\":\"md\"}");
    assert_in_range(stamp_ms(&third), before_ms, clock_wall_ms(clock_real()));
    AUTO_ANSWER struct answer now = stored(kit, KIND_MODULE_DEPLOYMENT, "md");
    const cJSON *annotations = json_get(now.object, "spec.template.metadata.annotations");
    assert_int_equal(cJSON_GetArraySize(annotations), 2); /* another one stays */
}

static void test_restart_is_remembered_and_refuses(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome none = release(kit, "RestartModules", "{\"name\":\"md\"}");
    assert_refused(&none, ERR_NOT_FOUND, NULL);
    AUTO_OUTCOME struct outcome nameless = release(kit, "RestartModules", "{}");
    assert_refused(&nameless, ERR_INVALID, "name");
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    AUTO_OUTCOME struct outcome once =
        release(kit, "RestartModules", "{\"name\":\"md\",\"requestId\":\"r\"}");
    AUTO_OUTCOME struct outcome repeated =
        release(kit, "RestartModules", "{\"name\":\"md\",\"requestId\":\"r\"}");
    assert_int_equal(stamp_ms(&once), stamp_ms(&repeated));
    AUTO_OUTCOME struct outcome another = release(kit, "RestartModules", "{\"name\":\"md\"}");
    assert_true(stamp_ms(&another) > stamp_ms(&once));
    patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_MAIN,
          "{\"spec\":{\"template\":null,\"templateRef\":{\"name\":\"shared\"}}}");
    AUTO_OUTCOME struct outcome shared = release(kit, "RestartModules", "{\"name\":\"md\"}");
    assert_refused(&shared, ERR_PRECONDITION, "TEMPLATE_REFERENCED");
}

/* What takes a restart back is an undo, not a file that does not know of it. */
static void test_apply_and_undo_after_a_restart(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    put_revision(kit, "md-a", "md", 1, "\"version\":\"1.0.0\"");
    AUTO_OUTCOME struct outcome restarted = release(kit, "RestartModules", "{\"name\":\"md\"}");
    AUTO_OUTCOME struct outcome applied = apply(kit, "md", "", ",\"replicas\":7", "");
    assert_int_equal(stamp_ms(&applied), stamp_ms(&restarted));
    AUTO_OUTCOME struct outcome same = apply(kit, "md", "", "", "");
    assert_string_equal(text_at(&same, "result"), "APPLY_RESULT_UNCHANGED");
    AUTO_OUTCOME struct outcome undone =
        release(kit, "UndoRelease", "{\"name\":\"md\",\"toRevision\":1}");
    assert_ok(&undone);
    assert_null(stamp(&undone));
}

/* What runs is not what is asked for: that would be released again, which has failed. */
static void test_what_has_failed_is_not_restarted(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_STATUS,
          "{\"status\":{\"releaseStatus\":{\"failedRevision\":\"md-b\"}}}");
    AUTO_OUTCOME struct outcome failed = release(kit, "RestartModules", "{\"name\":\"md\"}");
    assert_refused(&failed, ERR_PRECONDITION, "RELEASE_FAILED");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_restart_stamps_the_template),
        TEST(test_restart_is_remembered_and_refuses),
        TEST(test_apply_and_undo_after_a_restart),
        TEST(test_what_has_failed_is_not_restarted),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
