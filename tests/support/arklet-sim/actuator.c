/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/actuator.h"

#include <string.h>

#include "lib/base/str.h"

/* -- statuses: the worst counts, and UNKNOWN loses to UP -- */

static int severity(const char *status)
{
    static const char *const order[] = {"UNKNOWN", "UP", "OUT_OF_SERVICE", "DOWN"};

    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (str_eq(status, order[i]))
            return (int)i;
    }
    return 0;
}

static int http_status(const char *status)
{
    return severity(status) >= severity("OUT_OF_SERVICE") ? 503 : 200;
}

static cJSON *status_json(const char *status)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "status", status);
    return json;
}

static const char *text(const cJSON *json, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
}

/* -- components that are Spring Boot's own -- */

static cJSON *disk_details(void)
{
    cJSON *details = cJSON_CreateObject();

    cJSON_AddNumberToObject(details, "total", 270553174016.0);
    cJSON_AddNumberToObject(details, "free", 85060763648.0);
    cJSON_AddNumberToObject(details, "threshold", 10485760);
    cJSON_AddStringToObject(details, "path", "/opt/base/.");
    cJSON_AddBoolToObject(details, "exists", true);
    return details;
}

static cJSON *disk_json(void)
{
    cJSON *json = status_json("UP");

    cJSON_AddItemToObject(json, "details", disk_details());
    return json;
}

/* -- compositeAllBiz -- */

static bool refreshed(const struct module *module)
{
    return module->jar->spring && !module->stopping &&
           (module->state == MODULE_ACTIVATED || module->state == MODULE_DEACTIVATED);
}

static cJSON *indicator_json(const struct base *base, const char *status, cJSON *details)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddItemToObject(json, "details", details);
    if (base->sim->options.documented_names)
        cJSON_AddStringToObject(json, "status", status);
    else
        cJSON_AddItemToObject(json, "status", status_json(status));
    return json;
}

/* OUT_OF_SERVICE of a module counts as UP. */
static const char *module_status(const struct module *module)
{
    if (!refreshed(module) || str_eq(module->health, "DOWN"))
        return "DOWN";
    return str_eq(module->health, "UNKNOWN") ? "UNKNOWN" : "UP";
}

static cJSON *module_health(const struct base *base, const struct module *module)
{
    cJSON *json = status_json(module_status(module));
    cJSON *details = cJSON_AddObjectToObject(json, "details");

    if (!refreshed(module)) {
        cJSON_AddStringToObject(details, "applicationContext", "haven't refreshed");
        return json;
    }
    AUTO_FREE char *identity = mem_printf("%s:%s", module->jar->name, module->jar->version);
    cJSON *own = cJSON_CreateObject();
    cJSON_AddStringToObject(own, "module", identity);
    cJSON_AddItemToObject(details, "test", indicator_json(base, module->health, own));
    cJSON_AddItemToObject(details, "diskSpace", indicator_json(base, "UP", disk_details()));
    /* Koupleless cuts 15 letters off "pingHealthContributor". */
    cJSON_AddItemToObject(details, base->sim->options.documented_names ? "ping" : "pingHe",
                          indicator_json(base, "UP", cJSON_CreateObject()));
    return json;
}

static cJSON *all_modules_json(const struct base *base)
{
    bool down = false, unknown = false;
    cJSON *details = cJSON_CreateObject();

    MODULES_FOR_EACH (module, &base->modules) {
        AUTO_FREE char *identity = mem_printf("%s:%s", module->jar->name, module->jar->version);
        down |= str_eq(module_status(module), "DOWN");
        unknown |= str_eq(module_status(module), "UNKNOWN");
        cJSON_AddItemToObject(details, identity, module_health(base, module));
    }
    cJSON *json = status_json(down ? "DOWN" : unknown ? "UNKNOWN" : "UP");
    if (list_empty(&base->modules))
        cJSON_Delete(details);
    else
        cJSON_AddItemToObject(json, "details", details);
    return json;
}

/* -- baseStartUp -- */

static const char *startup_of(const struct module *module)
{
    if (module->state == MODULE_RESOLVED)
        return "UNKNOWN";
    return module->state == MODULE_BROKEN || module->stopping ? "DOWN" : "UP";
}

static cJSON *startup_json(const struct base *base)
{
    const char *own = base->ready ? "UP" : "UNKNOWN";
    bool down = false, unknown = !base->ready;
    cJSON *details = cJSON_CreateObject();

    cJSON_AddItemToObject(details, BASE_NAME ":" BASE_VERSION, status_json(own));
    MODULES_FOR_EACH (module, &base->modules) {
        AUTO_FREE char *identity = mem_printf("%s:%s", module->jar->name, module->jar->version);
        down |= str_eq(startup_of(module), "DOWN");
        unknown |= str_eq(startup_of(module), "UNKNOWN");
        cJSON_AddItemToObject(details, identity, status_json(startup_of(module)));
    }
    if (base->sim->options.readiness != SIM_READINESS_BASE)
        own = unknown ? "UNKNOWN" : down ? "DOWN" : "UP";
    cJSON *json = status_json(own);
    cJSON_AddItemToObject(json, "details", details);
    return json;
}

/* -- metrics -- */

