/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/cache_test_kit.h"
#include "services/controller/engine/plan_deployment.h"

static const char *conflict(struct subject *subject, const char *name)
{
    struct cache *cache = &subject->cache;
    return cache_view(cache, kit_get_deployment(cache, name), 0).owner_conflict;
}

static void test_the_first_owns_a_module_name(void **state)
{
    struct subject *subject = *state;
    AUTO_FREE char *late = kit_deployment("late", 1, "", "");
    memcpy(strstr(late, "2026-01-01"), "2026-01-02", strlen("2026-01-02"));
    kit_apply(&subject->cache, KIND_MODULE_DEPLOYMENT, mem_strdup(late));
    assert_null(conflict(subject, "late"));
    put(subject, MD, 1);
    assert_null(conflict(subject, "md"));
    assert_string_equal(conflict(subject, "late"), "md");

    /* The same second: by uid. */
    kit_apply(&subject->cache, KIND_MODULE_DEPLOYMENT, kit_deployment("a-twin", 1, "", ""));
    assert_string_equal(conflict(subject, "md"), "a-twin");
    kit_remove(&subject->cache, KIND_MODULE_DEPLOYMENT, "a-twin");

    /* Who has begun keeps it, though the clock was set back since. */
    AUTO_FREE char *begun =
        kit_deployment("late", 2, ",\"finalizers\":[\"" FINALIZER_DEPLOYMENT "\"]", "");
    memcpy(strstr(begun, "2026-01-01"), "2026-01-02", strlen("2026-01-02"));
    kit_apply(&subject->cache, KIND_MODULE_DEPLOYMENT, mem_strdup(begun));
    assert_null(conflict(subject, "late"));
    assert_string_equal(conflict(subject, "md"), "late");
    kit_apply(&subject->cache, KIND_MODULE_DEPLOYMENT, mem_strdup(late));

    /* Another name, another base: each tells who waited. */
    AUTO_FREE char *other = document_of(MD, 2);
    memcpy(strstr(other, "\"name\":\"provider\"") + 8, "consumer", strlen("consumer"));
    *strchr(strstr(other, "\"generation\":"), '1') = '2';
    forget_marks(subject);
    kit_apply(&subject->cache, KIND_MODULE_DEPLOYMENT, mem_strdup(other));
    assert_null(conflict(subject, "late"));
    assert_marked(subject, "d/late");
    put(subject, MD, 3);
    assert_string_equal(conflict(subject, "late"), "md");
    forget_marks(subject);
    drop(subject, MD);
    assert_null(conflict(subject, "late"));
    assert_marked(subject, "d/late");
}

static void test_a_deployment_that_moves_frees_the_name(void **state)
{
    struct subject *subject = *state;
    put(subject, MD, 1);
    kit_apply(&subject->cache, KIND_MODULE_DEPLOYMENT, kit_deployment("z", 1, "", ""));
    assert_string_equal(conflict(subject, "z"), "md");
    AUTO_FREE char *text = document_of(MD, 2);
    memcpy(strstr(text, "stock"), "stick", strlen("stick"));
    forget_marks(subject);
    kit_apply(&subject->cache, KIND_MODULE_DEPLOYMENT, mem_strdup(text));
    assert_null(conflict(subject, "z"));
    assert_marked(subject, "d/z");
}

static void put_template(struct subject *subject, const char *module_version)
{
    AUTO_FREE char *metadata = kit_metadata("shared", "u-shared", 1, NULL, "");
    kit_apply(&subject->cache, KIND_MODULE_TEMPLATE,
              mem_printf("{%s,\"spec\":{\"module\":{" KIT_MODULE ",\"version\":\"%s\"}}}", metadata,
                         module_version));
}

static void test_a_referenced_template_is_looked_up(void **state)
{
    struct subject *subject = *state;
    struct cache *cache = &subject->cache;
    put_all(subject);
    AUTO_FREE char *metadata = kit_metadata("md", "u-md", 9, NULL, "");
    kit_apply(cache, KIND_MODULE_DEPLOYMENT,
              mem_printf("{%s,\"spec\":{\"baseDeploymentName\":\"stock\","
                         "\"templateRef\":{\"name\":\"shared\"}}}",
                         metadata));
    struct deployment *md = kit_get_deployment(cache, "md");
    assert_null(cache_view(cache, md, 0).template);

    forget_marks(subject);
    put_template(subject, "3.0.0");
    assert_string_equal(cache_view(cache, md, 0).template->module.version, "3.0.0");
    assert_marked(subject, "d/md");
    assert_marked(subject, "m/old-a"); /* what is wanted has changed */
    put_template(subject, "4.0.0");
    assert_string_equal(cache_view(cache, md, 0).template->module.version, "4.0.0");
    kit_remove(cache, KIND_MODULE_TEMPLATE, "shared");
    assert_null(cache_view(cache, md, 0).template);
}

