/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_STORE_INTERNAL_H
#define KOUPLELESS_SIM_STORE_INTERNAL_H

#include "lib/base/map.h"
#include "lib/base/vec.h"
#include "services/controller/store/embedded/request.h"
#include "tests/sim/sim_store.h"

/* What the files of the simulated store share. */

/* One write as the history keeps it; all records of it carry its version. */
struct sim_change {
    int64_t version;
    struct record *before, *after; /* references; NULL as in sim_change_fn */
};

struct sim_server {
    struct sim_server_options options;
    struct map objects; /* "Kind/namespace/name" -> struct record, a reference */
    int64_t version;
    int64_t oldest; /* a watch can begin here */
    VEC(struct sim_change) changes;
    struct list watches; /* of store_watch.node */
    struct loop_timer collector;
};

/** sim__chance() - whether something of @per_mille happens. */
bool sim__chance(const struct sim_server *server, int32_t per_mille);

/** sim__due_ms() - some time from now, at most @at_most_ms later. */
int64_t sim__due_ms(const struct sim_server *server, int64_t at_most_ms);

/** sim__changed() - a change is done: it is told, and kept. References are taken over. */
void sim__changed(struct sim_server *server, struct record *before, struct record *after);

/* sim_store_writes.c */

/** sim__write() - carries out a write; its outcome stands in @request. */
void sim__write(struct sim_server *server, struct request *request);

/** sim__collect_later() - owners may be gone. */
void sim__collect_later(struct sim_server *server);
void sim__on_collect(struct loop_timer *timer);

/** sim__find() - a borrowed record, or NULL. */
struct record *sim__find(const struct sim_server *server, enum object_kind kind,
                         const char *namespace, const char *name);

/* sim_store_watches.c */

struct store_watch *sim__watch(struct sim_server *server, const struct store_query *query,
                               const char *resource_version, store_event_fn on_event, void *user);
void sim__watch_stop(struct sim_server *server, struct store_watch *watch);

/** sim__offer() - tells all watches of @change. */
void sim__offer(struct sim_server *server, const struct sim_change *change);

/** sim__sorted() - objects that match, in the order of lists; a vector of borrowed records. */
struct sim_records {
    struct record **items;
    size_t len, cap;
};
struct sim_records sim__sorted(const struct sim_server *server, const struct query *query);

#endif
