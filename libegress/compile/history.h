#ifndef EGRESS_COMPILE_HISTORY_H
#define EGRESS_COMPILE_HISTORY_H

#include <egress/diag.h>

#include "compile/lineage.h"

/** Reads a text of egress_compile_history. Returns 0; EGRESS_EINVAL, with `diag` saying where; EGRESS_ENOMEM. */
int egress__history_read(egress__lineage **out, const char *text, const egress_alloc *alloc, egress_diag *diag);

#endif
