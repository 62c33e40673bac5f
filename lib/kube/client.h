/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_CLIENT_H
#define KOUPLELESS_KUBE_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/kube/config.h"
#include "lib/kube/resource.h"

/*
 * Requests to an API server. Asynchronous; calls may be made from any thread, callbacks run exactly once,
 * on a thread of the client. At most KUBE_IN_FLIGHT requests are on the wire, the others wait in order; a
 * request that is tried again keeps its place.
 *
 * What the server did not accept is sent again, with backoff and as Retry-After says: 429, 503 with
 * Retry-After, and connections that could not be made; reads also after 5xx and lost answers. A write whose
 * outcome is unknown is not repeated: the caller gets ERR_TIMEOUT or ERR_DATA_LOSS and looks at what is there.
 * After KUBE_RETRY_MS of trying the last error is the answer. One thing is up to libcurl: where a connection that was
 * kept turns out to be closed before one byte of an answer, the request goes once more over a new one, writes too.
 *
 * Unknown fields in what is written are refused (fieldValidation=Strict; servers before 1.25 drop them).
 *
 * Credentials are renewed before a request where they are known to be old, and once after 401.
 */
struct kube_client;
struct kube_watch;

#define KUBE_IN_FLIGHT 64
#define KUBE_RETRY_MS 10000
#define KUBE_STRICT "strict decoding error" /* how a server says that it does not know a field */

/** kube_client_new() - @config is copied. Makes no connection yet. @log: for retries and renewals. */
int kube_client_new(struct kube_client **out, const struct kube_config *config,
                    const char *user_agent, struct log *log, struct err **err);

/**
 * kube_client_stop() - ends requests with ERR_CANCELLED, and all that come later, at once; watches go on
 * over the connections that they have
 *
 * So nobody waits for a server, or a credential program, that hangs. Not from a callback; from one thread. Safe to repeat.
 */
void kube_client_stop(struct kube_client *client);

/** kube_client_free() - ends what runs with ERR_CANCELLED; watches must be stopped before. Not from a callback. */
void kube_client_free(struct kube_client *client);

enum kube_verb {
    KUBE_GET,
    KUBE_LIST,
    KUBE_CREATE,
    KUBE_UPDATE,
    KUBE_MERGE_PATCH, /* RFC 7396 */
    KUBE_JSON_PATCH,  /* RFC 6902 */
    KUBE_APPLY,       /* server-side apply; field_manager is needed */
    KUBE_DELETE,
};

struct kube_request {
    enum kube_verb verb;
    struct kube_path path;
    const char *body; /* JSON text, or NULL */
    const char *label_selector, *field_selector;
    int32_t limit; /* of a list; 0 = all */
    const char *continue_token;
    const char *resource_version, *resource_version_match;
    const char *field_manager;
    bool force; /* KUBE_APPLY */
    bool dry_run;
    int64_t timeout_ms; /* of one try, the server is told; 0 = 30,000 */
};

/* What the server answered. Borrowed for the callback. */
struct kube_answer {
    int status;       /* HTTP: 200, 201, 202 */
    const char *body; /* JSON text, terminated */
    size_t body_bytes;
};

/**
 * kube_done_fn - @answer is NULL where @err is set
 *
 * An answer >= 400 is an error (kube_status_error()). Whoever reads it knows what was refused: the message
 * names verb and object ("patch modules/status \"m\" in namespace \"shop\": forbidden: ...").
 */
typedef void (*kube_done_fn)(void *user, const struct kube_answer *answer, const struct err *err);

/** kube_send() - everything in @request is copied. @done does not run before it returned, unless the client is being freed. */
void kube_send(struct kube_client *client, const struct kube_request *request, kube_done_fn done,
               void *user);

/**
 * kube_status_error() - the error that a Status document means
 * @body: the answer; what is no Status counts by @http_status alone
 *
 * AlreadyExists ERR_EXISTS; Conflict ERR_CONFLICT; NotFound ERR_NOT_FOUND; Invalid and BadRequest ERR_INVALID with
 * the first cause's field; Forbidden ERR_DENIED; Unauthorized ERR_UNAUTHENTICATED; Expired and Gone ERR_EXPIRED;
 * TooManyRequests ERR_LIMIT; RequestEntityTooLarge ERR_LIMIT; Timeout and ServerTimeout ERR_TIMEOUT; what the server
 * does not know how to do (405, 406, 415; 404 without a Status: nobody serves the path) ERR_UNIMPLEMENTED; other
 * 4xx ERR_INVALID, all else ERR_UNAVAILABLE. Where a field is not known the message begins with KUBE_STRICT, and names it.
 * Return: owned.
 */
struct err *kube_status_error(int http_status, const char *body, size_t body_bytes);

/* -- watches -- */

enum kube_event_type {
    KUBE_ADDED,
    KUBE_MODIFIED,
    KUBE_DELETED,
    KUBE_BOOKMARK,
    KUBE_LISTED,  /* a bookmark: all that was there has been told; of a watch without a version */
    KUBE_EXPIRED, /* the version is no longer kept, or was never one: list again; the last event */
    KUBE_TROUBLE, /* the watch can't be had at present (err says why) and is tried again; each time */
    KUBE_WATCHING, /* it is there (again) */
};

struct kube_event {
    enum kube_event_type type;
    const char *object; /* JSON text of the object, not terminated; NULL with the last three */
    size_t object_bytes;
    const struct err *err; /* KUBE_TROUBLE */
};

/** kube_event_fn - borrowed for the call; on the client's thread for watches, one call at a time per watch. */
typedef void (*kube_event_fn)(void *user, const struct kube_event *event);

struct kube_watch_request {
    struct kube_path path; /* of a collection */
    const char *label_selector, *field_selector;
    const char *resource_version; /* to begin after; NULL: with what there is */
};

/**
 * kube_watch() - changes after a version, until kube_watch_stop() or KUBE_EXPIRED
 *
 * A connection that ends, by the server's time limit or otherwise, is made again from the last version seen,
 * bookmarks included, with backoff where it fails. Return: never NULL.
 *
 * Without a version it is a streaming list first: what there is comes as KUBE_ADDED, in no order, what changes
 * meanwhile in between, then KUBE_LISTED with the list's version. A server that is busy is asked again for some 10 s.
 * If it fails for any other reason KUBE_EXPIRED is the last event: list by kube_send(), which has the error too. A server
 * that refuses streaming lists (they are on from 1.34), or falls silent in the middle of one, is not asked for another
 * by this client.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists
 */
struct kube_watch *kube_watch(struct kube_client *client, const struct kube_watch_request *request,
                              kube_event_fn on_event, void *user);

/**
 * kube_watch_stop() - no callback runs after it returned; frees it
 *
 * Waits for a callback that runs: hold no lock that it takes. Not from a callback; also after KUBE_EXPIRED.
 */
void kube_watch_stop(struct kube_client *client, struct kube_watch *watch);

#endif
