/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/module_deployment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"

#define MODULE "\"name\":\"provider\",\"version\":\"1.0.2\",\"url\":\"http://jars/p.jar\""
#define TEMPLATE "\"template\":{\"spec\":{\"module\":{" MODULE "}}}"
#define NEEDED "\"baseDeploymentName\":\"stock\"," TEMPLATE

/* A ModuleDeployment with these further fields of the spec. */
#define WITH(fields) "{\"metadata\":{\"name\":\"md\"},\"spec\":{" NEEDED "," fields "}}"

static struct module_deployment *read_text(const char *text, enum json_unknown unknown,
                                           struct err **err)
{
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, err);
    if (!json)
        fail_msg("%s: %s", text, (*err)->message);
    return module_deployment_read(json, unknown, err);
}

static struct module_deployment *must_read(const char *text)
{
    AUTO_ERR struct err *err = NULL;
    struct module_deployment *md = read_text(text, JSON_UNKNOWN_REFUSE, &err);
    if (!md)
        fail_msg("%s: %s", text, err->message);
    return md;
}

static void what_is_left_out_has_its_default(void **state)
{
    (void)state;
    AUTO(module_deployment_free_slot)
    struct module_deployment *md =
        must_read("{\"metadata\":{\"name\":\"md\"},\"spec\":{" NEEDED "}}");
    const struct module_deployment_spec *spec = &md->spec;
    assert_int_equal(spec->replicas, 1);
    assert_false(spec->replicas_set);
    assert_false(spec->pause);
    assert_false(spec->pause_set);
    assert_int_equal(spec->strategy.batch_count, 1);
    assert_int_equal(spec->strategy.upgrade_policy, UPGRADE_INSTALL_THEN_UNINSTALL);
    assert_string_equal(spec->strategy.upgrade_policy_name, "installThenUninstall");
    assert_int_equal(spec->scheduling_policy, SCHEDULE_SCATTER);
    assert_string_equal(spec->scheduling_policy_name, "scatter");
    assert_int_equal(spec->strategy.drain_seconds, 0);
    assert_int_equal(spec->revision_history_limit, 10);
    assert_int_equal(spec->progress_deadline_seconds, 600);
    assert_int_equal(spec->min_ready_seconds, 0);
    assert_int_equal(spec->max_unavailable.kind, INT_OR_PERCENT_UNSET);
    assert_int_equal(md->status.release.progress, PROGRESS_INIT);

    /* Defaults of what an update leaves as it is are not written, so applying it again changes nothing. */
    AUTO_JSON cJSON *written = module_deployment_write(md);
    assert_null(json_get(written, "spec.replicas"));
    assert_null(json_get(written, "spec.pause"));
    assert_null(json_get(written, "status"));
    assert_string_equal(json_get_string(written, "apiVersion"), API_VERSION);
    assert_string_equal(json_get_string(written, "kind"), "ModuleDeployment");
}

static void zero_is_not_absent(void **state)
{
    (void)state;
    AUTO(module_deployment_free_slot)
    struct module_deployment *md =
        must_read(WITH("\"replicas\":0,\"pause\":false,\"revisionHistoryLimit\":0,"
                       "\"operationStrategy\":{\"batchCount\":0,\"drainSeconds\":0,"
                       "\"serviceStrategy\":{\"enableModuleService\":true,\"port\":80}}"));
    assert_int_equal(md->spec.replicas, 0);
    assert_true(md->spec.replicas_set && md->spec.pause_set);
    assert_int_equal(md->spec.revision_history_limit, 0);
    assert_int_equal(md->spec.strategy.batch_count, 1); /* the zero value of Go clients */
    assert_int_equal(md->spec.strategy.drain_seconds, 0);
    assert_int_equal(md->spec.strategy.service.target_port, 80);
    AUTO_JSON cJSON *written = module_deployment_write(md);
    assert_true(cJSON_IsNumber(json_get(written, "spec.replicas")));
    assert_true(cJSON_IsFalse(json_get(written, "spec.pause")));
}

