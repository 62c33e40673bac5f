/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/cache.h"

#include "lib/base/rand.h"
#include "lib/model/labels.h"
#include "services/controller/cache_test_kit.h"
#include "services/controller/engine/plan_replicaset.h"

/* -- what must hold always, counted anew from the objects -- */

static void check_revision(const struct cached_revision *c)
{
    const struct revision *view = &c->view;
    int existing = 0, available = 0, failed = 0, replaced = 0, refused = 0;
    for (size_t i = 0; i < view->instances.len; i++) {
        const struct instance *one = view->instances.items[i];
        assert_ptr_equal(one->revision, view);
        assert_int_equal(one->index, i);
        if (instance_deleting(one))
            continue;
        existing++;
        available += one->module->status.phase == MODULE_AVAILABLE;
        failed += one->module->status.phase == MODULE_FAILED;
        replaced += one->replaced_by != NULL;
        refused += instance_refused_beside(one);
    }
    assert_int_equal(view->existing, existing);
    assert_int_equal(view->available, available);
    assert_int_equal(view->failed, failed);
    assert_int_equal(view->replaced, replaced);
    assert_int_equal(view->waiting_way, refused);
    assert_int_equal(view->terminating, (int)view->instances.len - existing);
}

static bool in_group(const struct cached_base *c)
{
    for (size_t i = 0; i < c->group->bases.len; i++)
        if (c->group->bases.items[i] == &c->view)
            return true;
    return false;
}

static void check_links(struct cache *cache)
{
    for (size_t i = 0; i < cache->instances.len; i++) {
        const struct cached_instance *c = cache->instances.entries[i].value;
        const struct owner_reference *owner = meta_owner(&c->module->meta);
        const struct cached_revision *rs = kit_get_revision(cache, owner->name);
        const struct cached_base *on = kit_get_base(cache, c->module->spec.base_name);
        assert_ptr_equal(c->view.revision, rs ? &rs->view : NULL);
        assert_ptr_equal(c->view.base, on ? &on->view : NULL);
        const struct cached_instance *old =
            c->module->spec.replaces ? kit_get_instance(cache, c->module->spec.replaces) : NULL;
        bool claims = old && !instance_deleting(&c->view);
        assert_ptr_equal(c->view.replaces, claims ? &old->view : NULL);
        if (claims)
            assert_ptr_equal(old->view.replaced_by, &c->view);
        if (c->view.replaced_by)
            assert_ptr_equal(c->view.replaced_by->replaces, &c->view);
    }
}

static void check(struct cache *cache)
{
    size_t on_bases = 0, with_base = 0;
    check_links(cache);
    for (size_t i = 0; i < cache->revisions.len; i++) {
        const struct cached_revision *c = cache->revisions.entries[i].value;
        check_revision(c);
        assert_ptr_equal(c->deployment, kit_get_deployment(cache, meta_owner(&c->rs->meta)->name));
    }
    for (size_t i = 0; i < cache->bases.len; i++) {
        const struct cached_base *c = cache->bases.entries[i].value;
        assert_int_equal(c->view.module_count, (int)c->view.instances.len + c->assumed);
        assert_true(in_group(c));
        on_bases += c->view.instances.len;
    }
    for (size_t i = 0; i < cache->instances.len; i++)
        with_base +=
            ((struct cached_instance *)cache->instances.entries[i].value)->view.base != NULL;
    assert_int_equal(on_bases, with_base);
}

static void check_complete(struct subject *subject)
{
    check(&subject->cache);
    const struct deployment *md = kit_get_deployment(&subject->cache, "md");
    assert_int_equal(md->revisions.len, 2);
    assert_int_equal(md->bases->bases.len, 2);
    assert_int_equal(md->bases->deployments.len, 1);
    assert_int_equal(revision(subject, "old")->existing, 1);
    assert_int_equal(revision(subject, "old")->available, 1);
    assert_int_equal(revision(subject, "old")->replaced, 1);
    assert_int_equal(revision(subject, "new")->existing, 1);
    assert_int_equal(revision(subject, "new")->failed, 1);
    assert_int_equal(base(subject, "a")->module_count, 1);
    assert_int_equal(base(subject, "b")->module_count, 1);
    assert_ptr_equal(instance(subject, "new-b")->replaces, instance(subject, "old-a"));
}

