/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "lib/model/model_internal.h"
#include "lib/model/module.h"

static const struct json_field template_meta_fields[] = {
    JSON_FIELD(struct template_meta, "labels", JSON_STRING_MAP, labels, 0),
    JSON_FIELD(struct template_meta, "annotations", JSON_STRING_MAP, annotations, 0),
    JSON_END,
};

const struct json_field module_template_spec_fields[] = {
    JSON_FIELD_OBJECT(struct module_template_spec, "module", module, module_spec_fields,
                      JSON_REQUIRED),
    JSON_FIELD(struct module_template_spec, "baseSelector", JSON_STRING_MAP, base_selector, 0),
    JSON_END,
};

const struct json_field model__template_body_fields[] = {
    JSON_FIELD_OBJECT(struct module_template_spec, "metadata", meta, template_meta_fields, 0),
    MODEL_FIELD_SAME("spec", module_template_spec_fields, JSON_REQUIRED),
    JSON_END,
};

const struct json_field module_template_fields[] = {
    JSON_FIELD_OBJECT(struct module_template, "metadata", meta, object_meta_fields, JSON_REQUIRED),
    JSON_FIELD_OBJECT(struct module_template, "spec", spec, module_template_spec_fields, 0),
    JSON_FIELD_OBJECT(struct module_template, "template", spec, model__template_body_fields,
                      JSON_ALIAS),
    JSON_END,
};

static const struct object_layout layout = {KIND_MODULE_TEMPLATE, module_template_fields,
                                            sizeof(struct module_template)};

/* The two shapes fill one struct, so only one of them may be there. */
static int check_shape(const cJSON *json, struct err **err)
{
    bool spec = cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(json, "spec"));
    bool template = cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(json, "template"));
    if (spec && template)
        return err_field(err, "template", "must not stand beside spec");
    if (!spec && !template)
        return err_field(err, "spec", "is required");
    return 0;
}

/* The stamp stands where the shape has room for it: beside the template, or on the object itself. */
static void take_restart(struct module_template *template)
{
    const char *stamp = json_map_get(&template->meta.annotations, ANNOTATION_RESTARTED_AT);
    if (stamp)
        json_map_set(&template->spec.meta.annotations, ANNOTATION_RESTARTED_AT, stamp);
}

struct module_template *module_template_read(const cJSON *json, enum json_unknown unknown,
                                             struct err **err)
{
    if (check_shape(json, err) < 0)
        return NULL;
    struct module_template *template = object__read(&layout, json, unknown, err);
    if (!template)
        return NULL;
    take_restart(template);
    if (module_spec_check(&template->spec.module, "spec.module", err) == 0 &&
        labels_check(&template->spec.base_selector, "spec.baseSelector", err) == 0)
        return template;
    module_template_free(template);
    return NULL;
}

cJSON *module_template_write(const struct module_template *template)
{
    return object__write(&layout, template);
}

void module_template_free(struct module_template *template)
{
    object__free(&layout, template);
}
