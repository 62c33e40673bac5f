/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_JSON_DIFFERENCE_H
#define KOUPLELESS_BASE_JSON_DIFFERENCE_H

#include "lib/base/json.h"

/**
 * json_difference() - the RFC 7396 merge patch that makes the object @before @after. Return: owned; NULL where they
 * are equal.
 */
cJSON *json_difference(const cJSON *before, const cJSON *after);

#endif
