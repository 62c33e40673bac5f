/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door for agents. A report is posted to the loop as it came; there it renews the liveness of the
 * base, updates its Base object where something changed, and tells each instance on the base whether
 * its module is there and well.
 */
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "lib/rpc/server.h"
#include "services/controller/controller_internal.h"
#include "services/controller/documents.h"
#include "services/controller/engine/baseline.h"
#include "services/controller/engine/plan_module.h"

#define REPORTS_PER_SILENCE 3 /* reports that may get lost before a base counts as silent */
#define REPORT_EVERY_MAX_MS 30000
#define REPORT_UNSETTLED_MS                                                                        \
    (REPORT_SETTLE_MS + 100) /* what was too young to be believed, once more */
#define REPORT_AGAIN_MS                                                                            \
    200 /* a new base: its object has to be there before its status can be written */

typedef Koupleless__Controller__V1__AgentGatewayService_Service Service;
typedef Koupleless__Controller__V1__ReportRequest Report;
typedef Koupleless__Controller__V1__ReportResponse_Closure ReportClosure;

struct report_event {
    struct loop_event event;
    struct controller *controller;
    const Report *report; /* valid until the call is finished */
    ReportClosure closure;
    struct rpc_call *call;
};

/* -- the Base object -- */

/* Who gets traffic is the controller's to say (engine/traffic.h), whatever an agent has read from its Pod. */
static bool is_controllers(const char *label)
{
    return str_starts_with(label, LABEL_TRAFFIC_PREFIX);
}

static cJSON *labels_json(const Report *report)
{
    cJSON *labels = cJSON_CreateObject();
    for (size_t i = 0; i < report->n_labels; i++)
        if (!is_controllers(report->labels[i]->key))
            cJSON_AddStringToObject(labels, report->labels[i]->key, report->labels[i]->value);
    return labels;
}

static bool limit_given(const Report *report)
{
    return report->_max_module_count_case ==
           KOUPLELESS__CONTROLLER__V1__REPORT_REQUEST___MAX_MODULE_COUNT_MAX_MODULE_COUNT;
}

static cJSON *spec_json(const Report *report)
{
    cJSON *spec = cJSON_CreateObject();
    patch_text(spec, "deployment", report->base_deployment);
    patch_text(spec, "ip", report->ip);
    patch_text(spec, "agentAddress", report->agent_address);
    patch_text(spec, "node", report->node);
    patch_text(spec, "zone", report->zone);
    cJSON_AddItemToObject(spec, "maxModuleCount",
                          limit_given(report) ? cJSON_CreateNumber(report->max_module_count)
                                              : cJSON_CreateNull());
    return spec;
}

static void create_base(struct controller *controller, const Report *report)
{
    cJSON *json = cJSON_CreateObject(), *meta = cJSON_AddObjectToObject(json, "metadata");
    cJSON_AddStringToObject(json, "apiVersion", API_VERSION);
    cJSON_AddStringToObject(json, "kind", kind_name(KIND_BASE));
    cJSON_AddStringToObject(meta, "name", report->base_name);
    cJSON_AddStringToObject(meta, "namespace",
                            str_empty(report->namespace_) ? "default" : report->namespace_);
    cJSON_AddItemToObject(meta, "labels", labels_json(report));
    cJSON_AddItemToObject(json, "spec", spec_json(report));
    controller_create(controller, KIND_BASE, json_text_take(json));
}

static bool labels_differ(const struct json_map *labels, const Report *report)
{
    size_t own = 0, reported = 0;
    for (size_t i = 0; i < labels->len; i++)
        own += !is_controllers(labels->items[i].key);
    for (size_t i = 0; i < report->n_labels; i++) {
        const char *key = report->labels[i]->key;
        if (is_controllers(key))
            continue;
        reported++;
        if (!str_eq(json_map_get(labels, key), report->labels[i]->value))
            return true;
    }
    return own != reported;
}

/* Where a Base is a Pod, that says the rest; and a zone only where it is known. */
static bool zone_differs(const struct base *base, const Report *report)
{
    return !str_empty(report->zone) && !str_eq(base->spec.zone, report->zone);
}

static void patch_zone(struct controller *controller, const struct base *base, const Report *report)
{
    cJSON *json = cJSON_CreateObject(), *spec = cJSON_AddObjectToObject(json, "spec");
    patch_text(spec, "zone", report->zone);
    controller_patch(controller, KIND_BASE, &base->meta, STORE_MAIN, json_text_take(json));
}

