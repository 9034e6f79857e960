/* Files that core writes, read by another implementation, which knows FORMAT.md and nothing of this code. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/bulk.h"
#include "tests/unit/transfer_rig.h"

static struct rig rig;

static void perform(struct rig *r, struct pv_bulk_job *job)
{
    pv_bulk_run(r->bulk, job);
}

static void save(const char *dir, const char *name, struct pv_bytes bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes.p, 1, bytes.n, file) != bytes.n || fclose(file)) abort();
}

static void save_file(const char *dir, const char *name, const struct rig_file *from, const struct rig_input *plain)
{
    char named[64];
    struct pv_buf buf;
    struct pv_file file = rig_as_file(from);
    snprintf(named, sizeof named, "%s.file", name);
    file.path = (struct pv_path){2, {pv_bytes_of_string("samples"), pv_bytes_of_string(named)}};
    file.mode = 0640;
    file.mtime_seconds = -5;
    file.mtime_nanoseconds = 123456789;
    pv_buf_init(&buf, PV_LIMIT_PAYLOAD_BYTES);
    pv_file_put(&buf, &file);
    if (buf.err) abort();
    save(dir, named, pv_buf_bytes(&buf));
    snprintf(named, sizeof named, "%s.plain", name);
    save(dir, named, pv_bytes(plain->p, (size_t)plain->n));
    pv_buf_release(&buf);
}

static int run(const char *format, const char *dir)
{
    char command[1024];
    snprintf(command, sizeof command, format, dir);
    return system(command); /* the name is mkdtemp's */
}

int main(void)
{
    enum { LARGE = 44 << 20, SMALL = 3 << 20 }; /* LARGE has more chunks than an entry holds */
    static const char *const names[] = {"empty", "byte", "small", "large"};
    char dir[] = "/tmp/privity-files-XXXXXX";
    struct pv_chunk_secret secret = {{1, 2, 3}};
    struct pv_gear gear;
    struct pv_bulk bulk;
    uint8_t *bytes = malloc(LARGE);
    if (!bytes || !mkdtemp(dir) || pv_bulk_init(&bulk)) return 1;
    rig_init(&rig, perform, &bulk);
    for (size_t i = 0; i < LARGE; i += 8) {
        uint64_t word = rig_random(&rig);
        memcpy(bytes + i, &word, 8);
    }
    struct rig_input inputs[] = {{bytes, 0}, {bytes, 1}, {bytes + 5, SMALL}, {bytes, LARGE}};
    pv_gear_derive(&secret, &gear);
    tap_is_int(rig_upload(&rig, &gear, 8, inputs, 4), PV_OK, "four files are written");
    tap_ok(rig.files[3].result.manifest.pages && rig_comes_back(&rig, 3, &inputs[3], 4), "one with a page, and read here");

    save(dir, "secret", PV_BYTES_OF(secret));
    for (size_t i = 0; i < 4; i++) save_file(dir, names[i], &rig.files[i], &inputs[i]);
    for (size_t i = 0; i < rig.blob_count; i++) {
        char name[64] = "blob-";
        pv_hex_encode(rig.blobs[i].name.b, 16, name + 5);
        save(dir, name, pv_bytes(rig.blobs[i].p, rig.blobs[i].n));
    }
    tap_is_int(run("node tests/vectors/read_files.mjs %s >&2", dir), 0, "the other implementation reads and cuts the same");

    rig.blobs[rig.blob_count - 1].p[3] ^= 1; /* so that its verdict means something */
    char name[64] = "blob-";
    pv_hex_encode(rig.blobs[rig.blob_count - 1].name.b, 16, name + 5);
    save(dir, name, pv_bytes(rig.blobs[rig.blob_count - 1].p, rig.blobs[rig.blob_count - 1].n));
    tap_ok(run("node tests/vectors/read_files.mjs %s >/dev/null 2>&1", dir) != 0, "and refuses a flipped bit");

    if (run("rm -r %s", dir)) return 1;
    rig_release(&rig);
    pv_bulk_release(&bulk);
    free(bytes);
    return tap_done();
}
