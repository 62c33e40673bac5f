/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koupleless: a command line for the public API of the controller. Common options may stand before
 * or after the command: the first pass finds the command, the second reads all options by its table.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/cli/commands.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

static int exit_code(enum options_result parsed)
{
    return parsed == OPTIONS_EXIT_USAGE ? 2 : 0;
}

static char *about_text(void)
{
    struct str text = STR_INIT(LIMIT_KIB(16));
    size_t count;
    const struct command *const *all = commands(&count);
    str_add(&text, "Declares modules, releases them on the bases, and shows what runs where.\n\n"
                   "Commands:");
    for (size_t i = 0; i < count; i++)
        str_printf(&text, "\n  %-12s %s", all[i]->name, all[i]->summary);
    str_add(&text, "\n\nCOMMAND --help tells more about a command.");
    return str_take(&text);
}

/* Whether all went out: a full disk behind `> file` is a failure. */
static int flush_output(int status, const char *program)
{
    if ((fflush(stdout) == 0 && !ferror(stdout)) || status)
        return status;
    fprintf(stderr, "%s: the output can't be written\n", program);
    return 1;
}

static int run_command(const char *program, const struct command *command, const void *options,
                       char *operands[], int count)
{
    AUTO_ERR struct err *err = NULL;
    struct cli cli;
    int result = cli_init(&cli, program, options, &err);
    if (result == 0 && count < command->operands_min)
        result = cli_usage(&err, "%s %s: operand missing", command->name, command->synopsis);
    else if (result == 0 && count > command->operands_max)
        result = cli_usage(&err, "%s: %.100s: one operand too many", command->name,
                           operands[command->operands_max]);
    if (result == 0)
        result = command->run(&cli, options, operands, count, &err);
    int status = result == 0 ? 0 : cli_report(program, err);
    cli_done(&cli);
    return flush_output(status, program);
}

/* @argv: without the command's own name, so that options may stand on both sides of it. */
static int parse_and_run(const char *program, const struct command *command, int argc, char *argv[])
{
    AUTO_FREE struct option_spec *specs = command_options(command);
    AUTO_FREE char *synopsis = mem_printf("%s %s", command->name, command->synopsis);
    struct options_usage usage = {program, synopsis, command->about};
    AUTO_FREE void *options = mem_alloc(command->options_size);
    int first = 0;
    enum options_result parsed =
        options_parse(specs, &usage, argc, argv, /* stop_at_operand= */ false, options, &first);
    int status = parsed == OPTIONS_RUN
                     ? run_command(program, command, options, argv + first, argc - first)
                     : exit_code(parsed);
    options_done(specs, options);
    return status;
}

static void remove_argument(int *argc, char *argv[], int at)
{
    memmove(argv + at, argv + at + 1, (size_t)(*argc - at) * sizeof(*argv));
    --*argc;
}

static const struct command *choose(const char *program, const char *name)
{
    AUTO_ERR struct err *err = NULL;
    const struct command *command = name ? command_find(name, &err) : NULL;
    if (!name)
        cli_usage(&err, "a command is missing; --help lists the commands");
    if (!command)
        cli_report(program, err);
    return command;
}

int main(int argc, char *argv[])
{
    const char *program = cli_program(argv[0]);
    AUTO_FREE char *about = about_text();
    struct options_usage usage = {program, "[options] COMMAND", about};
    struct cli_options common = {0};
    int first = 0;
    signal(SIGPIPE, SIG_DFL);
    unsetenv(
        "KOUPLELESS_CONFIG"); /* the file of a service, whose keys and certificates are not ours */
    enum options_result parsed = options_parse(cli_option_specs, &usage, argc, argv,
                                               /* stop_at_operand= */ true, &common, &first);
    options_done(cli_option_specs, &common);
    if (parsed != OPTIONS_RUN)
        return exit_code(parsed);
    const struct command *command = choose(program, argv[first]);
    if (!command)
        return 2;
    remove_argument(&argc, argv, first);
    return parse_and_run(program, command, argc, argv);
}
