/* SPDX-License-Identifier: Apache-2.0 */
/* Which base Deployments are followed, and when it is known what is there. The store is a script. */
#include "services/controller/controller_test_kit.h"

struct script {
    struct store store;
    struct str calls; /* "+default/stock -default/stock ..." */
    store_follow_fn on_state;
    void *user;
    struct kit_clock clock;
    struct controller controller;
};

static void note(struct store *store, char sign, const char *namespace, const char *deployment)
{
    struct script *script = CONTAINER_OF(store, struct script, store);
    str_printf(&script->calls, "%c%s/%s ", sign, namespace, deployment);
}

static void follow(struct store *store, const char *namespace, const char *deployment,
                   store_follow_fn on_state, void *user)
{
    note(store, '+', namespace, deployment);
    CONTAINER_OF(store, struct script, store)->on_state = on_state;
    CONTAINER_OF(store, struct script, store)->user = user;
}

static void unfollow(struct store *store, const char *namespace, const char *deployment)
{
    note(store, '-', namespace, deployment);
}

static const struct store_ops script_ops = {.follow_bases = follow, .unfollow_bases = unfollow};

static void ignore_key(void *user, const char *key)
{
    (void)user;
    (void)key;
}

static int set_up_script(void **state)
{
    struct script *script = NEW(struct script);
    script->store.ops = &script_ops;
    script->calls = STR_INIT(LIMIT_KIB(4));
    kit_clock_init(&script->clock);
    struct controller *controller = &script->controller;
    controller->store = &script->store;
    controller->loop = loop_new(&script->clock.clock, LIMIT_INBOX);
    controller->cache.user = controller;
    controller->cache.on_dirty_deployment = ignore_key;
    controller->cache.on_dirty_module = ignore_key;
    controller->cache.on_dirty_base = ignore_key;
    base_groups_init(controller);
    *state = script;
    return 0;
}

static int tear_down_script(void **state)
{
    struct script *script = *state;
    base_groups_stop(&script->controller);
    loop_turn(script->controller.loop);
    cache_done(&script->controller.cache);
    loop_free(script->controller.loop);
    str_done(&script->calls);
    mem_free(script);
    return 0;
}

static void apply(struct script *script, enum object_kind kind, char *json_taken)
{
    kit_apply(&script->controller.cache, kind, json_taken);
}

static void tell(struct script *script, bool listed, bool found, const char *version)
{
    struct followed state = {listed, found, listed && found ? NULL : "why", version};
    script->on_state(script->user, "default", "stock", &state);
    loop_turn(script->controller.loop);
}

static struct deployment_view view(struct script *script)
{
    struct deployment *deployment = kit_get_deployment(&script->controller.cache, "md");
    assert_non_null(deployment);
    return cache_view(&script->controller.cache, deployment, 0);
}

static void followed_while_needed(void **state)
{
    struct script *script = *state;
    struct cache *cache = &script->controller.cache;
    apply(script, KIND_MODULE_REPLICASET, kit_replicaset("rs", 1, "md", "1.0.0"));
    apply(script, KIND_BASE, kit_base("a", 1, "stock", "h:1", "Ready", ""));
    assert_string_equal(str_text(&script->calls), ""); /* nobody needs it */
    apply(script, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 1, "", ""));
    apply(script, KIND_MODULE_DEPLOYMENT, kit_deployment("second", 1, "", ""));
    apply(script, KIND_MODULE, kit_module("m", 1, "rs", "a", "", "", "Available"));
    assert_string_equal(str_text(&script->calls), "+default/stock ");
    kit_remove(cache, KIND_MODULE_DEPLOYMENT, "md");
    kit_remove(cache, KIND_MODULE_DEPLOYMENT, "second");
    assert_string_equal(str_text(&script->calls), "+default/stock "); /* its Module is there */
    kit_remove(cache, KIND_MODULE, "m");
    assert_string_equal(str_text(&script->calls), "+default/stock -default/stock ");
    kit_remove(cache, KIND_BASE, "a");
    assert_int_equal(cache->groups.len, 0);
}

/* An instance that is being deleted is not let go while its base may only not be listed yet, be its revision there or not. */
static void gone_or_not_listed(void **state)
{
    struct script *script = *state;
    struct cache *cache = &script->controller.cache;
    apply(script, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 1, "", ""));
    apply(script, KIND_MODULE, kit_module("alone", 1, "rs", "a", "", "", "Available"));
    assert_true(cache_base_unknown(cache, kit_get_instance(cache, "alone")));
    apply(script, KIND_MODULE_REPLICASET, kit_replicaset("rs", 1, "md", "1.0.0"));
    assert_true(cache_base_unknown(cache, kit_get_instance(cache, "alone")));
    tell(script, true, true, "0");
    assert_false(cache_base_unknown(cache, kit_get_instance(cache, "alone")));
    kit_remove(cache, KIND_MODULE_REPLICASET, "rs");
    assert_false(cache_base_unknown(cache, kit_get_instance(cache, "alone")));
}

/* What has lost its revision is to be uninstalled where it is: its bases stay known, or get known after a start. */
static void needed_by_what_has_no_revision(void **state)
{
    struct script *script = *state;
    struct cache *cache = &script->controller.cache;
    const char *label = ",\"labels\":{\"" LABEL_DEPLOYMENT_NAME "\":\"stock\"}";
    apply(script, KIND_MODULE, kit_module("m", 1, "rs", "a", label, "", "Available"));
    assert_string_equal(str_text(&script->calls), "+default/stock ");
    apply(script, KIND_MODULE_REPLICASET, kit_replicaset("rs", 1, "md", "1.0.0"));
    assert_true(cache_base_unknown(cache, kit_get_instance(cache, "m")));
    kit_remove(cache, KIND_MODULE_REPLICASET, "rs");
    assert_true(cache_base_unknown(cache, kit_get_instance(cache, "m")));
    tell(script, true, true, "0");
    assert_false(cache_base_unknown(cache, kit_get_instance(cache, "m")));
    assert_string_equal(str_text(&script->calls), "+default/stock ");
    kit_remove(cache, KIND_MODULE, "m");
    assert_string_equal(str_text(&script->calls), "+default/stock -default/stock ");
    assert_int_equal(cache->groups.len, 0);
}

