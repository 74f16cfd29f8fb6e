#include "base/arena.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static egress__arena arena;

static void init(void) {
  egress__arena_init(&arena, egress__alloc_or_default(NULL));
}

static void dispose(void) {
  egress__arena_dispose(&arena);
}

TestSuite(arena, .init = init, .fini = dispose);

Test(arena, zeroed_aligned_and_apart) {
  unsigned char *last = NULL;
  for (size_t size = 1; size < 300; size++) {
    unsigned char *bytes = egress__arena_get(&arena, size);
    cr_assert_eq((uintptr_t)bytes % _Alignof(max_align_t), 0);
    for (size_t i = 0; i < size; i++)
      cr_assert_eq(bytes[i], 0);
    memset(bytes, 0xff, size);
    cr_assert_neq(bytes, last);
    last = bytes;
  }
}

Test(arena, large_blocks) {
  char *large = egress__arena_get(&arena, 1 << 20), *small = egress__arena_get(&arena, 8);
  memset(large, 1, 1 << 20);
  cr_assert_eq(small[0], 0);
}

Test(arena, sizes_do_not_overflow) {
  cr_assert_null(egress__arena_get(&arena, SIZE_MAX));
  cr_assert_null(egress__arena_get(&arena, SIZE_MAX - 16));
  cr_assert_null(egress__arena_array(&arena, SIZE_MAX / 4, 5));
  cr_assert_null(egress__arena_strndup(&arena, "", SIZE_MAX));
}

Test(arena, text) {
  cr_assert_str_eq(egress__arena_strndup(&arena, "abcdef", 3), "abc");
  cr_assert_str_eq(egress__arena_printf(&arena, "%d %s", 7, "x"), "7 x");
  char long_text[5000];
  memset(long_text, 'a', sizeof long_text - 1);
  long_text[sizeof long_text - 1] = '\0';
  cr_assert_str_eq(egress__arena_printf(&arena, "%s", long_text), long_text);
}

Test(arena, usable_after_dispose) {
  egress__arena_get(&arena, 100);
  egress__arena_dispose(&arena);
  cr_assert_not_null(egress__arena_get(&arena, 100));
}
