/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that change something. */
#include "services/controller/api/api_test_kit.h"
#include "lib/model/labels.h"

#define MD "moduleDeployment."

/* -- apply -- */

static void test_apply_creates_configures_or_leaves(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome created = apply(kit, "md", "", ",\"replicas\":2", "");
    assert_string_equal(text_at(&created, "result"), "APPLY_RESULT_CREATED");
    assert_string_equal(text_at(&created, MD "metadata.namespace"), "default");
    assert_int_equal(number_at(&created, MD "spec.replicas"), 2);
    assert_non_null(text_at(&created, MD "metadata.uid"));

    AUTO_OUTCOME struct outcome same = apply(kit, "md", "", ",\"replicas\":2", "");
    assert_string_equal(text_at(&same, "result"), "APPLY_RESULT_UNCHANGED");
    assert_string_equal(text_at(&same, MD "metadata.resourceVersion"),
                        text_at(&created, MD "metadata.resourceVersion"));

    AUTO_OUTCOME struct outcome changed = apply(kit, "md", "", ",\"replicas\":3", "");
    assert_string_equal(text_at(&changed, "result"), "APPLY_RESULT_CONFIGURED");
    assert_int_equal(number_at(&changed, MD "spec.replicas"), 3);
    assert_int_equal(number_at(&changed, MD "metadata.generation"), 2);
    assert_string_equal(text_at(&changed, MD "metadata.uid"), text_at(&created, MD "metadata.uid"));
}

static void test_apply_keeps_what_others_set(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome made =
        apply(kit, "md", "", ",\"replicas\":2,\"operationStrategy\":{\"batchCount\":4}", "");
    assert_int_equal(number_at(&made, MD "spec.operationStrategy.batchCount"), 4);
    patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_MAIN,
          "{\"spec\":{\"replicas\":7,\"scaleReplicas\":7,\"pause\":true,\"confirmBatchNum\":3}}");

    AUTO_OUTCOME struct outcome kept = apply(kit, "md", "", "", "");
    assert_int_equal(number_at(&kept, MD "spec.replicas"), 7);
    assert_int_equal(number_at(&kept, MD "spec.scaleReplicas"), 7);
    assert_true(true_at(&kept, MD "spec.pause"));
    assert_int_equal(number_at(&kept, MD "spec.confirmBatchNum"), 3);
    /* Another field that is not given has its default again. */
    assert_true(number_at(&kept, MD "spec.operationStrategy.batchCount") <= 1);

    AUTO_OUTCOME struct outcome given =
        apply(kit, "md", "", ",\"replicas\":0,\"pause\":false,\"confirmBatchNum\":1", "");
    assert_int_equal(number_at(&given, MD "spec.replicas"), 0);
    assert_false(true_at(&given, MD "spec.pause"));
    assert_int_equal(number_at(&given, MD "spec.confirmBatchNum"), 1);
}

static void test_apply_leaves_the_status_alone(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    assert_ok(&made);
    patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_STATUS, "{\"status\":{\"readyReplicas\":4}}");
    AUTO_OUTCOME struct outcome changed = apply(kit, "md", "", ",\"replicas\":9", "");
    assert_int_equal(number_at(&changed, MD "status.readyReplicas"), 4);
}

static void test_apply_sets_labels_and_keeps_others(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome made =
        apply(kit, "md", ",\"labels\":{\"team\":\"a\",\"tier\":\"x\"}", "", "");
    assert_ok(&made);
    AUTO_OUTCOME struct outcome changed = apply(kit, "md", ",\"labels\":{\"team\":\"b\"}", "", "");
    assert_string_equal(text_at(&changed, MD "metadata.labels.team"), "b");
    assert_string_equal(text_at(&changed, MD "metadata.labels.tier"), "x");
    assert_string_equal(text_at(&changed, "result"), "APPLY_RESULT_CONFIGURED");
    AUTO_OUTCOME struct outcome same = apply(kit, "md", "", "", "");
    assert_string_equal(text_at(&same, "result"), "APPLY_RESULT_UNCHANGED");
}