/* -- any order -- */

/* The @number-th order of the members. */
static void order_of(size_t number, enum member out[MEMBERS])
{
    enum member left[MEMBERS];
    for (int i = 0; i < MEMBERS; i++)
        left[i] = (enum member)i;
    for (size_t len = MEMBERS; len > 0; len--) {
        size_t at = number % len;
        number /= len;
        out[MEMBERS - len] = left[at];
        memmove(&left[at], &left[at + 1], (len - at - 1) * sizeof(left[0]));
    }
}

static void test_order_of_arrival_does_not_matter(void **state)
{
    (void)state;
    for (size_t number = 0; number < 5040; number++) {
        struct subject *subject = subject_new();
        enum member order[MEMBERS];
        order_of(number, order);
        for (int i = 0; i < MEMBERS; i++)
            put(subject, order[i], i + 1);
        check_complete(subject);
        assert_marked(subject, "d/md");
        assert_marked(subject, "m/old-a");
        assert_marked(subject, "m/new-b");
        subject_free(subject);
    }
}

static void test_order_of_leaving_does_not_matter(void **state)
{
    (void)state;
    for (size_t number = 0; number < 5040; number += 7) {
        struct subject *subject = subject_new();
        enum member order[MEMBERS];
        put_all(subject);
        order_of(number, order);
        for (int i = 0; i < MEMBERS; i++) {
            drop(subject, order[i]);
            check(&subject->cache);
        }
        assert_int_equal(subject->cache.deployments.len + subject->cache.revisions.len +
                             subject->cache.instances.len + subject->cache.bases.len +
                             subject->cache.successors.len,
                         0);
        subject_free(subject);
    }
}

/* Comings, goings and changes at random; links and counters are right after each. */
static void test_links_and_counters_hold_in_any_history(void **state)
{
    static const char *const phases[] = {"Pending", "Available", "Failed", "Unavailable"};
    static const char *const others[] = {"old-x", "old-y", "old-z"}; /* beside old-a */
    struct subject *subject = *state;
    struct rand rand;
    rand_seed(&rand, 7);
    for (int step = 0; step < 20000; step++) {
        const char *other = others[rand_below(&rand, ARRAY_LEN(others))];
        if (rand_below(&rand, 2))
            put_module(subject, other, "old", "b", "", "", "Available");
        else
            kit_remove(&subject->cache, KIND_MODULE, other);
        enum member member = (enum member)rand_below(&rand, MEMBERS);
        const char *metadata = rand_below(&rand, 4) ? "" : DELETING;
        const char *phase = phases[rand_below(&rand, ARRAY_LEN(phases))];
        if (!rand_below(&rand, 3))
            drop(subject, member);
        else if (member == MODULE_OLD)
            put_module(subject, "old-a", "old", "a", metadata, "", phase);
        else if (member == MODULE_NEW)
            put_module(subject, "new-b", "new", "b", metadata, ",\"replaces\":\"old-a\"", phase);
        else
            put(subject, member, step);
        check(&subject->cache);
    }
}

/* -- counters -- */

