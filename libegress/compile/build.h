#ifndef EGRESS_COMPILE_BUILD_H
#define EGRESS_COMPILE_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/protowire.h"

/*
 * Messages of the Envoy API, put together field by field under the names that Envoy's documentation uses. All of them
 * live in one arena until they are packed. The first failure is kept in `rv` and turns every later call into nothing,
 * so whoever packs checks once; messages are NULL from then on.
 */
enum {
  EGRESS__BUILD_MAX = 512 << 20 /* bytes: more than the largest resource, which may have 64 MiB, takes to build */
};

typedef struct egress__build {
  egress__arena arena;
  egress__arena scratch; /* for what is not part of a message; whoever fills it empties it */
  size_t room;           /* bytes that may still be taken */
  int rv;                /* 0, EGRESS_ENOMEM or EGRESS_ELIMIT */
} egress__build;

typedef ProtobufCMessage egress__message;

void egress__build_init(egress__build *b, const egress_alloc *alloc);
void egress__build_dispose(egress__build *b);

/** A message with every field at its default: `EGRESS__MAKE(b, envoy__config__listener__v3__listener)`. */
#define EGRESS__MAKE(b, name) egress__make((b), &name##__descriptor)
egress__message *egress__make(egress__build *b, const ProtobufCMessageDescriptor *type);

/*
 * Setting a field: a repeated one gets one more element; one of a oneof replaces the others. A field that the message
 * does not have, or of another kind, is a mistake of the caller and stops a debug build.
 */

/** A string or bytes field; `text` is borrowed until the message is packed. */
void egress__set_text(egress__build *b, egress__message *m, const char *field, const char *text);

/** An integer, bool or enum field, or one of google.protobuf's wrappers of these. */
void egress__set_number(egress__build *b, egress__message *m, const char *field, int64_t value);

/** A message field; where the field is an Any, `value` is packed into it. */
void egress__set_message(egress__build *b, egress__message *m, const char *field, egress__message *value);

/** A google.protobuf.Duration field. */
void egress__set_duration(egress__build *b, egress__message *m, const char *field, uint32_t milliseconds);

/** One entry of a map from string to message (or Any, as above). */
void egress__set_entry(egress__build *b, egress__message *m, const char *field, const char *key,
                       egress__message *value);

/** The message packed, in the arena; empty after a failure. */
egress__span egress__build_pack(egress__build *b, const egress__message *message);

/** The text that `printf` would print, in the arena; "" after a failure. */
const char *egress__build_printf(egress__build *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
