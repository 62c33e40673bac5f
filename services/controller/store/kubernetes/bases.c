/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of store.h on bases. Each becomes an event of the one thread that owns them:
 *
 *   bases.c      calls and life                  follow.c      Deployments, and which Pods are theirs
 *   entries.c    the documents                   pod_labels.c  labels, written to Pods
 *   pod.c        what a Pod says                 overlay.c     what reports add to it
 *   deployment.c what a Deployment says
 *
 * Versions begin at the time of the start, so that one of a former life is too old here.
 */
#include "services/controller/store/kubernetes/bases.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/store/kubernetes/bases_internal.h"
#include "services/controller/store/query.h"

struct call {
    struct loop_event event;
    struct bases *bases;
    char *namespace, *name; /* of a base; or the name of a Deployment */
    enum store_part part;
    char *patch, *uid, *resource_version;
    struct query query;
    store_done_fn done;
    store_list_fn list_done;
    void *user;
    uint64_t follower_id;
};

struct bases_watch {
    struct store_watch *watch;
};

static struct call *call_new(struct bases *bases, void (*fn)(struct loop_event *),
                             const char *namespace, const char *name)
{
    struct call *call = NEW(struct call);
    call->event.fn = fn;
    call->bases = bases;
    call->namespace = mem_strdup(namespace);
    call->name = mem_strdup(name);
    return call;
}

static void post(struct call *call)
{
    loop_post(call->bases->loop, &call->event);
}

static void free_call(struct call *call)
{
    query_done(&call->query);
    mem_free(call->namespace);
    mem_free(call->name);
    mem_free(call->patch);
    mem_free(call->uid);
    mem_free(call->resource_version);
    mem_free(call);
}

static void fail(const struct call *call, const struct err *err)
{
    call->done(call->user, NULL, err);
}

static void succeed(const struct call *call, const struct base_entry *entry)
{
    struct document document = record_document(entry->record);
    call->done(call->user, &document, NULL);
}

static int not_there(const char *key, struct err **err)
{
    return err_set(err, ERR_NOT_FOUND, "Base \"%s\" is not there", key);
}

/* The base of @call, be it removed or not; where it is not there the call fails. */
static struct base_entry *entry_of(const struct call *call, bool removed_too, struct err **err)
{
    AUTO_FREE char *key = mem_printf("%s/%s", call->namespace, call->name);
    struct base_entry *entry = map_get(&call->bases->entries, key);
    if (!entry || (!entry->record && !removed_too)) {
        not_there(key, err);
        return NULL;
    }
    return entry;
}

static int check_version(const struct call *call, const struct base_entry *entry, struct err **err)
{
    const char *now = entry->record ? entry->record->version_text : "";
    if (call->resource_version && !str_eq(call->resource_version, now))
        return err_set(err, ERR_CONFLICT, "Base \"%s\" has version %s, not %s", entry->key, now,
                       call->resource_version);
    if (call->uid && !str_eq(call->uid, entry->pod.base->meta.uid))
        return err_set(err, ERR_CONFLICT, "Base \"%s\" is another one now", entry->key);
    return 0;
}

/* -- get and remove -- */

static void on_get(struct loop_event *event)
{
    struct call *call = CONTAINER_OF(event, struct call, event);
    AUTO_ERR struct err *err = NULL;
    const struct base_entry *entry = entry_of(call, /* removed_too= */ false, &err);
    if (entry)
        succeed(call, entry);
    else
        fail(call, err);
    free_call(call);
}

void bases_get(struct bases *bases, const struct store_key *key, store_done_fn done, void *user)
{
    struct call *call = call_new(bases, on_get, key->namespace, key->name);
    call->done = done;
    call->user = user;
    post(call);
}

static void on_remove(struct loop_event *event)
{
    struct call *call = CONTAINER_OF(event, struct call, event);
    AUTO_ERR struct err *err = NULL;
    struct base_entry *entry = entry_of(call, /* removed_too= */ false, &err);
    if (!entry || check_version(call, entry, &err) < 0) {
        fail(call, err);
    } else {
        succeed(call, entry);
        entries_hide(call->bases, entry);
    }
    free_call(call);
}

