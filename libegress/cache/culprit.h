#ifndef EGRESS_CACHE_CULPRIT_H
#define EGRESS_CACHE_CULPRIT_H

#include "cache/step.h"

enum { EGRESS__CULPRITS_MAX = 1000 /* names looked for: of 4 KiB of text that takes a millisecond or two */ };

/**
 * Which resource a client may have meant when it refused a set in the place of another: the only one that is new or
 * other in it, else the one of these whose name is in the client's text; of several the longest.
 * Returns its name, borrowed from `refused`; "": it cannot be told.
 */
const char *egress__culprit_find(egress__steps *steps, const egress__type_set *good, const egress__type_set *refused,
                                 const char *text);

#endif
