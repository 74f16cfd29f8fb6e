#include "cli.h"
#include "value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_COLUMNS = 80, NAME_MAX_BYTES = 64 };

/* "egressd serve", or the program alone where it has no subcommands. */
static const char *title(char out[NAME_MAX_BYTES], const cli_command *command) {
  snprintf(out, NAME_MAX_BYTES, "%s%s%s", cli_this_program.name, *command->name != '\0' ? " " : "", command->name);
  return out;
}

/* `origin` says where the fault is: "--sni-port", "EGRESSD_SNI_PORT", a stray word; "" for the whole line. */
static int complain(const cli_command *command, const char *origin, const char *what) {
  char name[NAME_MAX_BYTES];
  fprintf(stderr, "%s: %s%s%s\nTry '%s --help'.\n", title(name, command), origin, *origin != '\0' ? ": " : "", what,
          name);
  return -1;
}

static const cli_option *find_option(const cli_command *command, const char *name, size_t size) {
  for (size_t i = 0; i < cli_this_program.option_count; i++) {
    const cli_option *option = &cli_this_program.options[i];
    if ((option->commands & command->bit) != 0 && strlen(option->name) == size && memcmp(option->name, name, size) == 0)
      return option;
  }
  return NULL;
}

/* The variable of an option: EGRESSD_SNI_PORT for sni-port. */
static void variable_name(char out[NAME_MAX_BYTES], const cli_option *option) {
  int size = snprintf(out, NAME_MAX_BYTES, "%s_%s", cli_this_program.name, option->name);
  for (int i = 0; i < size; i++)
    out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

/* Where the value of an option was written: "--sni-port" or "EGRESSD_SNI_PORT". */
static void origin_name(char out[NAME_MAX_BYTES], const cli_option *option, int is_variable) {
  if (is_variable)
    variable_name(out, option);
  else
    snprintf(out, NAME_MAX_BYTES, "--%s", option->name);
}

static int set_value(cli_args *args, const cli_option *option, const char *value, int is_variable) {
  char fault[VALUE_FAULT_BYTES], origin[NAME_MAX_BYTES];
  if (value_judge(fault, &args->number[option->id], option, value) != 0) {
    origin_name(origin, option, is_variable);
    return complain(args->command, origin, fault);
  }
  args->text[option->id] = value;
  args->is_variable[option->id] = (unsigned char)is_variable;
  return 0;
}

static int take_variable(cli_args *args, const cli_option *option) {
  char name[NAME_MAX_BYTES], what[VALUE_FAULT_BYTES], shown[VALUE_SHOWN_BYTES];
  variable_name(name, option);
  const char *value = getenv(name);
  if (value == NULL || *value == '\0' || (option->kind == CLI_FLAG && strcmp(value, "0") == 0))
    return 0;
  if (option->kind == CLI_FLAG && strcmp(value, "1") != 0) {
    snprintf(what, sizeof what, "'%s' is neither 1 nor 0", value_shown(shown, value));
    return complain(args->command, name, what);
  }
  return set_value(args, option, value, 1);
}

/* What the command line does not say comes from the environment, then from the table. */
static int fill_rest(cli_args *args) {
  for (size_t i = 0; i < cli_this_program.option_count; i++) {
    const cli_option *option = &cli_this_program.options[i];
    if ((option->commands & args->command->bit) == 0 || args->text[option->id] != NULL)
      continue;
    if (take_variable(args, option) != 0)
      return -1;
    if (args->text[option->id] == NULL && option->fallback != NULL && set_value(args, option, option->fallback, 0) != 0)
      return -1;
  }
  return 0;
}

/* The value of the option at argv[*at], which may be the argument after it; NULL after saying what is wrong. */
static const char *value_of(const cli_args *args, const cli_option *option, int argc, char **argv, int *at) {
  char origin[NAME_MAX_BYTES], what[VALUE_FAULT_BYTES], shown[VALUE_SHOWN_BYTES];
  const char *equals = strchr(argv[*at], '=');
  if (equals != NULL)
    return equals + 1;
  origin_name(origin, option, 0);
  if (*at + 1 >= argc)
    return complain(args->command, origin, "needs a value"), NULL;
  const char *value = argv[++*at];
  if (strncmp(value, "--", 2) != 0)
    return value;
  value_shown(shown, value);
  snprintf(what, sizeof what, "needs a value before '%s'; if that is the value, write %s=%s", shown, origin, shown);
  return complain(args->command, origin, what), NULL;
}

/* Takes argv[*at], an option, and its value; moves *at to the last argument used. */
static int take_option(cli_args *args, int argc, char **argv, int *at) {
  const char *written = argv[*at];
  const char *equals = strchr(written, '=');
  size_t size = equals != NULL ? (size_t)(equals - written) : strlen(written);
  char shown[VALUE_SHOWN_BYTES], origin[NAME_MAX_BYTES];
  const cli_option *option = size > 2 && written[1] == '-' ? find_option(args->command, written + 2, size - 2) : NULL;
  if (option == NULL)
    return complain(args->command, value_shown(shown, written), "no such option");
  origin_name(origin, option, 0);
  if (args->text[option->id] != NULL)
    return complain(args->command, origin, "given twice");
  if (option->kind == CLI_FLAG)
    return equals != NULL ? complain(args->command, origin, "takes no value") : set_value(args, option, "1", 0);
  const char *value = value_of(args, option, argc, argv, at);
  return value == NULL ? -1 : set_value(args, option, value, 0);
}

static int take_operand(cli_args *args, size_t *count, const char *written) {
  char shown[VALUE_SHOWN_BYTES];
  if (*count >= args->command->operand_count)
    return complain(args->command, value_shown(shown, written), "one argument too many");
  if (*written == '\0')
    return complain(args->command, "", "an argument is empty");
  args->operands[(*count)++] = written;
  return 0;
}

static int check_operands(const cli_command *command, size_t count) {
  char what[120];
  if (count == command->operand_count)
    return 0;
  snprintf(what, sizeof what, "needs %s", command->operands);
  return complain(command, "", what);
}

int cli_parse(cli_args *out, const cli_command *command, int argc, char **argv) {
  cli_args args = {.command = command};
  size_t count = 0;
  int options = 1;
  for (int i = 0; i < argc; i++) {
    if (options && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0))
      return 1;
    if (options && strcmp(argv[i], "--") == 0) {
      options = 0;
      continue;
    }
    int rv = options && argv[i][0] == '-' && argv[i][1] != '\0' ? take_option(&args, argc, argv, &i)
                                                                : take_operand(&args, &count, argv[i]);
    if (rv != 0)
      return rv;
  }
  int rv = check_operands(command, count);
  if (rv == 0)
    rv = fill_rest(&args);
  if (rv == 0)
    *out = args;
  return rv;
}