void bases_remove(struct bases *bases, const struct store_key *key, const char *uid,
                  const char *resource_version, store_done_fn done, void *user)
{
    struct call *call = call_new(bases, on_remove, key->namespace, key->name);
    call->uid = mem_strdup(uid);
    call->resource_version = mem_strdup(resource_version);
    call->done = done;
    call->user = user;
    post(call);
}

/* -- patch -- */

/* Whether @labels, a merge patch, changes anything. */
static bool labels_differ(const struct base_entry *entry, const cJSON *labels)
{
    for (const cJSON *label = labels->child; label; label = label->next)
        if (!str_eq(json_map_get(&entry->pod.base->meta.labels, label->string),
                    cJSON_GetStringValue(label)))
            return true;
    return false;
}

static int check_labels(const cJSON *labels, struct err **err)
{
    for (const cJSON *label = labels ? labels->child : NULL; label; label = label->next)
        if (!cJSON_IsString(label) && !cJSON_IsNull(label))
            return err_field(err, "metadata.labels", "%s must be a string", label->string);
    return labels && !cJSON_IsObject(labels)
               ? err_field(err, "metadata.labels", "must be an object")
               : 0;
}

static bool only_takes_off(const cJSON *labels)
{
    const cJSON *label = labels ? labels->child : NULL;
    bool takes_off = label != NULL;
    for (; label; label = label->next)
        takes_off = takes_off && cJSON_IsNull(label);
    return takes_off;
}

/* From a Pod that is no base, or not any more, labels are taken off, and nothing is put on. */
static int patch_no_base(const struct call *call, const cJSON *patch, struct err **err)
{
    const struct pod_key pod = {call->namespace, call->name,
                                json_get_string(patch, "metadata.uid")};
    const cJSON *labels = call->part == STORE_MAIN ? json_get(patch, "metadata.labels") : NULL;
    if (str_empty(pod.uid) || !only_takes_off(labels))
        return err_set(err, ERR_NOT_FOUND, "Base \"%s/%s\" is not there", pod.namespace, pod.name);
    pod_labels_patch(call->bases, &pod, labels, call->done, call->user);
    return 0;
}

static int patch_entry(const struct call *call, struct base_entry *entry, const cJSON *patch,
                       struct err **err)
{
    const cJSON *labels = call->part == STORE_MAIN ? json_get(patch, "metadata.labels") : NULL;
    if (check_labels(labels, err) < 0 || check_version(call, entry, err) < 0 ||
        overlay_patch(&entry->overlay, call->part, patch, err) < 0)
        return -1;
    /* Labels and zone are no news of one that was removed. */
    if (entry->record || call->part == STORE_STATUS)
        entries_show(call->bases, entry);
    bool pending = map_get(&call->bases->labels, entry->key) != NULL;
    const struct pod_key pod = pod_key_of(entry);
    if (labels && (pending || labels_differ(entry, labels)))
        pod_labels_patch(call->bases, &pod, labels, call->done, call->user);
    else if (entry->record)
        succeed(call, entry);
    else
        return not_there(entry->key, err);
    return 0;
}

static int apply_patch(const struct call *call, struct err **err)
{
    AUTO_JSON cJSON *patch = json_parse(call->patch, strlen(call->patch), LIMIT_OBJECT, err);
    if (!patch)
        return -1;
    const char *uid = json_get_string(patch, "metadata.uid");
    struct base_entry *entry = entry_of(call, /* removed_too= */ true, NULL);
    bool meant = entry && (!uid || str_eq(uid, entry->pod.base->meta.uid));
    return meant ? patch_entry(call, entry, patch, err) : patch_no_base(call, patch, err);
}

