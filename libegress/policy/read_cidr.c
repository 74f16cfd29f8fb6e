#include <string.h>

#include <egress/error.h>

#include "base/addr.h"
#include "policy/read.h"

/* `::ffff:10.0.0.0/104` as 10.0.0.0/8. A client or server that speaks IPv4 is known by its IPv4 address only. */
static int is_v4_mapped(const egress__prefix *prefix, egress__prefix *v4) {
  if (prefix->bits < 96 || !egress__addr_is_v4_mapped(&prefix->addr))
    return 0;
  *v4 = (egress__prefix){egress__addr_unmapped(prefix->addr), (uint8_t)(prefix->bits - 96)};
  return 1;
}

int egress__read_cidr(egress__reader *reader, const egress__node *node, egress__prefix *out) {
  if (!egress__read_scalar(reader, node, "an address range"))
    return 0;
  char right[EGRESS__PREFIX_TEXT];
  egress__quote quote = egress__quoted(node->text);
  egress__prefix prefix, v4;
  egress__prefix_fault fault = egress__prefix_parse(&prefix, node->text, node->size);
  if ((fault == EGRESS__PREFIX_OK || fault == EGRESS__PREFIX_HOST_BITS) && is_v4_mapped(&prefix, &v4)) {
    egress__fault(&reader->faults, node, "`%s` is IPv4 written as IPv6; write %s", quote.text,
                  egress__prefix_format(right, &v4));
    return 0;
  }
  switch (fault) {
  case EGRESS__PREFIX_OK:
    *out = prefix;
    return 1;
  case EGRESS__PREFIX_NOT_ADDRESS:
    egress__fault(&reader->faults, node, "`%s` is no address range; write ADDRESS/LENGTH, such as 10.4.0.0/16",
                  quote.text);
    return 0;
  case EGRESS__PREFIX_BAD_LENGTH:
    egress__fault(&reader->faults, node, "`%s` has a bad length; it is 0 to 32 for IPv4, 0 to 128 for IPv6",
                  quote.text);
    return 0;
  case EGRESS__PREFIX_HOST_BITS:
    egress__fault(&reader->faults, node, "`%s` has bits set behind its length; write %s", quote.text,
                  egress__prefix_format(right, &prefix));
    return 0;
  }
  return 0;
}

int egress__read_cidrs(egress__reader *reader, const egress__node *list, const egress__prefix **out, size_t *count) {
  egress__prefix *prefixes = egress__arena_array(reader->keep, list->count, sizeof *prefixes);
  if (prefixes == NULL)
    return EGRESS_ENOMEM;
  size_t read = 0;
  for (const egress__node *item = list->first; item != NULL; item = item->next)
    read += (size_t)egress__read_cidr(reader, item, &prefixes[read]);
  *out = prefixes;
  *count = read;
  return 0;
}
