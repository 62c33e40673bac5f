/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "lib/model/module_deployment.h"

#define HASH_LETTERS 10

/* One part of what is hashed; its length goes first, so that parts can't be shifted into each other. */
static void add_part(struct str *text, const char *part)
{
    str_printf(text, "%zu:%s", part ? strlen(part) : 0, part ? part : "");
}

/* The case of hexadecimal digits says nothing. */
static void add_digest(struct str *text, const char *digest)
{
    AUTO_FREE char *lower = str_lower(digest ? digest : "");
    add_part(text, lower);
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const struct json_pair *const *)a)->key,
                  (*(const struct json_pair *const *)b)->key);
}

/* Labels in order of their keys: a map has no order of its own. */
static void add_labels(struct str *text, const struct json_map *labels)
{
    const struct json_pair **sorted = mem_alloc(labels->len * sizeof(struct json_pair *));
    for (size_t i = 0; i < labels->len; i++)
        sorted[i] = &labels->items[i];
    if (labels->len)
        qsort(sorted, labels->len, sizeof(struct json_pair *), by_key);
    for (size_t i = 0; i < labels->len; i++) {
        add_part(text, sorted[i]->key);
        add_part(text, sorted[i]->value);
    }
    mem_free(sorted);
}

const char *template_restart(const struct module_template_spec *template)
{
    const char *stamp = json_map_get(&template->meta.annotations, ANNOTATION_RESTARTED_AT);
    return str_empty(stamp) ? NULL : stamp;
}

char *template_hash(const struct module_template_spec *template, const char *also)
{
    struct str text = STR_INIT(SIZE_MAX / 2);
    add_part(&text, template->module.name);
    add_part(&text, template->module.version);
    add_digest(&text, template->module.md5);
    add_digest(&text, template->module.sha256);
    add_part(&text, also);
    add_labels(&text, &template->base_selector);
    if (template_restart(template)) /* one part: it can't be taken for a label, which is two */
        add_part(&text, template_restart(template));

    /* No vowels, and no digits that look like letters: a name must not spell a word. */
    static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
    uint64_t hash = str_hash(str_text(&text), text.len);
    char *out = mem_alloc(HASH_LETTERS + 1);
    for (int i = 0; i < HASH_LETTERS; i++) {
        out[i] = letters[hash % (sizeof(letters) - 1)];
        hash /= sizeof(letters) - 1;
    }
    str_done(&text);
    return out;
}
