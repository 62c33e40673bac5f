/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_MESSAGES_H
#define KOUPLELESS_AGENT_MESSAGES_H

#include "koupleless/agent/v1/agent.pb-c.h"
#include "koupleless/controller/v1/agent_gateway.pb-c.h"
#include "lib/base/json.h"
#include "services/agent/engine/base_health.h"
#include "services/agent/jvm.h"
#include "services/agent/operations.h"
#include "services/agent/replay.h"

/*
 * What the agent knows, as protobuf messages. They borrow the strings of what they were made from, and live
 * until messages_done().
 */
struct messages {
    VEC(void *) owned;
};

void messages_done(struct messages *messages);

/** messages_text() - @s as protobuf-c has it, which does not write to it; NULL gives "". Borrowed. */
char *messages_text(const char *s);

/** messages_read_module() - the other way: digests that are not given are NULL. Strings are those of @message. */
struct module_spec messages_read_module(const Koupleless__Module__V1__ModuleSpec *message);

/** messages_modules() - of Arklet's list, with the digests of what was installed by an agent here. */
Koupleless__Agent__V1__InstalledModule **messages_modules(struct messages *messages,
                                                          const struct biz_list *modules,
                                                          const struct operations *operations);

/** messages_health() - of each module. */
Koupleless__Agent__V1__ModuleHealth **messages_health(struct messages *messages,
                                                      const struct base_health *health);

/** messages_base_health() - of all; without the JVM, which is messages_jvm(). */
Koupleless__Agent__V1__BaseHealth *messages_base_health(struct messages *messages,
                                                        const struct base_state *state,
                                                        const struct replay *replay);

/** messages_jvm() - NULL where nothing is known yet. */
Koupleless__Agent__V1__Jvm *messages_jvm(struct messages *messages, const struct jvm *jvm);

Koupleless__Controller__V1__ReportRequest__LabelsEntry **
messages_labels(struct messages *messages, const struct json_map *labels);

/** messages_operation() - as it stands now, with the bytes of its download. */
Koupleless__Agent__V1__Operation *messages_operation(struct messages *messages,
                                                     const struct operation *operation);

#endif
