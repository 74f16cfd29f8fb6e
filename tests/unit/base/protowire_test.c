#include "base/protowire.h"

#include <criterion/criterion.h>
#include <string.h>

#include <egress/error.h>

#define SPAN(text) ((egress__span){(const uint8_t *)(text), sizeof(text) - 1})

Test(protowire, varints) {
  static const struct {
    const char *bytes;
    size_t size;
    uint64_t value;
  } cases[] = {
      {"\x00", 1, 0},
      {"\x7f", 1, 127},
      {"\x80\x01", 2, 128},
      {"\xac\x02", 2, 300},
      {"\xff\xff\xff\xff\x0f", 5, UINT32_MAX},
      {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, UINT64_MAX},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    egress__span rest = {(const uint8_t *)cases[i].bytes, cases[i].size};
    uint64_t value;
    uint8_t out[10];
    cr_assert_eq(egress__varint_next(&rest, &value), 0);
    cr_assert_eq(value, cases[i].value);
    cr_assert_eq(rest.size, 0);
    cr_assert_eq(egress__varint_size(value), cases[i].size);
    cr_assert_eq(egress__put_varint(out, value), out + cases[i].size);
    cr_assert_eq(memcmp(out, cases[i].bytes, cases[i].size), 0);
  }
}

Test(protowire, bad_varints) {
  egress__span cut = SPAN("\x80"), none = SPAN(""), long_one = SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
               longer = SPAN("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01");
  uint64_t value = 7;
  cr_assert_eq(egress__varint_next(&cut, &value), EGRESS_EWIRE);
  cr_assert_eq(egress__varint_next(&none, &value), EGRESS_EWIRE);
  cr_assert_eq(egress__varint_next(&long_one, &value), EGRESS_EWIRE, "more than 64 bits");
  cr_assert_eq(egress__varint_next(&longer, &value), EGRESS_EWIRE, "more than 10 bytes");
  cr_assert_eq(value, 7);
}

Test(protowire, fields) {
  egress__span rest = SPAN("\x08\x96\x01" /* 1: varint 150 */
                           "\x12\x03"
                           "abc"                                    /* 2: bytes */
                           "\x1d\x01\x02\x03\x04"                   /* 3: fixed32 */
                           "\x21\x08\x07\x06\x05\x04\x03\x02\x01"); /* 4: fixed64 */
  egress__field field;
  cr_assert_eq(egress__field_next(&rest, &field), 1);
  cr_assert(field.number == 1 && field.type == EGRESS__WIRE_VARINT && field.value == 150);
  cr_assert_eq(egress__field_next(&rest, &field), 1);
  cr_assert(field.number == 2 && field.type == EGRESS__WIRE_BYTES && field.bytes.size == 3);
  cr_assert_eq(memcmp(field.bytes.data, "abc", 3), 0);
  cr_assert_eq(egress__field_next(&rest, &field), 1);
  cr_assert(field.number == 3 && field.type == EGRESS__WIRE_FIXED32 && field.value == 0x04030201);
  cr_assert_eq(egress__field_next(&rest, &field), 1);
  cr_assert(field.number == 4 && field.type == EGRESS__WIRE_FIXED64 && field.value == UINT64_C(0x0102030405060708));
  cr_assert_eq(egress__field_next(&rest, &field), 0);
}

Test(protowire, bad_fields) {
  static const struct {
    const char *why;
    egress__span span;
  } cases[] = {
      {"field number 0", {(const uint8_t *)"\x00\x01", 2}},
      {"tag of more than 32 bits", {(const uint8_t *)"\x88\x80\x80\x80\x80\x01\x00", 7}},
      {"start of a group", {(const uint8_t *)"\x0b", 1}},
      {"end of a group", {(const uint8_t *)"\x0c", 1}},
      {"unknown wire type", {(const uint8_t *)"\x0e\x00", 2}},
      {"bytes cut",
       {(const uint8_t *)"\x0a\x04"
                         "abc",
        5}},
      {"huge length",
       {(const uint8_t *)"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                         "a",
        12}},
      {"fixed32 cut", {(const uint8_t *)"\x0d\x01\x02\x03", 4}},
      {"fixed64 cut", {(const uint8_t *)"\x09\x01\x02\x03\x04\x05\x06\x07", 8}},
      {"value missing", {(const uint8_t *)"\x08", 1}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    egress__span rest = cases[i].span;
    egress__field field;
    cr_assert_eq(egress__field_next(&rest, &field), EGRESS_EWIRE, "%s", cases[i].why);
  }
}

Test(protowire, text) {
  static const char *const good[] = {
      "", "abc", "\303\274", "\340\240\200", "\355\237\277", "\357\277\277", "\360\220\200\200", "\364\217\277\277"};
  static const char *const bad[] = {"\200",
                                    "\300\200",
                                    "\301\277",
                                    "\340\237\277",
                                    "\355\240\200",
                                    "\360\217\277\277",
                                    "\364\220\200\200",
                                    "\365\200\200\200",
                                    "\303",
                                    "\342\202",
                                    "\303(",
                                    "\377"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    cr_assert(egress__span_is_text((egress__span){(const uint8_t *)good[i], strlen(good[i])}), "%zu", i);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    cr_assert_not(egress__span_is_text((egress__span){(const uint8_t *)bad[i], strlen(bad[i])}), "%zu", i);
  cr_assert_not(egress__span_is_text(SPAN("a\0b")));
}

Test(protowire, short_text) {
  cr_assert(egress__is_short_text("a", 1));
  cr_assert(egress__is_short_text("Z\xc3\xbcrich", 7));
  cr_assert(!egress__is_short_text("Z\xc3\xbcrich", 6));
  cr_assert(!egress__is_short_text("Z\xfcrich", 7));
  cr_assert(!egress__is_short_text("", 7));
  cr_assert(!egress__is_short_text(NULL, 7));
  const char endless[] = {'a', 'b'};
  cr_assert(!egress__is_short_text(endless, 1), "no byte behind the one too many is read");
}

Test(protowire, put_bytes) {
  static const uint32_t numbers[] = {1, 15, 16, 2047, 2048};
  uint8_t out[400], body[300];
  memset(body, 'x', sizeof body);
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    for (size_t size = 0; size <= sizeof body; size += 100) {
      egress__field field;
      size_t written = (size_t)(egress__put_bytes(out, numbers[i], body, size) - out);
      cr_assert_eq(written, egress__bytes_field_size(numbers[i], size));
      egress__span rest = {out, written};
      cr_assert_eq(egress__field_next(&rest, &field), 1);
      cr_assert(field.number == numbers[i] && field.bytes.size == size && rest.size == 0);
    }
  }
}