/* Name of the revision of provider @version on stock. Owned. */
static char *name_of(const struct module_deployment *md, const char *version)
{
    struct module_template_spec template = md->spec.template;
    template.module.version = (char *)(uintptr_t)version;
    return update_revision_name(md, &template);
}

static void put_revision(struct subject *subject, const char *name, const char *version,
                         const char *metadata)
{
    AUTO_FREE char *text = kit_replicaset(name, 20, "md", version);
    const char *rest = strchr(text, '{') + strlen("{\"metadata\":{");
    kit_apply(&subject->cache, KIND_MODULE_REPLICASET,
              mem_printf("{\"metadata\":{%s%s", metadata, rest));
}

/* "md" wants 1.0.0; what was Completed is 0.9.0. */
static struct deployment *put_upgrade(struct subject *subject, const char *good)
{
    AUTO_FREE char *md =
        kit_deployment("md", 1, "", ",\"operationStrategy\":{\"rollbackOnFailure\":true}");
    md[strlen(md) - 1] = '\0';
    kit_apply(&subject->cache, KIND_MODULE_DEPLOYMENT,
              mem_printf("%s,\"status\":{\"releaseStatus\":{\"progress\":\"Executing\","
                         "\"stableRevision\":\"%s\"}}}",
                         md, good));
    return kit_get_deployment(&subject->cache, "md");
}

static void test_a_revision_that_failed_gives_way(void **state)
{
    struct subject *subject = *state;
    struct cache *cache = &subject->cache;
    struct deployment *md = put_upgrade(subject, "none");
    AUTO_FREE char *good = name_of(md->md, "0.9.0");
    AUTO_FREE char *asked = name_of(md->md, "1.0.0");
    md = put_upgrade(subject, good);
    put_revision(subject, good, "0.9.0", "");
    put_revision(subject, asked, "1.0.0", "");
    put(subject, BASE_A, 3);
    put_module(subject, "one", good, "a", "", "", "Available");
    assert_string_equal(cache_wanted(cache, md), asked);
    assert_null(cache_view(cache, md, 0).failed);

    forget_marks(subject);
    put_revision(subject, asked, "1.0.0", "\"annotations\":{\"" ANNOTATION_FAILED "\":\"why\"},");
    assert_string_equal(cache_wanted(cache, md), good);
    assert_string_equal(cache_view(cache, md, 0).template->module.version, "0.9.0");
    assert_string_equal(cache_view(cache, md, 0).failed->rs->meta.name, asked);
    assert_marked(subject, "d/md");
    assert_marked(subject, "m/one"); /* what is wanted has changed */

    forget_marks(subject);
    kit_remove(cache, KIND_MODULE_REPLICASET, good);
    assert_string_equal(cache_wanted(cache, md), asked);
    assert_null(cache_view(cache, md, 0).failed);

    put_revision(subject, good, "0.9.0", "");
    forget_marks(subject);
    put_revision(subject, asked, "1.0.0", "");
    assert_string_equal(cache_wanted(cache, md), asked);
    assert_marked(subject, "d/md");
}

static void test_the_view_is_of_now(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    struct deployment *md = kit_get_deployment(&subject->cache, "md");
    md->status_written_ms = 5;
    struct deployment_view view = cache_view(&subject->cache, md, 77);
    assert_ptr_equal(view.md, md->md);
    assert_ptr_equal(view.template, &md->md->spec.template);
    assert_int_equal(view.revision_count, 2);
    assert_int_equal(view.base_count, 2);
    assert_int_equal(view.now_ms, subject->cache.now_ms);
    assert_int_equal(view.wall_ms, 77);
    assert_int_equal(view.status_written_ms, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_first_owns_a_module_name),
        TEST(test_a_deployment_that_moves_frees_the_name),
        TEST(test_a_referenced_template_is_looked_up),
        TEST(test_a_revision_that_failed_gives_way),
        TEST(test_the_view_is_of_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
