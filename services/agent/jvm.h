/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_JVM_H
#define KOUPLELESS_AGENT_JVM_H

#include "lib/base/list.h"
#include "lib/base/metrics.h"
#include "services/agent/arklet.h"
#include "services/agent/engine/metaspace.h"

/*
 * What the JVM of the base says of itself, and whether it takes installs. Arklet's `health` mixes up questions
 * that come side by side (koupleless/runtime 1.4.2), so all are asked here, one after the other. Loop thread.
 */
struct jvm;

struct jvm_options {
    struct loop *loop;
    struct arklet *arklet;
    struct metrics *metrics;
    int64_t query_ms;
    int64_t metaspace_percent; /* above it no installs; 0 = not judged (engine/metaspace.h) */
};

struct jvm *jvm_new(const struct jvm_options *options);
void jvm_free(struct jvm *jvm); /* after the http client ended */

/* Somebody who asks; embedded in the caller's struct. */
struct jvm_question {
    struct list node;
    int64_t asked_ms; /* mono; when it was sent */
    void (*fn)(struct jvm_question *question, bool answered);
};

/** jvm_ask() - a question that is sent after this call; then @question->fn, once. Not while it is asked already. */
void jvm_ask(struct jvm *jvm, struct jvm_question *question);

/** jvm_figures() - of the last answer, or NULL: there was none. Borrowed. */
const struct jvm_figures *jvm_figures(const struct jvm *jvm);

/** jvm_refusal() - why it takes no installs, by the last answer, or NULL. Borrowed until the next one. */
const char *jvm_refusal(const struct jvm *jvm);

/** jvm_is_limited() - whether installs have to ask: not where nobody wants it, and not a JVM without a limit. */
bool jvm_is_limited(const struct jvm *jvm);

#endif
