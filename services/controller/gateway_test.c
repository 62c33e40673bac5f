/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of agents, and what their silence does. */
#include "services/controller/gateway_test_kit.h"

/* -- reports -- */

static void test_a_first_report_makes_a_base(void **state)
{
    struct world *world = *state;
    const char *more = READY ",\"maxModuleCount\":3,\"labels\":{\"jdk\":\"21\"},\"node\":\"n\","
                             "\"zone\":\"z\"";
    AUTO_FREE char *soon = report(world, "p1", more);
    assert_string_equal(soon, "0.2s"); /* its object has to be there first */
    await_base(world, "p1", "", "");
    const struct base *base = base_of(world, "p1");
    assert_string_equal(base->meta.namespace, "default");
    assert_string_equal(base->spec.deployment, "stock");
    assert_string_equal(base->spec.ip, "10.0.0.1");
    assert_string_equal(base->spec.agent_address, world->address);
    assert_string_equal(base->spec.node, "n");
    assert_string_equal(base->spec.zone, "z");
    assert_true(base->spec.max_module_count_set);
    assert_int_equal(base->spec.max_module_count, 3);
    assert_string_equal(json_map_get(&base->meta.labels, "jdk"), "21");

    AUTO_FREE char *later = report(world, "p1", more);
    assert_string_equal(later, "30s"); /* three may get lost before it counts as silent */
    await_base(world, "p1", "Ready", "");
    assert_string_equal(base_of(world, "p1")->status.boot_id, "boot-1");
}

static void test_the_status_follows(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *more, *phase, *reason;
    } steps[] = {
        {",\"ready\":false,\"reason\":\"BaseDown\",\"message\":\"503\",\"bootId\":\"b\"",
         "NotReady", "BaseDown"},
        {",\"ready\":false,\"reason\":\"Replaying\",\"bootId\":\"b\"", "NotReady", "Replaying"},
        {READY, "Ready", ""},
        {READY ",\"leaving\":true", "NotReady", "AgentLeaving"},
        {READY, "Ready", ""},
    };
    join(world, "p1");
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        tell(world, "p1", steps[i].more);
        await_base(world, "p1", steps[i].phase, steps[i].reason);
    }
    assert_null(base_of(world, "p1")->status.reason);
    assert_null(base_of(world, "p1")->status.message);
}

static bool is_ready_since(void *user)
{
    const struct world *world = user;
    const struct base_status *status = &base_of(user, "p1")->status;
    return str_eq(status->phase, "Ready") && world->controller->in_flight == 0 &&
           status->last_transition_ms == kit_wall_ms(&((struct world *)user)->clock.clock);
}

/* A write that is not seen yet: without a second one the base would be what it said first, until its next report. */
static void test_a_status_that_turns_back_is_written(void **state)
{
    struct world *world = *state;
    join(world, "p1");
    struct cached_base *base = map_get(&world->controller->cache.bases, "default/p1");
    char ready[] = "Ready", not_ready[] = "NotReady", down[] = "BaseDown", boot[] = "boot-1";
    const struct base_status well = {.phase = ready, .boot_id = boot};
    const struct base_status sick = {.phase = not_ready, .reason = down, .boot_id = boot};
    pass(world, 60000);
    const struct base_status *said[] = {&sick, &sick, &well, &well};
    static const size_t writes[] = {1, 2, 3,
                                    3}; /* what is not seen may not have been written: twice */
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        liveness_write_base(world->controller, base->base, &base->sent, said[i]);
        assert_int_equal(world->controller->in_flight, writes[i]);
    }
    kit_turn_until(world->loop, is_ready_since, world, "a base that is ready again");
}

static bool is_full(void *user)
{
    const struct base *base = base_of(user, "p1");
    return base->status.metaspace_full && str_eq(base->status.metaspace_message, "93 %");
}

static bool is_not_full(void *user)
{
    const struct base *base = base_of(user, "p1");
    return !base->status.metaspace_full && !base->status.metaspace_message;
}