static void add_memory(cJSON *metrics, const char *name, double init, double used, double max)
{
    cJSON *json = cJSON_AddObjectToObject(metrics, name);

    cJSON_AddNumberToObject(json, "init", init);
    cJSON_AddNumberToObject(json, "used", used);
    cJSON_AddNumberToObject(json, "committed", used + 262144);
    cJSON_AddNumberToObject(json, "max", max);
}

static cJSON *metrics_json(const struct base *base)
{
    double metaspace = (double)base->metaspace_used;
    cJSON *json = status_json("UP");
    cJSON *details = cJSON_AddObjectToObject(json, "details");
    cJSON *metrics = cJSON_AddObjectToObject(details, "metrics");

    add_memory(metrics, "metaspaceMetrics", 0, metaspace, (double)base->sim->options.metaspace_max);
    add_memory(metrics, "noHeapMetrics", 2555904, metaspace + 12e6, -1);
    add_memory(metrics, "heapMetrics", 134217728, 48e6, 129761280);
    return json;
}

/* -- pages -- */

static const char *readiness(const struct base *base)
{
    return base->ready && !base->refusing ? "UP" : "OUT_OF_SERVICE";
}

static cJSON *components(const struct base *base)
{
    bool documented = base->sim->options.documented_names;
    cJSON *json = cJSON_CreateObject();

    cJSON_AddItemToObject(json, documented ? "masterBizStartUp" : "baseStartUp",
                          startup_json(base));
    cJSON_AddItemToObject(json, documented ? "arkBizAggregate" : "compositeAllBiz",
                          all_modules_json(base));
    cJSON_AddItemToObject(json, "diskSpace", disk_json());
    cJSON_AddItemToObject(json, "livenessState", status_json(base->ready ? "UP" : "DOWN"));
    if (base->sim->options.runtime != SIM_RUNTIME_2_1_3)
        cJSON_AddItemToObject(json, "metrics", metrics_json(base));
    cJSON_AddItemToObject(json, "ping", status_json("UP"));
    if (base->sim->options.readiness == SIM_READINESS_MODULES)
        cJSON_AddItemToObject(json, "probeAvailabilityStateIndicator", status_json("UP"));
    cJSON_AddItemToObject(json, "readinessState", status_json(readiness(base)));
    return json;
}

static cJSON *root_page(const struct base *base)
{
    static const char *const groups[] = {"liveness", "readiness"};
    const char *worst = "UNKNOWN";
    cJSON *parts = components(base), *part;

    cJSON_ArrayForEach(part, parts)
    {
        if (severity(text(part, "status")) > severity(worst))
            worst = text(part, "status");
    }
    cJSON *json = status_json(worst);
    cJSON_AddItemToObject(json, "components", parts);
    cJSON_AddItemToObject(json, "groups", cJSON_CreateStringArray(groups, ARRAY_LEN(groups)));
    return json;
}

static cJSON *component_page(const struct base *base, const char *name)
{
    cJSON *parts = components(base);
    cJSON *part = cJSON_DetachItemFromObjectCaseSensitive(parts, name);

    cJSON_Delete(parts);
    return part;
}

/* States are in upper case here, and the master biz is listed. */
static cJSON *info_page(const struct base *base)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(json, "arkBizInfo");

    MODULES_FOR_EACH (module, &base->modules)
        cJSON_AddItemToArray(list, module_meta_json(module->jar->name,
                                                    module_state_text(module->state, true),
                                                    module->jar->version, module->jar->context));
    cJSON_AddItemToArray(list, module_meta_json(BASE_NAME, "ACTIVATED", BASE_VERSION, "/"));
    cJSON_AddArrayToObject(json, "arkPluginInfo");
    return json;
}

static cJSON *health_page(const struct base *base, const char *rest)
{
    if (rest[0] == '\0')
        return root_page(base);
    if (str_eq(rest, "/readiness"))
        return status_json(readiness(base));
    if (str_eq(rest, "/liveness"))
        return status_json(base->ready ? "UP" : "DOWN");
    return rest[0] == '/' ? component_page(base, rest + 1) : NULL;
}

cJSON *actuator_page(struct base *base, const char *path, int *ret_status)
{
    cJSON *json = NULL;

    *ret_status = 200;
    if (str_starts_with(path, "/actuator/health"))
        json = health_page(base, path + strlen("/actuator/health"));
    else if (str_eq(path, "/actuator/info"))
        return info_page(base);
    if (json)
        *ret_status = http_status(text(json, "status"));
    return json;
}

cJSON *actuator_module_page(const struct module *module, int *ret_status)
{
    AUTO_FREE char *identity = mem_printf("%s:%s", module->jar->name, module->jar->version);
    cJSON *json = status_json(module->health);
    cJSON *parts = cJSON_AddObjectToObject(json, "components");
    cJSON *own = status_json(module->health);

    cJSON_AddItemToObject(parts, "diskSpace", disk_json());
    cJSON_AddItemToObject(parts, "ping", status_json("UP"));
    cJSON_AddStringToObject(cJSON_AddObjectToObject(own, "details"), "module", identity);
    cJSON_AddItemToObject(parts, "test", own);
    *ret_status = http_status(module->health);
    return json;
}
