/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PlanRelease, a preview: a copy of the present from lists of the store, a forecast on it, the answer.
 *
 *   gRPC thread            the request is checked, a preview begins
 *   the previews' thread   it waits for a place, since copies are large, and asks for the first page
 *   the store's            a page of a list came: its documents are copied, the preview is posted
 *   the previews' thread   they are read into structs; the next page is asked for; after the last one the forecast runs,
 *                          a millisecond or so in each turn, so that the others have theirs; it stops where it has a
 *                          question to the scheduler, whose answer is posted too
 *
 * A preview is looked at in every turn: where nobody waits for it any more, it ends. So it is when the server stops.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/api/preview_internal.h"

/* About a millisecond. */
#define EFFORT_PER_TURN 4096

/* -- the thread -- */

static void *run_loop(void *loop)
{
    loop_run(loop);
    return NULL;
}

void previews_init(struct api *api)
{
    struct previews *previews = &api->previews;
    list_init(&previews->waiting);
    previews->effort_per_turn = EFFORT_PER_TURN;
    previews->loop = loop_new(api->clock, LIMIT_INBOX);
    int failed = pthread_create(&previews->thread, NULL, run_loop, previews->loop);
    ASSERT(!failed);
}

/* The server is gone, and with it all calls. */
void previews_done(struct api *api)
{
    struct previews *previews = &api->previews;
    loop_stop(previews->loop);
    pthread_join(previews->thread, NULL);
    ASSERT(!previews->asked);
    loop_free(previews->loop);
}

/* -- beginnings and ends -- */

static void drop_answer(struct preview *preview)
{
    for (size_t i = 0; i < preview->name_count; i++)
        mem_free(preview->names[i]);
    mem_free(TAKE(preview->names));
    preview->name_count = 0;
    mem_free(TAKE(preview->explanation));
    mem_free(TAKE(preview->failure));
}

/* It has been answered. */
static void preview_free(struct preview *preview)
{
    struct previews *previews = &preview->api->previews;
    previews->asked--;
    previews->copies -= preview->placed;
    drop_answer(preview);
    preview__copy_done(preview);
    forecast_free(preview->forecast);
    mem_free(preview);
}

/* The client has gone, or its deadline is over, or the server stops. */
static bool is_useless(const struct preview *preview)
{
    return rpc_call_cancelled(preview->reply.call);
}

static void drop(struct preview *preview)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_CANCELLED, "nobody waits for the preview any more");
    reply_fail(&preview->reply, err);
    preview_free(preview);
}

static void on_page(struct loop_event *event);

/* Those that came first get the places that are free. */
static void give_places(struct previews *previews)
{
    while (previews->copies < LIMIT_PREVIEW_COPIES && !list_empty(&previews->waiting)) {
        struct preview *first = LIST_ENTRY(previews->waiting.next, struct preview, node);
        list_remove(&first->node);
        if (is_useless(first)) {
            drop(first);
            continue;
        }
        first->placed = true;
        previews->copies++;
        first->event.fn = on_page;
        preview__ask_page(first);
    }
}

static void end(struct preview *preview)
{
    struct previews *previews = &preview->api->previews;
    preview_free(preview);
    give_places(previews);
}

static void fail(struct preview *preview, const struct err *err)
{
    reply_fail(&preview->reply, err);
    end(preview);
}

/* Return: whether it has ended, since nobody waits for it any more. */
static bool end_useless(struct preview *preview)
{
    struct previews *previews = &preview->api->previews;
    if (!is_useless(preview))
        return false;
    drop(preview);
    give_places(previews);
    return true;
}

static void drop_useless(struct previews *previews)
{
    for (struct list *at = previews->waiting.next, *next; at != &previews->waiting; at = next) {
        struct preview *preview = LIST_ENTRY(at, struct preview, node);
        next = at->next;
        if (!is_useless(preview))
            continue;
        list_remove(&preview->node);
        drop(preview);
    }
}

