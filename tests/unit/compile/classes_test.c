#include "compile/classes.h"

#include "support/reading.h"

typedef struct made {
  egress_policy *policy;
  egress__arena arena;
  egress__classes classes;
} made;

static void make(made *m, const char *text) {
  m->policy = read_policy(text);
  egress__arena_init(&m->arena, egress__alloc_or_default(NULL));
  cr_assert_eq(egress__classes_make(&m->classes, m->policy, &m->arena), 0);
}

static void dispose(made *m) {
  egress__arena_dispose(&m->arena);
  egress_policy_unref(m->policy);
}

/* A class as text: `a.test b.test: r1 r2~REGEX`, or `below test root: ...`. */
static const char *describe(made *m, const egress__class *class) {
  egress__buf buf;
  egress__buf_init(&buf, egress__alloc_or_default(NULL));
  egress__buf_str(&buf, class->below ? "below" : "");
  for (size_t i = 0; i < class->member_count; i++) {
    const char *text = class->members[i]->text;
    egress__buf_printf(&buf, "%s%s", buf.size == 0 ? "" : " ", text[0] == '\0' ? "root" : text);
  }
  egress__buf_char(&buf, ':');
  for (size_t i = 0; i < class->cond_count; i++) {
    const egress__cond *cond = &class->conds[i];
    egress__buf_printf(&buf, " %s%s%s", m->policy->rules[cond->rule].name, cond->regex == NULL ? "" : "~",
                       cond->regex == NULL ? "" : cond->regex);
  }
  char *text = egress__arena_strndup(&m->arena, buf.data, buf.size);
  egress__buf_dispose(&buf);
  return text;
}

/* The policy of `rules` must have exactly these classes, a line each. */
static void gives(const char *rules, const char *expected) {
  made m;
  make(&m, rules);
  egress__buf buf;
  egress__buf_init(&buf, egress__alloc_or_default(NULL));
  for (size_t i = 0; i < m.classes.count; i++)
    egress__buf_printf(&buf, "%s\n", describe(&m, m.classes.items[i]));
  egress__buf_char(&buf, '\0');
  cr_expect_str_eq(buf.data, expected, "%s\ngot:\n%swanted:\n%s", rules, buf.data, expected);
  egress__buf_dispose(&buf);
  dispose(&m);
}

#define ONE(to) HEAD "rules:\n  - {name: r, to: [" to "]}\n"
#define TWO(to_r, to_s) ONE(to_r) "  - {name: s, to: [" to_s "]}\n"

Test(classes, names_of_one_rule_are_one_class) {
  gives(HEAD, "");
  gives(ONE("b.test, a.test, x.y.org"), "a.test b.test x.y.org: r\n");
  gives(ONE("'**.b.test', '**.a.test'"), "below a.test b.test: r\n");
}

Test(classes, a_class_for_each_set_of_rules) {
  gives(TWO("a.test, b.test, c.test", "b.test, d.test"), "a.test c.test: r\nb.test: r s\nd.test: s\n");
  gives(HEAD "deny:\n  - {name: d, to: [b.test]}\nrules:\n  - {name: r, to: [a.test, b.test]}\n",
        "a.test: r\nb.test: d r\n");
}

Test(classes, a_name_knows_the_wildcards_above_it) {
  gives(TWO("'**.test'", "a.test, b.org"), "a.test: r s\nb.org: s\nbelow test: r\n");
  gives(TWO("'**'", "a.test"), "below root: r\na.test: r s\n");
  gives(TWO("'*.test'", "a.test, a.b.test"), "a.b.test: s\na.test: r s\nbelow test: r~[^.]*(\\.[^.]+){1}\n");
  gives(TWO("'a*.test'", "ab.test, ba.test"), "ab.test: r s\nba.test: s\nbelow test: r~a[^.]*(\\.[^.]+){1}\n");
}

Test(classes, what_is_below_a_suffix_knows_what_is_above_it) {
  gives(TWO("'**.test'", "'**.a.test'"), "below a.test: r s\nbelow test: r\n");
  /* One label before test never reaches below a.test; two labels do, but only some. */
  gives(TWO("'*.test'", "'**.a.test'"), "below a.test: s\nbelow test: r~[^.]*(\\.[^.]+){1}\n");
  gives(TWO("'*.*.test'", "'**.a.test'"),
        "below a.test: r~[^.]*\\.[^.]*\\.test s\nbelow test: r~[^.]*\\.[^.]*(\\.[^.]+){1}\n");
  /* The suffix itself is not below itself. */
  gives(TWO("'**.a.test'", "a.test"), "a.test: s\nbelow a.test: r\n");
}

Test(classes, suffixes_that_differ_in_nothing_else_are_one_class) {
  gives(ONE("'*.a.test', '*.b.test', '*.c.org'"), "below a.test b.test c.org: r~[^.]*(\\.[^.]+){2}\n");
  gives(ONE("'*.a.test', '*.test'"), "below a.test: r~[^.]*(\\.[^.]+){2}\nbelow test: r~[^.]*(\\.[^.]+){1}\n");
}

Test(classes, a_rule_is_said_once) {
  gives(ONE("'**.a.test', '**.test', '*.test'"), "below a.test test: r\n");
  gives(ONE("'**.test', a.test"), "a.test: r\nbelow test: r\n");
  gives(ONE("'x*.test', '*y.test'"), "below test: r~[^.]*y(\\.[^.]+){1} r~x[^.]*(\\.[^.]+){1}\n");
}