static const char *abort_note(const cJSON *object)
{
    const cJSON *annotations = json_get(object, "metadata.annotations");
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(annotations, ANNOTATION_ABORT));
}

static void test_a_changed_spec_ends_an_abort(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    assert_ok(&made);
    patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_MAIN,
          "{\"metadata\":{\"annotations\":{\"" ANNOTATION_ABORT "\":\"md-abc\"}}}");
    AUTO_OUTCOME struct outcome same = apply(kit, "md", "", "", "");
    assert_string_equal(abort_note(json_get(same.json, "moduleDeployment")), "md-abc");
    AUTO_OUTCOME struct outcome changed = apply(kit, "md", "", ",\"replicas\":5", "");
    assert_null(abort_note(json_get(changed.json, "moduleDeployment")));
}

static void test_apply_refuses(void **state)
{
    struct kit *kit = *state;
    static const struct {
        const char *metadata, *spec, *field;
    } cases[] = {
        {"", ",\"replicas\":-2", "spec.replicas"},
        {"", ",\"operationStrategy\":{\"batchCount\":-1}", "spec.operationStrategy.batchCount"},
        {",\"labels\":{\"a b\":\"c\"}", "", "metadata.labels"},
        {",\"namespace\":\"No_Name\"", "", "metadata.namespace"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_OUTCOME struct outcome refused =
            apply(kit, "md", cases[i].metadata, cases[i].spec, "");
        assert_refused(&refused, ERR_INVALID, cases[i].field);
    }
    AUTO_OUTCOME struct outcome nothing = release(kit, "ApplyModuleDeployment", "{}");
    assert_refused(&nothing, ERR_INVALID, "metadata.name");
    AUTO_OUTCOME struct outcome nameless = apply(kit, "", "", "", "");
    assert_refused(&nameless, ERR_INVALID, "metadata.name");
    AUTO_OUTCOME struct outcome no_spec = release(
        kit, "ApplyModuleDeployment", "{\"moduleDeployment\":{\"metadata\":{\"name\":\"md\"}}}");
    assert_refused(&no_spec, ERR_INVALID, "spec");
    AUTO_OUTCOME struct outcome none = release(kit, "GetModuleDeployment", "{\"name\":\"md\"}");
    assert_refused(&none, ERR_NOT_FOUND, NULL);
}

/* -- versions -- */

static void test_a_stale_version_is_refused(void **state)
{
    struct kit *kit = *state;
    static const struct {
        const char *method, *more;
    } methods[] = {{"ScaleModuleDeployment", ",\"replicas\":3"},
                   {"PauseRelease", ""},
                   {"ResumeRelease", ""},
                   {"RestartModules", ""},
                   {"DeleteModuleDeployment", ""}};
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    AUTO_FREE char *stale = mem_strdup(text_at(&made, MD "metadata.resourceVersion"));
    AUTO_OUTCOME struct outcome scaled =
        release(kit, "ScaleModuleDeployment", "{\"name\":\"md\",\"replicas\":8}");
    AUTO_FREE char *fresh = mem_strdup(text_at(&scaled, MD "metadata.resourceVersion"));
    assert_string_not_equal(fresh, stale);

    AUTO_FREE char *with_version = mem_printf(",\"resourceVersion\":\"%s\"", stale);
    AUTO_OUTCOME struct outcome applied = apply(kit, "md", with_version, ",\"replicas\":1", "");
    assert_refused(&applied, ERR_CONFLICT, NULL);
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        AUTO_FREE char *request =
            mem_printf("{\"name\":\"md\",\"resourceVersion\":\"%s\"%s}", stale, methods[i].more);
        AUTO_OUTCOME struct outcome refused = release(kit, methods[i].method, request);
        assert_refused(&refused, ERR_CONFLICT, NULL);
    }
    AUTO_ANSWER struct answer now = stored(kit, KIND_MODULE_DEPLOYMENT, "md");
    assert_string_equal(now.resource_version, fresh);

    AUTO_FREE char *request =
        mem_printf("{\"name\":\"md\",\"replicas\":3,\"resourceVersion\":\"%s\"}", fresh);
    AUTO_OUTCOME struct outcome taken = release(kit, "ScaleModuleDeployment", request);
    assert_int_equal(number_at(&taken, MD "spec.replicas"), 3);
}

