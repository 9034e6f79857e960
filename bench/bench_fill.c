/* Fill a room on a running server: join it by a link, and post messages by the full request.
 *
 *   bench_fill PORT LINK COUNT */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/person.h"

static void say(char *text, size_t max, size_t i)
{
    (void)snprintf(text, max, "message %zu: the drawing of part %zu is attached; please say by week %zu whether "
                   "%zu pieces are enough, and what the client thinks of the colour", i, i * 7919 % 1000, i % 52, i % 13);
}

int main(int argc, char **argv)
{
    static struct bench_person person;
    struct rig_member member;
    struct bench_writer writer;
    struct pv_invite_link link;
    struct pv_buf bundles, answer;
    char path[128], headers[192], hex[65], text[256];
    if (argc != 4) return 2;
    size_t count = strtoul(argv[3], NULL, 10);
    bench_must(pv_crypto_init(), "crypto");
    bench_must(pv_invite_link_read(pv_bytes_of_string(argv[2]), &link), "link");
    bench_person_init(&person, (uint16_t)strtoul(argv[1], NULL, 10), (uint64_t)getpid());
    bench_must(rig_join(&member, &person.device, &link), "join");
    bench_writer_init(&writer, &member);
    pv_hex_encode(link.room.b, sizeof link.room.b, hex);
    (void)snprintf(path, sizeof path, "/v1/rooms/%s/entries", hex);
    (void)snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", person.token);
    pv_buf_init(&bundles, PV_LIMIT_BATCH_BYTES);
    pv_buf_init(&answer, SIZE_MAX);
    for (size_t done = 0; done < count;) {
        size_t batch = count - done < PV_LIMIT_BATCH_ENTRIES ? count - done : PV_LIMIT_BATCH_ENTRIES;
        pv_buf_clear(&bundles);
        pv_buf_clear(&answer);
        pv_cbor_put_array(&bundles, batch);
        for (size_t i = 0; i < batch; i++) {
            say(text, sizeof text, done + i);
            bench_write(&writer, text, &bundles);
        }
        if (bench_ask(person.fd, "POST", path, headers, pv_buf_bytes(&bundles), &answer) != 200) {
            fprintf(stderr, "bench_fill: %.*s\n", (int)answer.n, (const char *)answer.p);
            return 1;
        }
        done += batch;
    }
    pv_buf_release(&bundles);
    pv_buf_release(&answer);
    rig_member_close(&member);
    bench_person_release(&person);
    return 0;
}