/* The list of one atom as text. */
static void decides(made *m, size_t class, int32_t protocol, uint16_t port, uint32_t atom, const char *expected) {
  egress__verdicts verdicts;
  cr_assert_eq(egress__class_verdicts(&verdicts, m->classes.items[class], m->policy, protocol, port, &m->arena), 0);
  const egress__list *list = &verdicts.by_atom[verdicts.alike ? 0 : atom];
  char got[256] = "";
  for (size_t i = 0; i < list->count; i++)
    snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s%s", i == 0 ? "" : " ",
             m->policy->rules[list->conds[i].rule].name, list->conds[i].regex == NULL ? "" : "~");
  cr_expect_str_eq(got, expected, "%s at %u for atom %u: \"%s\"", describe(m, m->classes.items[class]), port, atom,
                   got);
}

Test(classes, lists_end_with_the_rule_that_takes_every_name) {
  made m;
  make(&m, HEAD "deny:\n  - {name: d, to: ['x*.test']}\nrules:\n  - {name: r, to: ['*y.test'], ports: [443, 80]}\n"
                "  - {name: s, to: ['**.test'], ports: [443]}\n  - {name: t, to: ['**']}\n");
  cr_assert_eq(m.classes.count, 2);
  cr_assert_str_eq(describe(&m, m.classes.items[0]), "below root: t");
  decides(&m, 1, EGRESS_PROTOCOL_TLS, 443, 0, "d~ r~ s");
  decides(&m, 1, EGRESS_PROTOCOL_TLS, 80, 0, "d~ r~");
  decides(&m, 1, EGRESS_PROTOCOL_HTTP, 80, 0, "d~ r~ t");
  decides(&m, 1, EGRESS_PROTOCOL_TLS, 9999, 0, "d~");
  decides(&m, 0, EGRESS_PROTOCOL_TLS, 443, 0, "t");
  decides(&m, 0, EGRESS_PROTOCOL_TLS, 8443, 0, "");
  dispose(&m);
}

Test(classes, lists_by_source) {
  made m;
  make(&m, HEAD "sources: {a: {cidrs: [10.1.0.0/16]}, b: {cidrs: [10.1.2.0/24]}}\nrules:\n"
                "  - {name: ra, to: [x.test], from: [a]}\n  - {name: rb, to: [x.test, y.test], from: [b]}\n"
                "  - {name: any, to: [x.test, z.test]}\n");
  cr_assert_eq(m.classes.count, 3);
  egress__addr addr;
  uint32_t atoms[3];
  static const char *const sources[] = {"192.0.2.1", "10.1.1.1", "10.1.2.1"};
  for (size_t i = 0; i < 3; i++) {
    egress__addr_parse(&addr, sources[i], strlen(sources[i]));
    atoms[i] = egress__policy_atom(m.policy, &addr);
  }
  decides(&m, 0, EGRESS_PROTOCOL_TLS, 443, atoms[0], "any");
  decides(&m, 0, EGRESS_PROTOCOL_TLS, 443, atoms[1], "ra");
  decides(&m, 0, EGRESS_PROTOCOL_TLS, 443, atoms[2], "ra");
  decides(&m, 1, EGRESS_PROTOCOL_TLS, 443, atoms[0], "");
  decides(&m, 1, EGRESS_PROTOCOL_TLS, 443, atoms[1], "");
  decides(&m, 1, EGRESS_PROTOCOL_TLS, 443, atoms[2], "rb");
  egress__verdicts verdicts;
  cr_assert_eq(egress__class_verdicts(&verdicts, m.classes.items[2], m.policy, EGRESS_PROTOCOL_TLS, 443, &m.arena), 0);
  cr_expect(verdicts.alike && verdicts.any, "z.test asks nobody who it is");
  cr_assert_eq(egress__class_verdicts(&verdicts, m.classes.items[1], m.policy, EGRESS_PROTOCOL_TLS, 80, &m.arena), 0);
  cr_expect_not(verdicts.any, "nobody at port 80");
  cr_assert_eq(egress__class_verdicts(&verdicts, m.classes.items[1], m.policy, EGRESS_PROTOCOL_TLS, 443, &m.arena), 0);
  cr_expect(verdicts.any && !verdicts.alike);
  dispose(&m);
}

Test(classes, lists_are_compared_by_what_they_decide) {
  static const char regex[] = "x", other[] = "x";
  egress__cond a[] = {{1, regex}, {2, NULL}}, b[] = {{1, regex}, {2, NULL}}, c[] = {{1, regex}, {3, NULL}},
               d[] = {{1, NULL}, {2, NULL}}, e[] = {{1, other}, {2, NULL}};
  const egress__list list = {a, 2};
  cr_expect(egress__list_equal(&list, &(egress__list){b, 2}));
  cr_expect_not(egress__list_equal(&list, &(egress__list){b, 1}));
  cr_expect_not(egress__list_equal(&list, &(egress__list){c, 2}));
  cr_expect_not(egress__list_equal(&list, &(egress__list){d, 2}));
  cr_expect_not(egress__list_equal(&list, &(egress__list){e, 2}), "an expression is known by its address");
  cr_expect(egress__list_equal(&(egress__list){NULL, 0}, &(egress__list){a, 0}));
}

Test(classes, ten_thousand_hosts_of_one_rule_are_one_class) {
  egress__buf text;
  egress__buf_init(&text, egress__alloc_or_default(NULL));
  egress__buf_str(&text, HEAD "rules:\n  - name: r\n    to:\n");
  for (int i = 0; i < 10000; i++)
    egress__buf_printf(&text, "      - h%d.test\n", i);
  egress__buf_char(&text, '\0');
  made m;
  make(&m, text.data);
  cr_assert_eq(m.classes.count, 1);
  cr_assert_eq(m.classes.items[0]->member_count, 10000);
  for (size_t i = 1; i < 10000; i++)
    cr_assert_lt(strcmp(m.classes.items[0]->members[i - 1]->text, m.classes.items[0]->members[i]->text), 0);
  dispose(&m);
  egress__buf_dispose(&text);
}