static void test_phases_are_counted(void **state)
{
    struct subject *subject = *state;
    put(subject, OLD, 1);
    const struct revision *old = revision(subject, "old");
    static const struct {
        const char *metadata, *phase;
        int existing, available, failed, terminating;
    } steps[] = {
        {"", "Pending", 1, 0, 0, 0},         {"", "Available", 1, 1, 0, 0},
        {"", "Available", 1, 1, 0, 0},       {"", "Failed", 1, 0, 1, 0},
        {"", "Unavailable", 1, 0, 0, 0},     {"", "Available", 1, 1, 0, 0},
        {DELETING, "Available", 0, 0, 0, 1}, {DELETING, "Terminating", 0, 0, 0, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        put_module(subject, "old-a", "old", "a", steps[i].metadata, "", steps[i].phase);
        assert_int_equal(old->existing, steps[i].existing);
        assert_int_equal(old->available, steps[i].available);
        assert_int_equal(old->failed, steps[i].failed);
        assert_int_equal(old->terminating, steps[i].terminating);
    }
    drop(subject, MODULE_OLD);
    assert_int_equal(old->terminating, 0);
    assert_int_equal(old->instances.len, 0);
}

static void test_a_refused_way_is_counted(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    put_module(subject, "new-a", "new", "a", "", "", "Pending");
    drop(subject, MODULE_NEW);
    put_module(subject, "new-a", "new", "a", "",
               ",\"replaces\":\"old-a\",\"upgradeWay\":\"SideBySide\"", "Pending");
    struct cached_instance *c = kit_get_instance(&subject->cache, "new-a");
    c->view.operation.type = OPERATION_INSTALL;
    c->view.operation.state = OPERATION_FAILED;
    c->view.operation.reason = mem_strdup("WEB_PATH_IN_USE");
    forget_marks(subject);
    cache_recount(&subject->cache, c);
    assert_int_equal(revision(subject, "new")->waiting_way, 1);
    assert_marked(subject, "d/md");
    c->view.operation.state = OPERATION_RUNNING;
    cache_recount(&subject->cache, c);
    assert_int_equal(revision(subject, "new")->waiting_way, 0);
}

/* Not before the new way is seen: the old one would be tried again meanwhile. */
static void test_another_way_begins_anew(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    put_module(subject, "new-a", "new", "a", "",
               ",\"replaces\":\"old-a\",\"upgradeWay\":\"SideBySide\"", "Pending");
    struct cached_instance *c = kit_get_instance(&subject->cache, "new-a");
    c->view.operation.type = OPERATION_INSTALL;
    c->view.operation.state = OPERATION_FAILED;
    put_module(subject, "new-a", "new", "a", "",
               ",\"replaces\":\"old-a\",\"upgradeWay\":\"SideBySide\"", "Failed");
    assert_int_equal(c->view.operation.state, OPERATION_FAILED);
    put_module(subject, "new-a", "new", "a", "",
               ",\"replaces\":\"old-a\",\"upgradeWay\":\"InPlace\"", "Failed");
    assert_int_equal(c->view.operation.state, OPERATION_NONE);
}

static void test_attempts_outlive_the_controller(void **state)
{
    /* whoever may write them: one more must still be a number */
    static const int32_t rows[][2] = {
        {3, 3}, {-3, 0}, {LIMIT_ATTEMPTS, LIMIT_ATTEMPTS}, {INT32_MAX, LIMIT_ATTEMPTS}};
    struct subject *subject = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *name = mem_printf("m%zu", i);
        AUTO_FREE char *json = kit_module(name, 1, "old", "a", "", "", "Failed");
        AUTO_JSON cJSON *tree = json_parse(json, strlen(json), LIMIT_OBJECT, NULL);
        cJSON_AddNumberToObject(cJSON_GetObjectItemCaseSensitive(tree, "status"), "attempts",
                                rows[i][0]);
        kit_apply(&subject->cache, KIND_MODULE, json_text(tree));
        assert_int_equal(instance(subject, name)->operation.failures, rows[i][1]);
    }
}

static void test_an_assumed_module_is_counted_once(void **state)
{
    struct subject *subject = *state;
    put(subject, BASE_A, 1);
    struct cached_base *a = kit_get_base(&subject->cache, "a");
    cache_assume(a);
    cache_assume(a);
    assert_int_equal(a->view.module_count, 2);
    put(subject, MODULE_OLD, 1); /* one of them */
    assert_int_equal(a->view.module_count, 2);
    put(subject, MODULE_OLD, 2);
    assert_int_equal(a->view.module_count, 2);
    cache_forget(a); /* the other one failed */
    assert_int_equal(a->view.module_count, 1);
    drop(subject, MODULE_OLD);
    assert_int_equal(a->view.module_count, 0);
}

/* -- claims -- */

