#include "compile/build.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>
#include <google/protobuf/any.pb-c.h>
#include <google/protobuf/duration.pb-c.h>
#include <google/protobuf/wrappers.pb-c.h>

void egress__build_init(egress__build *b, const egress_alloc *alloc) {
  egress__arena_init(&b->arena, alloc);
  egress__arena_init(&b->scratch, alloc);
  b->room = EGRESS__BUILD_MAX;
  b->rv = 0;
}

void egress__build_dispose(egress__build *b) {
  egress__arena_dispose(&b->arena);
  egress__arena_dispose(&b->scratch);
}

/* Memory from the arena, or NULL with the failure noted. */
static void *get(egress__build *b, size_t size) {
  if (b->rv != 0)
    return NULL;
  if (size > b->room) {
    b->rv = EGRESS_ELIMIT;
    return NULL;
  }
  b->room -= size;
  void *ptr = egress__arena_get(&b->arena, size);
  if (ptr == NULL)
    b->rv = EGRESS_ENOMEM;
  return ptr;
}

egress__message *egress__make(egress__build *b, const ProtobufCMessageDescriptor *type) {
  egress__message *message = get(b, type->sizeof_message);
  if (message != NULL)
    protobuf_c_message_init(type, message);
  return message;
}

static const ProtobufCFieldDescriptor *find_field(const egress__message *m, const char *name) {
  const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(m->descriptor, name);
  assert(field != NULL && "the message has no such field");
  return field;
}

static void *member(egress__message *m, unsigned offset) {
  return (char *)m + offset;
}

/* Where the next element of an array field goes; it is grown when its count is a power of two. */
static void *append(egress__build *b, egress__message *m, const ProtobufCFieldDescriptor *field, size_t size) {
  size_t count;
  memcpy(&count, member(m, field->quantifier_offset), sizeof count);
  void *items;
  memcpy(&items, member(m, field->offset), sizeof items);
  if ((count & (count - 1)) == 0) {
    void *bigger = get(b, (count == 0 ? 1 : count * 2) * size); /* no overflow: far below the limit */
    if (bigger == NULL)
      return NULL;
    if (count != 0)
      memcpy(bigger, items, count * size);
    items = bigger;
    memcpy(member(m, field->offset), &items, sizeof items);
  }
  void *slot = (char *)items + count * size;
  count++;
  memcpy(member(m, field->quantifier_offset), &count, sizeof count);
  return slot;
}

/* Stores `size` bytes as the field's value, or as one more element of it. */
static void store(egress__build *b, egress__message *m, const ProtobufCFieldDescriptor *field, const void *value,
                  size_t size) {
  void *slot;
  if (field->label == PROTOBUF_C_LABEL_REPEATED) {
    slot = append(b, m, field, size);
    if (slot == NULL)
      return;
  } else {
    slot = member(m, field->offset);
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
      memcpy(member(m, field->quantifier_offset), &(uint32_t){field->id}, sizeof(uint32_t));
  }
  memcpy(slot, value, size);
}

void egress__set_text(egress__build *b, egress__message *m, const char *field, const char *text) {
  if (b->rv != 0)
    return;
  const ProtobufCFieldDescriptor *found = find_field(m, field);
  if (found->type == PROTOBUF_C_TYPE_BYTES) {
    ProtobufCBinaryData bytes = {strlen(text), (uint8_t *)(uintptr_t)text};
    store(b, m, found, &bytes, sizeof bytes);
    return;
  }
  assert(found->type == PROTOBUF_C_TYPE_STRING && "not a text field");
  store(b, m, found, &text, sizeof text);
}

static int is_type(const ProtobufCFieldDescriptor *field, const ProtobufCMessageDescriptor *type) {
  return field->type == PROTOBUF_C_TYPE_MESSAGE && field->descriptor == type;
}

