#ifndef EGRESS_RESOURCE_XDSTP_H
#define EGRESS_RESOURCE_XDSTP_H

#include "base/protowire.h"

/*
 * Names of the new kind, `xdstp://AUTHORITY/TYPE/ID?KEY=VALUE&KEY=VALUE#DIRECTIVES`, in texts without NUL. The same
 * resource may be written in several ways, so all names are kept in one: context parameters in order, no escapes but
 * those that are needed, no directives. All other names are any text, and only equal to themselves.
 */

enum {
  EGRESS__XDSTP_MAX = 4096,     /* bytes of a name, of any kind; what is longer is left as it is */
  EGRESS__XDSTP_PARAMS_MAX = 64 /* context parameters; a name with more, which nobody needs, is left as it is */
};

/** Where a name in normal form stands, with a NUL, when it has to be written anew. */
typedef struct egress__xdstp_room {
  char text[EGRESS__XDSTP_MAX + 1];
} egress__xdstp_room;

/** The name in normal form, which is never longer: the name itself, or what was written to `room`. */
egress__span egress__xdstp_normal(egress__xdstp_room *room, egress__span name);

/** The same for C strings. */
const char *egress__xdstp_normal_text(egress__xdstp_room *room, const char *name);

/*
 * A glob is a name whose id is a star, or ends in one behind a slash. It stands for all resources whose ids go on
 * where the star is, however deep, with the glob's parameters and no others. This is about names in normal form.
 *
 * A name of another kind may be one where that is wanted: then it ends in a slash and a star, and stands for all names,
 * but those of the new kind, that go on where the star is. All else in them is text: they have no parameters.
 */

enum {
  EGRESS__GLOB_DEPTH_MAX =
      32 /* a name is looked up at each level; below that, a name that ends in a star is any name */
};

typedef struct egress__glob {
  egress__span prefix; /* with the last '/' */
  egress__span params; /* with the '?'; or empty */
} egress__glob;

/** 1 when `name` is of the new kind. */
int egress__is_xdstp(egress__span name);

/** 1 when `name` is a glob, or would be one where names of other kinds are; `out` points into it. */
int egress__glob_read(egress__glob *out, egress__span name);

/** 1 when `name` is among what the glob stands for; its own name is, too. */
int egress__glob_has(const egress__glob *glob, egress__span name);

/** A walk over all globs that a name is below, the highest first; `{.name = name}` is the beginning. */
typedef struct egress__globs_above {
  egress__span name;
  size_t slash; /* of the last glob */
  size_t depth; /* 0: there was none yet */
} egress__globs_above;

/** The next one, in `room`; an empty span at the end. */
egress__span egress__globs_above_next(egress__globs_above *walk, egress__xdstp_room *room);

#endif
