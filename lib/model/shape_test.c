/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The custom resources are spelled in two places: the tables of the structs, and module.proto. Here
 * both are walked side by side, and every field is carried through both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "koupleless/module/v1/module.pb-c.h"
#include "lib/base/str.h"
#include "lib/model/module.h"
#include "lib/model/protojson.h"
#include "lib/model/protojson_internal.h"

static const struct shape {
    const char *name;
    const struct json_field *table;
    const ProtobufCMessageDescriptor *type;
    size_t size;
} shapes[] = {
    {"ModuleDeployment", module_deployment_fields,
     &koupleless__module__v1__module_deployment__descriptor, sizeof(struct module_deployment)},
    {"ModuleReplicaSet", module_replicaset_fields,
     &koupleless__module__v1__module_replica_set__descriptor, sizeof(struct module_replicaset)},
    {"Module", module_fields, &koupleless__module__v1__module__descriptor, sizeof(struct module)},
    {"Base", base_fields, &koupleless__module__v1__base__descriptor, sizeof(struct base)},
    {"Event", event_record_fields, &koupleless__module__v1__event__descriptor,
     sizeof(struct event_record)},
};

/* -- the same names -- */

static const struct json_field *row_of(const struct json_field *table, const char *key)
{
    for (const struct json_field *row = table; row->key; row++)
        if (strcmp(row->key, key) == 0)
            return row;
    return NULL;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *type,
                                                const char *key)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (proto__name_is(type->fields[i].name, key))
            return &type->fields[i];
    return NULL;
}

/* The type that a row must have for a field. */
static bool types_agree(const struct json_field *row, const ProtobufCFieldDescriptor *field)
{
    bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    const ProtobufCMessageDescriptor *inner =
        field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
    const char *name = inner ? inner->short_name : "";
    switch (row->type) {
    case JSON_STRING:
        return field->type == PROTOBUF_C_TYPE_STRING && !repeated;
    case JSON_INT32:
        return field->type == PROTOBUF_C_TYPE_INT32 && !repeated;
    case JSON_INT64:
        return field->type == PROTOBUF_C_TYPE_INT64 && !repeated;
    case JSON_BOOL:
        return field->type == PROTOBUF_C_TYPE_BOOL && !repeated;
    case JSON_TIME:
        return strcmp(name, "Timestamp") == 0;
    case JSON_STRING_MAP:
        return proto__is_map(field);
    case JSON_OBJECT:
        return inner && !repeated;
    case JSON_ARRAY:
        return inner && repeated;
    case JSON_STRINGS:
        return field->type == PROTOBUF_C_TYPE_STRING && repeated;
    case JSON_INT_OR_PERCENT:
        return strcmp(name, "IntOrPercent") == 0;
    case JSON_TEXT:
        return false;
    }
    return false;
}

static size_t compare_names(const struct json_field *table, const ProtobufCMessageDescriptor *type)
{
    size_t count = 0;
    for (unsigned i = 0; i < type->n_fields; i++) {
        AUTO_FREE char *key = proto__json_name(type->fields[i].name);
        const struct json_field *row = row_of(table, key);
        if (!row || (row->flags & JSON_ALIAS))
            fail_msg("%s.%s is in the .proto only", type->short_name, key);
    }
    for (const struct json_field *row = table; row->key; row++) {
        if (row->flags & JSON_ALIAS)
            continue;
        const ProtobufCFieldDescriptor *field = field_of(type, row->key);
        if (!field) {
            fail_msg("%s.%s is in the table only", type->short_name, row->key);
            continue;
        }
        if (!types_agree(row, field))
            fail_msg("%s.%s has another type in the .proto", type->short_name, row->key);
        /* What the struct tells from absent, the message must too, and the other way round. */
        if (row->type != JSON_OBJECT && (row->presence != 0) != proto_in_oneof(field))
            fail_msg("%s.%s is optional in one of both only", type->short_name, row->key);
        count += row->table ? compare_names(row->table, field->descriptor) : 1;
    }
    return count;
}

static void tables_and_messages_have_the_same_fields(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        count += compare_names(shapes[i].table, shapes[i].type);
    assert_in_range(count, 140, 1000); /* the walk went everywhere */
}