static bool spec_differs(const struct base *base, const Report *report)
{
    const struct base_spec *spec = &base->spec;
    bool limits_differ =
        spec->max_module_count_set != limit_given(report) ||
        (spec->max_module_count_set && spec->max_module_count != report->max_module_count);
    return limits_differ || labels_differ(&base->meta.labels, report) ||
           !str_eq(spec->deployment, report->base_deployment) || !str_eq(spec->ip, report->ip) ||
           !str_eq(spec->agent_address, report->agent_address) ||
           !str_eq(spec->node, report->node) || !str_eq(spec->zone, report->zone);
}

static void patch_base_spec(struct controller *controller, const struct base *base,
                            const Report *report)
{
    cJSON *json = cJSON_CreateObject(), *meta = cJSON_AddObjectToObject(json, "metadata");
    cJSON *labels = labels_json(report);
    for (size_t i = 0; i < base->meta.labels.len; i++)
        if (!is_controllers(base->meta.labels.items[i].key) &&
            !cJSON_GetObjectItemCaseSensitive(labels, base->meta.labels.items[i].key))
            cJSON_AddItemToObject(labels, base->meta.labels.items[i].key, cJSON_CreateNull());
    cJSON_AddItemToObject(meta, "labels", labels);
    cJSON_AddItemToObject(json, "spec", spec_json(report));
    controller_patch(controller, KIND_BASE, &base->meta, STORE_MAIN, json_text_take(json));
}

static void update_base_status(struct controller *controller, const struct base *base,
                               struct sent_status *sent, const Report *report)
{
    static char is_ready[] = "Ready", not_ready[] = "NotReady", leaving[] = "AgentLeaving";
    liveness_write_base(
        controller, base, sent,
        &(struct base_status){
            .phase = report->ready && !report->leaving ? is_ready : not_ready,
            .reason = report->leaving ? leaving : report->reason,
            .message = report->message,
            .boot_id = report->boot_id,
            .metaspace_full = report->metaspace_full,
            .metaspace_message = report->metaspace_full ? report->metaspace_message : NULL,
        });
}

static void update_base_spec(struct controller *controller, const struct base *base,
                             const Report *report)
{
    if (!store_bases_are_pods(controller->store)) {
        if (spec_differs(base, report))
            patch_base_spec(controller, base, report);
    } else if (zone_differs(base, report)) {
        patch_zone(controller, base, report);
    }
}

/* A Pod that counted as gone comes back with its report; one that nobody follows is none of our bases. */
static void tell_store(struct controller *controller, const Report *report)
{
    char fallback[] = "default";
    const struct base unknown = {
        .meta = {.name = report->base_name,
                 .namespace = str_empty(report->namespace_) ? fallback : report->namespace_}};
    update_base_status(controller, &unknown, NULL, report);
}

/* -- the instances -- */

/* A report with hashes of what it has: bases with many modules report often. */
struct modules {
    const Report *report;
    uint64_t *hashes;
};

static uint64_t module_hash(const char *name, const char *version)
{
    return str_hash(name, strlen(name)) * 31 + str_hash(version, strlen(version));
}

static struct modules modules_of(const Report *report)
{
    struct modules modules = {report, mem_alloc(report->n_modules * sizeof(uint64_t))};
    for (size_t i = 0; i < report->n_modules; i++)
        modules.hashes[i] = module_hash(report->modules[i]->name, report->modules[i]->version);
    return modules;
}

typedef Koupleless__Agent__V1__InstalledModule InstalledModule;

/* NULL: it is not there. */
static const InstalledModule *reported_module(const struct modules *modules,
                                              const struct module_spec *module)
{
    uint64_t hash = module_hash(module->name, module->version);
    for (size_t i = 0; i < modules->report->n_modules; i++) {
        const InstalledModule *installed = modules->report->modules[i];
        if (modules->hashes[i] == hash && str_eq(installed->name, module->name) &&
            str_eq(installed->version, module->version))
            return installed;
    }
    return NULL;
}

static enum reported reported_state(const InstalledModule *installed)
{
    if (!installed)
        return REPORTED_ABSENT;
    if (str_eq(installed->state, "activated"))
        return REPORTED_ACTIVE;
    if (str_eq(installed->state, "deactivated"))
        return REPORTED_INACTIVE;
    return str_eq(installed->state, "broken") ? REPORTED_BROKEN : REPORTED_RESOLVED;
}

static const Koupleless__Agent__V1__ModuleHealth *reported_health(const Report *report,
                                                                  const struct module_spec *module)
{
    for (size_t i = 0; i < report->n_module_health; i++)
        if (str_eq(report->module_health[i]->name, module->name) &&
            str_eq(report->module_health[i]->version, module->version))
            return report->module_health[i];
    return NULL;
}