static void test_a_version_of_what_is_gone_is_stale(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome refused = apply(kit, "gone", ",\"resourceVersion\":\"5\"", "", "");
    assert_refused(&refused, ERR_CONFLICT, NULL);
}

/* -- request ids -- */

static void test_a_repeated_request_returns_the_first_result(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome first =
        apply(kit, "md", "", ",\"replicas\":2", ",\"requestId\":\"r1\"");
    AUTO_OUTCOME struct outcome again =
        apply(kit, "md", "", ",\"replicas\":9", ",\"requestId\":\"r1\"");
    assert_string_equal(text_at(&again, "result"), "APPLY_RESULT_CREATED");
    assert_true(cJSON_Compare(again.json, first.json, true));

    AUTO_OUTCOME struct outcome scaled = release(
        kit, "ScaleModuleDeployment", "{\"name\":\"md\",\"replicas\":4,\"requestId\":\"r1\"}");
    assert_int_equal(number_at(&scaled, MD "spec.replicas"), 4); /* another method */
    AUTO_OUTCOME struct outcome rescaled = release(
        kit, "ScaleModuleDeployment", "{\"name\":\"md\",\"replicas\":6,\"requestId\":\"r1\"}");
    assert_int_equal(number_at(&rescaled, MD "spec.replicas"), 4);
    AUTO_OUTCOME struct outcome other = release(
        kit, "ScaleModuleDeployment", "{\"name\":\"md\",\"replicas\":6,\"requestId\":\"r2\"}");
    assert_int_equal(number_at(&other, MD "spec.replicas"), 6);

    AUTO_OUTCOME struct outcome elsewhere =
        apply(kit, "md", ",\"namespace\":\"shop\"", ",\"replicas\":1", ",\"requestId\":\"r1\"");
    assert_string_equal(text_at(&elsewhere, MD "metadata.namespace"), "shop");
}

static void test_a_repeated_delete_returns_the_first_result(void **state)
{
    struct kit *kit = *state;
    const char *request = "{\"name\":\"md\",\"requestId\":\"d\"}";
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    AUTO_OUTCOME struct outcome gone = release(kit, "DeleteModuleDeployment", request);
    AUTO_OUTCOME struct outcome again = release(kit, "DeleteModuleDeployment", request);
    assert_string_equal(text_at(&again, MD "metadata.uid"), text_at(&made, MD "metadata.uid"));
    assert_true(cJSON_Compare(again.json, gone.json, true));
    AUTO_OUTCOME struct outcome other = release(kit, "DeleteModuleDeployment", "{\"name\":\"md\"}");
    assert_refused(&other, ERR_NOT_FOUND, NULL);
}

static void test_a_failure_is_not_remembered(void **state)
{
    struct kit *kit = *state;
    const char *request = "{\"name\":\"md\",\"replicas\":4,\"requestId\":\"r\"}";
    AUTO_OUTCOME struct outcome refused = release(kit, "ScaleModuleDeployment", request);
    assert_refused(&refused, ERR_NOT_FOUND, NULL);
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    AUTO_OUTCOME struct outcome scaled = release(kit, "ScaleModuleDeployment", request);
    assert_int_equal(number_at(&scaled, MD "spec.replicas"), 4);
}

