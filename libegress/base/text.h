#ifndef EGRESS_BASE_TEXT_H
#define EGRESS_BASE_TEXT_H

#include <egress/text.h>

#include "base/buf.h"

/** Turns what `buf` holds into a text for the caller, and empties `buf`. Returns 0 or EGRESS_ENOMEM (also buf's). */
int egress__text_take(egress_text **out, egress__buf *buf);

#endif
