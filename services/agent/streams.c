/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/limits.h"
#include "services/agent/server_internal.h"

static void ask_end(struct stream *stream)
{
    if (!__atomic_exchange_n(&stream->end_asked, true, __ATOMIC_ACQ_REL))
        loop_post(stream->server->options.loop, &stream->end);
}

static void on_cancel(void *user)
{
    ask_end(user);
}

static void on_end(struct loop_event *event)
{
    struct stream *stream = CONTAINER_OF(event, struct stream, end);
    AUTO_ERR struct err *err = NULL;
    list_remove(&stream->node);
    if (stream->slow) {
        err_set(&err, ERR_LIMIT, "the client reads too slowly");
        rpc_call_fail(stream->rpc, err);
    } else {
        rpc_call_end(stream->rpc);
    }
    mem_free(stream);
}

void stream_send(struct stream *stream, const ProtobufCMessage *message)
{
    if (stream->slow)
        return;
    if (rpc_call_queue_len(stream->rpc) >= LIMIT_RPC_STREAM_QUEUE) {
        stream->slow = true;
        ask_end(stream);
        return;
    }
    stream->closure(message, stream->rpc);
}

void stream_begin(struct server_call *call, struct list *streams,
                  void (*first)(struct stream *stream))
{
    struct stream *stream = NEW(struct stream);
    *stream = (struct stream){
        .end.fn = on_end,
        .server = call->server,
        .request = call->request,
        .closure = call->closure,
        .rpc = call->rpc,
    };
    list_append(streams, &stream->node);
    mem_free(call);
    first(stream);
    rpc_call_on_cancel(stream->rpc, on_cancel, stream);
}
