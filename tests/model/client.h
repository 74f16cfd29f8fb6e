#ifndef TESTS_MODEL_CLIENT_H
#define TESTS_MODEL_CLIENT_H

#include "model/groups.h"

/*
 * A client that knows only the protocol: it asks, holds what it was sent, and accepts or refuses it as Envoy does. What
 * the server may and must send it is kept beside that.
 */

/* One type. */
typedef struct view {
  int started; /* it asked for the type on this stream */
  int delta;
  int wildcard;
  uint8_t wanted;                 /* names, a bit each; and GLOB, which in state of the world is a name of nothing */
  int named;                      /* it said a name, or "*", on this stream */
  int unheard;                    /* state of the world: the list that it said last was stale */
  uint8_t held[NAMES];            /* content; 0: it has none */
  char versions[NAMES][XDS_WORD]; /* delta: of what it holds */
  char handled[XDS_WORD];         /* nonce of the last response taken */
  /* The server's side. */
  int listed_all; /* what it was told of `wildcard` and `wanted`; in state of the world a stale list does not count */
  uint8_t listed;
  int left_all;                /* stale lists were without what it was told: `listed_all` */
  uint8_t left;                /* the same of `listed` */
  uint8_t told[NAMES];         /* what the client would hold, had there been no stale lists */
  char made[XDS_WORD];         /* nonce of the newest response; "": none on this stream */
  char made_version[XDS_WORD]; /* its version */
  int in_flight;
  int answers_all;       /* that one is the first of the stream or was asked for all: it settles what is not in it */
  xds_response response; /* while in flight */
  uint8_t asked;         /* names to be told about, changed or not */
  int asked_all;
  int asked_glob;     /* all below it are to be told about, or that there is nothing; but for `excused` */
  uint8_t excused;    /* it came with these */
  uint8_t came_with;  /* delta: what it held when it came, or said so */
  int answers_glob;   /* the response in flight is the answer to that */
  int glob_refused;   /* that was refused, so it may come again */
  uint8_t warming;    /* endpoints: their cluster was sent after them, so they are due again */
  uint8_t warmed;     /* endpoints: those, and more that may be sent again */
  uint8_t repeatable; /* names that may be sent again, because it cannot be known what the client has of them */
  uint8_t leads;      /* routes: their cluster was there when they were told; the one of the same name */
  /* After a refusal. */
  char refused[XDS_WORD];    /* version; "": a later one was accepted, or none was refused */
  char refused_as[XDS_WORD]; /* the version that it was told as: another, when that was half of a change */
  int moved;                 /* the snapshot has had another version since */
  uint8_t doubt;             /* names that were in it and not accepted since: it may hold what was before or after */
  uint8_t odd;               /* responses refused since it took over a part of one, that one included */
  uint8_t unsettled;         /* names that were in it: the next version may tell them again, accepted or not */
} view;

typedef struct client {
  int id;
  egress__xds_variant variant;
  const groups *groups;
  egress__stream_config config;
  egress__stream *stream; /* NULL: it is away */
  int group;
  int joined;    /* it said who it is */
  int ready;     /* something to send may have come up */
  content due;   /* what it has to be brought to */
  content taken; /* what it is being brought to: that, or one before as long as responses in flight hold it up */
  uint64_t last_nonce;
  int events; /* answers that were reported */
  int refusals;
  char event_version[XDS_WORD];
  view views[TYPES];
  size_t responses; /* in all */
  FILE *trace;      /* NULL: none */
} client;

void client_begin(client *c, int id, const groups *g);
void client_end(client *c);

/* The steps of a client; those that mean nothing now do nothing. */
void client_play(client *c, const step *s);

/* The group that counts for it got another snapshot. */
void client_notice(client *c);

/* That was forgotten: whoever was brought to something keeps it, others are as new. */
void client_notice_clear(client *c);

/* Takes all that is due, and accepts it, until nothing comes any more. */
void client_settle(client *c);

/* State of the world, with nothing in flight: says again what was said in stale lists. */
void client_repeat(client *c);

/* Sends what is due; returns the number of responses. */
int client_drain(client *c);

/* State of the world: what is absent from a response of the type is deleted. */
int is_whole(const client *c, int type);

/* 1 when the server was told that the client wants the name. */
int is_listed(const view *v, int name);

/* 1 when the version is what the client refused last, whole or half. */
int is_refused(const view *v, const char *version);

/* State of the world: names that do not exist, whatever the client has of them. */
uint8_t unsayable(const client *c, int type);

/* The names that a response removes, by themselves or by their glob. */
uint8_t removed_names(const xds_response *response);

/* The names that a response speaks of. */
uint8_t mentioned(const xds_response *response);

#endif
