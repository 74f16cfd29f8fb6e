#ifndef EGRESS_BASE_DOCUMENT_TREE_H
#define EGRESS_BASE_DOCUMENT_TREE_H

#include "base/document.h"

/* What the readers of YAML and JSON share: nodes come one after the other, and a tree grows of them. */

/** A list or map that is still open. */
typedef struct egress__tree_frame {
  egress__node *node;
  egress__node **tail; /* where its next child goes */
  egress__node *key;   /* in a map: read, its value not yet */
} egress__tree_frame;

typedef struct egress__tree {
  egress__arena *arena;
  const egress__document_rules *rules;
  egress__faults *faults;
  egress__node *root;
  egress__tree_frame frames[EGRESS__DOCUMENT_DEPTH];
  size_t depth;
  size_t values;
} egress__tree;

/** Checks the size of a text, and passes over a byte order mark, which is no column. Returns 0 or EGRESS_ELIMIT. */
int egress__document_start(const char **text, size_t *size, const egress__document_rules *rules,
                           egress__faults *faults);

/* All return 0, EGRESS_ELIMIT or EGRESS_ENOMEM. `out` may be NULL. */

/** A value of `kind` that has no children yet: into the open list or map, as a key of it, or as the root. */
int egress__tree_add(egress__tree *tree, egress__node_kind kind, uint32_t line, uint32_t column, egress__node **out);

/** A scalar; its text is copied. */
int egress__tree_scalar(egress__tree *tree, uint32_t line, uint32_t column, const char *text, size_t size, int plain,
                        egress__node **out);

/** A list or map, which stays open: what comes next goes into it. */
int egress__tree_open(egress__tree *tree, egress__node_kind kind, uint32_t line, uint32_t column, egress__node **out);

/** Ends the innermost list or map. Keys of a map that are no text or stand twice are reported and left out. */
int egress__tree_close(egress__tree *tree);

#endif
