/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, watches and the inventory. */
#include "lib/model/labels.h"
#include "services/controller/api/api_test_kit.h"

/* -- lists -- */

static void make(struct kit *kit, const char *namespace, const char *name, const char *labels)
{
    AUTO_FREE char *metadata =
        mem_printf(",\"namespace\":\"%s\",\"labels\":{%s}", namespace, labels);
    AUTO_OUTCOME struct outcome made = apply(kit, name, metadata, "", "");
    assert_ok(&made);
}

static void make_four(struct kit *kit)
{
    make(kit, "default", "a", "\"team\":\"red\",\"tier\":\"web\"");
    make(kit, "default", "b", "\"team\":\"red\"");
    make(kit, "default", "c", "\"team\":\"blue\"");
    make(kit, "shop", "d", "\"team\":\"red\"");
}

/* "a b", of the objects of an answer. Owned. */
static char *names_of(const struct outcome *outcome, const char *member)
{
    struct str names = STR_INIT(LIMIT_KIB(4));
    const cJSON *item;
    assert_ok(outcome);
    cJSON_ArrayForEach(item, json_get(outcome->json, member))
        str_printf(&names, "%s%s", names.len ? " " : "", json_get_string(item, "metadata.name"));
    return str_take(&names);
}

static void test_lists_select(void **state)
{
    struct kit *kit = *state;
    static const struct {
        const char *request, *names;
    } cases[] = {
        {"{}", "a b c"},
        {"{\"namespace\":\"default\"}", "a b c"},
        {"{\"namespace\":\"shop\"}", "d"},
        {"{\"namespace\":\"none\"}", ""},
        {"{\"namespace\":\"*\"}", "a b c d"},
        {"{\"labelSelector\":\"team=red\"}", "a b"},
        {"{\"labelSelector\":\"team=red,tier\"}", "a"},
        {"{\"labelSelector\":\"!tier\"}", "b c"},
        {"{\"namespace\":\"*\",\"labelSelector\":\"team in (red,green)\"}", "a b d"},
        {"{\"labelSelector\":\"team!=red\"}", "c"},
    };
    make_four(kit);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_OUTCOME struct outcome outcome =
            release(kit, "ListModuleDeployments", cases[i].request);
        AUTO_FREE char *names = names_of(&outcome, "moduleDeployments");
        assert_string_equal(names, cases[i].names);
        assert_null(text_at(&outcome, "nextPageToken"));
        assert_non_null(text_at(&outcome, "resourceVersion"));
    }
}

static void test_lists_come_in_pages(void **state)
{
    struct kit *kit = *state;
    static const char *const pages[] = {"a b", "c d", "e"};
    static const char *const all[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        make(kit, "default", all[i], "\"x\":\"y\"");
    AUTO_FREE char *token = mem_strdup(""), *version = NULL;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        AUTO_FREE char *request = mem_printf("{\"pageSize\":2,\"pageToken\":\"%s\"}", token);
        AUTO_OUTCOME struct outcome page = release(kit, "ListModuleDeployments", request);
        AUTO_FREE char *names = names_of(&page, "moduleDeployments");
        assert_string_equal(names, pages[i]);
        if (version)
            assert_string_equal(text_at(&page, "resourceVersion"), version); /* that of the first */
        mem_replace(&version, text_at(&page, "resourceVersion"));
        mem_replace(&token, text_at(&page, "nextPageToken"));
        assert_int_equal(token != NULL, i + 1 < ARRAY_LEN(pages));
    }
}

