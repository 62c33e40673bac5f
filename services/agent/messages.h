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

Koupleless__Agent__V1__InstalledModule **messages_modules(struct messages *messages,
                                                          const struct biz_list *modules,
                                                          const struct operations *operations);
Koupleless__Agent__V1__ModuleHealth **messages_health(struct messages *messages,
                                                      const struct base_health *health);
Koupleless__Agent__V1__BaseHealth *messages_base_health(struct messages *messages,
                                                        const struct base_state *state,
                                                        const struct replay *replay);
/** messages_jvm() - NULL where nothing is known yet. */
Koupleless__Agent__V1__Jvm *messages_jvm(struct messages *messages, const struct jvm *jvm);
Koupleless__Controller__V1__ReportRequest__LabelsEntry **
messages_labels(struct messages *messages, const struct json_map *labels);
Koupleless__Agent__V1__Operation *messages_operation(struct messages *messages,
                                                     const struct operation *operation);

#endif
