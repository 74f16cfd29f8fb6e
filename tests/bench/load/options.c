#include "load/options.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/request.h"

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "xds_load: %s\n", what);
  exit(1);
}

static void read_address(struct sockaddr_in *out, const char *text) {
  char host[64];
  unsigned port;
  must(sscanf(text, "%63[^:]:%u", host, &port) == 2, "an address is HOST:PORT");
  *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  must(inet_pton(AF_INET, host, &out->sin_addr) == 1, "HOST is an IPv4 address");
}

static int read_number(options *o, const char *name, const char *value) {
  const struct {
    const char *name;
    unsigned *value;
  } numbers[] = {{"-n", &o->streams},     {"-s", &o->per_connection}, {"-r", &o->clusters},
                 {"-k", &o->pushes},      {"-rounds", &o->rounds},    {"-stall", &o->stall},
                 {"-window", &o->window}, {"-settle", &o->settle_ms}, {"-timeout", &o->timeout_s}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (strcmp(name, numbers[i].name) == 0) {
      *numbers[i].value = (unsigned)strtoul(value, NULL, 10);
      return 1;
    }
  return 0;
}

void options_read(options *o, char **argv) {
  *o = (options){.streams = 1000,
                 .per_connection = 1,
                 .clusters = 1000,
                 .pushes = 5,
                 .rounds = 1,
                 .settle_ms = 300,
                 .timeout_s = 120,
                 .node_bytes = 60000,
                 .window = 256 << 20 /* as Envoy's */};
  for (char **arg = argv + 1; *arg != NULL; arg++) {
    if (strcmp(*arg, "-delta") == 0)
      o->is_delta = 1;
    else if (strcmp(*arg, "-nack") == 0)
      o->is_nack = 1;
    else {
      must(arg[1] != NULL, "an option has no value");
      if (strcmp(*arg, "-addr") == 0)
        read_address(&o->address, arg[1]);
      else if (strcmp(*arg, "-ctl") == 0)
        read_address(&o->control, arg[1]);
      else if (strcmp(*arg, "-pid") == 0)
        o->pid = atoi(arg[1]);
      else if (strcmp(*arg, "-node") == 0)
        o->node_bytes = strtoul(arg[1], NULL, 10);
      else
        must(read_number(o, *arg, arg[1]), "there is no such option; see the head of xds_load.c");
      arg++;
    }
  }
  must(o->pid > 0 && o->address.sin_port != 0 && o->control.sin_port != 0, "it takes -addr, -ctl and -pid");
  must(o->streams > 0 && o->per_connection > 0 && o->clusters > 0 && o->stall < o->streams, "a number is out of range");
  must(o->rounds > 0 && o->rounds <= ROUNDS_MAX && o->node_bytes <= REQUEST_FILLER, "a number is out of range");
}
