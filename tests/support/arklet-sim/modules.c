/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/modules.h"

#include <string.h>

#include "lib/base/str.h"

struct module *module_new(struct list *modules, struct jar *jar, char *work_dir, int64_t wall_ms)
{
    struct module *module = NEW(struct module);

    module->jar = jar;
    module->work_dir = work_dir;
    module->health = mem_strdup("UP");
    module_move(module, MODULE_RESOLVED, "Created", NULL, wall_ms);

    /* Arklet lists by priority; equal ones stay in order of installation. */
    struct list *before = modules;
    MODULES_FOR_EACH (other, modules) {
        if (other->jar->priority > jar->priority) {
            before = &other->node;
            break;
        }
    }
    list_append(before, &module->node);
    return module;
}

void module_free(struct module *module)
{
    if (!module)
        return;
    list_remove(&module->node);
    jar_free(module->jar);
    for (size_t i = 0; i < module->records.len; i++)
        mem_free(module->records.items[i].message);
    VEC_DONE(&module->records);
    mem_free(module->work_dir);
    mem_free(module->health);
    mem_free(module);
}

void module_move(struct module *module, enum module_state state, const char *reason,
                 const char *message, int64_t wall_ms)
{
    module->state = state;
    VEC_PUSH(&module->records,
             (struct module_record){.changed_wall_ms = wall_ms,
                                    .state = state,
                                    .reason = reason,
                                    .message = mem_strdup(message ? message : "")});
}

struct module *modules_find(const struct list *modules, const char *name, const char *version)
{
    MODULES_FOR_EACH (module, modules) {
        if (str_eq(module->jar->name, name) && str_eq(module->jar->version, version))
            return module;
    }
    return NULL;
}

struct module *modules_active(const struct list *modules, const char *name)
{
    MODULES_FOR_EACH (module, modules) {
        if (module->state == MODULE_ACTIVATED && str_eq(module->jar->name, name))
            return module;
    }
    return NULL;
}

const char *module_context(const struct module *module)
{
    return module->jar->context + (module->jar->context[0] == '/');
}

struct module *modules_serving(const struct list *modules, const char *context, size_t len)
{
    MODULES_FOR_EACH (module, modules) {
        const char *own = module_context(module);
        if (module->serving && strlen(own) == len && memcmp(own, context, len) == 0)
            return module;
    }
    return NULL;
}

/* -- transitions; reasons and messages are SOFAArk's own -- */

void module_start(struct list *modules, struct module *module, enum module_rival rival,
                  int64_t wall_ms)
{
    struct module *old = modules_active(modules, module->jar->name);

    if (!old || rival == MODULE_BOTH_ACTIVE) {
        module_move(module, MODULE_ACTIVATED, "Started", NULL, wall_ms);
        return;
    }
    if (rival == MODULE_OLD_STAYS) {
        module_move(module, MODULE_DEACTIVATED, "Started", "start but is deactivated", wall_ms);
        return;
    }
    AUTO_FREE char *to =
        mem_printf("switch to new biz %s:%s", module->jar->name, module->jar->version);
    AUTO_FREE char *from =
        mem_printf("switch from old biz: %s:%s", old->jar->name, old->jar->version);
    module_move(old, MODULE_DEACTIVATED, "Switched", to, wall_ms);
    module_move(module, MODULE_ACTIVATED, "Started", from, wall_ms);
}

void module_switch(struct list *modules, struct module *module, int64_t wall_ms)
{
    struct module *old = modules_active(modules, module->jar->name);

    if (old == module)
        return;
    if (!old) {
        module_move(module, MODULE_ACTIVATED, "Switched", NULL, wall_ms);
        return;
    }
    AUTO_FREE char *to =
        mem_printf("switch to new version %s:%s", module->jar->name, module->jar->version);
    AUTO_FREE char *from =
        mem_printf("switch from old version: %s:%s", old->jar->name, old->jar->version);
    module_move(old, MODULE_DEACTIVATED, "Switched", to, wall_ms);
    module_move(module, MODULE_ACTIVATED, "Switched", from, wall_ms);
}

/* -- as JSON: keys in alphabetical order, as fastjson writes them -- */

