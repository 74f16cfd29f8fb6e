#ifndef EGRESS_XDS_SUBSCRIPTION_H
#define EGRESS_XDS_SUBSCRIPTION_H

#include "base/map.h"
#include "resource/resource.h"
#include "resource/xdstp.h"
#include "xds/budget.h"

/*
 * What a client wants of one type: everything ("*"), names, or both; and which names it is to be told about whether
 * they changed or not. A name may be a glob and stand for many; it is an entry as others are. Names are in normal form
 * (resource/xdstp.h).
 */

/** A name's debt: has the client to be told how it stands, changed or not? */
typedef enum egress__owed {
  EGRESS__OWED_NO,
  EGRESS__OWED_NOW,   /* by the next response */
  EGRESS__OWED_SENT,  /* the response in flight tells */
  EGRESS__OWED_LATER, /* that was refused: again together with the next change */
  EGRESS__OWED_ASKED  /* when the embedder has answered: the snapshot has it not (xds/ask.h) */
} egress__owed;

enum { EGRESS__OWED_COUNT = EGRESS__OWED_ASKED + 1 };

enum {
  EGRESS__GLOBS_MAX = 4096 /* of one type, on one stream: each is a walk over its range of the resources */
};

typedef struct egress__name {
  uint32_t listed; /* number of the request that named it last */
  uint16_t size;
  uint8_t wanted : 1;    /* by name; else it stands here only for what is owed */
  uint8_t forgotten : 1; /* an overtaken list was without it: the client may have dropped what it had */
  uint8_t glob : 1;      /* it stands for all below it */
  uint8_t asked : 1;     /* the embedder was asked since the client did; or would not have answered */
  uint8_t held : 1;      /* the client said when it came that it holds it */
  uint8_t alias : 1;     /* it may be an alias, and stand for the resource that has it */
  uint8_t owed;          /* an egress__owed */
  char text[];
} egress__name;

typedef struct egress__subscription {
  egress__map names;                 /* text -> egress__name */
  egress__budget *budget;            /* of the whole stream */
  uint32_t request;                  /* number of the request being taken */
  uint32_t owed[EGRESS__OWED_COUNT]; /* how many names are in each state */
  uint32_t wanted;                   /* how many are wanted by name */
  uint32_t globs;                    /* how many are globs */
  uint32_t changes;                  /* how often what the client wants became something else, so far */
  uint8_t wildcard;
  uint8_t wildcard_owed;      /* an answer is due, even if that is nothing: all of everything is */
  uint8_t wildcard_forgotten; /* as `forgotten` of a name */
  uint8_t glob_left;          /* a glob was dropped: names may be owed that are not wanted any more */
  uint8_t named;              /* a name was wanted at some time: an empty list does not mean everything any more */
} egress__subscription;

/** `budget` is shared by the subscriptions of a stream and outlives them. */
void egress__subscription_init(egress__subscription *sub, const egress_alloc *alloc, egress__budget *budget);
void egress__subscription_dispose(egress__subscription *sub);

/** 1 when the client wants `name`, by that, below a glob or as part of everything. */
int egress__subscription_covers(const egress__subscription *sub, const char *name);

/** The entry by which the client wants a resource: its name's or an alias's; NULL: it may be part of more, or not
 * wanted. */
const egress__name *egress__subscription_by(const egress__subscription *sub, const egress_resource *resource);

/** 1 when the client wants a resource: by its name or an alias, below a glob or as part of everything. */
int egress__subscription_wants(const egress__subscription *sub, const egress_resource *resource);

/** 1 when the client wants a glob, other than `name` itself, that this is below. */
int egress__subscription_is_below(const egress__subscription *sub, const egress__name *name);

/**
 * The entry in one of `states` (a bit for each egress__owed) that a resource is told for: its own, or else that of an
 * alias, or of the highest glob above it. NULL: there is none.
 */
const egress__name *egress__subscription_owing(const egress__subscription *sub, const egress_resource *resource,
                                               unsigned states);

/** The one that it is to be told for, whether it changed or not, which is owed NOW (`later` 1: or LATER). */
const egress__name *egress__subscription_teller(const egress__subscription *sub, const egress_resource *resource,
                                                int later);

/** The entry of a name; NULL: neither wanted by name nor owed. */
egress__name *egress__subscription_find(const egress__subscription *sub, const char *name, size_t size);

/**
 * The client wants a name; one that it did not want, or may have forgotten, is owed. Returns 0, EGRESS_ENOMEM or
 * EGRESS_ELIMIT.
 */
int egress__subscription_add(egress__subscription *sub, egress__span name);

/** The entry is a glob's: it stands for all below it. Returns 0 or EGRESS_ELIMIT. */
int egress__subscription_be_glob(egress__subscription *sub, egress__name *name);

/** A name wanted by name is not any more, and nothing is owed about it. */
void egress__subscription_remove(egress__subscription *sub, egress__name *name);

/** A name is not wanted by name any more, but the client has to be told how it stands. */
void egress__subscription_unname(egress__subscription *sub, egress__name *name);

/**
 * The client has to be told about a name, wanted by name or not. This is not the client's doing: it counts, but no
 * limit refuses it. Returns 0 or EGRESS_ENOMEM.
 */
int egress__subscription_owe(egress__subscription *sub, const char *name);

void egress__name_set_owed(egress__subscription *sub, egress__name *name, egress__owed owed);

/** After globs were dropped: nothing is owed about names that were wanted as part of them only. */
void egress__subscription_leave_globs(egress__subscription *sub);

/** Everything, or no longer everything; then also nothing is owed about names not wanted. */
void egress__subscription_set_wildcard(egress__subscription *sub, int wildcard);

/** The names not listed since `sub->request` was counted up go; what is part of everything stays owed. */
void egress__subscription_keep_listed(egress__subscription *sub);

/** The same for a list that was overtaken: they stay, and are owed when they are added again. */
void egress__subscription_forget_unlisted(egress__subscription *sub);

/** The names that are owed, one after the other; the subscription must not change meanwhile. */
typedef struct egress__owed_names {
  const egress__subscription *sub;
  size_t cursor;
  uint32_t left;
  int later;
} egress__owed_names;

/** Those that are owed NOW (`later` 1: and LATER). */
egress__owed_names egress__subscription_owed(const egress__subscription *sub, int later);

/** NULL at the end. */
const egress__name *egress__owed_next(egress__owed_names *names);

/* A response was made, with what is owed NOW (`later` 1: and LATER); was accepted; was refused. */
void egress__subscription_sent(egress__subscription *sub, int later);
void egress__subscription_accepted(egress__subscription *sub);
void egress__subscription_refused(egress__subscription *sub);

/** Nothing had to be said: what is owed NOW (`later` 1: and LATER) is settled. */
void egress__subscription_settled(egress__subscription *sub, int later);

#endif