static void test_a_base_without_metaspace_is_ready_and_takes_nothing(void **state)
{
    struct world *world = *state;
    join(world, "p1");
    assert_true(is_not_full(world));
    tell(world, "p1", READY ",\"metaspaceFull\":true,\"metaspaceMessage\":\"93 %\"");
    kit_turn_until(world->loop, is_full, world, "a base without metaspace");
    assert_string_equal(base_of(world, "p1")->status.phase, "Ready");
    assert_null(base_of(world, "p1")->status.reason);
    AUTO_FREE char *version = mem_strdup(base_of(world, "p1")->meta.resource_version);
    tell(world, "p1", READY ",\"metaspaceFull\":true,\"metaspaceMessage\":\"94 %\"");
    assert_int_equal(world->controller->in_flight, 0); /* another figure is not written */
    assert_string_equal(base_of(world, "p1")->meta.resource_version, version);
    tell(world, "p1", READY ",\"metaspaceMessage\":\"of no meaning\"");
    kit_turn_until(world->loop, is_not_full, world, "a base with metaspace");
}

static void test_a_report_that_tells_nothing_new_writes_nothing(void **state)
{
    struct world *world = *state;
    join(world, "p1");
    AUTO_FREE char *version = mem_strdup(base_of(world, "p1")->meta.resource_version);
    for (int i = 0; i < 5; i++)
        tell(world, "p1", READY);
    assert_int_equal(world->controller->in_flight, 0); /* not even asked for */
    assert_string_equal(base_of(world, "p1")->meta.resource_version, version);
}

static bool has_changed_spec(void *user)
{
    const struct base *base = base_of(user, "p1");
    return str_eq(base->spec.zone, "z2") && !base->spec.max_module_count_set &&
           str_eq(json_map_get(&base->meta.labels, "new"), "1") &&
           !json_map_get(&base->meta.labels, "old");
}

static void test_the_spec_follows(void **state)
{
    struct world *world = *state;
    tell(world, "p1", READY ",\"maxModuleCount\":0,\"labels\":{\"old\":\"1\"},\"zone\":\"z1\"");
    await_base(world, "p1", "", "");
    assert_int_equal(base_of(world, "p1")->spec.max_module_count, 0);
    tell(world, "p1", READY ",\"labels\":{\"new\":\"1\"},\"zone\":\"z2\"");
    kit_turn_until(world->loop, has_changed_spec, world, "the changed spec");
    assert_string_equal(base_of(world, "p1")->spec.ip, "10.0.0.1");
}

static void test_wrong_reports_are_refused(void **state)
{
    struct world *world = *state;
#define REST "\"baseDeployment\":\"s\",\"agentAddress\":\"h:1\""
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"{" REST "}", "base_name"},
        {"{\"baseName\":\"Not_a_name\"," REST "}", "base_name"},
        {"{\"baseName\":\"p1\",\"namespace\":\"a.b\"," REST "}", "namespace"},
        {"{\"baseName\":\"p1\",\"agentAddress\":\"h:1\"}", "base_deployment"},
        {"{\"baseName\":\"p1\",\"baseDeployment\":\"s\"}", "agent_address"},
        {"{\"baseName\":\"p1\",\"maxModuleCount\":-1," REST "}", "max_module_count"},
        {"{\"baseName\":\"p1\",\"labels\":{\"no key\":\"1\"}," REST "}", "labels[no key]"},
        {"{\"baseName\":\"p1\",\"labels\":{\"a\":\"1\",\"zone\":\"no value\"}," REST "}",
         "labels[zone]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_OUTCOME struct outcome outcome = call(world, "Report", cases[i].text);
        assert_non_null(outcome.err);
        assert_int_equal(outcome.err->code, ERR_INVALID);
        assert_string_equal(outcome.err->field, cases[i].field);
    }
    assert_int_equal(world->controller->cache.bases.len, 0);
}

/* Reports a text of @len characters between @before and @after. Return: the field that is refused, "" = none. Owned. */
static char *report_long(struct world *world, const char *before, size_t len, const char *after)
{
    AUTO_FREE char *filler = mem_alloc(len + 1);
    memset(filler, 'x', len);
    AUTO_FREE char *text = mem_printf("{\"baseName\":\"p1\",%s%s%s}", before, filler, after);
    AUTO_OUTCOME struct outcome outcome = call(world, "Report", text);
    return mem_strdup(outcome.err ? outcome.err->field : "");
}

