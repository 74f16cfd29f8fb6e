#include "wire/quota.h"

#include <string.h>

#include <egress/error.h>

#include "wire/conn.h"
#include "xds/request.h"

/* Only addresses of IP end in a port. */
static size_t size_without_port(const char *address) {
  const char *colon = strrchr(address, ':');
  return strncmp(address, "ip", 2) == 0 && colon != NULL ? (size_t)(colon - address) : strlen(address);
}

static egress__quota_peer *add(egress__map *peers, const char *name, size_t size) {
  egress__quota_peer *peer = egress__malloc(peers->alloc, sizeof *peer + size);
  if (peer == NULL)
    return NULL;
  *peer = (egress__quota_peer){.name_size = size};
  memcpy(peer->name, name, size);
  if (egress__map_set(peers, peer->name, size, peer) == 0)
    return peer;
  egress__free(peers->alloc, peer);
  return NULL;
}

static int take(egress__quota_peer **out, egress__map *peers, const char *name, size_t size, uint32_t max) {
  egress__quota_peer *peer = egress__map_get(peers, name, size);
  if (peer == NULL)
    peer = add(peers, name, size);
  if (peer == NULL)
    return EGRESS_ENOMEM;
  if (peer->streams >= max)
    return EGRESS_ELIMIT;
  peer->streams++;
  *out = peer;
  return 0;
}

int egress__quota_take(egress__quota_peer **out, egress__map *peers, const egress_peer *who, uint32_t max) {
  if (who->spiffe_id[0] != '\0')
    return take(out, peers, who->spiffe_id, strlen(who->spiffe_id), max);
  return take(out, peers, who->address, size_without_port(who->address), max);
}

int egress__quota_admit(egress__quota_peer **out, const egress__caller *caller, egress__stream_fault *fault) {
  egress_server *server = caller->server;
  const egress_server_options *options = &server->options;
  if (server->call_count >= options->max_streams)
    return egress__stream_refuse(fault, EGRESS_ELIMIT,
                                 "the server has %u streams open, the most it allows (max_streams)",
                                 (unsigned)options->max_streams);
  if (options->max_peer_streams >= options->max_streams)
    return 0; /* the limit above comes first: what nobody reads is not counted */
  egress__identity who;
  int rv = egress__conn_identity(&who, caller->conn);
  if (rv != 0)
    return rv;
  rv = egress__quota_take(out, &server->peers, &who.peer, options->max_peer_streams);
  egress__identity_dispose(&who, server->alloc);
  if (rv != EGRESS_ELIMIT)
    return rv;
  return egress__stream_refuse(fault, rv,
                               "this client has %u streams open, the most that one may have (max_peer_streams)",
                               (unsigned)options->max_peer_streams);
}

void egress__quota_give(egress__map *peers, egress__quota_peer *peer) {
  if (peer == NULL || --peer->streams > 0)
    return;
  egress__map_remove(peers, peer->name, peer->name_size);
  egress__free(peers->alloc, peer);
}
