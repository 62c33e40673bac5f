/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_MERGE_PATCH_H
#define KOUPLELESS_CONTROLLER_STORE_MERGE_PATCH_H

#include <stdbool.h>

#include "lib/base/json.h"

/**
 * merge_patch_member() - RFC 7396 merge patch of one member of an object; pure
 * @object: patched in place; members that stay keep their order
 * @key:    name of the member
 * @patch:  its patch: null removes it, an object is merged, anything else replaces it; borrowed
 *
 * Return: whether anything changed. Arrays are compared by their text.
 */
bool merge_patch_member(cJSON *object, const char *key, const cJSON *patch);

#endif
