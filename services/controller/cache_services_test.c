/* SPDX-License-Identifier: Apache-2.0 */
/* Services in the cache: whose they are, and who waits for a name. */
#include "services/controller/cache_test_kit.h"

/* A Service with our label; @owner: "Kind/name/uid" or NULL. */
static void put_service(struct subject *subject, const char *name, int version, const char *owner)
{
    AUTO_FREE char *uid = mem_printf("u-%s", name);
    AUTO_FREE char *metadata = kit_metadata(name, uid, version, owner, "");
    kit_apply(&subject->cache, KIND_SERVICE,
              mem_printf("{%s,\"spec\":{\"type\":\"NodePort\"}}", metadata));
}

#define OWN "ModuleDeployment/md/u-md"

static struct deployment_view view_of(struct subject *subject)
{
    return cache_view(&subject->cache, kit_get_deployment(&subject->cache, "md"), 0);
}

static void test_a_service_is_its_owners(void **state)
{
    struct subject *subject = *state;
    put_service(subject, "provider-service", 1, OWN); /* seen before its owner */
    put_service(subject, "other-service", 2, "ModuleDeployment/other/u-other");
    put_service(subject, "namesake-service", 3, "ModuleDeployment/md/u-former");
    put_service(subject, "free-service", 4, NULL);
    put_all(subject);
    struct deployment_view view = view_of(subject);
    assert_int_equal(view.service_count, 1);
    assert_string_equal(view.services[0]->service->meta.name, "provider-service");
    AUTO_FREE char *key = object_key("default", "provider-service");
    assert_string_equal(cache_resource_version(&subject->cache, KIND_SERVICE, key), "1");

    forget_marks(subject);
    put_service(subject, "provider-service", 5, OWN);
    assert_string_equal(str_text(&subject->marks), " d/md ");
    assert_int_equal(view_of(subject).service_count, 1);

    forget_marks(subject);
    put_service(subject, "provider-service", 6, NULL); /* somebody took it away */
    assert_marked(subject, "d/md");
    assert_int_equal(view_of(subject).service_count, 0);

    put_service(subject, "provider-service", 7, OWN);
    forget_marks(subject);
    kit_remove(&subject->cache, KIND_SERVICE, "provider-service");
    assert_marked(subject, "d/md");
    assert_int_equal(view_of(subject).service_count, 0);
}

static void test_an_owner_that_goes_leaves_it(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    put_service(subject, "provider-service", 1, OWN);
    drop(subject, MD);
    kit_remove(&subject->cache, KIND_SERVICE, "provider-service");
    assert_int_equal(subject->cache.services.len, 0);
}

static void test_a_name_that_is_free_again_is_offered(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    put_service(subject, "provider-service", 1, "ModuleDeployment/other/u-other");
    cache_refuse_service(&subject->cache, kit_get_deployment(&subject->cache, "md"),
                         "provider-service", "ServiceConflict", "it is there");
    int64_t refused_ms = view_of(subject).service_refusal->at_ms;
    forget_marks(subject);
    kit_remove(&subject->cache, KIND_SERVICE, "provider-service");
    assert_marked(subject, "d/md");
    assert_true(view_of(subject).service_refusal->at_ms < refused_ms);
    put_service(subject, "provider-service", 2, OWN);
    assert_null(view_of(subject).service_refusal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_service_is_its_owners),
        TEST(test_an_owner_that_goes_leaves_it),
        TEST(test_a_name_that_is_free_again_is_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
