/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/messages.h"

#include "lib/base/str.h"

typedef Koupleless__Agent__V1__InstalledModule InstalledModule;
typedef Koupleless__Agent__V1__ModuleHealth ModuleHealth;
typedef Koupleless__Agent__V1__BaseHealth BaseHealth;
typedef Koupleless__Agent__V1__Operation Operation;
typedef Koupleless__Agent__V1__Jvm Jvm;
typedef Koupleless__Agent__V1__ReplayedModule ReplayedModule;

#define REPLAYED(state) KOUPLELESS__AGENT__V1__REPLAYED_MODULE_STATE__REPLAYED_MODULE_STATE_##state

static void *own(struct messages *messages, size_t bytes)
{
    void *p = mem_alloc(bytes);
    VEC_PUSH(&messages->owned, p);
    return p;
}

void messages_done(struct messages *messages)
{
    for (size_t i = 0; i < messages->owned.len; i++)
        mem_free(messages->owned.items[i]);
    VEC_DONE(&messages->owned);
}

/* protobuf-c's strings are not const; packing does not write to them. */
char *messages_text(const char *s)
{
    return (char *)(uintptr_t)(s ? s : "");
}

struct module_spec messages_read_module(const Koupleless__Module__V1__ModuleSpec *message)
{
    return (struct module_spec){message->name,           message->version,           message->url,
                                str_given(message->md5), str_given(message->sha256), NULL};
}

static Google__Protobuf__Timestamp *timestamp(struct messages *messages, int64_t wall_ms)
{
    if (!wall_ms)
        return NULL;
    Google__Protobuf__Timestamp *time = own(messages, sizeof(*time));
    google__protobuf__timestamp__init(time);
    time->seconds = wall_ms / 1000;
    time->nanos = (int32_t)(wall_ms % 1000) * 1000000;
    return time;
}

static Google__Protobuf__Duration *duration(struct messages *messages, int64_t ms)
{
    Google__Protobuf__Duration *span = own(messages, sizeof(*span));
    google__protobuf__duration__init(span);
    span->seconds = ms / 1000;
    span->nanos = (int32_t)(ms % 1000) * 1000000;
    return span;
}

InstalledModule **messages_modules(struct messages *messages, const struct biz_list *modules,
                                   const struct operations *operations)
{
    InstalledModule **list = own(messages, (modules->len + 1) * sizeof(InstalledModule *));
    for (size_t i = 0; i < modules->len; i++) {
        const struct biz *biz = &modules->items[i];
        list[i] = own(messages, sizeof(InstalledModule));
        koupleless__agent__v1__installed_module__init(list[i]);
        list[i]->name = messages_text(biz->name);
        list[i]->version = messages_text(biz->version);
        list[i]->state = messages_text(biz_state_name(biz->state));
        list[i]->web_context_path = messages_text(biz->web_context_path);
        list[i]->digest = messages_text(operations_digest(operations, biz->name, biz->version));
    }
    return list;
}

static Koupleless__Agent__V1__HealthStatus status_of(enum health health)
{
    switch (health) {
    case HEALTH_UP:
        return KOUPLELESS__AGENT__V1__HEALTH_STATUS__HEALTH_STATUS_UP;
    case HEALTH_DOWN:
        return KOUPLELESS__AGENT__V1__HEALTH_STATUS__HEALTH_STATUS_DOWN;
    case HEALTH_UNKNOWN:
        break;
    }
    return KOUPLELESS__AGENT__V1__HEALTH_STATUS__HEALTH_STATUS_UNKNOWN;
}

ModuleHealth **messages_health(struct messages *messages, const struct base_health *health)
{
    ModuleHealth **list = own(messages, (health->len + 1) * sizeof(ModuleHealth *));
    for (size_t i = 0; i < health->len; i++) {
        list[i] = own(messages, sizeof(ModuleHealth));
        koupleless__agent__v1__module_health__init(list[i]);
        list[i]->name = messages_text(health->modules[i].name);
        list[i]->version = messages_text(health->modules[i].version);
        list[i]->status = status_of(health->modules[i].status);
        list[i]->message = messages_text(health->modules[i].message);
    }
    return list;
}