static void a_service_drains_by_itself(void **state)
{
    (void)state;
    AUTO(module_deployment_free_slot)
    struct module_deployment *md =
        must_read(WITH("\"operationStrategy\":{\"serviceStrategy\":{\"enableModuleService\":true,"
                       "\"port\":8080,\"targetPort\":8081}}"));
    assert_int_equal(md->spec.strategy.drain_seconds, 5);
}

static void policies_are_read_in_any_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *spelling;
        enum upgrade_policy policy;
    } rows[] = {
        {"installThenUninstall", UPGRADE_INSTALL_THEN_UNINSTALL},
        {"install_then_uninstall", UPGRADE_INSTALL_THEN_UNINSTALL},
        {"INSTALLTHENUNINSTALL", UPGRADE_INSTALL_THEN_UNINSTALL},
        {"Uninstall_Then_Install", UPGRADE_UNINSTALL_THEN_INSTALL},
        {"scaleup_then_scaledown", UPGRADE_SCALE_UP_THEN_SCALE_DOWN}, /* the original's */
        {"scale_up_then_scale_down", UPGRADE_SCALE_UP_THEN_SCALE_DOWN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text =
            mem_printf(WITH("\"operationStrategy\":{\"upgradePolicy\":\"%s\"},"
                            "\"schedulingStrategy\":{\"schedulingPolicy\":\"Stacking\"}"),
                       rows[i].spelling);
        AUTO(module_deployment_free_slot) struct module_deployment *md = must_read(text);
        assert_int_equal(md->spec.strategy.upgrade_policy, rows[i].policy);
        assert_string_equal(md->spec.strategy.upgrade_policy_name,
                            upgrade_policy_name(rows[i].policy));
        assert_int_equal(md->spec.scheduling_policy, SCHEDULE_STACKING);
        assert_string_equal(md->spec.scheduling_policy_name, "stacking");
    }
}

static void aliases_end_in_one_field(void **state)
{
    (void)state;
    AUTO(module_deployment_free_slot)
    struct module_deployment *md =
        must_read(WITH("\"operationStrategy\":{\"grayTime\":7,\"maxUnavailable\":\"50%\"}"));
    assert_int_equal(md->spec.strategy.gray_time_seconds, 7);
    assert_int_equal(md->spec.max_unavailable.kind, INT_OR_PERCENT_PERCENT);
    assert_int_equal(md->spec.max_unavailable.value, 50);
    AUTO_JSON cJSON *written = module_deployment_write(md);
    assert_non_null(json_get(written, "spec.operationStrategy.grayTimeBetweenBatchSeconds"));
    assert_null(json_get(written, "spec.operationStrategy.grayTime"));
    assert_string_equal(json_get_string(written, "spec.maxUnavailable"), "50%");
    assert_null(json_get(written, "spec.operationStrategy.maxUnavailable"));

    AUTO(module_deployment_free_slot)
    struct module_deployment *both =
        must_read(WITH("\"maxUnavailable\":2,\"operationStrategy\":{\"maxUnavailable\":2}"));
    assert_int_equal(both->spec.max_unavailable.value, 2);
}