const char *module_state_text(enum module_state state, bool upper_case)
{
    static const char *const lower[] = {
#define X(code, name) [code] = name,
        MODULE_STATE_MAP(X)
#undef X
    };
    static const char *const upper[] = {
        [MODULE_RESOLVED] = "RESOLVED",
        [MODULE_ACTIVATED] = "ACTIVATED",
        [MODULE_DEACTIVATED] = "DEACTIVATED",
        [MODULE_BROKEN] = "BROKEN",
    };
    return upper_case ? upper[state] : lower[state];
}

static cJSON *records_json(const struct module *module, struct module_style style)
{
    cJSON *array = cJSON_CreateArray();

    for (size_t i = 0; i < module->records.len; i++) {
        const struct module_record *record = &module->records.items[i];
        cJSON *json = cJSON_CreateObject();
        if (style.with_records) {
            cJSON_AddNumberToObject(json, "changeTime", (double)record->changed_wall_ms);
            cJSON_AddStringToObject(json, "message", record->message);
            cJSON_AddStringToObject(json, "reason", record->reason);
            cJSON_AddStringToObject(json, "state",
                                    module_state_text(record->state, style.upper_case));
        }
        cJSON_AddItemToArray(array, json);
    }
    return array;
}

cJSON *module_json(const struct module *module, struct module_style style)
{
    const struct jar *jar = module->jar;
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "bizName", jar->name);
    cJSON_AddStringToObject(json, "bizState", module_state_text(module->state, style.upper_case));
    cJSON_AddItemToObject(json, "bizStateRecords", records_json(module, style));
    cJSON_AddStringToObject(json, "bizVersion", jar->version);
    cJSON_AddStringToObject(json, "mainClass", jar->main_class);
    cJSON_AddStringToObject(json, "webContextPath", jar->context);
    return json;
}

cJSON *module_full_json(const struct module *module, struct module_style style)
{
    static const char *const empty[] = {
        "denyImportClasses",
        "denyImportPackageNodes",
        "denyImportPackageStems",
        "denyImportPackages",
        "denyImportResources",
        "denyPrefixImportResourceStems",
        "denySuffixImportResourceStems",
    };
    const struct jar *jar = module->jar;
    AUTO_FREE char *url = mem_printf("file:%s/", module->work_dir);
    AUTO_FREE char *libs = mem_printf("file:%s/lib", module->work_dir);
    AUTO_FREE char *identity = mem_printf("%s:%s", jar->name, jar->version);
    cJSON *json = cJSON_CreateObject();

    cJSON_AddObjectToObject(json, "attributes");
    cJSON_AddStringToObject(json, "bizName", jar->name);
    cJSON_AddStringToObject(json, "bizState", module_state_text(module->state, style.upper_case));
    cJSON_AddItemToObject(json, "bizStateRecords", records_json(module, style));
    cJSON_AddStringToObject(json, "bizTempWorkDir", module->work_dir);
    cJSON_AddStringToObject(json, "bizUrl", url);
    cJSON_AddStringToObject(json, "bizVersion", jar->version);
    cJSON_AddItemToObject(json, "classPath",
                          cJSON_CreateStringArray((const char *[]){url, libs}, 2));
    cJSON_AddBoolToObject(json, "declaredMode", true);
    for (size_t i = 0; i < ARRAY_LEN(empty); i++)
        cJSON_AddArrayToObject(json, empty[i]);
    cJSON_AddStringToObject(json, "identity", identity);
    cJSON_AddArrayToObject(json, "injectExportPackages");
    cJSON_AddArrayToObject(json, "injectPluginDependencies");
    cJSON_AddStringToObject(json, "mainClass", jar->main_class);
    cJSON_AddNumberToObject(json, "priority", jar->priority);
    cJSON_AddStringToObject(json, "webContextPath", jar->context);
    return json;
}

cJSON *module_meta_json(const char *name, const char *state, const char *version,
                        const char *context)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "bizName", name);
    cJSON_AddStringToObject(json, "bizState", state);
    cJSON_AddStringToObject(json, "bizVersion", version);
    cJSON_AddStringToObject(json, "webContextPath", context);
    return json;
}
