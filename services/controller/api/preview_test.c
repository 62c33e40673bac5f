/* SPDX-License-Identifier: Apache-2.0 */
/* PlanRelease: from what is stored to the answer. What a forecast does with it is engine/forecast_test.c's. */
#include "services/controller/api/api_test_kit.h"

#include "lib/model/labels.h"

static void put_base(struct kit *kit, const char *name, const char *phase)
{
    AUTO_FREE char *json = mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},"
                                      "\"spec\":{\"deployment\":\"stock\",\"ip\":\"10.0.0.1\"}}",
                                      name);
    AUTO_FREE char *status = mem_printf("{\"status\":{\"phase\":\"%s\"}}", phase);
    put(kit, KIND_BASE, json);
    patch(kit, KIND_BASE, name, STORE_STATUS, status);
}

static void put_bases(struct kit *kit)
{
    put_base(kit, "a", "Ready");
    put_base(kit, "b", "NotReady");
    put_base(kit, "c", "Ready");
}

/* PlanRelease of md_json(). */
static struct outcome plan(struct kit *kit, const char *name, const char *spec, const char *more)
{
    AUTO_FREE char *md = md_json(name, "", spec);
    AUTO_FREE char *request = mem_printf("{\"moduleDeployment\":%s%s}", md, more);
    return release(kit, "PlanRelease", request);
}

static struct outcome plan_name(struct kit *kit, const char *name)
{
    AUTO_FREE char *request =
        mem_printf("{\"moduleDeployment\":{\"metadata\":{\"name\":\"%s\"}}}", name);
    return release(kit, "PlanRelease", request);
}

/* "install a, install c" of the answer. Owned. */
static char *changes(const struct outcome *outcome)
{
    assert_ok(outcome);
    struct str out = STR_INIT(LIMIT_KIB(64));
    const cJSON *change;
    cJSON_ArrayForEach(change, json_get(outcome->json, "changes"))
    {
        str_printf(&out, "%s%s %s", out.len ? ", " : "", json_get_string(change, "action"),
                   json_get_string(change, "baseName"));
    }
    return str_take(&out);
}

static const cJSON *first(const struct outcome *outcome, const char *member)
{
    assert_ok(outcome);
    const cJSON *item = cJSON_GetArrayItem(json_get(outcome->json, member), 0);
    assert_non_null(item);
    return item;
}

static int64_t number_of(const cJSON *item, const char *member)
{
    return json_int64(json_get(item, member), INT64_MIN, INT64_MAX);
}

static void test_a_first_install(void **state)
{
    struct kit *kit = *state;
    put_bases(kit);
    AUTO_OUTCOME struct outcome outcome = plan(kit, "md", ",\"replicas\":2", ",\"installMs\":7000");
    AUTO_FREE char *got = changes(&outcome);
    assert_string_equal(got, "install a, install c");
    assert_string_equal(text_at(&outcome, "outcome"), "PLAN_OUTCOME_COMPLETED");
    assert_int_equal(number_of(outcome.json, "durationMs"), 7000);
    assert_int_equal(number_at(&outcome, "batchCount"), 1);
    assert_int_equal(number_of(first(&outcome, "batches"), "size"), 2);
    assert_int_equal(number_of(first(&outcome, "batches"), "endsMs"), 7000);
    assert_true(str_starts_with(json_get_string(first(&outcome, "changes"), "instanceName"),
                                text_at(&outcome, "updateRevision")));
    struct store_key key = {KIND_MODULE_DEPLOYMENT, "default", "md"};
    AUTO_ANSWER struct answer none = call_get(kit->store, &key);
    assert_int_equal(none.err->code, ERR_NOT_FOUND);
}

static void test_no_room(void **state)
{
    struct kit *kit = *state;
    put_bases(kit);
    AUTO_OUTCOME struct outcome outcome = plan(kit, "md", ",\"replicas\":3", "");
    assert_string_equal(text_at(&outcome, "outcome"), "PLAN_OUTCOME_STUCK");
    assert_string_equal(json_get_string(first(&outcome, "holds"), "reason"), "NoCapacity");
    assert_string_equal(json_get_string(first(&outcome, "holds"), "message"), "made up");
}