/* What is wrong, the field that is named, and words of the message. */
static const struct wrong_row {
    const char *text, *field, *words;
} wrong_rows[] = {
    {WITH("\"replicas\":-2"), "spec.replicas", "must be -1 to 1000000, is -2"},
    {WITH("\"replicas\":1000001"), "spec.replicas", "must be -1 to 1000000"},
    {WITH("\"replicas\":\"3\""), "spec.replicas", "integer"},
    {WITH("\"replicas\":1.5"), "spec.replicas", "integer"},
    {WITH("\"replica\":3"), "spec.replica", "replicas"},
    {WITH("\"confirmBatchNum\":-1"), "spec.confirmBatchNum", "at least 0, is -1"},
    {WITH("\"minReadySeconds\":-1"), "spec.minReadySeconds", "at least 0"},
    {WITH("\"revisionHistoryLimit\":-1"), "spec.revisionHistoryLimit", "at least 0"},
    {WITH("\"progressDeadlineSeconds\":-1"), "spec.progressDeadlineSeconds", "at least 0"},
    {WITH("\"maxUnavailable\":\"101%\""), "spec.maxUnavailable", "\"0%\" to \"100%\""},
    {WITH("\"maxUnavailable\":-1"), "spec.maxUnavailable", "between 0 and"},
    {WITH("\"operationStrategy\":{\"grayTime\":1,\"grayTimeBetweenBatchSeconds\":2}"),
     "spec.operationStrategy.grayTime", "give one of them"},
    {WITH("\"maxUnavailable\":\"many\""), "spec.maxUnavailable", "percent"},
    {WITH("\"maxUnavailable\":2,\"operationStrategy\":{\"maxUnavailable\":\"2%\"}"),
     "spec.operationStrategy.maxUnavailable", "differs from spec.maxUnavailable"},
    {WITH("\"operationStrategy\":{\"batchCount\":-1}"), "spec.operationStrategy.batchCount",
     "at least 0, is -1"},
    {WITH("\"operationStrategy\":{\"grayTime\":-1}"),
     "spec.operationStrategy.grayTimeBetweenBatchSeconds", "at least 0"},
    {WITH("\"operationStrategy\":{\"drainSeconds\":-1}"), "spec.operationStrategy.drainSeconds",
     "at least 0"},
    {WITH("\"operationStrategy\":{\"upgradePolicy\":\"inPlace\"}"),
     "spec.operationStrategy.upgradePolicy",
     "must be installThenUninstall, uninstallThenInstall or scaleUpThenScaleDown"},
    {WITH("\"schedulingStrategy\":{\"schedulingPolicy\":\"random\"}"),
     "spec.schedulingStrategy.schedulingPolicy", "must be scatter or stacking"},
    {WITH("\"operationStrategy\":{\"serviceStrategy\":{\"enableModuleService\":true}}"),
     "spec.operationStrategy.serviceStrategy.port", "1 to 65535, is 0"},
    {WITH("\"operationStrategy\":{\"serviceStrategy\":{\"port\":65536}}"),
     "spec.operationStrategy.serviceStrategy.port", "0 to 65535, is 65536"},
    {WITH("\"operationStrategy\":{\"serviceStrategy\":{\"enableModuleService\":true,\"port\":1,"
          "\"targetPort\":-1}}"),
     "spec.operationStrategy.serviceStrategy.targetPort", "1 to 65535, is -1"},
    {WITH("\"templateRef\":{\"name\":\"t\"}"), "spec.template", "give one of them"},
    {"{\"metadata\":{\"name\":\"md\"},\"spec\":{\"baseDeploymentName\":\"stock\"}}",
     "spec.template", "is required, or spec.templateRef"},
    {"{\"metadata\":{\"name\":\"md\"},\"spec\":{\"baseDeploymentName\":\"stock\","
     "\"templateRef\":{\"name\":\"T\"}}}",
     "spec.templateRef.name", "no name of an object"},
    {"{\"metadata\":{\"name\":\"md\"},\"spec\":{" TEMPLATE "}}", "spec.baseDeploymentName",
     "required"},
    {"{\"metadata\":{\"name\":\"md\"},\"spec\":{\"baseDeploymentName\":\"Stock\"," TEMPLATE "}}",
     "spec.baseDeploymentName", "no name of a Deployment"},
    {"{\"metadata\":{},\"spec\":{" NEEDED "}}", "metadata.name", "required"},
    {"{\"metadata\":{\"name\":\"M_D\"},\"spec\":{" NEEDED "}}", "metadata.name", "DNS-1123"},
    {"{\"metadata\":{\"name\":\"md\",\"namespace\":\"a.b\"},\"spec\":{" NEEDED "}}",
     "metadata.namespace", "DNS-1123 label"},
    {"{\"metadata\":{\"name\":\"md\",\"labels\":{\"a\":\"b c\"}},\"spec\":{" NEEDED "}}",
     "metadata.labels", "no value of a label"},
    {"{\"metadata\":{\"name\":\"md\"}}", "spec", "required"},
    {"{\"apiVersion\":\"koupleless.io/v1alpha1\",\"kind\":\"ModuleDeployment\"}", "apiVersion",
     "must be koupleless.alipay.com/v1alpha1"},
    {"{\"apiVersion\":\"" API_VERSION "\",\"kind\":\"ModuleDeploymen\"}", "kind",
     "did you mean ModuleDeployment?"},
    {"{\"apiVersion\":\"" API_VERSION "\",\"kind\":\"Module\"}", "kind",
     "must be ModuleDeployment, is Module"},
};