static void set_traffic(struct script *script, const char *base, int version, bool on)
{
    apply(script, KIND_BASE,
          kit_base(base, version, "stock", "h:1", "Ready",
                   on ? ",\"labels\":{\"" LABEL_TRAFFIC_PREFIX "provider\":\"true\"}" : ""));
}

/* All objects vanish at once, as by hand: the bases stay in sight until no label is left on them. */
static void needed_while_traffic_is_to_end(void **state)
{
    struct script *script = *state;
    struct cache *cache = &script->controller.cache;
    apply(script, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 1, "", ""));
    apply(script, KIND_MODULE_REPLICASET, kit_replicaset("rs", 1, "md", "1.0.0"));
    apply(script, KIND_MODULE, kit_module("m", 1, "rs", "a", "", "", "Available"));
    set_traffic(script, "a", 2, true);
    set_traffic(script, "b", 3, true);
    kit_remove(cache, KIND_MODULE_DEPLOYMENT, "md");
    kit_remove(cache, KIND_MODULE_REPLICASET, "rs");
    kit_remove(cache, KIND_MODULE, "m");
    assert_string_equal(str_text(&script->calls), "+default/stock ");
    set_traffic(script, "a", 4, false);
    assert_string_equal(str_text(&script->calls), "+default/stock ");
    kit_remove(cache, KIND_BASE, "b"); /* with its label */
    assert_string_equal(str_text(&script->calls), "+default/stock -default/stock ");
    kit_remove(cache, KIND_BASE, "a");
    assert_int_equal(cache->groups.len, 0);
}

/* Bases that register themselves are always in sight. */
static void traffic_where_nobody_follows(void **state)
{
    struct script *script = *state;
    script->controller.cache.on_group = NULL;
    set_traffic(script, "a", 1, true);
    assert_false(kit_get_base(&script->controller.cache, "a")->group->needed);
}

/* baseDeploymentName edited: the instances on the old bases need them until they are gone. */
static void another_base_deployment(void **state)
{
    struct script *script = *state;
    struct cache *cache = &script->controller.cache;
    apply(script, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 1, "", ""));
    apply(script, KIND_MODULE_REPLICASET, kit_replicaset("rs", 1, "md", "1.0.0"));
    apply(script, KIND_MODULE, kit_module("m", 1, "rs", "a", "", "", "Available"));
    AUTO_FREE char *edited = kit_deployment("md", 2, "", "");
    memcpy(strstr(edited, "stock"), "shelf", 5);
    apply(script, KIND_MODULE_DEPLOYMENT, mem_strdup(edited));
    assert_string_equal(str_text(&script->calls), "+default/stock +default/shelf ");
    kit_remove(cache, KIND_MODULE, "m");
    assert_string_equal(str_text(&script->calls), "+default/stock +default/shelf -default/stock ");
    kit_remove(cache, KIND_MODULE_REPLICASET, "rs");
}

/* Nothing counts as listed before the cache has seen the Bases of that version. */
static void known_when_the_cache_has_seen_them(void **state)
{
    struct script *script = *state;
    apply(script, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 1, "", ""));
    assert_true(view(script).bases_unknown);
    assert_null(view(script).bases_problem);
    assert_true(cache_bases_unknown(&script->controller.cache, "default"));
    assert_false(cache_bases_unknown(&script->controller.cache, "defaul"));
    tell(script, false, false, "5"); /* refused */
    assert_true(view(script).bases_unknown);
    assert_string_equal(view(script).bases_problem, "why");
    tell(script, true, true, "12");
    assert_true(view(script).bases_unknown);
    base_groups_saw(&script->controller, "11");
    assert_true(view(script).bases_unknown);
    base_groups_saw(&script->controller, "13");
    assert_false(view(script).bases_unknown);
    assert_null(view(script).bases_problem);
    tell(script, true, false, "13"); /* the Deployment is gone */
    assert_false(view(script).bases_unknown);
    assert_string_equal(view(script).bases_problem, "why");
    tell(script, true, true, "13");
    assert_null(view(script).bases_problem);
}

/* A state that was on its way when the following ended is not for the next one. */
static void told_too_late(void **state)
{
    struct script *script = *state;
    struct cache *cache = &script->controller.cache;
    apply(script, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 1, "", ""));
    struct followed listed = {true, true, NULL, "0"};
    script->on_state(script->user, "default", "stock", &listed);
    kit_remove(cache, KIND_MODULE_DEPLOYMENT, "md");
    apply(script, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 2, "", ""));
    loop_turn(script->controller.loop);
    assert_true(view(script).bases_unknown);
    tell(script, true, true, "0");
    assert_false(view(script).bases_unknown);
}

#define SCRIPTED(name) cmocka_unit_test_setup_teardown(name, set_up_script, tear_down_script)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPTED(followed_while_needed),
        SCRIPTED(gone_or_not_listed),
        SCRIPTED(needed_by_what_has_no_revision),
        SCRIPTED(needed_while_traffic_is_to_end),
        SCRIPTED(traffic_where_nobody_follows),
        SCRIPTED(another_base_deployment),
        SCRIPTED(known_when_the_cache_has_seen_them),
        SCRIPTED(told_too_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
