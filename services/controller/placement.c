/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the scheduler. The whole question travels: the bases of the base Deployment with what is
 * on them, or the instances of the revision. The answer waits in the revision until the next planning; that to
 * a preview (api/preview.c) goes there.
 */
#include "koupleless/scheduler/v1/scheduler.pb-c.h"
#include "lib/base/str.h"
#include "services/controller/controller_internal.h"

#define SCHEDULER_DEADLINE_MS 10000
#define UNREACHED_MS 60000 /* so long after a call without connection a base is not chosen */

typedef Koupleless__Scheduler__V1__BaseCandidate BaseCandidate;
typedef Koupleless__Scheduler__V1__InstanceCandidate InstanceCandidate;

/* Whether the agent of @base can be reached, as far as anybody knows. */
typedef bool (*reachable_fn)(struct base_state *base, int64_t now_ms);

/* One question under way. */
struct asked {
    scheduling_done_fn done;
    void *user;
    enum action_type type;
    int left_out; /* bases that were not asked about */
};

/* An answer on its way to the revision. */
struct answer {
    struct loop_event event;
    struct controller *controller;
    char *revision_key;
    enum action_type question;
    struct json_strings names;
    char *explanation;
    bool failed;
};

/* -- messages -- */

static void on_rpc_done(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct asked *asked = user;
    if (err) {
        AUTO_FREE char *failure = mem_printf("SchedulerUnavailable: %s", err->message);
        asked->done(asked->user, NULL, 0, NULL, failure);
    } else if (asked->type == ACTION_PLACE) {
        const Koupleless__Scheduler__V1__PlaceResponse *place = (const void *)response;
        AUTO_FREE char *why =
            asked->left_out
                ? mem_printf(NO_CAPACITY ": %s; %d left out, with another revision there",
                             place->explanation, asked->left_out)
                : mem_printf(NO_CAPACITY ": %s", place->explanation);
        asked->done(asked->user, place->bases, place->n_bases, why, NULL);
    } else {
        const Koupleless__Scheduler__V1__EvictResponse *evict = (const void *)response;
        asked->done(asked->user, evict->instances, evict->n_instances, "not enough instances",
                    NULL);
    }
    mem_free(asked);
}

static Koupleless__Scheduler__V1__SchedulingPolicy policy_of(enum scheduling_policy policy)
{
    return policy == SCHEDULE_STACKING
               ? KOUPLELESS__SCHEDULER__V1__SCHEDULING_POLICY__SCHEDULING_POLICY_STACKING
               : KOUPLELESS__SCHEDULER__V1__SCHEDULING_POLICY__SCHEDULING_POLICY_SCATTER;
}

static char *or_empty(char *text)
{
    return text ? text : (char *)(uintptr_t) "";
}

static void fill_candidate(BaseCandidate *candidate, const struct base_state *state,
                           const struct revision *revision, bool reachable)
{
    const struct base *base = state->base;
    koupleless__scheduler__v1__base_candidate__init(candidate);
    candidate->name = base->meta.name;
    candidate->node = or_empty(base->spec.node);
    candidate->zone = or_empty(base->spec.zone);
    candidate->module_count = state->module_count;
    if (base->spec.max_module_count_set) {
        candidate->_max_module_count_case =
            KOUPLELESS__SCHEDULER__V1__BASE_CANDIDATE___MAX_MODULE_COUNT_MAX_MODULE_COUNT;
        candidate->max_module_count = base->spec.max_module_count;
    }
    candidate->ready = state->ready;
    candidate->agent_reachable = reachable;
    candidate->terminating = state->terminating;
    candidate->has_ip = !str_empty(base->spec.ip);
    candidate->has_module = scheduling_has_revision(state, revision);
    candidate->metaspace_full = base->status.metaspace_full;
    candidate->selector_matches = base_selected(state, &revision->rs->spec.template);
}

static void call_scheduler(struct rpc_channel *scheduler, const char *method,
                           const ProtobufCMessage *request, struct asked *asked)
{
    struct rpc_options options = {.deadline_ms = SCHEDULER_DEADLINE_MS};
    rpc_unary(scheduler, &koupleless__scheduler__v1__scheduler_service__descriptor, method, request,
              &options, on_rpc_done, asked);
}

static void ask_place(struct rpc_channel *scheduler, const struct scheduling_question *question,
                      reachable_fn reachable, int64_t now_ms, struct asked *asked)
{
    size_t n = 0;
    AUTO_FREE BaseCandidate *candidates = mem_alloc(question->base_count * sizeof(*candidates));
    AUTO_FREE BaseCandidate **pointers = mem_alloc(question->base_count * sizeof(*pointers));
    for (size_t i = 0; i < question->base_count; i++) {
        struct base_state *base = question->bases[i];
        if (!scheduling_is_asked(base, question->revision))
            continue;
        fill_candidate(&candidates[n], base, question->revision,
                       !reachable || reachable(base, now_ms));
        pointers[n] = &candidates[n];
        n++;
    }
    asked->left_out = (int)(question->base_count - n);
    Koupleless__Scheduler__V1__PlaceRequest request =
        KOUPLELESS__SCHEDULER__V1__PLACE_REQUEST__INIT;
    request.replicas = question->count;
    request.policy = policy_of(question->policy);
    request.n_bases = n;
    request.bases = pointers;
    call_scheduler(scheduler, "Place", &request.base, asked);
}

