/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_COMMAND_H
#define KOUPLELESS_CLI_COMMAND_H

#include "clients/cli/cli.h"
#include "lib/base/options.h"

/*
 * A command of the command line. The table of them is all that knows them: help, completion and the
 * suggestions for mistyped names are made from it.
 */
struct command {
    const char *name;
    const char *synopsis; /* after the name: "KIND [NAME]" */
    const char *summary;  /* one line for the list of commands, lower case, no full stop */
    const char *about;    /* paragraphs for its own --help */
    const struct option_spec *options; /* its own rows; the common ones come first. NULL: none */
    size_t options_size; /* of its struct of options, whose first member is struct cli_options */
    int operands_min, operands_max;
    bool takes_kind;          /* the first operand is a kind; for completion */
    const char *const *words; /* what the first operand may be, NULL ends it; or NULL */

    /**
     * run() - does it; 0, or -1 with @err (a cli_usage() error is exit 2, others exit 1)
     * @options: the struct of options
     */
    int (*run)(struct cli *cli, const void *options, char *operands[], int count, struct err **err);
};

/** COMMAND_OPTION_FILE() - the row of -f for @options, a struct with the member `char *file`. */
#define COMMAND_OPTION_FILE(options, help_)                                                        \
    {                                                                                              \
        .name = "file", .short_name = 'f', .type = OPTION_STRING,                                  \
        .offset = offsetof(options, file), .value = "FILE|DIR|-", .help = (help_)                  \
    }

/** commands() - all, in the order of --help. */
const struct command *const *commands(size_t *ret_count);

/** command_find() - by name; NULL with a cli_usage() error that names the nearest. */
const struct command *command_find(const char *name, struct err **err);

/** command_options() - the common rows and those of @command as one table, owned (mem_free()). @command may be NULL. */
struct option_spec *command_options(const struct command *command);

#endif
