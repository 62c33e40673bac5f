/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/health.h"

#include "lib/base/str.h"
#include "tests/support/arklet-sim/answers.h"
#include "tests/support/arklet-sim/input.h"

#define MIB 1048576.0

struct question {
    char *type, *name, *version; /* NULL where not asked */
    const cJSON *metrics;        /* NULL: all */
};

/* -- the machine -- */

static bool wants_metric(const struct question *q, const char *name)
{
    const cJSON *item;

    if (!q->metrics)
        return true;
    cJSON_ArrayForEach(item, q->metrics)
    {
        if (str_eq(cJSON_GetStringValue(item), name))
            return true;
    }
    return false;
}

static void add_cpu(cJSON *data)
{
    cJSON *cpu = cJSON_AddObjectToObject(data, "cpu");

    cJSON_AddNumberToObject(cpu, "count", 2);
    cJSON_AddNumberToObject(cpu, "total used (%)", 4270.0); /* ticks, whatever the name says */
    cJSON_AddStringToObject(cpu, "type", "simulated");
    cJSON_AddNumberToObject(cpu, "user used (%)", 3.5);
    cJSON_AddNumberToObject(cpu, "free (%)", 94.5);
    cJSON_AddNumberToObject(cpu, "system used (%)", 2.0);
}

static void add_jvm(const struct base *base, cJSON *data)
{
    int64_t up_ms = sim_wall_ms(base->sim) - base->started_wall_ms;
    int64_t classes = 11600 + (base->metaspace_used >> 13);
    double heap_max = HEAP_MAX / MIB, heap_used = (double)base->heap_used / MIB;
    cJSON *jvm = cJSON_AddObjectToObject(data, "jvm");

    cJSON_AddNumberToObject(jvm, "max non heap memory(M)", -1 / MIB);
    cJSON_AddStringToObject(jvm, "java version", "17.0.15");
    cJSON_AddStringToObject(jvm, "java home", "/usr/lib/jvm/simulated");
    cJSON_AddNumberToObject(jvm, "max memory(M)", heap_max);
    cJSON_AddNumberToObject(jvm, "total memory(M)", heap_max);
    cJSON_AddNumberToObject(jvm, "free memory(M)", heap_max - heap_used);
    cJSON_AddNumberToObject(jvm, "init heap memory(M)", 128);
    cJSON_AddNumberToObject(jvm, "used heap memory(M)", heap_used);
    cJSON_AddNumberToObject(jvm, "committed heap memory(M)", heap_max);
    cJSON_AddNumberToObject(jvm, "max heap memory(M)", heap_max);
    cJSON_AddNumberToObject(jvm, "init non heap memory(M)", 2.4375);
    cJSON_AddNumberToObject(jvm, "used non heap memory(M)",
                            12 + (double)base->metaspace_used / MIB);
    cJSON_AddNumberToObject(jvm, "committed non heap memory(M)",
                            13 + (double)base->metaspace_used / MIB);
    cJSON_AddNumberToObject(jvm, "loaded class count", (double)classes);
    cJSON_AddNumberToObject(jvm, "unload class count", 0);
    cJSON_AddNumberToObject(jvm, "total class count", (double)classes);
    cJSON_AddNumberToObject(jvm, "java used metaspace", (double)base->metaspace_used);
    cJSON_AddNumberToObject(jvm, "java committed metaspace",
                            (double)((base->metaspace_used + 0xffff) & ~(int64_t)0xffff));
    cJSON_AddNumberToObject(jvm, "java max metaspace", (double)base->sim->options.metaspace_max);
    cJSON_AddNumberToObject(jvm, "run time(s)", (double)up_ms / 1000);
}

static const char *add_system(const struct base *base, const struct question *q, cJSON *data)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, q->metrics)
    {
        const char *name = cJSON_GetStringValue(item);
        if (!str_eq(name, "cpu") && !str_eq(name, "jvm"))
            return "indicator not registered";
    }
    if (wants_metric(q, "jvm"))
        add_jvm(base, data);
    if (wants_metric(q, "cpu"))
        add_cpu(data);
    return NULL;
}

/* -- the modules -- */

static cJSON *master_json(const struct base *base)
{
    return module_meta_json(BASE_NAME,
                            module_state_text(MODULE_ACTIVATED, base_style(base).upper_case),
                            BASE_VERSION, "/");
}

static cJSON *meta_of(const struct base *base, const struct module *module)
{
    return module_meta_json(module->jar->name,
                            module_state_text(module->state, base_style(base).upper_case),
                            module->jar->version, module->jar->context);
}

