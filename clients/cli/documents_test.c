/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/documents.h"

#include <string.h>

#include "lib/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEAD "apiVersion: koupleless.alipay.com/v1alpha1\nkind: ModuleDeployment\n"
#define NAMED HEAD "metadata: {name: a}\n"
#define SPEC                                                                                       \
    "spec:\n"                                                                                      \
    "  baseDeploymentName: b\n"                                                                    \
    "  template: {spec: {module: {name: m, version: '1', url: 'https://h/m.jar'}}}\n"

static int parse(const char *text, struct documents *out, struct err **err)
{
    return documents_parse(text, strlen(text), "app.yaml", out, err);
}

static void each_document_knows_where_it_stood(void **state)
{
    (void)state;
    AUTO_DOCUMENTS struct documents documents = {0};
    assert_int_equal(parse(NAMED "---\n# nothing\n---\n" HEAD "metadata: {name: b}\n---\n"
                                 "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{\n"
                                 "\"apiVersion\": \"koupleless.alipay.com/v1alpha1\",\n"
                                 "\"kind\": \"Module\"}]}\n",
                           &documents, NULL),
                     0);
    static const struct {
        const char *where;
        enum object_kind kind;
    } rows[] = {
        {"app.yaml: document 1", KIND_MODULE_DEPLOYMENT},
        {"app.yaml: document 2", KIND_MODULE_DEPLOYMENT},
        {"app.yaml: document 3: items[0]", KIND_MODULE},
    };
    assert_int_equal(documents.items.len, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(documents.items.items[i].where, rows[i].where);
        assert_int_equal(documents.items.items[i].kind, rows[i].kind);
    }
}

static void errors_name_file_document_and_field(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {NAMED "---\napiVersion: koupleless.alipay.com/v1alpha1\nkind: ModuleDeploymnet\n",
         "app.yaml: document 2: kind: \"ModuleDeploymnet\" is not known; did you mean "
         "ModuleDeployment?"},
        {"kind: ModuleDeployment\n",
         "app.yaml: document 1: apiVersion: must be koupleless.alipay.com/v1alpha1, is \"\""},
        {"just text\n", "app.yaml: document 1: an object with apiVersion and kind is expected"},
        {"kind: List\nitems: 3\n", "app.yaml: document 1: items: must be an array"},
        {"kind: List\n", "app.yaml: document 1: items: must be an array"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        AUTO_DOCUMENTS struct documents documents = {0};
        assert_int_equal(parse(rows[i].text, &documents, &err), -1);
        assert_string_equal(err->message, rows[i].message);
    }
}

/* The one ModuleDeployment of @text, as it would be sent. */
static cJSON *deployment_of(const char *text, const char *namespace, bool must, struct err **err)
{
    AUTO_DOCUMENTS struct documents documents = {0};
    assert_int_equal(parse(text, &documents, err), 0);
    assert_int_equal(documents.items.len, 1);
    return document_deployment(&documents.items.items[0], namespace, must, err);
}

static void deployments_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {NAMED SPEC "  replicsa: 2\n",
         "app.yaml: document 1: spec.replicsa: unknown field (did you "
         "mean \"replicas\"?)"},
        {NAMED SPEC "  operationStrategy: {batchcount: 2}\n",
         "app.yaml: document 1: spec.operationStrategy.batchcount: unknown field (did you mean "
         "\"batchCount\"?)"},
        {NAMED SPEC "  replicas: -2\n", "app.yaml: document 1: spec.replicas: "},
        {NAMED "spec: {}\n", "app.yaml: document 1: spec.baseDeploymentName: "},
        {HEAD "metadata: {name: a, namespace: other}\n" SPEC,
         "app.yaml: document 1: metadata.namespace: is other, but --namespace is mine"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        assert_null(deployment_of(rows[i].text, "mine", /* must= */ true, &err));
        assert_true(str_starts_with(err->message, rows[i].message));
    }
}

/* What others set too is sent only where the document gives it. */
static void only_what_was_given_is_sent(void **state)
{
    (void)state;
    static const char *const fields[] = {"spec.replicas", "spec.pause", "spec.confirmBatchNum"};
    AUTO_JSON cJSON *bare = deployment_of(NAMED SPEC, "mine", false, NULL);
    AUTO_JSON cJSON *full = deployment_of(
        NAMED SPEC "  replicas: 0\n  pause: false\n  confirmBatchNum: 1\nstatus: {replicas: 7}\n",
        "mine", false, NULL);
    assert_non_null(bare);
    assert_non_null(full);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        assert_null(json_get(bare, fields[i]));
        assert_non_null(json_get(full, fields[i]));
    }
    assert_null(json_get(full, "status"));
    assert_null(json_get(full, "apiVersion"));
    assert_string_equal(json_get_string(bare, "metadata.namespace"), "mine");
}

static void a_namespace_of_its_own_stays(void **state)
{
    (void)state;
    AUTO_JSON cJSON *json = deployment_of(HEAD "metadata: {name: a, namespace: other}\n" SPEC,
                                          "default", /* must= */ false, NULL);
    assert_string_equal(json_get_string(json, "metadata.namespace"), "other");
}

/* Other spellings that the parser takes arrive in the one that the API has. */
static void spellings_are_made_one(void **state)
{
    (void)state;
    AUTO_JSON cJSON *json =
        deployment_of(NAMED SPEC "  operationStrategy: {grayTime: 5, upgradePolicy: "
                                 "INSTALL_THEN_UNINSTALL}\n",
                      "default", false, NULL);
    const cJSON *gray = json_get(json, "spec.operationStrategy.grayTimeBetweenBatchSeconds");
    assert_non_null(gray);
    assert_int_equal(gray->valueint, 5);
    assert_string_equal(json_get_string(json, "spec.operationStrategy.upgradePolicy"),
                        "installThenUninstall");
}

static void what_is_not_there_can_not_be_read(void **state)
{
    (void)state;
    AUTO_ERR struct err *err = NULL;
    AUTO_DOCUMENTS struct documents documents = {0};
    assert_int_equal(documents_read("/no/such/file.yaml", &documents, &err), -1);
    assert_string_equal(err->message, "/no/such/file.yaml: No such file or directory");
    err_clear(&err);
    assert_int_equal(documents_read("/dev/null", &documents, &err), -1);
    assert_string_equal(err->message, "/dev/null: no document");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_document_knows_where_it_stood),
        cmocka_unit_test(errors_name_file_document_and_field),
        cmocka_unit_test(deployments_are_read_strictly),
        cmocka_unit_test(only_what_was_given_is_sent),
        cmocka_unit_test(a_namespace_of_its_own_stays),
        cmocka_unit_test(spellings_are_made_one),
        cmocka_unit_test(what_is_not_there_can_not_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
