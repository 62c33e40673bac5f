/* SPDX-License-Identifier: Apache-2.0 */
#include "services/scheduler/question.h"

#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/map.h"

typedef Koupleless__Scheduler__V1__BaseCandidate BaseCandidate;
typedef Koupleless__Scheduler__V1__InstanceCandidate InstanceCandidate;
typedef Koupleless__Scheduler__V1__SchedulingPolicy SchedulingPolicy;

#define POLICY(name) KOUPLELESS__SCHEDULER__V1__SCHEDULING_POLICY__SCHEDULING_POLICY_##name

/* -- both questions -- */

static int read_policy(SchedulingPolicy policy, enum place_policy *ret_policy, struct err **err)
{
    switch ((int)policy) { /* an open enum: any number can arrive */
    case POLICY(UNSPECIFIED):
    case POLICY(SCATTER):
        *ret_policy = PLACE_SCATTER;
        return 0;
    case POLICY(STACKING):
        *ret_policy = PLACE_STACKING;
        return 0;
    default:
        return err_field(err, "policy", "there is no policy %d", (int)policy);
    }
}

static int read_replicas(int32_t replicas, size_t *ret_wanted, struct err **err)
{
    if (replicas < 0 || replicas > LIMIT_REPLICAS)
        return err_field(err, "replicas", "must be from 0 to %d, not %d", LIMIT_REPLICAS, replicas);
    *ret_wanted = (size_t)replicas;
    return 0;
}

static int check_length(const char *list, size_t count, struct err **err)
{
    if (count > LIMIT_BASES_PER_QUESTION)
        return err_field(err, list, "at most %d are taken, not %zu", LIMIT_BASES_PER_QUESTION,
                         count);
    return 0;
}

/* One item of a list, for naming it in an error. */
struct item {
    const char *list;
    size_t index;
};

static int bad_item(const struct item *item, const char *field, const char *what, struct err **err)
{
    AUTO_FREE char *path = mem_printf("%s[%zu].%s", item->list, item->index, field);
    return err_field(err, path, "%s", what);
}

static int check_text(const struct item *item, const char *field, const char *text,
                      struct err **err)
{
    if (strlen(text) > LIMIT_NAME)
        return bad_item(item, field, "is too long for a name", err);
    return 0;
}

/* Notes the name in @seen, which holds name -> item number from 1. */
static int check_name(const struct item *item, const char *name, struct map *seen, struct err **err)
{
    if (!*name)
        return bad_item(item, "name", "is required", err);
    if (check_text(item, "name", name, err) < 0)
        return -1;
    void *earlier = map_put(seen, name, (void *)(uintptr_t)(item->index + 1));
    if (!earlier)
        return 0;
    AUTO_FREE char *what =
        mem_printf("is the name of %s[%zu] too", item->list, (size_t)(uintptr_t)earlier - 1);
    return bad_item(item, "name", what, err);
}

static int check_count(const struct item *item, const char *field, int32_t value, struct err **err)
{
    return value < 0 ? bad_item(item, field, "must not be negative", err) : 0;
}

/* -- Place -- */

static bool has_limit(const BaseCandidate *candidate)
{
    return candidate->_max_module_count_case ==
           KOUPLELESS__SCHEDULER__V1__BASE_CANDIDATE___MAX_MODULE_COUNT_MAX_MODULE_COUNT;
}

static int check_base(const struct item *item, const BaseCandidate *candidate, struct map *seen,
                      struct err **err)
{
    if (check_name(item, candidate->name, seen, err) < 0 ||
        check_text(item, "node", candidate->node, err) < 0 ||
        check_text(item, "zone", candidate->zone, err) < 0 ||
        check_count(item, "module_count", candidate->module_count, err) < 0)
        return -1;
    return has_limit(candidate)
               ? check_count(item, "max_module_count", candidate->max_module_count, err)
               : 0;
}

static struct place_base base_of(const BaseCandidate *candidate)
{
    return (struct place_base){
        .name = candidate->name,
        .node = candidate->node,
        .zone = candidate->zone,
        .module_count = candidate->module_count,
        .max_module_count = has_limit(candidate) ? candidate->max_module_count : PLACE_UNLIMITED,
        .ready = candidate->ready,
        .terminating = candidate->terminating,
        .has_ip = candidate->has_ip,
        .agent_reachable = candidate->agent_reachable,
        .has_module = candidate->has_module,
        .metaspace_full = candidate->metaspace_full,
        .selector_matches = candidate->selector_matches,
    };
}

static int read_bases(BaseCandidate *const *candidates, size_t count, struct place_base *bases,
                      struct err **err)
{
    AUTO(map_done) struct map seen = {0};
    for (size_t i = 0; i < count; i++) {
        struct item item = {"bases", i};
        if (check_base(&item, candidates[i], &seen, err) < 0)
            return -1;
        bases[i] = base_of(candidates[i]);
    }
    return 0;
}

int place_question_read(const Koupleless__Scheduler__V1__PlaceRequest *request,
                        struct place_question *out, struct err **err)
{
    struct place_question question = {.count = request->n_bases};
    if (read_replicas(request->replicas, &question.wanted, err) < 0 ||
        read_policy(request->policy, &question.policy, err) < 0 ||
        check_length("bases", question.count, err) < 0)
        return -1;
    question.bases = mem_alloc(question.count * sizeof(*question.bases));
    if (read_bases(request->bases, question.count, question.bases, err) < 0) {
        place_question_done(&question);
        return -1;
    }
    *out = question;
    return 0;
}

void place_question_done(struct place_question *question)
{
    mem_free(question->bases);
    *question = (struct place_question){0};
}

/* -- Evict -- */

static int check_instance(const struct item *item, const InstanceCandidate *candidate,
                          struct map *seen, struct err **err)
{
    if (check_name(item, candidate->name, seen, err) < 0 ||
        check_text(item, "base_name", candidate->base_name, err) < 0 ||
        check_text(item, "node", candidate->node, err) < 0 ||
        check_text(item, "zone", candidate->zone, err) < 0)
        return -1;
    return check_count(item, "module_count", candidate->module_count, err);
}

static struct evict_instance instance_of(const InstanceCandidate *candidate)
{
    return (struct evict_instance){
        .name = candidate->name,
        .node = candidate->node,
        .zone = candidate->zone,
        .module_count = candidate->module_count,
        .healthy = candidate->healthy,
        .base_ready = candidate->base_ready,
    };
}

static int read_instances(InstanceCandidate *const *candidates, size_t count,
                          struct evict_instance *instances, struct err **err)
{
    AUTO(map_done) struct map seen = {0};
    for (size_t i = 0; i < count; i++) {
        struct item item = {"instances", i};
        if (check_instance(&item, candidates[i], &seen, err) < 0)
            return -1;
        instances[i] = instance_of(candidates[i]);
    }
    return 0;
}

int evict_question_read(const Koupleless__Scheduler__V1__EvictRequest *request,
                        struct evict_question *out, struct err **err)
{
    struct evict_question question = {.count = request->n_instances};
    if (read_replicas(request->replicas, &question.wanted, err) < 0 ||
        read_policy(request->policy, &question.policy, err) < 0 ||
        check_length("instances", question.count, err) < 0)
        return -1;
    question.instances = mem_alloc(question.count * sizeof(*question.instances));
    if (read_instances(request->instances, question.count, question.instances, err) < 0) {
        evict_question_done(&question);
        return -1;
    }
    *out = question;
    return 0;
}

void evict_question_done(struct evict_question *question)
{
    mem_free(question->instances);
    *question = (struct evict_question){0};
}
