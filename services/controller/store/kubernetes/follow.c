/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A base Deployment that is followed, and its Pods.
 *
 *   Deployment: list ─> watch ─> its selector ─> Pods: list ─> watch
 *                 ^        │ expired                    ^       │ expired
 *                 └────────┘                            └───────┘ or another selector
 *
 * A list is the watch's own (lib/kube/client.h), or comes in pages where that can't be had.
 * A Deployment that is gone leaves its Pods behind until they are gone too: they are watched by its last
 * selector. Bases stay as they are shown until a list of Pods is complete. What the client tells comes on its
 * threads and is posted to the loop; what was asked before the last turn of events is left aside.
 */
#include <stdatomic.h>
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/store/kubernetes/bases_internal.h"
#include "services/controller/store/kubernetes/deployment.h"
#include "services/controller/store/kubernetes/texts.h"

#define PAGE_PODS 200 /* some KiB each */
#define RETRY_MS 2000 /* after a list failed, which the client has tried for a while */

static const struct kube_resource resources[] = {
    {.group = "apps", .version = "v1", .plural = "deployments", .kind = "Deployment"},
    {.group = "", .version = "v1", .plural = "pods", .kind = "Pod"},
};

enum subject { DEPLOYMENT, PODS };

/* One kind of objects that is listed and watched. */
struct feed {
    struct follow *follow;
    enum subject subject;
    struct kube_watch *watch;
    struct asked *watching; /* of the watch */
    struct loop_timer retry;
    uint64_t turn;               /* grows when what is under way does not count any more */
    bool listing;                /* the watch tells what there is */
    bool some;                   /* the present list has an object */
    bool listed;                 /* once */
    atomic_size_t untaken_bytes; /* of what the watch told */
    char *trouble;               /* why it can't be listed, or NULL */
};

struct follow {
    struct bases *bases;
    char *key, *namespace, *deployment;
    uint64_t id; /* of its follower */
    struct feed feeds[2];
    struct deployment_read read; /* as last seen */
    bool found, stopped;
    atomic_int arrivals; /* posted, not handled */
    char *told;          /* the state that was told last */
};

/* What the client told. */
struct arrival {
    struct loop_event event;
    struct feed *feed;
    uint64_t turn;
    bool answer;               /* to a list, not from a watch */
    enum kube_event_type type; /* from a watch */
    char *text;
    size_t bytes;
    struct err *err;
};

/* What was asked, as long as the client may answer: a list or a watch, of the turn when it was begun. */
struct asked {
    struct feed *feed;
    uint64_t turn;
    bool overrun; /* a watch that is faster than the loop: no more of it is taken */
};

static struct asked *asked_new(struct feed *feed)
{
    struct asked *asked = NEW(struct asked);
    *asked = (struct asked){.feed = feed, .turn = feed->turn};
    return asked;
}

static void ask_page(struct feed *feed, const char *continue_token);
static void watch_from(struct feed *feed, const char *version);

static void free_follow_if_idle(struct follow *follow)
{
    if (!follow->stopped || atomic_load(&follow->arrivals))
        return;
    mem_free(follow->feeds[DEPLOYMENT].trouble);
    mem_free(follow->feeds[PODS].trouble);
    deployment_read_done(&follow->read);
    mem_free(follow->told);
    mem_free(follow->key);
    mem_free(follow->namespace);
    mem_free(follow->deployment);
    mem_free(follow);
}

/* -- the state, for who follows -- */

static char *describe(const struct follow *follow, const struct followed *state)
{
    const char *trouble = follow->feeds[DEPLOYMENT].trouble;
    if (!trouble)
        trouble = follow->feeds[PODS].trouble;
    if (!state->listed)
        return mem_strdup(trouble);
    return state->found ? NULL
                        : mem_printf("Deployment %s is not there in namespace %s",
                                     follow->deployment, follow->namespace);
}

