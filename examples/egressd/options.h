/* The options of egressd: which there are, and which subcommands take them. */
#ifndef EGRESSD_OPTIONS_H
#define EGRESSD_OPTIONS_H

#include "cli.h"

/* Every option of every subcommand; the index of its value in cli_args. */
typedef enum cli_id {
  CLI_LISTEN,
  CLI_TLS_CERT,
  CLI_TLS_KEY,
  CLI_TLS_CLIENT_CA,
  CLI_INSECURE,
  CLI_GROUP,
  CLI_STATE,
  CLI_LOG_FORMAT,
  CLI_EXPLICIT,
  CLI_SNI,
  CLI_SNI_PORT,
  CLI_DNS,
  CLI_ACCESS_LOG,
  CLI_NAME_RULES,
  CLI_SKIP_UNSUPPORTED,
  CLI_NODE_ID,
  CLI_NODE_CLUSTER,
  CLI_CONTROL_PLANE,
  CLI_ADMIN,
  CLI_TLS_CA,
  CLI_TLS_NAME,
  CLI_CLIENT_CERT,
  CLI_CLIENT_KEY,
  CLI_KEEPALIVE_MS,
  CLI_XDS,
  CLI_DRAIN_TIME_S,
  CLI_PROTOCOL,
  CLI_COUNT
} cli_id;

/* Bits of cli_option.commands: which subcommands take the option. */
typedef enum cli_command_bit {
  CLI_SERVE = 1,
  CLI_BOOTSTRAP = 2,
  CLI_LINT = 4,
  CLI_CHECK = 8,
  CLI_DUMP = 16
} cli_command_bit;

#endif
