/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SERVICE_PROGRAM_H
#define KOUPLELESS_SERVICE_PROGRAM_H

#include "lib/service/service.h"

/* A main program: options, then start, the loop until a signal, stop. */
struct service_program {
    const struct option_spec *specs;
    const struct options_usage *usage;
    void *arguments; /* zeroed struct that the specs fill; borrowed by start() for the whole life */
    struct service *service; /* that start() inits */
    void *process;           /* for start() and stop() */
    int (*start)(void *process, const void *arguments, struct err **err);
    void (*stop)(
        void *process); /* also after a start() that failed half-way; ends with service_done() */
};

/** service_main() - Return: for main: 0, 1 where it failed, 2 where it was called wrongly. */
int service_main(const struct service_program *program, int argc, char *argv[]);

#endif
