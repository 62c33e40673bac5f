/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/documents.h"

#include "lib/model/labels.h"
#include "services/controller/controller_test_kit.h"
#include "services/controller/store/merge_patch.h"

/* Each document is read back by the model, each patch is merged into what it is for and read back. */

#define ODD_VERSION "1.0+build/7" /* no label value */

static cJSON *tree_of(const char *text)
{
    AUTO_ERR struct err *err = NULL;
    cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, &err);
    if (!json)
        fail_msg("%s: %s", err->message, text);
    return json;
}

static struct module_deployment *deployment(void)
{
    AUTO_FREE char *text = mem_printf(
        "{\"metadata\":{\"name\":\"md\",\"namespace\":\"shop\",\"uid\":\"u-md\","
        "\"resourceVersion\":\"5\",\"finalizers\":[\"example.com/other\"]},\"spec\":{"
        "\"baseDeploymentName\":\"stock\",\"replicas\":3,\"confirmBatchNum\":2,\"template\":{"
        "\"metadata\":{\"annotations\":{\"a\":\"b\",\"" ANNOTATION_RESTARTED_AT "\":\"noon\"}},"
        "\"spec\":{\"module\":{\"name\":\"provider\",\"version\":\"" ODD_VERSION "\","
        "\"url\":\"https://jars/p.jar?a=1&b=\\\"2\\\"\",\"md5\":\"%032d\",\"sha256\":\"%064d\","
        "\"type\":\"jar\"},\"baseSelector\":{\"zone\":\"eu\"}}}},\"status\":{"
        "\"observedGeneration\":1,\"replicas\":3,\"releaseStatus\":{\"progress\":\"Executing\","
        "\"message\":\"old\"}}}",
        1, 2);
    AUTO_JSON cJSON *json = tree_of(text);
    AUTO_ERR struct err *err = NULL;
    struct module_deployment *md = module_deployment_read(json, JSON_UNKNOWN_REFUSE, &err);
    if (!md)
        fail_msg("%s", err->message);
    return md;
}

static void read_replicaset(char *text_taken, struct module_replicaset **ret)
{
    AUTO_FREE char *text = text_taken;
    AUTO_JSON cJSON *json = tree_of(text);
    *ret = module_replicaset_read(json, NULL);
    assert_non_null(*ret);
}

static struct module *read_module(char *text_taken)
{
    AUTO_FREE char *text = text_taken;
    AUTO_JSON cJSON *json = tree_of(text);
    struct module *module = module_read(json, NULL);
    assert_non_null(module);
    return module;
}

/* @json_taken with a patch merged into it, as a store does: metadata and spec, or the status. */
static cJSON *merged(cJSON *json_taken, char *patch_taken, const char *const *members)
{
    AUTO_FREE char *text = patch_taken;
    AUTO_JSON cJSON *patch = tree_of(text);
    const cJSON *member;
    cJSON_ArrayForEach(member, patch)
    {
        bool allowed = false;
        for (size_t i = 0; members[i]; i++)
            allowed |= str_eq(members[i], member->string);
        if (!allowed)
            fail_msg("touches %s: %s", member->string, text);
        merge_patch_member(json_taken, member->string, member);
    }
    return json_taken;
}

static const char *const main_part[] = {"metadata", "spec", NULL};
static const char *const status_part[] = {"status", NULL};

static void assert_same_module(const struct module_spec *a, const struct module_spec *b)
{
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->version, b->version);
    assert_string_equal(a->url, b->url);
    assert_string_equal(a->md5, b->md5);
    assert_string_equal(a->sha256, b->sha256);
    assert_string_equal(a->type, b->type);
}

static void assert_label(const struct object_meta *meta, const char *name, const char *value)
{
    const char *label = json_map_get(&meta->labels, name);
    assert_non_null(label);
    assert_true(label_value_is_valid(label));
    if (label_value_is_valid(value)) {
        assert_string_equal(label, value);
        assert_null(json_map_get(&meta->annotations, name));
    } else {
        AUTO_FREE char *encoded = label_value(value);
        assert_string_equal(label, encoded);
        assert_string_equal(json_map_get(&meta->annotations, name), value); /* the true one */
    }
}

