/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PlanRelease: a copy of the present from lists of the store, a forecast on it, the answer.
 *
 *   gRPC thread       the request is checked, a job begins
 *   the store's       a page of a list came: its documents are copied, the job is posted
 *   the planner's     they are read into structs; the next page is asked for; after the last one the forecast runs,
 *                     and stops where it has a question to the scheduler, whose answer is posted too
 *
 * A job is at one place at a time, so nothing of it is locked. All lists are of the namespace, in this order: what a
 * ModuleDeployment names is known before what names it is read.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "services/controller/api/api_internal.h"
#include "services/controller/engine/original.h"

#define PAGE_SIZE 500
#define INSTALL_MS 5000 /* where none was measured yet */
#define SWITCH_MS 100
#define UNINSTALL_MS 1000
#define BASE_START_MS 30000

static const enum object_kind kinds[] = {
    KIND_MODULE_TEMPLATE, KIND_MODULE_DEPLOYMENT, KIND_MODULE_REPLICASET, KIND_BASE, KIND_MODULE,
    KIND_SERVICE};

struct job {
    struct loop_event event;
    struct api *api;
    struct reply reply;
    const Koupleless__Controller__V1__PlanReleaseRequest *request; /* lives as long as the call */
    const char *namespace, *name;

    size_t kind;          /* index in kinds */
    VEC(char *) texts;    /* the documents of the page that came */
    char *continue_token; /* of the next page; NULL = that was all of its kind */
    struct err *err;      /* what the store said */

    VEC(struct module_template *) templates;
    VEC(struct module_deployment *) others; /* that are on the same bases, or may be */
    struct module_deployment *md;           /* as it would be stored */
    const char *md_uid;                     /* NULL: it is new; owned by the forecast's copy */
    struct map revisions;         /* uid of a ModuleReplicaSet -> its name, owned by the forecast */
    VEC(struct module *) modules; /* until all bases and revisions are there */
    size_t bases;                 /* of the base Deployment */
    int64_t measured_ms, measured; /* installs, and how many */

    struct forecast *forecast;
    char **names; /* the answer of the scheduler */
    size_t name_count;
    char *explanation, *failure;
};

/* -- the planner -- */

static void *run_planner(void *loop)
{
    loop_run(loop);
    return NULL;
}

void planner_init(struct api *api)
{
    struct planner *planner = &api->planner;
    planner->loop = loop_new(api->clock, LIMIT_INBOX);
    int failed = pthread_create(&planner->thread, NULL, run_planner, planner->loop);
    ASSERT(!failed);
}

void planner_done(struct api *api)
{
    loop_stop(api->planner.loop);
    pthread_join(api->planner.thread, NULL);
    loop_free(api->planner.loop);
}

/* -- the end of a job -- */

static void drop_page(struct job *job)
{
    for (size_t i = 0; i < job->texts.len; i++)
        mem_free(job->texts.items[i]);
    job->texts.len = 0;
}

static void drop_answer(struct job *job)
{
    for (size_t i = 0; i < job->name_count; i++)
        mem_free(job->names[i]);
    mem_free(TAKE(job->names));
    job->name_count = 0;
    mem_free(TAKE(job->explanation));
    mem_free(TAKE(job->failure));
}

static void job_free(struct job *job)
{
    drop_page(job);
    drop_answer(job);
    for (size_t i = 0; i < job->templates.len; i++)
        module_template_free(job->templates.items[i]);
    for (size_t i = 0; i < job->others.len; i++)
        module_deployment_free(job->others.items[i]);
    for (size_t i = 0; i < job->modules.len; i++)
        module_free(job->modules.items[i]);
    VEC_DONE(&job->texts);
    VEC_DONE(&job->templates);
    VEC_DONE(&job->others);
    VEC_DONE(&job->modules);
    map_done(&job->revisions);
    if (!job->forecast)
        module_deployment_free(job->md);
    forecast_free(job->forecast);
    mem_free(job->continue_token);
    err_free(job->err);
    job->api->planner.running--;
    mem_free(job);
}

