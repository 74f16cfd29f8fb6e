/* The subcommands. Each takes checked arguments and returns a cli_exit. */
#ifndef EGRESSD_COMMANDS_H
#define EGRESSD_COMMANDS_H

#include "options.h"

#include <egress/compile.h>

int command_serve(const cli_args *args);
int command_bootstrap(const cli_args *args);
int command_lint(const cli_args *args);
int command_check(const cli_args *args);
int command_dump(const cli_args *args);

/* The compile options that `serve` and `dump` share, from their command line. They borrow from `args`. */
egress_compile_options command_compile_options(const cli_args *args);

/* The exit code that goes with a refusal by the library: CLI_EXIT_NO for a judged input, else CLI_EXIT_ERROR. */
int command_exit(int rv);

/* Prints what `diag` holds to stderr, or what `rv` means where it holds nothing. */
void command_complain(int rv, egress_diag *diag);

#endif