/* Whether a report may be of another one, that is off its base now. */
static bool is_distrusted(const struct controller *controller, const struct instance *instance)
{
    return loop_now_ms(controller->loop) < instance->distrusted_ms;
}

/*
 * Whether another report is to come soon: an operation runs, or has just succeeded and the report speaks
 * against it, for it may be older than that.
 */
static bool unsettled(const struct controller *controller, const struct instance *instance)
{
    const struct operation *operation = &instance->operation;
    if (operation->state == OPERATION_RUNNING || is_distrusted(controller, instance))
        return true;
    if (operation->state == OPERATION_FAILED &&
        instance->replaces) /* does the old one run still? */
        return loop_now_ms(controller->loop) < operation->ended_ms + REPORT_SETTLE_MS;
    return operation->state == OPERATION_SUCCEEDED && instance->reported != REPORTED_ACTIVE &&
           loop_now_ms(controller->loop) < operation->ended_ms + REPORT_SETTLE_MS;
}

/* Whether a report that says the same again may now be young enough to be believed (plan_module.c). */
static bool counts_anew(const struct instance *instance)
{
    const struct operation *operation = &instance->operation;
    return instance->reported != REPORTED_ACTIVE &&
           (operation->state == OPERATION_NONE ||
            instance->reported_ms >= operation->ended_ms + REPORT_SETTLE_MS);
}

static void update_instance(struct controller *controller, struct cached_instance *cached,
                            const struct modules *modules)
{
    const Report *report = modules->report;
    struct instance *instance = &cached->view;
    const struct module_spec *module = &cached->module->spec.module;
    bool known = report->modules_known && !is_distrusted(controller, instance);
    const InstalledModule *installed = reported_module(modules, module);
    enum reported reported = known ? reported_state(installed) : instance->reported;
    const Koupleless__Agent__V1__ModuleHealth *health = reported_health(report, module);
    bool unhealthy =
        health && health->status == KOUPLELESS__AGENT__V1__HEALTH_STATUS__HEALTH_STATUS_DOWN;
    bool changed = reported != instance->reported || unhealthy != instance->unhealthy;
    if (known) {
        instance->reported_ms = loop_now_ms(controller->loop);
        bool told = installed && !str_empty(installed->digest);
        mem_replace(&instance->reported_digest, told ? installed->digest : NULL);
    }
    instance->reported = reported;
    instance->unhealthy = unhealthy;
    mem_replace(&instance->unhealthy_message, unhealthy ? health->message : NULL);
    const struct instance *successor = instance->replaced_by;
    if (successor && successor->operation.state == OPERATION_FAILED) /* this one may serve again */
        cache_dirty_traffic(&controller->cache, instance);
    /* While an operation runs nothing is decided; its outcome is planned with what was reported till then. Nor while the
     * base is not ready: its agent may be putting back what is not there. That it is ready again is planned too. */
    if (report->ready && instance->operation.state != OPERATION_RUNNING &&
        (changed || counts_anew(instance)))
        controller->cache.on_dirty_module(controller, cached->key);
}

/* Return: whether one of them needs a younger report. */
static bool update_instances(struct controller *controller, struct cached_base *base,
                             const Report *report)
{
    struct modules modules = modules_of(report);
    bool again = false;
    for (size_t i = 0; i < base->view.instances.len; i++) {
        struct instance *instance = base->view.instances.items[i];
        update_instance(controller, CONTAINER_OF(instance, struct cached_instance, view), &modules);
        again |= unsettled(controller, instance);
    }
    mem_free(modules.hashes);
    return again;
}

/* -- the report -- */

static int64_t report_every_ms(const struct controller *controller)
{
    int64_t every_ms = controller->options.base_silent_ms / REPORTS_PER_SILENCE;
    return every_ms < REPORT_EVERY_MAX_MS ? every_ms : REPORT_EVERY_MAX_MS;
}

static void reply(struct report_event *event, int64_t every_ms)
{
    Google__Protobuf__Duration next = GOOGLE__PROTOBUF__DURATION__INIT;
    next.seconds = every_ms / 1000;
    next.nanos = (int32_t)(every_ms % 1000) * 1000000;
    Koupleless__Controller__V1__ReportResponse response =
        KOUPLELESS__CONTROLLER__V1__REPORT_RESPONSE__INIT;
    response.next_report = &next;
    event->closure(&response, event->call);
}

static bool refuse(struct rpc_call *call, const char *why)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_UNAVAILABLE, "%s", why);
    rpc_call_fail(call, err);
    return true;
}

