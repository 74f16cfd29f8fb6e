#ifndef EGRESS_RESOURCE_PARTS_H
#define EGRESS_RESOURCE_PARTS_H

#include <stdatomic.h>

#include "resource/resource.h"

/* What a resource is made of, for the files of this room. */

/* Field numbers of DeltaDiscoveryResponse, DiscoveryResponse and what is in them, as the xDS API has them. */
enum { RESPONSE_RESOURCES = 2, DELTA_REMOVED = 6, SOTW_ERRORS = 7, DELTA_ERRORS = 9 };
enum { RESOURCE_VERSION = 1, RESOURCE_ANY = 2, RESOURCE_NAME = 3, RESOURCE_ALIAS = 4, RESOURCE_TTL = 6 };
enum { ANY_TYPE_URL = 1, ANY_VALUE = 2 };

enum { NOT_FOUND = 5 /* google.rpc.Code */ };

/*
 * One allocation: the struct, where the aliases are, the delta entry, then the type URL, the name and the aliases as C
 * strings. Of an error the entry is a ResourceError, and its text stands behind the name.
 */
struct egress_resource {
  atomic_uint refs;
  const egress_alloc *alloc;
  const char *type_url;
  const char *name;
  egress_resource *target; /* of an alias in an index: what it is an alias of; else NULL */
  egress__span value;
  egress__span sotw_entry;
  egress__span delta_entry;
  uint64_t hash[2];
  char version[EGRESS__VERSION_TEXT];
  uint8_t ttl_size; /* of the field, which stands before the sotw entry */
  uint32_t ttl_ms;
  int32_t error; /* a google.rpc.Code; 0: it is a resource */
  uint32_t alias_count;
  const char *error_text;
  const char *aliases[];
};

#endif
