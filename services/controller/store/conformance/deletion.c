/* SPDX-License-Identifier: Apache-2.0 */
/* Cases: remove, finalizers, cascade. */
#include "services/controller/store/conformance/cases.h"

void conformance_remove_deletes(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer made = case_make(c, "t", "");
    struct store_key key = case_key(c, "t");
    AUTO_ANSWER struct answer removed = call_remove(c->store, &key, NULL, NULL);
    assert_null(removed.err);
    assert_string_equal(removed.uid, made.uid);
    assert_null(answer_string(&removed, "metadata.deletionTimestamp"));
    assert_false(case_exists(c, "t"));

    AUTO_ANSWER struct answer again = case_make(c, "t", "");
    assert_string_not_equal(again.uid, made.uid);
    assert_int_equal(answer_number(&again, "metadata.generation"), 1);
}

void conformance_remove_checks_its_preconditions(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer old = case_make(c, "t", "");
    case_remove(c, "t");
    AUTO_ANSWER struct answer new = case_make(c, "t", "");
    struct store_key key = case_key(c, "t");
    AUTO_ANSWER struct answer wrong_uid = call_remove(c->store, &key, old.uid, NULL);
    assert_true(answer_is(&wrong_uid, ERR_CONFLICT));
    AUTO_ANSWER struct answer wrong_version =
        call_remove(c->store, &key, NULL, old.resource_version);
    assert_true(answer_is(&wrong_version, ERR_CONFLICT));
    assert_true(case_exists(c, "t"));
    AUTO_ANSWER struct answer right = call_remove(c->store, &key, new.uid, new.resource_version);
    assert_null(right.err);
    assert_false(case_exists(c, "t"));
}

#define FINALIZERS ",\"finalizers\":[\"example.com/a\",\"example.com/b\"]"

static struct answer set_finalizers(const struct conformance *c, const char *name, const char *list)
{
    AUTO_FREE char *json = mem_printf("{\"metadata\":{\"finalizers\":%s}}", list);
    struct store_key key = case_key(c, name);
    return call_patch(c->store, &key, STORE_MAIN, json, NULL);
}

void conformance_finalizers_hold_an_object(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer made = case_make(c, "t", FINALIZERS);
    struct store_key key = case_key(c, "t");
    AUTO_ANSWER struct answer removed = call_remove(c->store, &key, NULL, NULL);
    assert_null(removed.err);
    assert_non_null(answer_string(&removed, "metadata.deletionTimestamp"));
    assert_string_not_equal(removed.resource_version, made.resource_version);
    assert_int_equal(answer_number(&removed, "metadata.generation"), 2);

    /* Once more: nothing more happens. */
    AUTO_ANSWER struct answer again = call_remove(c->store, &key, NULL, NULL);
    assert_null(again.err);
    assert_string_equal(again.resource_version, removed.resource_version);
    AUTO_FREE char *json = case_template(c->namespace, "t", "");
    AUTO_ANSWER struct answer second = call_create(c->store, KIND_MODULE_TEMPLATE, json);
    assert_true(answer_is(&second, ERR_EXISTS));

    AUTO_ANSWER struct answer one = set_finalizers(c, "t", "[\"example.com/b\"]");
    assert_null(one.err);
    assert_true(case_exists(c, "t"));
    AUTO_ANSWER struct answer none = set_finalizers(c, "t", "[]");
    assert_null(none.err);
    assert_string_equal(none.uid, made.uid);
    assert_false(case_exists(c, "t"));
}

void conformance_finalizers_are_not_added_while_deleting(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer made = case_make(c, "t", FINALIZERS);
    case_remove(c, "t");
    AUTO_ANSWER struct answer added =
        set_finalizers(c, "t", "[\"example.com/a\",\"example.com/c\"]");
    assert_true(answer_is(&added, ERR_INVALID));
    struct store_key key = case_key(c, "t");
    AUTO_ANSWER struct answer got = call_get(c->store, &key);
    assert_int_equal(cJSON_GetArraySize(json_get(got.object, "metadata.finalizers")), 2);

    /* The rest may still change. */
    AUTO_ANSWER struct answer label =
        call_patch(c->store, &key, STORE_MAIN, "{\"metadata\":{\"labels\":{\"a\":\"1\"}}}", NULL);
    assert_null(label.err);
    AUTO_ANSWER struct answer gone = set_finalizers(c, "t", "null");
    assert_null(gone.err);
    assert_false(case_exists(c, "t"));
}

/* -- cascade -- */