static void tell(struct follow *follow)
{
    struct bases *bases = follow->bases;
    const struct feed *feeds = follow->feeds;
    bool pods_listed = follow->read.selector ? feeds[PODS].listed : !follow->found;
    bool listed = feeds[DEPLOYMENT].listed && pods_listed;
    AUTO_FREE char *version = mem_printf("%lld", (long long)bases->version);
    struct followed state = {.listed = listed, .found = follow->found, .resource_version = version};
    AUTO_FREE char *message = describe(follow, &state);
    state.message = message;
    AUTO_FREE char *told =
        mem_printf("%d %d %s", state.listed, state.found, message ? message : "");
    if ((!listed && !message) || str_eq(told, follow->told))
        return;
    mem_replace(&follow->told, told);
    pthread_mutex_lock(&bases->mutex);
    const struct follower *follower = map_get(&bases->followers, follow->key);
    if (follower && follower->id == follow->id)
        follower->on_state(follower->user, follow->namespace, follow->deployment, &state);
    pthread_mutex_unlock(&bases->mutex);
}

static void set_trouble(struct feed *feed, const struct err *err)
{
    const char *what = err ? err->message : NULL;
    if (what && !str_eq(feed->trouble, what))
        log_warn(feed->follow->bases->log, "bases can't be followed, tried again",
                 LOG_STR("deployment", feed->follow->key), LOG_ERR(err));
    mem_replace(&feed->trouble, what);
}

/* -- asking -- */

static void stop_feed(struct feed *feed)
{
    struct bases *bases = feed->follow->bases;
    feed->turn++;
    loop_timer_stop(bases->loop, &feed->retry);
    if (feed->watch)
        kube_watch_stop(bases->client, TAKE(feed->watch));
    mem_free(TAKE(feed->watching));
}

static void begin_list(struct feed *feed)
{
    stop_feed(feed);
    feed->listing = feed->some = false;
    if (feed->subject == PODS)
        entries_begin_list(feed->follow->bases, feed->follow);
}

static void start_pages(struct feed *feed)
{
    begin_list(feed);
    ask_page(feed, NULL);
}

static void start_feed(struct feed *feed)
{
    begin_list(feed);
    feed->listing = true;
    watch_from(feed, NULL);
}

static void on_retry(struct loop_timer *timer)
{
    start_feed(CONTAINER_OF(timer, struct feed, retry));
}

static struct arrival *arrival_new(struct feed *feed, uint64_t turn, const char *text, size_t bytes,
                                   const struct err *err);

static void on_answer(void *user, const struct kube_answer *answer, const struct err *err)
{
    struct asked *asked = user;
    struct arrival *arrival = arrival_new(asked->feed, asked->turn, answer ? answer->body : NULL,
                                          answer ? answer->body_bytes : 0, err);
    arrival->answer = true;
    atomic_fetch_sub(&asked->feed->follow->arrivals, 1); /* the request; its arrival counts now */
    loop_post(asked->feed->follow->bases->loop, &arrival->event);
    mem_free(asked);
}

static struct kube_path path_of(const struct feed *feed)
{
    return (struct kube_path){.resource = &resources[feed->subject],
                              .namespace = feed->follow->namespace};
}

static char *fields_of(const struct feed *feed)
{
    return feed->subject == DEPLOYMENT ? mem_printf("metadata.name=%s", feed->follow->deployment)
                                       : NULL;
}

static const char *labels_of(const struct feed *feed)
{
    return feed->subject == PODS ? feed->follow->read.selector : NULL;
}

static void ask_page(struct feed *feed, const char *continue_token)
{
    AUTO_FREE char *fields = fields_of(feed);
    const struct kube_request request = {
        .verb = KUBE_LIST,
        .path = path_of(feed),
        .label_selector = labels_of(feed),
        .field_selector = fields,
        .limit = PAGE_PODS,
        .continue_token = continue_token,
    };
    atomic_fetch_add(&feed->follow->arrivals, 1);
    bases_request(feed->follow->bases);
    kube_send(feed->follow->bases->client, &request, on_answer, asked_new(feed));
}

static void on_watch_event(void *user, const struct kube_event *event)
{
    struct asked *asked = user;
    if (event->type == KUBE_BOOKMARK || asked->overrun)
        return;
    size_t bytes = event->object_bytes;
    asked->overrun =
        atomic_fetch_add(&asked->feed->untaken_bytes, bytes) + bytes > LIMIT_UNTAKEN_BYTES;
    struct arrival *arrival = arrival_new(asked->feed, asked->turn,
                                          asked->overrun ? NULL : event->object, bytes, event->err);
    arrival->type = asked->overrun ? KUBE_EXPIRED : event->type;
    loop_post(asked->feed->follow->bases->loop, &arrival->event);
}

