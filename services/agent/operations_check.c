/* SPDX-License-Identifier: Apache-2.0 */
/* Whether operations may begin: all that are asked for together, or none. */
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/operations_internal.h"

static bool same_request(const struct run *run, const struct operation_request *request)
{
    const struct module_spec *module = &run->operation.module;
    return run->operation.type == request->type && str_eq(module->name, request->module.name) &&
           str_eq(module->version, request->module.version) && run->in_place == request->in_place &&
           str_eq(run->restart, request->restart);
}

int operations_batch_error(size_t i, struct err **err)
{
    if (err && *err && (*err)->field) {
        AUTO_FREE char *field = mem_printf("installs[%zu].%s", i, (*err)->field);
        mem_replace(&(*err)->field, field);
    }
    return err_wrap(err, "installs[%zu]", i);
}

/* Members of a batch wait for each other, those of one module for the one before: both can't be. */
static int check_batch(const struct operation_request *requests, size_t count, struct err **err)
{
    struct map names = {0};
    const char *twice = NULL;
    for (size_t i = 0; i < count && !twice; i++)
        if (map_put(&names, requests[i].module.name, &names))
            twice = requests[i].module.name;
    map_done(&names);
    return twice ? err_field(err, "installs", "module %s is there twice", twice) : 0;
}

/* An id stands for one operation, so the second of a batch would not be begun. */
static int check_ids(const struct operation_request *requests, size_t count, struct err **err)
{
    struct map ids = {0};
    size_t twice = count;
    for (size_t i = 0; i < count && twice == count; i++)
        if (!str_empty(requests[i].id) && map_put(&ids, requests[i].id, &ids))
            twice = i;
    map_done(&ids);
    if (twice == count)
        return 0;
    err_field(err, "operation_id", "\"%s\" is there twice", requests[twice].id);
    return operations_batch_error(twice, err);
}

/* Those that are not known yet must all fit. */
static int check_room(const struct operations *operations, const struct operation_request *requests,
                      size_t count, struct err **err)
{
    size_t fresh = 0;
    for (size_t i = 0; i < count; i++)
        fresh += str_empty(requests[i].id) || !map_get(&operations->by_id, requests[i].id);
    if (fresh && operations->running + fresh > LIMIT_OPERATIONS)
        return err_set(err, ERR_LIMIT, "%zu operations run already, the limit is %d",
                       operations->running, LIMIT_OPERATIONS);
    return 0;
}

static int check_request(const struct operations *operations,
                         const struct operation_request *request, struct err **err)
{
    if (operations->stopped)
        return err_set(err, ERR_UNAVAILABLE, "the agent stops");
    if (request->id && strlen(request->id) > LIMIT_OPERATION_ID)
        return err_field(err, "operation_id", "is longer than %d characters", LIMIT_OPERATION_ID);
    const struct run *known =
        str_empty(request->id) ? NULL : map_get(&operations->by_id, request->id);
    if (known && !same_request(known, request))
        return err_field(err, "operation_id", "\"%s\" stands for %s of %s %s", request->id,
                         operation_type_name(known->operation.type), known->operation.module.name,
                         known->operation.module.version);
    return 0;
}

int operations_check(const struct operations *operations, const struct operation_request *requests,
                     size_t count, struct err **err)
{
    if (check_batch(requests, count, err) < 0 || check_ids(requests, count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (check_request(operations, &requests[i], err) < 0)
            return count > 1 ? operations_batch_error(i, err) : -1;
    return check_room(operations, requests, count, err);
}
