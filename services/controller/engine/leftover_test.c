/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/leftover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

#define COMPLETED "Completed 1/1 v2 was=0 changes=1 x1"
#define EXECUTING "Executing 1/1 v2 was=0 changes=1 x1"

/* The base reports v1 of the module. */
static const struct row {
    const char *name;
    const char *spec, *release;
    const char *here; /* instances on the base */
    int32_t unavailable;
    bool nobodys, unseen; /* no owner; the release does not know the spec yet */
    bool adopts;          /* what the original left of the module here is not taken over yet */
    enum operation_state operation;
    bool switched; /* that was no install */
    bool others;   /* the instances here are of another module */
    bool goes;
} rows[] = {
    {.name = "its owner needs nobody", .spec = "v2 x1", .release = COMPLETED, .goes = true},
    {.name = "... also beside the version that is declared",
     .spec = "v2 x1",
     .release = COMPLETED,
     .here = "v2#2=1 aA",
     .goes = true},
    {.name = "what no ModuleDeployment has is left to people",
     .spec = "v2 x1",
     .release = COMPLETED,
     .nobodys = true},
    {.name = "what is not taken over yet is none",
     .spec = "v2 x1",
     .release = COMPLETED,
     .adopts = true},
    {.name = "it is no leftover", .spec = "v2 x1", .release = COMPLETED, .here = "v1#1=1 aA"},
    {.name = "... also while it is being deleted",
     .spec = "v2 x1",
     .release = COMPLETED,
     .here = "v1#1=0 aA-; v2#2=1 aA"},
    {.name = "a release is under way: it may still serve", .spec = "v2 x1", .release = EXECUTING},
    {.name = "an edit that has not begun", .spec = "v2 x1", .release = COMPLETED, .unseen = true},
    {.name = "too few instances are available",
     .spec = "v2 x1",
     .release = COMPLETED,
     .unavailable = 1},
    {.name = "its owner is being deleted",
     .spec = "v2 x1 deleting",
     .release = "Terminating 1/1 v2 was=0 changes=1 x1",
     .goes = true},
    {.name = "an instance of the module is being worked on",
     .spec = "v2 x1",
     .release = COMPLETED,
     .here = "v2#2=1 aA",
     .operation = OPERATION_RUNNING},
    {.name = "it holds the web path of the declared version",
     .spec = "v2 x1",
     .release = EXECUTING,
     .here = "v2#2=1 aF?",
     .goes = true},
    {.name = "... not where its turn comes otherwise: the version that is replaced holds it",
     .spec = "v2 x1",
     .release = EXECUTING,
     .here = "v0#1=0 aA; v2#2=1 aF>sa?"},
    {.name = "... not of one that goes",
     .spec = "v2 x1",
     .release = EXECUTING,
     .here = "v2#2=1 aF-?"},
    {.name = "an install that failed otherwise",
     .spec = "v2 x1",
     .release = EXECUTING,
     .here = "v2#2=1 aF",
     .operation = OPERATION_FAILED},
    {.name = "it was refused, and is there since",
     .spec = "v2 x1",
     .release = EXECUTING,
     .here = "v2#2=1 aF?",
     .operation = OPERATION_SUCCEEDED},
    {.name = "a switch is refused for no web path",
     .spec = "v2 x1",
     .release = EXECUTING,
     .here = "v2#2=1 aF?",
     .switched = true},
    {.name = "another module was refused: that is of no concern",
     .spec = "v2 x1",
     .release = EXECUTING,
     .here = "v2#2=1 aF?",
     .others = true},
    {.name = "... and neither is that it has this version",
     .spec = "v2 x1",
     .release = COMPLETED,
     .here = "v1#1=1 aA",
     .others = true,
     .goes = true},
};

static bool goes(const struct row *row)
{
    struct kit kit;
    struct instance *here[KIT_MAX];
    const struct kit_row world = {
        .spec = row->spec, .release = row->release, .revisions = row->here, .bases = "a"};
    kit_init(&kit, &world);
    kit.md->status.unavailable_replicas = row->unavailable;
    kit.md->meta.generation += row->unseen;
    struct leftover_view view = {.name = "web",
                                 .version = "v1",
                                 .instances = here,
                                 .adopts = row->adopts,
                                 .owner = row->nobodys ? NULL : kit.md};
    for (size_t r = 0; r < kit.revision_count; r++)
        for (size_t i = 0; i < kit.revisions[r]->instances.len; i++) {
            struct instance *instance = kit.revisions[r]->instances.items[i];
            if (row->operation)
                instance->operation.state = row->operation;
            if (row->switched)
                instance->operation.type = OPERATION_SWITCH;
            if (row->others)
                mem_replace(&kit_module(instance)->spec.module.name, "cart");
            here[view.instance_count++] = instance;
        }
    bool result = leftover_goes(&view);
    kit_done(&kit);
    return result;
}

static void leftovers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (goes(&rows[i]) != rows[i].goes)
            fail_msg("%s", rows[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(leftovers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
