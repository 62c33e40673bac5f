/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_JSON_PRETTY_H
#define KOUPLELESS_CLI_JSON_PRETTY_H

#include "lib/base/json.h"
#include "lib/base/str.h"

/** json_pretty() - appends @json for people, as kubectl prints it: four blanks per level, no newline at the end. Pure. */
void json_pretty(const cJSON *json, struct str *out);

#endif
