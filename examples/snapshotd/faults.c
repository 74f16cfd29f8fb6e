#include "faults.h"
#include "json_text.h"

#include <stdarg.h>
#include <stdint.h>

void faults_begin(faults *self, FILE *out) {
  *self = (faults){.out = out};
  fputs("{\"errors\": [", out);
}

void faults_end(faults *self) {
  if (self->count > FAULTS_TOLD_MAX)
    fprintf(self->out, ",\n  {\"message\": \"and %zu more\"}", self->count - FAULTS_TOLD_MAX);
  fputs("]}\n", self->out);
}

static void add(faults *self, uint32_t line, uint32_t column, const char *message) {
  if (++self->count > FAULTS_TOLD_MAX)
    return;
  fputs(self->count > 1 ? ",\n  {" : "\n  {", self->out);
  if (line > 0)
    fprintf(self->out, "\"line\": %u, \"column\": %u, ", line, column);
  fputs("\"message\": ", self->out);
  json_put_quoted(self->out, message);
  putc('}', self->out);
}

void faults_add(faults *self, const egress_value *value, const char *format, ...) {
  char message[1024]; /* a name of 255 bytes and what is wrong with it */
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  add(self, egress_value_line(value), egress_value_column(value), message);
}

void faults_add_diag(faults *self, const egress_diag *diag) {
  for (size_t i = 0; i < egress_diag_count(diag); i++)
    if (egress_diag_severity(diag, i) == EGRESS_ERROR)
      add(self, egress_diag_line(diag, i), egress_diag_column(diag, i), egress_diag_message(diag, i));
}

void faults_only(FILE *out, const char *message) {
  faults self;
  faults_begin(&self, out);
  faults_add(&self, NULL, "%s", message);
  faults_end(&self);
}