/* Everything of @name (NULL: of all), the master biz last. Return: how many. */
static int add_list(const struct base *base, const char *name, cJSON *list)
{
    MODULES_FOR_EACH (module, &base->modules) {
        if (!name || str_eq(name, module->jar->name))
            cJSON_AddItemToArray(list, meta_of(base, module));
    }
    if (!name || str_eq(name, BASE_NAME))
        cJSON_AddItemToArray(list, master_json(base));
    return cJSON_GetArraySize(list);
}

/* Return: what is wrong, owned, or NULL. */
static char *add_modules(const struct base *base, const struct question *q, cJSON *data)
{
    if (q->version && !q->name)
        return mem_strdup("Biz name must not be empty.");
    if (!q->version) {
        cJSON *list = cJSON_AddArrayToObject(data, "bizListInfo");
        if (add_list(base, q->name, list) == 0)
            return mem_printf("can not find biz: %s", q->name);
        return NULL;
    }
    const struct module *module = modules_find(&base->modules, q->name, q->version);
    if (module)
        cJSON_AddItemToObject(data, "bizInfo", meta_of(base, module));
    else if (str_eq(q->name, BASE_NAME) && str_eq(q->version, BASE_VERSION))
        cJSON_AddItemToObject(data, "bizInfo", master_json(base));
    else
        return mem_strdup("can not find biz");
    return NULL;
}

/* -- the plugins -- */

static cJSON *plugin_json(const char *name, const char *group, const char *version,
                          const char *activator)
{
    AUTO_FREE char *url = mem_printf("file:/opt/base/lib/%s-%s.jar!/", name, version);
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "artifactId", name);
    cJSON_AddStringToObject(json, "groupId", group);
    cJSON_AddStringToObject(json, "pluginActivator", activator);
    cJSON_AddStringToObject(json, "pluginName", name);
    cJSON_AddStringToObject(json, "pluginUrl", url);
    cJSON_AddStringToObject(json, "pluginVersion", version);
    return json;
}

static cJSON *web_plugin(void)
{
    return plugin_json("web-ark-plugin", "com.alipay.sofa", "3.1.4",
                       "com.alipay.sofa.ark.web.embed.WebPluginActivator");
}

static char *add_plugins(const struct question *q, cJSON *data)
{
    if (!q->name) {
        cJSON *list = cJSON_AddArrayToObject(data, "pluginListInfo");
        cJSON_AddItemToArray(list, web_plugin());
        cJSON_AddItemToArray(list, plugin_json("koupleless-base-plugin",
                                               "com.alipay.sofa.koupleless", "2.1.6",
                                               "com.alipay.sofa.koupleless.plugin."
                                               "ServerlessRuntimeActivator"));
        return NULL;
    }
    if (!str_eq(q->name, "web-ark-plugin"))
        return mem_strdup("can not find plugin");
    cJSON_AddItemToObject(data, "pluginInfo", web_plugin());
    return NULL;
}

/* -- the answer -- */

/* Return: what is wrong, owned, or NULL. Any name is also looked for among the plugins. */
static char *collect(const struct base *base, const struct question *q, cJSON *data)
{
    bool all = str_empty(q->type);
    char *wrong = NULL;

    if (all || str_eq(q->type, "system"))
        wrong = mem_strdup(add_system(base, q, data));
    if (all)
        cJSON_AddItemToObject(data, "masterBizInfo", master_json(base));
    if (!wrong && (all || str_eq(q->type, "plugin")))
        wrong = add_plugins(q, data);
    if (!wrong && (all || str_eq(q->type, "biz")))
        wrong = add_modules(base, q, data);
    return wrong;
}

static bool known_type(const char *type)
{
    return str_empty(type) || str_eq(type, "system") || str_eq(type, "biz") ||
           str_eq(type, "plugin");
}

static char *text_or_null(const cJSON *input, const char *key)
{
    return input_blank(input, key) ? NULL : input_text(input, key);
}

cJSON *health_answer(struct base *base, const cJSON *input)
{
    AUTO_FREE char *type = text_or_null(input, "type");
    AUTO_FREE char *name = text_or_null(input, "bizName");
    AUTO_FREE char *version = text_or_null(input, "bizVersion");
    struct question q = {
        .type = type, .name = name, .version = version, .metrics = input_item(input, "metrics")};

    if (!known_type(type)) {
        struct failure *failure = failure_invalid("type: %s can not be found", type);
        cJSON *answer = answer_error(failure);
        failure_free(failure);
        return answer;
    }
    cJSON *data = cJSON_CreateObject();
    AUTO_FREE char *wrong = collect(base, &q, cJSON_AddObjectToObject(data, "healthData"));
    if (!wrong)
        return answer_success(base, data);
    cJSON_Delete(data);
    return answer_failed(base, NULL, "%s", wrong);
}
