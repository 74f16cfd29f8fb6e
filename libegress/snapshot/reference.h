#ifndef EGRESS_SNAPSHOT_REFERENCE_H
#define EGRESS_SNAPSHOT_REFERENCE_H

#include <stddef.h>

/** What resources refer to by name. All other types are asked for by themselves, or not known. */
typedef enum egress__target {
  EGRESS__TARGET_CLUSTER,
  EGRESS__TARGET_ENDPOINT,
  EGRESS__TARGET_ROUTE,
  EGRESS__TARGET_SECRET
} egress__target;

enum { EGRESS__TARGET_COUNT = EGRESS__TARGET_SECRET + 1 };

/** Their type URLs, by egress__target. */
extern const char *const egress__target_urls[EGRESS__TARGET_COUNT];

/** A string field that names another resource; one that is repeated names several. */
typedef struct egress__reference {
  const char *message; /* full name */
  const char *field;
  const char *with; /* a field of the message that must be set, or else the name is of something else; NULL: none */
  egress__target to;
} egress__reference;

enum { EGRESS__REFERENCE_COUNT = 9 };

/** All of them, but that of a cluster to its endpoints, which depends on more than one field. */
extern const egress__reference egress__references[EGRESS__REFERENCE_COUNT];

#endif