static void test_the_oldest_request_is_forgotten_first(void **state)
{
    struct kit *kit = *state;
    AUTO_JSON cJSON *json = cJSON_CreateObject();
    for (int i = 0; i < LIMIT_REQUEST_IDS + 10; i++) {
        AUTO_FREE char *key = mem_printf("Scale/default/%d", i);
        request_remember(kit->api, key, json);
    }
    assert_int_equal(kit->api->requests.answers.len, LIMIT_REQUEST_IDS);
    assert_null(map_get(&kit->api->requests.answers, "Scale/default/9"));
    assert_non_null(map_get(&kit->api->requests.answers, "Scale/default/10"));
}

/* -- names -- */

static void test_unknown_names(void **state)
{
    struct kit *kit = *state;
    static const char *const methods[] = {
        "GetModuleDeployment", "DeleteModuleDeployment", "ScaleModuleDeployment", "ConfirmBatch",
        "PauseRelease",        "ResumeRelease",          "AbortRelease",          "UndoRelease"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        AUTO_OUTCOME struct outcome unknown = release(kit, methods[i], "{\"name\":\"nobody\"}");
        assert_refused(&unknown, ERR_NOT_FOUND, NULL);
        AUTO_OUTCOME struct outcome nameless = release(kit, methods[i], "{}");
        assert_refused(&nameless, ERR_INVALID, "name");
    }
    AUTO_OUTCOME struct outcome revisions = release(kit, "ListRevisions", "{}");
    assert_refused(&revisions, ERR_INVALID, "name");
}

static void test_namespaces_are_worlds_of_their_own(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome here = apply(kit, "md", "", ",\"replicas\":1", "");
    AUTO_OUTCOME struct outcome there =
        apply(kit, "md", ",\"namespace\":\"shop\"", ",\"replicas\":2", "");
    assert_string_equal(text_at(&there, "result"), "APPLY_RESULT_CREATED");
    AUTO_OUTCOME struct outcome scaled = release(
        kit, "ScaleModuleDeployment", "{\"namespace\":\"shop\",\"name\":\"md\",\"replicas\":5}");
    assert_int_equal(number_at(&scaled, MD "spec.replicas"), 5);
    AUTO_OUTCOME struct outcome named =
        release(kit, "GetModuleDeployment", "{\"namespace\":\"default\",\"name\":\"md\"}");
    assert_int_equal(number_at(&named, MD "spec.replicas"), 1);
    AUTO_OUTCOME struct outcome nowhere =
        release(kit, "GetModuleDeployment", "{\"namespace\":\"*\",\"name\":\"md\"}");
    assert_non_null(nowhere.err); /* all is for lists */
}

/* -- scale -- */

static void test_scale_has_bounds(void **state)
{
    struct kit *kit = *state;
    static const struct {
        int replicas;
        bool taken;
    } cases[] = {{-2, false},
                 {-1, true},
                 {0, true},
                 {1, true},
                 {LIMIT_REPLICAS, true},
                 {LIMIT_REPLICAS + 1, false}};
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", ",\"replicas\":2", "");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *request =
            mem_printf("{\"name\":\"md\",\"replicas\":%d}", cases[i].replicas);
        AUTO_OUTCOME struct outcome outcome = release(kit, "ScaleModuleDeployment", request);
        if (cases[i].taken)
            assert_int_equal(number_at(&outcome, MD "spec.replicas"), cases[i].replicas);
        else
            assert_refused(&outcome, ERR_INVALID, "replicas");
    }
}

/* -- steering -- */

static void set_release(struct kit *kit, const char *progress, const char *reason, int batch)
{
    AUTO_FREE char *text =
        mem_printf("{\"status\":{\"releaseStatus\":{\"progress\":\"%s\",\"reason\":\"%s\","
                   "\"updateRevision\":\"md-new\",\"currentBatch\":%d}}}",
                   progress, reason, batch);
    patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_STATUS, text);
}

static void make_waiting(struct kit *kit)
{
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", ",\"pause\":true", "");
    assert_ok(&made);
    set_release(kit, "Paused", "WaitingForConfirmation", 2);
}

