/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/faults.h"

#include "lib/base/str.h"

static const char *const fault_names[] = {
#define X(kind, name) [kind] = name,
    FAULT_MAP(X)
#undef X
};

static const char *text_of(const cJSON *json, const char *key, const char *fallback)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));

    return text ? text : fallback;
}

static int64_t number_of(const cJSON *json, const char *key, int64_t fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : fallback;
}

static int kind_of(const char *name, enum fault_kind *ret, struct err **err)
{
    for (size_t i = 0; i < ARRAY_LEN(fault_names); i++) {
        if (str_eq(name, fault_names[i])) {
            *ret = (enum fault_kind)i;
            return 0;
        }
    }
    const char *near = str_nearest(name, fault_names, ARRAY_LEN(fault_names));
    return err_field(err, "fault", "no fault is called \"%s\"%s%s", name, near ? "; nearest: " : "",
                     near ? near : "");
}

int fault_add(struct base *base, const cJSON *json, struct err **err)
{
    enum fault_kind kind = FAULT_REFUSE;

    if (kind_of(text_of(json, "fault", ""), &kind, err) < 0)
        return -1;
    if (kind == FAULT_REFUSE) {
        port_close(&base->arklet, /* drop= */ true);
        return 0;
    }
    struct fault *fault = NEW(struct fault);
    fault->kind = kind;
    fault->command = mem_strdup(text_of(json, "command", ""));
    fault->count = number_of(json, "count", 1);
    fault->delay_ms = number_of(json, "ms", 1000);
    fault->bytes = number_of(json, "bytes", 16777216);
    fault->text = mem_strdup(text_of(json, "text", "java.lang.OutOfMemoryError: Metaspace"));
    fault->page = mem_strdup(text_of(json, "page", "html"));
    list_append(&base->faults, &fault->node);
    return 0;
}

void fault_free(struct fault *fault)
{
    if (!fault)
        return;
    list_remove(&fault->node);
    mem_free(fault->command);
    mem_free(fault->text);
    mem_free(fault->page);
    mem_free(fault);
}

static struct fault *fault_copy(const struct fault *fault)
{
    struct fault *copy = NEW(struct fault);

    *copy = *fault;
    list_init(&copy->node);
    copy->command = mem_strdup(fault->command);
    copy->text = mem_strdup(fault->text);
    copy->page = mem_strdup(fault->page);
    return copy;
}

/* One use of @fault: itself when it was the last, else a copy. */
static struct fault *use(struct fault *fault)
{
    if (fault->count > 1)
        fault->count--;
    else if (fault->count >= 0) {
        list_remove(&fault->node);
        return fault;
    }
    return fault_copy(fault);
}

struct fault *fault_take(struct base *base, const char *command)
{
    LIST_FOR_EACH (it, &base->faults) {
        struct fault *fault = LIST_ENTRY(it, struct fault, node);
        if (fault->kind != FAULT_ACTUATOR &&
            (fault->command[0] == '\0' || str_eq(fault->command, command)))
            return use(fault);
    }
    return NULL;
}

struct fault *fault_take_actuator(struct base *base)
{
    LIST_FOR_EACH (it, &base->faults) {
        struct fault *fault = LIST_ENTRY(it, struct fault, node);
        if (fault->kind == FAULT_ACTUATOR)
            return use(fault);
    }
    return NULL;
}

void faults_clear(struct base *base)
{
    LIST_FOR_EACH (it, &base->faults)
        fault_free(LIST_ENTRY(it, struct fault, node));
}

int faults_heal(struct base *base, struct err **err)
{
    const struct sim_options *options = &base->sim->options;

    faults_clear(base);
    bool is_down = !base->http.listener; /* it listens when it is back */
    if (is_down || base->arklet.listener)
        return 0;
    return port_open(&base->arklet, base->sim->events, base->address, (int)options->arklet_port,
                     err);
}

cJSON *faults_json(const struct base *base)
{
    cJSON *array = cJSON_CreateArray();

    LIST_FOR_EACH (it, &base->faults) {
        const struct fault *fault = LIST_ENTRY(it, struct fault, node);
        cJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "fault", fault_names[fault->kind]);
        cJSON_AddStringToObject(json, "command", fault->command);
        cJSON_AddNumberToObject(json, "count", (double)fault->count);
        cJSON_AddItemToArray(array, json);
    }
    return array;
}
