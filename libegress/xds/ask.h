#ifndef EGRESS_XDS_ASK_H
#define EGRESS_XDS_ASK_H

#include "xds/track.h"

/*
 * Names that the snapshot has not, and that the client waits for: the embedder is asked, once for each time that the
 * client asks, and until he has answered the client is told nothing of them (cache/question.h).
 */

/** Whom to tell that a name is wanted. */
typedef struct egress__asker {
  uint64_t now_ms;
  void (*tell)(struct egress__asker *asker, const egress__track *track, const char *name);
} egress__asker;

/**
 * Asks for what is owed, wanted and not there; and owes what was answered, or has waited long enough. The embedder may
 * answer while he is told. Returns 1: he was told something; 0; EGRESS_ENOMEM: call again.
 */
int egress__track_ask(egress__asker *asker, egress__track *track);

#endif
