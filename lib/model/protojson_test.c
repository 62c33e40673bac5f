/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/protojson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "koupleless/module/v1/module.pb-c.h"
#include "koupleless/scheduler/v1/scheduler.pb-c.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/protojson_internal.h"

static ProtobufCMessage *read_text(const ProtobufCMessageDescriptor *type, const char *text,
                                   enum json_unknown unknown, struct err **err)
{
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_MIB(1), err);
    return json ? protojson_read(type, json, unknown, err) : NULL;
}

static char *written(const ProtobufCMessage *message)
{
    AUTO_JSON cJSON *json = protojson_write(message);
    return json_text(json);
}

static void values_have_their_form(void **state)
{
    (void)state;
    /* What is read, and what is written again. NULL: the same. */
    static const struct {
        const ProtobufCMessageDescriptor *type;
        const char *read, *written;
    } rows[] = {
        {&google__protobuf__duration__descriptor, "\"3.5s\"", NULL},
        {&google__protobuf__duration__descriptor, "\"0s\"", NULL},
        {&google__protobuf__duration__descriptor, "\"-0.25s\"", NULL},
        {&google__protobuf__duration__descriptor, "\"1.000000001s\"", NULL},
        {&google__protobuf__duration__descriptor, "\"60.500s\"", "\"60.5s\""},
        {&google__protobuf__timestamp__descriptor, "\"2026-11-23T08:00:00Z\"", NULL},
        {&google__protobuf__timestamp__descriptor, "\"2026-11-23T08:00:00.250Z\"", NULL},
        {&google__protobuf__timestamp__descriptor, "\"2026-11-23T09:00:00+01:00\"",
         "\"2026-11-23T08:00:00Z\""},
        {&koupleless__module__v1__int_or_percent__descriptor, "3", NULL},
        {&koupleless__module__v1__int_or_percent__descriptor, "0", NULL},
        {&koupleless__module__v1__int_or_percent__descriptor, "\"50%\"", NULL},
        {&koupleless__scheduler__v1__place_request__descriptor,
         "{\"policy\":\"SCHEDULING_POLICY_STACKING\"}", NULL},
        {&koupleless__scheduler__v1__place_request__descriptor,
         "{\"policy\":\"scheduling_policy_stacking\",\"replicas\":0,\"bases\":[]}",
         "{\"policy\":\"SCHEDULING_POLICY_STACKING\"}"},
        {&koupleless__scheduler__v1__place_request__descriptor, "{\"policy\":7}", NULL},
        {&koupleless__scheduler__v1__place_request__descriptor,
         "{\"bases\":[{\"name\":\"a\",\"maxModuleCount\":0},{}]}", NULL},
        {&koupleless__module__v1__object_meta__descriptor,
         "{\"name\":null,\"labels\":{\"a/b\":\"c\",\"d\":\"\"}}",
         "{\"labels\":{\"a/b\":\"c\",\"d\":\"\"}}"},
        {&koupleless__module__v1__object_meta__descriptor, "{\"generation\":-999999999999999}",
         NULL},
        {&koupleless__module__v1__object_meta__descriptor,
         "{\"generation\":\"-9223372036854775808\"}", NULL},
        {&google__protobuf__uint64_value__descriptor, "{\"value\":\"9223372036854775807\"}", NULL},
        {&koupleless__module__v1__object_meta__descriptor, "{\"generation\":\"12\"}",
         "{\"generation\":12}"},
        {&google__protobuf__any__descriptor, "{\"typeUrl\":\"t\",\"value\":\"AAH/\"}", NULL},
        {&google__protobuf__any__descriptor, "{\"value\":\"_-8\"}", "{\"value\":\"/+8=\"}"},
        {&google__protobuf__double_value__descriptor, "{\"value\":0.5}", NULL},
        {&google__protobuf__float_value__descriptor, "{\"value\":-0.5}", NULL},
        {&google__protobuf__uint32_value__descriptor, "{\"value\":4294967295}", NULL},
        {&google__protobuf__uint64_value__descriptor, "{\"value\":4294967296}", NULL},
        {&google__protobuf__bool_value__descriptor, "{\"value\":true}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        ProtobufCMessage *message =
            read_text(rows[i].type, rows[i].read, JSON_UNKNOWN_REFUSE, &err);
        if (!message)
            fail_msg("%s: %s", rows[i].read, err->message);
        AUTO_FREE char *text = written(message);
        assert_string_equal(text, rows[i].written ? rows[i].written : rows[i].read);
        protobuf_c_message_free_unpacked(message, NULL);
    }
}

static void nonsense_is_refused_with_its_path(void **state)
{
    (void)state;
    static const struct {
        const ProtobufCMessageDescriptor *type;
        const char *text, *field, *words;
    } rows[] = {
        {&koupleless__scheduler__v1__place_request__descriptor, "[]", NULL, "must be an object"},
        {&koupleless__scheduler__v1__place_request__descriptor, "{\"replicas\":\"3\"}", "replicas",
         "must be an integer from -2147483648 to 2147483647"},
        {&koupleless__scheduler__v1__place_request__descriptor, "{\"replicas\":2147483648}",
         "replicas", "must be an integer"},
        {&koupleless__scheduler__v1__place_request__descriptor, "{\"replicas\":0.5}", "replicas",
         "must be an integer"},
        {&koupleless__scheduler__v1__place_request__descriptor, "{\"replica\":3}", "replica",
         "did you mean \"replicas\"?"},
        {&koupleless__scheduler__v1__place_request__descriptor, "{\"quux\":3}", "quux",
         "unknown field"},
        {&koupleless__scheduler__v1__place_request__descriptor, "{\"policy\":\"RANDOM\"}", "policy",
         "one of SCHEDULING_POLICY_UNSPECIFIED, "},
        {&koupleless__scheduler__v1__place_request__descriptor, "{\"bases\":{}}", "bases",
         "must be a list"},
        {&koupleless__scheduler__v1__place_request__descriptor, "{\"bases\":[{\"name\":\"a\"},7]}",
         "bases[1]", "must be an object"},
        {&koupleless__scheduler__v1__place_request__descriptor,
         "{\"bases\":[{},{\"name\":\"a\",\"ready\":1}]}", "bases[1].ready", "true or false"},
        {&koupleless__scheduler__v1__place_request__descriptor,
         "{\"bases\":[{\"moduleCounts\":1}]}", "bases[0].moduleCounts",
         "did you mean \"moduleCount\"?"},
        {&koupleless__module__v1__module_deployment__descriptor,
         "{\"spec\":{\"template\":{\"spec\":{\"module\":{\"version\":1.0}}}}}",
         "spec.template.spec.module.version", "text; quote it"},
        {&koupleless__module__v1__object_meta__descriptor, "{\"labels\":{\"a\":1}}", "labels.a",
         "text"},
        {&koupleless__module__v1__object_meta__descriptor, "{\"labels\":[]}", "labels",
         "an object"},
        {&koupleless__module__v1__object_meta__descriptor, "{\"creationTimestamp\":\"today\"}",
         "creationTimestamp", "a time such as"},
        {&koupleless__module__v1__object_meta__descriptor, "{\"generation\":1e300}", "generation",
         "an integer"},
        {&koupleless__module__v1__int_or_percent__descriptor, "\"50\"", NULL, "percentage"},
        {&koupleless__module__v1__int_or_percent__descriptor, "0.5", NULL, "an integer"},
        {&koupleless__module__v1__int_or_percent__descriptor, "\"%\"", NULL, "percentage"},
        {&google__protobuf__timestamp__descriptor, "\"1969-12-31T23:59:59Z\"", NULL, "a time"},
        {&google__protobuf__duration__descriptor, "\"3\"", NULL, "duration"},
        {&google__protobuf__duration__descriptor, "\"3m\"", NULL, "duration"},
        {&google__protobuf__duration__descriptor, "\".5s\"", NULL, "duration"},
        {&google__protobuf__duration__descriptor, "\"1.s\"", NULL, "duration"},
        {&google__protobuf__duration__descriptor, "\"--1s\"", NULL, "duration"},
        {&google__protobuf__duration__descriptor, "\"1.0000000001s\"", NULL, "duration"},
        {&google__protobuf__duration__descriptor, "\"315576000001s\"", NULL, "duration"},
        {&google__protobuf__duration__descriptor, "3", NULL, "duration"},
        {&google__protobuf__any__descriptor, "{\"value\":\"A\"}", "value", "base64"},
        {&google__protobuf__any__descriptor, "{\"value\":\"A*==\"}", "value", "base64"},
        {&google__protobuf__any__descriptor, "{\"value\":\"AA===\"}", "value", "base64"},
        {&google__protobuf__float_value__descriptor, "{\"value\":1e300}", "value", "32 bits"},
        {&google__protobuf__uint32_value__descriptor, "{\"value\":-1}", "value", "0 to 4294967295"},
        {&google__protobuf__uint64_value__descriptor, "{\"value\":-1}", "value", "at least 0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        if (read_text(rows[i].type, rows[i].text, JSON_UNKNOWN_REFUSE, &err))
            fail_msg("taken: %s", rows[i].text);
        assert_int_equal(err->code, ERR_INVALID);
        if (!str_eq(err->field, rows[i].field) || !strstr(err->message, rows[i].words))
            fail_msg("%s: got %s: %s", rows[i].text, err->field ? err->field : "(none)",
                     err->message);
    }
}

static void unknown_fields_can_be_ignored(void **state)
{
    (void)state;
    ProtobufCMessage *message =
        read_text(&koupleless__scheduler__v1__place_request__descriptor,
                  "{\"ofTomorrow\":{\"a\":[1]},\"replicas\":2}", JSON_UNKNOWN_IGNORE, NULL);
    assert_non_null(message);
    assert_int_equal(((Koupleless__Scheduler__V1__PlaceRequest *)message)->replicas, 2);
    protobuf_c_message_free_unpacked(message, NULL);
}

/* DescriptorProto holds itself: the only kind of type that could nest without end. */
static void nesting_has_a_limit(void **state)
{
    (void)state;
    cJSON *json = cJSON_CreateObject();
    for (int i = 0; i < LIMIT_JSON_DEPTH; i++) {
        cJSON *outer = cJSON_CreateObject();
        cJSON *list = cJSON_AddArrayToObject(outer, "nestedType");
        cJSON_AddItemToArray(list, json);
        json = outer;
    }
    AUTO_ERR struct err *err = NULL;
    assert_null(protojson_read(&google__protobuf__descriptor_proto__descriptor, json,
                               JSON_UNKNOWN_REFUSE, &err));
    assert_non_null(strstr(err->message, "nested less deeply"));
    cJSON_Delete(json);
}

static void a_key_that_comes_twice_counts_once(void **state)
{
    (void)state;
    Koupleless__Module__V1__ObjectMeta meta = KOUPLELESS__MODULE__V1__OBJECT_META__INIT;
    Koupleless__Module__V1__ObjectMeta__LabelsEntry
        first = KOUPLELESS__MODULE__V1__OBJECT_META__LABELS_ENTRY__INIT,
        second = KOUPLELESS__MODULE__V1__OBJECT_META__LABELS_ENTRY__INIT;
    Koupleless__Module__V1__ObjectMeta__LabelsEntry *entries[] = {&first, &second};
    char key[] = "a", one[] = "1", two[] = "2";
    first.key = second.key = key;
    first.value = one;
    second.value = two;
    meta.n_labels = 2;
    meta.labels = entries;
    AUTO_FREE char *text = written(&meta.base);
    assert_string_equal(text, "{\"labels\":{\"a\":\"2\"}}");
}

/* What a careless peer may send: it must give JSON all the same. */
static void values_out_of_range_are_left_out(void **state)
{
    (void)state;
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    time.seconds = INT64_MAX;
    AUTO_FREE char *no_time = written(&time.base);
    assert_string_equal(no_time, "null");
    Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;
    duration.seconds = INT64_MIN;
    AUTO_FREE char *no_duration = written(&duration.base);
    assert_string_equal(no_duration, "null");
    Koupleless__Module__V1__ModuleDeploymentSpec spec =
        KOUPLELESS__MODULE__V1__MODULE_DEPLOYMENT_SPEC__INIT;
    Koupleless__Module__V1__IntOrPercent neither = KOUPLELESS__MODULE__V1__INT_OR_PERCENT__INIT;
    spec.max_unavailable = &neither;
    AUTO_FREE char *text = written(&spec.base);
    assert_string_equal(text, "{}");
}

static void names_are_camel_case(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"name", "name"},
        {"base_name", "baseName"},
        {"gray_time_between_batch_seconds", "grayTimeBetweenBatchSeconds"},
        {"md5", "md5"},
        {"a_1b", "a1b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *name = proto__json_name(rows[i][0]);
        assert_string_equal(name, rows[i][1]);
        assert_true(proto__name_is(rows[i][0], rows[i][1]));
        assert_false(proto__name_is(rows[i][0], "nam"));
        assert_false(proto__name_is(rows[i][0], "names"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_their_form),
        cmocka_unit_test(nonsense_is_refused_with_its_path),
        cmocka_unit_test(unknown_fields_can_be_ignored),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(a_key_that_comes_twice_counts_once),
        cmocka_unit_test(values_out_of_range_are_left_out),
        cmocka_unit_test(names_are_camel_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