static void assert_owner(const struct object_meta *meta, const char *kind, const char *name,
                         const char *uid)
{
    const struct owner_reference *owner = meta_owner(meta);
    assert_int_equal(meta->owners.len, 1);
    assert_non_null(owner);
    assert_string_equal(owner->kind, kind);
    assert_string_equal(owner->name, name);
    assert_string_equal(owner->uid, uid);
    assert_string_equal(owner->api_version, API_VERSION);
}

/* -- new objects -- */

static struct module_replicaset *replicaset(const struct module_deployment *md)
{
    struct module_replicaset *rs;
    read_replicaset(document_replicaset(md, &md->spec.template, "md-abc", 4), &rs);
    return rs;
}

static void test_a_replicaset(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    struct module_replicaset *rs = replicaset(md);
    assert_string_equal(rs->meta.name, "md-abc");
    assert_string_equal(rs->meta.namespace, "shop");
    assert_owner(&rs->meta, "ModuleDeployment", "md", "u-md");
    assert_label(&rs->meta, LABEL_MODULE_NAME, "provider");
    assert_label(&rs->meta, LABEL_MODULE_VERSION, ODD_VERSION);
    assert_label(&rs->meta, LABEL_MODULE_DEPLOYMENT, "md");
    assert_label(&rs->meta, LABEL_DEPLOYMENT_NAME, "stock");
    assert_int_equal(revision_number(rs), 4);
    assert_string_equal(rs->spec.base_deployment_name, "stock");
    assert_int_equal(rs->spec.replicas, 0); /* a number is set by a plan */
    assert_same_module(&rs->spec.template.module, &md->spec.template.module);
    assert_int_equal(rs->spec.template.base_selector.len, 1);
    assert_string_equal(json_map_get(&rs->spec.template.base_selector, "zone"), "eu");
    assert_string_equal(template_restart(&rs->spec.template), "noon");
    AUTO_FREE char *wanted = template_hash(&md->spec.template, NULL);
    AUTO_FREE char *stored = template_hash(&rs->spec.template, NULL);
    assert_string_equal(stored, wanted); /* or it would not be found again */
    module_replicaset_free(rs);
    module_deployment_free(md);
}

static struct base *a_base(void)
{
    AUTO_JSON cJSON *json =
        tree_of("{\"metadata\":{\"name\":\"pod-1\",\"namespace\":\"shop\",\"uid\":\"u-1\"},"
                "\"spec\":{\"deployment\":\"stock\",\"ip\":\"fd00::1\",\"agentAddress\":\"a:1\"}}");
    return base_read(json, NULL);
}

static void test_a_module(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    struct module_replicaset *rs = replicaset(md);
    mem_replace(&rs->meta.uid, "u-rs");
    struct base *base = a_base();
    char replaces[] = "md-old-x", uid[] = "u-old", why[] = "NoCapacity";
    struct action action = {.type = ACTION_CREATE_MODULE,
                            .replaces = replaces,
                            .replaces_uid = uid,
                            .way = WAY_SIDE_BY_SIDE,
                            .reason = why};
    struct module *module =
        read_module(document_module(rs, base, /* base_is_pod= */ false, &action));

    AUTO_FREE char *name = module_instance_name("md-abc", "u-1");
    assert_string_equal(module->meta.name, name);
    assert_string_equal(module->meta.namespace, "shop");
    assert_owner(&module->meta, "ModuleReplicaSet", "md-abc", "u-rs");
    assert_int_equal(module->meta.finalizers.len, 1);
    assert_true(meta_has_finalizer(&module->meta, FINALIZER_MODULE));
    assert_label(&module->meta, LABEL_MODULE_NAME, "provider");
    assert_label(&module->meta, LABEL_MODULE_VERSION, ODD_VERSION);
    assert_label(&module->meta, LABEL_MODULE_DEPLOYMENT, "md");
    assert_label(&module->meta, LABEL_MODULE_REPLICASET, "md-abc");
    assert_label(&module->meta, LABEL_DEPLOYMENT_NAME, "stock");
    assert_label(&module->meta, LABEL_BASE_INSTANCE_IP, "fd00::1"); /* no label value either */
    assert_label(&module->meta, LABEL_BASE_INSTANCE_NAME, "pod-1");
    assert_same_module(&module->spec.module, &md->spec.template.module);
    assert_string_equal(module->spec.base_name, "pod-1");
    assert_string_equal(module->spec.base_uid, "u-1");
    assert_string_equal(module->spec.replaces, "md-old-x");
    assert_string_equal(json_map_get(&module->meta.annotations, ANNOTATION_REPLACES_UID), "u-old");
    assert_int_equal(module->spec.upgrade_way, WAY_SIDE_BY_SIDE);
    assert_string_equal(module->spec.upgrade_way_reason, "NoCapacity");
    assert_int_equal(module->status.phase, MODULE_PENDING);
    module_free(module);
    base_free(base);
    module_replicaset_free(rs);
    module_deployment_free(md);
}

