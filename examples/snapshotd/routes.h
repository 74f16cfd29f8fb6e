/* What is found under which path. */
#ifndef SNAPSHOTD_ROUTES_H
#define SNAPSHOTD_ROUTES_H

#include "http.h"
#include "log.h"
#include "snapshots.h"

#include <egress/fetch.h>
#include <egress/server.h>

/* All that can be asked for; borrowed. */
typedef struct routes {
  snapshots *snapshots;
  traffic_log *log;
  egress_server *server;
  egress_fetch *fetch;
} routes;

/* An http_fn; `user` is the routes. */
void routes_answer(http_answer *answer, const http_request *request, void *user);

#endif
