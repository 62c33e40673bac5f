/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_WATCH_STREAM_H
#define KOUPLELESS_KUBE_WATCH_STREAM_H

#include "lib/base/json_scan.h"
#include "lib/base/str.h"
#include "lib/kube/client.h"

/*
 * The body of a watch: one event per line, {"type":"ADDED","object":{...}}. Pure. No tree is made: of an object
 * only its resourceVersion is looked for. Inside lib/kube only.
 */
struct kube_stream {
    struct str line; /* the one that is not whole yet */
    char *
        version; /* of the last event, or where to begin; owned. NULL: what there is is being told */
};

#define KUBE_STREAM_INIT(from) ((struct kube_stream){.version = mem_strdup(from)})

/** kube_stream_is_version() - whether a server can have given it: versions are numbers. */
bool kube_stream_is_version(const char *text);

void kube_stream_done(struct kube_stream *stream);

/** kube_stream_fn - ADDED to LISTED; borrowed for the call. */
typedef void (*kube_stream_fn)(void *user, enum kube_event_type type, struct span object);

/**
 * kube_stream_feed() - the next bytes; calls @fn for each event that is whole now
 *
 * Without a version it is a streaming list until its end, KUBE_LISTED: no version of an object says how far that has come.
 * Return: 0, or -1 where the watch is over: ERR_LIMIT, an event over LIMIT_KUBE_EVENT; ERR_DATA_LOSS, no event;
 * or what the server says in an ERROR event (kube_status_error()). Until then @stream->version is right.
 */
int kube_stream_feed(struct kube_stream *stream, const char *bytes, size_t len, kube_stream_fn fn,
                     void *user, struct err **err);

/** kube_stream_restart() - another connection begins: half a line that the last one left is dropped. */
void kube_stream_restart(struct kube_stream *stream);

#endif
