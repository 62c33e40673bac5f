/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/action.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/action_test_kit.h"

/* A plan without changes needs nobody to look again after its outcome; and each type has a line, for logs. */
static const struct {
    enum action_type type;
    const char *name; /* "": of the deployment */
    bool changes;
    const char *line;
} types[] = {
    {ACTION_CREATE_REPLICASET, "it", true, "create replicaset it revision 2"},
    {ACTION_SET_REPLICAS, "it", true, "replicaset it replicas 2"},
    {ACTION_RENEW_REPLICASET, "it", true, "renew replicaset it revision 2"},
    {ACTION_DELETE_REPLICASET, "it", true, "delete replicaset it"},
    {ACTION_SET_FAILED, "it", true, "mark failed it"},
    {ACTION_LEARN_WEB_PATH, "it", true, "learn web path in use it"},
    {ACTION_SET_PAUSE, "", true, "pause"},
    {ACTION_SET_SCALE, "", true, "replicas = 2"},
    {ACTION_END_RESUME, "", true, "end resume"},
    {ACTION_WRITE_STATUS, "", false, "status Init (0 of 0 available)"},
    {ACTION_WRITE_REPLICASET_STATUS, "it", false, "status of replicaset it: 3 of 4 available"},
    {ACTION_ADD_FINALIZER, "", true, "add finalizer"},
    {ACTION_REMOVE_FINALIZER, "", true, "remove finalizer"},
    {ACTION_PLACE, "it", true, "place for it: 2"},
    {ACTION_EVICT, "it", true, "evict from it: 2"},
    {ACTION_FORGET_PLACE, "it", true, "forget place it"},
    {ACTION_FORGET_EVICT, "it", true, "forget evict it"},
    {ACTION_CREATE_MODULE, "it", true, "create module of it on a replaces old InPlace (Because)"},
    {ACTION_SET_WAY, "it", true, "way of it: InPlace (Because)"},
    {ACTION_DELETE_MODULE, "it", true, "delete module it"},
    {ACTION_INSTALL, "it", true, "install it InPlace"},
    {ACTION_UNINSTALL, "it", true, "uninstall it"},
    {ACTION_SWITCH, "it", true, "switch it"},
    {ACTION_WRITE_MODULE_STATUS, "it", false, "module it is Pending"},
    {ACTION_END_TRAFFIC, "it", true, "end traffic of it"},
    {ACTION_RELEASE_MODULE, "it", true, "release module it"},
    {ACTION_LABEL_BASE, "it", true, "label base it: +web -bare"},
    {ACTION_CREATE_SERVICE, "it", true, "create service it"},
    {ACTION_UPDATE_SERVICE, "it", true, "update service it"},
    {ACTION_DELETE_SERVICE, "it", true, "delete service it"},
    {ACTION_ADOPT_REVISION, "it", true, "adopt replicaset it revision 2"},
    {ACTION_CLEAR_ORIGINAL, "it", true, "clear original it"},
    {ACTION_DELETE_ORIGINAL, "it", true, "delete original it"},
    {ACTION_CLEAR_DEPLOYMENT, "", true, "clear deployment"},
    {ACTION_EVENT, "it", false, "event Because of it"},
    {ACTION_REQUEUE, "it", false, "requeue at 1000"},
};

static void add(struct plan *plan, enum action_type type, const char *name)
{
    struct action *action = plan_add(plan, type, name);
    action->number = 2;
    action->base = mem_strdup("a");
    action->replaces = mem_strdup("old");
    action->way = WAY_IN_PLACE;
    action->reason = mem_strdup("Because");
    action->message = mem_strdup("why");
    action->at_ms = 1000;
    action->replicaset_status = (struct module_replicaset_status){4, 3};
    json_map_set(&action->labels, "example.com/web", "true");
    json_map_set(&action->labels, "bare", "");
    if (type == ACTION_WRITE_STATUS)
        action->status = NEW(struct module_deployment_status);
    if (type == ACTION_WRITE_MODULE_STATUS)
        action->module_status = NEW(struct module_instance_status);
}

static void each_type_is_a_change_or_none_and_has_a_line(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(types), ACTION_REQUEUE + 1);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct plan plan = {0};
        add(&plan, types[i].type, types[i].name);
        AUTO_FREE char *lines = plan_describe(&plan);
        AUTO_FREE char *line = mem_printf("%s\n", types[i].line);
        assert_string_equal(lines, line);
        assert_int_equal(plan_changes(&plan), types[i].changes);
        plan_done(&plan);
    }
}

static void one_change_is_enough(void **state)
{
    (void)state;
    struct plan plan = {0};
    assert_false(plan_changes(&plan));
    add(&plan, ACTION_EVENT, "it");
    add(&plan, ACTION_REQUEUE, "it");
    assert_false(plan_changes(&plan));
    add(&plan, ACTION_SWITCH, "it");
    add(&plan, ACTION_REQUEUE, "it");
    assert_true(plan_changes(&plan));
    plan_done(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_is_a_change_or_none_and_has_a_line),
        cmocka_unit_test(one_change_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
