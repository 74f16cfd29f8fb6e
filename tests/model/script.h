#ifndef TESTS_MODEL_SCRIPT_H
#define TESTS_MODEL_SCRIPT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What happens to a cache and its clients, step by step. A step means something after whatever steps there were before,
 * if only that nothing happens; so any of them can be left out.
 */

/* Names are a letter each. For delta, FIRST_BELOW and those after it are below a glob, which has the bit after theirs.
 */
enum { TYPES = 7, NAMES = 5, FIRST_BELOW = 3, GLOB = NAMES, CLIENTS = 4, GROUPS = 3, EDITS_MAX = 6, SCRIPT_MAX = 400 };

/* In the order in which they must be sent; P scoped routes, S secrets, U a type that no snapshot has: these have no
   place in it. */
#define TYPE_LETTERS "CELRPSU"
enum { CLUSTERS = 0, ENDPOINTS = 1, LISTENERS = 2, ROUTES = 3, SCOPED_ROUTES = 4 };

/* Clients join one of the first two. */
#define GROUP_NAMES \
  { "g", "h", "*" }

typedef enum step_kind {
  STEP_SET,        /* `group` gets the snapshot that it has or had, with `edits` */
  STEP_SHARE,      /* `group` gets the snapshot of `other` */
  STEP_CLEAR,      /* the snapshot of `group` is forgotten */
  STEP_SUBSCRIBE,  /* `client`, `type`: `names` as the list, or added; delta: and `drop` dropped */
  STEP_STALE,      /* `client`, `type`: a request with a nonce that is not the newest */
  STEP_DRAIN,      /* what is due to `client` is sent */
  STEP_ANSWER,     /* `client` takes and answers a response: of `type`, else of the next that has one */
  STEP_DISCONNECT, /* `client` goes */
  STEP_CONNECT,    /* `client` comes (again), to `group` */
  STEP_SETTLE      /* all is sent and accepted until nothing is left; then all must be as it should */
} step_kind;

enum { STEP_KINDS = STEP_SETTLE + 1 };

/* Bits of step.flags; which of them count depends on the kind. */
enum {
  FLAG_STAR = 1 << 0,    /* "*" is among `names` */
  FLAG_UNSTAR = 1 << 1,  /* "*" is among `drop` */
  FLAG_FRESH = 1 << 2,   /* STEP_SET: the snapshot is made from nothing, not from the one before */
  FLAG_REFUSE = 1 << 3,  /* STEP_ANSWER, STEP_STALE: with an error */
  FLAG_CHANGE = 1 << 4,  /* STEP_ANSWER: with a change of the subscription */
  FLAG_FORGET = 1 << 5,  /* delta: the client holds no more of what it asks for; STEP_CONNECT: nothing at all */
  FLAG_CLAIMS = 1 << 6,  /* delta: initial_resource_versions also has `claims`, which are made up */
  FLAG_STRANGE = 1 << 7, /* the nonce, where none is due, is one of another stream */
};

/* A resource's new content; 0: it goes. */
typedef struct edit {
  uint8_t type, name, value;
} edit;

typedef struct step {
  uint8_t kind;
  uint8_t client, type;
  uint8_t group, other;
  uint8_t names, drop, claims; /* a bit each; in the first two GLOB, too */
  uint8_t part;                /* STEP_ANSWER, refused: names that are taken over; STEP_CONNECT: types asked for now */
  uint8_t flags;
  uint8_t edit_count;
  edit edits[EDITS_MAX];
} step;

/* Where the choices come from: a number below `limit`, which is at most 256. */
typedef struct choices {
  unsigned (*take)(void *user, unsigned limit);
  void *user;
} choices;

void step_choose(step *out, const choices *from);

/* One line, as a person reads it. */
void step_print(FILE *to, const step *s);

/* The `index`th simpler step; 0: there is none. */
int step_simplify(step *out, const step *s, size_t index);

#endif