/* The scheduler, or the store, would refuse what is too long: and with it all bases of the Deployment. */
static void test_texts_are_bounded(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *before, *after, *field;
        size_t max;
    } cases[] = {
        {"\"agentAddress\":\"h:1\",\"baseDeployment\":\"", "\"", "base_deployment", LIMIT_NAME},
        {"\"baseDeployment\":\"s\",\"agentAddress\":\"", "\"", "agent_address", LIMIT_ADDRESS},
        {REST ",\"ip\":\"", "\"", "ip", LIMIT_NAME},
        {REST ",\"node\":\"", "\"", "node", LIMIT_NAME},
        {REST ",\"zone\":\"", "\"", "zone", LIMIT_NAME},
        {REST ",\"bootId\":\"", "\"", "boot_id", LIMIT_NAME},
        {REST ",\"reason\":\"", "\"", "reason", LIMIT_NAME},
        {REST ",\"message\":\"", "\"", "message", LIMIT_MESSAGE},
        {REST ",\"metaspaceMessage\":\"", "\"", "metaspace_message", LIMIT_MESSAGE},
        {REST ",\"moduleHealth\":[{},{\"message\":\"", "\"}]", "module_health[1].message",
         LIMIT_MESSAGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *most = report_long(world, cases[i].before, cases[i].max, cases[i].after);
        AUTO_FREE char *more =
            report_long(world, cases[i].before, cases[i].max + 1, cases[i].after);
        assert_string_equal(most, "");
        assert_string_equal(more, cases[i].field);
    }
}

typedef Koupleless__Controller__V1__ReportRequest Request;
typedef Koupleless__Controller__V1__ReportRequest__LabelsEntry Entry;

/* Labels are a map, but the wire can hold a key twice. Return: the error, owned. */
static struct err *report_labels(struct world *world, size_t count, bool twice)
{
    Request request = KOUPLELESS__CONTROLLER__V1__REPORT_REQUEST__INIT;
    char text[] = "p1", keys[LIMIT_LABELS + 1][8];
    Entry entries[LIMIT_LABELS + 1], *pointers[LIMIT_LABELS + 1];
    ASSERT(count <= ARRAY_LEN(entries));
    for (size_t i = 0; i < count; i++) {
        koupleless__controller__v1__report_request__labels_entry__init(&entries[i]);
        snprintf(keys[i], sizeof(keys[i]), "k%zu", twice && i == count - 1 ? 0 : i);
        entries[i].key = keys[i];
        entries[i].value = text;
        pointers[i] = &entries[i];
    }
    request.base_name = request.base_deployment = request.agent_address = text;
    request.n_labels = count;
    request.labels = pointers;
    struct outcome outcome = send(world, "Report", &request.base);
    json_free(outcome.json);
    return outcome.err;
}

static void test_labels_are_bounded_and_there_once(void **state)
{
    struct world *world = *state;
    AUTO_ERR struct err *many = report_labels(world, LIMIT_LABELS + 1, false);
    AUTO_ERR struct err *twice = report_labels(world, LIMIT_LABELS, true);
    assert_non_null(many);
    assert_int_equal(many->code, ERR_INVALID);
    assert_string_equal(many->field, "labels");
    assert_non_null(twice);
    assert_int_equal(twice->code, ERR_INVALID);
    assert_string_equal(twice->field, "labels[k0]");
    assert_null(report_labels(world, LIMIT_LABELS, false));
    await_base(world, "p1", "", "");
}

/* An empty baseline would be taken for one that is known. */
static void test_a_controller_that_starts_knows_nothing_yet(void **state)
{
    struct world *world = *state;
    static const char *const methods[] = {"Report", "GetBaseline"};
    static const char *const texts[] = {"{\"baseName\":\"p1\"," REST "}", "{\"baseName\":\"p1\"}"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        world->controller->synced--;
        AUTO_OUTCOME struct outcome outcome = call(world, methods[i], texts[i]);
        world->controller->synced++;
        assert_non_null(outcome.err);
        assert_int_equal(outcome.err->code, ERR_UNAVAILABLE); /* the agent tries again */
    }
}

/* What agents tell one that stands by would be lost, and silence begins anew when it leads. */
static void test_one_that_stands_by_takes_no_report(void **state)
{
    struct world *world = *state;
    join(world, "p1");
    world->controller->leading = false; /* as if it had never led */
    loop_timer_stop(world->loop, &world->controller->liveness);
    for (int i = 0; i < 2; i++) {
        AUTO_OUTCOME struct outcome outcome =
            i ? call(world, "GetBaseline", "{\"baseName\":\"p1\"}")
              : call(world, "Report", "{\"baseName\":\"p1\"," REST "}");
        assert_non_null(outcome.err);
        assert_int_equal(outcome.err->code, ERR_UNAVAILABLE);
        assert_non_null(strstr(outcome.err->message, "another controller leads"));
    }
    pass(world, SILENT_MS);
    controller_lead(world->controller, 7);
    assert_int_equal(world->controller->epoch, 7);
    assert_int_equal(world->controller->cache.planning_since_ms, loop_now_ms(world->loop));
    pass(world, SILENT_MS - 1000);
    assert_string_equal(base_of(world, "p1")->status.phase, "Ready");
    pass(world, 2000);
    await_base(world, "p1", "NotReady", "AgentSilent");
}