const cli_option *cli_option_of(unsigned id) {
  size_t i = 0;
  while (cli_this_program.options[i].id != id)
    i++; /* the table has them all */
  return &cli_this_program.options[i];
}

int cli_refuse(const cli_args *args, unsigned id, const char *what) {
  char origin[NAME_MAX_BYTES], shown[VALUE_SHOWN_BYTES], fault[VALUE_FAULT_BYTES];
  const char *value = args->text[id];
  origin_name(origin, cli_option_of(id), args->is_variable[id]);
  if (value == NULL)
    return complain(args->command, origin, what);
  snprintf(fault, sizeof fault, "'%s': %s", value_shown(shown, value), what);
  return complain(args->command, origin, fault);
}

void cli_wrap(int indent, const char *text) {
  int column = 0;
  while (*text != '\0') {
    size_t size = strcspn(text, " \n");
    if (column > 0 && column + 1 + (int)size > LINE_COLUMNS) {
      putchar('\n');
      column = 0;
    }
    column += column == 0 ? printf("%*s%.*s", indent, "", (int)size, text) : printf(" %.*s", (int)size, text);
    text += size;
    if (*text == '\n') {
      putchar('\n');
      column = 0;
    }
    text += *text != '\0';
  }
  putchar('\n');
}

static void help_option(const cli_option *option) {
  char name[NAME_MAX_BYTES];
  variable_name(name, option);
  printf("  --%s%s%s\n", option->name, option->value != NULL ? " " : "", option->value != NULL ? option->value : "");
  cli_wrap(6, option->help);
  if (option->fallback != NULL)
    printf("      Default: %s. Variable: %s.\n", option->fallback, name);
  else
    printf("      Variable: %s.\n", name);
}

void cli_help(const cli_command *command) {
  char name[NAME_MAX_BYTES];
  printf("Usage: %s [options]%s%s\n\n", title(name, command), command->operand_count > 0 ? " " : "", command->operands);
  cli_wrap(0, command->text);
  printf("\nOptions:\n");
  for (size_t i = 0; i < cli_this_program.option_count; i++) {
    if ((cli_this_program.options[i].commands & command->bit) != 0)
      help_option(&cli_this_program.options[i]);
  }
  printf("  --help\n      Prints this.\n\n");
  cli_wrap(0, "An option may also be set by its environment variable (a flag by 1 or 0; an empty one is not set); the "
              "command line wins. "
              "Long options take their value as --name VALUE or --name=VALUE.");
}
