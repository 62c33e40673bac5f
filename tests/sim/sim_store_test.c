/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated store under the suite that every store has to pass. */
#include "tests/sim/sim_store.h"

#include <sched.h>

#include "lib/base/limits.h"
#include "services/controller/store/conformance/cases.h"

/*
 * The suite calls from several threads and waits for answers; the simulated store has neither threads nor
 * time of its own. So here is one lock around it, and a thread that lets its time go on.
 */
struct locked {
    struct store store;
    pthread_mutex_t lock;
    struct store *inner;
};

struct subject {
    struct conformance conformance;
    struct clock clock;
    int64_t now_ms;
    struct rand rand;
    struct loop *loop;
    struct sim_server *server;
    struct locked locked;
    pthread_t thread;
    bool stopping;
};

static const struct sim_store_faults faults = {.call_ms = 3, .watch_ms = 7};

static struct locked *enter(struct store *store)
{
    struct locked *locked = CONTAINER_OF(store, struct locked, store);
    pthread_mutex_lock(&locked->lock);
    return locked;
}

static void leave(struct locked *locked)
{
    pthread_mutex_unlock(&locked->lock);
}

static void locked_create(struct store *store, enum object_kind kind, const char *json,
                          store_done_fn done, void *user)
{
    struct locked *locked = enter(store);
    store_create(locked->inner, kind, json, done, user);
    leave(locked);
}

static void locked_get(struct store *store, const struct store_key *key, store_done_fn done,
                       void *user)
{
    struct locked *locked = enter(store);
    store_get(locked->inner, key, done, user);
    leave(locked);
}

static void locked_patch(struct store *store, const struct store_key *key, enum store_part part,
                         const char *merge_patch, const char *resource_version, store_done_fn done,
                         void *user)
{
    struct locked *locked = enter(store);
    store_patch(locked->inner, key, part, merge_patch, resource_version, done, user);
    leave(locked);
}

static void locked_remove(struct store *store, const struct store_key *key, const char *uid,
                          const char *resource_version, store_done_fn done, void *user)
{
    struct locked *locked = enter(store);
    store_remove(locked->inner, key, uid, resource_version, done, user);
    leave(locked);
}

static void locked_list(struct store *store, const struct store_query *query, store_list_fn done,
                        void *user)
{
    struct locked *locked = enter(store);
    store_list(locked->inner, query, done, user);
    leave(locked);
}

static struct store_watch *locked_watch(struct store *store, const struct store_query *query,
                                        const char *resource_version, store_event_fn on_event,
                                        void *user)
{
    struct locked *locked = enter(store);
    struct store_watch *watch = store_watch(locked->inner, query, resource_version, on_event, user);
    leave(locked);
    return watch;
}

static void locked_watch_stop(struct store *store, struct store_watch *watch)
{
    struct locked *locked = enter(store);
    store_watch_stop(locked->inner, watch);
    leave(locked);
}

static const struct store_ops locked_ops = {
    .create = locked_create,
    .get = locked_get,
    .patch = locked_patch,
    .remove = locked_remove,
    .list = locked_list,
    .watch = locked_watch,
    .watch_stop = locked_watch_stop,
};

/* -- its time -- */

static int64_t now_ms(struct clock *clock)
{
    return CONTAINER_OF(clock, struct subject, clock)->now_ms;
}

static int64_t wall_ms(struct clock *clock)
{
    return 1790000000000 + now_ms(clock);
}

static void *run(void *arg)
{
    struct subject *subject = arg;
    for (bool stopping = false; !stopping; sched_yield()) {
        pthread_mutex_lock(&subject->locked.lock);
        (void)loop_turn(subject->loop);
        subject->now_ms++;
        stopping = subject->stopping;
        pthread_mutex_unlock(&subject->locked.lock);
    }
    return NULL;
}

/* -- the suite -- */

static void make(struct conformance *conformance)
{
    struct subject *subject = CONTAINER_OF(conformance, struct subject, conformance);
    subject->clock = (struct clock){now_ms, wall_ms};
    subject->stopping = false;
    rand_seed(&subject->rand, 1);
    subject->loop = loop_new(&subject->clock, LIMIT_INBOX);
    subject->server = sim_server_new(&(struct sim_server_options){
        .loop = subject->loop, .rand = &subject->rand, .faults = &faults});
    subject->locked.store.ops = &locked_ops;
    subject->locked.inner = sim_server_client(subject->server);
    pthread_mutex_init(&subject->locked.lock, NULL);
    conformance->store = &subject->locked.store;
    assert_int_equal(pthread_create(&subject->thread, NULL, run, subject), 0);
}

static void drop(struct conformance *conformance)
{
    struct subject *subject = CONTAINER_OF(conformance, struct subject, conformance);
    pthread_mutex_lock(&subject->locked.lock);
    subject->stopping = true;
    pthread_mutex_unlock(&subject->locked.lock);
    pthread_join(subject->thread, NULL);
    store_free(subject->locked.inner);
    sim_server_free(subject->server);
    loop_free(subject->loop);
    pthread_mutex_destroy(&subject->locked.lock);
}

int main(void)
{
    struct subject subject = {.conformance = {.name = "simulated",
                                              .make = make,
                                              .drop = drop,
                                              .cascade = CASCADE_LATER,
                                              .namespace = "shop-2",
                                              .other_namespace = "shop"}};
    return conformance_run(&subject.conformance);
}