static ReplayedModule *replayed_module(struct messages *messages, const struct replay_item *item)
{
    static const Koupleless__Agent__V1__ReplayedModuleState fates[] = {
        [REPLAY_WAITS] = REPLAYED(WAITING),
        [REPLAY_RUNS] = REPLAYED(INSTALLING),
        [REPLAY_THERE] = REPLAYED(INSTALLED),
        [REPLAY_FAILED] = REPLAYED(FAILED),
        [REPLAY_LEFT_OUT] = REPLAYED(LEFT_OUT)};
    ReplayedModule *module = own(messages, sizeof(*module));
    koupleless__agent__v1__replayed_module__init(module);
    module->name = messages_text(item->module.name);
    module->version = messages_text(item->module.version);
    module->state = fates[item->fate];
    module->message = messages_text(item->message);
    return module;
}

static Koupleless__Agent__V1__BaselineSource source_of(const struct replay_state *state)
{
    if (!state->baseline_known)
        return KOUPLELESS__AGENT__V1__BASELINE_SOURCE__BASELINE_SOURCE_UNSPECIFIED;
    return state->by_controller ? KOUPLELESS__AGENT__V1__BASELINE_SOURCE__BASELINE_SOURCE_CONTROLLER
                                : KOUPLELESS__AGENT__V1__BASELINE_SOURCE__BASELINE_SOURCE_OWN_COPY;
}

/* NULL: there was none. */
static Koupleless__Agent__V1__Replay *replay_message(struct messages *messages,
                                                     const struct replay *replay)
{
    struct replay_state state = replay_state(replay);
    if (!state.ever)
        return NULL;
    Koupleless__Agent__V1__Replay *message = own(messages, sizeof(*message));
    koupleless__agent__v1__replay__init(message);
    message->over = state.over;
    message->source = source_of(&state);
    message->notice_time = timestamp(messages, state.noticed_ms);
    message->end_time = timestamp(messages, state.over_ms);
    message->wanted = state.counts.wanted;
    message->installed = state.counts.installed;
    message->failed = state.counts.failed;
    message->left_out = state.counts.left_out;
    message->modules = own(messages, (state.plan->len + 1) * sizeof(ReplayedModule *));
    for (size_t i = 0; i < state.plan->len; i++)
        if (state.plan->items[i].fate != REPLAY_UNWANTED)
            message->modules[message->n_modules++] =
                replayed_module(messages, &state.plan->items[i]);
    return message;
}

BaseHealth *messages_base_health(struct messages *messages, const struct base_state *state,
                                 const struct replay *replay)
{
    const struct base_health *health = &state->health;
    BaseHealth *message = own(messages, sizeof(*message));
    koupleless__agent__v1__base_health__init(message);
    message->status = status_of(health->status);
    message->base_status = status_of(health->base_status);
    message->message = messages_text(health->message);
    message->n_modules = health->len;
    message->modules = messages_health(messages, health);
    message->boot_id = messages_text(state->boot_id);
    message->replay = replay_message(messages, replay);
    return message;
}

/* What is not known, or not limited, is left out. */
static int64_t bytes(int64_t figure)
{
    return figure == JVM_UNKNOWN ? 0 : figure;
}