static void on_begin(struct loop_event *event)
{
    struct preview *preview = CONTAINER_OF(event, struct preview, event);
    struct previews *previews = &preview->api->previews;
    if (previews->asked++ >= LIMIT_PREVIEWS)
        drop_useless(previews);
    if (previews->asked > LIMIT_PREVIEWS) {
        AUTO_ERR struct err *err = NULL;
        err_set(&err, ERR_LIMIT, "%d previews are being made already", LIMIT_PREVIEWS);
        fail(preview, err);
        return;
    }
    list_append(&previews->waiting, &preview->node);
    give_places(previews);
}

/* -- the forecast -- */

static void on_answer(struct loop_event *event);
static void on_turn(struct loop_event *event);

static void on_scheduled(void *user, char *const *names, size_t count, const char *explanation,
                         const char *failure)
{
    struct preview *preview = user;
    preview->names = mem_alloc(count * sizeof(char *));
    preview->name_count = count;
    for (size_t i = 0; i < count; i++)
        preview->names[i] = mem_strdup(names[i]);
    preview->explanation = mem_strdup(explanation);
    preview->failure = mem_strdup(failure);
    loop_post(preview->api->previews.loop, &preview->event);
}

static void ask(struct preview *preview)
{
    const struct api_scheduler *scheduler = &preview->api->scheduler;
    preview->event.fn = on_answer;
    scheduler->ask(scheduler->context, forecast_question(preview->forecast), on_scheduled, preview);
}

static void run(struct preview *preview)
{
    struct previews *previews = &preview->api->previews;
    enum forecast_state state = forecast_run(preview->forecast, previews->effort_per_turn);
    if (state == FORECAST_ASKS) {
        ask(preview);
    } else if (state == FORECAST_GOES_ON) {
        preview->event.fn = on_turn;
        loop_post(previews->loop, &preview->event);
    } else {
        preview__respond(preview, state);
        end(preview);
    }
}

static void on_turn(struct loop_event *event)
{
    struct preview *preview = CONTAINER_OF(event, struct preview, event);
    if (!end_useless(preview))
        run(preview);
}

static void on_answer(struct loop_event *event)
{
    struct preview *preview = CONTAINER_OF(event, struct preview, event);
    if (end_useless(preview))
        return;
    if (preview->failure) {
        AUTO_ERR struct err *err = NULL;
        err_set(&err, ERR_UNAVAILABLE, "%s", preview->failure);
        fail(preview, err);
        return;
    }
    forecast_answer(preview->forecast, preview->names, preview->name_count, preview->explanation);
    drop_answer(preview);
    run(preview);
}

static void on_page(struct loop_event *event)
{
    struct preview *preview = CONTAINER_OF(event, struct preview, event);
    AUTO_ERR struct err *err = NULL;
    if (end_useless(preview))
        return;
    int whole = preview__take_page(preview, &err);
    if (whole < 0)
        fail(preview, err);
    else if (whole)
        run(preview);
    else
        preview__ask_page(preview);
}

/* -- the call -- */

static int check(const Koupleless__Controller__V1__PlanReleaseRequest *request, struct err **err)
{
    const Koupleless__Module__V1__ModuleDeployment *message = request->module_deployment;
    if (!message || !message->metadata || str_empty(message->metadata->name))
        return err_field(err, "metadata.name", "is required");
    if (request->install_ms < 0)
        return err_field(err, "install_ms", "must not be negative");
    AUTO_JSON cJSON *valid = message->spec ? apply_result(message, NULL, err) : NULL;
    return message->spec && !valid ? -1 : 0;
}

void preview_release(struct api *api, const Koupleless__Controller__V1__PlanReleaseRequest *request,
                     const struct reply *reply)
{
    AUTO_ERR struct err *err = NULL;
    if (check(request, &err) < 0) {
        reply_fail(reply, err);
        return;
    }
    struct preview *preview = NEW(struct preview);
    preview->event.fn = on_begin;
    preview->api = api;
    preview->reply = *reply;
    preview->request = request;
    preview->namespace = namespace_or_default(request->module_deployment->metadata->namespace_);
    preview->name = request->module_deployment->metadata->name;
    loop_post(api->previews.loop, &preview->event);
}