/* -- every field, there and back -- */

static void fill(const struct json_field *table, void *s, int *number);

static void fill_array(const struct json_field *row, struct json_array *array, int *number)
{
    array->len = 2;
    array->items = mem_alloc(2 * row->size);
    for (size_t i = 0; i < 2; i++)
        fill(row->table, (char *)array->items + i * row->size, number);
}

static void fill_strings(struct json_strings *strings, int *number)
{
    strings->len = 2;
    strings->items = mem_alloc(2 * sizeof(char *));
    for (size_t i = 0; i < 2; i++)
        strings->items[i] = mem_printf("item \"%d\"", ++*number);
}

static void fill_map(struct json_map *map, int *number)
{
    for (int i = 0; i < 2; i++) {
        AUTO_FREE char *key = mem_printf("k%d", ++*number);
        AUTO_FREE char *value = mem_printf("v\xc3\xa9%d", *number);
        json_map_set(map, key, value);
    }
}

/* A value of its own for each field: what lands in another field is noticed. */
static void fill_field(const struct json_field *row, void *at, int *number)
{
    int n = ++*number;
    switch (row->type) {
    case JSON_STRING:
    case JSON_TEXT:
        *(char **)at = mem_printf("text %d", n);
        break;
    case JSON_INT32:
        *(int32_t *)at = n;
        break;
    case JSON_INT64:
        *(int64_t *)at = 999999999990000 + n; /* close to where numbers are text */
        break;
    case JSON_BOOL:
        *(bool *)at = true;
        break;
    case JSON_TIME:
        *(int64_t *)at = 1795420800000 + n;
        break;
    case JSON_STRING_MAP:
        fill_map(at, number);
        break;
    case JSON_OBJECT:
        fill(row->table, at, number);
        break;
    case JSON_ARRAY:
        fill_array(row, at, number);
        break;
    case JSON_STRINGS:
        fill_strings(at, number);
        break;
    case JSON_INT_OR_PERCENT:
        *(struct int_or_percent *)at =
            (struct int_or_percent){n % 2 ? INT_OR_PERCENT_INT : INT_OR_PERCENT_PERCENT, n};
        break;
    }
}

static void fill(const struct json_field *table, void *s, int *number)
{
    for (const struct json_field *row = table; row->key; row++) {
        if (row->flags & JSON_ALIAS)
            continue;
        fill_field(row, (char *)s + row->offset, number);
        if (row->presence)
            *(bool *)(void *)((char *)s + row->presence - 1) = true;
    }
}

static cJSON *through_the_wire(const struct shape *shape, const cJSON *json)
{
    AUTO_ERR struct err *err = NULL;
    ProtobufCMessage *message = protojson_read(shape->type, json, JSON_UNKNOWN_REFUSE, &err);
    if (!message)
        fail_msg("%s: %s", shape->name, err->message);
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = mem_alloc(len);
    protobuf_c_message_pack(message, bytes);
    protobuf_c_message_free_unpacked(message, NULL);
    ProtobufCMessage *received = protobuf_c_message_unpack(shape->type, NULL, len, bytes);
    mem_free(bytes);
    assert_non_null(received);
    cJSON *back = protojson_write(received);
    protobuf_c_message_free_unpacked(received, NULL);
    return back;
}

static void assert_same(const char *name, const cJSON *a, const cJSON *b)
{
    AUTO_FREE char *a_text = json_text(a);
    AUTO_FREE char *b_text = json_text(b);
    if (!cJSON_Compare(a, b, /* case_sensitive= */ true))
        fail_msg("%s:\n%s\n%s", name, a_text, b_text);
}

static void every_field_survives_json_and_the_wire(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        const struct shape *shape = &shapes[i];
        int number = 0;
        void *first = mem_alloc(shape->size);
        void *second = mem_alloc(shape->size);
        fill(shape->table, first, &number);
        AUTO_JSON cJSON *written = json_write(shape->table, first);
        AUTO_JSON cJSON *received = through_the_wire(shape, written);
        assert_same(shape->name, written, received);

        AUTO_ERR struct err *err = NULL;
        if (json_read(shape->table, received, "", JSON_UNKNOWN_REFUSE, second, &err) < 0)
            fail_msg("%s: %s", shape->name, err->message);
        AUTO_JSON cJSON *again = json_write(shape->table, second);
        assert_same(shape->name, written, again);
        json_release(shape->table, first);
        json_release(shape->table, second);
        mem_free(first);
        mem_free(second);
    }
}

