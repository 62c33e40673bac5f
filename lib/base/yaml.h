/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_YAML_H
#define KOUPLELESS_BASE_YAML_H

#include <stddef.h>

#include "lib/base/json.h"

/*
 * YAML in and out as JSON trees, by libyaml. Reads the YAML 1.2 core schema (so `yes` is a string),
 * plain scalars become numbers, booleans or null, quoted ones stay strings; .inf and .nan, which JSON
 * has not, are strings. Aliases are expanded up to LIMIT_YAML_NODES and LIMIT_YAML_TEXT, counted over
 * all documents. A number keeps its text in valuestring: "1.10" is for versions what 1.1 is not.
 */

/**
 * yaml_parse() - a stream of documents
 * @text, @len: the file; LIMIT_YAML_FILE and more is refused, so who reads that much has read enough
 * @ret_docs:   owned cJSON array, one item per non-empty document, in order
 *
 * Duplicate keys, tags, over-deep nesting and alias bombs are errors that name the line (bytes that are
 * no text: the byte). JSON is YAML.
 * Return: 0, or -1 with ERR_INVALID or ERR_LIMIT.
 */
int yaml_parse(const char *text, size_t len, cJSON **ret_docs, struct err **err);

/**
 * yaml_text() - @json as block-style YAML, owned
 *
 * Strings that would read as another type, here or in YAML 1.1 (`yes`, `0x1F`), are quoted. Bytes that
 * are not UTF-8 become U+FFFD.
 */
char *yaml_text(const cJSON *json);

#endif
