/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the scheduler. The whole question travels: the bases of the base Deployment with what is
 * on them, or the instances of the revision. The answer waits in the revision until the next planning.
 *
 * Bases with another revision of the module are not asked about: there a new revision comes as the successor
 * of the old instance (plan_replicaset.c), never beside it by chance.
 */
#include "koupleless/scheduler/v1/scheduler.pb-c.h"
#include "lib/base/str.h"
#include "services/controller/controller_internal.h"

#define SCHEDULER_DEADLINE_MS 10000
#define UNREACHED_MS 60000 /* so long after a call without connection a base is not chosen */

typedef Koupleless__Scheduler__V1__BaseCandidate BaseCandidate;
typedef Koupleless__Scheduler__V1__InstanceCandidate InstanceCandidate;

struct answer {
    struct loop_event event;
    struct controller *controller;
    char *revision_key;
    enum action_type question;
    struct json_strings names;
    char *explanation;
    int left_out; /* bases that were not asked about */
    bool failed;
};

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

static void copy_names(struct answer *answer, char **names, size_t count)
{
    answer->names.items = mem_alloc(count * sizeof(char *));
    answer->names.len = count;
    for (size_t i = 0; i < count; i++)
        answer->names.items[i] = mem_strdup(names[i]);
}

static void on_rpc_done(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct answer *answer = user;
    if (err) {
        answer->failed = true;
        answer->explanation = mem_printf("SchedulerUnavailable: %s", err->message);
    } else if (answer->question == ACTION_PLACE) {
        const Koupleless__Scheduler__V1__PlaceResponse *place = (const void *)response;
        copy_names(answer, place->bases, place->n_bases);
        answer->explanation =
            answer->left_out
                ? mem_printf("NoCapacity: %s; %d left out, with another revision there",
                             place->explanation, answer->left_out)
                : mem_printf("NoCapacity: %s", place->explanation);
    } else {
        const Koupleless__Scheduler__V1__EvictResponse *evict = (const void *)response;
        copy_names(answer, evict->instances, evict->n_instances);
        answer->explanation = mem_strdup("not enough instances");
    }
    loop_post(answer->controller->loop, &answer->event);
}

static Koupleless__Scheduler__V1__SchedulingPolicy policy_of(const struct module_deployment *md)
{
    return md->spec.scheduling_policy == SCHEDULE_STACKING
               ? KOUPLELESS__SCHEDULER__V1__SCHEDULING_POLICY__SCHEDULING_POLICY_STACKING
               : KOUPLELESS__SCHEDULER__V1__SCHEDULING_POLICY__SCHEDULING_POLICY_SCATTER;
}

static char *or_empty(char *text)
{
    return text ? text : (char *)(uintptr_t) "";
}

/* Whether an instance of the revision is on the base, or just leaving it. */
static bool has_revision(const struct cached_base *base, const struct revision *revision)
{
    for (size_t i = 0; i < base->view.instances.len; i++)
        if (base->view.instances.items[i]->revision == revision)
            return true;
    return false;
}

/* Whether the module is on the base in another revision, or just leaving it. */
static bool has_other_revision(const struct cached_base *base, const struct revision *revision)
{
    const char *module_name = revision->rs->spec.template.module.name;
    for (size_t i = 0; i < base->view.instances.len; i++)
        if (base->view.instances.items[i]->revision != revision &&
            str_eq(base->view.instances.items[i]->module->spec.module.name, module_name))
            return true;
    return false;
}

static bool agent_reachable(const struct cached_base *base, int64_t now_ms)
{
    return !base->unreached || now_ms - base->unreached_ms >= UNREACHED_MS;
}

static void fill_candidate(BaseCandidate *candidate, const struct cached_base *cached,
                           const struct revision *revision, int64_t now_ms)
{
    const struct base *base = cached->base;
    koupleless__scheduler__v1__base_candidate__init(candidate);
    candidate->name = base->meta.name;
    candidate->node = or_empty(base->spec.node);
    candidate->zone = or_empty(base->spec.zone);
    candidate->module_count = cached->view.module_count;
    if (base->spec.max_module_count_set) {
        candidate->_max_module_count_case =
            KOUPLELESS__SCHEDULER__V1__BASE_CANDIDATE___MAX_MODULE_COUNT_MAX_MODULE_COUNT;
        candidate->max_module_count = base->spec.max_module_count;
    }
    candidate->ready = cached->view.ready;
    candidate->agent_reachable = agent_reachable(cached, now_ms);
    candidate->terminating = cached->view.terminating;
    candidate->has_ip = !str_empty(base->spec.ip);
    candidate->has_module = has_revision(cached, revision);
    candidate->selector_matches = base_selected(&cached->view, &revision->rs->spec.template);
}

static void call_scheduler(const char *method, const ProtobufCMessage *request,
                           struct answer *answer)
{
    struct rpc_options options = {.deadline_ms = SCHEDULER_DEADLINE_MS};
    rpc_unary(answer->controller->scheduler,
              &koupleless__scheduler__v1__scheduler_service__descriptor, method, request, &options,
              on_rpc_done, answer);
}

static void ask_place(const struct deployment *deployment, const struct cached_revision *revision,
                      int32_t count, struct answer *answer)
{
    size_t count_all = deployment->bases->bases.len, n = 0;
    int64_t now_ms = loop_now_ms(answer->controller->loop);
    AUTO_FREE BaseCandidate *candidates = mem_alloc(count_all * sizeof(*candidates));
    AUTO_FREE BaseCandidate **pointers = mem_alloc(count_all * sizeof(*pointers));
    for (size_t i = 0; i < count_all; i++) {
        const struct cached_base *base =
            CONTAINER_OF(deployment->bases->bases.items[i], struct cached_base, view);
        if (has_other_revision(base, &revision->view))
            continue;
        fill_candidate(&candidates[n], base, &revision->view, now_ms);
        pointers[n] = &candidates[n];
        n++;
    }
    answer->left_out = (int)(count_all - n);
    Koupleless__Scheduler__V1__PlaceRequest request =
        KOUPLELESS__SCHEDULER__V1__PLACE_REQUEST__INIT;
    request.replicas = count;
    request.policy = policy_of(deployment->md);
    request.n_bases = n;
    request.bases = pointers;
    call_scheduler("Place", &request.base, answer);
}

static void ask_evict(const struct deployment *deployment, const struct cached_revision *revision,
                      int32_t count, struct answer *answer)
{
    size_t n = 0;
    AUTO_FREE InstanceCandidate *candidates =
        mem_alloc(revision->view.instances.len * sizeof(*candidates));
    AUTO_FREE InstanceCandidate **pointers =
        mem_alloc(revision->view.instances.len * sizeof(*pointers));
    for (size_t i = 0; i < revision->view.instances.len; i++) {
        const struct instance *instance = revision->view.instances.items[i];
        if (instance_deleting(instance) || instance->replaced_by)
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
    request.replicas = count;
    request.policy = policy_of(deployment->md);
    request.n_instances = n;
    request.instances = pointers;
    call_scheduler("Evict", &request.base, answer);
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
    if (question == ACTION_PLACE)
        ask_place(deployment, revision, count, answer);
    else
        ask_evict(deployment, revision, count, answer);
}