static void watch_from(struct feed *feed, const char *version)
{
    AUTO_FREE char *fields = fields_of(feed);
    const struct kube_watch_request request = {
        .path = path_of(feed),
        .label_selector = labels_of(feed),
        .field_selector = fields,
        .resource_version = version,
    };
    feed->watching = asked_new(feed);
    feed->watch = kube_watch(feed->follow->bases->client, &request, on_watch_event, feed->watching);
}

/* -- taking -- */

static void take_pod(struct follow *follow, const cJSON *json)
{
    const struct pod_context context = {.deployment = follow->deployment,
                                        .its_labels = &follow->read.labels,
                                        .agent_port = follow->bases->agent_port};
    entries_apply(follow->bases, follow, &context, json);
}

void follow_took_pod(struct bases *bases, const struct base_entry *entry, const cJSON *json)
{
    for (size_t i = 0; i < bases->follows.len; i++)
        if (bases->follows.entries[i].value == entry->follow)
            take_pod(bases->follows.entries[i].value, json);
}

/* Where its selector can't be read, the one before counts. */
static void take_deployment(struct follow *follow, const cJSON *json)
{
    struct deployment_read read;
    AUTO_ERR struct err *err = NULL;
    follow->found = true;
    if (deployment_read(json, &read, &err) < 0) {
        set_trouble(&follow->feeds[DEPLOYMENT], err);
        return;
    }
    set_trouble(&follow->feeds[DEPLOYMENT], NULL);
    bool same = deployment_reads_equal(&read, &follow->read);
    deployment_read_done(&follow->read);
    follow->read = read;
    if (!same)
        start_feed(&follow->feeds[PODS]);
}

static void take_object(struct feed *feed, const cJSON *json)
{
    if (feed->subject == PODS)
        take_pod(feed->follow, json);
    else
        take_deployment(feed->follow, json);
}

static void take_absence(struct feed *feed, const struct arrival *arrival)
{
    AUTO_JSON cJSON *json = json_parse(arrival->text, arrival->bytes, LIMIT_HTTP_BODY, NULL);
    const char *name = json ? json_get_string(json, "metadata.name") : NULL;
    feed->some = false; /* it was the only one, or nobody asks */
    if (feed->subject == DEPLOYMENT)
        feed->follow->found = false;
    else if (name)
        entries_drop(feed->follow->bases, feed->follow, feed->follow->namespace, name);
}

static void end_list(struct feed *feed)
{
    if (feed->subject == PODS)
        entries_end_list(feed->follow->bases, feed->follow);
    else if (!feed->some)
        feed->follow->found = false;
    if (feed->subject == PODS || !feed->some) /* a Deployment says itself what is wrong with it */
        set_trouble(feed, NULL);
    feed->listing = false;
    feed->listed = true;
}

/*
 * Each item for itself: a Pod that can't be read does not hide the others, and a page of large ones is no large
 * tree. A Deployment that can't be read is there all the same: nobody knows its Pods.
 */
static int take_item(struct feed *feed, struct span text, struct err **err)
{
    AUTO_ERR struct err *unreadable = NULL;
    AUTO_JSON cJSON *json = json_parse(text.text, text.len, LIMIT_HTTP_BODY, &unreadable);
    feed->some = true;
    if (json)
        take_object(feed, json);
    else if (feed->subject == DEPLOYMENT)
        return err_move(err, TAKE(unreadable));
    else
        log_warn(feed->follow->bases->log, "a Pod can't be read, ignored",
                 LOG_STR("deployment", feed->follow->key), LOG_ERR(unreadable));
    return 0;
}

static int take_page(struct feed *feed, const struct arrival *arrival, struct err **err)
{
    struct text_list page;
    struct span item;
    if (text_read_list((struct span){arrival->text, arrival->bytes}, &page, err) < 0)
        return -1;
    struct scan scan = scan_begin(page.items, '[');
    while (scan_item(&scan, &item))
        if (take_item(feed, item, err) < 0)
            return -1;
    if (scan.malformed)
        return err_set(err, ERR_DATA_LOSS, "the API server sent what is no list");
    AUTO_FREE char *token = mem_strndup(page.continue_token.text, page.continue_token.len);
    AUTO_FREE char *version = mem_strndup(page.resource_version.text, page.resource_version.len);
    if (!str_empty(token)) {
        ask_page(feed, token);
        return 0;
    }
    end_list(feed);
    watch_from(feed, version);
    return 0;
}

