/* Accounts for whoever besieges a server: registers COUNT persons where registration is open, each of whom founds a room
 * and fills it with at least BYTES. Prints a line for each: the session's token and the room.
 *
 *     siege_accounts PORT COUNT BYTES */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/person.h"

enum { TEXT_BYTES = 60000 };

/* In requests of at most a quarter of what one may hold. */
static void fill(struct bench_person *person, struct rig_member *member, const char *room, size_t bytes)
{
    static char text[TEXT_BYTES + 1];
    char path[128], headers[192];
    struct bench_writer writer;
    memset(text, 'x', TEXT_BYTES);
    bench_writer_init(&writer, member);
    (void)snprintf(path, sizeof path, "/v1/rooms/%s/entries", room);
    (void)snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", person->token);
    for (size_t done = 0; done < bytes;) {
        struct pv_buf bundles, answer;
        size_t left = (bytes - done) / TEXT_BYTES + 1, batch = left < 64 ? left : 64;
        pv_buf_init(&bundles, PV_LIMIT_BATCH_BYTES);
        pv_buf_init(&answer, SIZE_MAX);
        pv_cbor_put_array(&bundles, batch);
        for (size_t i = 0; i < batch; i++) bench_write(&writer, text, &bundles);
        unsigned status = bench_ask(person->fd, "POST", path, headers, pv_buf_bytes(&bundles), &answer);
        if (status != 200) {
            fprintf(stderr, "siege_accounts: %u %.*s\n", status, (int)answer.n, (const char *)answer.p);
            exit(1);
        }
        pv_buf_release(&bundles);
        pv_buf_release(&answer);
        done += batch * TEXT_BYTES;
    }
}

int main(int argc, char **argv)
{
    static struct bench_person person;
    struct rig_member member;
    char hex[65];
    if (argc != 4) return 2;
    size_t count = strtoul(argv[2], NULL, 10), bytes = strtoul(argv[3], NULL, 10);
    bench_must(pv_crypto_init(), "crypto");
    for (size_t i = 0; i < count; i++) {
        bench_person_init(&person, (uint16_t)strtoul(argv[1], NULL, 10), (uint64_t)getpid() * 100000 + i);
        bench_must(rig_found(&member, &person.device), "room");
        pv_hex_encode(pv_room_id(member.room)->b, 32, hex);
        fill(&person, &member, hex, bytes);
        printf("%s %s\n", person.token, hex);
        rig_member_close(&member);
        bench_person_release(&person);
    }
    return 0;
}