static void test_confirm_is_for_the_batch_that_waits(void **state)
{
    struct kit *kit = *state;
    static const struct {
        const char *request, *reason;
    } refused[] = {
        {"{\"name\":\"md\",\"batch\":1}", "BATCH_MISMATCH"},
        {"{\"name\":\"md\",\"batch\":3}", "BATCH_MISMATCH"},
        {"{\"name\":\"md\",\"batch\":2,\"revision\":\"md-old\"}", "REVISION_MISMATCH"},
    };
    static const char *const taken[] = {"{\"name\":\"md\"}", "{\"name\":\"md\",\"batch\":2}",
                                        "{\"name\":\"md\",\"revision\":\"md-new\"}"};
    make_waiting(kit);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        AUTO_OUTCOME struct outcome outcome = release(kit, "ConfirmBatch", refused[i].request);
        assert_refused(&outcome, ERR_PRECONDITION, refused[i].reason);
    }
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_MAIN, "{\"spec\":{\"pause\":true}}");
        AUTO_OUTCOME struct outcome outcome = release(kit, "ConfirmBatch", taken[i]);
        assert_ok(&outcome);
        assert_false(true_at(&outcome, MD "spec.pause"));
    }
}

static void test_nothing_to_confirm(void **state)
{
    struct kit *kit = *state;
    static const struct {
        const char *progress, *reason;
    } states[] = {{"Executing", ""},
                  {"Paused", "PausedByUser"},
                  {"Paused", "GrayTime"},
                  {"Completed", ""},
                  {"Executing", "WaitingForConfirmation"}};
    make_waiting(kit);
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        set_release(kit, states[i].progress, states[i].reason, 2);
        AUTO_OUTCOME struct outcome outcome =
            release(kit, "ConfirmBatch", "{\"name\":\"md\",\"batch\":2}");
        assert_refused(&outcome, ERR_PRECONDITION, "BATCH_NOT_WAITING");
    }
}

static void test_pause_and_resume(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    AUTO_OUTCOME struct outcome paused = release(kit, "PauseRelease", "{\"name\":\"md\"}");
    assert_true(true_at(&paused, MD "spec.pause"));
    set_release(kit, "Paused", "PausedByUser", 1);
    AUTO_OUTCOME struct outcome resumed = release(kit, "ResumeRelease", "{\"name\":\"md\"}");
    assert_ok(&resumed);
    assert_false(true_at(&resumed, MD "spec.pause"));
}

