/* SPDX-License-Identifier: Apache-2.0 */
/* From when a module drains (engine/traffic.h): what the cache has seen of its base and of itself. */
#include "lib/model/labels.h"
#include "services/controller/cache_test_kit.h"

#define LABEL(name) ",\"labels\":{\"" LABEL_TRAFFIC_PREFIX name "\":\"true\"}"

static void put_base(struct subject *subject, int version, const char *labels)
{
    kit_apply(&subject->cache, KIND_BASE, kit_base("a", version, "stock", "h:1", "Ready", labels));
}

static void test_a_label_that_goes(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    assert_int_equal(instance(subject, "old-a")->unlabelled_ms, 100000); /* first seen */
    subject->cache.now_ms = 200000;
    put_base(subject, 20, LABEL("provider"));
    put_base(subject, 21, LABEL("provider"));
    assert_int_equal(instance(subject, "old-a")->unlabelled_ms, 100000);
    subject->cache.now_ms = 300000;
    put_base(subject, 22, LABEL("order"));
    assert_int_equal(instance(subject, "old-a")->unlabelled_ms, 300000);
    subject->cache.now_ms = 400000;
    put_base(subject, 23, "");
    assert_int_equal(instance(subject, "old-a")->unlabelled_ms,
                     300000); /* that of another module */
    assert_int_equal(instance(subject, "new-b")->unlabelled_ms, 100000);
}

static void test_the_base_is_seen_later(void **state)
{
    struct subject *subject = *state;
    put(subject, MD, 1);
    put(subject, OLD, 2);
    put(subject, MODULE_OLD, 3);
    subject->cache.now_ms = 500000;
    put(subject, BASE_A, 4);
    assert_int_equal(instance(subject, "old-a")->unlabelled_ms, 500000);
}

static void test_a_module_that_is_to_go(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    subject->cache.now_ms = 200000;
    put_module(subject, "old-a", "old", "a", DELETING, "", "Available");
    assert_int_equal(instance(subject, "old-a")->going_ms, 200000);
    subject->cache.now_ms = 300000;
    put_module(subject, "old-a", "old", "a", DELETING, "", "Terminating");
    assert_int_equal(instance(subject, "old-a")->going_ms, 200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_label_that_goes),
        TEST(test_the_base_is_seen_later),
        TEST(test_a_module_that_is_to_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