/* An optional zero is told from an absent one all the way. */
static void optional_zeros_survive(void **state)
{
    (void)state;
    static const char text[] = "{\"spec\":{\"replicas\":0,\"pause\":false,\"operationStrategy\":"
                               "{\"drainSeconds\":0},\"maxUnavailable\":0}}";
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), 1000, NULL);
    AUTO_JSON cJSON *back = through_the_wire(&shapes[0], json);
    assert_same("zeros", json, back);
}

static void objects_read_what_they_write(void **state)
{
    (void)state;
    struct module module = {.meta = {.name = mem_strdup("m"), .namespace = mem_strdup("default")},
                            .spec = {.module = {.name = mem_strdup("p"),
                                                .version = mem_strdup("1"),
                                                .url = mem_strdup("http://h")},
                                     .upgrade_way = WAY_OTHER_BASE},
                            .status = {.phase = MODULE_FAILED, .attempts = 3}};
    module.meta.owners = (struct json_array){NEW(struct owner_reference), 1};
    *(struct owner_reference *)module.meta.owners.items = (struct owner_reference){
        .kind = mem_strdup("ModuleReplicaSet"), .name = mem_strdup("rs"), .controller = true};
    AUTO_JSON cJSON *json = module_write(&module);
    json_release(module_fields, &module);

    assert_string_equal(json_get_string(json, "status.status"), "Failed");
    assert_string_equal(json_get_string(json, "spec.upgradeWay"), "OtherBase");
    struct module *read = module_read(json, NULL);
    assert_non_null(read);
    assert_int_equal(read->status.phase, MODULE_FAILED);
    assert_int_equal(read->spec.upgrade_way, WAY_OTHER_BASE);
    assert_int_equal(read->status.attempts, 3);
    assert_string_equal(meta_owner(&read->meta)->name, "rs");
    assert_string_equal(meta_owner(&read->meta)->api_version, API_VERSION);
    module_free(read);
}

static void a_base_without_a_limit_is_unlimited(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t max;
    } rows[] = {
        {"{\"metadata\":{\"name\":\"b\"},\"spec\":{}}", -1},
        {"{\"metadata\":{\"name\":\"b\"},\"spec\":{\"maxModuleCount\":0}}", 0},
        {"{\"metadata\":{\"name\":\"b\"},\"spec\":{\"maxModuleCount\":7}}", 7},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON cJSON *json = json_parse(rows[i].text, strlen(rows[i].text), 1000, NULL);
        struct base *base = base_read(json, NULL);
        assert_non_null(base);
        assert_int_equal(base->spec.max_module_count, rows[i].max);
        base_free(base);
    }
}

static void an_event_names_its_object(void **state)
{
    (void)state;
    static const char text[] =
        "{\"apiVersion\":\"" API_VERSION "\",\"kind\":\"Event\",\"metadata\":{\"name\":\"e\"},"
        "\"involvedObject\":{\"kind\":\"Module\",\"name\":\"m\",\"uid\":\"u\"},\"type\":\"Normal\","
        "\"reason\":\"Installed\",\"count\":2,\"firstTimestamp\":\"2026-11-23T08:00:00Z\"}";
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), 1000, NULL);
    struct event_record *event = event_record_read(json, NULL);
    assert_non_null(event);
    assert_string_equal(event->involved_name, "m");
    assert_int_equal(event->first_ms, 1795420800000);
    AUTO_JSON cJSON *written = event_record_write(event);
    assert_same("Event", json, written);
    event_record_free(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_messages_have_the_same_fields),
        cmocka_unit_test(every_field_survives_json_and_the_wire),
        cmocka_unit_test(optional_zeros_survive),
        cmocka_unit_test(objects_read_what_they_write),
        cmocka_unit_test(a_base_without_a_limit_is_unlimited),
        cmocka_unit_test(an_event_names_its_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
