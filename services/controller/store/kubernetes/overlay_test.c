/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/overlay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"

static char ready[] = "Ready", not_ready[] = "NotReady", pending[] = "PodPending", zone[] = "z1";

static void patch(struct overlay *overlay, enum store_part part, const char *text)
{
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, NULL);
    assert_non_null(json);
    assert_int_equal(overlay_patch(overlay, part, json, NULL), 0);
}

static void report(struct overlay *overlay, const char *phase, const char *boot)
{
    AUTO_FREE char *text =
        mem_printf("{\"status\":{\"phase\":\"%s\",\"reason\":null,\"bootId\":\"%s\","
                   "\"lastTransitionTime\":\"2026-01-02T00:00:00Z\"}}",
                   phase, boot);
    patch(overlay, STORE_STATUS, text);
}

/* "phase reason bootId zone" of what is shown. Owned. */
static char *shown(const struct overlay *overlay, bool pod_ready)
{
    struct base pod = {
        .spec.zone = zone,
        .status = {.phase = pod_ready ? ready : not_ready, .reason = pod_ready ? NULL : pending}};
    AUTO_JSON cJSON *json = overlay_document(overlay, &pod);
    const char *fields[] = {"status.phase", "status.reason", "status.bootId", "spec.zone"};
    struct str text = STR_INIT(1024);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const char *value = json_get_string(json, fields[i]);
        str_printf(&text, "%s%s", i ? " " : "", value ? value : "-");
    }
    return str_take(&text);
}

static void assert_shown(const struct overlay *overlay, bool pod_ready, const char *want)
{
    AUTO_FREE char *got = shown(overlay, pod_ready);
    assert_string_equal(got, want);
}

static void assert_full(const struct overlay *overlay, const char *message)
{
    struct base pod = {.status = {.phase = ready}};
    AUTO_JSON cJSON *json = overlay_document(overlay, &pod);
    assert_int_equal(cJSON_IsTrue(json_get(json, "status.metaspaceFull")), message != NULL);
    const char *said = json_get_string(json, "status.metaspaceMessage");
    assert_true(str_eq(said, message));
}

static void the_metaspace_is_told_until_it_is_taken_back(void **state)
{
    (void)state;
    struct overlay overlay = {0};
    report(&overlay, "Ready", "b1");
    assert_full(&overlay, NULL);
    patch(&overlay, STORE_STATUS,
          "{\"status\":{\"metaspaceFull\":true,\"metaspaceMessage\":\"93 %\"}}");
    assert_full(&overlay, "93 %");
    report(&overlay, "Ready", "b1");
    assert_full(&overlay, "93 %");
    patch(&overlay, STORE_STATUS,
          "{\"status\":{\"metaspaceFull\":null,\"metaspaceMessage\":null}}");
    assert_full(&overlay, NULL);
    overlay_done(&overlay);
}

/* A Pod is ready by itself until its agent has said otherwise, and never without itself. */
static void both_have_to_be_ready(void **state)
{
    (void)state;
    struct overlay overlay = {0};
    assert_shown(&overlay, true, "Ready - - z1");
    assert_shown(&overlay, false, "NotReady PodPending - z1");
    report(&overlay, "NotReady", "b1");
    patch(&overlay, STORE_STATUS, "{\"status\":{\"reason\":\"BaseDown\"}}");
    assert_shown(&overlay, true, "NotReady BaseDown b1 z1");
    assert_shown(&overlay, false, "NotReady PodPending b1 z1");
    report(&overlay, "Ready", "b1");
    assert_shown(&overlay, true, "Ready - b1 z1");
    overlay_done(&overlay);
}

static void zone_of_the_report(void **state)
{
    (void)state;
    struct overlay overlay = {0};
    patch(&overlay, STORE_MAIN, "{\"spec\":{\"zone\":\"z2\",\"ip\":\"1.2.3.4\"}}");
    assert_shown(&overlay, true, "Ready - - z2");
    patch(&overlay, STORE_MAIN, "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
    assert_shown(&overlay, true, "Ready - - z2");
    patch(&overlay, STORE_MAIN, "{\"spec\":{\"zone\":null}}");
    assert_shown(&overlay, true, "Ready - - z1");
    overlay_done(&overlay);
}

static void a_new_jvm(void **state)
{
    (void)state;
    struct overlay overlay = {0};
    overlay_restarted(&overlay); /* nobody has reported: the Pod alone counts */
    assert_shown(&overlay, true, "Ready - - z1");
    report(&overlay, "Ready", "b1");
    overlay_restarted(&overlay);
    assert_shown(&overlay, true, "NotReady BaseRestarted b1 z1");
    report(&overlay, "Ready", "b2");
    assert_shown(&overlay, true, "Ready - b2 z1");
    overlay_done(&overlay);
}

static void a_report_that_was_under_way(void **state)
{
    (void)state;
    struct overlay overlay = {0};
    report(&overlay, "Ready", "b1");
    overlay_restarted(&overlay);
    report(&overlay, "Ready", "b1");
    assert_shown(&overlay, true, "NotReady BaseRestarted b1 z1");
    report(&overlay, "Ready", "b1"); /* the boot id does not change, but it has reported since */
    assert_shown(&overlay, true, "Ready - b1 z1");
    overlay_done(&overlay);
}

static void a_report_quicker_than_the_pod(void **state)
{
    (void)state;
    struct overlay overlay = {0};
    report(&overlay, "Ready", "b1");
    report(&overlay, "Ready", "b2");
    overlay_restarted(&overlay);
    assert_shown(&overlay, true, "Ready - b2 z1");
    overlay_restarted(&overlay); /* the next one */
    assert_shown(&overlay, true, "NotReady BaseRestarted b2 z1");
    overlay_done(&overlay);
}

static void refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"status\":[]}", "{\"status\":{\"phase\":1}}",
                                        "{\"status\":{\"lastTransitionTime\":\"now\"}}"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct overlay overlay = {0};
        AUTO_ERR struct err *err = NULL;
        AUTO_JSON cJSON *json = json_parse(texts[i], strlen(texts[i]), LIMIT_OBJECT, NULL);
        assert_int_equal(overlay_patch(&overlay, STORE_STATUS, json, &err), -1);
        assert_int_equal(err->code, ERR_INVALID);
        assert_shown(&overlay, true, "Ready - - z1");
        overlay_done(&overlay);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_metaspace_is_told_until_it_is_taken_back),
        cmocka_unit_test(both_have_to_be_ready),
        cmocka_unit_test(zone_of_the_report),
        cmocka_unit_test(a_new_jvm),
        cmocka_unit_test(a_report_that_was_under_way),
        cmocka_unit_test(a_report_quicker_than_the_pod),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
