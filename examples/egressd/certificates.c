#include "certificates.h"
#include "text_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PEM_MAX_BYTES = 1 << 20 /* far more than any chain of certificates */ };

static const cli_id files[CERTIFICATES_FILES] = {CLI_TLS_CERT, CLI_TLS_KEY, CLI_TLS_CLIENT_CA};

const char *certificates_path(const cli_args *args, unsigned index) {
  return args->text[files[index]];
}

/* Returns what is wrong; NULL: nothing, `*out` is the caller's. */
static const char *read_pem(char **out, const char *path) {
  char *text = text_file_read(path, PEM_MAX_BYTES);
  if (text == NULL)
    return errno == EFBIG    ? "larger than 1 MiB, which no certificate is"
           : errno == EINVAL ? "is not PEM text"
                             : strerror(errno);
  if (text[0] == '\0') {
    free(text);
    return "is empty";
  }
  *out = text;
  return NULL;
}

int certificates_read(certificates *out, const cli_args *args, const char **path, const char **fault) {
  certificates got = {{NULL}};
  for (unsigned i = 0; i < CERTIFICATES_FILES; i++) {
    const char *from = certificates_path(args, i);
    const char *what = from != NULL ? read_pem(&got.texts[i], from) : NULL;
    if (what == NULL)
      continue;
    certificates_dispose(&got);
    *path = from;
    *fault = what;
    return -1;
  }
  *out = got;
  return 0;
}

int certificates_same(const certificates *a, const certificates *b) {
  for (unsigned i = 0; i < CERTIFICATES_FILES; i++) {
    const char *mine = a->texts[i], *theirs = b->texts[i];
    if ((mine == NULL) != (theirs == NULL) || (mine != NULL && strcmp(mine, theirs) != 0))
      return 0;
  }
  return 1;
}

void certificates_show(const certificates *self, egress_listen_options *options) {
  options->tls_cert = self->texts[0];
  options->tls_key = self->texts[1];
  options->tls_client_ca = self->texts[2];
}

/* Not even freed memory keeps a private key. */
void certificates_dispose(certificates *self) {
  for (unsigned i = 0; i < CERTIFICATES_FILES; i++) {
    if (self->texts[i] != NULL)
      explicit_bzero(self->texts[i], strlen(self->texts[i]));
    free(self->texts[i]);
    self->texts[i] = NULL;
  }
}
