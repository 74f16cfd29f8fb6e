#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

#include "policy/read.h"

/* 1 and `*out` for a port. */
static int read_port(egress__reader *reader, const egress__node *node, uint16_t *out) {
  if (!egress__read_scalar(reader, node, "a port"))
    return 0;
  egress__quote quote = egress__quoted(node->text);
  size_t digits = strspn(node->text, "0123456789");
  const char *dash = node->text + digits;
  if (digits > 0 && *dash == '-' && dash[1] != '\0' && strspn(dash + 1, "0123456789") == strlen(dash + 1)) {
    egress__fault(&reader->faults, node, "port ranges such as `%s` are not supported yet; list the ports", quote.text);
    return 0;
  }
  if (digits == 0 || *dash != '\0' || node->text[0] == '0') {
    egress__fault(&reader->faults, node, "`%s` is no port; write a number from 1 to %d", quote.text, EGRESS__MAX_PORT);
    return 0;
  }
  if (!node->plain) {
    egress__fault(&reader->faults, node, "port \"%s\" is text; write it without quotes", quote.text);
    return 0;
  }
  unsigned long port = digits > 5 ? EGRESS__MAX_PORT + 1 : strtoul(node->text, NULL, 10);
  if (port > EGRESS__MAX_PORT) {
    egress__fault(&reader->faults, node, "port %s is too large; ports are 1 to %d", quote.text, EGRESS__MAX_PORT);
    return 0;
  }
  *out = (uint16_t)port;
  return 1;
}

static int compare_ports(const void *a, const void *b) {
  return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Sorted ports as ranges; ports that follow each other become one. */
static int join_ports(egress__arena *arena, const uint16_t *ports, size_t count, egress__ports *out) {
  egress__port_range *ranges = egress__arena_array(arena, count, sizeof *ranges);
  if (ranges == NULL)
    return EGRESS_ENOMEM;
  size_t made = 0;
  for (size_t i = 0; i < count; i++) {
    if (made > 0 && ports[i] <= ranges[made - 1].high + 1)
      ranges[made - 1].high = ports[i];
    else
      ranges[made++] = (egress__port_range){ports[i], ports[i]};
  }
  *out = (egress__ports){ranges, made};
  return 0;
}

int egress__read_ports(egress__reader *reader, const egress__node *list, egress__ports *out) {
  if (!egress__read_list(reader, list, "`ports`"))
    return 0;
  uint16_t *ports = egress__arena_array(&reader->scratch, list->count, sizeof *ports);
  if (ports == NULL)
    return EGRESS_ENOMEM;
  size_t count = 0;
  for (const egress__node *node = list->first; node != NULL; node = node->next)
    count += (size_t)read_port(reader, node, &ports[count]);
  qsort(ports, count, sizeof *ports, compare_ports);
  for (size_t i = 1; i < count; i++)
    if (ports[i] == ports[i - 1])
      egress__remark(&reader->faults, list, "port %u stands twice", ports[i]);
  return join_ports(reader->keep, ports, count, out);
}
