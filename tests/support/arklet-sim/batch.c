/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/batch.h"

#include <stdlib.h>

#include "lib/base/str.h"
#include "tests/support/arklet-sim/answers.h"
#include "tests/support/arklet-sim/input.h"

struct batch_item {
    char *url;
    int priority;
    size_t index; /* in the list, to keep equals in order */
};

struct batch {
    struct base *base;
    struct batch **slot; /* the holder's handle */
    VEC(struct batch_item) items;
    size_t position; /* of the jar being read, then of the one being installed */
    struct jar_fetch *fetch;
    cJSON *results; /* bizUrlToResponse */
    bool failed;
    int64_t metaspace_before;
    operation_done_fn *done;
    void *arg;
};

void batch_cancel(struct batch *batch)
{
    if (!batch)
        return;
    *batch->slot = NULL;
    jar_fetch_cancel(batch->fetch);
    for (size_t i = 0; i < batch->items.len; i++)
        mem_free(batch->items.items[i].url);
    VEC_DONE(&batch->items);
    cJSON_Delete(batch->results);
    mem_free(batch);
}

static void end(struct batch *batch, cJSON *data, struct failure *failure)
{
    operation_done_fn *done = batch->done;
    void *arg = batch->arg;

    batch_cancel(batch);
    done(arg, data, failure);
    failure_free(failure);
}

static void install_next(struct batch *batch);

static void on_installed(void *arg, cJSON *data, const struct failure *failure)
{
    struct batch *batch = arg;
    const char *url = batch->items.items[batch->position].url;

    /* Arklet shows the exception's message, never its cause: "null" for a failed main. */
    if (failure) {
        const char *text = failure->links.items[0].text;
        data = answer_data("FAILED", "internal exception: %s", text ? text : "null");
    }
    batch->failed |= !str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(data, "code")), "SUCCESS");
    cJSON_DeleteItemFromObjectCaseSensitive(data, "elapsedSpace");
    cJSON_DeleteItemFromObjectCaseSensitive(batch->results, url);
    cJSON_AddItemToObject(batch->results, url, data);
    batch->position++;
    install_next(batch);
}

static void install_next(struct batch *batch)
{
    if (batch->position < batch->items.len) {
        struct install_request request = {
            .url = batch->items.items[batch->position].url, .name = "null", .version = "null"};
        operation_install(batch->base, &request, on_installed, batch);
        return;
    }
    cJSON *data = cJSON_CreateObject();
    cJSON_AddItemToObject(data, "bizUrlToResponse", TAKE(batch->results));
    cJSON_AddStringToObject(data, "code", batch->failed ? "FAILED" : "SUCCESS");
    cJSON_AddNumberToObject(data, "elapsedSpace",
                            (double)(batch->base->metaspace_used - batch->metaspace_before));
    cJSON_AddStringToObject(data, "message",
                            batch->failed ? "batch install failed" : "batch install success");
    end(batch, data, NULL);
}

static int by_priority(const void *a, const void *b)
{
    const struct batch_item *x = a, *y = b;

    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static void read_next(struct batch *batch);

static void on_read(void *arg, struct jar *jar, struct failure *failure)
{
    struct batch *batch = arg;

    if (failure) {
        end(batch, NULL, failure);
        return;
    }
    batch->items.items[batch->position++].priority = jar->priority;
    jar_free(jar);
    read_next(batch);
}

static void read_next(struct batch *batch)
{
    if (batch->position < batch->items.len) {
        jar_fetch(batch->base->sim->events, batch->items.items[batch->position].url, &batch->fetch,
                  on_read, batch);
        return;
    }
    if (batch->items.len)
        qsort(batch->items.items, batch->items.len, sizeof(batch->items.items[0]), by_priority);
    batch->position = 0;
    install_next(batch);
}

void batch_start(struct base *base, const cJSON *list, struct batch **ret, operation_done_fn *done,
                 void *arg)
{
    struct batch *batch = NEW(struct batch);
    const cJSON *input;

    *batch = (struct batch){.base = base,
                            .slot = ret,
                            .results = cJSON_CreateObject(),
                            .metaspace_before = base->metaspace_used,
                            .done = done,
                            .arg = arg};
    cJSON_ArrayForEach(input, list)
    {
        size_t index = batch->items.len;
        VEC_PUSH(&batch->items,
                 (struct batch_item){.url = input_text(input, "bizUrl"), .index = index});
    }
    *ret = batch;
    read_next(batch);
}
