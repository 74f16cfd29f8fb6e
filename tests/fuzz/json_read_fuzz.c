/* The first byte says JSON or YAML; what is read is printed, and the print read again: to the same bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>
#include <egress/resource.h>

static void fail(const char *what, int rv) {
  fprintf(stderr, "%s: %s\n", what, egress_code_name(rv));
  abort();
}

/* Each refusal is explained, and nothing else is. */
static void check_diag(const egress_diag *diag, int rv) {
  if (rv != 0 && rv != EGRESS_ESYNTAX && rv != EGRESS_ERESOURCE && rv != EGRESS_ELIMIT)
    fail("read", rv);
  if ((rv == 0) != (egress_diag_count(diag) == 0))
    fail("diagnostics", rv);
  for (size_t i = 0; i < egress_diag_count(diag); i++)
    if (egress_diag_line(diag, i) == 0 || egress_diag_column(diag, i) == 0 || egress_diag_message(diag, i)[0] == '\0')
      fail("diagnostic without a place or text", rv);
}

static void check_again(const egress_resource *r) {
  egress_text *text;
  egress_resource *again;
  egress_resource_options options = EGRESS_RESOURCE_OPTIONS_INIT;
  options.name = "n";
  int rv = egress_resource_json(&text, r);
  if (rv != 0)
    fail("print", rv);
  rv = egress_resource_from_json(&again, egress_text_data(text), egress_text_size(text), &options, NULL);
  if (rv != 0)
    fail(egress_text_data(text), rv);
  if (strcmp(egress_resource_version(r), egress_resource_version(again)) != 0)
    fail(egress_text_data(text), rv);
  egress_resource_unref(again);
  egress_text_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  const char *text = (const char *)data + 1;
  egress_resource_options options = EGRESS_RESOURCE_OPTIONS_INIT;
  options.name = "n";
  egress_diag *diag = egress_diag_new(NULL);
  egress_resource *r = NULL;
  int rv = data[0] == 'y' ? egress_resource_from_yaml(&r, text, size - 1, &options, diag)
                          : egress_resource_from_json(&r, text, size - 1, &options, diag);
  check_diag(diag, rv);
  if (rv == 0)
    check_again(r);
  egress_resource_unref(r);
  egress_diag_free(diag);
  return 0;
}