static void test_certificates_are_not_issued(void **state)
{
    struct world *world = *state;
    AUTO_OUTCOME struct outcome outcome = call(world, "Enroll", "{}");
    assert_non_null(outcome.err);
    assert_int_equal(outcome.err->code, ERR_UNIMPLEMENTED);
}

/* -- silence -- */

static void test_a_silent_base_is_not_ready(void **state)
{
    struct world *world = *state;
    join(world, "p1");
    pass(world, SILENT_MS - 1);
    await_base(world, "p1", "Ready", "");
    pass(world, 1000); /* it is looked at once a second */
    await_base(world, "p1", "NotReady", "AgentSilent");
    assert_string_equal(base_of(world, "p1")->status.boot_id, "boot-1");
    tell(world, "p1", READY);
    await_base(world, "p1", "Ready", "");
}

static void test_reports_keep_a_base_ready(void **state)
{
    struct world *world = *state;
    join(world, "p1");
    for (int i = 0; i < 10; i++) {
        pass(world, SILENT_MS - 1);
        tell(world, "p1", READY);
        await_base(world, "p1", "Ready", "");
    }
}

static bool base_is_gone(void *user)
{
    return !base_of(user, "p1");
}

static void test_a_base_is_gone_after_a_long_silence(void **state)
{
    struct world *world = *state;
    join(world, "p1");
    pass(world, GONE_MS - 1);
    assert_non_null(base_of(world, "p1"));
    pass(world, 1000);
    kit_turn_until(world->loop, base_is_gone, world, "the end of the base");
    join(world, "p1"); /* and may come back */
}

static void on_created(void *user, const struct document *document, const struct err *err)
{
    (void)document;
    assert_null(err);
    __atomic_store_n((bool *)user, true, __ATOMIC_RELEASE);
}

static bool is_set(void *user)
{
    return __atomic_load_n((bool *)user, __ATOMIC_ACQUIRE);
}

/* A Pod shows up in the store. */
static void make_pod(struct world *world, const char *name)
{
    AUTO_FREE char *pod = kit_base(name, 1, "stock", world->address, "Ready", "");
    bool created = false;
    store_create(world->store, KIND_BASE, pod, on_created, &created);
    kit_turn_until(world->loop, is_set, &created, "the Pod");
    await_base(world, name, "", "");
}

/* Where bases are Pods: nobody makes one, and of a report only the status and a zone are news. */
static void test_a_report_of_a_pod(void **state)
{
    struct world *world = *state;
    make_pod(world, "p1");
    AUTO_FREE char *unknown = report(world, "p2", READY);
    assert_string_equal(unknown, "30s"); /* it is not hurried: perhaps nobody ever follows it */
    tell(world, "p1", ",\"ready\":false,\"reason\":\"BaseDown\",\"zone\":\"z9\",\"node\":\"n9\"");
    await_base(world, "p1", "NotReady", "BaseDown");
    assert_string_equal(base_of(world, "p1")->spec.zone, "z9");
    assert_false(str_eq(base_of(world, "p1")->spec.node, "n9"));
    assert_null(base_of(world, "p2"));
    AUTO_OUTCOME struct outcome bare = call(world, "Report", "{\"baseName\":\"p1\"}");
    assert_null(bare.err); /* a pod knows no more of itself */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_first_report_makes_a_base),
        TEST(test_the_status_follows),
        TEST(test_a_status_that_turns_back_is_written),
        TEST(test_a_base_without_metaspace_is_ready_and_takes_nothing),
        TEST(test_a_report_that_tells_nothing_new_writes_nothing),
        TEST(test_the_spec_follows),
        TEST(test_wrong_reports_are_refused),
        TEST(test_texts_are_bounded),
        TEST(test_labels_are_bounded_and_there_once),
        TEST(test_a_controller_that_starts_knows_nothing_yet),
        TEST(test_one_that_stands_by_takes_no_report),
        TEST(test_certificates_are_not_issued),
        TEST(test_a_silent_base_is_not_ready),
        TEST(test_reports_keep_a_base_ready),
        TEST(test_a_base_is_gone_after_a_long_silence),
        TEST_PODS(test_a_report_of_a_pod),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