static void retry_later(struct feed *feed, const struct err *err)
{
    struct bases *bases = feed->follow->bases;
    stop_feed(feed);
    set_trouble(feed, err);
    loop_timer_start(bases->loop, &feed->retry, loop_now_ms(bases->loop) + RETRY_MS);
}

static void take_list(struct feed *feed, const struct arrival *arrival)
{
    AUTO_ERR struct err *err = err_copy(arrival->err);
    if (err || take_page(feed, arrival, &err) < 0)
        retry_later(feed, err);
}

static void take_watched(struct feed *feed, const struct arrival *arrival)
{
    AUTO_ERR struct err *err = NULL;
    switch (arrival->type) {
    case KUBE_ADDED:
    case KUBE_MODIFIED:
        if (take_item(feed, (struct span){arrival->text, arrival->bytes}, &err) < 0)
            retry_later(feed, err);
        break;
    case KUBE_DELETED:
        take_absence(feed, arrival);
        break;
    case KUBE_LISTED:
        end_list(feed);
        break;
    case KUBE_EXPIRED:
        if (feed->listing)
            start_pages(feed);
        else
            start_feed(feed);
        break;
    case KUBE_TROUBLE:
        set_trouble(feed, arrival->err);
        break;
    case KUBE_WATCHING:
        if (!feed->listing)
            set_trouble(feed, NULL);
        break;
    case KUBE_BOOKMARK:
        break;
    }
}

static void on_arrival(struct loop_event *event)
{
    struct arrival *arrival = CONTAINER_OF(event, struct arrival, event);
    struct feed *feed = arrival->feed;
    struct follow *follow = feed->follow;
    struct bases *bases = follow->bases;
    bool answer = arrival->answer;
    if (!answer)
        atomic_fetch_sub(&feed->untaken_bytes, arrival->bytes);
    if (!follow->stopped && arrival->turn == feed->turn) {
        if (answer)
            take_list(feed, arrival);
        else
            take_watched(feed, arrival);
        tell(follow);
    }
    mem_free(arrival->text);
    err_free(arrival->err);
    mem_free(arrival);
    atomic_fetch_sub(&follow->arrivals, 1);
    free_follow_if_idle(follow);
    if (answer)
        bases_answered(bases);
}

static struct arrival *arrival_new(struct feed *feed, uint64_t turn, const char *text, size_t bytes,
                                   const struct err *err)
{
    struct arrival *arrival = NEW(struct arrival);
    arrival->event.fn = on_arrival;
    arrival->feed = feed;
    arrival->turn = turn;
    arrival->text = text ? mem_strndup(text, bytes) : NULL;
    arrival->bytes = bytes;
    arrival->err = err_copy(err);
    atomic_fetch_add(&feed->follow->arrivals, 1);
    return arrival;
}

/* -- begin and end -- */

void follow_start(struct bases *bases, const char *namespace, const char *deployment, uint64_t id)
{
    if (bases->stopping)
        return;
    follow_stop(bases, namespace, deployment);
    struct follow *follow = NEW(struct follow);
    follow->bases = bases;
    follow->key = mem_printf("%s/%s", namespace, deployment);
    follow->namespace = mem_strdup(namespace);
    follow->deployment = mem_strdup(deployment);
    follow->id = id;
    for (int i = 0; i < 2; i++) {
        follow->feeds[i] = (struct feed){.follow = follow, .subject = (enum subject)i};
        loop_timer_init(&follow->feeds[i].retry, on_retry);
    }
    map_put(&bases->follows, follow->key, follow);
    start_feed(&follow->feeds[DEPLOYMENT]);
}

static void stop(struct follow *follow)
{
    stop_feed(&follow->feeds[DEPLOYMENT]);
    stop_feed(&follow->feeds[PODS]);
    entries_forget(follow->bases, follow);
    follow->stopped = true;
    free_follow_if_idle(follow);
}

void follow_stop(struct bases *bases, const char *namespace, const char *deployment)
{
    AUTO_FREE char *key = mem_printf("%s/%s", namespace, deployment);
    struct follow *follow = map_remove(&bases->follows, key);
    if (follow)
        stop(follow);
}

void follow_stop_all(struct bases *bases)
{
    while (bases->follows.len) {
        struct follow *follow = bases->follows.entries[0].value;
        map_remove(&bases->follows, follow->key);
        stop(follow);
    }
}
