#ifndef TESTS_SUPPORT_XDS_DELTA_H
#define TESTS_SUPPORT_XDS_DELTA_H

/* What tests of one client of delta say and hear, in a word each; its group is "g". */
#include "support/xds_client.h"

static xds_client client;

static inline const char *subscribe(char type, const char *names) {
  return xds_ask(&client, (xds_request){.type = type, .names = names});
}

static inline const char *unsubscribe(char type, const char *names) {
  return xds_ask(&client, (xds_request){.type = type, .drop = names});
}

static inline const char *ack(char type) {
  return xds_ack(&client, type, NULL);
}

static inline const char *nack(char type) {
  return xds_nack(&client, type, NULL);
}

static inline const char *set(const char *text) {
  xds_set(&client, "g", text);
  return xds_drain(&client);
}

#endif
