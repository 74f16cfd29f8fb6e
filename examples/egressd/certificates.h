/* The PEM files of --tls-cert, --tls-key and --tls-client-ca. */
#ifndef EGRESSD_CERTIFICATES_H
#define EGRESSD_CERTIFICATES_H

#include "options.h"

#include <egress/egress.h>

enum { CERTIFICATES_FILES = 3 };

typedef struct certificates {
  char *texts[CERTIFICATES_FILES]; /* NULL: the option was not given */
} certificates;

/* Path of each file, in the order of the texts; NULL: the option was not given. */
const char *certificates_path(const cli_args *args, unsigned index);

/* Reads all that were given. 0; or -1 with the path and what is wrong with it, `out` is then as before. */
int certificates_read(certificates *out, const cli_args *args, const char **path, const char **fault);

int certificates_same(const certificates *a, const certificates *b);

/* Lends the texts to `options`. */
void certificates_show(const certificates *self, egress_listen_options *options);

/* Wipes and frees; all zero is allowed. */
void certificates_dispose(certificates *self);

#endif