static void test_a_second_successor_waits_for_the_first(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    put_module(subject, "new-c", "new", "b", "", ",\"replaces\":\"old-a\"", "Pending");
    assert_ptr_equal(instance(subject, "old-a")->replaced_by, instance(subject, "new-b"));
    assert_null(instance(subject, "new-c")->replaces);
    assert_int_equal(revision(subject, "old")->replaced, 1);

    forget_marks(subject);
    put_module(subject, "new-b", "new", "b", DELETING, ",\"replaces\":\"old-a\"", "Terminating");
    assert_ptr_equal(instance(subject, "old-a")->replaced_by, instance(subject, "new-c"));
    assert_ptr_equal(instance(subject, "new-c")->replaces, instance(subject, "old-a"));
    assert_int_equal(revision(subject, "old")->replaced, 1);
    assert_marked(subject, "m/new-c");

    drop(subject, MODULE_OLD); /* nobody holds on to it */
    assert_null(instance(subject, "new-c")->replaces);
    assert_null(instance(subject, "new-b")->replaces);
}

static void test_a_claim_that_is_given_back_is_told(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    forget_marks(subject);
    put_module(subject, "new-b", "new", "b", DELETING, ",\"replaces\":\"old-a\"", "Terminating");
    assert_marked(subject, "m/old-a");
    assert_marked(subject, "d/md");
    assert_int_equal(revision(subject, "old")->replaced, 0);
    drop(subject, MODULE_NEW);
    assert_int_equal(subject->cache.successors.len, 0);
}

/* No rule keeps people from editing what an instance replaces. */
static void test_a_claim_that_is_edited(void **state)
{
    struct subject *subject = *state;
    put(subject, MODULE_NEW, 1); /* waits for old-a */
    put_module(subject, "new-b", "new", "b", "", ",\"replaces\":\"old-c\"", "Pending");
    assert_int_equal(subject->cache.successors.len, 1);
    drop(subject, MODULE_NEW);
    assert_int_equal(subject->cache.successors.len, 0);
    put(subject, MODULE_OLD, 2);
    assert_null(instance(subject, "old-a")->replaced_by);
}

static void test_a_claim_that_is_edited_while_it_holds(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    put_module(subject, "old-c", "old", "b", "", "", "Available");
    put_module(subject, "new-b", "new", "b", "", ",\"replaces\":\"old-c\"", "Pending");
    assert_null(instance(subject, "old-a")->replaced_by);
    assert_ptr_equal(instance(subject, "old-c")->replaced_by, instance(subject, "new-b"));
    assert_int_equal(revision(subject, "old")->replaced, 1);
    put_module(subject, "new-b", "new", "b", "", "", "Pending");
    assert_null(instance(subject, "old-c")->replaced_by);
    assert_int_equal(revision(subject, "old")->replaced, 0);
}

/* Taken back: the old name comes again, replaces what replaced it, and is not claimed by that. */
static void test_a_name_that_comes_again_is_not_claimed(void **state)
{
    static const char *const days[] = {"2026-03-01", "2026-01-01"}; /* or in the same second */
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        struct subject *subject = subject_new();
        put_all(subject);
        drop(subject, MODULE_OLD);
        put(subject, MODULE_NEW, 20);
        AUTO_FREE char *text =
            kit_module("old-a", 21, "old", "a", "", ",\"replaces\":\"new-b\"", "Pending");
        memcpy(strstr(text, "2026-01-01"), days[i], strlen(days[i]));
        kit_apply(&subject->cache, KIND_MODULE, mem_strdup(text));
        for (int version = 22; version < 24; version++) {
            assert_ptr_equal(instance(subject, "old-a")->replaces, instance(subject, "new-b"));
            assert_ptr_equal(instance(subject, "new-b")->replaced_by, instance(subject, "old-a"));
            assert_null(instance(subject, "new-b")->replaces);
            assert_null(instance(subject, "old-a")->replaced_by);
            put(subject, MODULE_NEW, version); /* a status was written */
        }
        subject_free(subject);
    }
}

