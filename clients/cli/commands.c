/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/commands.h"

#include <string.h>

#include "lib/base/str.h"

static const struct command *const table[] = {
    &apply_command,   &get_command,        &describe_command, &delete_command,  &scale_command,
    &restart_command, &undo_command,       &history_command,  &confirm_command, &pause_command,
    &resume_command,  &abort_command,      &status_command,   &plan_command,    &agent_command,
    &version_command, &completion_command,
};

const struct command *const *commands(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(table);
    return table;
}

const struct command *command_find(const char *name, struct err **err)
{
    const char *names[ARRAY_LEN(table)];
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        names[i] = table[i]->name;
        if (str_eq(names[i], name))
            return table[i];
    }
    const char *nearest = str_nearest(name, names, ARRAY_LEN(names));
    if (nearest)
        cli_usage(err, "command \"%.100s\" is not known; did you mean %s?", name, nearest);
    else
        cli_usage(err, "command \"%.100s\" is not known; --help lists the commands", name);
    return NULL;
}

static size_t count_specs(const struct option_spec *specs)
{
    size_t count = 0;
    while (specs && specs[count].name)
        count++;
    return count;
}

struct option_spec *command_options(const struct command *command)
{
    const struct option_spec *own = command ? command->options : NULL;
    size_t own_count = count_specs(own), common_count = count_specs(cli_option_specs);
    struct option_spec *all = mem_alloc((own_count + common_count + 1) * sizeof(*all));
    if (own_count)
        memcpy(all, own, own_count * sizeof(*all));
    memcpy(all + own_count, cli_option_specs, common_count * sizeof(*all));
    return all;
}