/* A ModuleReplicaSet of md, and a Module of that on @base, as the controller makes them. */
static void put_own_revision(struct kit *kit, const char *name, int replicas)
{
    AUTO_ANSWER struct answer md = stored(kit, KIND_MODULE_DEPLOYMENT, "md");
    AUTO_FREE char *json = mem_printf(
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"labels\":{\"" LABEL_REVISION
        "\":\"1\"},\"ownerReferences\":[{\"kind\":\"ModuleDeployment\",\"name\":\"md\",\"uid\":"
        "\"%s\",\"controller\":true}]},\"spec\":{\"baseDeploymentName\":\"stock\",\"replicas\":%d,"
        "\"template\":{\"spec\":{\"module\":{\"name\":\"provider\",\"version\":\"0.9.0\",\"url\":"
        "\"file:///p.jar\"}}}}}",
        name, answer_string(&md, "metadata.uid"), replicas);
    put(kit, KIND_MODULE_REPLICASET, json);
}

static void put_instance(struct kit *kit, const char *revision, const char *base)
{
    AUTO_ANSWER struct answer rs = stored(kit, KIND_MODULE_REPLICASET, revision);
    AUTO_ANSWER struct answer on = stored(kit, KIND_BASE, base);
    AUTO_FREE char *name = mem_printf("%s-%s", revision, base);
    AUTO_FREE char *json = mem_printf(
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"ownerReferences\":[{\"kind\":"
        "\"ModuleReplicaSet\",\"name\":\"%s\",\"uid\":\"%s\",\"controller\":true}]},\"spec\":{"
        "\"module\":{\"name\":\"provider\",\"version\":\"0.9.0\",\"url\":\"file:///p.jar\"},"
        "\"baseName\":\"%s\",\"baseUid\":\"%s\"}}",
        name, revision, answer_string(&rs, "metadata.uid"), base,
        answer_string(&on, "metadata.uid"));
    put(kit, KIND_MODULE, json);
    patch(kit, KIND_MODULE, name, STORE_STATUS,
          "{\"status\":{\"status\":\"Available\",\"installDurationMs\":3000}}");
}

static void test_an_upgrade_of_what_is_stored(void **state)
{
    struct kit *kit = *state;
    put_bases(kit);
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", ",\"replicas\":1", "");
    assert_ok(&made);
    put_own_revision(kit, "md-old", 1);
    put_instance(kit, "md-old", "c");
    AUTO_OUTCOME struct outcome by_name = plan_name(kit, "md");
    AUTO_FREE char *left = changes(&by_name);
    assert_string_equal(left, "install c, switch c, uninstall c");
    assert_int_equal(number_at(&by_name, "installMs"), 3000); /* as it was measured */

    AUTO_OUTCOME struct outcome by_file =
        plan(kit, "md", ",\"operationStrategy\":{\"upgradePolicy\":\"uninstallThenInstall\"}", "");
    AUTO_FREE char *in_place = changes(&by_file);
    assert_string_equal(in_place, "replace c");
    assert_int_equal(number_at(&by_file, "mostUnavailable"), 1);
    assert_string_equal(json_get_string(first(&by_file, "changes"), "way"), "InPlace");
    assert_string_equal(json_get_string(first(&by_file, "changes"), "reason"), "UpgradePolicy");
}

/* A release that was stopped goes on by an edit, as it would where that is applied. */
static void test_an_edit_of_what_was_stopped(void **state)
{
    struct kit *kit = *state;
    put_bases(kit);
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", ",\"replicas\":1", "");
    assert_ok(&made);
    AUTO_OUTCOME struct outcome before = plan_name(kit, "md");
    const char *revision = text_at(&before, "updateRevision");
    put_own_revision(kit, revision, 1);
    AUTO_FREE char *status = mem_printf(
        "{\"status\":{\"observedGeneration\":1,\"releaseStatus\":{\"progress\":\"Aborted\","
        "\"reason\":\"ProgressDeadlineExceeded\",\"updateRevision\":\"%s\",\"currentBatch\":1,"
        "\"realBatchCount\":1,\"targetReplicas\":1,\"plannedBatchCount\":1,"
        "\"originalDeltaReplicas\":1}}}",
        revision);
    patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_STATUS, status);
    AUTO_OUTCOME struct outcome same = plan(kit, "md", ",\"replicas\":1", "");
    assert_string_equal(text_at(&same, "outcome"), "PLAN_OUTCOME_STUCK");
    AUTO_OUTCOME struct outcome edited =
        plan(kit, "md", ",\"replicas\":1,\"progressDeadlineSeconds\":900", "");
    assert_string_equal(text_at(&edited, "outcome"), "PLAN_OUTCOME_COMPLETED");
}

/* As its status tells: for how long it has not been ready counts. */
static void put_starting_base(struct kit *kit, const char *name, int64_t not_ready_ms)
{
    char since[TIME_TEXT_SIZE];
    put_base(kit, name, "NotReady");
    AUTO_FREE char *status =
        mem_printf("{\"status\":{\"reason\":\"BaseStarting\",\"lastTransitionTime\":\"%s\"}}",
                   time_format(clock_wall_ms(clock_real()) - not_ready_ms, since));
    patch(kit, KIND_BASE, name, STORE_STATUS, status);
}