static void wrong_fields_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong_rows); i++) {
        const struct wrong_row *row = &wrong_rows[i];
        AUTO_ERR struct err *err = NULL;
        if (read_text(row->text, JSON_UNKNOWN_REFUSE, &err))
            fail_msg("taken: %s", row->text);
        assert_int_equal(err->code, ERR_INVALID);
        if (!err->field || strcmp(err->field, row->field) != 0 || !strstr(err->message, row->words))
            fail_msg("%s\n  expected %s: %s\n  got %s: %s", row->text, row->field, row->words,
                     err->field ? err->field : "(none)", err->message);
    }
}

/* Fields of the module: name, version, url, others; the field named, or NULL where all is well. */
static void modules_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *name, *version, *url, *more, *field;
    } rows[] = {
        {"p", "1", "https://h/x.jar", "", NULL},
        {"p", "1.0+x", "FILE:///x.jar", "", NULL},
        {"p", "1", "http://h", ",\"md5\":\"0123456789abcdefABCDEF0123456789\"", NULL},
        {"p", "1", "http://h", ",\"md5\":\"\",\"type\":\"biz\"", NULL},
        {"P", "1", "http://h", "", "name"},
        {"a.b", "1", "http://h", "", "name"},
        {"", "1", "http://h", "", "name"},
        {"p", "", "http://h", "", "version"},
        {"p", "1:2", "http://h", "", "version"},
        {"p", "1 2", "http://h", "", "version"},
        {"p", "1\\t", "http://h", "", "version"},
        {"p", "1", "", "", "url"},
        {"p", "1", "ftp://h/x", "", "url"},
        {"p", "1", "h/x.jar", "", "url"},
        {"p", "1", "http://", "", "url"},
        {"p", "1", "http:///x.jar", "", "url"},
        {"p", "1", "file://x.jar", "", "url"},
        {"p", "1", "file:///", "", "url"},
        {"p", "1", "http://h/a b", "", "url"},
        {"p", "1", "http://h", ",\"md5\":\"0123\"", "md5"},
        {"p", "1", "http://h", ",\"sha256\":\"0123456789abcdefABCDEF0123456789\"", "sha256"},
        {"p", "1", "http://h", ",\"md5\":\"g123456789abcdefABCDEF0123456789\"", "md5"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text =
            mem_printf("{\"metadata\":{\"name\":\"md\"},\"spec\":{\"baseDeploymentName\":\"b\","
                       "\"template\":{\"spec\":{\"module\":{\"name\":\"%s\",\"version\":\"%s\","
                       "\"url\":\"%s\"%s}}}}}",
                       rows[i].name, rows[i].version, rows[i].url, rows[i].more);
        AUTO_ERR struct err *err = NULL;
        AUTO(module_deployment_free_slot)
        struct module_deployment *md = read_text(text, JSON_UNKNOWN_REFUSE, &err);
        if (!rows[i].field) {
            if (!md)
                fail_msg("%s: %s", text, err->message);
            continue;
        }
        AUTO_FREE char *field = mem_printf("spec.template.spec.module.%s", rows[i].field);
        if (md || !err->field || strcmp(err->field, field) != 0)
            fail_msg("%s: %s expected", text, field);
    }
}

