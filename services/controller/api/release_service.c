/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "services/controller/api/api_internal.h"
#include "services/controller/api/decide.h"

/* Each handler names what the generic parts need; the rules are in decide.c and apply.c. */

#define HANDLER(name, Method)                                                                      \
    static void name(Koupleless__Controller__V1__ReleaseService_Service *service,                  \
                     const Koupleless__Controller__V1__##Method##Request *request,                 \
                     Koupleless__Controller__V1__##Method##Response_Closure closure, void *call)

#define REPLY(method)                                                                              \
    (&(struct reply){call, (ProtobufCClosure)(void (*)(void))closure,                              \
                     &koupleless__controller__v1__##method##_response__descriptor})

static struct api *api_of(Koupleless__Controller__V1__ReleaseService_Service *service)
{
    return CONTAINER_OF(service, struct release_service, service)->api;
}

HANDLER(apply, ApplyModuleDeployment)
{
    apply_deployment(api_of(service), request, REPLY(apply_module_deployment));
}

HANDLER(get, GetModuleDeployment)
{
    read_get(api_of(service), KIND_MODULE_DEPLOYMENT, request->namespace_, request->name,
             "moduleDeployment", REPLY(get_module_deployment));
}

HANDLER(list, ListModuleDeployments)
{
    struct read_query query = {
        .kind = KIND_MODULE_DEPLOYMENT,
        .namespace = request->namespace_,
        .label_selector = request->label_selector,
        .page_size = request->page_size,
        .page_token = request->page_token,
        .member = "moduleDeployments",
    };
    read_list(api_of(service), &query, REPLY(list_module_deployments));
}

HANDLER(watch, WatchModuleDeployments)
{
    struct read_query query = {
        .kind = KIND_MODULE_DEPLOYMENT,
        .namespace = request->namespace_,
        .name = request->name,
        .label_selector = request->label_selector,
        .resource_version = request->resource_version,
        .member = "moduleDeployment",
    };
    read_watch(api_of(service), &query, REPLY(watch_module_deployments));
}

HANDLER(delete_, DeleteModuleDeployment)
{
    remove_object(api_of(service), KIND_MODULE_DEPLOYMENT, "Delete", request->namespace_,
                  request->name, request->resource_version, request->request_id, "moduleDeployment",
                  REPLY(delete_module_deployment));
}

#define MUTATION(Method, decision, data)                                                           \
    (&(struct mutation_request){.method = Method,                                                  \
                                .namespace = request->namespace_,                                  \
                                .name = request->name,                                             \
                                .resource_version = request->resource_version,                     \
                                .request_id = request->request_id,                                 \
                                .decide = decision,                                                \
                                .arguments = data})

HANDLER(scale, ScaleModuleDeployment)
{
    mutate(api_of(service), MUTATION("Scale", decide_scale, &request->replicas),
           REPLY(scale_module_deployment));
}

/* The arguments live in the request, which lives as long as the call. */
static cJSON *decide_confirm_request(const cJSON *object, const void *arguments, struct err **err)
{
    const Koupleless__Controller__V1__ConfirmBatchRequest *request = arguments;
    struct confirm_arguments confirm = {request->batch, request->revision};
    return decide_confirm(object, &confirm, err);
}

HANDLER(confirm, ConfirmBatch)
{
    mutate(api_of(service), MUTATION("Confirm", decide_confirm_request, request),
           REPLY(confirm_batch));
}

HANDLER(pause_, PauseRelease)
{
    mutate(api_of(service), MUTATION("Pause", decide_pause, NULL), REPLY(pause_release));
}

HANDLER(resume, ResumeRelease)
{
    mutate(api_of(service), MUTATION("Resume", decide_resume, NULL), REPLY(resume_release));
}

HANDLER(abort_, AbortRelease)
{
    mutate(api_of(service), MUTATION("Abort", decide_abort, NULL), REPLY(abort_release));
}

HANDLER(restart, RestartModules)
{
    struct api *api = api_of(service);
    struct mutation_request *restart =
        MUTATION("Restart", decide_restart, cJSON_CreateNumber((double)clock_wall_ms(api->clock)));
    restart->free_arguments = true;
    mutate(api, restart, REPLY(restart_modules));
}

HANDLER(undo, UndoRelease)
{
    undo_release(api_of(service), request, REPLY(undo_release));
}

HANDLER(revisions, ListRevisions)
{
    list_revisions(api_of(service), request, REPLY(list_revisions));
}

HANDLER(preview, PlanRelease)
{
    preview_release(api_of(service), request, REPLY(plan_release));
}

void release_service_init(struct api *api)
{
    struct release_service *release = &api->release;
    release->api = api;
    koupleless__controller__v1__release_service__init(&release->service, NULL);
    release->service.apply_module_deployment = apply;
    release->service.get_module_deployment = get;
    release->service.list_module_deployments = list;
    release->service.watch_module_deployments = watch;
    release->service.delete_module_deployment = delete_;
    release->service.scale_module_deployment = scale;
    release->service.confirm_batch = confirm;
    release->service.pause_release = pause_;
    release->service.resume_release = resume;
    release->service.abort_release = abort_;
    release->service.undo_release = undo;
    release->service.list_revisions = revisions;
    release->service.restart_modules = restart;
    release->service.plan_release = preview;
}
