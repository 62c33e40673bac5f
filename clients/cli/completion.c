/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts for shells, made from the table of commands. No shell asks the server while somebody types. */
#include "clients/cli/completion.h"

#include <stdio.h>

#include "clients/cli/commands.h"
#include "lib/base/limits.h"

#define SCRIPT_MAX LIMIT_KIB(256)

/* The short name of an option is left out: nobody completes one letter. */
static void add_options(struct str *out, const struct command *command, const char *before)
{
    AUTO_FREE struct option_spec *specs = command_options(command);
    for (const struct option_spec *spec = specs; spec->name; spec++)
        str_printf(out, "%s--%s", before, spec->name);
    str_printf(out, "%s--help", before);
}

/* What the first operand may be, or nothing. */
static void add_operands(struct str *out, const struct command *command)
{
    size_t count;
    const struct cli_kind *kinds = kind_all(&count);
    for (size_t i = 0; command->takes_kind && i < count; i++)
        str_printf(out, " %s", kind_plural(kinds[i].kind));
    for (const char *const *word = command->words; word && *word; word++)
        str_printf(out, " %s", *word);
}

static void add_command_names(struct str *out)
{
    size_t count;
    const struct command *const *all = commands(&count);
    for (size_t i = 0; i < count; i++)
        str_printf(out, " %s", all[i]->name);
}

/* -- bash -- */

static void write_bash(struct str *out)
{
    size_t count;
    const struct command *const *all = commands(&count);
    str_add(out,
            "# bash completion for koupleless\n"
            "_koupleless() {\n"
            "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
            "    local word command= words= options=\n"
            "    case $previous in\n"
            "        -f|--file|--config|--tls-cert|--tls-key|--tls-ca)\n"
            "            COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
            "        -o|--output)\n"
            "            COMPREPLY=($(compgen -W \"table wide json yaml name\" -- \"$current\"))\n"
            "            return ;;\n"
            "    esac\n"
            "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
            "        case $word in\n");
    for (size_t i = 0; i < count; i++)
        str_printf(out, "%s%s", i ? "|" : "            ", all[i]->name);
    str_add(out, ") command=$word; break ;;\n"
                 "        esac\n"
                 "    done\n"
                 "    case $command in\n");
    for (size_t i = 0; i < count; i++) {
        str_printf(out, "        %s) words=\"", all[i]->name);
        add_operands(out, all[i]);
        str_add(out, "\" options=\"");
        add_options(out, all[i], " ");
        str_add(out, "\" ;;\n");
    }
    str_add(out, "        *) words=\"");
    add_command_names(out);
    str_add(out, "\" options=\"");
    add_options(out, NULL, " ");
    str_add(out, "\" ;;\n"
                 "    esac\n"
                 "    [[ $current == -* ]] && words=$options\n"
                 "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                 "}\n"
                 "complete -F _koupleless koupleless\n");
}

/* -- zsh -- */

static void write_zsh(struct str *out)
{
    size_t count;
    const struct command *const *all = commands(&count);
    str_add(out, "#compdef koupleless\n"
                 "_koupleless() {\n"
                 "    local word command= i\n"
                 "    local -a names values\n"
                 "    case ${words[CURRENT-1]} in\n"
                 "        -f|--file|--config|--tls-cert|--tls-key|--tls-ca) _files; return ;;\n"
                 "        -o|--output) compadd table wide json yaml name; return ;;\n"
                 "    esac\n"
                 "    names=(\n");
    for (size_t i = 0; i < count; i++)
        str_printf(out, "        '%s:%s'\n", all[i]->name, all[i]->summary);
    str_add(out, "    )\n"
                 "    for ((i = 2; i < CURRENT; i++)); do\n"
                 "        word=${words[i]}\n"
                 "        [[ -n ${names[(r)$word:*]} ]] && { command=$word; break }\n"
                 "    done\n"
                 "    case $command in\n");
    for (size_t i = 0; i < count; i++) {
        str_printf(out, "        %s) values=(", all[i]->name);
        add_options(out, all[i], " ");
        add_operands(out, all[i]);
        str_add(out, ") ;;\n");
    }
    str_add(out, "        *) values=(");
    add_options(out, NULL, " ");
    str_add(out,
            "); _describe command names ;;\n"
            "    esac\n"
            "    compadd -- $values\n"
            "}\n"
            "if [[ $funcstack[1] == _koupleless ]]; then _koupleless; else compdef _koupleless "
            "koupleless; fi\n");
}

/* -- fish -- */

static void add_fish_options(struct str *out, const struct option_spec *specs,
                             const char *condition)
{
    for (; specs && specs->name; specs++) {
        str_printf(out, "complete -c koupleless%s -l %s", condition, specs->name);
        if (specs->short_name)
            str_printf(out, " -s %c", specs->short_name);
        str_printf(out, "%s -d '%s'\n", specs->value ? " -r" : "", specs->help);
    }
}

static void write_fish(struct str *out)
{
    size_t count;
    const struct command *const *all = commands(&count);
    str_add(out, "# fish completion for koupleless\n"
                 "complete -c koupleless -f\n");
    add_fish_options(out, cli_option_specs, "");
    for (size_t i = 0; i < count; i++) {
        const struct command *command = all[i];
        AUTO_FREE char *condition =
            mem_printf(" -n '__fish_seen_subcommand_from %s'", command->name);
        AUTO_STR struct str operands = STR_INIT(SCRIPT_MAX);
        str_printf(out, "complete -c koupleless -n __fish_use_subcommand -a %s -d '%s'\n",
                   command->name, command->summary);
        add_operands(&operands, command);
        if (operands.len)
            str_printf(out, "complete -c koupleless%s -a '%s'\n", condition,
                       str_text(&operands) + 1);
        add_fish_options(out, command->options, condition);
    }
}

/* -- the command -- */

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

int completion_write(const char *shell, struct str *out, struct err **err)
{
    if (str_eq(shell, "bash"))
        write_bash(out);
    else if (str_eq(shell, "zsh"))
        write_zsh(out);
    else if (str_eq(shell, "fish"))
        write_fish(out);
    else
        return cli_usage(err, "completion: the shell is bash, zsh or fish, not \"%.100s\"", shell);
    return 0;
}

static int run(struct cli *cli, const void *options, char *operands[], int count, struct err **err)
{
    (void)cli;
    (void)options;
    (void)count;
    AUTO_STR struct str out = STR_INIT(SCRIPT_MAX);
    if (completion_write(operands[0], &out, err) < 0)
        return -1;
    fputs(str_text(&out), stdout);
    return 0;
}

const struct command completion_command = {
    .name = "completion",
    .synopsis = "bash|zsh|fish",
    .summary = "print a script that completes commands in a shell",
    .about = "Prints a script for a shell:\n"
             "  bash: source <(koupleless completion bash)\n"
             "  zsh:  source <(koupleless completion zsh)\n"
             "  fish: koupleless completion fish | source",
    .options_size = sizeof(struct cli_options),
    .operands_min = 1,
    .operands_max = 1,
    .words = shells,
    .run = run,
};