static void ask_evict(struct rpc_channel *scheduler, const struct scheduling_question *question,
                      struct asked *asked)
{
    size_t n = 0, len = question->revision->instances.len;
    AUTO_FREE InstanceCandidate *candidates = mem_alloc(len * sizeof(*candidates));
    AUTO_FREE InstanceCandidate **pointers = mem_alloc(len * sizeof(*pointers));
    for (size_t i = 0; i < len; i++) {
        const struct instance *instance = question->revision->instances.items[i];
        if (!scheduling_may_go(instance))
            continue;
        InstanceCandidate *candidate = &candidates[n];
        koupleless__scheduler__v1__instance_candidate__init(candidate);
        candidate->name = instance->module->meta.name;
        candidate->base_name = instance->module->spec.base_name;
        candidate->healthy = instance->module->status.phase == MODULE_AVAILABLE;
        if (instance->base) {
            candidate->module_count = instance->base->module_count;
            candidate->node = or_empty(instance->base->base->spec.node);
            candidate->zone = or_empty(instance->base->base->spec.zone);
            candidate->base_ready = instance->base->ready;
        }
        pointers[n++] = candidate;
    }
    Koupleless__Scheduler__V1__EvictRequest request =
        KOUPLELESS__SCHEDULER__V1__EVICT_REQUEST__INIT;
    request.replicas = question->count;
    request.policy = policy_of(question->policy);
    request.n_instances = n;
    request.instances = pointers;
    call_scheduler(scheduler, "Evict", &request.base, asked);
}

static void ask(struct rpc_channel *scheduler, const struct scheduling_question *question,
                reachable_fn reachable, int64_t now_ms, scheduling_done_fn done, void *user)
{
    struct asked *asked = NEW(struct asked);
    *asked = (struct asked){.done = done, .user = user, .type = question->type};
    if (question->type == ACTION_PLACE)
        ask_place(scheduler, question, reachable, now_ms, asked);
    else
        ask_evict(scheduler, question, asked);
}

void controller_ask_scheduler(void *controller, const struct scheduling_question *question,
                              scheduling_done_fn done, void *user)
{
    ask(((struct controller *)controller)->scheduler, question, NULL, 0, done, user);
}

/* -- for the loop -- */

void placement_forget(struct placement *placement)
{
    for (size_t i = 0; i < placement->names.len; i++)
        mem_free(placement->names.items[i]);
    mem_free(placement->names.items);
    placement->names = (struct json_strings){0};
    if (placement->state != PLACEMENT_ASKED)
        placement->state = PLACEMENT_NONE;
}

static void take_answer(struct placement *placement, struct answer *answer, int64_t now_ms)
{
    placement->state = PLACEMENT_NONE;
    placement_forget(placement);
    placement->state = answer->failed ? PLACEMENT_FAILED : PLACEMENT_ANSWERED;
    placement->names = answer->names;
    placement->offered = (int32_t)placement->names.len;
    answer->names = (struct json_strings){0};
    mem_free(placement->explanation);
    bool enough = !answer->failed && (int32_t)placement->names.len >= placement->asked;
    placement->explanation = enough ? NULL : TAKE(answer->explanation);
    placement->answered_ms = now_ms;
}

static void on_answer(struct loop_event *event)
{
    struct answer *answer = CONTAINER_OF(event, struct answer, event);
    struct controller *controller = answer->controller;
    controller->in_flight--;
    struct cached_revision *revision = map_get(&controller->cache.revisions, answer->revision_key);
    if (answer->failed)
        log_warn(controller->log, "scheduler did not answer, asked again",
                 LOG_STR("revision", answer->revision_key), LOG_STR("error", answer->explanation));
    if (revision) {
        struct placement *placement =
            answer->question == ACTION_PLACE ? &revision->view.place : &revision->view.evict;
        take_answer(placement, answer, loop_now_ms(controller->loop));
        if (revision->deployment)
            controller->cache.on_dirty_deployment(controller, revision->deployment->key);
    }
    for (size_t i = 0; i < answer->names.len; i++)
        mem_free(answer->names.items[i]);
    mem_free(answer->names.items);
    mem_free(answer->explanation);
    mem_free(answer->revision_key);
    mem_free(answer);
}

static bool agent_reachable(struct base_state *base, int64_t now_ms)
{
    const struct cached_base *cached = CONTAINER_OF(base, struct cached_base, view);
    return !cached->unreached || now_ms - cached->unreached_ms >= UNREACHED_MS;
}

static void on_scheduled(void *user, char *const *names, size_t count, const char *explanation,
                         const char *failure)
{
    struct answer *answer = user;
    answer->failed = failure != NULL;
    answer->explanation = mem_strdup(failure ? failure : explanation);
    answer->names.items = mem_alloc(count * sizeof(char *));
    answer->names.len = count;
    for (size_t i = 0; i < count; i++)
        answer->names.items[i] = mem_strdup(names[i]);
    loop_post(answer->controller->loop, &answer->event);
}

void placement_ask(struct controller *controller, struct deployment *deployment,
                   struct cached_revision *revision, enum action_type question, int32_t count)
{
    struct placement *placement =
        question == ACTION_PLACE ? &revision->view.place : &revision->view.evict;
    placement->state = PLACEMENT_ASKED;
    placement->asked = count;
    struct answer *answer = NEW(struct answer);
    answer->event.fn = on_answer;
    answer->controller = controller;
    answer->revision_key = mem_strdup(revision->key);
    answer->question = question;
    controller->in_flight++;
    const struct scheduling_question asked = {
        .type = question,
        .revision = &revision->view,
        .count = count,
        .policy = deployment->md->spec.scheduling_policy,
        .bases = deployment->bases->bases.items,
        .base_count = deployment->bases->bases.len,
    };
    ask(controller->scheduler, &asked, agent_reachable, loop_now_ms(controller->loop), on_scheduled,
        answer);
}