/* Before the lists are there nobody knows what should be on a base; and what is told to one that stands by is lost. */
static bool refused_by_idle(const struct controller *controller, struct rpc_call *call)
{
    return !controller_acts(controller) &&
           refuse(call, controller->leading ? "the controller is starting"
                                            : "another controller leads, this one stands by");
}

/* Posts an event to the loop; where that has too much to do the call fails. */
static bool offered(struct controller *controller, struct loop_event *event, struct rpc_call *call)
{
    if (loop_offer(controller->loop, event))
        return true;
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_LIMIT, "the controller is busy");
    rpc_call_fail(call, err);
    return false;
}

static void on_report(struct loop_event *loop_event)
{
    struct report_event *event = CONTAINER_OF(loop_event, struct report_event, event);
    struct controller *controller = event->controller;
    const Report *report = event->report;
    controller->cache.now_ms = loop_now_ms(controller->loop);
    AUTO_FREE char *key = object_key(report->namespace_, report->base_name);
    struct cached_base *base = map_get(&controller->cache.bases, key);
    if (refused_by_idle(controller, event->call)) {
        mem_free(event);
        return;
    }
    if (!base && store_bases_are_pods(controller->store)) {
        tell_store(controller, report);
        reply(event, report_every_ms(controller));
    } else if (!base) {
        create_base(controller, report);
        reply(event, REPORT_AGAIN_MS);
    } else {
        base->last_report_ms = controller->cache.now_ms;
        update_base_spec(controller, base->base, report);
        update_base_status(controller, base->base, &base->sent, report);
        bool again = update_instances(controller, base, report);
        leftovers_look(controller, base, report);
        reply(event, again ? REPORT_UNSETTLED_MS : report_every_ms(controller));
    }
    mem_free(event);
}

/*
 * A label that the store refuses would keep the base from being made, and one that is there twice would be changed by
 * each report.
 */
static int check_labels(const Report *report, struct err **err)
{
    if (report->n_labels > LIMIT_LABELS)
        return err_field(err, "labels", "at most %d", LIMIT_LABELS);
    for (size_t i = 0; i < report->n_labels; i++) {
        struct json_pair pair = {report->labels[i]->key, report->labels[i]->value};
        struct json_map one = {.items = &pair, .len = 1};
        AUTO_FREE char *path = mem_printf("labels[%s]", pair.key);
        if (labels_check(&one, path, err) < 0)
            return -1;
        for (size_t before = 0; before < i; before++)
            if (str_eq(report->labels[before]->key, pair.key))
                return err_field(err, path, "is there twice");
    }
    return 0;
}

static int check_text(const char *field, const char *text, size_t max, struct err **err)
{
    return strlen(text) > max ? err_field(err, field, "at most %zu characters", max) : 0;
}

