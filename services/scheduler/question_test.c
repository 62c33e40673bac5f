/* SPDX-License-Identifier: Apache-2.0 */
#include "services/scheduler/question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"

typedef Koupleless__Scheduler__V1__PlaceRequest PlaceRequest;
typedef Koupleless__Scheduler__V1__EvictRequest EvictRequest;
typedef Koupleless__Scheduler__V1__BaseCandidate BaseCandidate;
typedef Koupleless__Scheduler__V1__InstanceCandidate InstanceCandidate;
typedef Koupleless__Scheduler__V1__SchedulingPolicy SchedulingPolicy;

#define ITEMS 3
#define LIMITED KOUPLELESS__SCHEDULER__V1__BASE_CANDIDATE___MAX_MODULE_COUNT_MAX_MODULE_COUNT

static char names[ITEMS][2] = {"a", "b", "c"};
static char long_name[LIMIT_NAME + 2]; /* one character too many */

/* A question about three bases that nothing is wrong with, and one about three instances. */
struct fixture {
    PlaceRequest place;
    BaseCandidate bases[ITEMS], *base_pointers[ITEMS];
    EvictRequest evict;
    InstanceCandidate instances[ITEMS], *instance_pointers[ITEMS];
};

static int set_up(void **state)
{
    struct fixture *f = NEW(struct fixture);
    memset(long_name, 'a', sizeof(long_name) - 1);
    koupleless__scheduler__v1__place_request__init(&f->place);
    koupleless__scheduler__v1__evict_request__init(&f->evict);
    for (size_t i = 0; i < ITEMS; i++) {
        koupleless__scheduler__v1__base_candidate__init(&f->bases[i]);
        koupleless__scheduler__v1__instance_candidate__init(&f->instances[i]);
        f->bases[i].name = f->instances[i].name = names[i];
        f->base_pointers[i] = &f->bases[i];
        f->instance_pointers[i] = &f->instances[i];
    }
    f->place.n_bases = f->evict.n_instances = ITEMS;
    f->place.bases = f->base_pointers;
    f->evict.instances = f->instance_pointers;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    mem_free(*state);
    return 0;
}

static void assert_place_refused(const struct fixture *f, const char *field, const char *message)
{
    AUTO_ERR struct err *err = NULL;
    struct place_question question = {0};
    assert_int_equal(place_question_read(&f->place, &question, &err), -1);
    assert_int_equal(err->code, ERR_INVALID);
    assert_string_equal(err->field, field);
    assert_string_equal(err->message, message);
    assert_null(question.bases);
}

static void assert_evict_refused(const struct fixture *f, const char *field, const char *message)
{
    AUTO_ERR struct err *err = NULL;
    struct evict_question question = {0};
    assert_int_equal(evict_question_read(&f->evict, &question, &err), -1);
    assert_int_equal(err->code, ERR_INVALID);
    assert_string_equal(err->field, field);
    assert_string_equal(err->message, message);
    assert_null(question.instances);
}

static void every_field_of_a_base_arrives(void **state)
{
    struct fixture *f = *state;
    AUTO(place_question_done) struct place_question question = {0};
    BaseCandidate *base = &f->bases[1];
    base->node = names[0];
    base->zone = names[2];
    base->module_count = 4;
    base->_max_module_count_case = LIMITED;
    base->max_module_count = 0;
    /* Each flag is set on one base and not on another: none is mistaken for its neighbour. */
    f->bases[0].ready = f->bases[0].has_ip = f->bases[0].has_module = true;
    f->bases[2].metaspace_full = true;
    base->terminating = base->agent_reachable = base->has_module = true;
    f->bases[2].selector_matches = f->bases[2].agent_reachable = f->bases[2].has_ip = true;
    f->place.replicas = 2;
    assert_int_equal(place_question_read(&f->place, &question, NULL), 0);
    assert_int_equal(question.count, ITEMS);
    assert_int_equal(question.wanted, 2);
    const struct place_base *got = question.bases;
    assert_string_equal(got[1].name, "b");
    assert_string_equal(got[1].node, "a");
    assert_string_equal(got[1].zone, "c");
    assert_int_equal(got[1].module_count, 4);
    assert_int_equal(got[1].max_module_count, 0);
    assert_int_equal(got[0].max_module_count, PLACE_UNLIMITED);
    static const struct place_base flags[ITEMS] = {
        {.ready = true, .has_ip = true, .has_module = true},
        {.terminating = true, .agent_reachable = true, .has_module = true},
        {.selector_matches = true, .agent_reachable = true, .has_ip = true, .metaspace_full = true},
    };
    for (size_t i = 0; i < ITEMS; i++) {
        assert_int_equal(got[i].ready, flags[i].ready);
        assert_int_equal(got[i].terminating, flags[i].terminating);
        assert_int_equal(got[i].has_ip, flags[i].has_ip);
        assert_int_equal(got[i].agent_reachable, flags[i].agent_reachable);
        assert_int_equal(got[i].has_module, flags[i].has_module);
        assert_int_equal(got[i].metaspace_full, flags[i].metaspace_full);
        assert_int_equal(got[i].selector_matches, flags[i].selector_matches);
    }
}

