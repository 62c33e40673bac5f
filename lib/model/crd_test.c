/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The custom resources are spelled a third time in deploy/manifests/, for the API server. Here each schema
 * is walked beside the table of its kind: the same fields, types, ranges and defaults.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/yaml.h"
#include "lib/model/module.h"

static const struct crd {
    const char *file;
    const struct json_field *table;
    enum object_kind kind;
} crds[] = {
    {"01-moduledeployments.yaml", module_deployment_fields, KIND_MODULE_DEPLOYMENT},
    {"02-modulereplicasets.yaml", module_replicaset_fields, KIND_MODULE_REPLICASET},
    {"03-moduletemplates.yaml", module_template_fields, KIND_MODULE_TEMPLATE},
    {"04-modules.yaml", module_fields, KIND_MODULE},
};
static const char *const folders[] = {"deploy/manifests/", "deploy/manifests/kubernetes-1.24/"};

/* The document of a file, owned; tests run in the top folder. */
static cJSON *load(const char *folder, const char *file)
{
    AUTO_ERR struct err *err = NULL;
    AUTO_FREE char *path = mem_printf("%s%s", folder, file);
    size_t len = 0;
    AUTO_FREE char *text = file_read(path, LIMIT_YAML_FILE, &len, &err);
    cJSON *documents = NULL;
    if (!text || yaml_parse(text, len, &documents, &err) < 0)
        fail_msg("%s: %s", path, err->message);
    cJSON *document = cJSON_DetachItemFromArray(documents, 0);
    json_free(documents);
    return document;
}

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const cJSON *schema_of(const cJSON *crd)
{
    const cJSON *version = cJSON_GetArrayItem(json_get(crd, "spec.versions"), 0);
    return json_get(version, "schema.openAPIV3Schema");
}

/* -- the same fields -- */

static bool has(const cJSON *schema, const char *key, const char *value)
{
    return str_eq(json_get_string(schema, key), value);
}

static bool types_agree(const struct json_field *row, const cJSON *schema)
{
    switch (row->type) {
    case JSON_STRING:
        return has(schema, "type", "string") && !member(schema, "format");
    case JSON_INT32:
        return has(schema, "type", "integer") && has(schema, "format", "int32");
    case JSON_INT64:
        return has(schema, "type", "integer") && has(schema, "format", "int64");
    case JSON_BOOL:
        return has(schema, "type", "boolean");
    case JSON_TIME:
        return has(schema, "type", "string") && has(schema, "format", "date-time");
    case JSON_STRING_MAP:
        return has(schema, "type", "object") && has(schema, "additionalProperties.type", "string");
    case JSON_OBJECT:
        return has(schema, "type", "object") && member(schema, "properties");
    case JSON_ARRAY:
        return has(schema, "type", "array") && has(schema, "items.type", "object");
    case JSON_INT_OR_PERCENT:
        return cJSON_IsTrue(member(schema, "x-kubernetes-int-or-string"));
    case JSON_STRINGS:
    case JSON_TEXT:
        return false;
    }
    return false;
}

static bool is_required(const cJSON *schema, const char *key)
{
    const cJSON *name;
    cJSON_ArrayForEach(name, member(schema, "required"))
    {
        if (str_eq(cJSON_GetStringValue(name), key))
            return true;
    }
    return false;
}

static void check_description(const cJSON *schema, const char *path)
{
    const char *text = json_get_string(schema, "description");
    if (str_empty(text) || text[strlen(text) - 1] != '.')
        fail_msg("%s: its description must be a sentence", path);
}

static const struct json_field *row_of(const struct json_field *table, const char *key)
{
    for (const struct json_field *row = table; row->key; row++)
        if (str_eq(row->key, key))
            return row;
    return NULL;
}

/*
 * @required: whether the same fields are required; of items of a list the schema requires what makes it a map
 * Return: how many fields were compared.
 */
static size_t compare(const struct json_field *table, const cJSON *schema, const char *path,
                      bool required)
{
    size_t count = 0;
    const cJSON *property, *properties = member(schema, "properties");
    cJSON_ArrayForEach(property, properties)
    {
        if (!row_of(table, property->string))
            fail_msg("%s.%s is in the schema only", path, property->string);
    }
    for (const struct json_field *row = table; row->key; row++) {
        if (row->table == object_meta_fields)
            continue; /* the API server's own */
        AUTO_FREE char *at = mem_printf("%s.%s", path, row->key);
        property = member(properties, row->key);
        if (!property)
            fail_msg("%s is in the table only", at);
        if (!types_agree(row, property))
            fail_msg("%s has another type in the schema", at);
        if (required && ((row->flags & JSON_REQUIRED) != 0) != is_required(schema, row->key))
            fail_msg("%s is required in one of both only", at);
        check_description(property, at);
        count++;
        if (row->type == JSON_ARRAY)
            count += compare(row->table, member(property, "items"), at, false);
        else if (row->table)
            count += compare(row->table, property, at, true);
    }
    return count;
}

