/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_STORE_H
#define KOUPLELESS_SIM_STORE_H

#include "lib/base/rand.h"
#include "lib/ctl/loop.h"
#include "services/controller/store/record.h"
#include "tests/sim/fate.h"

/*
 * A store in memory, as seen across a network: each call takes effect some time after it was made, its
 * answer comes later still, watches lag behind, and each of these differs by chance. Owners that are gone
 * take what they own with them later, as the garbage collector of Kubernetes does it. No threads: callbacks
 * run in turns of the loop that it was made with.
 *
 * One server has several clients, each of them a struct store: a program that crashes takes its client
 * with it, and what was on its way to the server then arrives or does not.
 */
struct sim_server;

/* Chances are per mille. Read whenever something happens, so they may be changed at any time. */
struct sim_store_faults {
    int64_t
        call_ms; /* at most so long until a call takes effect, and as long until its answer is there */
    int64_t watch_ms;          /* at most so long until a change is told */
    int64_t lag_ms[KIND_MAX_]; /* and so much later, of a kind */
    int32_t refused;           /* calls that fail with ERR_UNAVAILABLE before they do anything */
    int32_t answer_lost;   /* writes that are done, though their caller is told that they failed */
    enum err_code lost_as; /* ... as what; ERR_OK = as any of the errors that leave that open */
    int32_t lists_refused; /* lists that fail */
    int32_t expired;       /* deliveries of a watch in whose place it expires */
};

/** sim_change_fn - an object was made (@before NULL), changed, or is gone (@after NULL). */
typedef void (*sim_change_fn)(void *user, const struct record *before, const struct record *after);

struct sim_server_options {
    struct loop *loop;
    struct rand *rand;
    const struct sim_store_faults *faults;
    sim_change_fn on_change; /* with each change, at once; NULL = nobody wants to know */
    /* With each call of @client but watches, as it is made: what becomes of it. NULL = as it comes. */
    enum fate (*on_call)(void *user, const struct store *client, bool writes);
    void *user;
};

struct sim_server *sim_server_new(const struct sim_server_options *options);
void sim_server_free(struct sim_server *server); /* clients are freed before */

/** sim_server_client() - freed by store_free(), when its calls have ended and its watches were stopped. */
struct store *sim_server_client(struct sim_server *server);

/**
 * sim_client_kill() - its program crashes: a part of what was on its way is still done, the rest is lost
 *
 * All its calls end now, whatever became of them, and so does each one that is made after this.
 */
void sim_client_kill(struct store *store);

/** sim_server_forget() - what watches could resume from is no longer kept: who begins at an older version has to list. */
void sim_server_forget(struct sim_server *server);

/** sim_server_get() - the object as it is now, or NULL; borrowed until the next change. */
const struct record *sim_server_get(const struct sim_server *server, enum object_kind kind,
                                    const char *namespace, const char *name);

/** sim_server_version() - of the last change. */
int64_t sim_server_version(const struct sim_server *server);

#endif