/* In a cluster nothing is left of a Pod's Modules when it and the revision are gone. */
static void test_a_module_on_a_pod(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    struct module_replicaset *rs = replicaset(md);
    struct base *base = a_base();
    struct action action = {.type = ACTION_CREATE_MODULE};
    struct module *module =
        read_module(document_module(rs, base, /* base_is_pod= */ true, &action));
    assert_int_equal(module->meta.owners.len, 2);
    assert_string_equal(meta_owner(&module->meta)->kind, "ModuleReplicaSet");
    const struct owner_reference *pod = &((struct owner_reference *)module->meta.owners.items)[1];
    assert_string_equal(pod->api_version, "v1");
    assert_string_equal(pod->kind, "Pod");
    assert_string_equal(pod->name, "pod-1");
    assert_string_equal(pod->uid, "u-1");
    assert_false(pod->controller);
    module_free(module);
    base_free(base);
    module_replicaset_free(rs);
    module_deployment_free(md);
}

static void test_a_first_module_replaces_nothing(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    struct module_replicaset *rs = replicaset(md);
    struct base *base = a_base();
    mem_replace(&base->spec.ip, NULL);
    char none[] = "";
    struct action action = {.type = ACTION_CREATE_MODULE, .reason = none};
    struct module *module =
        read_module(document_module(rs, base, /* base_is_pod= */ false, &action));
    assert_null(module->spec.replaces);
    assert_int_equal(module->spec.upgrade_way, WAY_NONE);
    assert_null(module->spec.upgrade_way_reason);
    module_free(module);
    base_free(base);
    module_replicaset_free(rs);
    module_deployment_free(md);
}

static struct service *read_service(const cJSON *json)
{
    struct service *service = service_read(json, NULL);
    assert_non_null(service);
    return service;
}

/* 7.1 */
static void test_a_service(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    md->spec.strategy.service = (struct service_strategy){true, 80, 8080};
    AUTO_FREE char *text = document_service(md, &md->spec.template);
    AUTO_JSON cJSON *json = tree_of(text);
    assert_string_equal(json_get_string(json, "apiVersion"), "v1");
    assert_true(cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(
        cJSON_GetArrayItem(json_get(json, "spec.ports"), 0), "targetPort")));
    struct service *service = read_service(json);
    assert_string_equal(service->meta.name, "provider-service");
    assert_string_equal(service->meta.namespace, "shop");
    assert_string_equal(meta_owner(&service->meta)->uid, "u-md");
    service_free(service);
    module_deployment_free(md);
}

static void test_a_service_keeps_what_the_server_gave(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    md->spec.strategy.service = (struct service_strategy){true, 81, 8081};
    AUTO_JSON cJSON *before = tree_of(
        "{\"metadata\":{\"name\":\"provider-service\",\"labels\":{\"team\":\"x\"}},\"spec\":{"
        "\"type\":"
        "\"ClusterIP\",\"clusterIP\":\"10.0.0.1\",\"selector\":{\"zone\":\"x\"},\"ports\":[{"
        "\"name\":"
        "\"other\",\"port\":1,\"nodePort\":30001},{\"name\":\"http\",\"port\":80,\"targetPort\":"
        "\"web\",\"nodePort\":30080}]}}");
    struct service *present = read_service(before);
    AUTO_JSON cJSON *after = merged(cJSON_Duplicate(before, /* recurse= */ true),
                                    patch_service(md, &md->spec.template, present), main_part);
    struct service *service = read_service(after);
    const struct service_port *port = service->spec.ports.items;
    assert_int_equal(service->spec.ports.len, 1);
    assert_int_equal(port->port, 81);
    assert_string_equal(port->target_port, "8081");
    assert_int_equal(port->node_port, 30080);
    assert_string_equal(service->spec.type, "NodePort");
    assert_int_equal(service->spec.selector.len, 1);
    assert_string_equal(json_get_string(after, "spec.clusterIP"), "10.0.0.1");
    assert_string_equal(json_map_get(&service->meta.labels, "team"), "x");
    assert_string_equal(json_map_get(&service->meta.labels, LABEL_MODULE_DEPLOYMENT), "md");
    service_free(service);
    service_free(present);
    module_deployment_free(md);
}