static void schemas_and_tables_have_the_same_fields(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(folders) * ARRAY_LEN(crds); i++) {
        const struct crd *crd = &crds[i % ARRAY_LEN(crds)];
        AUTO_JSON cJSON *json = load(folders[i / ARRAY_LEN(crds)], crd->file);
        const cJSON *schema = schema_of(json);
        check_description(schema, crd->file);
        count += compare(crd->table, schema, kind_name(crd->kind), true);
    }
    assert_in_range(count, 250, 1000); /* the walk went everywhere */
}

static void names_are_those_of_the_command_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(crds); i++) {
        AUTO_JSON cJSON *json = load(folders[0], crds[i].file);
        const char *plural = kind_plural(crds[i].kind);
        const cJSON *names = json_get(json, "spec.names");
        AUTO_FREE char *full = mem_printf("%s." API_GROUP, plural);
        assert_string_equal(json_get_string(json, "metadata.name"), full);
        assert_string_equal(json_get_string(names, "plural"), plural);
        assert_string_equal(json_get_string(names, "kind"), kind_name(crds[i].kind));
        assert_string_equal(
            cJSON_GetStringValue(cJSON_GetArrayItem(member(names, "shortNames"), 0)),
            kind_short_name(crds[i].kind));
        assert_string_equal(json_get_string(json, "spec.group"), API_GROUP);
    }
}

/* -- the same ranges and defaults -- */

/* Whether a ModuleDeployment with @value at @path ("spec.operationStrategy.batchCount") is accepted. */
static bool accepts(const char *path, double value)
{
    static const char *const text =
        "{\"metadata\":{\"name\":\"md\"},\"spec\":{\"baseDeploymentName\":\"stock\",\"template\":{"
        "\"spec\":{\"module\":{\"name\":\"p\",\"version\":\"1\",\"url\":\"http://h/p.jar\"}}}}}";
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, &err);
    cJSON *at = json;
    for (const char *dot; (dot = strchr(path, '.')); path = dot + 1) {
        AUTO_FREE char *key = mem_strndup(path, (size_t)(dot - path));
        cJSON *next = cJSON_GetObjectItemCaseSensitive(at, key);
        at = next ? next : cJSON_AddObjectToObject(at, key);
    }
    (void)cJSON_AddNumberToObject(at, path, value);
    AUTO(module_deployment_free_slot)
    struct module_deployment *md = module_deployment_read(json, JSON_UNKNOWN_REFUSE, &err);
    return md != NULL;
}

static void check_bound(const cJSON *schema, const char *name, int step, const char *path)
{
    const cJSON *bound = member(schema, name);
    if (!bound)
        return;
    if (!accepts(path, bound->valuedouble))
        fail_msg("%s: the %s of the schema, %g, is refused", path, name, bound->valuedouble);
    if (accepts(path, bound->valuedouble + step))
        fail_msg("%s: beyond the %s of the schema, %g, all is accepted", path, name,
                 bound->valuedouble);
}

/* Return: how many numbers have a range. */
static size_t check_ranges(const cJSON *schema, const char *path)
{
    size_t count = 0;
    const cJSON *property;
    cJSON_ArrayForEach(property, member(schema, "properties"))
    {
        AUTO_FREE char *at = mem_printf("%s.%s", path, property->string);
        check_bound(property, "minimum", -1, at);
        check_bound(property, "maximum", 1, at);
        count += member(property, "minimum") != NULL;
        count += check_ranges(property, at);
        if (has(property, "type", "integer") && !member(property, "minimum"))
            fail_msg("%s: has no range", at);
    }
    return count;
}

static void ranges_are_the_same(void **state)
{
    (void)state;
    AUTO_JSON cJSON *json = load(folders[0], crds[0].file);
    assert_in_range(check_ranges(json_get(schema_of(json), "properties.spec"), "spec"), 12, 100);
}

static void defaults_are_the_same(void **state)
{
    (void)state;
    static const char *const text =
        "{\"metadata\":{\"name\":\"md\"},\"spec\":{\"baseDeploymentName\":\"stock\","
        "\"templateRef\":{\"name\":\"t\"}}}";
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, &err);
    AUTO(module_deployment_free_slot)
    struct module_deployment *md = module_deployment_read(json, JSON_UNKNOWN_REFUSE, &err);
    assert_non_null(md);
    const struct {
        const char *path;
        int32_t value;
    } rows[] = {
        {"replicas.default", md->spec.replicas},
        {"revisionHistoryLimit.default", md->spec.revision_history_limit},
        {"progressDeadlineSeconds.default", md->spec.progress_deadline_seconds},
    };
    AUTO_JSON cJSON *crd = load(folders[0], crds[0].file);
    const cJSON *spec = json_get(schema_of(crd), "properties.spec.properties");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const cJSON *value = json_get(spec, rows[i].path);
        assert_true(cJSON_IsNumber(value));
        assert_int_equal(value->valueint, rows[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemas_and_tables_have_the_same_fields),
        cmocka_unit_test(names_are_those_of_the_command_line),
        cmocka_unit_test(ranges_are_the_same),
        cmocka_unit_test(defaults_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
