/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/status_view.h"

#include <string.h>

#include "lib/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MAX LIMIT_KIB(64)
#define NOW_MS 1000000012000 /* 2001-09-09T01:46:52Z */
#define BAR_EMPTY "------------------------------"
#define BAR_HALF "###############---------------"
#define BAR_FULL "##############################"

static cJSON *json_of(const char *text)
{
    cJSON *json = json_parse(text, strlen(text), MAX, NULL);
    assert_non_null(json);
    return json;
}

/* A ModuleDeployment with that release status, replicas and counts. */
static cJSON *deployment(const char *replicas, const char *status, const char *release)
{
    AUTO_FREE char *text =
        mem_printf("{\"metadata\": {\"name\": \"md\", \"generation\": 2},"
                   "\"spec\": {\"baseDeploymentName\": \"base\", \"replicas\": %s,"
                   "\"template\": {\"spec\": {\"module\": {\"name\": \"provider\","
                   "\"version\": \"2.0\"}}}},"
                   "\"status\": {\"observedGeneration\": 2, %s, \"releaseStatus\": {%s}}}",
                   replicas, status, release);
    return json_of(text);
}

static void add_module(cJSON *modules, const char *name, const char *revision, const char *version,
                       const char *base, const char *status)
{
    AUTO_FREE char *text =
        mem_printf("{\"metadata\": {\"name\": \"%s\","
                   "\"labels\": {\"koupleless.alipay.com/module-replicaset\": \"%s\"}},"
                   "\"spec\": {\"baseName\": \"%s\", \"module\": {\"name\": \"provider\","
                   "\"version\": \"%s\"}}, \"status\": {%s}}",
                   name, revision, base, version, status);
    cJSON_AddItemToArray(modules, json_of(text));
}

#define PAUSED                                                                                     \
    "\"progress\": \"Paused\", \"reason\": \"WaitingForConfirmation\","                            \
    "\"message\": \"batch 1 of 2 is done\", \"updateRevision\": \"md-new\","                       \
    "\"currentBatch\": 1, \"realBatchCount\": 2, \"batchProgress\": \"Completed\","                \
    "\"lastTransitionTime\": \"2001-09-09T01:46:40Z\""

static void a_release_is_a_tree(void **state)
{
    (void)state;
    AUTO_JSON cJSON *md =
        deployment("2", "\"replicas\": 2, \"updatedAvailableReplicas\": 1", PAUSED);
    AUTO_JSON cJSON *modules = cJSON_CreateArray();
    add_module(modules, "a", "md-old", "1.0", "base-2", "\"status\": \"Available\"");
    add_module(modules, "b", "md-new", "2.0", "base-1", "\"status\": \"Available\"");
    add_module(modules, "c", "md-new", "2.0", "base-9",
               "\"status\": \"Failed\", \"reason\": \"Arklet.InstallBizFailed\","
               "\"message\": \"no\\nroom\"");
    struct status_view view = {.deployment = md, .modules = modules, .now_ms = NOW_MS};
    AUTO_STR struct str out = STR_INIT(MAX);
    status_view_tree(&view, &out);
    assert_string_equal(str_text(&out),
                        "moduledeployment/md: provider 2.0 on base\n"
                        "Paused (WaitingForConfirmation) for 12s: batch 1 of 2 is done\n"
                        "[" BAR_HALF "] 1/2 updated and available\n"
                        "├─ batch 1 of 2: Completed\n"
                        "├─ batch 2 of 2: to come\n"
                        "├─ provider 2.0 (md-new): 1 of 2 Available\n"
                        "│  ├─ base-9  Failed (Arklet.InstallBizFailed): no room\n"
                        "│  └─ base-1  Available\n"
                        "└─ provider 1.0 (md-old, old): 1 of 1 Available\n"
                        "   └─ base-2  Available\n");
    str_clear(&out);
    status_view_lines(&view, &out);
    assert_string_equal(
        str_text(&out),
        "moduledeployment/md Paused (WaitingForConfirmation) version 2.0, batch 1/2, 1/2 updated "
        "and available: batch 1 of 2 is done\n"
        "module/c Failed version 2.0 base base-9 (Arklet.InstallBizFailed): no room\n"
        "module/b Available version 2.0 base base-1\n"
        "module/a Available version 1.0 base base-2\n");
}

static void a_long_tree_is_cut_and_ascii(void **state)
{
    (void)state;
    AUTO_JSON cJSON *md = deployment("3", "\"replicas\": 3", "\"updateRevision\": \"md-new\"");
    AUTO_JSON cJSON *modules = cJSON_CreateArray();
    add_module(modules, "a", "md-new", "2.0", "base-1", "\"status\": \"Available\"");
    add_module(modules, "b", "md-new", "2.0", "base-2", "\"status\": \"Available\"");
    add_module(modules, "c", "md-new", "2.0", "base-3", "\"status\": \"\"");
    struct status_view view = {md, modules, NOW_MS, .ascii = true, .instances_max = 2};
    AUTO_STR struct str out = STR_INIT(MAX);
    status_view_tree(&view, &out);
    assert_string_equal(str_text(&out), "moduledeployment/md: provider 2.0 on base\n"
                                        "Init\n"
                                        "[" BAR_EMPTY "] 0/3 updated and available\n"
                                        "`- provider 2.0 (md-new): 2 of 3 Available\n"
                                        "   |- base-3  Pending\n"
                                        "   |- base-1  Available\n"
                                        "   `- and 1 more\n");
}