static void on_patch(struct loop_event *event)
{
    struct call *call = CONTAINER_OF(event, struct call, event);
    AUTO_ERR struct err *err = NULL;
    if (apply_patch(call, &err) < 0)
        fail(call, err);
    free_call(call);
}

void bases_patch(struct bases *bases, const struct store_key *key, enum store_part part,
                 const char *merge_patch, const char *resource_version, store_done_fn done,
                 void *user)
{
    struct call *call = call_new(bases, on_patch, key->namespace, key->name);
    call->part = part;
    call->patch = mem_strdup(merge_patch);
    call->resource_version = mem_strdup(resource_version);
    call->done = done;
    call->user = user;
    post(call);
}

/* -- list and watch -- */

/* As strcmp() of "namespace/name". */
static int compare(const char *a_space, const char *a_name, const char *b_space, const char *b_name)
{
    for (; *a_space && *a_space == *b_space; b_space++)
        a_space++;
    if (!*a_space && !*b_space)
        return strcmp(a_name, b_name);
    return (*a_space ? *a_space : '/') - (*b_space ? *b_space : '/');
}

static int by_key(const void *a, const void *b)
{
    const struct record *x = *(struct record *const *)a, *y = *(struct record *const *)b;
    return compare(x->namespace, x->name, y->namespace, y->name);
}

/* Where the page before ended; without a @token, before all. */
static int read_token(const struct bases *bases, const char *token, struct page_end *out,
                      struct err **err)
{
    *out = (struct page_end){.version = bases->version};
    if (!token)
        return 0;
    if (page_end_read(token, bases->version, out, err) < 0)
        return -1;
    return out->version < watches_oldest(bases->watches)
               ? err_set(err, ERR_EXPIRED, "the list is too old, read it again")
               : 0;
}

static bool comes_after(const struct record *record, const struct page_end *end)
{
    return !end->name || compare(record->namespace, record->name, end->namespace, end->name) > 0;
}

static size_t find_records(const struct call *call, const struct page_end *from,
                           struct record **records)
{
    const struct map *entries = &call->bases->entries;
    size_t count = 0;
    for (size_t i = 0; i < entries->len; i++) {
        struct record *record = ((struct base_entry *)entries->entries[i].value)->record;
        if (record && comes_after(record, from) && query_matches(&call->query, record))
            records[count++] = record;
    }
    if (count)
        qsort(records, count, sizeof(struct record *), by_key);
    return count;
}

static void list(const struct call *call, const struct page_end *from)
{
    AUTO_FREE struct record **records =
        mem_alloc(call->bases->entries.len * sizeof(struct record *));
    size_t count = find_records(call, from, records);
    bool more = call->query.limit > 0 && count > (size_t)call->query.limit;
    count = more ? (size_t)call->query.limit : count;
    AUTO_FREE struct document *documents = mem_alloc(count * sizeof(*documents));
    for (size_t i = 0; i < count; i++)
        documents[i] = record_document(records[i]);
    AUTO_FREE char *version = mem_printf("%lld", (long long)from->version);
    AUTO_FREE char *token = more ? page_end_token(from->version, &documents[count - 1]) : NULL;
    const struct store_list page = {documents, count, version, token};
    call->list_done(call->user, &page, NULL);
}

static void on_list(struct loop_event *event)
{
    struct call *call = CONTAINER_OF(event, struct call, event);
    AUTO_ERR struct err *err = NULL;
    AUTO(page_end_done) struct page_end from;
    if (read_token(call->bases, call->query.continue_token, &from, &err) < 0)
        call->list_done(call->user, NULL, err);
    else
        list(call, &from);
    free_call(call);
}

void bases_list(struct bases *bases, const struct store_query *query, store_list_fn done,
                void *user)
{
    struct call *call = call_new(bases, on_list, NULL, NULL);
    query_copy(&call->query, query);
    call->list_done = done;
    call->user = user;
    post(call);
}

