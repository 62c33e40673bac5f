/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_OUTPUT_H
#define KOUPLELESS_CLI_OUTPUT_H

#include "clients/cli/cli.h"
#include "clients/cli/table.h"

/** output_document() - @object as it stands in a file: with apiVersion and kind before the rest. Owned. */
cJSON *output_document(const struct cli_kind *kind, const cJSON *object);

/** output_json() - @json as JSON or YAML on stdout, as -o says. */
void output_json(const struct cli *cli, const cJSON *json);

/** output_object() - one object in the form of -o. */
void output_object(const struct cli *cli, const struct cli_kind *kind, const cJSON *object);

/** output_list() - an array of objects in the form of -o; JSON and YAML as a List. */
void output_list(const struct cli *cli, const struct cli_kind *kind, const cJSON *objects);

/** output_rows() - the array @objects in table or wide form; @table keeps widths between calls. @head: titles first. */
void output_rows(const struct cli *cli, const struct cli_kind *kind, struct table *table, bool head,
                 const cJSON *objects);

/** output_done() - "moduledeployment/NAME @done", or the changed object where -o asks for it. */
void output_done(const struct cli *cli, const struct cli_kind *kind, const cJSON *object,
                 const char *done);

#endif
