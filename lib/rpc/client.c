/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/client.h"

#include <grpc/slice.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/rpc/rpc_internal.h"

#define RECONNECT_FIRST_MS 100
#define RECONNECT_MAX_MS 1000
#define IDLE_MS 60000 /* a channel without calls closes its connection */

struct rpc_client {
    grpc_completion_queue *cq;
    bool borrowed; /* the queue, with the threads that drive it, is a server's */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t idle;
    struct list calls;
};

struct rpc_channel {
    struct rpc_client *client;
    grpc_channel *core;
};

/*
 * A unary call is one batch, so that its outcome is one event. Of a stream one batch sends everything and one
 * waits for the status; messages are read one at a time. done is called when the status is there and no
 * read is under way any more.
 */
struct rpc_client_call {
    struct list node; /* in client->calls */
    struct rpc_client *client;
    grpc_call *core;
    struct rpc_op on_sent, on_message, on_status;
    const ProtobufCMessageDescriptor *output;
    bool stream;
    bool cancelled; /* by us; any thread */
    rpc_message_fn message_fn;
    rpc_done_fn done;
    void *user;

    grpc_byte_buffer *incoming;
    grpc_metadata_array initial, trailing;
    grpc_status_code status;
    grpc_slice status_message;
    ProtobufCMessage *response; /* unary */
    struct rpc_memory memory;   /* of the message that was read */
    struct err *read_err;       /* a message that can't be read */
    int pending; /* batches without outcome; client thread, once the call is started */
};

/* -- the client -- */

static struct rpc_client *client_on(grpc_completion_queue *cq)
{
    struct rpc_client *client = NEW(struct rpc_client);
    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->idle, NULL);
    list_init(&client->calls);
    client->cq = cq;
    return client;
}

struct rpc_client *rpc_client_new(void)
{
    struct rpc_client *client = client_on(grpc_completion_queue_create_for_next(NULL));
    ASSERT(pthread_create(&client->thread, NULL, rpc_drive, client->cq) == 0);
    return client;
}

struct rpc_client *rpc_client_new_on(struct rpc_server *server)
{
    struct rpc_client *client = client_on(server->cq);
    client->borrowed = true;
    return client;
}

static void end_queue(struct rpc_client *client)
{
    grpc_completion_queue_shutdown(client->cq);
    pthread_join(client->thread, NULL);
    grpc_completion_queue_destroy(client->cq);
}

void rpc_client_free(struct rpc_client *client)
{
    if (!client)
        return;
    pthread_mutex_lock(&client->lock);
    LIST_FOR_EACH (node, &client->calls) {
        rpc_cancel(LIST_ENTRY(node, struct rpc_client_call, node));
    }
    while (!list_empty(&client->calls))
        pthread_cond_wait(&client->idle, &client->lock);
    pthread_mutex_unlock(&client->lock);
    if (!client->borrowed)
        end_queue(client);
    pthread_cond_destroy(&client->idle);
    pthread_mutex_destroy(&client->lock);
    mem_free(client);
}

/* -- channels -- */

static grpc_channel *make_channel(const char *target, grpc_channel_credentials *credentials,
                                  const char *server_name)
{
    grpc_arg args[RPC_CONNECTION_ARGS + 7];
    size_t count = rpc_connection_args(args);
    args[count++] =
        rpc_int_arg(GRPC_ARG_ENABLE_HTTP_PROXY, 0); /* it would be used for 127.0.0.1 too */
    args[count++] = rpc_int_arg(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_FIRST_MS);
    args[count++] = rpc_int_arg(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, RECONNECT_MAX_MS);
    args[count++] = rpc_int_arg(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MAX_MS);
    args[count++] = rpc_int_arg(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, IDLE_MS);
    /* Whoever calls has to ask again anyhow; core would keep what each call has sent, to do it for them. */
    args[count++] = rpc_int_arg(GRPC_ARG_ENABLE_RETRIES, 0);
    if (server_name)
        args[count++] = (grpc_arg){.type = GRPC_ARG_STRING,
                                   .key = (char *)(uintptr_t)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
                                   .value.string = (char *)(uintptr_t)server_name};
    grpc_channel_args all = {count, args};
    return grpc_channel_create(target, credentials, &all);
}

int rpc_channel_new(struct rpc_channel **out, struct rpc_client *client, const char *target,
                    const struct rpc_tls *tls, struct err **err)
{
    static const struct rpc_tls plaintext = {0};
    if (!tls)
        tls = &plaintext;
    grpc_channel_credentials *credentials = rpc_channel_credentials(tls, err);
    if (!credentials)
        return -1;
    struct rpc_channel *channel = NEW(struct rpc_channel);
    channel->client = client;
    channel->core = make_channel(target, credentials, tls->server_name);
    grpc_channel_credentials_release(credentials);
    *out = channel;
    return 0;
}

