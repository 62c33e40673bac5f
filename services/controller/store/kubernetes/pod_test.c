/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/pod.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"

#define META "\"name\":\"p-1\",\"namespace\":\"shop\",\"uid\":\"u-1\",\"resourceVersion\":\"7\""
#define RUNNING "\"phase\":\"Running\",\"podIP\":\"10.0.0.5\""
#define IS_READY "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]"
#define SICK                                                                                       \
    "\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\",\"message\":\"jvm is not ready\"}]"
#define LABEL_MAX "koupleless.alipay.com/max-module-count"

static cJSON *tree(const char *text)
{
    cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, NULL);
    if (!json)
        fail_msg("not JSON: %s", text);
    return json;
}

/* A Pod of these parts, read. */
static struct pod read_pod(const char *metadata, const char *spec, const char *status,
                           const struct pod_context *context)
{
    AUTO_FREE char *text = mem_printf("{\"metadata\":{" META "%s},\"spec\":{%s},\"status\":{%s}}",
                                      metadata, spec, status);
    AUTO_JSON cJSON *json = tree(text);
    struct pod pod;
    AUTO_ERR struct err *err = NULL;
    if (pod_read(json, context, &pod, &err) < 0)
        fail_msg("%s: %s", err->message, text);
    return pod;
}

static const struct pod_context stock = {.deployment = "stock"};

