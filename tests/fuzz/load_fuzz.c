/* A LoadStatsRequest: what is read of it is all there, and ends where it says. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "xds/load.h"

static size_t walk_localities(const egress_load_cluster *cluster) {
  size_t sum = 0;
  for (size_t i = 0; i < cluster->locality_count; i++) {
    const egress_load_locality *locality = &cluster->localities[i];
    sum += strlen(locality->region) + strlen(locality->zone) + strlen(locality->sub_zone);
    for (size_t k = 0; k < locality->metric_count; k++)
      sum += strlen(locality->metrics[k].name);
  }
  return sum;
}

static size_t walk(const egress_load_report *report) {
  size_t sum = 0;
  for (size_t i = 0; i < report->cluster_count; i++) {
    const egress_load_cluster *cluster = &report->clusters[i];
    sum += strlen(cluster->name) + strlen(cluster->service_name) + walk_localities(cluster);
    for (size_t k = 0; k < cluster->drop_count; k++)
      sum += strlen(cluster->drops[k].category);
  }
  return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  egress__stream_fault fault = {0};
  egress__load *load = NULL;
  egress__span node;
  int rv = egress__load_read(&load, &node, egress__alloc_or_default(NULL), data, size, &fault);
  if (rv != 0 ? load != NULL || fault.status == 0 || fault.message[0] == '\0'
              : load != NULL && walk(&load->report) > size)
    abort();
  egress__load_unref(load);
  return 0;
}