static void test_lists_refuse(void **state)
{
    struct kit *kit = *state;
    static const struct {
        const char *request, *field;
    } cases[] = {
        {"{\"pageSize\":-1}", "page_size"},
        {"{\"pageSize\":5001}", "page_size"},
        {"{\"labelSelector\":\"a in (b\"}", "label_selector"},
        {"{\"labelSelector\":\"=x\"}", "label_selector"},
        {"{\"pageToken\":\"nonsense\"}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_OUTCOME struct outcome refused =
            release(kit, "ListModuleDeployments", cases[i].request);
        assert_refused(&refused, ERR_INVALID, cases[i].field);
    }
    AUTO_OUTCOME struct outcome largest =
        release(kit, "ListModuleDeployments", "{\"pageSize\":5000}");
    assert_ok(&largest);
}

/* -- watches -- */

static void start_watch(struct kit *kit, struct stream_kit *stream, const char *request)
{
    stream_start(kit, stream, RELEASE, "WatchModuleDeployments", request);
}

/* Asserts that message @index tells @type of the object @name ("" = none), and has a version. */
static const cJSON *assert_change(struct stream_kit *stream, size_t index, const char *type,
                                  const char *name)
{
    const cJSON *message = stream_next(stream, index);
    AUTO_FREE char *full = mem_printf("CHANGE_TYPE_%s", type);
    assert_string_equal(json_get_string(message, "type"), full);
    const char *object = json_get_string(message, "moduleDeployment.metadata.name");
    assert_string_equal(object ? object : "", name);
    assert_non_null(json_get_string(message, "resourceVersion"));
    return message;
}

static void scale(struct kit *kit, const char *namespace, const char *name, int replicas)
{
    AUTO_FREE char *request = mem_printf("{\"namespace\":\"%s\",\"name\":\"%s\",\"replicas\":%d}",
                                         namespace, name, replicas);
    AUTO_OUTCOME struct outcome outcome = release(kit, "ScaleModuleDeployment", request);
    assert_ok(&outcome);
}

static void remove_deployment(struct kit *kit, const char *name)
{
    AUTO_FREE char *request = mem_printf("{\"name\":\"%s\"}", name);
    AUTO_OUTCOME struct outcome outcome = release(kit, "DeleteModuleDeployment", request);
    assert_ok(&outcome);
}

static void test_a_watch_begins_with_what_is_there(void **state)
{
    struct kit *kit = *state;
    struct stream_kit stream;
    make_four(kit);
    start_watch(kit, &stream, "{}");
    assert_change(&stream, 0, "ADDED", "a");
    assert_change(&stream, 1, "ADDED", "b");
    assert_change(&stream, 2, "ADDED", "c");
    assert_change(&stream, 3, "BOOKMARK", "");
    scale(kit, "shop", "d", 4); /* another namespace */
    scale(kit, "default", "b", 6);
    const cJSON *change = assert_change(&stream, 4, "MODIFIED", "b");
    const cJSON *replicas = json_get(change, "moduleDeployment.spec.replicas");
    assert_int_equal(cJSON_GetNumberValue(replicas), 6);
    assert_string_equal(json_get_string(change, "resourceVersion"),
                        json_get_string(change, "moduleDeployment.metadata.resourceVersion"));
    remove_deployment(kit, "a");
    assert_change(&stream, 5, "DELETED", "a");
    make(kit, "default", "e", "");
    assert_change(&stream, 6, "ADDED", "e");
    stream_stop(&stream);
}

static void test_a_watch_of_nothing_has_a_bookmark(void **state)
{
    struct kit *kit = *state;
    struct stream_kit stream;
    start_watch(kit, &stream, "{}");
    assert_change(&stream, 0, "BOOKMARK", "");
    make(kit, "default", "a", "");
    assert_change(&stream, 1, "ADDED", "a");
    stream_stop(&stream);
}

static void test_watches_select(void **state)
{
    struct kit *kit = *state;
    struct stream_kit by_name, by_label, everywhere;
    make_four(kit);
    start_watch(kit, &by_name, "{\"name\":\"b\"}");
    start_watch(kit, &by_label, "{\"labelSelector\":\"team=blue\"}");
    start_watch(kit, &everywhere, "{\"namespace\":\"*\",\"labelSelector\":\"team=red\"}");
    assert_change(&by_name, 0, "ADDED", "b");
    assert_change(&by_name, 1, "BOOKMARK", "");
    assert_change(&by_label, 0, "ADDED", "c");
    assert_change(&by_label, 1, "BOOKMARK", "");
    assert_change(&everywhere, 2, "ADDED", "d");
    assert_change(&everywhere, 3, "BOOKMARK", "");

    make(kit, "default", "b", "\"team\":\"blue\""); /* changes sides */
    assert_change(&by_name, 2, "MODIFIED", "b");
    assert_change(&by_label, 2, "ADDED", "b");
    assert_change(&everywhere, 4, "DELETED", "b");
    stream_stop(&by_name);
    stream_stop(&by_label);
    stream_stop(&everywhere);
}

static void test_a_watch_goes_on_from_a_version(void **state)
{
    struct kit *kit = *state;
    struct stream_kit first, second;
    make(kit, "default", "a", "");
    start_watch(kit, &first, "{}");
    const cJSON *bookmark = assert_change(&first, 1, "BOOKMARK", "");
    AUTO_FREE char *request =
        mem_printf("{\"resourceVersion\":\"%s\"}", json_get_string(bookmark, "resourceVersion"));
    scale(kit, "default", "a", 5);
    make(kit, "default", "b", "");
    start_watch(kit, &second, request);
    assert_change(&second, 0, "MODIFIED", "a"); /* what was missed, and nothing twice */
    assert_change(&second, 1, "ADDED", "b");
    stream_stop(&first);
    stream_stop(&second);
}

static void test_a_version_that_is_not_kept_ends_a_watch(void **state)
{
    struct kit *kit = *state;
    struct stream_kit stream;
    start_watch(kit, &stream, "{\"resourceVersion\":\"99999\"}");
    const struct err *err = stream_wait_end(&stream);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_EXPIRED);
    stream_stop(&stream);
}

