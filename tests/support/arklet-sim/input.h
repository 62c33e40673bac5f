/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_INPUT_H
#define ARKLET_SIM_INPUT_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/*
 * Reading a command's input as fastjson binds it: keys match without regard to case, '_' and '-';
 * numbers become strings where a string is wanted; unknown keys are ignored.
 */

/** input_item() - the value at @key, or NULL; borrowed. */
const cJSON *input_item(const cJSON *input, const char *key);

/** input_text() - the string or number at @key, owned; NULL where it is absent. */
char *input_text(const cJSON *input, const char *key);

bool input_bool(const cJSON *input, const char *key);

/** input_blank() - absent, empty or white space only, as Arklet's StringUtils has it. */
bool input_blank(const cJSON *input, const char *key);

#endif
