/* The command line: one table of options and one parser for all subcommands of a program. */
#ifndef EXAMPLES_CLI_H
#define EXAMPLES_CLI_H

#include <stddef.h>
#include <stdint.h>

/* What a program ends with. */
typedef enum cli_exit {
  CLI_EXIT_OK = 0,
  /* The input was judged and the answer is no: a refused policy, a denied flow, a server that cannot start. */
  CLI_EXIT_NO = 1,
  /* The question could not be judged: a bad command line, an unreadable file, no memory. */
  CLI_EXIT_ERROR = 2
} cli_exit;

typedef enum cli_kind {
  CLI_FLAG,
  CLI_NUMBER,
  CLI_WORD,
  /* UTF-8. */
  CLI_TEXT,
  /* A file that the program itself opens. */
  CLI_PATH,
  /* ADDRESS:PORT. */
  CLI_ADDRESS,
  /* ADDRESS:PORT or unix:/PATH. */
  CLI_SOCKET,
  /* The same or NAME:PORT. */
  CLI_TARGET
} cli_kind;

/* Options of a program at most. */
enum { CLI_OPTIONS_MAX = 32 };

typedef struct cli_option {
  /* The index of its value in cli_args, below CLI_OPTIONS_MAX. */
  unsigned id;
  cli_kind kind;
  /* Which subcommands take it, by their bits. */
  unsigned commands;
  /* Without the two dashes; the variable PROGRAM_NAME is made from it. */
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
  const char *text[CLI_OPTIONS_MAX];
  /* Value of each CLI_NUMBER option. */
  uint32_t number[CLI_OPTIONS_MAX];
  /* 1: the value came from the environment. */
  unsigned char is_variable[CLI_OPTIONS_MAX];
} cli_args;

typedef struct cli_command {
  /* "" for a program without subcommands. */
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

typedef struct cli_program {
  const char *name;
  /* In the order in which the help shows them. */
  const cli_option *options;
  size_t option_count;
} cli_program;

/* Each program defines its own. */
extern const cli_program cli_this_program;

/* Reads argv after the name of the program or subcommand. 0: run it; 1: help was asked for; else -1, and stderr says
 * what to do. */
int cli_parse(cli_args *out, const cli_command *command, int argc, char **argv);

const cli_option *cli_option_of(unsigned id);

/* Says on stderr that the value of option `id` is wrong, where it came from, and `what` is wrong with it. Returns -1.
 */
int cli_refuse(const cli_args *args, unsigned id, const char *what);

/* Prints the help of a program or subcommand to stdout. */
void cli_help(const cli_command *command);

/* Prints text in lines of at most 80 columns, each after `indent` blanks; a newline in it starts a paragraph. */
void cli_wrap(int indent, const char *text);

#endif
