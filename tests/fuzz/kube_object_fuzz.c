/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects and lists as an API server sends them. What becomes a document is as good JSON as what came, and
 * says of the object what a parser finds there.
 */
#include "lib/base/assert.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/store/kubernetes/texts.h"
#include "tests/fuzz/fuzz.h"

static void read_object(struct span object)
{
    struct document document;
    AUTO_FREE char *memory = NULL;
    if (text_read(KIND_MODULE, object, &document, &memory, NULL) < 0)
        return;
    AUTO_JSON cJSON *came = json_parse(object.text, object.len, LIMIT_MIB(16), NULL);
    AUTO_JSON cJSON *made = json_parse(document.json, document.json_len, LIMIT_MIB(16), NULL);
    if (!came)
        return;
    ASSERT(made && !json_get(made, "metadata.managedFields"));
    ASSERT(str_eq(json_get_string(made, "kind"), "Module"));
    ASSERT(str_eq(json_get_string(came, "metadata.name"), document.name));
    ASSERT(str_eq(json_get_string(came, "metadata.resourceVersion"), document.resource_version));
    ASSERT(str_eq(json_get_string(made, "metadata.uid"), document.uid));
    ASSERT(str_eq(json_get_string(made, "metadata.namespace"), document.namespace));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size}, uid, item;
    struct text_list list;
    read_object(text);
    (void)text_version(text, &uid);
    (void)text_status_uid(text, &uid);
    if (text_read_list(text, &list, NULL) < 0)
        return 0;
    struct scan scan = scan_begin(list.items, '[');
    while (scan_item(&scan, &item))
        read_object(item);
    return 0;
}
