#ifndef EGRESS_XDS_BUDGET_H
#define EGRESS_XDS_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "xds/stream.h"

/*
 * What a client makes us remember on one stream, over all types, and how much that may be. Names have a limit of their
 * own; how long they are, what versions a client says it holds, and the tables that find all of that count as bytes.
 */

/** Which limit a client went over. */
typedef enum egress__budget_limit {
  EGRESS__BUDGET_NAMES,
  EGRESS__BUDGET_BYTES,
  EGRESS__BUDGET_PEER, /* bytes, of all streams of one client */
  EGRESS__BUDGET_ALL,  /* bytes, of all streams together */
  EGRESS__BUDGET_GLOBS /* of one type: a subscription's own limit */
} egress__budget_limit;

/** The bytes of many streams, added up. */
typedef struct egress__remembered {
  size_t bytes, max_bytes;
} egress__remembered;

typedef struct egress__budget {
  egress__remembered *peer, *all; /* of which these bytes are a part; NULL: of none */
  size_t bytes, max_bytes;
  uint32_t names, max_names;
  egress__budget_limit refused; /* the limit that the last EGRESS_ELIMIT was about */
} egress__budget;

/** May a client add this much? Nothing is taken yet. Returns 0 or EGRESS_ELIMIT. */
int egress__budget_ask(egress__budget *budget, uint32_t names, size_t bytes);

/* Counts what there is now, asked for or not; and what is gone. */
void egress__budget_take(egress__budget *budget, uint32_t names, size_t bytes);
void egress__budget_give(egress__budget *budget, uint32_t names, size_t bytes);

/** What a client is told after EGRESS_ELIMIT, which is returned. */
int egress__budget_explain(const egress__budget *budget, egress__stream_fault *fault);

/** Sets an entry and takes what the table grows by. Returns 0 or EGRESS_ENOMEM. */
int egress__budget_map_set(egress__budget *budget, egress__map *map, const char *key, size_t key_size, void *value);

/** Disposes of a map and gives back what its table took. */
void egress__budget_map_dispose(egress__budget *budget, egress__map *map);

#endif