void rpc_channel_free(struct rpc_channel *channel)
{
    if (!channel)
        return;
    grpc_channel_destroy(channel->core);
    mem_free(channel);
}

/* -- the end of a call -- */

static const grpc_slice *details_of(const struct rpc_client_call *call)
{
    for (size_t i = 0; i < call->trailing.count; i++)
        if (grpc_slice_str_cmp(call->trailing.metadata[i].key, RPC_DETAILS_KEY) == 0)
            return &call->trailing.metadata[i].value;
    return NULL;
}

/* A server that goes away resets calls as cancelled; only we, or a handler in so many words, cancel. */
static bool dropped_by_peer(struct rpc_client_call *call, const grpc_slice *details)
{
    return call->status == GRPC_STATUS_CANCELLED && !details &&
           !__atomic_load_n(&call->cancelled, __ATOMIC_ACQUIRE);
}

static struct err *outcome(struct rpc_client_call *call)
{
    AUTO_ERR struct err *err = NULL;
    if (call->read_err)
        return err_copy(call->read_err);
    if (call->status != GRPC_STATUS_OK) {
        const grpc_slice *details = details_of(call);
        struct err *failed = rpc_err_of(call->status, call->status_message, details);
        if (dropped_by_peer(call, details))
            failed->code = ERR_UNAVAILABLE;
        return failed;
    }
    if (!call->stream && !call->response)
        err_set(&err, ERR_INTERNAL, "an answer without a message");
    return TAKE(err);
}

static void free_call(struct rpc_client_call *call)
{
    struct rpc_client *client = call->client;
    rpc_memory_done(&call->memory);
    err_free(call->read_err);
    grpc_slice_unref(call->status_message);
    grpc_metadata_array_destroy(&call->initial);
    grpc_metadata_array_destroy(&call->trailing);
    pthread_mutex_lock(&client->lock);
    list_remove(&call->node);
    grpc_call_unref(call->core);
    if (list_empty(&client->calls))
        pthread_cond_signal(&client->idle);
    pthread_mutex_unlock(&client->lock);
    mem_free(call);
}

static void batch_over(struct rpc_client_call *call)
{
    if (--call->pending > 0)
        return;
    AUTO_ERR struct err *err = outcome(call);
    call->done(call->user, err ? NULL : call->response, err);
    free_call(call);
}

/* -- batches -- */

static void start_batch(struct rpc_client_call *call, const grpc_op *ops, size_t count,
                        struct rpc_op *tag)
{
    TAG_GIVEN(tag);
    ASSERT(grpc_call_start_batch(call->core, ops, count, tag, NULL) == GRPC_CALL_OK);
}

static void read_next(struct rpc_client_call *call)
{
    grpc_op read = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->incoming};
    start_batch(call, &read, 1, &call->on_message);
}

static void on_sent(struct rpc_op *op, bool ok)
{
    (void)ok; /* the status says why */
    batch_over(CONTAINER_OF(op, struct rpc_client_call, on_sent));
}

static void on_status(struct rpc_op *op, bool ok)
{
    (void)ok;
    batch_over(CONTAINER_OF(op, struct rpc_client_call, on_status));
}

/* The message that was read, unpacked; NULL where none came, or with read_err. */
static ProtobufCMessage *take_message(struct rpc_client_call *call)
{
    grpc_byte_buffer *incoming = TAKE(call->incoming);
    if (!incoming)
        return NULL;
    ProtobufCMessage *message =
        rpc_unpack_buffer(call->output, incoming, &call->memory, &call->read_err);
    grpc_byte_buffer_destroy(incoming);
    return message;
}

static void on_unary(struct rpc_op *op, bool ok)
{
    (void)ok;
    struct rpc_client_call *call = CONTAINER_OF(op, struct rpc_client_call, on_status);
    call->response = take_message(call);
    batch_over(call);
}

static void on_message(struct rpc_op *op, bool ok)
{
    struct rpc_client_call *call = CONTAINER_OF(op, struct rpc_client_call, on_message);
    ProtobufCMessage *message = take_message(call);
    if (!ok || !message) {
        if (call->read_err)
            grpc_call_cancel(call->core, NULL);
        batch_over(call);
        return;
    }
    call->message_fn(call->user, message);
    rpc_memory_done(&call->memory);
    read_next(call);
}

/* -- starting -- */

static const ProtobufCMethodDescriptor *find_method(const ProtobufCServiceDescriptor *service,
                                                    const char *name)
{
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(service, name);
    ASSERT(method);
    return method;
}

static gpr_timespec deadline_of(const struct rpc_options *options)
{
    if (!options || !options->deadline_ms)
        return gpr_inf_future(GPR_CLOCK_REALTIME);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_millis(options->deadline_ms, GPR_TIMESPAN));
}