/* Where the uid is told, the times of creation tell nothing: clocks are set. */
static void test_a_claim_by_uid_asks_no_clock(void **state)
{
    static const struct {
        const char *uid, *old_created;
        bool claims;
    } rows[] = {
        {"u-old-a", "2026-01-01", true},
        {"u-old-a", "2026-03-01", true},
        {"u-before", "2026-01-01", false},
        {"u-before", "2025-03-01", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct subject *subject = subject_new();
        for (int member = 0; member < MODULE_OLD; member++)
            put(subject, (enum member)member, 1);
        AUTO_FREE char *annotations =
            mem_printf(",\"annotations\":{\"" ANNOTATION_REPLACES_UID "\":\"%s\"}", rows[i].uid);
        put_module(subject, "new-b", "new", "b", annotations, ",\"replaces\":\"old-a\"", "Pending");
        AUTO_FREE char *old = document_of(MODULE_OLD, 30);
        memcpy(strstr(old, "2026-01-01"), rows[i].old_created, strlen("2026-01-01"));
        kit_apply(&subject->cache, KIND_MODULE, mem_strdup(old));
        assert_ptr_equal(instance(subject, "new-b")->replaces,
                         rows[i].claims ? instance(subject, "old-a") : NULL);
        subject_free(subject);
    }
}

/* -- the same name, another object: its end was not seen -- */

static void put_reborn(struct subject *subject, enum object_kind kind, char *json_taken)
{
    AUTO_FREE char *text = json_taken;
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, NULL);
    cJSON_ReplaceItemInObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "metadata"),
                                           "uid", cJSON_CreateString("reborn"));
    kit_apply(&subject->cache, kind, json_text(json));
}

static void test_a_reborn_module_has_no_past(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    instance(subject, "old-a")->operation.state = OPERATION_SUCCEEDED;
    instance(subject, "old-a")->reported = REPORTED_ACTIVE;
    put_reborn(subject, KIND_MODULE, document_of(MODULE_OLD, 9));
    assert_int_equal(instance(subject, "old-a")->operation.state, OPERATION_NONE);
    assert_int_equal(instance(subject, "old-a")->reported, REPORTED_NOTHING);
    assert_int_equal(revision(subject, "old")->existing, 1);
    assert_int_equal(base(subject, "a")->module_count, 1);
}

static void test_a_reborn_owner_or_base_adopts_nobody(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    put_reborn(subject, KIND_BASE, document_of(BASE_A, 9));
    assert_null(instance(subject, "old-a")->base);
    assert_int_equal(base(subject, "a")->module_count, 0);
    put_reborn(subject, KIND_MODULE_REPLICASET, document_of(OLD, 9));
    assert_null(instance(subject, "old-a")->revision);
    assert_int_equal(revision(subject, "old")->existing, 0);
    put_reborn(subject, KIND_MODULE_DEPLOYMENT, document_of(MD, 9));
    assert_int_equal(kit_get_deployment(&subject->cache, "md")->revisions.len, 0);

    /* Nor do those that come now belong to them by name alone. */
    drop(subject, MODULE_OLD);
    put(subject, MODULE_OLD, 10);
    assert_null(instance(subject, "old-a")->revision);
    assert_null(instance(subject, "old-a")->base);
    drop(subject, NEW_RS);
    put(subject, NEW_RS, 11);
    assert_null(kit_get_revision(&subject->cache, "new")->deployment);
}

/* -- marks -- */

static void test_marks_of_changes(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    kit_apply(&subject->cache, KIND_MODULE_DEPLOYMENT,
              kit_deployment("stranger", 1, "", ",\"replicas\":2"));
    kit_apply(&subject->cache, KIND_BASE, kit_base("far", 1, "elsewhere", "h:3", "Ready", ""));

    forget_marks(subject);
    put(subject, OLD, 10);
    assert_string_equal(str_text(&subject->marks), " d/md ");

    forget_marks(subject);
    put(subject, MODULE_NEW, 11);
    assert_marked(subject, "m/new-b");
    assert_marked(subject, "m/old-a"); /* its successor has changed */
    assert_marked(subject, "d/md");
    assert_unmarked(subject, "d/stranger");

    forget_marks(subject);
    kit_apply(&subject->cache, KIND_BASE, kit_base("a", 12, "stock", "h:1", "NotReady", ""));
    assert_marked(subject, "m/old-a");
    assert_unmarked(subject, "m/new-b");
    assert_marked(subject, "d/md");
    assert_marked(subject, "d/stranger"); /* on the same bases */

    forget_marks(subject);
    kit_apply(&subject->cache, KIND_BASE, kit_base("far", 2, "elsewhere", "h:3", "Ready", ""));
    assert_string_equal(str_text(&subject->marks), " b/far ");
}