static void test_a_wrong_selector_ends_a_watch(void **state)
{
    struct kit *kit = *state;
    struct stream_kit stream;
    start_watch(kit, &stream, "{\"labelSelector\":\"a in (b\"}");
    const struct err *err = stream_wait_end(&stream);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_INVALID);
    assert_string_equal(err->field, "label_selector");
    stream_stop(&stream);
}

static void test_a_server_that_stops_ends_its_watches(void **state)
{
    struct kit *kit = *state;
    struct stream_kit streams[3];
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        start_watch(kit, &streams[i], "{}");
        assert_change(&streams[i], 0, "BOOKMARK", "");
    }
    rpc_server_stop(kit->server, 1000);
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        (void)stream_wait_end(&streams[i]);
        stream_stop(&streams[i]);
    }
}

static void test_watchers_come_and_go(void **state)
{
    struct kit *kit = *state;
    for (int i = 0; i < 50; i++) {
        struct stream_kit stream;
        start_watch(kit, &stream, "{}");
        if (i % 2)
            (void)stream_next(&stream, 0);
        stream_stop(&stream);
    }
    make(kit, "default", "a", ""); /* told to nobody */
}

/* -- the inventory -- */

static void put_module(struct kit *kit, const char *name, const char *labels,
                       const char *finalizers)
{
    AUTO_FREE char *json = mem_printf(
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"labels\":{%s},"
        "\"finalizers\":[%s]},\"spec\":{\"module\":{\"name\":\"provider\",\"version\":\"1\","
        "\"url\":\"file:///p.jar\"},\"baseName\":\"pod-1\",\"baseUid\":\"u\"}}",
        name, labels, finalizers);
    put(kit, KIND_MODULE, json);
}

static void put_base(struct kit *kit, const char *name, const char *labels)
{
    AUTO_FREE char *json = mem_printf(
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"labels\":{%s}},\"spec\":{"
        "\"deployment\":\"stock\",\"ip\":\"10.0.0.1\",\"agentAddress\":\"h:1\"}}",
        name, labels);
    put(kit, KIND_BASE, json);
}

static void test_modules(void **state)
{
    struct kit *kit = *state;
    put_module(kit, "m1", "\"v\":\"1\"", "");
    put_module(kit, "m2", "\"v\":\"2\"", "");
    patch(kit, KIND_MODULE, "m2", STORE_STATUS, "{\"status\":{\"status\":\"Available\"}}");
    AUTO_OUTCOME struct outcome one = inventory(kit, "GetModule", "{\"name\":\"m2\"}");
    assert_string_equal(text_at(&one, "module.spec.baseName"), "pod-1");
    assert_string_equal(text_at(&one, "module.status.status"), "Available");
    AUTO_OUTCOME struct outcome all = inventory(kit, "ListModules", "{}");
    AUTO_FREE char *names = names_of(&all, "modules");
    assert_string_equal(names, "m1 m2");
    AUTO_OUTCOME struct outcome some =
        inventory(kit, "ListModules", "{\"labelSelector\":\"v=2\",\"pageSize\":1}");
    AUTO_FREE char *selected = names_of(&some, "modules");
    assert_string_equal(selected, "m2");
    AUTO_OUTCOME struct outcome unknown = inventory(kit, "GetModule", "{\"name\":\"m3\"}");
    assert_refused(&unknown, ERR_NOT_FOUND, NULL);
    AUTO_OUTCOME struct outcome nameless = inventory(kit, "GetModule", "{}");
    assert_refused(&nameless, ERR_INVALID, "name");
}

static void test_replace_removes_one_instance(void **state)
{
    struct kit *kit = *state;
    const char *request = "{\"name\":\"m1\",\"requestId\":\"r\"}";
    put_module(kit, "m1", "", "\"" FINALIZER_MODULE "\"");
    AUTO_OUTCOME struct outcome stale =
        inventory(kit, "ReplaceModule", "{\"name\":\"m1\",\"resourceVersion\":\"77\"}");
    assert_refused(&stale, ERR_CONFLICT, NULL);
    AUTO_OUTCOME struct outcome begun = inventory(kit, "ReplaceModule", request);
    assert_non_null(text_at(&begun, "module.metadata.deletionTimestamp"));
    patch(kit, KIND_MODULE, "m1", STORE_MAIN, "{\"metadata\":{\"finalizers\":[]}}");
    put_module(kit, "m1", "", ""); /* the other one, of the same name */
    AUTO_OUTCOME struct outcome again = inventory(kit, "ReplaceModule", request);
    assert_string_equal(text_at(&again, "module.metadata.uid"),
                        text_at(&begun, "module.metadata.uid"));
    AUTO_ANSWER struct answer there = stored(kit, KIND_MODULE, "m1");
    assert_null(there.err);
    AUTO_OUTCOME struct outcome unknown = inventory(kit, "ReplaceModule", "{\"name\":\"m9\"}");
    assert_refused(&unknown, ERR_NOT_FOUND, NULL);
    AUTO_OUTCOME struct outcome nameless = inventory(kit, "ReplaceModule", "{}");
    assert_refused(&nameless, ERR_INVALID, "name");
}

