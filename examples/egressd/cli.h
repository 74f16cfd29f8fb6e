/* The command line: one table of options and one parser for all subcommands. */
#ifndef EGRESSD_CLI_H
#define EGRESSD_CLI_H

#include <stddef.h>
#include <stdint.h>

/* What egressd ends with. */
typedef enum cli_exit {
  CLI_EXIT_OK = 0,
  /* The input was judged and the answer is no: a refused policy, a denied flow, a server that cannot start. */
  CLI_EXIT_NO = 1,
  /* The question could not be judged: a bad command line, an unreadable file, no memory. */
  CLI_EXIT_ERROR = 2
} cli_exit;

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

typedef enum cli_kind {
  CLI_FLAG,
  CLI_NUMBER,
  CLI_WORD,
  /* UTF-8. */
  CLI_TEXT,
  /* A file that egressd itself opens. */
  CLI_PATH,
  /* ADDRESS:PORT. */
  CLI_ADDRESS,
  /* ADDRESS:PORT or unix:/PATH. */
  CLI_SOCKET,
  /* The same or NAME:PORT. */
  CLI_TARGET
} cli_kind;

/* Bits of cli_option.commands: which subcommands take the option. */
typedef enum cli_command_bit {
  CLI_SERVE = 1,
  CLI_BOOTSTRAP = 2,
  CLI_LINT = 4,
  CLI_CHECK = 8,
  CLI_DUMP = 16
} cli_command_bit;

typedef struct cli_option {
  cli_id id;
  cli_kind kind;
  unsigned commands;
  /* Without the two dashes; the variable EGRESSD_NAME is made from it. */
  const char *name;
  /* The value's shape, for the help; CLI_WORD: the words allowed, with | between them. */
  const char *value;
  /* What an option that is not given is; NULL: not set. */
  const char *fallback;
  /* CLI_NUMBER: the smallest and largest value. Addresses: `min` is the smallest port. CLI_TEXT: `max` is how many
   * bytes it may have; 0: any. */
  uint32_t min, max;
  const char *help;
} cli_option;

enum { CLI_OPERANDS_MAX = 3 };

struct cli_command;

typedef struct cli_args {
  const struct cli_command *command;
  const char *operands[CLI_OPERANDS_MAX];
  /* Value of each option as written; a flag that is set is "1"; NULL: not given and without a fallback. */
  const char *text[CLI_COUNT];
  /* Value of each CLI_NUMBER option. */
  uint32_t number[CLI_COUNT];
  /* 1: the value came from the environment. */
  unsigned char is_variable[CLI_COUNT];
} cli_args;

typedef struct cli_command {
  const char *name;
  unsigned bit;
  size_t operand_count;
  /* As the usage line shows them. */
  const char *operands;
  const char *summary;
  /* The long text of --help; a paragraph a line. */
  const char *text;
  int (*run)(const cli_args *args);
} cli_command;

/* Defined in options.c: `count` of them, in the order in which the help shows them. */
extern const cli_option cli_options[];
extern const size_t cli_option_count;

/* Reads argv after the subcommand's name. 0: run it; 1: help was asked for; else -1, and stderr says what to do. */
int cli_parse(cli_args *out, const cli_command *command, int argc, char **argv);

const cli_option *cli_option_of(cli_id id);

/* Says on stderr that the value of option `id` is wrong, where it came from, and `what` is wrong with it. Returns -1.
 */
int cli_refuse(const cli_args *args, cli_id id, const char *what);

/* Prints the help of one subcommand to stdout. */
void cli_help(const cli_command *command);

/* Prints text in lines of at most 80 columns, each after `indent` blanks; a newline in it starts a paragraph. */
void cli_wrap(int indent, const char *text);

#endif
