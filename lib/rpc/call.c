/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call on the server.
 *
 *   accepted -> (message read -> handler)* -> answers sent one after the other -> status sent
 *
 * The call is referenced by each batch that gRPC works on and by the handler until it has finished
 * the call; with the last reference it goes. A batch that waits for the client's leaving
 * (RECV_CLOSE) is started at once, so that no watcher is forgotten. gRPC takes one SEND_MESSAGE at a
 * time: more wait in `outgoing`, and the status goes out when that is empty.
 */
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/rpc/rpc_internal.h"

struct outgoing {
    struct list node;
    grpc_byte_buffer *buffer;
};

struct rpc_call {
    struct rpc_server *server;
    grpc_call *core;
    grpc_call_details details;
    grpc_metadata_array metadata;
    const struct rpc_method *method;
    struct rpc_op on_accept, on_close, on_read, on_sent;
    grpc_byte_buffer *incoming;
    ProtobufCMessage *request;
    struct rpc_memory memory; /* of the request */
    int client_left;          /* written by gRPC for RECV_CLOSE */
    char *peer, *identity;
    struct list in_streams; /* of the server, under its lock */

    pthread_mutex_t lock; /* of what follows */
    int refs;
    struct list outgoing;
    size_t outgoing_len;
    bool sending, headers_sent;
    bool finished; /* by the handler */
    bool status_sent;
    bool cancelled;
    struct err *error; /* the status; NULL = OK */
    void (*cancel_fn)(void *user);
    void *cancel_user;
    bool telling; /* cancel_fn runs, on thread teller */
    pthread_t teller;
    pthread_cond_t told;
    grpc_slice status_message;
    grpc_metadata trailer;
};

/* -- references -- */

static void ref(struct rpc_call *call)
{
    __atomic_fetch_add(&call->refs, 1, __ATOMIC_RELAXED);
}