static void every_field_of_an_instance_arrives(void **state)
{
    struct fixture *f = *state;
    AUTO(evict_question_done) struct evict_question question = {0};
    f->instances[1].node = names[0];
    f->instances[1].zone = names[2];
    f->instances[1].module_count = 4;
    f->instances[1].healthy = true;
    f->instances[2].base_ready = true;
    f->evict.replicas = 2;
    assert_int_equal(evict_question_read(&f->evict, &question, NULL), 0);
    assert_int_equal(question.count, ITEMS);
    assert_int_equal(question.wanted, 2);
    const struct evict_instance *got = question.instances;
    assert_string_equal(got[1].name, "b");
    assert_string_equal(got[1].node, "a");
    assert_string_equal(got[1].zone, "c");
    assert_int_equal(got[1].module_count, 4);
    assert_true(got[1].healthy && !got[1].base_ready);
    assert_true(got[2].base_ready && !got[2].healthy);
}

static void policies(void **state)
{
    struct fixture *f = *state;
    static const enum place_policy policies[] = {PLACE_SCATTER, PLACE_SCATTER, PLACE_STACKING};
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        AUTO(place_question_done) struct place_question place = {0};
        AUTO(evict_question_done) struct evict_question evict = {0};
        f->place.policy = f->evict.policy = (SchedulingPolicy)i;
        assert_int_equal(place_question_read(&f->place, &place, NULL), 0);
        assert_int_equal(evict_question_read(&f->evict, &evict, NULL), 0);
        assert_int_equal(place.policy, policies[i]);
        assert_int_equal(evict.policy, policies[i]);
    }
    f->place.policy = f->evict.policy = (SchedulingPolicy)3;
    assert_place_refused(f, "policy", "policy: there is no policy 3");
    assert_evict_refused(f, "policy", "policy: there is no policy 3");
    f->place.policy = f->evict.policy = (SchedulingPolicy)-1;
    assert_place_refused(f, "policy", "policy: there is no policy -1");
    assert_evict_refused(f, "policy", "policy: there is no policy -1");
}

static void replicas_have_bounds(void **state)
{
    struct fixture *f = *state;
    AUTO(place_question_done) struct place_question place = {0};
    AUTO(evict_question_done) struct evict_question evict = {0};
    f->place.replicas = f->evict.replicas = -1;
    assert_place_refused(f, "replicas", "replicas: must be from 0 to 1000000, not -1");
    assert_evict_refused(f, "replicas", "replicas: must be from 0 to 1000000, not -1");
    f->place.replicas = f->evict.replicas = LIMIT_REPLICAS + 1;
    assert_place_refused(f, "replicas", "replicas: must be from 0 to 1000000, not 1000001");
    assert_evict_refused(f, "replicas", "replicas: must be from 0 to 1000000, not 1000001");
    f->place.replicas = f->evict.replicas = LIMIT_REPLICAS;
    assert_int_equal(place_question_read(&f->place, &place, NULL), 0);
    assert_int_equal(evict_question_read(&f->evict, &evict, NULL), 0);
}

