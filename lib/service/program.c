/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/service/program.h"

#include <stdio.h>

static int run(const struct service_program *program)
{
    AUTO_ERR struct err *err = NULL;
    int status = 0;
    if (program->start(program->process, program->arguments, &err) == 0)
        service_run(program->service);
    else
        status = service_fail(program->usage->program, err);
    program->stop(program->process);
    return status;
}

int service_main(const struct service_program *program, int argc, char *argv[])
{
    int operands = 0;
    enum options_result parsed = options_parse(program->specs, program->usage, argc, argv, false,
                                               program->arguments, &operands);
    if (parsed == OPTIONS_RUN && operands < argc) {
        fprintf(stderr, "%s: %s: takes no operands\n", program->usage->program, argv[operands]);
        parsed = OPTIONS_EXIT_USAGE;
    }
    int status = parsed == OPTIONS_RUN ? run(program) : parsed == OPTIONS_EXIT_OK ? 0 : 2;
    options_done(program->specs, program->arguments);
    return status;
}