static void test_labels(void **state)
{
    (void)state;
    char uid[] = "u-a";
    const struct object_meta meta = {.uid = uid};
    struct json_map changes = {0};
    json_map_set(&changes, LABEL_TRAFFIC_PREFIX "pay", "true");
    json_map_set(&changes, LABEL_TRAFFIC_PREFIX "order", "");
    AUTO_FREE char *text = patch_labels(&meta, &changes);
    assert_string_equal(text, "{\"metadata\":{\"uid\":\"u-a\",\"labels\":{\"" LABEL_TRAFFIC_PREFIX
                              "pay\":\"true\",\"" LABEL_TRAFFIC_PREFIX "order\":null}}}");
    json_map_done(&changes);
}

static void test_an_event(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    char reason[] = "BatchStarted", message[] = "batch 1: \"3\"\ninstances";
    for (int warning = 0; warning < 2; warning++) {
        struct action action = {
            .type = ACTION_EVENT, .number = warning, .reason = reason, .message = message};
        AUTO_FREE char *text =
            document_event("md.1f2", "ModuleDeployment", &md->meta, &action, 3, KIT_WALL_MS);
        AUTO_JSON cJSON *json = tree_of(text);
        struct event_record *event = event_record_read(json, NULL);
        assert_non_null(event);
        assert_string_equal(event->meta.name, "md.1f2");
        assert_string_equal(event->meta.namespace, "shop");
        assert_string_equal(event->involved_kind, "ModuleDeployment");
        assert_string_equal(event->involved_name, "md");
        assert_string_equal(event->involved_uid, "u-md");
        assert_string_equal(event->type, warning ? "Warning" : "Normal");
        assert_string_equal(event->reason, reason);
        assert_string_equal(event->message, message);
        assert_int_equal(event->count, 3);
        assert_int_equal(event->first_ms, KIT_WALL_MS);
        assert_int_equal(event->last_ms, KIT_WALL_MS);
        event_record_free(event);
    }
    module_deployment_free(md);
}

static void test_an_event_is_counted(void **state)
{
    (void)state;
    AUTO_FREE char *text = patch_event(7, KIT_WALL_MS);
    AUTO_JSON cJSON *json = tree_of(text);
    char last[TIME_TEXT_SIZE];
    assert_int_equal(json_get(json, "count")->valueint, 7);
    assert_string_equal(json_get_string(json, "lastTimestamp"), time_format(KIT_WALL_MS, last));
}

/* -- patches -- */

static void test_patches_of_a_replicaset(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    struct module_replicaset *rs = replicaset(md), *changed;
    mem_replace(&md->spec.template.module.url, "file:///new \"jar\"");
    cJSON *json = module_replicaset_write(rs);
    merged(json, patch_replicas(7), main_part);
    merged(json, patch_renewal(&md->spec.template, 12), main_part);
    merged(json, patch_annotation(ANNOTATION_WEB_PATH_IN_USE, "true \\ \"yes\""), main_part);
    read_replicaset(json_text(json), &changed);
    assert_int_equal(changed->spec.replicas, 7);
    assert_int_equal(revision_number(changed), 12);
    assert_string_equal(json_map_get(&changed->meta.annotations, ANNOTATION_WEB_PATH_IN_USE),
                        "true \\ \"yes\"");
    assert_same_module(&changed->spec.template.module, &md->spec.template.module);
    assert_label(&changed->meta, LABEL_MODULE_VERSION, ODD_VERSION); /* stays */
    module_replicaset_free(changed);

    merged(json, patch_annotation(ANNOTATION_WEB_PATH_IN_USE, NULL), main_part);
    read_replicaset(json_text(json), &changed);
    assert_null(json_map_get(&changed->meta.annotations, ANNOTATION_WEB_PATH_IN_USE));
    module_replicaset_free(changed);
    json_free(json);
    module_replicaset_free(rs);
    module_deployment_free(md);
}