static void fail(struct job *job, const struct err *err)
{
    reply_fail(&job->reply, err);
    job_free(job);
}

/* -- the forecast -- */

static const struct module_template_spec *template_of(const struct job *job,
                                                      const struct module_deployment *md)
{
    if (!md->spec.template_ref)
        return &md->spec.template;
    for (size_t i = 0; i < job->templates.len; i++)
        if (str_eq(job->templates.items[i]->meta.name, md->spec.template_ref))
            return &job->templates.items[i]->spec;
    return NULL;
}

/* The ModuleDeployment that has the module on these bases, or NULL. */
static const char *find_owner(const struct job *job, const struct module_template_spec *template)
{
    const struct module_deployment *owner = job->md;
    for (size_t i = 0; template && i < job->others.len; i++) {
        const struct module_deployment *other = job->others.items[i];
        const struct module_template_spec *its = template_of(job, other);
        if (its && str_eq(its->module.name, template->module.name) &&
            str_eq(other->spec.base_deployment_name, job->md->spec.base_deployment_name) &&
            deployment_was_first(&other->meta, &owner->meta))
            owner = other;
    }
    return owner == job->md ? NULL : owner->meta.name;
}

static int32_t install_ms(const struct job *job)
{
    if (job->request->install_ms)
        return job->request->install_ms;
    return job->measured ? (int32_t)(job->measured_ms / job->measured) : INSTALL_MS;
}

static void on_scheduled(void *user, char *const *names, size_t count, const char *explanation,
                         const char *failure)
{
    struct job *job = user;
    job->names = mem_alloc(count * sizeof(char *));
    job->name_count = count;
    for (size_t i = 0; i < count; i++)
        job->names[i] = mem_strdup(names[i]);
    job->explanation = mem_strdup(explanation);
    job->failure = mem_strdup(failure);
    loop_post(job->api->planner.loop, &job->event);
}

static void run(struct job *job)
{
    enum forecast_state state = forecast_run(job->forecast, INT64_MAX);
    if (state == FORECAST_ASKS) {
        const struct api_scheduler *scheduler = &job->api->scheduler;
        scheduler->ask(scheduler->context, forecast_question(job->forecast), on_scheduled, job);
        return;
    }
    plan_respond(&job->reply, job->forecast, state, install_ms(job));
    job_free(job);
}

static void on_answered(struct job *job)
{
    if (job->failure) {
        AUTO_ERR struct err *err = NULL;
        err_set(&err, ERR_UNAVAILABLE, "%s", job->failure);
        fail(job, err);
        return;
    }
    forecast_answer(job->forecast, job->names, job->name_count, job->explanation);
    drop_answer(job);
    run(job);
}

/* In a cluster bases are known where something was released on them. */
static void note_bases(struct job *job)
{
    if (job->bases || !store_bases_are_pods(job->api->store))
        return;
    AUTO_FREE char *problem = mem_printf(
        "no base of Deployment %s is known: it has none, or nothing was released on it so far",
        job->md->spec.base_deployment_name);
    forecast_set_bases_problem(job->forecast, problem, /* unknown= */ true);
}

static void begin_forecast(struct job *job)
{
    for (size_t i = 0; i < job->modules.len; i++) {
        struct module *module = job->modules.items[i];
        const struct owner_reference *owner = meta_owner(&module->meta);
        forecast_add_module(job->forecast, module,
                            owner ? map_get(&job->revisions, owner->uid) : NULL);
    }
    job->modules.len = 0;
    note_bases(job);
    run(job);
}

/* -- documents to structs -- */

static bool is_owned(const struct job *job, const struct object_meta *meta)
{
    const struct owner_reference *owner = meta_owner(meta);
    return owner && job->md_uid && str_eq(owner->uid, job->md_uid);
}