/* Creates @name, owned by the named templates with their uids. */
static struct answer make_owned(const struct conformance *c, const char *name,
                                const struct answer *owner, const struct answer *owner2,
                                const char *more)
{
    AUTO_STR struct str metadata = STR_INIT(4096);
    const struct answer *const owners[] = {owner, owner2};
    str_add(&metadata, ",\"ownerReferences\":[");
    for (size_t i = 0; i < ARRAY_LEN(owners); i++)
        if (owners[i])
            str_printf(&metadata,
                       "%s{\"apiVersion\":\"" API_VERSION
                       "\",\"kind\":\"ModuleTemplate\",\"name\":\"%s\",\"uid\":\"%s\"}",
                       i ? "," : "", answer_string(owners[i], "metadata.name"), owners[i]->uid);
    str_printf(&metadata, "]%s", more);
    return case_make(c, name, str_text(&metadata));
}

static bool has_one_owner(const struct answer *answer)
{
    return cJSON_GetArraySize(json_get(answer->object, "metadata.ownerReferences")) == 1;
}

static bool is_being_deleted(const struct answer *answer)
{
    return answer_string(answer, "metadata.deletionTimestamp") != NULL;
}

void conformance_cascade_follows_owners(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer root = case_make(c, "root", "");
    AUTO_ANSWER struct answer child = make_owned(c, "child", &root, NULL, "");
    AUTO_ANSWER struct answer grandchild = make_owned(c, "grandchild", &child, NULL, "");
    AUTO_ANSWER struct answer stranger = case_make(c, "stranger", "");
    AUTO_WATCHER struct watcher watcher;
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE, .namespace = c->namespace};
    watcher_start(&watcher, c->store, &query, stranger.resource_version);
    case_remove(c, "root");
    AUTO_FREE char *events = watcher_wait(&watcher, 3);
    assert_string_equal(events, "DELETED root, DELETED child, DELETED grandchild");
    /* A watcher finds the owner in what it is shown last. */
    const struct cJSON *owners =
        json_get(watcher.events.items[1].object, "metadata.ownerReferences");
    assert_int_equal(cJSON_GetArraySize(owners), 1);
    case_await_gone(c, "child");
    case_await_gone(c, "grandchild");
    assert_true(case_exists(c, "stranger"));
}

void conformance_cascade_waits_for_the_last_owner(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer one = case_make(c, "one", "");
    AUTO_ANSWER struct answer two = case_make(c, "two", "");
    AUTO_ANSWER struct answer child = make_owned(c, "child", &one, &two, "");
    case_remove(c, "one");
    AUTO_ANSWER struct answer left = case_await(c, "child", has_one_owner);
    const cJSON *owners = json_get(left.object, "metadata.ownerReferences");
    assert_string_equal(json_get_string(owners->child, "name"), "two");
    case_remove(c, "two");
    case_await_gone(c, "child");
}

void conformance_cascade_respects_finalizers(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer root = case_make(c, "root", FINALIZERS);
    AUTO_ANSWER struct answer child = make_owned(c, "child", &root, NULL, FINALIZERS);
    case_remove(c, "root");
    struct store_key key = case_key(c, "child");
    AUTO_ANSWER struct answer waits = call_get(c->store, &key);
    assert_null(answer_string(&waits, "metadata.deletionTimestamp")); /* its owner is still there */
    AUTO_ANSWER struct answer root_gone = set_finalizers(c, "root", "[]");
    assert_null(root_gone.err);
    AUTO_ANSWER struct answer going = case_await(c, "child", is_being_deleted);
    assert_null(going.err);
    AUTO_ANSWER struct answer child_gone = set_finalizers(c, "child", "[]");
    assert_null(child_gone.err);
    assert_false(case_exists(c, "child"));
}

void conformance_cascade_takes_late_comers(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer root = case_make(c, "root", "");
    case_remove(c, "root");
    /* As the same name with another uid is no owner either. */
    AUTO_ANSWER struct answer namesake = case_make(c, "root", "");
    AUTO_ANSWER struct answer late = make_owned(c, "late", &root, NULL, "");
    assert_non_null(late.uid);
    case_await_gone(c, "late");
}

void conformance_cascade_follows_a_changed_owner(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer one = case_make(c, "one", "");
    AUTO_ANSWER struct answer two = case_make(c, "two", "");
    AUTO_ANSWER struct answer child = make_owned(c, "child", &one, NULL, "");
    AUTO_FREE char *adopt =
        mem_printf("{\"metadata\":{\"ownerReferences\":[{\"apiVersion\":\"" API_VERSION
                   "\",\"kind\":\"ModuleTemplate\",\"name\":\"two\",\"uid\":\"%s\"}]}}",
                   two.uid);
    struct store_key key = case_key(c, "child");
    AUTO_ANSWER struct answer adopted = call_patch(c->store, &key, STORE_MAIN, adopt, NULL);
    assert_null(adopted.err);
    case_remove(c, "one");
    assert_true(case_exists(c, "child"));
    case_remove(c, "two");
    case_await_gone(c, "child");
}