#define TRAFFIC ",\"labels\":{\"" LABEL_TRAFFIC_PREFIX "provider\":\"true\"}"

/* Our own doing, with every install: only what waits for it is planned. */
static void test_marks_of_traffic(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    forget_marks(subject);
    kit_apply(&subject->cache, KIND_BASE, kit_base("a", 10, "stock", "h:1", "Ready", TRAFFIC));
    assert_string_equal(str_text(&subject->marks), " b/a ");

    put_module(subject, "old-a", "old", "a", DELETING, "", "Available");
    assert_marked(subject, "b/a");
    forget_marks(subject);
    kit_apply(&subject->cache, KIND_BASE, kit_base("a", 11, "stock", "h:1", "Ready", ""));
    assert_string_equal(str_text(&subject->marks), " m/old-a  b/a ");

    forget_marks(subject);
    put_module(subject, "new-b", "new", "b", "", ",\"replaces\":\"old-a\"", "Upgrading");
    assert_unmarked(subject, "b/b");
    put_module(subject, "new-b", "new", "b", "", ",\"replaces\":\"old-a\"", "Available");
    assert_marked(subject, "b/b");
    forget_marks(subject);
    drop(subject, MODULE_NEW);
    assert_marked(subject, "b/b");
}

static void test_a_spec_change_marks_the_instances(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    forget_marks(subject);
    put(subject, MD, 10); /* the status only */
    assert_string_equal(str_text(&subject->marks), " d/md ");

    AUTO_FREE char *text = document_of(MD, 11);
    *strchr(strstr(text, "\"generation\":"), '1') = '2';
    kit_apply(&subject->cache, KIND_MODULE_DEPLOYMENT, mem_strdup(text));
    assert_marked(subject, "m/old-a");
    assert_marked(subject, "m/new-b");
}

static void test_room_lets_the_others_ask_again(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    struct placement *place = &revision(subject, "new")->place;
    place->answered_ms = subject->cache.now_ms;
    forget_marks(subject);
    put(subject, MODULE_OLD, 9);
    assert_int_equal(place->answered_ms, subject->cache.now_ms);
    drop(subject, MODULE_OLD);
    assert_int_equal(place->answered_ms, subject->cache.now_ms - PLACE_RETRY_MS);
    assert_marked(subject, "d/md");
}

static void test_a_base_that_moves_leaves_one_group_for_another(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    forget_marks(subject);
    kit_apply(&subject->cache, KIND_BASE, kit_base("a", 9, "elsewhere", "h:1", "Ready", ""));
    assert_marked(subject, "d/md"); /* has a base less */
    assert_int_equal(kit_get_deployment(&subject->cache, "md")->bases->bases.len, 1);
    check(&subject->cache);
}

static void test_a_group_goes_with_its_last_member(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    size_t before = subject->cache.groups.len;
    kit_apply(&subject->cache, KIND_BASE, kit_base("p", 1, "elsewhere", "h:1", "Ready", ""));
    assert_int_equal(subject->cache.groups.len, before + 1);
    kit_apply(&subject->cache, KIND_BASE, kit_base("p", 2, "nowhere", "h:1", "Ready", ""));
    assert_int_equal(subject->cache.groups.len, before + 1); /* the one for the other */
    kit_remove(&subject->cache, KIND_BASE, "p");
    assert_int_equal(subject->cache.groups.len, before);
    kit_remove(&subject->cache, KIND_MODULE_DEPLOYMENT, "md");
    assert_int_equal(subject->cache.groups.len, before); /* its bases are there */
    check(&subject->cache);
}

static void test_states_of_a_base(void **state)
{
    struct subject *subject = *state;
    static const struct {
        const char *phase, *metadata;
        bool ready, terminating;
    } cases[] = {{"Ready", "", true, false},
                 {"NotReady", "", false, false},
                 {"", "", false, false},
                 {"Ready", DELETING, true, true}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        kit_apply(&subject->cache, KIND_BASE,
                  kit_base("a", (int)i, "stock", "h:1", cases[i].phase, cases[i].metadata));
        assert_int_equal(base(subject, "a")->ready, cases[i].ready);
        assert_int_equal(base(subject, "a")->terminating, cases[i].terminating);
    }
}

