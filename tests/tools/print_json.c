/*
 * Prints messages as JSON, for tests in another language. Standard input holds cases, one after the other:
 * uint32 size and type URL, uint32 size and message. For each, standard output gets int32 code, uint32 size and text.
 * All numbers are little-endian, which the machines that run this are.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <egress/error.h>
#include <egress/resource.h>

/* NUL behind it; NULL at the end of the input. */
static char *read_text(size_t *size) {
  uint32_t length;
  if (fread(&length, sizeof length, 1, stdin) != 1)
    return NULL;
  char *text = malloc((size_t)length + 1);
  if (text == NULL || fread(text, 1, length, stdin) != length) {
    free(text);
    return NULL;
  }
  text[length] = '\0';
  *size = length;
  return text;
}

static int print(const char *type_url, const char *bytes, size_t size) {
  egress_text *text = NULL;
  egress_resource *resource = NULL;
  int32_t rv = egress_resource_new(&resource, type_url, "name", bytes, size, NULL);
  if (rv == 0)
    rv = egress_resource_json(&text, resource);
  uint32_t length = (uint32_t)egress_text_size(text);
  int ok = fwrite(&rv, sizeof rv, 1, stdout) == 1 && fwrite(&length, sizeof length, 1, stdout) == 1 &&
           fwrite(egress_text_data(text), 1, length, stdout) == length;
  egress_text_free(text);
  egress_resource_unref(resource);
  return ok;
}

int main(void) {
  size_t url_size, size;
  char *type_url, *bytes;
  int ok = 1;
  while (ok && (type_url = read_text(&url_size)) != NULL) {
    bytes = read_text(&size);
    ok = bytes != NULL && print(type_url, bytes, size);
    free(bytes);
    free(type_url);
  }
  return ok ? 0 : 1;
}