static void take_template(struct job *job, const cJSON *json)
{
    struct module_template *template = module_template_read(json, JSON_UNKNOWN_IGNORE, NULL);
    if (template)
        VEC_PUSH(&job->templates, template);
}

/* The one that is asked about, as applying the request would make it; @stored: NULL = there is none. */
static int make_deployment(struct job *job, const cJSON *stored, struct err **err)
{
    const Koupleless__Module__V1__ModuleDeployment *message = job->request->module_deployment;
    if (!stored && !message->spec)
        return err_set(err, ERR_NOT_FOUND, "%s \"%s/%s\": not found",
                       kind_name(KIND_MODULE_DEPLOYMENT), job->namespace, job->name);
    AUTO_JSON cJSON *json =
        message->spec ? apply_result(message, stored, err) : cJSON_Duplicate(stored, true);
    job->md = json ? module_deployment_read(json, JSON_UNKNOWN_IGNORE, err) : NULL;
    if (!job->md)
        return -1;
    if (stored && !cJSON_Compare(cJSON_GetObjectItem(stored, "spec"),
                                 cJSON_GetObjectItem(json, "spec"), /* case_sensitive= */ true))
        job->md->meta.generation++; /* what was stopped goes on by an edit */
    if (!stored) {                  /* it would be the last that came */
        job->md->meta.creation_ms = loop_wall_ms(job->api->planner.loop);
        mem_replace(&job->md->meta.uid, "");
    }
    job->md_uid = stored ? job->md->meta.uid : NULL;
    return 0;
}

static int take_deployment(struct job *job, const cJSON *json, struct err **err)
{
    if (str_eq(json_get_string(json, "metadata.name"), job->name))
        return make_deployment(job, json, err);
    struct module_deployment *md = module_deployment_read(json, JSON_UNKNOWN_IGNORE, NULL);
    if (md)
        VEC_PUSH(&job->others, md);
    return 0;
}

static void take_revision(struct job *job, const cJSON *json)
{
    struct module_replicaset *rs = module_replicaset_read(json, NULL);
    if (rs && is_owned(job, &rs->meta)) {
        map_put(&job->revisions, rs->meta.uid, rs->meta.name);
        forecast_add_revision(job->forecast, rs);
    } else {
        module_replicaset_free(rs);
    }
}

static void take_base(struct job *job, const cJSON *json)
{
    struct base *base = base_read(json, NULL);
    if (!base)
        return;
    job->bases += str_eq(base->spec.deployment, job->md->spec.base_deployment_name);
    forecast_add_base(job->forecast, base);
}

static void take_module(struct job *job, const cJSON *json)
{
    struct module *module = module_read(json, NULL);
    if (!module)
        return;
    const struct module_template_spec *template = template_of(job, job->md);
    if (module->status.install_duration_ms > 0 && template &&
        str_eq(module->spec.module.name, template->module.name)) {
        job->measured_ms += module->status.install_duration_ms;
        job->measured++;
    }
    VEC_PUSH(&job->modules, module);
}

static void take_service(struct job *job, const cJSON *json)
{
    struct service *service = service_read(json, NULL);
    if (service && is_owned(job, &service->meta))
        forecast_add_service(job->forecast, service);
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
static int take(struct job *job, const char *text, struct err **err)
{
    enum object_kind kind = kinds[job->kind];
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT * 2, NULL);
    if (!json || is_original(kind, json))
        return 0;
    if (kind == KIND_MODULE_DEPLOYMENT)
        return take_deployment(job, json, err);
    if (kind == KIND_MODULE_TEMPLATE)
        take_template(job, json);
    else if (kind == KIND_MODULE_REPLICASET)
        take_revision(job, json);
    else if (kind == KIND_BASE)
        take_base(job, json);
    else if (kind == KIND_MODULE)
        take_module(job, json);
    else
        take_service(job, json);
    return 0;
}

/* -- lists -- */

