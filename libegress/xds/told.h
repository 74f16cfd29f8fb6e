#ifndef EGRESS_XDS_TOLD_H
#define EGRESS_XDS_TOLD_H

#include "base/map.h"
#include "base/protowire.h"

/*
 * What was told last to whoever asks for something. To be forgotten costs a client one answer that it did not need.
 *
 * A client says by a version which answer it has accepted. Of a label that stood for several contents, one after the
 * other, nobody knows which: until it changes, whoever was told that is told all again each time.
 */
typedef struct egress__told {
  egress__map map; /* a hash of who -> egress__told_entry */
} egress__told;

/** All are forgotten when there are more: 8 MiB. A thousand Envoys with 60 questions each fit. */
enum { EGRESS__TOLD_MAX = 1 << 16 };

void egress__told_init(egress__told *told, const egress_alloc *alloc);
void egress__told_dispose(egress__told *told);

/** Whoever asks for something: the type, and the bytes that say who asks for what of it. */
typedef struct egress__told_who {
  const char *type_url;
  egress__span bytes;
} egress__told_who;

/** 1 when `who` was told that last, and there was nothing else that `version` stood for. */
int egress__told_is(const egress__told *told, const egress__told_who *who, const char *version, const char *content);

/** `who` is told `content`, a hash, as `version` now. Returns 0 or EGRESS_ENOMEM: others may be forgotten. */
int egress__told_set(egress__told *told, const egress__told_who *who, const char *version, const char *content);

#endif
