/* Text as JSON writes it. */
#ifndef EXAMPLES_JSON_TEXT_H
#define EXAMPLES_JSON_TEXT_H

#include <stdio.h>

/* A quoted string; bytes that are not UTF-8 are replaced by U+FFFD. */
void json_put_quoted(FILE *file, const char *value);

#endif
