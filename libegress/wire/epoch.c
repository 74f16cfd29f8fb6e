#include "wire/epoch.h"

#include <time.h>

uint64_t egress__epoch_ms(const egress_server *server) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 - uv_now(server->loop);
}
