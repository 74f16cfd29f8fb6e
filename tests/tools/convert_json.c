/*
 * Prints messages as JSON, and reads them from JSON or YAML, for tests in another language. Standard input holds cases,
 * one after the other: a letter, uint32 size and first text, uint32 size and second text. For each, standard output
 * gets int32 code, uint32 size and text. All numbers are little-endian, which the machines that run this are.
 *
 * p: type URL and packed message; gives JSON. j, y: name and JSON or YAML; gives the packed message, or the
 * diagnostics.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>
#include <egress/resource.h>

typedef struct input {
  char *text; /* NUL behind it; NULL at the end of the input */
  size_t size;
} input;

static input read_input(void) {
  uint32_t length;
  if (fread(&length, sizeof length, 1, stdin) != 1)
    return (input){NULL, 0};
  input in = {malloc((size_t)length + 1), length};
  if (in.text == NULL || fread(in.text, 1, length, stdin) != length) {
    free(in.text);
    return (input){NULL, 0};
  }
  in.text[length] = '\0';
  return in;
}

static int answer(int code, const void *bytes, size_t size) {
  int32_t rv = code;
  uint32_t length = (uint32_t)size;
  return fwrite(&rv, sizeof rv, 1, stdout) == 1 && fwrite(&length, sizeof length, 1, stdout) == 1 &&
         fwrite(bytes, 1, length, stdout) == length;
}

static int print(const input *type_url, const input *bytes) {
  egress_text *text = NULL;
  egress_resource *resource = NULL;
  int rv = egress_resource_new(&resource, type_url->text, "name", bytes->text, bytes->size, NULL);
  if (rv == 0)
    rv = egress_resource_json(&text, resource);
  int ok = answer(rv, egress_text_data(text), egress_text_size(text));
  egress_text_free(text);
  egress_resource_unref(resource);
  return ok;
}

typedef int from_text(egress_resource **out, const char *text, size_t size, const egress_resource_options *options,
                      egress_diag *diag);

static int read_text(const input *name, const input *text, from_text *from) {
  egress_resource_options options = EGRESS_RESOURCE_OPTIONS_INIT;
  options.name = name->text;
  egress_resource *resource = NULL;
  egress_diag *diag = egress_diag_new(NULL);
  if (diag == NULL)
    return 0;
  int rv = from(&resource, text->text, text->size, &options, diag), ok;
  if (rv == 0) {
    ok = answer(rv, egress_resource_bytes(resource), egress_resource_size(resource));
  } else {
    const char *said = egress_diag_text(diag);
    ok = answer(rv, said, strlen(said));
  }
  egress_resource_unref(resource);
  egress_diag_free(diag);
  return ok;
}

static int convert(int what, const input *first, const input *second) {
  switch (what) {
  case 'p':
    return print(first, second);
  case 'j':
    return read_text(first, second, egress_resource_from_json);
  case 'y':
    return read_text(first, second, egress_resource_from_yaml);
  default:
    return 0;
  }
}

int main(void) {
  int ok = 1;
  for (int what; ok && (what = getchar()) != EOF;) {
    input first = read_input(), second = read_input();
    ok = first.text != NULL && second.text != NULL && convert(what, &first, &second);
    free(second.text);
    free(first.text);
  }
  return ok ? 0 : 1;
}
