#ifndef EGRESS_XDS_RECORD_H
#define EGRESS_XDS_RECORD_H

#include "base/map.h"

/*
 * What is kept of a type on a stream only to be shown: which versions were sent, accepted and refused, and when. It
 * has 80 bytes; texts are shared by all streams, or there only after a refusal.
 */

/** Texts of versions, each kept once while somebody refers to it. Thread: the loop's. */
typedef struct egress__versions {
  egress__map map; /* text -> egress__version */
} egress__versions;

/** What clients are told as a version. */
typedef struct egress__version {
  egress__versions *all; /* it is one of */
  uint32_t refs;
  char text[];
} egress__version;

void egress__versions_init(egress__versions *versions, const egress_alloc *alloc);

/** No version is left that somebody refers to. */
void egress__versions_dispose(egress__versions *versions);

/** One reference to the version `text` for the caller. Returns 0 or EGRESS_ENOMEM. */
int egress__versions_get(egress__version **out, egress__versions *versions, const char *text);

/** Gives a reference back; NULL is allowed. */
void egress__version_unref(egress__version *version);

/** Its text; "" for NULL. */
const char *egress__version_text(const egress__version *version);

/** What a client said when it refused a response. */
typedef struct egress__refusal {
  int32_t code; /* google.rpc.Code */
  char text[];  /* UTF-8 */
} egress__refusal;

/** `{0}` at the beginning. Times are those of the stream's config; 0: never. */
typedef struct egress__record {
  uint64_t requested_ms, sent_ms, acked_ms, nacked_ms; /* the last of each */
  uint64_t changed_ms;                                 /* a change of then was not sent yet; 0: none waits */
  uint64_t brought_ms;                    /* the response in flight brings a change of then; 0: it brings none */
  egress__version *sent, *acked, *nacked; /* NULL: none, or they are not kept */
  egress__refusal *refusal;               /* the last; NULL: none */
} egress__record;

void egress__record_dispose(egress__record *record, const egress_alloc *alloc);

/** Another snapshot is to be brought to the client, since `ms` (0: nobody knows); `differs` 0: it has that already. */
void egress__record_changed(egress__record *record, int differs, uint64_t ms);

/** The response that is made brings it there. */
void egress__record_brings(egress__record *record);

/** A response was made; takes the reference to `version` (NULL: not kept) over. */
void egress__record_sent(egress__record *record, egress__version *version, uint64_t now_ms);

/** That was accepted. */
void egress__record_accepted(egress__record *record, uint64_t now_ms);

/** Or refused in these words. Returns 0 or EGRESS_ENOMEM: nothing changed. */
int egress__record_refused(egress__record *record, const egress_alloc *alloc, int32_t code, const char *text,
                           uint64_t now_ms);

#endif