static void long_fields_have_a_limit(void **state)
{
    (void)state;
    static const struct {
        const char *format, *field;
        size_t most;
    } rows[] = {
        {"{\"metadata\":{\"name\":\"%s\"},\"spec\":{" NEEDED "}}", "metadata.name", 231},
        {"{\"metadata\":{\"name\":\"md\"},\"spec\":{\"baseDeploymentName\":\"b\",\"template\":"
         "{\"spec\":{\"module\":{\"name\":\"p\",\"version\":\"%s\",\"url\":\"http://h\"}}}}}",
         "spec.template.spec.module.version", 128},
        {"{\"metadata\":{\"name\":\"md\"},\"spec\":{\"baseDeploymentName\":\"b\",\"template\":"
         "{\"spec\":{\"module\":{\"name\":\"%s\",\"version\":\"1\",\"url\":\"http://h\"}}},"
         "\"operationStrategy\":{\"serviceStrategy\":{\"enableModuleService\":true,\"port\":80}}}}",
         "spec.template.spec.module.name", 55},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t over = 0; over < 2; over++) {
            AUTO_FREE char *value = mem_alloc(rows[i].most + 2);
            memset(value, 'a', rows[i].most + over);
            const char *gap = strstr(rows[i].format, "%s");
            AUTO_FREE char *text =
                mem_printf("%.*s%s%s", (int)(gap - rows[i].format), rows[i].format, value, gap + 2);
            AUTO_ERR struct err *err = NULL;
            AUTO(module_deployment_free_slot)
            struct module_deployment *md = read_text(text, JSON_UNKNOWN_REFUSE, &err);
            assert_int_equal(md == NULL, over);
            if (over)
                assert_string_equal(err->field, rows[i].field);
        }
    }
}

static void stored_documents_may_have_more(void **state)
{
    (void)state;
    AUTO_ERR struct err *err = NULL;
    AUTO(module_deployment_free_slot)
    struct module_deployment *md = read_text(
        "{\"apiVersion\":\"" API_VERSION "\",\"kind\":\"ModuleDeployment\",\"metadata\":{\"name\":"
        "\"md\",\"managedFields\":[{}]},\"spec\":{" NEEDED ",\"ofTomorrow\":1},\"status\":"
        "{\"releaseStatus\":{\"progress\":\"OfTomorrow\",\"currentBatch\":2}}}",
        JSON_UNKNOWN_IGNORE, &err);
    assert_non_null(md);
    assert_int_equal(md->status.release.progress, PROGRESS_INIT);
    assert_int_equal(md->status.release.current_batch, 2);
}

/* kubectl get -o yaml, edited and applied again. */
static void what_the_api_server_adds_is_no_unknown_field(void **state)
{
    (void)state;
    AUTO(module_deployment_free_slot)
    struct module_deployment *md = must_read(
        "{\"apiVersion\":\"" API_VERSION "\",\"kind\":\"ModuleDeployment\",\"metadata\":{\"name\":"
        "\"md\",\"uid\":\"u\",\"resourceVersion\":\"7\",\"generation\":3,\"creationTimestamp\":"
        "\"2026-11-23T08:00:00Z\",\"managedFields\":[{}],\"selfLink\":\"/x\",\"ownerReferences\":["
        "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"stock\",\"uid\":\"v\","
        "\"blockOwnerDeletion\":true}]},\"spec\":{" NEEDED "}}");
    assert_int_equal(md->meta.generation, 3);
    assert_int_equal(md->meta.creation_ms, 1795420800000);
    assert_null(meta_owner(&md->meta));
    AUTO_JSON cJSON *written = module_deployment_write(md);
    const cJSON *owner = cJSON_GetArrayItem(json_get(written, "metadata.ownerReferences"), 0);
    assert_string_equal(json_get_string(owner, "apiVersion"), "apps/v1");
}

static void the_enum_decides_what_is_written(void **state)
{
    (void)state;
    AUTO(module_deployment_free_slot)
    struct module_deployment *md = must_read(WITH("\"pause\":true"));
    md->status.release.progress = PROGRESS_PAUSED;
    AUTO_JSON cJSON *paused = module_deployment_write(md);
    assert_string_equal(json_get_string(paused, "status.releaseStatus.progress"), "Paused");
    assert_null(md->status.release.progress_name);

    enum release_progress progress = PROGRESS_INIT;
    assert_true(release_progress_parse("Terminated", &progress));
    assert_int_equal(progress, PROGRESS_TERMINATED);
    assert_false(release_progress_parse("", &progress));
    assert_false(release_progress_parse(NULL, &progress));
    assert_string_equal(release_progress_name(PROGRESS_ABORTED), "Aborted");
}