/* For who found the call in a list: false where it ends just now, and waits for the list's lock. */
static bool ref_living(struct rpc_call *call)
{
    int refs = __atomic_load_n(&call->refs, __ATOMIC_RELAXED);
    while (refs > 0)
        if (__atomic_compare_exchange_n(&call->refs, &refs, refs + 1, true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

static void free_call(struct rpc_call *call)
{
    struct rpc_server *server = call->server;
    pthread_mutex_lock(&server->lock);
    list_remove(&call->in_streams);
    pthread_mutex_unlock(&server->lock);
    LIST_FOR_EACH (node, &call->outgoing) {
        struct outgoing *message = LIST_ENTRY(node, struct outgoing, node);
        grpc_byte_buffer_destroy(message->buffer);
        mem_free(message);
    }
    rpc_memory_done(&call->memory);
    if (call->status_sent) {
        grpc_slice_unref(call->status_message);
        if (call->error)
            grpc_slice_unref(call->trailer.value);
    }
    err_free(call->error);
    grpc_metadata_array_destroy(&call->metadata);
    grpc_call_details_destroy(&call->details);
    if (call->core)
        grpc_call_unref(call->core);
    gpr_free(call->peer);
    mem_free(call->identity);
    pthread_mutex_destroy(&call->lock);
    pthread_cond_destroy(&call->told);
    mem_free(call);
    rpc_server_release(server);
}

static void unref(struct rpc_call *call)
{
    if (__atomic_sub_fetch(&call->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free_call(call);
}

static void start_batch(struct rpc_call *call, const grpc_op *ops, size_t count, struct rpc_op *tag)
{
    ref(call);
    TAG_GIVEN(tag);
    ASSERT(grpc_call_start_batch(call->core, ops, count, tag, NULL) == GRPC_CALL_OK);
}

/* -- sending; the lock is held -- */

static size_t add_headers(struct rpc_call *call, grpc_op *ops, size_t count)
{
    if (!call->headers_sent)
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    call->headers_sent = true;
    return count;
}

static size_t add_status(struct rpc_call *call, grpc_op *ops, size_t count)
{
    grpc_op *op = &ops[count];
    *op = (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    call->status_sent = true;
    call->status_message = grpc_slice_from_copied_string(call->error ? call->error->message : "");
    op->data.send_status_from_server.status =
        call->error ? rpc_status_of(call->error->code) : GRPC_STATUS_OK;
    op->data.send_status_from_server.status_details = &call->status_message;
    if (call->error) {
        call->trailer.key = grpc_slice_from_static_string(RPC_DETAILS_KEY);
        call->trailer.value = rpc_details_of(call->error);
        op->data.send_status_from_server.trailing_metadata_count = 1;
        op->data.send_status_from_server.trailing_metadata = &call->trailer;
    }
    return count + 1;
}

/* Starts what can be sent next, if nothing is being sent. */
static void pump(struct rpc_call *call)
{
    grpc_op ops[3];
    size_t count = 0;
    struct outgoing *message = NULL;
    if (call->sending || call->status_sent)
        return;
    if (!list_empty(&call->outgoing)) {
        message = LIST_ENTRY(call->outgoing.next, struct outgoing, node);
        list_remove(&message->node);
        call->outgoing_len--;
        count = add_headers(call, ops, count);
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE,
                                 .data.send_message.send_message = message->buffer};
    }
    if (call->finished && list_empty(&call->outgoing)) {
        count = add_headers(call, ops, count);
        count = add_status(call, ops, count);
    }
    if (!count)
        return;
    call->sending = true;
    start_batch(call, ops, count, &call->on_sent);
    if (message) {
        grpc_byte_buffer_destroy(message->buffer);
        mem_free(message);
    }
}

static void sent(struct rpc_op *op, bool ok)
{
    (void)ok; /* a client that left is told of by RECV_CLOSE */
    struct rpc_call *call = CONTAINER_OF(op, struct rpc_call, on_sent);
    pthread_mutex_lock(&call->lock);
    call->sending = false;
    pump(call);
    pthread_mutex_unlock(&call->lock);
    unref(call);
}

/* The handler is through with the call. @error_taken: NULL = OK. */
static void finish(struct rpc_call *call, struct err *error_taken)
{
    pthread_mutex_lock(&call->lock);
    while (call->telling && !pthread_equal(call->teller, pthread_self()))
        pthread_cond_wait(&call->told, &call->lock);
    ASSERT(!call->finished);
    call->finished = true;
    call->error = error_taken;
    call->cancel_fn = NULL;
    pump(call);
    pthread_mutex_unlock(&call->lock);
    unref(call);
}

void rpc_call_fail(struct rpc_call *call, const struct err *e)
{
    finish(call, rpc_err_short(e));
}

void rpc_call_end(struct rpc_call *call)
{
    struct err *err = NULL;
    if (call->method->server_stream && rpc_server_stopping(call->server))
        err_set(&err, ERR_UNAVAILABLE, "the server stops");
    finish(call, err);
}

static void enqueue(struct rpc_call *call, const ProtobufCMessage *message)
{
    struct outgoing *outgoing = NEW(struct outgoing);
    outgoing->buffer = rpc_message_buffer(message);
    pthread_mutex_lock(&call->lock);
    list_append(&call->outgoing, &outgoing->node);
    call->outgoing_len++;
    if (call->method->server_stream)
        pump(call); /* a unary answer goes out together with its status */
    pthread_mutex_unlock(&call->lock);
}

/* The closure that generated handlers call. */
static void answer(const ProtobufCMessage *message, void *closure_data)
{
    struct rpc_call *call = closure_data;
    if (message)
        enqueue(call, message);
    if (!call->method->server_stream || !message)
        rpc_call_end(call);
}

/* -- receiving -- */

static void read_next(struct rpc_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->incoming};
    start_batch(call, &op, 1, &call->on_read);
}

static void fail_with(struct rpc_call *call, enum err_code code, const char *message)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, code, "%s", message);
    rpc_call_fail(call, err);
}

static void invoke(struct rpc_call *call)
{
    const struct rpc_method *method = call->method;
    method->service->invoke(method->service, method->index, call->request, answer, call);
}

/* A client stream calls its handler per message; between messages the call is the reader's. */
static void next_of_stream(struct rpc_call *call)
{
    invoke(call);
    rpc_memory_done(&call->memory);
    call->request = NULL;
    pthread_mutex_lock(&call->lock);
    bool over = call->finished;
    pthread_mutex_unlock(&call->lock);
    if (!over)
        read_next(call);
}

static void read_done(struct rpc_op *op, bool ok)
{
    struct rpc_call *call = CONTAINER_OF(op, struct rpc_call, on_read);
    AUTO_ERR struct err *err = NULL;
    grpc_byte_buffer *incoming = TAKE(call->incoming);
    if (!ok || !incoming) {
        if (call->method->client_stream)
            rpc_call_end(call);
        else
            fail_with(call, ERR_CANCELLED, "no message came");
    } else {
        call->request = rpc_unpack_buffer(call->method->input, incoming, &call->memory, &err);
        if (!call->request)
            rpc_call_fail(call, err);
        else if (call->method->client_stream)
            next_of_stream(call);
        else
            invoke(call);
    }
    if (incoming)
        grpc_byte_buffer_destroy(incoming);
    unref(call);
}

/*
 * The handler is told once that the call is of no use any more. While it is, finish() waits on other
 * threads: whoever finishes a call may free what the callback works on.
 */
static void cancel(struct rpc_call *call, bool useless)
{
    void (*fn)(void *user) = NULL;
    pthread_mutex_lock(&call->lock);
    call->cancelled |= useless;
    if (call->cancelled && !call->finished)
        fn = TAKE(call->cancel_fn);
    if (fn) {
        call->telling = true;
        call->teller = pthread_self();
    }
    pthread_mutex_unlock(&call->lock);
    if (!fn)
        return;
    fn(call->cancel_user);
    pthread_mutex_lock(&call->lock);
    call->telling = false;
    pthread_cond_broadcast(&call->told);
    pthread_mutex_unlock(&call->lock);
}

static void closed(struct rpc_op *op, bool ok)
{
    (void)ok;
    struct rpc_call *call = CONTAINER_OF(op, struct rpc_call, on_close);
    cancel(call, call->client_left != 0);
    unref(call);
}

/* -- the server stops -- */

void rpc_calls_stop_streams(struct rpc_server *server)
{
    VEC(struct rpc_call *) streams = {0};
    pthread_mutex_lock(&server->lock);
    LIST_FOR_EACH (node, &server->streams) {
        struct rpc_call *call = LIST_ENTRY(node, struct rpc_call, in_streams);
        if (ref_living(call))
            VEC_PUSH(&streams, call);
    }
    pthread_mutex_unlock(&server->lock);
    for (size_t i = 0; i < streams.len; i++) {
        cancel(streams.items[i], true);
        unref(streams.items[i]);
    }
    VEC_DONE(&streams);
}

/* Return: whether there is no room for the call. A stream that comes while the server stops is told at once. */
static bool register_call(struct rpc_call *call)
{
    struct rpc_server *server = call->server;
    pthread_mutex_lock(&server->lock);
    bool full = server->live > LIMIT_RPC_PENDING_CALLS;
    bool stream = call->method && call->method->server_stream;
    bool stopping = server->stopping;
    if (stream)
        list_append(&server->streams, &call->in_streams);
    pthread_mutex_unlock(&server->lock);
    if (stream && stopping)
        cancel(call, true);
    return full;
}

static void begin(struct rpc_call *call)
{
    grpc_op close = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                     .data.recv_close_on_server.cancelled = &call->client_left};
    start_batch(call, &close, 1, &call->on_close);
    AUTO_FREE char *path = mem_strndup((const char *)GRPC_SLICE_START_PTR(call->details.method),
                                       GRPC_SLICE_LENGTH(call->details.method));
    call->method = map_get(&call->server->methods, path);
    ref(call); /* the handler's */
    bool full = register_call(call);
    if (!call->method) {
        static const struct rpc_method none = {0};
        call->method = &none;
        fail_with(call, ERR_UNIMPLEMENTED, "there is no such method");
    } else if (full) {
        fail_with(call, ERR_LIMIT, "too many calls are pending");
    } else {
        read_next(call);
    }
}

static void accepted(struct rpc_op *op, bool ok)
{
    struct rpc_call *call = CONTAINER_OF(op, struct rpc_call, on_accept);
    if (ok) {
        rpc_call_accept(call->server);
        begin(call);
    }
    unref(call);
}

void rpc_call_accept(struct rpc_server *server)
{
    struct rpc_call *call = NEW(struct rpc_call);
    call->server = server;
    call->refs = 1;
    call->on_accept.fn = accepted;
    call->on_close.fn = closed;
    call->on_read.fn = read_done;
    call->on_sent.fn = sent;
    list_init(&call->outgoing);
    list_init(&call->in_streams);
    pthread_mutex_init(&call->lock, NULL);
    pthread_cond_init(&call->told, NULL);
    grpc_call_details_init(&call->details);
    grpc_metadata_array_init(&call->metadata);
    pthread_mutex_lock(&server->lock);
    server->live++;
    TAG_GIVEN(&call->on_accept);
    bool asked = /* of a server that stops too: core then refuses what comes in an orderly way */
        grpc_server_request_call(server->core, &call->core, &call->details, &call->metadata,
                                 server->cq, server->cq, &call->on_accept) == GRPC_CALL_OK;
    pthread_mutex_unlock(&server->lock);
    if (!asked)
        unref(call);
}

/* -- what handlers ask -- */

void rpc_call_on_cancel(struct rpc_call *call, void (*fn)(void *user), void *user)
{
    pthread_mutex_lock(&call->lock);
    bool now = call->cancelled && !call->finished;
    if (!now) {
        call->cancel_fn = fn;
        call->cancel_user = user;
    }
    pthread_mutex_unlock(&call->lock);
    if (now)
        fn(user);
}

bool rpc_call_cancelled(struct rpc_call *call)
{
    pthread_mutex_lock(&call->lock);
    bool cancelled = call->cancelled;
    pthread_mutex_unlock(&call->lock);
    return cancelled;
}

size_t rpc_call_queue_len(struct rpc_call *call)
{
    pthread_mutex_lock(&call->lock);
    size_t len = call->outgoing_len;
    pthread_mutex_unlock(&call->lock);
    return len;
}

const char *rpc_call_peer(struct rpc_call *call)
{
    if (!call->peer)
        call->peer = grpc_call_get_peer(call->core);
    return call->peer;
}

static char *read_identity(grpc_call *core)
{
    char *identity = NULL;
    grpc_auth_context *context = grpc_call_auth_context(core);
    static const char *const names[] = {"peer_spiffe_id", "x509_subject_alternative_name"};
    for (size_t i = 0; context && i < ARRAY_LEN(names) && !identity; i++) {
        grpc_auth_property_iterator it =
            grpc_auth_context_find_properties_by_name(context, names[i]);
        const grpc_auth_property *property = grpc_auth_property_iterator_next(&it);
        if (property)
            identity = mem_strndup(property->value, property->value_length);
    }
    if (context)
        grpc_auth_context_release(context);
    return identity;
}

const char *rpc_call_peer_identity(struct rpc_call *call)
{
    if (!call->identity)
        call->identity = read_identity(call->core);
    return call->identity;
}
