/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/controller_test_kit.h"

static void ignore(void *user, const char *key)
{
    (void)user;
    (void)key;
}

static void add_module(struct plan *plan, const char *base)
{
    plan_add(plan, ACTION_CREATE_MODULE, "rs")->base = mem_strdup(base);
}

/* The status comes first, then one Module on each of two bases, and one where none is any more. */
static void what_is_decided_counts_until_it_is_given_up(void **state)
{
    (void)state;
    struct controller controller = {0};
    struct cache *cache = &controller.cache;
    struct plan plan = {0};
    cache->on_dirty_deployment = cache->on_dirty_module = cache->on_dirty_base = ignore;
    kit_apply(cache, KIND_BASE, kit_base("a", 1, "stock", "127.0.0.1:1", "Ready", ""));
    kit_apply(cache, KIND_BASE, kit_base("b", 2, "stock", "127.0.0.1:2", "Ready", ""));
    const struct cached_base *a = kit_get_base(cache, "a"), *b = kit_get_base(cache, "b");
    plan_add(&plan, ACTION_SET_REPLICAS, "rs")->number = 3;
    add_module(&plan, "a");
    add_module(&plan, "b");
    add_module(&plan, "gone");

    assumptions_begin(&controller, "d/default/md", &plan);
    assert_int_equal(a->view.module_count, 1);
    assert_int_equal(b->view.module_count, 1);
    assumptions_end(&controller, "d/default/md", &plan, 2); /* that on a was sent */
    assert_int_equal(a->view.module_count, 1);
    assert_int_equal(b->view.module_count, 0);
    plan_done(&plan);
    cache_done(cache);
}

/* It was made all the same, and is seen while the plan waits; another deployment has decided for the base, too. */
static void what_comes_meanwhile_counts_once(void **state)
{
    (void)state;
    struct controller controller = {0};
    struct cache *cache = &controller.cache;
    struct plan plan = {0};
    cache->on_dirty_deployment = cache->on_dirty_module = cache->on_dirty_base = ignore;
    kit_apply(cache, KIND_BASE, kit_base("a", 1, "stock", "127.0.0.1:1", "Ready", ""));
    struct cached_base *a = kit_get_base(cache, "a");
    cache_assume(a);
    add_module(&plan, "a");
    assumptions_begin(&controller, "d/default/md", &plan);
    assert_int_equal(a->view.module_count, 2);
    assert_true(assumptions_counts(&controller, "d/default/md", &plan.actions.items[0]));
    AUTO_FREE char *name = module_instance_name("rs", "u-a");
    kit_apply(cache, KIND_MODULE, kit_module(name, 3, "rs", "a", "", "", "Pending"));
    assert_int_equal(a->view.module_count, 2);
    assert_false(assumptions_counts(&controller, "d/default/md", &plan.actions.items[0]));
    assumptions_end(&controller, "d/default/md", &plan, 0);
    assert_int_equal(a->view.module_count, 2);
    assert_int_equal(a->assumed, 1);

    assumptions_begin(&controller, "d/default/md", &plan); /* it is there: it counts by itself */
    assert_int_equal(a->view.module_count, 2);
    assumptions_end(&controller, "d/default/md", &plan, 0);
    assert_int_equal(a->view.module_count, 2);
    plan_done(&plan);
    cache_done(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_decided_counts_until_it_is_given_up),
        cmocka_unit_test(what_comes_meanwhile_counts_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
