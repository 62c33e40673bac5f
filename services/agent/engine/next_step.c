/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/next_step.h"

#include "lib/base/str.h"
#include "services/agent/engine/trials.h"

static struct next_step simply(enum step step)
{
    return (struct next_step){.step = step};
}

static struct next_step fail(enum failure_kind kind, const char *message)
{
    struct next_step next = {.step = STEP_FAIL};
    failure_set(&next.failure, kind, "%s", message);
    return next;
}

static struct next_step fail_again(const struct failure *failure)
{
    return fail(failure->kind, failure->message);
}

static struct next_step wait_for(const struct operation_facts *operation, const struct biz *biz)
{
    if (!operation->overdue)
        return simply(STEP_WAIT);
    AUTO_FREE char *message = mem_printf("%s %s is still starting", biz->name, biz->version);
    return fail(FAILED_TIMED_OUT, message);
}

/* Arklet's lock on the module is held by somebody else's operation. */
static struct next_step wait_for_lock(const struct operation_facts *operation)
{
    return operation->overdue ? fail(FAILED_BUSY, "another operation on the module does not end")
                              : simply(STEP_WAIT);
}

/* A command that may be repeated failed: after a moment, unless there is no time left. */
static struct next_step try_again(const struct operation_facts *operation)
{
    switch (operation->last->kind) {
    case FAILED_BUSY:
        return wait_for_lock(operation);
    case FAILED_LOST:
        return operation->overdue ? fail_again(operation->last) : simply(STEP_WAIT);
    default:
        return fail_again(operation->last);
    }
}

/* Another version of the module, or NULL. */
static const struct biz *other_version(const struct operation_facts *operation,
                                       const struct biz_list *modules)
{
    for (size_t i = 0; i < modules->len; i++)
        if (str_eq(modules->items[i].name, operation->name) &&
            !str_eq(modules->items[i].version, operation->version))
            return &modules->items[i];
    return NULL;
}

static struct next_step remove_version(const struct operation_facts *operation,
                                       const struct biz *biz)
{
    if (biz->state == BIZ_RESOLVED)
        return wait_for(operation, biz);
    if (operation->last->kind != FAILED_NONE)
        return try_again(operation);
    return (struct next_step){.step = STEP_UNINSTALL, .target = biz};
}

/*
 * Not there although it was sent, or refused: what the answer said, else it was lost. What failed before it
 * was sent is an uninstall whose module is gone all the same, as 2.1.6 does without a Spring context.
 */
static struct next_step install_again(const struct operation_facts *operation)
{
    enum failure_kind last = operation->last->kind;
    if (!operation->sent)
        return simply(STEP_INSTALL);
    if (last == FAILED_BUSY)
        return wait_for_lock(operation);
    return last == FAILED_NONE ? fail(FAILED_LOST, "no answer came, and the module is not there")
                               : fail_again(operation->last);
}

/* Of a version that runs. */
enum jar_there { JAR_UNKNOWN, JAR_WANTED, JAR_OTHER };

static enum jar_there jar_there(const struct operation_facts *operation)
{
    if (!operation->digest || !operation->installed_digest)
        return JAR_UNKNOWN;
    return str_eq(operation->digest, operation->installed_digest) ? JAR_WANTED : JAR_OTHER;
}

/* It is to be installed again, and neither this operation nor one before has done so. */
static bool restart_due(const struct operation_facts *operation)
{
    return operation->in_place && !operation->sent && operation->restart &&
           !str_eq(operation->restart, operation->installed_restart);
}

/* It runs: from the right jar? A jar that is not known passes, unless it could be replaced. */
static struct next_step check_jar(const struct operation_facts *operation, const struct biz *there)
{
    enum jar_there jar = jar_there(operation);
    bool replace = operation->in_place && !operation->sent;
    bool right = jar == JAR_WANTED || (jar == JAR_UNKNOWN && !replace);
    if (right && !restart_due(operation))
        return simply(STEP_SUCCEED);
    if (operation->in_place)
        return remove_version(operation, there);
    AUTO_FREE char *message = mem_printf("%s %s runs from another jar (sha256 %s)", there->name,
                                         there->version, operation->installed_digest);
    return fail(FAILED_OTHER_JAR, message);
}

bool args_name_port(const char *const *args, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (str_starts_with(args[i], "--server.port="))
            return true;
    return false;
}

struct next_step next_of_install(const struct operation_facts *operation,
                                 const struct biz_list *modules)
{
    const struct biz *there = biz_list_find(modules, operation->name, operation->version);
    if (biz_runs(there))
        return check_jar(operation, there);
    if (there && there->state == BIZ_RESOLVED)
        return wait_for(operation, there);
    if (there && operation->sent && operation->last->kind != FAILED_NONE)
        return fail_again(operation->last); /* broken by our own install */
    const struct biz *other = operation->in_place ? other_version(operation, modules) : NULL;
    if (operation->no_room && !operation->sent && !other)
        return fail(FAILED_METASPACE_FULL, operation->no_room);
    if (there)
        return remove_version(operation, there);
    if (operation->sent)
        return install_again(operation);
    if (operation->crashes >= TRIAL_CRASHES_MAX)
        return fail(FAILED_CRASHES_BASE, TRIAL_REFUSAL);

    const struct biz *taken = biz_list_on_path(modules, operation->web_context_path,
                                               operation->in_place ? operation->name : NULL);
    if (taken && !operation->own_port) {
        AUTO_FREE char *message =
            mem_printf("web context path /%s is served by %s %s", operation->web_context_path,
                       taken->name, taken->version);
        return fail(FAILED_WEB_PATH_IN_USE, message);
    }
    if (other)
        return remove_version(operation, other);
    return install_again(operation);
}

struct next_step next_of_uninstall(const struct operation_facts *operation,
                                   const struct biz_list *modules)
{
    const struct biz *there = biz_list_find(modules, operation->name, operation->version);
    if (!there)
        return simply(STEP_SUCCEED);
    return remove_version(operation, there);
}

struct next_step next_of_switch(const struct operation_facts *operation,
                                const struct biz_list *modules)
{
    const struct biz *there = biz_list_find(modules, operation->name, operation->version);
    if (!there)
        return fail(FAILED_NOT_FOUND, "the module is not there");
    if (there->state == BIZ_ACTIVATED)
        return simply(STEP_SUCCEED);
    if (there->state == BIZ_RESOLVED)
        return wait_for(operation, there);
    return operation->last->kind == FAILED_NONE ? simply(STEP_SWITCH) : try_again(operation);
}

struct next_step next_of_restore(const struct operation_facts *failed,
                                 const struct operation_facts *old, const struct biz_list *modules)
{
    const struct biz *there = biz_list_find(modules, failed->name, failed->version);
    bool is_old = str_eq(failed->version, old->version) && jar_there(old) == JAR_WANTED;
    if (is_old && (biz_runs(there) || old->sent))
        there = NULL; /* it does not go: it is there again, or still */
    if (there && there->state == BIZ_RESOLVED)
        return wait_for(old, there);
    if (there)
        return remove_version(old, there);
    const struct biz *back = biz_list_find(modules, old->name, old->version);
    if (biz_runs(back))
        return simply(STEP_SUCCEED);
    if (back && back->state == BIZ_RESOLVED)
        return wait_for(old, back);
    if (old->sent && old->last->kind == FAILED_BUSY)
        return wait_for_lock(old);
    return old->sent ? fail(FAILED_INSTALL, "the old version does not start")
                     : simply(STEP_INSTALL);
}