struct bases_watch *bases_watch(struct bases *bases, const struct store_query *query,
                                const char *resource_version, store_event_fn on_event, void *user)
{
    struct bases_watch *watch = NEW(struct bases_watch);
    watch->watch = watches_start(bases->watches, query, resource_version, on_event, user);
    return watch;
}

void bases_watch_stop(struct bases *bases, struct bases_watch *watch)
{
    watches_stop(bases->watches, watch->watch);
    mem_free(watch);
}

/* -- follow -- */

static void on_follow(struct loop_event *event)
{
    struct call *call = CONTAINER_OF(event, struct call, event);
    follow_start(call->bases, call->namespace, call->name, call->follower_id);
    free_call(call);
}

static void on_unfollow(struct loop_event *event)
{
    struct call *call = CONTAINER_OF(event, struct call, event);
    follow_stop(call->bases, call->namespace, call->name);
    free_call(call);
}

void bases_follow(struct bases *bases, const char *namespace, const char *deployment,
                  store_follow_fn on_state, void *user)
{
    struct call *call = call_new(bases, on_follow, namespace, deployment);
    struct follower *follower = NEW(struct follower);
    AUTO_FREE char *key = mem_printf("%s/%s", namespace, deployment);
    pthread_mutex_lock(&bases->mutex);
    call->follower_id = ++bases->follower_id;
    *follower = (struct follower){bases->follower_id, on_state, user};
    mem_free(map_put(&bases->followers, key, follower));
    pthread_mutex_unlock(&bases->mutex);
    post(call);
}

void bases_unfollow(struct bases *bases, const char *namespace, const char *deployment)
{
    AUTO_FREE char *key = mem_printf("%s/%s", namespace, deployment);
    pthread_mutex_lock(&bases->mutex); /* on_state is called under it */
    mem_free(map_remove(&bases->followers, key));
    pthread_mutex_unlock(&bases->mutex);
    post(call_new(bases, on_unfollow, namespace, deployment));
}

/* -- life -- */

void bases_request(struct bases *bases)
{
    bases->requests++;
}

static void end_if_idle(struct bases *bases)
{
    if (bases->stopping && !bases->requests)
        loop_stop(bases->loop);
}

void bases_answered(struct bases *bases)
{
    bases->requests--;
    end_if_idle(bases);
}

static void on_stop(struct loop_event *event)
{
    struct call *call = CONTAINER_OF(event, struct call, event);
    call->bases->stopping = true;
    follow_stop_all(call->bases);
    end_if_idle(call->bases);
    free_call(call);
}

static void *run(void *arg)
{
    struct bases *bases = arg;
    loop_run(bases->loop);
    return NULL;
}

struct bases *bases_new(const struct kubernetes_options *options)
{
    struct bases *bases = NEW(struct bases);
    bases->client = options->client;
    bases->clock = options->clock;
    bases->log = options->log;
    bases->agent_port = options->agent_port;
    bases->loop = loop_new(options->clock, LIMIT_INBOX);
    /* More than any of the life before. Where the clock was set back, it is less: those of that life are unknown
     * then, as if they had never been given, until so many changes have come, one for each millisecond. */
    bases->version = clock_wall_ms(options->clock);
    bases->watches = watches_new(options->clock, bases->version);
    pthread_mutex_init(&bases->mutex, NULL);
    int r = pthread_create(&bases->thread, NULL, run, bases);
    ASSERT(r == 0); /* no threads: as hopeless as no memory */
    return bases;
}

void bases_free(struct bases *bases)
{
    post(call_new(bases, on_stop, NULL, NULL));
    pthread_join(bases->thread, NULL);
    loop_free(bases->loop);
    entries_done(bases);
    watches_free(bases->watches);
    for (size_t i = 0; i < bases->followers.len; i++)
        mem_free(bases->followers.entries[i].value);
    map_done(&bases->followers);
    map_done(&bases->follows);
    map_done(&bases->labels);
    pthread_mutex_destroy(&bases->mutex);
    mem_free(bases);
}
