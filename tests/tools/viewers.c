/* A crowd for a real server: registers COUNT persons where registration is open, who all join a room by one link, which
 * is read from standard input. The first keeps a copy of the room; the others join by what that one holds, so that it is quick.
 *
 *     viewers PORT COUNT <LINK */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/person.h"

static struct pv_invite_link read_link(void)
{
    static char text[8192];
    struct pv_invite_link link;
    text[fread(text, 1, sizeof text - 1, stdin)] = 0;
    text[strcspn(text, "\n")] = 0;
    bench_must(pv_invite_link_read(pv_bytes_of_string(text), &link), "link");
    return link;
}

int main(int argc, char **argv)
{
    static struct bench_person first, other;
    struct rig_member member;
    struct pv_half_b b;
    if (argc != 3) return 2;
    bench_must(pv_crypto_init(), "crypto");
    struct pv_invite_link link = read_link();
    uint16_t port = (uint16_t)strtoul(argv[1], NULL, 10);
    size_t count = strtoul(argv[2], NULL, 10);
    uint64_t seed = (uint64_t)getpid() * 100000;
    bench_person_init(&first, port, seed);
    bench_must(rig_join(&member, &first.device, &link), "the first joins");
    for (size_t i = 1; i < count; i++) {
        bench_person_init(&other, port, seed + i);
        bench_must(rig_release(&other.device, &link, &b), "the other half of the link");
        bench_must(rig_join_apart_by(&other.proxy, &member, &link, &b, seed + i), "another joins");
        bench_person_release(&other);
    }
    rig_member_close(&member);
    bench_person_release(&first);
    return 0;
}