static void malformed_items_are_named(void **state)
{
    struct fixture *f = *state;
    static char none[] = "";
    struct {
        char **text; /* where, or ... */
        char *value;
        int32_t *number;
        const char *field, *message;
    } rows[] = {
        {&f->bases[2].name, none, NULL, "bases[2].name", "bases[2].name: is required"},
        {&f->bases[2].name, names[0], NULL, "bases[2].name",
         "bases[2].name: is the name of bases[0] too"},
        {&f->bases[0].name, long_name, NULL, "bases[0].name",
         "bases[0].name: is too long for a name"},
        {&f->bases[1].node, long_name, NULL, "bases[1].node",
         "bases[1].node: is too long for a name"},
        {&f->bases[1].zone, long_name, NULL, "bases[1].zone",
         "bases[1].zone: is too long for a name"},
        {NULL, NULL, &f->bases[1].module_count, "bases[1].module_count",
         "bases[1].module_count: must not be negative"},
        {NULL, NULL, &f->bases[1].max_module_count, "bases[1].max_module_count",
         "bases[1].max_module_count: must not be negative"},
        {&f->instances[1].name, none, NULL, "instances[1].name", "instances[1].name: is required"},
        {&f->instances[1].name, names[0], NULL, "instances[1].name",
         "instances[1].name: is the name of instances[0] too"},
        {&f->instances[0].name, long_name, NULL, "instances[0].name",
         "instances[0].name: is too long for a name"},
        {&f->instances[0].base_name, long_name, NULL, "instances[0].base_name",
         "instances[0].base_name: is too long for a name"},
        {&f->instances[0].node, long_name, NULL, "instances[0].node",
         "instances[0].node: is too long for a name"},
        {&f->instances[0].zone, long_name, NULL, "instances[0].zone",
         "instances[0].zone: is too long for a name"},
        {NULL, NULL, &f->instances[2].module_count, "instances[2].module_count",
         "instances[2].module_count: must not be negative"},
    };
    f->bases[1]._max_module_count_case = LIMITED;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *before = rows[i].text ? *rows[i].text : NULL;
        if (rows[i].text)
            *rows[i].text = rows[i].value;
        else
            *rows[i].number = -1;
        if (strncmp(rows[i].field, "bases", 5) == 0)
            assert_place_refused(f, rows[i].field, rows[i].message);
        else
            assert_evict_refused(f, rows[i].field, rows[i].message);
        if (rows[i].text)
            *rows[i].text = before;
        else
            *rows[i].number = 0;
    }
}

static void the_longest_name_is_taken(void **state)
{
    struct fixture *f = *state;
    AUTO(place_question_done) struct place_question place = {0};
    f->bases[0].name = long_name + 1;
    assert_int_equal(place_question_read(&f->place, &place, NULL), 0);
    assert_int_equal(strlen(place.bases[0].name), LIMIT_NAME);
}

/* The length is looked at first: none of the items is. */
static void more_than_the_limit_are_refused(void **state)
{
    struct fixture *f = *state;
    f->place.n_bases = f->evict.n_instances = LIMIT_BASES_PER_QUESTION + 1;
    f->place.bases = NULL;
    f->evict.instances = NULL;
    assert_place_refused(f, "bases", "bases: at most 200000 are taken, not 200001");
    assert_evict_refused(f, "instances", "instances: at most 200000 are taken, not 200001");
}

static void nothing_is_a_question_too(void **state)
{
    struct fixture *f = *state;
    AUTO(place_question_done) struct place_question place = {.count = 1};
    AUTO(evict_question_done) struct evict_question evict = {.count = 1};
    f->place.n_bases = f->evict.n_instances = 0;
    assert_int_equal(place_question_read(&f->place, &place, NULL), 0);
    assert_int_equal(evict_question_read(&f->evict, &evict, NULL), 0);
    assert_int_equal(place.count + evict.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_field_of_a_base_arrives),
        TEST(every_field_of_an_instance_arrives),
        TEST(policies),
        TEST(replicas_have_bounds),
        TEST(malformed_items_are_named),
        TEST(the_longest_name_is_taken),
        TEST(more_than_the_limit_are_refused),
        TEST(nothing_is_a_question_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
