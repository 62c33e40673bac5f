/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what happened, for people. Nobody waits for them to be written. Those of an earlier life of the
 * controller are listed once, so that counting goes on and what is old goes too.
 */
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/controller_internal.h"
#include "services/controller/documents.h"

#define SWEEP_EVERY_MS 60000
#define RELIST_MS 30000 /* after a list has failed */
#define PAGE 500

/* One page of the events that are stored already, on its way to the loop. */
struct event_page {
    struct loop_event event;
    struct controller *controller;
    VEC(struct event_record *) records;
    char *continue_token;
    struct err *err;
};

static void list_page(struct controller *controller, const char *continue_token);

static void on_page(struct loop_event *event)
{
    struct event_page *page = CONTAINER_OF(event, struct event_page, event);
    struct controller *controller = page->controller;
    controller->in_flight--;
    for (size_t i = 0; i < page->records.len; i++) {
        struct event_record *record = page->records.items[i];
        event_ledger_learn(&controller->events, record->meta.namespace, record->meta.name,
                           record->count, record->last_ms, loop_wall_ms(controller->loop),
                           loop_now_ms(controller->loop));
        event_record_free(record);
    }
    VEC_DONE(&page->records);
    if (page->err && !controller->stopping) {
        controller_log_failure(controller, "list of Events", page->err);
        loop_timer_start(controller->loop, &controller->relist,
                         loop_now_ms(controller->loop) + RELIST_MS);
    } else if (page->continue_token && !controller->stopping) {
        list_page(controller, page->continue_token);
    }
    mem_free(page->continue_token);
    err_free(page->err);
    mem_free(page);
}

static void on_listed(void *user, const struct store_list *list, const struct err *err)
{
    struct event_page *page = user;
    for (size_t i = 0; !err && i < list->len; i++) {
        const struct document *document = &list->items[i];
        AUTO_JSON cJSON *json = json_parse(document->json, document->json_len, LIMIT_OBJECT, NULL);
        struct event_record *record = json ? event_record_read(json, NULL) : NULL;
        if (record)
            VEC_PUSH(&page->records, record);
    }
    if (err)
        page->err = err_copy(err);
    else
        page->continue_token = mem_strdup(list->continue_token);
    loop_post(page->controller->loop, &page->event);
}

static void list_page(struct controller *controller, const char *continue_token)
{
    struct event_page *page = NEW(struct event_page);
    page->event.fn = on_page;
    page->controller = controller;
    controller->in_flight++;
    struct store_query query = {
        .kind = KIND_EVENT,
        .namespace = controller->options.namespace,
        .limit = PAGE,
        .continue_token = continue_token,
    };
    store_list(controller->store, &query, on_listed, page);
}

/* From the start: the token may be too old by now. */
static void on_relist(struct loop_timer *timer)
{
    list_page(CONTAINER_OF(timer, struct controller, relist), NULL);
}

static void on_sweep(struct loop_timer *timer)
{
    struct controller *controller = CONTAINER_OF(timer, struct controller, sweep);
    int64_t now_ms = loop_now_ms(controller->loop);
    struct event_entry *entry;
    while ((entry = event_ledger_expire(&controller->events, now_ms, LIMIT_EVENTS))) {
        struct object_meta meta = {.namespace = entry->namespace, .name = entry->name};
        if (!store_events_expire(controller->store))
            controller_remove(controller, KIND_EVENT, &meta);
        event_entry_free(entry);
    }
    loop_timer_start(controller->loop, timer, now_ms + SWEEP_EVERY_MS);
}

static void write_count(struct controller *controller, struct event_entry *entry)
{
    struct object_meta meta = {.namespace = entry->namespace, .name = entry->name};
    controller_patch_or_create(controller, KIND_EVENT, &meta,
                               patch_event(entry->count, entry->last_ms), TAKE(entry->document));
    event_entry_wrote(entry, loop_now_ms(controller->loop));
}

/* Runs while some count is to be written; there are few entries then, or few such turns. */
static void on_count(struct loop_timer *timer)
{
    struct controller *controller = CONTAINER_OF(timer, struct controller, count);
    int64_t now_ms = loop_now_ms(controller->loop), next_ms = TIME_NEVER;
    for (size_t i = 0; i < controller->events.entries.len; i++) {
        struct event_entry *entry = controller->events.entries.entries[i].value;
        int64_t due_ms = event_entry_due_ms(entry);
        if (due_ms <= now_ms)
            write_count(controller, entry);
        else if (due_ms < next_ms)
            next_ms = due_ms;
    }
    if (next_ms != TIME_NEVER)
        loop_timer_start(controller->loop, timer, next_ms);
}

void events_start(struct controller *controller)
{
    loop_timer_init(&controller->count, on_count);
    loop_timer_init(&controller->sweep, on_sweep);
    loop_timer_init(&controller->relist, on_relist);
    loop_timer_start(controller->loop, &controller->sweep,
                     loop_now_ms(controller->loop) + SWEEP_EVERY_MS);
    list_page(controller, NULL);
}

void events_stop(struct controller *controller)
{
    loop_timer_stop(controller->loop, &controller->sweep);
    loop_timer_stop(controller->loop, &controller->count);
    loop_timer_stop(controller->loop, &controller->relist);
}

void events_write(struct controller *controller, enum object_kind kind,
                  const struct object_meta *involved, const struct action *action, int nth)
{
    int64_t wall_ms = loop_wall_ms(controller->loop) + nth;
    AUTO_FREE char *name =
        event_name(involved->name, involved->uid, action->reason, action->message);
    struct event_entry *entry = event_ledger_note(&controller->events, involved->namespace, name,
                                                  wall_ms, loop_now_ms(controller->loop));
    char *document = document_event(name, kind_name(kind), involved, action, entry->count, wall_ms);
    int64_t due_ms = event_entry_due_ms(entry);
    if (!entry->written) {
        controller_create(controller, KIND_EVENT, document);
        event_entry_wrote(entry, loop_now_ms(controller->loop));
        return;
    }
    /* Somebody may have removed it, or the API server after its --event-ttl. */
    mem_free(entry->document);
    entry->document = document;
    if (controller->count.due_ms > due_ms)
        loop_timer_start(controller->loop, &controller->count, due_ms);
}
