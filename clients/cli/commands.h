/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_COMMANDS_H
#define KOUPLELESS_CLI_COMMANDS_H

#include "clients/cli/command.h"

/* Each is in the file of its name; those that steer a release are in release.c. */
extern const struct command apply_command;
extern const struct command get_command;
extern const struct command describe_command;
extern const struct command delete_command;
extern const struct command scale_command;
extern const struct command restart_command;
extern const struct command undo_command;
extern const struct command history_command;
extern const struct command confirm_command;
extern const struct command pause_command;
extern const struct command resume_command;
extern const struct command abort_command;
extern const struct command status_command;
extern const struct command plan_command;
extern const struct command agent_command;
extern const struct command version_command;
extern const struct command completion_command;

#endif