static struct module_deployment *patched(const struct module_deployment *md, char *patch_taken)
{
    AUTO_JSON cJSON *json = merged(module_deployment_write(md), patch_taken, main_part);
    object_strip(json);
    struct module_deployment *changed = module_deployment_read(json, JSON_UNKNOWN_REFUSE, NULL);
    assert_non_null(changed);
    return changed;
}

static void test_a_pause_takes_an_early_confirmation_away(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    struct module_deployment *paused = patched(md, patch_pause(md, true));
    struct module_deployment *running = patched(md, patch_pause(md, false));
    assert_true(paused->spec.pause);
    assert_int_equal(paused->spec.confirm_batch_num, 0);
    assert_false(running->spec.pause);
    assert_int_equal(running->spec.confirm_batch_num, 2);
    assert_int_equal(paused->spec.replicas, 3);
    module_deployment_free(paused);
    module_deployment_free(running);

    md->spec.confirm_batch_num = 0; /* nothing to take away: nothing is said of it */
    AUTO_FREE char *text = patch_pause(md, true);
    assert_string_equal(text, "{\"spec\":{\"pause\":true}}");
    module_deployment_free(md);
}

static void test_a_scale_sets_both_numbers(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    struct module_deployment *scaled = patched(md, patch_scale(0));
    assert_int_equal(scaled->spec.replicas, 0);
    assert_true(scaled->spec.replicas_set && scaled->spec.scale_replicas_set);
    assert_int_equal(scaled->spec.scale_replicas, 0);
    struct module_deployment *symmetric = patched(scaled, patch_scale(REPLICAS_SYMMETRIC));
    assert_int_equal(symmetric->spec.replicas, REPLICAS_SYMMETRIC);
    assert_false(symmetric->spec.scale_replicas_set);
    module_deployment_free(symmetric);
    module_deployment_free(scaled);
    module_deployment_free(md);
}

static void test_finalizers_of_others_stay(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    struct module_deployment *with =
        patched(md, patch_finalizers(&md->meta, FINALIZER_DEPLOYMENT, NULL));
    assert_int_equal(with->meta.finalizers.len, 2);
    assert_true(meta_has_finalizer(&with->meta, FINALIZER_DEPLOYMENT));
    assert_true(meta_has_finalizer(&with->meta, "example.com/other"));
    struct module_deployment *without =
        patched(with, patch_finalizers(&with->meta, NULL, FINALIZER_DEPLOYMENT));
    assert_int_equal(without->meta.finalizers.len, 1);
    assert_true(meta_has_finalizer(&without->meta, "example.com/other"));
    module_deployment_free(without);
    module_deployment_free(with);
    module_deployment_free(md);
}

static void test_a_claim_brings_finalizer_and_scale(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    struct module_deployment *claimed = patched(md, patch_claim(md));
    assert_int_equal(claimed->meta.finalizers.len, 2);
    assert_true(meta_has_finalizer(&claimed->meta, FINALIZER_DEPLOYMENT));
    assert_true(claimed->spec.scale_replicas_set);
    assert_int_equal(claimed->spec.scale_replicas, md->spec.replicas);

    md->spec.replicas = REPLICAS_SYMMETRIC; /* the subresource refuses it */
    struct module_deployment *symmetric = patched(md, patch_claim(md));
    assert_false(symmetric->spec.scale_replicas_set);
    assert_true(meta_has_finalizer(&symmetric->meta, FINALIZER_DEPLOYMENT));

    claimed->spec.replicas = 9; /* kubectl scale came first: that is looked at later */
    AUTO_FREE char *text = patch_claim(claimed);
    assert_null(strstr(text, "spec"));
    module_deployment_free(symmetric);
    module_deployment_free(claimed);
    module_deployment_free(md);
}

static struct module *a_module(void)
{
    return read_module(kit_module("m", 1, "rs", "a", "",
                                  ",\"replaces\":\"o\",\"upgradeWay\":\"SideBySide\"", "Failed"));
}