/* What the controller has given up by itself is named to it. */
static void test_resume_of_what_was_given_up(void **state)
{
    struct kit *kit = *state;
    static const struct {
        const char *release, *resumed;
        bool paused;
    } rows[] = {
        {"\"progress\":\"Aborted\",\"reason\":\"ProgressDeadlineExceeded\","
         "\"updateRevision\":\"md-b\"",
         "md-b", false},
        {"\"progress\":\"Aborted\",\"reason\":\"ProgressDeadlineExceeded\","
         "\"updateRevision\":\"md-a\",\"failedRevision\":\"md-b\"",
         "md-a", false},
        {"\"progress\":\"Aborted\",\"reason\":\"AbortedByUser\",\"updateRevision\":\"md-b\"", NULL,
         false},
        {"\"progress\":\"Completed\",\"reason\":\"RolledBack\",\"updateRevision\":\"md-a\","
         "\"failedRevision\":\"md-b\"",
         "md-b", false},
        {"\"progress\":\"Paused\",\"reason\":\"PausedByUser\",\"updateRevision\":\"md-a\","
         "\"failedRevision\":\"md-b\"",
         NULL, true}, /* the way back goes on */
        {"\"progress\":\"Completed\",\"updateRevision\":\"md-b\"", NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *name = mem_printf("md%zu", i);
        AUTO_FREE char *request = mem_printf("{\"name\":\"%s\"}", name);
        AUTO_FREE char *status =
            mem_printf("{\"status\":{\"releaseStatus\":{%s}}}", rows[i].release);
        AUTO_OUTCOME struct outcome made = apply(kit, name, "", "", "");
        patch(kit, KIND_MODULE_DEPLOYMENT, name, STORE_STATUS, status);
        patch(kit, KIND_MODULE_DEPLOYMENT, name, STORE_MAIN,
              rows[i].paused ? "{\"spec\":{\"pause\":true}}" : "{}");
        AUTO_OUTCOME struct outcome resumed = release(kit, "ResumeRelease", request);
        assert_ok(&resumed);
        const cJSON *annotations = json_get(resumed.json, MD "metadata.annotations");
        const cJSON *asked = cJSON_GetObjectItemCaseSensitive(annotations, ANNOTATION_RESUME);
        assert_true(str_eq(cJSON_GetStringValue(asked), rows[i].resumed));
    }
}

static void test_what_waits_for_a_person_is_not_resumed(void **state)
{
    struct kit *kit = *state;
    make_waiting(kit);
    AUTO_OUTCOME struct outcome refused = release(kit, "ResumeRelease", "{\"name\":\"md\"}");
    assert_refused(&refused, ERR_PRECONDITION, "WAITING_FOR_CONFIRMATION");
    AUTO_ANSWER struct answer now = stored(kit, KIND_MODULE_DEPLOYMENT, "md");
    assert_true(cJSON_IsTrue(json_get(now.object, "spec.pause")));
}

static void test_abort_and_its_end(void **state)
{
    struct kit *kit = *state;
    static const char *const over[] = {"Init", "Completed", "Aborted"};
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    AUTO_OUTCOME struct outcome not_begun = release(kit, "AbortRelease", "{\"name\":\"md\"}");
    assert_refused(&not_begun, ERR_PRECONDITION, "NO_RELEASE_RUNNING");
    for (size_t i = 0; i < ARRAY_LEN(over); i++) {
        set_release(kit, over[i], "", 1);
        AUTO_OUTCOME struct outcome refused = release(kit, "AbortRelease", "{\"name\":\"md\"}");
        assert_refused(&refused, ERR_PRECONDITION, "NO_RELEASE_RUNNING");
    }
    static const char *const running[] = {"Executing", "Paused"};
    static const struct {
        const char *method, *request;
    } ends[] = {{"ResumeRelease", "{\"name\":\"md\"}"},
                {"ScaleModuleDeployment", "{\"name\":\"md\",\"replicas\":3}"}};
    for (size_t i = 0; i < ARRAY_LEN(running); i++) {
        set_release(kit, running[i], "", 1);
        AUTO_OUTCOME struct outcome aborted = release(kit, "AbortRelease", "{\"name\":\"md\"}");
        assert_ok(&aborted);
        assert_string_equal(abort_note(json_get(aborted.json, "moduleDeployment")), "md-new");
        AUTO_OUTCOME struct outcome ended = release(kit, ends[i].method, ends[i].request);
        assert_ok(&ended);
        assert_null(abort_note(json_get(ended.json, "moduleDeployment")));
    }
}

/* -- history -- */

static void make_history(struct kit *kit)
{
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    AUTO_OUTCOME struct outcome other = apply(kit, "other", "", "", "");
    put_revision(kit, "md-a", "md", 10, "\"version\":\"1.0.0\"");
    put_revision(kit, "md-b", "md", 9, "\"version\":\"0.9.0\"");
    put_revision(kit, "md-c", "md", 2, "\"version\":\"0.2.0\"");
    put_revision(kit, "other-a", "other", 11, "\"version\":\"7.0.0\"");
    patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_MAIN,
          "{\"metadata\":{\"annotations\":{\"" ANNOTATION_ABORT "\":\"md-a\"}},\"spec\":{"
          "\"template\":{\"spec\":{\"module\":{\"md5\":\"0123456789abcdef0123456789abcdef\"},"
          "\"baseSelector\":{\"jdk\":\"21\"}}}}}");
}

