/* Whether a word of the command line or the environment is what its option takes. */
#ifndef EXAMPLES_VALUE_H
#define EXAMPLES_VALUE_H

#include "cli.h"

enum {
  VALUE_SHOWN_BYTES = 80,                     /* of a value, in a message: enough to find it */
  VALUE_FAULT_BYTES = VALUE_SHOWN_BYTES + 256 /* such a value, and what to write instead */
};

/* Judges `value` for `option`. 0; or -1 and the fault, a line without its end. *number is set for a CLI_NUMBER. */
int value_judge(char fault[VALUE_FAULT_BYTES], uint32_t *number, const cli_option *option, const char *value);

/* `text` as a message may show it: one line, cut where it is long. Returns `out`. */
const char *value_shown(char out[VALUE_SHOWN_BYTES], const char *text);

#endif
