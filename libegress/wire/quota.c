#include "wire/quota.h"

#include <assert.h>
#include <string.h>

#include <egress/error.h>

#include "xds/request.h"

/* Only addresses of IP end in a port. */
static size_t size_without_port(const char *address) {
  const char *colon = strrchr(address, ':');
  return strncmp(address, "ip", 2) == 0 && colon != NULL ? (size_t)(colon - address) : strlen(address);
}

static egress__quota_peer *add(egress_server *server, const char *name, size_t size) {
  const egress_server_options *options = &server->options;
  egress__quota_peer *peer = egress__malloc(server->alloc, sizeof *peer + size);
  if (peer == NULL)
    return NULL;
  *peer = (egress__quota_peer){
      .remembered.max_bytes = options->max_peer_remembered_bytes,
      .pending = {.alloc = server->alloc, .all = &server->pending, .max_bytes = options->max_peer_pending_bytes},
      .name_size = size};
  memcpy(peer->name, name, size);
  if (egress__map_set(&server->peers, peer->name, size, peer) == 0)
    return peer;
  egress__free(server->alloc, peer);
  return NULL;
}

static int join(egress__quota_peer **out, egress_server *server, const char *name, size_t size) {
  egress__quota_peer *peer = egress__map_get(&server->peers, name, size);
  if (peer == NULL)
    peer = add(server, name, size);
  if (peer == NULL)
    return EGRESS_ENOMEM;
  peer->refs++;
  *out = peer;
  return 0;
}

int egress__quota_join(egress__quota_peer **out, egress_server *server, const egress_peer *who) {
  if (who->spiffe_id[0] != '\0')
    return join(out, server, who->spiffe_id, strlen(who->spiffe_id));
  return join(out, server, who->address, size_without_port(who->address));
}

void egress__quota_leave(egress_server *server, egress__quota_peer *peer) {
  if (peer == NULL || --peer->refs > 0)
    return;
  assert(peer->remembered.bytes == 0 && peer->pending.bytes == 0 && "its streams go before it");
  egress__map_remove(&server->peers, peer->name, peer->name_size);
  egress__free(server->alloc, peer);
}

int egress__quota_take(egress_server *server, egress__quota_peer *peer, egress__stream_fault *fault) {
  const egress_server_options *options = &server->options;
  if (server->call_count >= options->max_streams)
    return egress__stream_refuse(fault, EGRESS_ELIMIT,
                                 "the server has %u streams open, the most it allows (max_streams)",
                                 (unsigned)options->max_streams);
  if (peer->streams >= options->max_peer_streams)
    return egress__stream_refuse(fault, EGRESS_ELIMIT,
                                 "this client has %u streams open, the most that one may have (max_peer_streams)",
                                 (unsigned)options->max_peer_streams);
  server->call_count++;
  peer->streams++;
  peer->refs++;
  return 0;
}

void egress__quota_give(egress_server *server, egress__quota_peer *peer) {
  if (peer == NULL)
    return;
  server->call_count--;
  peer->streams--;
  egress__quota_leave(server, peer);
}
