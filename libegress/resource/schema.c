#include "resource/schema.h"

#include <string.h>

const char *egress__schema_text(uint32_t offset) {
  return egress__schema_pool + offset;
}

/* As strcmp, of a text that has no NUL behind it; one inside it makes it differ from every name. */
static int compare(const char *text, size_t size, uint32_t offset) {
  const char *name = egress__schema_text(offset);
  size_t name_size = strlen(name);
  int rv = memcmp(text, name, size < name_size ? size : name_size);
  return rv != 0 ? rv : (size > name_size) - (size < name_size);
}

const egress__schema_message *egress__schema_message_find(const char *name, size_t size) {
  size_t from = 0, to = egress__schema_message_count;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    int order = compare(name, size, egress__schema_messages[middle].name);
    if (order == 0)
      return &egress__schema_messages[middle];
    if (order > 0)
      from = middle + 1;
    else
      to = middle;
  }
  return NULL;
}

const egress__schema_message *egress__schema_message_of_url(const char *type_url, size_t size) {
  size_t from = size;
  while (from > 0 && type_url[from - 1] != '/')
    from--;
  return egress__schema_message_find(type_url + from, size - from);
}

const egress__schema_field *egress__schema_field_by_number(const egress__schema_message *message, uint32_t number) {
  const egress__schema_field *fields = &egress__schema_fields[message->first_field];
  size_t from = 0, to = message->field_count;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (fields[middle].number == number)
      return &fields[middle];
    if (fields[middle].number < number)
      from = middle + 1;
    else
      to = middle;
  }
  return NULL;
}

const egress__schema_field *egress__schema_field_by_name(const egress__schema_message *message, const char *name,
                                                         size_t size) {
  const egress__schema_field *fields = &egress__schema_fields[message->first_field];
  for (size_t i = 0; i < message->field_count; i++)
    if (compare(name, size, fields[i].json_name) == 0 || compare(name, size, fields[i].name) == 0)
      return &fields[i];
  return NULL;
}

const egress__schema_message *egress__schema_field_message(const egress__schema_field *field) {
  return &egress__schema_messages[field->target];
}

const egress__schema_enum *egress__schema_field_enum(const egress__schema_field *field) {
  return &egress__schema_enums[field->target];
}

const egress__schema_value *egress__schema_value_by_number(const egress__schema_enum *type, int32_t number) {
  const egress__schema_value *values = &egress__schema_values[type->first_value];
  size_t from = 0, to = type->value_count;
  while (from < to) { /* lower bound: aliases stand behind the first of their number */
    size_t middle = from + (to - from) / 2;
    if (values[middle].number < number)
      from = middle + 1;
    else
      to = middle;
  }
  return from < type->value_count && values[from].number == number ? &values[from] : NULL;
}

const egress__schema_value *egress__schema_value_by_name(const egress__schema_enum *type, const char *name,
                                                         size_t size) {
  const egress__schema_value *values = &egress__schema_values[type->first_value];
  for (size_t i = 0; i < type->value_count; i++)
    if (compare(name, size, values[i].name) == 0)
      return &values[i];
  return NULL;
}