Jvm *messages_jvm(struct messages *messages, const struct jvm *jvm)
{
    const struct jvm_figures *figures = jvm_figures(jvm);
    if (!figures)
        return NULL;
    Jvm *message = own(messages, sizeof(*message));
    koupleless__agent__v1__jvm__init(message);
    message->uptime = duration(messages, figures->uptime_s * 1000);
    message->heap_used_bytes = bytes(figures->heap_used_bytes);
    message->heap_max_bytes = bytes(figures->heap_max_bytes);
    message->metaspace_used_bytes = bytes(figures->metaspace_used_bytes);
    message->metaspace_committed_bytes = bytes(figures->metaspace_committed_bytes);
    message->metaspace_max_bytes = bytes(figures->metaspace_max_bytes);
    message->metaspace_full = jvm_refusal(jvm) != NULL;
    message->message = messages_text(jvm_refusal(jvm));
    return message;
}

Koupleless__Controller__V1__ReportRequest__LabelsEntry **
messages_labels(struct messages *messages, const struct json_map *labels)
{
    typedef Koupleless__Controller__V1__ReportRequest__LabelsEntry Entry;
    Entry **list = own(messages, (labels->len + 1) * sizeof(Entry *));
    for (size_t i = 0; i < labels->len; i++) {
        list[i] = own(messages, sizeof(Entry));
        koupleless__controller__v1__report_request__labels_entry__init(list[i]);
        list[i]->key = messages_text(labels->items[i].key);
        list[i]->value = messages_text(labels->items[i].value);
    }
    return list;
}

static Koupleless__Module__V1__ModuleSpec *module_spec(struct messages *messages,
                                                       const struct module_spec *spec)
{
    Koupleless__Module__V1__ModuleSpec *message = own(messages, sizeof(*message));
    koupleless__module__v1__module_spec__init(message);
    message->name = messages_text(spec->name);
    message->version = messages_text(spec->version);
    message->url = messages_text(spec->url);
    message->md5 = messages_text(spec->md5);
    message->sha256 = messages_text(spec->sha256);
    return message;
}

static Koupleless__Agent__V1__OperationError *operation_error(struct messages *messages,
                                                              const struct operation *operation)
{
    if (operation->state != OPERATION_FAILED)
        return NULL;
    const struct failure *failure = &operation->failure;
    Koupleless__Agent__V1__OperationError *error = own(messages, sizeof(*error));
    koupleless__agent__v1__operation_error__init(error);
    error->code = messages_text(failure_code(failure->kind));
    error->reason = messages_text(failure_reason(failure->kind));
    error->message = messages_text(failure->message);
    error->retryable = failure_retryable(failure->kind);
    error->restored = operation->restored;
    return error;
}

static const Koupleless__Agent__V1__OperationState states[] = {
    [OPERATION_PENDING] = KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_PENDING,
    [OPERATION_DOWNLOADING] = KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_DOWNLOADING,
    [OPERATION_VERIFYING] = KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_VERIFYING,
    [OPERATION_EXECUTING] = KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_EXECUTING,
    [OPERATION_CHECKING] = KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_CHECKING,
    [OPERATION_SUCCEEDED] = KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_SUCCEEDED,
    [OPERATION_FAILED] = KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_FAILED,
};

Operation *messages_operation(struct messages *messages, const struct operation *operation)
{
    Operation *message = own(messages, sizeof(*message));
    koupleless__agent__v1__operation__init(message);
    message->id = messages_text(operation->id);
    message->type = messages_text(operation_type_name(operation->type));
    message->module = module_spec(messages, &operation->module);
    message->state = states[operation->state];
    message->error = operation_error(messages, operation);
    message->downloaded_bytes = __atomic_load_n(&operation->progress.bytes, __ATOMIC_RELAXED);
    message->total_bytes = __atomic_load_n(&operation->progress.total, __ATOMIC_RELAXED);
    message->start_time = timestamp(messages, operation->start_ms);
    if (operation_ended(operation))
        message->end_time = timestamp(messages, operation->end_ms);
    message->execution_time = duration(messages, operation->execution_ms);
    message->digest = messages_text(operation->digest);
    message->metaspace_bytes = operation->metaspace_bytes;
    message->url_passed_through = operation->url_passed_through;
    return message;
}