/* Of a Pod that was being deleted nothing is left; one that only vanished may run on. */
static void test_whether_a_base_ended(void **state)
{
    struct subject *subject = *state;
    put_all(subject);
    drop(subject, BASE_A);
    assert_false(instance(subject, "old-a")->base_ended);
    kit_apply(&subject->cache, KIND_BASE, kit_base("b", 9, "stock", "h:2", "Ready", DELETING));
    drop(subject, BASE_B);
    assert_true(instance(subject, "new-b")->base_ended);
}

/* -- the rest -- */

static void test_versions_are_those_of_the_last_event(void **state)
{
    struct subject *subject = *state;
    for (int version = 1; version < 3; version++)
        for (int i = 0; i < MEMBERS; i++) {
            AUTO_FREE char *key = object_key("default", members[i].name);
            AUTO_FREE char *text = mem_printf("%d", version);
            put(subject, (enum member)i, version);
            assert_string_equal(cache_resource_version(&subject->cache, members[i].kind, key),
                                text);
        }
    assert_null(cache_resource_version(&subject->cache, KIND_MODULE, "default/nobody"));
    assert_null(cache_resource_version(&subject->cache, KIND_BASE, "default/md"));
}

static void test_what_cannot_be_read_changes_nothing(void **state)
{
    static const char *const texts[] = {"{", "[]", "{\"metadata\":{\"name\":\"x\"},\"spec\":7}"};
    struct subject *subject = *state;
    put_all(subject);
    for (int i = 0; i < MEMBERS; i++)
        for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
            AUTO_ERR struct err *err = NULL;
            struct document document = {.kind = members[i].kind,
                                        .namespace = "default",
                                        .name = members[i].name,
                                        .json = texts[t],
                                        .json_len = strlen(texts[t])};
            assert_int_equal(cache_apply(&subject->cache, &document, false, &err), -1);
            assert_int_equal(err->code, ERR_INVALID);
            assert_non_null(strstr(err->message, members[i].name)); /* which one it was */
        }
    check_complete(subject);
}

static void test_the_end_of_what_is_not_known_is_nothing(void **state)
{
    struct subject *subject = *state;
    for (int i = 0; i < MEMBERS; i++)
        drop(subject, (enum member)i);
    assert_string_equal(str_text(&subject->marks), "");
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *namespace, *name, *key;
    } cases[] = {{"shop", "md", "shop/md"}, {"", "md", "default/md"}, {NULL, "md", "default/md"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *key = object_key(cases[i].namespace, cases[i].name);
        assert_string_equal(key, cases[i].key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_arrival_does_not_matter),
        cmocka_unit_test(test_order_of_leaving_does_not_matter),
        TEST(test_links_and_counters_hold_in_any_history),
        TEST(test_phases_are_counted),
        TEST(test_a_refused_way_is_counted),
        TEST(test_another_way_begins_anew),
        TEST(test_attempts_outlive_the_controller),
        TEST(test_an_assumed_module_is_counted_once),
        TEST(test_a_second_successor_waits_for_the_first),
        TEST(test_a_claim_that_is_edited),
        TEST(test_a_claim_that_is_edited_while_it_holds),
        TEST(test_a_claim_that_is_given_back_is_told),
        TEST(test_a_name_that_comes_again_is_not_claimed),
        TEST(test_a_claim_by_uid_asks_no_clock),
        TEST(test_a_reborn_module_has_no_past),
        TEST(test_a_reborn_owner_or_base_adopts_nobody),
        TEST(test_marks_of_changes),
        TEST(test_marks_of_traffic),
        TEST(test_a_spec_change_marks_the_instances),
        TEST(test_room_lets_the_others_ask_again),
        TEST(test_a_base_that_moves_leaves_one_group_for_another),
        TEST(test_a_group_goes_with_its_last_member),
        TEST(test_states_of_a_base),
        TEST(test_whether_a_base_ended),
        TEST(test_versions_are_those_of_the_last_event),
        TEST(test_what_cannot_be_read_changes_nothing),
        TEST(test_the_end_of_what_is_not_known_is_nothing),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