static void test_a_way(void **state)
{
    (void)state;
    struct module *module = a_module();
    AUTO_JSON cJSON *json =
        merged(module_write(module), patch_way(WAY_IN_PLACE, "WebPathInUse,NoCapacity"), main_part);
    struct module *changed = read_module(json_text(json));
    assert_int_equal(changed->spec.upgrade_way, WAY_IN_PLACE);
    assert_string_equal(changed->spec.upgrade_way_reason, "WebPathInUse,NoCapacity");
    assert_string_equal(changed->spec.replaces, "o");
    module_free(changed);
    module_free(module);
}

static void test_the_status_of_a_module(void **state)
{
    (void)state;
    struct module *module = a_module();
    char message[] = "a \"quoted\" path", digest[] = "d1", name[] = "Available";
    struct module_instance_status status = {.phase_name = name,
                                            .phase = MODULE_AVAILABLE,
                                            .message = message,
                                            .last_transition_ms = KIT_WALL_MS,
                                            .install_duration_ms = 1500,
                                            .digest = digest};
    module->status.attempts = 3; /* goes */
    AUTO_JSON cJSON *json =
        merged(module_write(module), patch_module_status(module, &status), status_part);
    struct module *changed = read_module(json_text(json));
    assert_int_equal(changed->status.phase, MODULE_AVAILABLE);
    assert_string_equal(changed->status.message, message);
    assert_int_equal(changed->status.last_transition_ms, KIT_WALL_MS);
    assert_int_equal(changed->status.install_duration_ms, 1500);
    assert_int_equal(changed->status.attempts, 0);
    assert_string_equal(changed->status.digest, digest);

    AUTO_FREE char *nothing = patch_module_status(changed, &status);
    assert_string_equal(nothing, "{\"status\":{}}"); /* what would change nothing is not written */
    module_free(changed);
    module_free(module);
}

static void test_the_status_of_a_deployment(void **state)
{
    (void)state;
    struct module_deployment *md = deployment();
    struct module_deployment_status *status = module_deployment_status_copy(&md->status);
    status->observed_generation = 2;
    status->replicas = 0; /* goes */
    status->release.progress = PROGRESS_PAUSED;
    mem_replace(&status->release.reason, REASON_WAITING_FOR_CONFIRMATION);
    mem_replace(&status->release.message, NULL); /* goes */
    status->release.current_batch = 2;
    AUTO_JSON cJSON *json =
        merged(module_deployment_write(md), patch_deployment_status(md, status), status_part);
    object_strip(json);
    struct module_deployment *changed = module_deployment_read(json, JSON_UNKNOWN_REFUSE, NULL);
    assert_non_null(changed);
    assert_int_equal(changed->status.observed_generation, 2);
    assert_int_equal(changed->status.replicas, 0);
    assert_int_equal(changed->status.release.progress, PROGRESS_PAUSED);
    assert_string_equal(changed->status.release.reason, REASON_WAITING_FOR_CONFIRMATION);
    assert_null(changed->status.release.message);
    assert_int_equal(changed->status.release.current_batch, 2);
    AUTO_FREE char *nothing = patch_deployment_status(changed, &changed->status);
    assert_string_equal(nothing, "{\"status\":{}}");
    module_deployment_free(changed);
    module_deployment_status_free(status);
    module_deployment_free(md);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_replicaset),
        cmocka_unit_test(test_a_module),
        cmocka_unit_test(test_a_module_on_a_pod),
        cmocka_unit_test(test_a_first_module_replaces_nothing),
        cmocka_unit_test(test_a_service),
        cmocka_unit_test(test_a_service_keeps_what_the_server_gave),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_an_event),
        cmocka_unit_test(test_an_event_is_counted),
        cmocka_unit_test(test_patches_of_a_replicaset),
        cmocka_unit_test(test_a_pause_takes_an_early_confirmation_away),
        cmocka_unit_test(test_a_scale_sets_both_numbers),
        cmocka_unit_test(test_finalizers_of_others_stay),
        cmocka_unit_test(test_a_claim_brings_finalizer_and_scale),
        cmocka_unit_test(test_a_way),
        cmocka_unit_test(test_the_status_of_a_module),
        cmocka_unit_test(test_the_status_of_a_deployment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
