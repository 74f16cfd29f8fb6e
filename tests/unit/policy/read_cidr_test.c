#include "support/reading.h"

static void cidr_fault(const char *cidr, const char *fault) {
  char text[256], wanted[256];
  sprintf(text, HEAD "defaults: {allow_private: [\"%s\"]}\n", cidr);
  sprintf(wanted, "p:2:28: error: `%s` %s\n", cidr, fault);
  refuses(text, wanted);
}

Test(read_cidr, faults) {
  static const char length[] = "has a bad length; it is 0 to 32 for IPv4, 0 to 128 for IPv6";
  static const char address[] = "is no address range; write ADDRESS/LENGTH, such as 10.4.0.0/16";
  cidr_fault("10.0.0.1/8", "has bits set behind its length; write 10.0.0.0/8");
  cidr_fault("2001:db8::1/32", "has bits set behind its length; write 2001:db8::/32");
  cidr_fault("10.0.0.0/33", length);
  cidr_fault("2001:db8::/129", length);
  cidr_fault("10.0.0.0/", length);
  cidr_fault("10.0.0.0/08", length);
  cidr_fault("10.0.0.0/-1", length);
  cidr_fault("10.0.0/8", address);
  cidr_fault("010.0.0.0/8", address);
  cidr_fault("", address);
  cidr_fault("fe80::1%eth0", address);
}

Test(read_cidr, v4_mapped) {
  cidr_fault("::ffff:10.0.0.0/104", "is IPv4 written as IPv6; write 10.0.0.0/8");
  cidr_fault("::ffff:10.1.2.3", "is IPv4 written as IPv6; write 10.1.2.3/32");
  cidr_fault("::ffff:10.1.2.3/104", "is IPv4 written as IPv6; write 10.0.0.0/8");
  cidr_fault("::ffff:0:0/96", "is IPv4 written as IPv6; write 0.0.0.0/0");
  accepts(HEAD "defaults: {allow_private: [\"::/0\", \"::/64\", \"::fffe:0:0/96\"]}\n", "");
}
