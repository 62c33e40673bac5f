/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copy of the present that a preview's forecast works on, from lists of the store. All are of the namespace, in this
 * order: what is named is known before what names it is read.
 */
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/api/preview_internal.h"
#include "services/controller/engine/original.h"

#define PAGE_SIZE 500
#define INSTALL_MS 5000 /* where none was measured yet */
#define SWITCH_MS 100
#define UNINSTALL_MS 1000
#define BASE_START_MS 30000

static const enum object_kind kinds[] = {
    KIND_MODULE_TEMPLATE, KIND_MODULE_DEPLOYMENT, KIND_MODULE_REPLICASET, KIND_BASE, KIND_MODULE,
    KIND_SERVICE};

/* -- its end -- */

static void drop_page(struct preview *preview)
{
    for (size_t i = 0; i < preview->texts.len; i++)
        mem_free(preview->texts.items[i]);
    preview->texts.len = 0;
}

void preview__copy_done(struct preview *preview)
{
    drop_page(preview);
    for (size_t i = 0; i < preview->templates.len; i++)
        module_template_free(preview->templates.items[i]);
    for (size_t i = 0; i < preview->others.len; i++)
        module_deployment_free(preview->others.items[i]);
    VEC_DONE(&preview->texts);
    VEC_DONE(&preview->templates);
    VEC_DONE(&preview->others);
    map_done(&preview->revisions);
    if (!preview->forecast)
        module_deployment_free(preview->md);
    mem_free(preview->continue_token);
    err_free(preview->err);
}

/* -- what follows from several of them -- */

static const struct module_template_spec *template_of(const struct preview *preview,
                                                      const struct module_deployment *md)
{
    if (!md->spec.template_ref)
        return &md->spec.template;
    for (size_t i = 0; i < preview->templates.len; i++)
        if (str_eq(preview->templates.items[i]->meta.name, md->spec.template_ref))
            return &preview->templates.items[i]->spec;
    return NULL;
}

/* The ModuleDeployment that has the module on these bases, or NULL. */
static const char *find_owner(const struct preview *preview,
                              const struct module_template_spec *template)
{
    const struct module_deployment *owner = preview->md;
    for (size_t i = 0; template && i < preview->others.len; i++) {
        const struct module_deployment *other = preview->others.items[i];
        const struct module_template_spec *its = template_of(preview, other);
        if (its && str_eq(its->module.name, template->module.name) &&
            str_eq(other->spec.base_deployment_name, preview->md->spec.base_deployment_name) &&
            deployment_was_first(&other->meta, &owner->meta))
            owner = other;
    }
    return owner == preview->md ? NULL : owner->meta.name;
}

int32_t preview__install_ms(const struct preview *preview)
{
    if (preview->request->install_ms)
        return preview->request->install_ms;
    return preview->measured ? (int32_t)(preview->measured_ms / preview->measured) : INSTALL_MS;
}

/* In a cluster bases are known where something was released on them. */
static void note_bases(struct preview *preview)
{
    if (preview->bases || !store_bases_are_pods(preview->api->store))
        return;
    AUTO_FREE char *problem = mem_printf(
        "no base of Deployment %s is known: it has none, or nothing was released on it so far",
        preview->md->spec.base_deployment_name);
    forecast_set_bases_problem(preview->forecast, problem, /* unknown= */ true);
}

/* -- documents to structs -- */

static bool is_owned(const struct preview *preview, const struct object_meta *meta)
{
    const struct owner_reference *owner = meta_owner(meta);
    return owner && preview->md_uid && str_eq(owner->uid, preview->md_uid);
}

static void take_template(struct preview *preview, const cJSON *json)
{
    struct module_template *template = module_template_read(json, JSON_UNKNOWN_IGNORE, NULL);
    if (template)
        VEC_PUSH(&preview->templates, template);
}

/* The one that is asked about, as applying the request would make it; @stored: NULL = there is none. */
static int make_deployment(struct preview *preview, const cJSON *stored, struct err **err)
{
    const Koupleless__Module__V1__ModuleDeployment *message = preview->request->module_deployment;
    if (!stored && !message->spec)
        return err_set(err, ERR_NOT_FOUND, "%s \"%s/%s\": not found",
                       kind_name(KIND_MODULE_DEPLOYMENT), preview->namespace, preview->name);
    AUTO_JSON cJSON *json =
        message->spec ? apply_result(message, stored, err) : cJSON_Duplicate(stored, true);
    preview->md = json ? module_deployment_read(json, JSON_UNKNOWN_IGNORE, err) : NULL;
    if (!preview->md)
        return -1;
    if (stored && !cJSON_Compare(cJSON_GetObjectItem(stored, "spec"),
                                 cJSON_GetObjectItem(json, "spec"), /* case_sensitive= */ true))
        preview->md->meta.generation++; /* what was stopped goes on by an edit */
    if (!stored) {                      /* it would be the last that came */
        preview->md->meta.creation_ms = loop_wall_ms(preview->api->previews.loop);
        mem_replace(&preview->md->meta.uid, "");
    }
    preview->md_uid = stored ? preview->md->meta.uid : NULL;
    return 0;
}

