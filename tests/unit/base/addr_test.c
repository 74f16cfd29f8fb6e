#include "base/addr.h"

#include <criterion/criterion.h>
#include <string.h>

#include <egress/error.h>

static egress__addr addr_of(const char *text) {
  egress__addr addr;
  cr_assert_eq(egress__addr_parse(&addr, text, strlen(text)), 0, "%s", text);
  return addr;
}

static egress__prefix prefix_of(const char *text) {
  egress__prefix prefix;
  cr_assert_eq(egress__prefix_parse(&prefix, text, strlen(text)), EGRESS__PREFIX_OK, "%s", text);
  return prefix;
}

Test(addr, canonical_text) {
  static const char *const cases[][2] = {
      {"10.0.0.7", "10.0.0.7"},
      {"2001:DB8:0:0:0:0:0:7", "2001:db8::7"},
      {"2001:db8:0:1::", "2001:db8:0:1::"},
      {"::", "::"},
      {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
  };
  char text[EGRESS__ADDR_TEXT];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    egress__addr addr = addr_of(cases[i][0]);
    cr_assert_str_eq(egress__addr_format(text, &addr), cases[i][1]);
  }
  const egress__addr none = {0};
  cr_assert_str_empty(egress__addr_format(text, &none));
}

Test(addr, no_address) {
  static const char *const texts[] = {"",
                                      "10.0.0",
                                      "10.0.0.256",
                                      "010.0.0.1",
                                      "10.0.0.1 ",
                                      " 10.0.0.1",
                                      "0x0a.0.0.1",
                                      "10.0.0.1/8",
                                      "10.0.0.1:80",
                                      "[::1]",
                                      "::1%lo",
                                      "1::2::3",
                                      ":::",
                                      "g::",
                                      "1:2:3:4:5:6:7:8:9",
                                      "localhost",
                                      "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
  egress__addr addr = {.family = 9};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    cr_assert_eq(egress__addr_parse(&addr, texts[i], strlen(texts[i])), EGRESS_EINVAL, "%s", texts[i]);
  cr_assert_eq(egress__addr_parse(&addr, "10.0.0.1\0", 9), EGRESS_EINVAL, "a NUL is no end");
  cr_assert_eq(addr.family, 9, "out is written on success only");
}

Test(addr, mapped) {
  egress__addr mapped = addr_of("::ffff:10.1.2.3"), plain = addr_of("10.1.2.3"), six = addr_of("::fffe:10.1.2.3");
  cr_assert(egress__addr_is_v4_mapped(&mapped));
  cr_assert_not(egress__addr_is_v4_mapped(&plain));
  cr_assert_not(egress__addr_is_v4_mapped(&six));
  egress__addr unmapped = egress__addr_unmapped(mapped);
  cr_assert_eq(memcmp(&unmapped, &plain, sizeof plain), 0);
  unmapped = egress__addr_unmapped(six);
  cr_assert_eq(memcmp(&unmapped, &six, sizeof six), 0);
}

Test(addr, loopback) {
  static const char *const in[] = {"127.0.0.1", "127.255.255.255", "::1"}, *const out[] = {"128.0.0.1", "::2", "::"};
  for (size_t i = 0; i < 3; i++) {
    egress__addr a = addr_of(in[i]), b = addr_of(out[i]);
    cr_assert(egress__addr_is_loopback(&a), "%s", in[i]);
    cr_assert_not(egress__addr_is_loopback(&b), "%s", out[i]);
  }
}

Test(addr, prefix_faults) {
  static const struct {
    const char *text;
    egress__prefix_fault fault;
    const char *right;
  } cases[] = {
      {"10.0.0.0/8", EGRESS__PREFIX_OK, "10.0.0.0/8"},
      {"10.0.0.7", EGRESS__PREFIX_OK, "10.0.0.7/32"},
      {"::1", EGRESS__PREFIX_OK, "::1/128"},
      {"0.0.0.0/0", EGRESS__PREFIX_OK, "0.0.0.0/0"},
      {"10.1.2.3/12", EGRESS__PREFIX_HOST_BITS, "10.0.0.0/12"},
      {"10.0.0.1/31", EGRESS__PREFIX_HOST_BITS, "10.0.0.0/31"},
      {"2001:db8::1/127", EGRESS__PREFIX_HOST_BITS, "2001:db8::/127"},
      {"10.0.0.0/33", EGRESS__PREFIX_BAD_LENGTH, NULL},
      {"::/129", EGRESS__PREFIX_BAD_LENGTH, NULL},
      {"::/1234", EGRESS__PREFIX_BAD_LENGTH, NULL},
      {"10.0.0.0/", EGRESS__PREFIX_BAD_LENGTH, NULL},
      {"10.0.0.0/08", EGRESS__PREFIX_BAD_LENGTH, NULL},
      {"10.0.0.0/+8", EGRESS__PREFIX_BAD_LENGTH, NULL},
      {"10.0.0.0/8/8", EGRESS__PREFIX_BAD_LENGTH, NULL},
      {"10.0.0/8", EGRESS__PREFIX_NOT_ADDRESS, NULL},
      {"/8", EGRESS__PREFIX_NOT_ADDRESS, NULL},
      {"", EGRESS__PREFIX_NOT_ADDRESS, NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[EGRESS__PREFIX_TEXT];
    egress__prefix prefix;
    cr_assert_eq(egress__prefix_parse(&prefix, cases[i].text, strlen(cases[i].text)), cases[i].fault, "%s",
                 cases[i].text);
    if (cases[i].right != NULL)
      cr_assert_str_eq(egress__prefix_format(text, &prefix), cases[i].right);
  }
}

Test(addr, prefix_has) {
  static const struct {
    const char *prefix, *in, *out;
  } cases[] = {
      {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
      {"192.0.2.8/29", "192.0.2.15", "192.0.2.16"},
      {"0.0.0.0/0", "255.255.255.255", "::"},
      {"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
      {"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
      {"::/0", "ffff::", "1.2.3.4"},
      {"::1/128", "::1", "::2"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    egress__prefix prefix = prefix_of(cases[i].prefix);
    egress__addr in = addr_of(cases[i].in), out = addr_of(cases[i].out);
    cr_assert(egress__prefix_has(&prefix, &in), "%s", cases[i].prefix);
    cr_assert_not(egress__prefix_has(&prefix, &out), "%s", cases[i].prefix);
  }
}

Test(addr, prefix_covers) {
  egress__prefix wide = prefix_of("10.0.0.0/8"), narrow = prefix_of("10.1.0.0/16"), other = prefix_of("11.0.0.0/16");
  cr_assert(egress__prefix_covers(&wide, &narrow));
  cr_assert(egress__prefix_covers(&wide, &wide));
  cr_assert_not(egress__prefix_covers(&narrow, &wide));
  cr_assert_not(egress__prefix_covers(&wide, &other));
}

Test(addr, prefix_order) {
  static const char *const rising[] = {"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16",
                                       "::/0",      "::/1",       "1::/16"};
  for (size_t i = 0; i < 7; i++) {
    for (size_t j = 0; j < 7; j++) {
      egress__prefix a = prefix_of(rising[i]), b = prefix_of(rising[j]);
      int order = egress__prefix_compare(&a, &b);
      cr_assert((i < j) == (order < 0) && (i > j) == (order > 0), "%s and %s", rising[i], rising[j]);
    }
  }
}

Test(addr, endpoints) {
  static const char *const good[] = {"127.0.0.1:80", "0.0.0.0:0", "[::1]:65535"};
  static const unsigned ports[] = {80, 0, 65535};
  static const char *const bad[] = {
      "",       "127.0.0.1",      "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:999999", "127.0.0.1:-1", "127.0.0.1:8x",
      "::1:80", "[127.0.0.1]:80", "[::1]",      "[::1:80",         "::1]:80",          ":80",          "localhost:80",
      "[]:80"};
  egress__endpoint endpoint;
  for (size_t i = 0; i < 3; i++) {
    cr_assert_eq(egress__endpoint_parse(&endpoint, good[i]), 0, "%s", good[i]);
    cr_assert_eq(endpoint.port, ports[i]);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    cr_assert_eq(egress__endpoint_parse(&endpoint, bad[i]), EGRESS_EINVAL, "%s", bad[i]);
}
