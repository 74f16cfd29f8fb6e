#include "cli.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_COLUMNS = 80, NAME_MAX_BYTES = 64 };

/* `origin` says where the fault is: "--sni-port", "EGRESSD_SNI_PORT", a stray word; "" for the whole line. */
static int complain(const cli_command *command, const char *origin, const char *what) {
  fprintf(stderr, "egressd %s: %s%s%s\nTry 'egressd %s --help'.\n", command->name, origin, *origin != '\0' ? ": " : "",
          what, command->name);
  return -1;
}

static const cli_option *find_option(const cli_command *command, const char *name, size_t size) {
  for (size_t i = 0; i < cli_option_count; i++) {
    const cli_option *option = &cli_options[i];
    if ((option->commands & command->bit) != 0 && strlen(option->name) == size && memcmp(option->name, name, size) == 0)
      return option;
  }
  return NULL;
}

static int read_number(uint32_t *out, const cli_command *command, const cli_option *option, const char *value,
                       const char *origin) {
  size_t digits = strspn(value, "0123456789");
  unsigned long long number = digits > 0 && digits <= 10 && value[digits] == '\0' ? strtoull(value, NULL, 10) : 0;
  if (digits == 0 || value[digits] != '\0' || number < option->min || number > option->max) {
    char what[160];
    snprintf(what, sizeof what, "'%.40s' is not a number from %u to %u", value, option->min, option->max);
    return complain(command, origin, what);
  }
  *out = (uint32_t)number;
  return 0;
}

static int is_word(const char *words, const char *value) {
  size_t size = strlen(value);
  for (const char *at = words; size > 0 && at != NULL; at = strchr(at, '|')) {
    at += *at == '|';
    if (strncmp(at, value, size) == 0 && (at[size] == '|' || at[size] == '\0'))
      return 1;
  }
  return 0;
}

static int set_value(cli_args *args, const cli_command *command, const cli_option *option, const char *value,
                     const char *origin) {
  char what[160];
  switch (option->kind) {
  case CLI_FLAG:
  case CLI_TEXT:
    if (*value == '\0')
      return complain(command, origin, "the value is empty; leave the option out instead");
    break;
  case CLI_NUMBER:
    if (read_number(&args->number[option->id], command, option, value, origin) != 0)
      return -1;
    break;
  case CLI_WORD:
    if (!is_word(option->value, value)) {
      snprintf(what, sizeof what, "'%.40s' is none of %s", value, option->value);
      return complain(command, origin, what);
    }
    break;
  }
  args->text[option->id] = value;
  return 0;
}

/* The variable of an option: EGRESSD_SNI_PORT for sni-port. */
static void variable_name(char out[NAME_MAX_BYTES], const cli_option *option) {
  int size = snprintf(out, NAME_MAX_BYTES, "EGRESSD_%s", option->name);
  for (int i = 0; i < size; i++)
    out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

static int take_variable(cli_args *args, const cli_command *command, const cli_option *option) {
  char name[NAME_MAX_BYTES];
  variable_name(name, option);
  const char *value = getenv(name);
  if (value == NULL || *value == '\0')
    return 0;
  if (option->kind == CLI_FLAG && strcmp(value, "0") == 0)
    return 0;
  if (option->kind == CLI_FLAG && strcmp(value, "1") != 0)
    return complain(command, name, "must be 0 or 1");
  return set_value(args, command, option, value, name);
}

/* What the command line does not say comes from the environment, then from the table. */
static int fill_rest(cli_args *args, const cli_command *command) {
  for (size_t i = 0; i < cli_option_count; i++) {
    const cli_option *option = &cli_options[i];
    if ((option->commands & command->bit) == 0 || args->text[option->id] != NULL)
      continue;
    if (take_variable(args, command, option) != 0)
      return -1;
    if (args->text[option->id] == NULL && option->fallback != NULL &&
        set_value(args, command, option, option->fallback, option->name) != 0)
      return -1;
  }
  return 0;
}

/* Takes argv[*at], an option, and its value; moves *at to the last argument used. */
static int take_option(cli_args *args, const cli_command *command, int argc, char **argv, int *at) {
  const char *written = argv[*at];
  const char *equals = strchr(written, '=');
  size_t size = equals != NULL ? (size_t)(equals - written) : strlen(written);
  char origin[NAME_MAX_BYTES];
  snprintf(origin, sizeof origin, "%.*s", size < sizeof origin ? (int)size : (int)sizeof origin - 1, written);
  const cli_option *option = size > 2 && written[1] == '-' ? find_option(command, written + 2, size - 2) : NULL;
  if (option == NULL)
    return complain(command, origin, "no such option");
  if (args->text[option->id] != NULL)
    return complain(command, origin, "given twice");
  if (option->kind == CLI_FLAG)
    return equals != NULL ? complain(command, origin, "takes no value") : set_value(args, command, option, "1", origin);
  if (equals == NULL && *at + 1 >= argc)
    return complain(command, origin, "needs a value");
  const char *value = equals != NULL ? equals + 1 : argv[++*at];
  return set_value(args, command, option, value, origin);
}

static int take_operand(cli_args *args, const cli_command *command, size_t *count, const char *written) {
  if (*count >= command->operand_count)
    return complain(command, written, "one argument too many");
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
  cli_args args = {0};
  size_t count = 0;
  int options = 1;
  for (int i = 0; i < argc; i++) {
    if (options && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0))
      return 1;
    if (options && strcmp(argv[i], "--") == 0) {
      options = 0;
      continue;
    }
    int rv = options && argv[i][0] == '-' && argv[i][1] != '\0' ? take_option(&args, command, argc, argv, &i)
                                                                : take_operand(&args, command, &count, argv[i]);
    if (rv != 0)
      return rv;
  }
  int rv = check_operands(command, count);
  if (rv == 0)
    rv = fill_rest(&args, command);
  if (rv == 0)
    *out = args;
  return rv;
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
  printf("Usage: egressd %s [options]%s%s\n\n", command->name, command->operand_count > 0 ? " " : "",
         command->operands);
  cli_wrap(0, command->text);
  printf("\nOptions:\n");
  for (size_t i = 0; i < cli_option_count; i++) {
    if ((cli_options[i].commands & command->bit) != 0)
      help_option(&cli_options[i]);
  }
  printf("  --help\n      Prints this.\n\n");
  cli_wrap(0, "An option may also be set by its environment variable (a flag by 1 or 0); the command line wins. "
              "Long options take their value as --name VALUE or --name=VALUE.");
}