static int take_deployment(struct preview *preview, const cJSON *json, struct err **err)
{
    if (str_eq(json_get_string(json, "metadata.name"), preview->name))
        return make_deployment(preview, json, err);
    struct module_deployment *md = module_deployment_read(json, JSON_UNKNOWN_IGNORE, NULL);
    if (md)
        VEC_PUSH(&preview->others, md);
    return 0;
}

static void take_revision(struct preview *preview, const cJSON *json)
{
    struct module_replicaset *rs = module_replicaset_read(json, NULL);
    if (rs && is_owned(preview, &rs->meta)) {
        map_put(&preview->revisions, rs->meta.uid, rs->meta.name);
        forecast_add_revision(preview->forecast, rs);
    } else {
        module_replicaset_free(rs);
    }
}

static void take_base(struct preview *preview, const cJSON *json)
{
    struct base *base = base_read(json, NULL);
    if (!base)
        return;
    preview->bases += str_eq(base->spec.deployment, preview->md->spec.base_deployment_name);
    forecast_add_base(preview->forecast, base);
}

static void take_module(struct preview *preview, const cJSON *json)
{
    struct module *module = module_read(json, NULL);
    if (!module)
        return;
    const struct module_template_spec *template = template_of(preview, preview->md);
    if (module->status.install_duration_ms > 0 && template &&
        str_eq(module->spec.module.name, template->module.name)) {
        preview->measured_ms += module->status.install_duration_ms;
        preview->measured++;
    }
    const struct owner_reference *owner = meta_owner(&module->meta);
    forecast_add_module(preview->forecast, module,
                        owner ? map_get(&preview->revisions, owner->uid) : NULL);
}

static void take_service(struct preview *preview, const cJSON *json)
{
    struct service *service = service_read(json, NULL);
    if (service && is_owned(preview, &service->meta))
        forecast_add_service(preview->forecast, service);
    else
        service_free(service);
}

/* What the original ModuleController left is taken over before anything is released (engine/adopt.h). */
static bool is_original(enum object_kind kind, const cJSON *json)
{
    struct original *original = original_read(kind, json);
    bool found = original != NULL;
    original_free(original);
    return found;
}

/* What can't be read is not there: the controller does not see it either. */
static int take(struct preview *preview, const char *text, struct err **err)
{
    enum object_kind kind = kinds[preview->kind];
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT * 2, NULL);
    if (!json || is_original(kind, json))
        return 0;
    if (kind == KIND_MODULE_DEPLOYMENT)
        return take_deployment(preview, json, err);
    if (kind == KIND_MODULE_TEMPLATE)
        take_template(preview, json);
    else if (kind == KIND_MODULE_REPLICASET)
        take_revision(preview, json);
    else if (kind == KIND_BASE)
        take_base(preview, json);
    else if (kind == KIND_MODULE)
        take_module(preview, json);
    else
        take_service(preview, json);
    return 0;
}

/* -- lists -- */

static void on_listed(void *user, const struct store_list *list, const struct err *err)
{
    struct preview *preview = user;
    mem_free(TAKE(preview->continue_token));
    if (err)
        preview->err = err_copy(err);
    for (size_t i = 0; !err && i < list->len; i++)
        VEC_PUSH(&preview->texts, mem_strndup(list->items[i].json, list->items[i].json_len));
    if (!err)
        preview->continue_token = mem_strdup(list->continue_token);
    loop_post(preview->api->previews.loop, &preview->event);
}

void preview__ask_page(struct preview *preview)
{
    struct store_query query = {
        .kind = kinds[preview->kind],
        .namespace = preview->namespace,
        .limit = PAGE_SIZE,
        .continue_token = preview->continue_token,
    };
    store_list(preview->api->store, &query, on_listed, preview);
}

/* All ModuleDeployments and templates are there. */
static int begin_copy(struct preview *preview, struct err **err)
{
    if (!preview->md && make_deployment(preview, NULL, err) < 0)
        return -1;
    const struct module_template_spec *template = template_of(preview, preview->md);
    const char *owner = find_owner(preview, template);
    const struct forecast_times times = {0, SWITCH_MS, UNINSTALL_MS, BASE_START_MS};
    preview->forecast =
        forecast_new(preview->md, template, &times, loop_wall_ms(preview->api->previews.loop));
    forecast_set_owner(preview->forecast, owner);
    return 0;
}

/* All is there. */
static void end_copy(struct preview *preview)
{
    forecast_set_install_ms(preview->forecast, preview__install_ms(preview));
    note_bases(preview);
}

/* A page came. */
int preview__take_page(struct preview *preview, struct err **err)
{
    if (preview->err)
        return err_move(err, TAKE(preview->err));
    for (size_t i = 0; i < preview->texts.len; i++)
        if (take(preview, preview->texts.items[i], err) < 0)
            return -1;
    drop_page(preview);
    if (preview->continue_token)
        return 0;
    if (kinds[preview->kind] == KIND_MODULE_DEPLOYMENT && begin_copy(preview, err) < 0)
        return -1;
    if (++preview->kind < ARRAY_LEN(kinds))
        return 0;
    end_copy(preview);
    return 1;
}
