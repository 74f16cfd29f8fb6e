#ifndef EGRESS_XDS_TAIL_H
#define EGRESS_XDS_TAIL_H

#include "base/protowire.h"
#include "xds/stream.h"

/* The end of a response, which is a stream's own. */

/** What stands in it; texts are UTF-8, `identifier` may be NULL. */
typedef struct egress__tail {
  egress__xds_variant variant;
  const char *version, *type_url, *identifier;
  uint64_t nonce;
} egress__tail;

/** 1 when `text` may be an identifier: "" or UTF-8 that fits; Envoy refuses a response with any other text. */
int egress__is_identifier(const char *text);

/** Writes the tail of a response. */
void egress__tail_write(egress__response *out, const egress__tail *tail);

/** 1 when a request answers the response with this nonce. */
int egress__nonce_is(uint64_t nonce, egress__span text);

#endif