static void test_revisions_newest_first(void **state)
{
    struct kit *kit = *state;
    static const char *const names[] = {"md-a", "md-b", "md-c"};
    make_history(kit);
    AUTO_OUTCOME struct outcome outcome = release(kit, "ListRevisions", "{\"name\":\"md\"}");
    assert_ok(&outcome);
    const cJSON *revisions = json_get(outcome.json, "revisions");
    assert_int_equal(cJSON_GetArraySize(revisions), ARRAY_LEN(names));
    for (int i = 0; i < (int)ARRAY_LEN(names); i++)
        assert_string_equal(json_get_string(cJSON_GetArrayItem(revisions, i), "metadata.name"),
                            names[i]);
}

static void assert_module(const struct outcome *outcome, const char *version, const char *url)
{
    assert_string_equal(text_at(outcome, MD "spec.template.spec.module.version"), version);
    assert_string_equal(text_at(outcome, MD "spec.template.spec.module.url"), url);
    /* Of the revision only: what the one before had besides is not checked against the old jar. */
    assert_null(text_at(outcome, MD "spec.template.spec.module.md5"));
    assert_null(text_at(outcome, MD "spec.template.spec.baseSelector.jdk"));
    assert_null(abort_note(json_get(outcome->json, "moduleDeployment")));
}

static void test_undo(void **state)
{
    struct kit *kit = *state;
    make_history(kit);
    AUTO_OUTCOME struct outcome before = release(kit, "UndoRelease", "{\"name\":\"md\"}");
    assert_module(&before, "0.9.0", "file:///md-b.jar");
    AUTO_OUTCOME struct outcome named =
        release(kit, "UndoRelease", "{\"name\":\"md\",\"toRevision\":2,\"requestId\":\"u\"}");
    assert_module(&named, "0.2.0", "file:///md-c.jar");
    AUTO_OUTCOME struct outcome again =
        release(kit, "UndoRelease", "{\"name\":\"md\",\"toRevision\":9,\"requestId\":\"u\"}");
    assert_module(&again, "0.2.0", "file:///md-c.jar");
}

/* What is asked for has failed, and the newest revision is released in its place: that one. */
static void test_undo_of_what_was_taken_back(void **state)
{
    struct kit *kit = *state;
    make_history(kit);
    patch(kit, KIND_MODULE_REPLICASET, "md-b", STORE_MAIN,
          "{\"metadata\":{\"annotations\":{\"" ANNOTATION_FAILED "\":\"why\"}}}");
    AUTO_OUTCOME struct outcome back = release(kit, "UndoRelease", "{\"name\":\"md\"}");
    assert_module(&back, "1.0.0", "file:///md-a.jar");
}

static void test_undo_refuses(void **state)
{
    struct kit *kit = *state;
    make_history(kit);
    AUTO_OUTCOME struct outcome unknown =
        release(kit, "UndoRelease", "{\"name\":\"md\",\"toRevision\":3}");
    assert_refused(&unknown, ERR_NOT_FOUND, "REVISION_NOT_FOUND");
    AUTO_OUTCOME struct outcome of_other =
        release(kit, "UndoRelease", "{\"name\":\"md\",\"toRevision\":11}");
    assert_refused(&of_other, ERR_NOT_FOUND, "REVISION_NOT_FOUND");
    AUTO_OUTCOME struct outcome only = release(kit, "UndoRelease", "{\"name\":\"other\"}");
    assert_refused(&only, ERR_NOT_FOUND, "REVISION_NOT_FOUND");
    AUTO_OUTCOME struct outcome negative =
        release(kit, "UndoRelease", "{\"name\":\"md\",\"toRevision\":-1}");
    assert_refused(&negative, ERR_INVALID, "to_revision");
    AUTO_OUTCOME struct outcome stale =
        release(kit, "UndoRelease", "{\"name\":\"md\",\"toRevision\":2,\"resourceVersion\":\"1\"}");
    assert_refused(&stale, ERR_CONFLICT, NULL);
    patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_MAIN,
          "{\"spec\":{\"template\":null,\"templateRef\":{\"name\":\"shared\"}}}");
    AUTO_OUTCOME struct outcome shared =
        release(kit, "UndoRelease", "{\"name\":\"md\",\"toRevision\":2}");
    assert_refused(&shared, ERR_PRECONDITION, "TEMPLATE_REFERENCED");
}

