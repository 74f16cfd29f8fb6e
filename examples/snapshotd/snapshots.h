/* Which node has which snapshot: beside the cache, because that cannot be listed. */
#ifndef SNAPSHOTD_SNAPSHOTS_H
#define SNAPSHOTD_SNAPSHOTS_H

#include <egress/cache.h>

#include <stdio.h>

typedef struct snapshots snapshots;

enum {
  NODE_MAX_BYTES = 255, /* what the cache takes as a name */
  NODES_MAX = 10000     /* with a snapshot of their own: whoever reaches the HTTP side could fill memory with them */
};

/* NULL: no memory. */
snapshots *snapshots_new(void);
void snapshots_free(snapshots *self);

/* What the server serves; lives as long as `self`. */
egress_cache *snapshots_cache(const snapshots *self);

/* Both write the answer's body to `out` and return its status. */
unsigned snapshots_put(snapshots *self, const char *node, const char *text, size_t size, FILE *out);
unsigned snapshots_delete(snapshots *self, const char *node, FILE *out);

/* All of them as a JSON list. */
void snapshots_write(const snapshots *self, FILE *out);

#endif