static void templates_have_two_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *field;
    } rows[] = {
        {"{\"metadata\":{\"name\":\"t\"},\"spec\":{\"module\":{" MODULE "}}}", NULL},
        {"{\"metadata\":{\"name\":\"t\"},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},"
         "\"spec\":{\"module\":{" MODULE "}}}}",
         NULL},
        {"{\"metadata\":{\"name\":\"t\"},\"spec\":{\"module\":{" MODULE "}},\"template\":{}}",
         "template"},
        {"{\"metadata\":{\"name\":\"t\"}}", "spec"},
        {"{\"metadata\":{\"name\":\"t\"},\"spec\":{\"module\":{\"name\":\"P\",\"version\":\"1\","
         "\"url\":\"http://h\"}}}",
         "spec.module.name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        AUTO_JSON cJSON *json = json_parse(rows[i].text, strlen(rows[i].text), LIMIT_OBJECT, NULL);
        struct module_template *template = module_template_read(json, JSON_UNKNOWN_REFUSE, &err);
        if (rows[i].field) {
            assert_null(template);
            assert_string_equal(err->field, rows[i].field);
            continue;
        }
        if (!template)
            fail_msg("%s: %s", rows[i].text, err->message);
        AUTO_JSON cJSON *written = module_template_write(template);
        assert_string_equal(json_get_string(written, "spec.module.version"), "1.0.2");
        assert_null(json_get(written, "template"));
        module_template_free(template);
    }
}

static void a_template_is_restarted_by_its_annotation(void **state)
{
    (void)state;
#define STAMPED "\"annotations\":{\"" ANNOTATION_RESTARTED_AT "\":\"noon\"}"
    static const struct {
        const char *text, *stamp;
    } rows[] = {
        {"{\"metadata\":{\"name\":\"t\"},\"spec\":{\"module\":{" MODULE "}}}", NULL},
        {"{\"metadata\":{\"name\":\"t\"," STAMPED "},\"spec\":{\"module\":{" MODULE "}}}", "noon"},
        {"{\"metadata\":{\"name\":\"t\"," STAMPED "},\"template\":{\"spec\":{\"module\":{" MODULE
         "}}}}",
         "noon"},
        {"{\"metadata\":{\"name\":\"t\"},\"template\":{\"metadata\":{" STAMPED
         "},\"spec\":{\"module\":{" MODULE "}}}}",
         "noon"},
    };
#undef STAMPED
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON cJSON *json = json_parse(rows[i].text, strlen(rows[i].text), LIMIT_OBJECT, NULL);
        struct module_template *template = module_template_read(json, JSON_UNKNOWN_REFUSE, NULL);
        assert_non_null(template);
        if (!str_eq(template_restart(&template->spec), rows[i].stamp))
            fail_msg("%s: %s", rows[i].text, template_restart(&template->spec));
        module_template_free(template);
    }
}

static void labels_that_are_no_number_of_a_revision(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        int32_t number;
    } rows[] = {
        {"7", 7},  {"2147483647", 2147483647},  {"2147483648", 0}, {"9223372036854775807", 0},
        {"-1", 0}, {"99999999999999999999", 0}, {"seven", 0},      {NULL, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct module_replicaset rs = {0};
        json_map_set(&rs.meta.labels, LABEL_REVISION, rows[i].label);
        assert_int_equal(revision_number(&rs), rows[i].number);
        json_map_done(&rs.meta.labels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(zero_is_not_absent),
        cmocka_unit_test(a_service_drains_by_itself),
        cmocka_unit_test(policies_are_read_in_any_spelling),
        cmocka_unit_test(aliases_end_in_one_field),
        cmocka_unit_test(wrong_fields_are_named),
        cmocka_unit_test(modules_are_checked),
        cmocka_unit_test(long_fields_have_a_limit),
        cmocka_unit_test(stored_documents_may_have_more),
        cmocka_unit_test(what_the_api_server_adds_is_no_unknown_field),
        cmocka_unit_test(the_enum_decides_what_is_written),
        cmocka_unit_test(templates_have_two_shapes),
        cmocka_unit_test(labels_that_are_no_number_of_a_revision),
        cmocka_unit_test(a_template_is_restarted_by_its_annotation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