/* -- delete, and what is not there -- */

static void test_delete_waits_for_finalizers(void **state)
{
    struct kit *kit = *state;
    AUTO_OUTCOME struct outcome made = apply(kit, "md", "", "", "");
    patch(kit, KIND_MODULE_DEPLOYMENT, "md", STORE_MAIN,
          "{\"metadata\":{\"finalizers\":[\"" FINALIZER_DEPLOYMENT "\"]}}");
    AUTO_OUTCOME struct outcome begun = release(kit, "DeleteModuleDeployment", "{\"name\":\"md\"}");
    assert_non_null(text_at(&begun, MD "metadata.deletionTimestamp"));
    AUTO_OUTCOME struct outcome there = release(kit, "GetModuleDeployment", "{\"name\":\"md\"}");
    assert_non_null(text_at(&there, MD "metadata.deletionTimestamp"));
}

/* -- many at once -- */

struct scaler {
    struct kit *kit;
    pthread_t thread;
    int number;
    bool ok;
};

static void *label_itself(void *user)
{
    struct scaler *scaler = user;
    AUTO_FREE char *labels = mem_printf(",\"labels\":{\"l%d\":\"x\"}", scaler->number);
    AUTO_OUTCOME struct outcome outcome = apply(scaler->kit, "md", labels, "", "");
    scaler->ok = !outcome.err;
    return NULL;
}

static void test_no_apply_is_lost_among_others(void **state)
{
    struct scaler scalers[6];
    struct kit *kit = *state;
    for (int i = 0; i < (int)ARRAY_LEN(scalers); i++) {
        scalers[i] = (struct scaler){.kit = kit, .number = i};
        assert_int_equal(pthread_create(&scalers[i].thread, NULL, label_itself, &scalers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(scalers); i++)
        pthread_join(scalers[i].thread, NULL);
    AUTO_ANSWER struct answer now = stored(kit, KIND_MODULE_DEPLOYMENT, "md");
    for (size_t i = 0; i < ARRAY_LEN(scalers); i++) {
        AUTO_FREE char *path = mem_printf("metadata.labels.l%zu", i);
        assert_true(scalers[i].ok);
        assert_string_equal(answer_string(&now, path), "x");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_apply_creates_configures_or_leaves),
        TEST(test_apply_keeps_what_others_set),
        TEST(test_apply_leaves_the_status_alone),
        TEST(test_apply_sets_labels_and_keeps_others),
        TEST(test_a_changed_spec_ends_an_abort),
        TEST(test_apply_refuses),
        TEST(test_a_stale_version_is_refused),
        TEST(test_a_version_of_what_is_gone_is_stale),
        TEST(test_a_repeated_request_returns_the_first_result),
        TEST(test_a_repeated_delete_returns_the_first_result),
        TEST(test_a_failure_is_not_remembered),
        TEST(test_the_oldest_request_is_forgotten_first),
        TEST(test_unknown_names),
        TEST(test_namespaces_are_worlds_of_their_own),
        TEST(test_scale_has_bounds),
        TEST(test_confirm_is_for_the_batch_that_waits),
        TEST(test_nothing_to_confirm),
        TEST(test_pause_and_resume),
        TEST(test_resume_of_what_was_given_up),
        TEST(test_what_waits_for_a_person_is_not_resumed),
        TEST(test_abort_and_its_end),
        TEST(test_revisions_newest_first),
        TEST(test_undo),
        TEST(test_undo_of_what_was_taken_back),
        TEST(test_undo_refuses),
        TEST(test_delete_waits_for_finalizers),
        TEST(test_no_apply_is_lost_among_others),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