static void test_a_base_that_restarts(void **state)
{
    struct kit *kit = *state;
    put_starting_base(kit, "a", 3600 * 1000);
    put_starting_base(kit, "b", 0);
    AUTO_OUTCOME struct outcome outcome = plan(kit, "md", ",\"replicas\":1", "");
    AUTO_FREE char *got = changes(&outcome);
    assert_string_equal(got, "install b");
    assert_string_equal(text_at(&outcome, "outcome"), "PLAN_OUTCOME_COMPLETED");
    assert_int_equal(number_of(first(&outcome, "changes"), "beginsMs"), 30000);
    assert_string_equal(json_get_string(first(&outcome, "holds"), "reason"), "BaseStarting");
}

static void test_the_owner_is_another_one(void **state)
{
    struct kit *kit = *state;
    put_bases(kit);
    AUTO_OUTCOME struct outcome made = apply(kit, "other", "", "", "");
    assert_ok(&made);
    AUTO_OUTCOME struct outcome outcome = plan(kit, "md", "", "");
    assert_string_equal(text_at(&outcome, "outcome"), "PLAN_OUTCOME_STUCK");
    assert_string_equal(json_get_string(first(&outcome, "holds"), "reason"), "OwnedByAnother");
    assert_null(json_get(outcome.json, "changes"));
}

static void test_a_template_that_is_referred_to(void **state)
{
    struct kit *kit = *state;
    put_bases(kit);
    static const char request[] =
        "{\"moduleDeployment\":{\"metadata\":{\"name\":\"md\"},\"spec\":{\"baseDeploymentName\":"
        "\"stock\",\"templateRef\":{\"name\":\"shared\"}}}}";
    AUTO_OUTCOME struct outcome missing = release(kit, "PlanRelease", request);
    assert_string_equal(json_get_string(first(&missing, "holds"), "reason"), "TemplateNotFound");
    put(kit, KIND_MODULE_TEMPLATE,
        "{\"metadata\":{\"name\":\"shared\",\"namespace\":\"default\"},\"spec\":{\"module\":{"
        "\"name\":\"provider\",\"version\":\"1.0.0\",\"url\":\"file:///p.jar\"}}}");
    AUTO_OUTCOME struct outcome there = release(kit, "PlanRelease", request);
    AUTO_FREE char *got = changes(&there);
    assert_string_equal(got, "install a");
}

static void test_more_than_a_page(void **state)
{
    struct kit *kit = *state;
    for (int i = 0; i < 501; i++) {
        AUTO_FREE char *name = mem_printf("full-%03d", i);
        put_base(kit, name, "NotReady");
    }
    put_base(kit, "the-last-one", "Ready");
    AUTO_OUTCOME struct outcome outcome = plan(kit, "md", ",\"replicas\":-1", "");
    AUTO_FREE char *got = changes(&outcome);
    assert_string_equal(text_at(&outcome, "outcome"), "PLAN_OUTCOME_COMPLETED");
    assert_string_equal(got, "install the-last-one");
}

static void test_refused(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome nothing = release(kit, "PlanRelease", "{}");
    assert_refused(&nothing, ERR_INVALID, "metadata.name");
    AUTO_OUTCOME struct outcome nobody = plan_name(kit, "nobody");
    assert_refused(&nobody, ERR_NOT_FOUND, NULL);
    assert_string_equal(nobody.err->message, "ModuleDeployment \"default/nobody\": not found");
    AUTO_OUTCOME struct outcome bad =
        plan(kit, "md", ",\"operationStrategy\":{\"batchCount\":-1}", "");
    assert_refused(&bad, ERR_INVALID, "spec.operationStrategy.batchCount");
    AUTO_OUTCOME struct outcome install = plan(kit, "md", "", ",\"installMs\":-1");
    assert_refused(&install, ERR_INVALID, "install_ms");
    atomic_store(&kit->scheduler_away, true);
    AUTO_OUTCOME struct outcome away = plan(kit, "md", "", "");
    assert_refused(&away, ERR_UNAVAILABLE, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_first_install),
        TEST(test_no_room),
        TEST(test_an_upgrade_of_what_is_stored),
        TEST(test_an_edit_of_what_was_stopped),
        TEST(test_a_base_that_restarts),
        TEST(test_the_owner_is_another_one),
        TEST(test_a_template_that_is_referred_to),
        TEST(test_more_than_a_page),
        TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