static void on_listed(void *user, const struct store_list *list, const struct err *err)
{
    struct job *job = user;
    mem_free(TAKE(job->continue_token));
    if (err)
        job->err = err_copy(err);
    for (size_t i = 0; !err && i < list->len; i++)
        VEC_PUSH(&job->texts, mem_strndup(list->items[i].json, list->items[i].json_len));
    if (!err)
        job->continue_token = mem_strdup(list->continue_token);
    loop_post(job->api->planner.loop, &job->event);
}

static void ask_page(struct job *job)
{
    struct store_query query = {
        .kind = kinds[job->kind],
        .namespace = job->namespace,
        .limit = PAGE_SIZE,
        .continue_token = job->continue_token,
    };
    store_list(job->api->store, &query, on_listed, job);
}

/* All ModuleDeployments and templates are there. */
static int begin_copy(struct job *job, struct err **err)
{
    if (!job->md && make_deployment(job, NULL, err) < 0)
        return -1;
    const struct module_template_spec *template = template_of(job, job->md);
    const char *owner = find_owner(job, template);
    const struct forecast_times times = {0, SWITCH_MS, UNINSTALL_MS, BASE_START_MS};
    job->forecast = forecast_new(job->md, template, &times, loop_wall_ms(job->api->planner.loop));
    forecast_set_owner(job->forecast, owner);
    return 0;
}

/* A page came. Return: 0, or -1 with @err. */
static int take_page(struct job *job, struct err **err)
{
    if (job->err)
        return err_move(err, TAKE(job->err));
    for (size_t i = 0; i < job->texts.len; i++)
        if (take(job, job->texts.items[i], err) < 0)
            return -1;
    drop_page(job);
    if (job->continue_token)
        return 0;
    if (kinds[job->kind] == KIND_MODULE_DEPLOYMENT && begin_copy(job, err) < 0)
        return -1;
    job->kind++;
    return 0;
}

static void on_event(struct loop_event *event)
{
    struct job *job = CONTAINER_OF(event, struct job, event);
    AUTO_ERR struct err *err = NULL;
    if (job->kind == ARRAY_LEN(kinds)) {
        on_answered(job);
    } else if (take_page(job, &err) < 0) {
        fail(job, err);
    } else if (job->kind < ARRAY_LEN(kinds)) {
        ask_page(job);
    } else {
        forecast_set_install_ms(job->forecast, install_ms(job));
        begin_forecast(job);
    }
}

/* -- the call -- */

static void on_begin(struct loop_event *event)
{
    struct job *job = CONTAINER_OF(event, struct job, event);
    job->event.fn = on_event;
    if (job->api->planner.running++ < LIMIT_PLANS) {
        ask_page(job);
        return;
    }
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_LIMIT, "%d plans are being made already", LIMIT_PLANS);
    fail(job, err);
}

static int check(const Koupleless__Controller__V1__PlanReleaseRequest *request, struct err **err)
{
    const Koupleless__Module__V1__ModuleDeployment *message = request->module_deployment;
    if (!message || !message->metadata || str_empty(message->metadata->name))
        return err_field(err, "metadata.name", "is required");
    if (request->install_ms < 0)
        return err_field(err, "install_ms", "must not be negative");
    AUTO_JSON cJSON *valid = message->spec ? apply_result(message, NULL, err) : NULL;
    return message->spec && !valid ? -1 : 0;
}

void plan_release(struct api *api, const Koupleless__Controller__V1__PlanReleaseRequest *request,
                  const struct reply *reply)
{
    AUTO_ERR struct err *err = NULL;
    if (check(request, &err) < 0) {
        reply_fail(reply, err);
        return;
    }
    struct job *job = NEW(struct job);
    job->event.fn = on_begin;
    job->api = api;
    job->reply = *reply;
    job->request = request;
    job->namespace = namespace_or_default(request->module_deployment->metadata->namespace_);
    job->name = request->module_deployment->metadata->name;
    loop_post(api->planner.loop, &job->event);
}