static void readiness(void **state)
{
    (void)state;
    static const struct {
        const char *name, *metadata, *status, *want;
        bool ended;
    } rows[] = {
        {"ready", "", RUNNING "," IS_READY, "Ready||", false},
        {"no condition yet", "", RUNNING, "NotReady|PodNotReady|its condition is not known yet",
         false},
        {"not ready", "", RUNNING "," SICK, "NotReady|PodNotReady|jvm is not ready", false},
        {"pending", "", "\"phase\":\"Pending\"",
         "NotReady|PodPending|its containers are not running yet", false},
        {"no room for it", "",
         "\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\","
         "\"message\":\"0/3 nodes are available\"}]",
         "NotReady|PodPending|0/3 nodes are available", false},
        {"nothing is known", "", "", "NotReady|PodPending|its containers are not running yet",
         false},
        {"no address", "", "\"phase\":\"Running\"," IS_READY,
         "NotReady|NoIP|the Pod has no IP address", false},
        {"terminating", ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"", RUNNING "," IS_READY,
         "NotReady|Terminating|the Pod is being deleted", false},
        {"its node is lost", "",
         RUNNING ",\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\"}]",
         "NotReady|NodeLost|its node does not answer", false},
        {"lost, and to be deleted", ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"",
         RUNNING ",\"reason\":\"NodeLost\"," IS_READY, "NotReady|NodeLost|its node does not answer",
         false},
        {"evicted", "", "\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"low on disk\"",
         "NotReady|PodFailed|low on disk", true},
        {"evicted, with traffic still",
         ",\"labels\":{\"module.koupleless.alipay.com/pay\":\"true\"}", "\"phase\":\"Failed\"",
         "NotReady|PodFailed|", false},
        {"done", "", "\"phase\":\"Succeeded\"," IS_READY, "NotReady|PodFailed|", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pod pod = read_pod(rows[i].metadata, "", rows[i].status, &stock);
        const struct base_status *status = &pod.base->status;
        AUTO_FREE char *got = mem_printf("%s: %s|%s|%s", rows[i].name, status->phase,
                                         status->reason ? status->reason : "",
                                         status->message ? status->message : "");
        AUTO_FREE char *want = mem_printf("%s: %s", rows[i].name, rows[i].want);
        assert_string_equal(got, want);
        assert_int_equal(pod.ended, rows[i].ended);
        pod_done(&pod);
    }
}

static void address(void **state)
{
    (void)state;
    static const struct {
        const char *port, *ip;
        int32_t option;
        const char *want, *note;
    } rows[] = {
        {NULL, "10.0.0.5", 0, "10.0.0.5:1239", NULL},
        {NULL, "10.0.0.5", 2000, "10.0.0.5:2000", NULL},
        {"3000", "10.0.0.5", 2000, "10.0.0.5:3000", NULL},
        {"3000", "fd00::5", 0, "[fd00::5]:3000", NULL},
        {"3000", "", 0, NULL, NULL},
        {"0", "10.0.0.5", 2000, "10.0.0.5:2000",
         "koupleless.alipay.com/agent-port is no such number: \"0\""},
        {"65536", "10.0.0.5", 0, "10.0.0.5:1239",
         "koupleless.alipay.com/agent-port is no such number: \"65536\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *metadata =
            rows[i].port ? mem_printf(",\"annotations\":{\"" ANNOTATION_AGENT_PORT "\":\"%s\"}",
                                      rows[i].port)
                         : mem_strdup("");
        AUTO_FREE char *status = mem_printf("\"podIP\":\"%s\"", rows[i].ip);
        struct pod_context context = {.deployment = "stock", .agent_port = rows[i].option};
        struct pod pod = read_pod(metadata, "", status, &context);
        assert_true(str_eq(pod.base->spec.agent_address, rows[i].want));
        assert_true(str_eq(pod.base->spec.ip, rows[i].ip));
        assert_true(str_eq(pod.note, rows[i].note));
        pod_done(&pod);
    }
}

/* 5.6: the Pod's limit wins over the Deployment's; 0 means none. */
static void limits(void **state)
{
    (void)state;
    static const struct {
        const char *own, *deployments;
        int32_t want;
        bool noted;
    } rows[] = {
        {NULL, NULL, -1, false}, {"3", NULL, 3, false},   {NULL, "4", 4, false},
        {"3", "4", 3, false},    {"0", "4", 0, false},    {"many", "4", 4, true},
        {"-1", NULL, -1, true},  {"many", "x", -1, true}, {"", NULL, -1, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *metadata =
            rows[i].own ? mem_printf(",\"labels\":{\"" LABEL_MAX "\":\"%s\"}", rows[i].own)
                        : mem_strdup("");
        struct json_map labels = {0};
        json_map_set(&labels, LABEL_MAX, rows[i].deployments);
        struct pod_context context = {.deployment = "stock", .its_labels = &labels};
        struct pod pod = read_pod(metadata, "", RUNNING, &context);
        if (rows[i].want >= 0)
            assert_int_equal(pod.base->spec.max_module_count, rows[i].want);
        assert_int_equal(pod.base->spec.max_module_count_set, rows[i].want >= 0);
        assert_int_equal(pod.note != NULL, rows[i].noted);
        pod_done(&pod);
        json_map_done(&labels);
    }
}

static void what_is_kept(void **state)
{
    (void)state;
    struct pod pod = read_pod(
        ",\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"labels\":{\"app\":\"stock\","
        "\"topology.kubernetes.io/zone\":\"z1\"},\"annotations\":{\"long\":\"text\"},"
        "\"finalizers\":[\"x/y\"],\"ownerReferences\":[{\"kind\":\"ReplicaSet\"}]",
        "\"nodeName\":\"n1\",\"containers\":[{\"name\":\"jvm\"}]", RUNNING "," IS_READY, &stock);
    AUTO_JSON cJSON *json = base_write(pod.base);
    AUTO_FREE char *text = json_text(json);
    assert_string_equal(
        text, "{\"apiVersion\":\"koupleless.alipay.com/v1alpha1\",\"kind\":\"Base\","
              "\"metadata\":{\"name\":\"p-1\",\"namespace\":\"shop\",\"uid\":\"u-1\","
              "\"creationTimestamp\":\"2026-01-01T00:00:00Z\","
              "\"labels\":{\"app\":\"stock\",\"topology.kubernetes.io/zone\":\"z1\"}},"
              "\"spec\":{\"deployment\":\"stock\",\"ip\":\"10.0.0.5\","
              "\"agentAddress\":\"10.0.0.5:1239\",\"node\":\"n1\",\"zone\":\"z1\"},"
              "\"status\":{\"phase\":\"Ready\",\"lastTransitionTime\":\"2026-01-01T00:00:00Z\"}}");
    assert_string_equal(pod.version, "7");
    pod_done(&pod);
}

#define JVM(id, restarts)                                                                          \
    "{\"name\":\"jvm\",\"containerID\":\"" id "\",\"restartCount\":" restarts "}"
#define AGENT(id, restarts)                                                                        \
    "{\"name\":\"koupleless-agent\",\"containerID\":\"" id "\",\"restartCount\":" restarts "}"

/* Only containers of the base count, and only those that have run before. */
static void restarts(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        bool want;
    } rows[] = {
        {JVM("a", "0"), JVM("a", "0"), false},
        {JVM("a", "0"), JVM("b", "1"), true},
        {JVM("a", "0"), JVM("b", "0"), true},
        {JVM("a", "0"), JVM("a", "1"), true},
        {JVM("", "0"), JVM("a", "0"), false},
        {"", JVM("a", "0"), false},
        {JVM("a", "2"), JVM("a", "0"), false},
        {JVM("a", "0") "," AGENT("x", "0"), JVM("a", "0") "," AGENT("y", "1"), false},
        {JVM("a", "0") "," AGENT("x", "0"), JVM("b", "1") "," AGENT("x", "0"), true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *before = mem_printf("\"containerStatuses\":[%s]", rows[i].before);
        AUTO_FREE char *after = mem_printf("\"containerStatuses\":[%s]", rows[i].after);
        struct pod one = read_pod("", "", before, &stock), other = read_pod("", "", after, &stock);
        if (pod_restarted(&one, &other) != rows[i].want)
            fail_msg("row %zu", i);
        pod_done(&one);
        pod_done(&other);
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *field;
    } rows[] = {
        {"{}", "metadata"},
        {"{\"metadata\":{\"name\":\"p\",\"uid\":\"u\"}}", "metadata.namespace"},
        {"{\"metadata\":{\"name\":\"P p\",\"namespace\":\"n\",\"uid\":\"u\"}}", "metadata.name"},
        {"{\"metadata\":{\"name\":\"p\",\"namespace\":\"n\"}}", "metadata.uid"},
        {"{\"metadata\":{" META "},\"status\":[]}", "status"},
        {"{\"metadata\":{" META "},\"status\":{\"containerStatuses\":[{\"restartCount\":\"x\"}]}}",
         "status.containerStatuses[0].restartCount"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON cJSON *json = tree(rows[i].json);
        AUTO_ERR struct err *err = NULL;
        struct pod pod;
        assert_int_equal(pod_read(json, &stock, &pod, &err), -1);
        assert_int_equal(err->code, ERR_INVALID);
        assert_string_equal(err->field, rows[i].field);
    }
}

/* What the kubelet writes there can be long. */
static void long_message(void **state)
{
    (void)state;
    struct str text = STR_INIT(LIMIT_KIB(64));
    str_add(&text, "\"phase\":\"Failed\",\"message\":\"x");
    for (int i = 0; i < 1000; i++)
        str_add(&text, "\xc3\xa4");
    str_add(&text, "\"");
    struct pod pod = read_pod("", "", str_text(&text), &stock);
    assert_int_equal(strlen(pod.base->status.message), 255); /* no half letter */
    pod_done(&pod);
    str_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readiness),    cmocka_unit_test(address),  cmocka_unit_test(limits),
        cmocka_unit_test(what_is_kept), cmocka_unit_test(restarts), cmocka_unit_test(refused),
        cmocka_unit_test(long_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
