/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of operations: their jars are fetched side by side, and none is installed before all are there. */
#include "services/agent/operations_internal.h"

/* -- the gate -- */

/* Members whose jar is there, where no others are waited for. */
static void open_gate(struct batch *batch)
{
    struct operations *operations = batch->operations;
    loop_timer_stop(operations->options.loop, &batch->patience); /* it opens once */
    LIST_FOR_EACH (it, &operations->all) {
        struct run *member = LIST_ENTRY(it, struct run, in_all);
        bool waits = list_empty(&member->in_ready) && !member->executing;
        if (member->batch == batch && member->prepared && !member->passed && waits &&
            !operation_ended(&member->operation))
            list_append(&operations->ready, &member->in_ready);
    }
    operations_give_turn(operations);
}

static void on_patience(struct loop_timer *timer)
{
    struct batch *batch = CONTAINER_OF(timer, struct batch, patience);
    batch->preparing = 0;
    open_gate(batch);
}

void batch_member_ready(struct run *run)
{
    struct batch *batch = run->batch;
    if (batch && batch->preparing > 0) {
        if (--batch->preparing == 0)
            open_gate(batch);
    } else if (run->prepared && !run->passed) {
        list_append(&run->operations->ready, &run->in_ready);
        operations_give_turn(run->operations);
    }
}

bool batch_waits(const struct run *run)
{
    return !run->prepared || (run->batch && run->batch->preparing > 0);
}

void batch_member_first(struct run *run)
{
    run->passed = false;
    if (batch_waits(run)) /* that goes on by itself */
        return;
    list_append(&run->operations->ready, &run->in_ready);
    operations_give_turn(run->operations);
}

/* -- members -- */

struct batch *batch_new(struct operations *operations, bool patient)
{
    struct loop *loop = operations->options.loop;
    struct batch *batch = NEW(struct batch);
    batch->operations = operations;
    loop_timer_init(&batch->patience, on_patience);
    if (!patient)
        loop_timer_start(loop, &batch->patience, loop_now_ms(loop) + REPLAY_PATIENCE_MS);
    return batch;
}

void batch_join(struct batch *batch, struct run *run)
{
    batch->preparing++;
    batch->members++;
    run->batch = batch;
}

void batch_make(struct run **members, size_t count)
{
    struct batch *batch = batch_new(members[0]->operations, !members[0]->replay);
    for (size_t i = 0; i < count; i++) {
        batch_join(batch, members[i]);
        members[i]->batch_id = mem_strdup(members[0]->operation.id);
    }
}

void batch_leave(struct run *run)
{
    struct batch *batch = TAKE(run->batch);
    if (!batch || --batch->members > 0)
        return;
    loop_timer_stop(batch->operations->options.loop, &batch->patience);
    mem_free(batch);
}