void egress__set_number(egress__build *b, egress__message *m, const char *field, int64_t value) {
  if (b->rv != 0)
    return;
  const ProtobufCFieldDescriptor *found = find_field(m, field);
  int32_t narrow = (int32_t)value;
  switch (found->type) {
  case PROTOBUF_C_TYPE_INT32:
  case PROTOBUF_C_TYPE_UINT32:
  case PROTOBUF_C_TYPE_BOOL:
  case PROTOBUF_C_TYPE_ENUM:
    store(b, m, found, &narrow, sizeof narrow);
    return;
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT64:
    store(b, m, found, &value, sizeof value);
    return;
  case PROTOBUF_C_TYPE_MESSAGE: {
    egress__message *wrapper = egress__make(b, found->descriptor);
    if (wrapper == NULL)
      return;
    egress__set_number(b, wrapper, "value", value);
    store(b, m, found, &wrapper, sizeof wrapper);
    return;
  }
  case PROTOBUF_C_TYPE_SINT32:
  case PROTOBUF_C_TYPE_SFIXED32:
  case PROTOBUF_C_TYPE_SINT64:
  case PROTOBUF_C_TYPE_SFIXED64:
  case PROTOBUF_C_TYPE_FIXED32:
  case PROTOBUF_C_TYPE_FIXED64:
  case PROTOBUF_C_TYPE_FLOAT:
  case PROTOBUF_C_TYPE_DOUBLE:
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_BYTES:
    break;
  }
  assert(0 && "not a number field");
}

egress__span egress__build_pack(egress__build *b, const egress__message *message) {
  uint8_t *bytes = b->rv == 0 ? get(b, protobuf_c_message_get_packed_size(message)) : NULL;
  if (bytes == NULL)
    return (egress__span){NULL, 0};
  return (egress__span){bytes, protobuf_c_message_pack(message, bytes)};
}

static egress__message *pack_any(egress__build *b, const egress__message *value) {
  Google__Protobuf__Any *any = (Google__Protobuf__Any *)EGRESS__MAKE(b, google__protobuf__any);
  const char *url = egress__build_printf(b, "type.googleapis.com/%s", value->descriptor->name);
  egress__span bytes = egress__build_pack(b, value);
  if (b->rv != 0)
    return NULL;
  any->type_url = (char *)(uintptr_t)url;
  any->value = (ProtobufCBinaryData){bytes.size, (uint8_t *)(uintptr_t)bytes.data};
  return &any->base;
}

void egress__set_message(egress__build *b, egress__message *m, const char *field, egress__message *value) {
  if (b->rv != 0)
    return;
  const ProtobufCFieldDescriptor *found = find_field(m, field);
  if (is_type(found, &google__protobuf__any__descriptor) && value->descriptor != &google__protobuf__any__descriptor)
    value = pack_any(b, value);
  if (value == NULL)
    return;
  assert(is_type(found, value->descriptor) && "a message of another type");
  store(b, m, found, &value, sizeof value);
}

void egress__set_duration(egress__build *b, egress__message *m, const char *field, uint32_t milliseconds) {
  egress__message *duration = EGRESS__MAKE(b, google__protobuf__duration);
  egress__set_number(b, duration, "seconds", milliseconds / 1000);
  egress__set_number(b, duration, "nanos", (int64_t)(milliseconds % 1000) * 1000000);
  egress__set_message(b, m, field, duration);
}

void egress__set_entry(egress__build *b, egress__message *m, const char *field, const char *key,
                       egress__message *value) {
  if (b->rv != 0)
    return;
  const ProtobufCFieldDescriptor *found = find_field(m, field);
  assert(found->type == PROTOBUF_C_TYPE_MESSAGE && "not a map");
  egress__message *entry = egress__make(b, found->descriptor);
  egress__set_text(b, entry, "key", key);
  egress__set_message(b, entry, "value", value);
  egress__set_message(b, m, field, entry);
}

const char *egress__build_printf(egress__build *b, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int size = vsnprintf(NULL, 0, format, args);
  char *text = size < 0 ? NULL : get(b, (size_t)size + 1);
  if (text != NULL)
    vsnprintf(text, (size_t)size + 1, format, again);
  va_end(again);
  va_end(args);
  return text == NULL ? "" : text;
}