static void batches_are_done_running_or_to_come(void **state)
{
    (void)state;
    static const struct {
        const char *release, *text;
    } rows[] = {
        {"\"progress\": \"Init\"", ""},
        {"\"progress\": \"Executing\", \"currentBatch\": 1, \"realBatchCount\": 1,"
         "\"batchProgress\": \"Executing\"",
         "batch 1 of 1: Executing\n"},
        {"\"progress\": \"Executing\", \"currentBatch\": 4, \"realBatchCount\": 10,"
         "\"batchProgress\": \"Executing\"",
         "batches 1 to 3 of 10: Completed\nbatch 4 of 10: Executing\n"
         "batches 5 to 10 of 10: to come\n"},
        {"\"progress\": \"Aborted\", \"currentBatch\": 2, \"realBatchCount\": 3,"
         "\"batchProgress\": \"\"",
         "batch 1 of 3: Completed\nbatch 2 of 3: Aborted\nbatch 3 of 3: given up\n"},
        {"\"progress\": \"Completed\", \"currentBatch\": 3, \"realBatchCount\": 3",
         "batches 1 to 3 of 3: Completed\n"},
        {"\"progress\": \"Init\", \"currentBatch\": 0, \"realBatchCount\": 2",
         "batch 1 of 2: Init\nbatch 2 of 2: to come\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON cJSON *md = deployment("2", "\"replicas\": 2", rows[i].release);
        struct status_view view = {.deployment = md};
        AUTO_STR struct str out = STR_INIT(MAX);
        status_view_batches(&view, "", &out);
        assert_string_equal(str_text(&out), rows[i].text);
    }
}

static void the_bar_counts_what_is_done(void **state)
{
    (void)state;
    static const struct {
        const char *replicas, *status, *progress, *bar;
    } rows[] = {
        {"2", "\"replicas\": 0", "Executing", "[" BAR_EMPTY "] 0/2"},
        {"2", "\"replicas\": 2, \"updatedAvailableReplicas\": 2", "Completed",
         "[" BAR_FULL "] 2/2"},
        /* scale down: what is too much counts until it is gone */
        {"2", "\"replicas\": 4, \"updatedAvailableReplicas\": 4", "Executing",
         "[" BAR_HALF "] 2/4"},
        {"-1", "\"replicas\": 4, \"updatedAvailableReplicas\": 2", "Executing",
         "[" BAR_HALF "] 2/4"},
        {"0", "\"replicas\": 0", "Executing", "[" BAR_EMPTY "] 0/0"},
        {"0", "\"replicas\": 0", "Completed", "[" BAR_FULL "] 0/0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *release = mem_printf("\"progress\": \"%s\"", rows[i].progress);
        AUTO_JSON cJSON *md = deployment(rows[i].replicas, rows[i].status, release);
        struct status_view view = {.deployment = md, .now_ms = NOW_MS};
        AUTO_STR struct str out = STR_INIT(MAX);
        status_view_tree(&view, &out);
        const char *bar = strchr(str_text(&out), '[');
        assert_non_null(bar);
        assert_memory_equal(bar, rows[i].bar, strlen(rows[i].bar));
    }
}

static void a_deletion_counts_what_is_gone(void **state)
{
    (void)state;
    AUTO_JSON cJSON *md = json_of(
        "{\"metadata\": {\"name\": \"md\", \"deletionTimestamp\": \"2001-09-09T01:46:40Z\"},"
        "\"status\": {\"replicas\": 1, \"releaseStatus\": {\"progress\": \"Terminating\","
        "\"originalDeltaReplicas\": 2}}}");
    struct status_view view = {.deployment = md};
    AUTO_STR struct str out = STR_INIT(MAX);
    status_view_tree(&view, &out);
    assert_non_null(strstr(str_text(&out), "\nTerminating\n[" BAR_HALF "] 1/2 removed\n"));
}

static void a_release_ends_only_for_the_present_spec(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum status_end end;
    } rows[] = {
        {"{}", STATUS_RUNS},
        {"{\"metadata\": {\"generation\": 1}, \"status\": {\"observedGeneration\": 1,"
         "\"releaseStatus\": {\"progress\": \"Executing\"}}}",
         STATUS_RUNS},
        {"{\"metadata\": {\"generation\": 1}, \"status\": {\"observedGeneration\": 1,"
         "\"releaseStatus\": {\"progress\": \"Completed\"}}}",
         STATUS_COMPLETED},
        {"{\"metadata\": {\"generation\": 1}, \"status\": {\"observedGeneration\": 1,"
         "\"releaseStatus\": {\"progress\": \"Aborted\"}}}",
         STATUS_FAILED},
        {"{\"metadata\": {\"generation\": 1}, \"status\": {\"observedGeneration\": 1,"
         "\"releaseStatus\": {\"progress\": \"Completed\", \"failedRevision\": \"md-new\"}}}",
         STATUS_FAILED},
        {"{\"metadata\": {\"generation\": 2}, \"status\": {\"observedGeneration\": 1,"
         "\"releaseStatus\": {\"progress\": \"Completed\"}}}",
         STATUS_RUNS},
        {"{\"metadata\": {\"generation\": 1, \"deletionTimestamp\": \"2001-09-09T01:46:40Z\"},"
         "\"status\": {\"observedGeneration\": 1, \"releaseStatus\": {\"progress\": "
         "\"Completed\"}}}",
         STATUS_RUNS},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON cJSON *md = json_of(rows[i].json);
        assert_int_equal(status_view_end(md), rows[i].end);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_release_is_a_tree),
        cmocka_unit_test(a_long_tree_is_cut_and_ascii),
        cmocka_unit_test(batches_are_done_running_or_to_come),
        cmocka_unit_test(the_bar_counts_what_is_done),
        cmocka_unit_test(a_deletion_counts_what_is_gone),
        cmocka_unit_test(a_release_ends_only_for_the_present_spec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
