/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/adopt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

/*
 * One object of the original: Module "old" of version v1 on base a, revision 7, of ModuleDeployment "web".
 * Revisions and instances of ours as in the kit; "v1@a" is the one that takes it over.
 */
static const struct row {
    const char *name;
    const char *spec; /* of the ModuleDeployment; NULL: it is not there */
    const char *revisions, *bases;
    const char *phase; /* of the original */
    bool replicaset;   /* the original is a ModuleReplicaSet */
    bool no_base;      /* it has got none */
    bool unwritten;    /* the status of v1@a was not written yet */
    bool renamed;      /* the module is called "order" in the spec by now */
    bool foreign;      /* it has a finalizer of somebody else, too */
    bool others;       /* a Module of the original is left beside it */
    bool leaving, cleared;
    const char *plan;
} rows[] = {
    {.name = "what it is an instance of comes first",
     .spec = "v1 x1",
     .bases = "a",
     .phase = "Available",
     .plan = "adopt replicaset v1 revision 7"},
    {.name = "... also where something else is wanted now",
     .spec = "v2 x1",
     .revisions = "v2#8=0",
     .bases = "a",
     .phase = "Available",
     .plan = "adopt replicaset v1 revision 7"},
    {.name = "... of the template that is wanted, be its digest another since",
     .spec = "v1b x1",
     .bases = "a",
     .phase = "Available",
     .plan = "adopt replicaset v1b revision 7"},
    {.name = "... of its own, where another module is wanted by now",
     .spec = "v1 x1",
     .bases = "a",
     .phase = "Available",
     .renamed = true,
     .plan = "adopt replicaset v1 revision 7"},
    {.name = "... or nobody knows what is",
     .spec = "v1 x1 template-missing",
     .bases = "a",
     .phase = "Available",
     .plan = "adopt replicaset v1 revision 7"},
    {.name = "then the instance, on its base",
     .spec = "v1 x1",
     .revisions = "v1#7=0",
     .bases = "a b",
     .phase = "Available",
     .plan = "create module of v1 on a"},
    {.name = "... though the base takes no more",
     .spec = "v1 x1",
     .revisions = "v1#7=0",
     .bases = "a:0 b",
     .phase = "Available",
     .plan = "create module of v1 on a"},
    {.name = "... or does not answer",
     .spec = "v1 x1",
     .revisions = "v1#7=0",
     .bases = "a! b",
     .phase = "Available",
     .plan = "create module of v1 on a"},
    {.name = "it is available, as the original said: nothing is installed",
     .spec = "v1 x1",
     .revisions = "v1#7=0 aP",
     .bases = "a",
     .phase = "Available",
     .unwritten = true,
     .plan = "module v1@a is Available"},
    {.name = "then the original goes",
     .spec = "v1 x1",
     .revisions = "v1#7=0 aA",
     .bases = "a",
     .phase = "Available",
     .plan = "clear original old; delete original old"},
    {.name = "... with a finalizer of somebody else, who takes it off",
     .spec = "v1 x1",
     .revisions = "v1#7=0 aA",
     .bases = "a",
     .phase = "Available",
     .foreign = true,
     .plan = "clear original old; delete original old"},
    {.name = "... or with that one alone",
     .spec = "v1 x1",
     .revisions = "v1#7=0 aA",
     .bases = "a",
     .phase = "Available",
     .foreign = true,
     .cleared = true,
     .plan = "delete original old"},
    {.name = "... also after its finalizers have gone and nothing else",
     .spec = "v1 x1",
     .revisions = "v1#7=0 aA",
     .bases = "a",
     .phase = "Available",
     .cleared = true,
     .plan = "delete original old"},
    {.name = "... or where it is going already",
     .spec = "v1 x1",
     .revisions = "v1#7=0 aA",
     .bases = "a",
     .phase = "Available",
     .leaving = true,
     .plan = "clear original old"},
    {.name = "one that never became available is installed by the instance that takes it over",
     .spec = "v1 x1",
     .revisions = "v1#7=0 aP",
     .bases = "a",
     .phase = "Upgrading",
     .unwritten = true,
     .plan = "clear original old; delete original old"},
    {.name = "... but not in a deletion",
     .spec = "v1 x1 deleting",
     .revisions = "v1#7=0 aP",
     .bases = "a",
     .phase = "Upgrading",
     .unwritten = true,
     .plan = "module v1@a is Available"},
    {.name = "one that never got a base makes place for another",
     .spec = "v1 x1",
     .bases = "a",
     .phase = "Pending",
     .no_base = true,
     .plan = "clear original old; delete original old"},
    {.name = "... also while nobody knows the bases",
     .spec = "v1 x1 bases-unknown",
     .phase = "Pending",
     .no_base = true,
     .plan = "clear original old; delete original old"},
    {.name = "its Pod is gone",
     .spec = "v1 x1",
     .bases = "b",
     .phase = "Available",
     .plan = "clear original old; delete original old"},
    {.name = "nobody knows yet whether it is gone",
     .spec = "v1 x1 bases-unknown",
     .phase = "Available",
     .plan = ""},
    {.name = "of no ModuleDeployment: left to people",
     .bases = "a",
     .phase = "Available",
     .plan = ""},
    {.name = "... who may delete it",
     .bases = "a",
     .phase = "Available",
     .leaving = true,
     .plan = "clear original old"},
    {.name = "a ModuleReplicaSet stays while Modules are left",
     .spec = "v1 x1",
     .bases = "a",
     .replicaset = true,
     .others = true,
     .plan = ""},
    {.name = "... and goes after them",
     .spec = "v1 x1",
     .bases = "a",
     .replicaset = true,
     .plan = "clear original web-replicas-7; delete original web-replicas-7"},
};

