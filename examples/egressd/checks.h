/*
 * What the table of options cannot say: which of them go together. Each returns 0, or -1 after saying on stderr which
 * option is wrong and what to do.
 */
#ifndef EGRESSD_CHECKS_H
#define EGRESSD_CHECKS_H

#include "options.h"

/* --explicit and --sni, of `serve` and `dump`. */
int check_listeners(const cli_args *args);

/* --listen and what secures it. */
int check_server(const cli_args *args);

int check_bootstrap(const cli_args *args);

#endif