/* What is too long is refused here: in a question to the scheduler it would be refused with all other bases. */
static int check_texts(const Report *report, struct err **err)
{
    const struct {
        const char *field, *text;
        size_t max;
    } texts[] = {
        {"base_deployment", report->base_deployment, LIMIT_NAME},
        {"ip", report->ip, LIMIT_NAME},
        {"agent_address", report->agent_address, LIMIT_ADDRESS},
        {"node", report->node, LIMIT_NAME},
        {"zone", report->zone, LIMIT_NAME},
        {"boot_id", report->boot_id, LIMIT_NAME},
        {"reason", report->reason, LIMIT_NAME},
        {"message", report->message, LIMIT_MESSAGE},
        {"metaspace_message", report->metaspace_message, LIMIT_MESSAGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (check_text(texts[i].field, texts[i].text, texts[i].max, err) < 0)
            return -1;
    for (size_t i = 0; i < report->n_module_health; i++) {
        AUTO_FREE char *path = mem_printf("module_health[%zu].message", i);
        if (check_text(path, report->module_health[i]->message, LIMIT_MESSAGE, err) < 0)
            return -1;
    }
    return 0;
}

/* Where bases are Pods these say the rest. */
static int check_registration(const Report *report, struct err **err)
{
    if (str_empty(report->base_deployment))
        return err_field(err, "base_deployment", "is required");
    if (str_empty(report->agent_address))
        return err_field(err, "agent_address", "is required");
    return 0;
}

static int check_report(const struct controller *controller, const Report *report, struct err **err)
{
    if (!name_is_dns_subdomain(report->base_name))
        return err_field(err, "base_name", "must be a DNS-1123 subdomain, not \"%s\"",
                         report->base_name);
    if (!str_empty(report->namespace_) && !name_is_dns_label(report->namespace_))
        return err_field(err, "namespace", "must be a DNS-1123 label, not \"%s\"",
                         report->namespace_);
    if (!store_bases_are_pods(controller->store) && check_registration(report, err) < 0)
        return -1;
    if (limit_given(report) && report->max_module_count < 0)
        return err_field(err, "max_module_count", "must be at least 0");
    if (report->n_modules > LIMIT_MODULES_PER_REPORT)
        return err_field(err, "modules", "at most %d", LIMIT_MODULES_PER_REPORT);
    if (report->n_module_health > LIMIT_MODULES_PER_REPORT)
        return err_field(err, "module_health", "at most %d", LIMIT_MODULES_PER_REPORT);
    return check_texts(report, err) < 0 ? -1 : check_labels(report, err);
}

static struct controller *controller_of(Service *service)
{
    return CONTAINER_OF(service, struct gateway, service)->controller;
}

static void handle_report(Service *service, const Report *report, ReportClosure closure, void *call)
{
    AUTO_ERR struct err *err = NULL;
    if (check_report(controller_of(service), report, &err) < 0) {
        rpc_call_fail(call, err);
        return;
    }
    struct report_event *event = NEW(struct report_event);
    *event =
        (struct report_event){{.fn = on_report}, controller_of(service), report, closure, call};
    if (!offered(event->controller, &event->event, call))
        mem_free(event);
}

/* -- the baseline: what should be on a base -- */

struct baseline_event {
    struct loop_event event;
    struct controller *controller;
    const Koupleless__Controller__V1__GetBaselineRequest *request;
    Koupleless__Controller__V1__GetBaselineResponse_Closure closure;
    struct rpc_call *call;
};

static void on_baseline(struct loop_event *loop_event)
{
    struct baseline_event *event = CONTAINER_OF(loop_event, struct baseline_event, event);
    if (refused_by_idle(event->controller, event->call)) {
        mem_free(event);
        return;
    }
    AUTO_FREE char *key = object_key(event->request->namespace_, event->request->base_name);
    const struct cached_base *base = map_get(&event->controller->cache.bases, key);
    /* Nothing would be wrong where the base is only not listed yet. */
    if (!base && cache_bases_unknown(&event->controller->cache, event->request->namespace_)) {
        refuse(event->call, "bases of the namespace are being listed");
        mem_free(event);
        return;
    }
    size_t count = base ? base->view.instances.len : 0, n = 0;
    AUTO_FREE Koupleless__Module__V1__ModuleSpec *specs = mem_alloc(count * sizeof(*specs));
    AUTO_FREE Koupleless__Module__V1__ModuleSpec **pointers = mem_alloc(count * sizeof(*pointers));
    for (size_t i = 0; i < count; i++) {
        const struct instance *instance = base->view.instances.items[i];
        if (!baseline_includes(instance, controller_is_going(instance)))
            continue;
        /* The newest url that was declared, not the one this instance was installed from (requirement 3.2). */
        specs[n] = agents_module_message(&instance->revision->rs->spec.template.module);
        pointers[n] = &specs[n];
        n++;
    }
    Koupleless__Controller__V1__GetBaselineResponse response =
        KOUPLELESS__CONTROLLER__V1__GET_BASELINE_RESPONSE__INIT;
    response.n_modules = n;
    response.modules = pointers;
    event->closure(&response, event->call);
    mem_free(event);
}

static void handle_get_baseline(Service *service,
                                const Koupleless__Controller__V1__GetBaselineRequest *request,
                                Koupleless__Controller__V1__GetBaselineResponse_Closure closure,
                                void *call)
{
    struct baseline_event *event = NEW(struct baseline_event);
    *event = (struct baseline_event){
        {.fn = on_baseline}, controller_of(service), request, closure, call};
    if (!offered(event->controller, &event->event, call))
        mem_free(event);
}

static void handle_enroll(Service *service,
                          const Koupleless__Controller__V1__EnrollRequest *request,
                          Koupleless__Controller__V1__EnrollResponse_Closure closure, void *call)
{
    (void)service;
    (void)request;
    (void)closure;
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_UNIMPLEMENTED,
            "this controller issues no certificates; give the agent its own by --tls-cert");
    rpc_call_fail(call, err);
}

void gateway_init(struct controller *controller)
{
    controller->gateway.controller = controller;
    koupleless__controller__v1__agent_gateway_service__init(&controller->gateway.service, NULL);
    controller->gateway.service.report = handle_report;
    controller->gateway.service.get_baseline = handle_get_baseline;
    controller->gateway.service.enroll = handle_enroll;
}

ProtobufCService *controller_gateway(struct controller *controller)
{
    return &controller->gateway.service.base;
}
