#ifndef EGRESS_BASE_FAULT_H
#define EGRESS_BASE_FAULT_H

#include <stddef.h>

#include <egress/diag.h>

struct egress__node;

enum { EGRESS__MAX_SHOWN_FAULTS = 1000 }; /* more than a list keeps; those behind are counted without being worded */

/** Where the faults of one text go; they are also counted, since `diag` may be NULL. */
typedef struct egress__faults {
  const char *file;
  int code; /* of each fault but those of a limit */
  egress_diag *diag;
  size_t count;
} egress__faults;

/** Reports an error at `node`; the text will be refused, and reading goes on. */
void egress__fault(egress__faults *faults, const struct egress__node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Reports a warning at `node`. */
void egress__remark(egress__faults *faults, const struct egress__node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Reports that a named limit is passed; returns EGRESS_ELIMIT. */
int egress__fault_limit(egress__faults *faults, const struct egress__node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Text of the input as a message quotes it: the first 80 bytes, cut between characters. */
typedef struct egress__quote {
  char text[88];
} egress__quote;

egress__quote egress__quoted(const char *text);

#endif
