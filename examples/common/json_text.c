#include "json_text.h"
#include "utf8.h"

void json_put_quoted(FILE *file, const char *value) {
  putc('"', file);
  for (const unsigned char *at = (const unsigned char *)value; *at != '\0';) {
    size_t size = utf8_size((const char *)at);
    if (size == 0)
      fputs("\\ufffd", file);
    else if (utf8_control((const char *)at) != 0)
      fprintf(file, "\\u%04x", (unsigned)utf8_control((const char *)at));
    else if (*at == '"' || *at == '\\')
      fprintf(file, "\\%c", *at);
    else
      fwrite(at, 1, size, file);
    at += size > 0 ? size : 1;
  }
  putc('"', file);
}