static struct rpc_client_call *make_call(struct rpc_channel *channel,
                                         const ProtobufCServiceDescriptor *service,
                                         const char *method, bool stream,
                                         const struct rpc_options *options)
{
    struct rpc_client *client = channel->client;
    AUTO_FREE char *path = mem_printf("/%s/%s", service->name, method);
    grpc_slice path_slice = grpc_slice_from_copied_string(path);
    struct rpc_client_call *call = NEW(struct rpc_client_call);
    call->client = client;
    call->output = find_method(service, method)->output;
    call->on_sent.fn = on_sent;
    call->on_message.fn = on_message;
    call->on_status.fn = stream ? on_status : on_unary;
    call->stream = stream;
    call->status_message = grpc_empty_slice();
    grpc_metadata_array_init(&call->initial);
    grpc_metadata_array_init(&call->trailing);
    call->core = grpc_channel_create_call(channel->core, NULL, GRPC_PROPAGATE_DEFAULTS, client->cq,
                                          path_slice, NULL, deadline_of(options), NULL);
    grpc_slice_unref(path_slice);
    pthread_mutex_lock(&client->lock);
    list_append(&client->calls, &call->node);
    pthread_mutex_unlock(&client->lock);
    return call;
}

/* gRPC works on a stream's first batch while it takes the others: what they share is filled in before. */
static struct rpc_client_call *start(struct rpc_client_call *call, const ProtobufCMessage *request,
                                     const struct rpc_options *options)
{
    uint32_t flags = options && options->wait_for_ready
                         ? GRPC_INITIAL_METADATA_WAIT_FOR_READY |
                               GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET
                         : 0;
    grpc_byte_buffer *packed = rpc_message_buffer(request);
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA, .flags = flags},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = packed},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &call->initial},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &call->trailing,
                                        .status = &call->status,
                                        .status_details = &call->status_message}},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->incoming},
    };
    const size_t sends = 4;
    if (call->stream) {
        call->pending = 3;
        start_batch(call, &ops[sends], 1, &call->on_status);
        read_next(call);
        start_batch(call, ops, sends, &call->on_sent);
    } else {
        call->pending = 1;
        start_batch(call, ops, ARRAY_LEN(ops), &call->on_status);
    }
    grpc_byte_buffer_destroy(packed);
    return call;
}

struct rpc_client_call *rpc_unary(struct rpc_channel *channel,
                                  const ProtobufCServiceDescriptor *service, const char *method,
                                  const ProtobufCMessage *request,
                                  const struct rpc_options *options, rpc_done_fn done, void *user)
{
    struct rpc_client_call *call = make_call(channel, service, method, false, options);
    call->done = done;
    call->user = user;
    return start(call, request, options);
}

struct rpc_client_call *rpc_stream(struct rpc_channel *channel,
                                   const ProtobufCServiceDescriptor *service, const char *method,
                                   const ProtobufCMessage *request,
                                   const struct rpc_options *options, rpc_message_fn message_fn,
                                   rpc_done_fn done, void *user)
{
    struct rpc_client_call *call = make_call(channel, service, method, true, options);
    call->message_fn = message_fn;
    call->done = done;
    call->user = user;
    return start(call, request, options);
}

void rpc_cancel(struct rpc_client_call *call)
{
    __atomic_store_n(&call->cancelled, true, __ATOMIC_RELEASE);
    grpc_call_cancel(call->core, NULL);
}

/* -- blocking -- */

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool done;
    ProtobufCMessage *response;
    struct err *err;
};

static ProtobufCMessage *copy_message(const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    AUTO_FREE uint8_t *bytes = mem_alloc(len);
    protobuf_c_message_pack(message, bytes);
    return protobuf_c_message_unpack(message->descriptor, NULL, len, bytes);
}

static void wake_waiting(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct waiting *waiting = user;
    pthread_mutex_lock(&waiting->lock);
    waiting->response = response ? copy_message(response) : NULL;
    waiting->err = err_copy(err);
    waiting->done = true;
    pthread_cond_signal(&waiting->over);
    pthread_mutex_unlock(&waiting->lock);
}

int rpc_unary_wait(struct rpc_channel *channel, const ProtobufCServiceDescriptor *service,
                   const char *method, const ProtobufCMessage *request,
                   const struct rpc_options *options, ProtobufCMessage **ret_response,
                   struct err **err)
{
    struct waiting waiting = {.lock = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};
    rpc_unary(channel, service, method, request, options, wake_waiting, &waiting);
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.done)
        pthread_cond_wait(&waiting.over, &waiting.lock);
    pthread_mutex_unlock(&waiting.lock);
    pthread_cond_destroy(&waiting.over);
    pthread_mutex_destroy(&waiting.lock);
    if (waiting.err)
        return err_move(err, waiting.err);
    *ret_response = waiting.response;
    return 0;
}