#define FOREIGN "\"example.com/audit\""
#define OF_ORIGINAL "\"" LABEL_PREFIX "allocate-pod\""

static char *original_text(const struct row *row)
{
    const char *labels =
        "\"labels\":{\"" LABEL_MODULE_DEPLOYMENT "\":\"web\","
        "\"" LABEL_MODULE_REPLICASET "\":\"web-replicas-7\",\"" LABEL_REVISION "\":\"7\"}";
    const char *owner = row->no_base
                            ? ""
                            : ",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\","
                              "\"name\":\"a\",\"uid\":\"a\"}]";
    const char *finalizers = row->cleared && row->foreign ? ",\"finalizers\":[" FOREIGN "]"
                             : row->cleared               ? ""
                             : row->foreign ? ",\"finalizers\":[" FOREIGN "," OF_ORIGINAL "]"
                                            : ",\"finalizers\":[" OF_ORIGINAL "]";
    AUTO_FREE char *meta = mem_printf(
        "\"metadata\":{\"name\":\"%s\",%s%s%s%s}", row->replicaset ? "web-replicas-7" : "old",
        labels, row->replicaset ? "" : owner, finalizers,
        row->leaving ? ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"" : "");
    static const char module[] =
        "\"module\":{\"name\":\"web\",\"version\":\"v1\",\"url\":\"http://jars/v1.jar\"}";
    return row->replicaset
               ? mem_printf("{%s,\"spec\":{\"template\":{\"spec\":{%s}}}}", meta, module)
               : mem_printf("{%s,\"spec\":{%s},\"status\":{\"status\":\"%s\"}}", meta, module,
                            row->phase);
}

static char *plan_of(const struct row *row)
{
    const struct kit_row world = {
        .spec = row->spec ? row->spec : "v1 x1", .revisions = row->revisions, .bases = row->bases};
    struct kit kit;
    kit_init(&kit, &world);
    if (row->renamed)
        mem_replace(&kit.md->spec.template.module.name, "order");
    AUTO_FREE char *text = original_text(row);
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), SIZE_MAX, NULL);
    struct original *original =
        original_read(row->replicaset ? KIND_MODULE_REPLICASET : KIND_MODULE, json);
    assert_non_null(original);
    struct deployment_view seen = kit_view(&kit);
    struct adoption_view view = {
        .original = original,
        .md = row->spec ? kit.md : NULL,
        .template = seen.template,
        .bases_unknown = seen.bases_unknown,
        .last = !row->others,
    };
    if (view.md && !row->replicaset) {
        AUTO_FREE char *name = adopted_revision(&view);
        view.revision = view_revision(&seen, name);
        for (size_t i = 0; i < kit.base_count; i++)
            if (!row->no_base && str_eq(kit.bases[i]->base->meta.name, "a"))
                view.base = kit.bases[i];
        if (view.revision && view.revision->instances.len)
            view.instance = view.revision->instances.items[0];
    }
    if (view.instance && row->unwritten)
        mem_replace(&kit_module((struct instance *)(uintptr_t)view.instance)->status.phase_name,
                    NULL);
    struct plan plan = {0};
    plan_adoption(&view, &plan);
    char *got = kit_plan_text(&plan, /* events= */ false);
    plan_done(&plan);
    original_free(original);
    kit_done(&kit);
    return got;
}

static void test_adoption(void **state)
{
    (void)state;
    struct str wrong = STR_INIT(1u << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kit_row row = {.name = rows[i].name, .plan = rows[i].plan};
        AUTO_FREE char *got = plan_of(&rows[i]);
        kit_expect(&row, got, &wrong);
    }
    if (wrong.len)
        fail_msg("%s", str_text(&wrong));
    str_done(&wrong);
}

static void test_marks_of_a_deployment(void **state)
{
    (void)state;
    char name[] = "web";
    struct module_deployment md = {.meta = {.name = name}};
    char finalizer[] = LABEL_PREFIX "module-existed";
    char *finalizers[] = {finalizer};
    struct plan plan = {0};
    plan_deployment_adoption(&md, &plan);
    assert_int_equal(plan.actions.len, 0);
    md.meta.finalizers = (struct json_strings){finalizers, 1};
    plan_deployment_adoption(&md, &plan);
    assert_int_equal(plan.actions.len, 1);
    assert_int_equal(plan.actions.items[0].type, ACTION_CLEAR_DEPLOYMENT);
    plan_done(&plan);
    plan = (struct plan){0};
    md.meta.deletion_ms = 1; /* they hold it until all is offline */
    plan_deployment_adoption(&md, &plan);
    assert_int_equal(plan.actions.len, 0);
    plan_done(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adoption),
        cmocka_unit_test(test_marks_of_a_deployment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