static void test_bases(void **state)
{
    struct kit *kit = *state;
    put_base(kit, "p1", "\"zone\":\"a\"");
    put_base(kit, "p2", "\"zone\":\"b\"");
    AUTO_OUTCOME struct outcome all = inventory(kit, "ListBases", "{}");
    AUTO_FREE char *names = names_of(&all, "bases");
    assert_string_equal(names, "p1 p2");
    AUTO_OUTCOME struct outcome some =
        inventory(kit, "ListBases", "{\"labelSelector\":\"zone=b\"}");
    AUTO_FREE char *selected = names_of(&some, "bases");
    assert_string_equal(selected, "p2");
}

static void test_watches_of_the_inventory(void **state)
{
    static const struct {
        const char *method, *path;
    } cases[] = {{"WatchModules", "module.metadata.name"},
                 {"WatchBases", "changedBase.metadata.name"}};
    struct kit *kit = *state;
    put_module(kit, "one", "\"x\":\"y\"", "");
    put_base(kit, "one", "\"x\":\"y\"");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct stream_kit stream;
        stream_start(kit, &stream, INVENTORY, cases[i].method, "{\"labelSelector\":\"x=y\"}");
        const cJSON *message = stream_next(&stream, 0);
        assert_string_equal(json_get_string(message, "type"), "CHANGE_TYPE_ADDED");
        assert_string_equal(json_get_string(message, cases[i].path), "one");
        assert_string_equal(json_get_string(stream_next(&stream, 1), "type"),
                            "CHANGE_TYPE_BOOKMARK");
        stream_stop(&stream);
    }
}

/* -- events -- */

static void put_event(struct kit *kit, const char *name, const char *kind, const char *about,
                      const char *at)
{
    AUTO_FREE char *json =
        mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},\"involvedObject\":{"
                   "\"kind\":\"%s\",\"name\":\"%s\"},\"type\":\"Normal\",\"reason\":\"Installed\","
                   "\"count\":1,\"lastTimestamp\":\"2026-01-01T00:00:%sZ\"}",
                   name, kind, about, at);
    put(kit, KIND_EVENT, json);
}

static void test_events_oldest_first(void **state)
{
    struct kit *kit = *state;
    static const struct {
        const char *request, *names;
    } cases[] = {
        {"{}", "e3 e1 e5 e4 e2"},
        {"{\"involvedKind\":\"Module\"}", "e3 e2"},
        {"{\"involvedName\":\"md\"}", "e1 e5 e4"},
        {"{\"involvedKind\":\"Module\",\"involvedName\":\"m\"}", "e3 e2"},
        {"{\"involvedKind\":\"Module\",\"involvedName\":\"md\"}", ""},
        {"{\"namespace\":\"shop\"}", ""},
    };
    put_event(kit, "e1", "ModuleDeployment", "md", "10");
    put_event(kit, "e2", "Module", "m", "30");
    put_event(kit, "e3", "Module", "m", "05");
    put_event(kit, "e4", "ModuleDeployment", "md", "20");
    put_event(kit, "e5", "ModuleDeployment", "md", "10.250");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_OUTCOME struct outcome outcome = inventory(kit, "ListEvents", cases[i].request);
        AUTO_FREE char *names = names_of(&outcome, "events");
        assert_string_equal(names, cases[i].names);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lists_select),
        TEST(test_lists_come_in_pages),
        TEST(test_lists_refuse),
        TEST(test_a_watch_begins_with_what_is_there),
        TEST(test_a_watch_of_nothing_has_a_bookmark),
        TEST(test_watches_select),
        TEST(test_a_watch_goes_on_from_a_version),
        TEST(test_a_version_that_is_not_kept_ends_a_watch),
        TEST(test_a_wrong_selector_ends_a_watch),
        TEST(test_a_server_that_stops_ends_its_watches),
        TEST(test_watchers_come_and_go),
        TEST(test_modules),
        TEST(test_replace_removes_one_instance),
        TEST(test_bases),
        TEST(test_watches_of_the_inventory),
        TEST(test_events_oldest_first),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
