#ifndef EGRESS_COMPILE_CLASSES_H
#define EGRESS_COMPILE_CLASSES_H

#include "base/arena.h"
#include "policy/model.h"

/*
 * The names of a policy cut into classes: all names of one class are spoken of by the same rules, so one piece of
 * configuration serves them all, however many they are. A class is either of single names or of everything strictly
 * below some suffixes (where no longer suffix and no single name says otherwise). Each class knows all that matters
 * for its names; nothing ever has to fall back to a broader class.
 */

/** One rule that speaks of a class. */
typedef struct egress__cond {
  uint32_t rule;
  const char *regex; /* which names of the class: an RE2 expression, one address for one text; NULL: all */
} egress__cond;

typedef struct egress__class {
  const egress__cond *conds; /* by rule index, which is the order of decision */
  size_t cond_count;
  int below;                      /* members are suffixes, and names below them are meant */
  const egress__suffix **members; /* by text */
  size_t member_count;
} egress__class;

typedef struct egress__classes {
  egress__class *const *items; /* by first member */
  size_t count;
} egress__classes;

enum {
  EGRESS__MAX_MEETINGS = 100000000, /* looks at a pattern for what it says of a name: some seconds of work */
  EGRESS__MAX_CONDS = 4000000       /* in all classes: a hundred megabytes */
};

/** Makes the classes of `policy` in `arena`. Returns 0, EGRESS_ENOMEM or EGRESS_ELIMIT. */
int egress__classes_make(egress__classes *out, const egress_policy *policy, egress__arena *arena);

/**
 * What is decided for one source: the rules to try in order, up to the first that matches. Rules behind one that
 * matches every name are not in it.
 */
typedef struct egress__list {
  const egress__cond *conds;
  size_t count;
} egress__list;

/** For a class at one protocol and port: a list for each source atom. */
typedef struct egress__verdicts {
  const egress__list *by_atom; /* policy->atom_count of them; with `alike` only the first */
  int alike;                   /* all sources are treated alike */
  int any;                     /* some list is not empty */
} egress__verdicts;

/** The lists live in `arena`. Returns 0 or EGRESS_ENOMEM. */
int egress__class_verdicts(egress__verdicts *out, const egress__class *class, const egress_policy *policy,
                           int32_t protocol, uint16_t port, egress__arena *arena);

/** 1 when both lists decide alike. */
int egress__list_equal(const egress__list *a, const egress__list *b);

#endif
