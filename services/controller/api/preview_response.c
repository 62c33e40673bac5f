/* SPDX-License-Identifier: Apache-2.0 */
/* A forecast as a message. Its texts are the forecast's: the answer is sent before that is freed. */
#include "services/controller/api/preview_internal.h"

typedef Koupleless__Controller__V1__PlanReleaseResponse Response;
typedef Koupleless__Controller__V1__PlannedChange Change;
typedef Koupleless__Controller__V1__PlannedBatch Batch;
typedef Koupleless__Controller__V1__PlannedHold Hold;
typedef Koupleless__Controller__V1__PlannedCoTenant CoTenant;
typedef Koupleless__Controller__V1__PlannedWrites Writes;

static char *text(const char *borrowed)
{
    return (char *)(uintptr_t)(borrowed ? borrowed : "");
}

static void fill_change(Change *change, const struct forecast_step *step)
{
    koupleless__controller__v1__planned_change__init(change);
    change->batch = step->batch;
    change->action = text(forecast_action_name(step->action));
    change->base_name = text(step->base);
    change->instance_name = text(step->instance);
    change->way = text(upgrade_way_name(step->way));
    change->reason = text(step->reason);
    change->begins_ms = step->begins_ms;
}

static void fill_batch(Batch *batch, const struct forecast_batch *forecast)
{
    static const char *const gates[] = {
        [FORECAST_GATE_NONE] = "",
        [FORECAST_GATE_CONFIRMATION] = "confirmation",
        [FORECAST_GATE_GRAY_TIME] = "grayTime",
    };
    koupleless__controller__v1__planned_batch__init(batch);
    batch->number = forecast->number;
    batch->size = forecast->size;
    batch->gate = text(gates[forecast->gate]);
    batch->begins_ms = forecast->begins_ms;
    batch->ends_ms = forecast->ends_ms;
    batch->most_unavailable = forecast->most_unavailable;
}

static void fill_hold(Hold *hold, const struct forecast_hold *forecast)
{
    koupleless__controller__v1__planned_hold__init(hold);
    hold->batch = forecast->batch;
    hold->reason = text(forecast->reason);
    hold->message = text(forecast->message);
}

static void fill_co_tenant(CoTenant *other, const struct forecast_co_tenant *forecast)
{
    koupleless__controller__v1__planned_co_tenant__init(other);
    other->module_name = text(forecast->module);
    other->instances = forecast->instances;
    other->most_touched = forecast->most_touched;
}

static void fill_writes(Writes *writes, const char *kind, const struct forecast_writes *forecast)
{
    koupleless__controller__v1__planned_writes__init(writes);
    writes->kind = text(kind);
    writes->creates = forecast->creates;
    writes->status_patches = forecast->status_patches;
    writes->label_patches = forecast->label_patches;
    writes->other_patches = forecast->other_patches;
    writes->deletes = forecast->deletes;
}

static bool has_writes(const struct forecast_writes *writes)
{
    return writes->creates || writes->status_patches || writes->label_patches ||
           writes->other_patches || writes->deletes;
}

/*
 * A repeated field: @count messages of @bytes, and pointers to them. The memory is in front of the pointers, which
 * are freed.
 */
static void *repeated(size_t count, size_t bytes, size_t *ret_count, void *ret_pointers)
{
    char *items = mem_alloc(count * (bytes + sizeof(void *)));
    void **pointers = (void **)(void *)(items + count * bytes);
    for (size_t i = 0; i < count; i++)
        pointers[i] = items + i * bytes;
    *(void ***)ret_pointers = pointers;
    *ret_count = count;
    return items;
}

static void fill(Response *response, const struct forecast_result *result, Writes *writes)
{
    for (size_t i = 0; i < result->steps.len; i++)
        fill_change(response->changes[i], &result->steps.items[i]);
    for (size_t i = 0; i < result->batches.len; i++)
        fill_batch(response->batches[i], &result->batches.items[i]);
    for (size_t i = 0; i < result->holds.len; i++)
        fill_hold(response->holds[i], &result->holds.items[i]);
    for (size_t i = 0; i < result->co_tenants.len; i++)
        fill_co_tenant(response->co_tenants[i], &result->co_tenants.items[i]);
    response->n_writes = 0;
    for (int kind = 0; kind < KIND_MAX_; kind++)
        if (has_writes(&result->writes[kind]))
            fill_writes(&writes[response->n_writes++], kind_name((enum object_kind)kind),
                        &result->writes[kind]);
    response->batch_count = result->batch_count;
    response->most_unavailable = result->most_unavailable;
    response->duration_ms = result->duration_ms;
    response->update_revision = text(result->update_revision);
}

void preview__respond(const struct preview *preview, enum forecast_state state)
{
    const struct reply *reply = &preview->reply;
    const struct forecast_result *result = forecast_result(preview->forecast);
    Response response = KOUPLELESS__CONTROLLER__V1__PLAN_RELEASE_RESPONSE__INIT;
    Change *changes =
        repeated(result->steps.len, sizeof(Change), &response.n_changes, &response.changes);
    Batch *batches =
        repeated(result->batches.len, sizeof(Batch), &response.n_batches, &response.batches);
    Hold *holds = repeated(result->holds.len, sizeof(Hold), &response.n_holds, &response.holds);
    CoTenant *others = repeated(result->co_tenants.len, sizeof(CoTenant), &response.n_co_tenants,
                                &response.co_tenants);
    Writes *writes = repeated(KIND_MAX_, sizeof(Writes), &response.n_writes, &response.writes);
    fill(&response, result, writes);
    response.outcome = state == FORECAST_COMPLETED
                           ? KOUPLELESS__CONTROLLER__V1__PLAN_OUTCOME__PLAN_OUTCOME_COMPLETED
                           : KOUPLELESS__CONTROLLER__V1__PLAN_OUTCOME__PLAN_OUTCOME_STUCK;
    response.install_ms = preview__install_ms(preview);
    reply->closure(&response.base, reply->call);
    void *owned[] = {changes, batches, holds, others, writes};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        mem_free(owned[i]);
}
