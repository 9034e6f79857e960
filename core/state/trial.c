/* The files of two folds compared, and the writes that make one into the other. */
#include "core/state/trial.h"

#include <stdlib.h>
#include <string.h>

#include "core/state/sql.h"

/* ---- reading */

static bool reserve(void **array, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap) return true;
    size_t more = *cap ? *cap * 2 : 64;
    while (more < need) more *= 2;
    void *p = realloc(*array, more * size);
    if (!p) return false;
    *array = p;
    *cap = more;
    return true;
}

static enum pv_err add_file(struct pv_trial_files *files, struct pv_trial_file file, struct pv_bytes path)
{
    if (!reserve((void **)&files->files, &files->cap, files->count + 1, sizeof *files->files) ||
        !reserve((void **)&files->paths, &files->paths_cap, files->paths_n + path.n, 1))
        return PV_ERR_NOMEM;
    if (path.n) memcpy(files->paths + files->paths_n, path.p, path.n);
    file.path.n = path.n; /* its place is known when all are there */
    files->files[files->count++] = file;
    files->paths_n += path.n;
    return PV_OK;
}

static int by_head(const void *a, const void *b)
{
    const struct pv_trial_file *left = a, *right = b;
    return left->head < right->head ? -1 : left->head > right->head;
}

enum pv_err pv_trial_files_read(struct pv_store *store, struct pv_trial_files *ret_files)
{
    struct pv_trial_files files = {.files = NULL};
    struct pv_trial_file file = {.head = 0};
    struct pv_sql sql = pv_sql_begin(store, "SELECT f.head, a.id, v.write_id, f.path FROM file f JOIN version v ON v.idx = f.head"
                                            " JOIN author a ON a.no = v.author WHERE f.removed IS NULL ORDER BY f.placed");
    while (pv_sql_step(&sql)) {
        file.head = pv_sql_u64(&sql, 0);
        pv_sql_fixed(&sql, 1, file.ref.author.b, sizeof file.ref.author.b);
        pv_sql_fixed(&sql, 2, file.ref.write_id.b, sizeof file.ref.write_id.b);
        file.order = files.count;
        if (!sql.err) sql.err = add_file(&files, file, pv_sql_bytes(&sql, 3));
    }
    enum pv_err err = pv_sql_end(&sql);
    size_t at = 0;
    for (size_t i = 0; i < files.count; i++) {
        files.files[i].path.p = files.paths + at;
        at += files.files[i].path.n;
    }
    if (files.count) qsort(files.files, files.count, sizeof *files.files, by_head);
    if (err) pv_trial_files_release(&files);
    *ret_files = files;
    return err;
}

void pv_trial_files_release(struct pv_trial_files *files)
{
    if (files->paths) pv_wipe(files->paths, files->paths_n);
    free(files->paths);
    free(files->files);
    *files = (struct pv_trial_files){.files = NULL};
}

static const struct pv_trial_file *find(const struct pv_trial_files *files, uint64_t head)
{
    struct pv_trial_file key = {.head = head};
    return files->count ? bsearch(&key, files->files, files->count, sizeof key, by_head) : NULL;
}

/* ---- mending */

static enum pv_err add_payload(struct pv_trial_mending *mending, struct pv_payload *payload)
{
    uint8_t memory[PV_LIMIT_PATH_BYTES + 1024];
    struct pv_buf buf;
    pv_buf_init_fixed(&buf, memory, sizeof memory);
    pv_random_fill(mending->random, payload->write_id.b, sizeof payload->write_id.b);
    pv_payload_put(&buf, payload);
    if (buf.err) return buf.err;
    pv_cbor_put_bytes(mending->payloads, buf.p, buf.n);
    mending->count++;
    return mending->payloads->err;
}

static enum pv_err add_remove(struct pv_trial_mending *mending, const struct pv_trial_file *file)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_FILE_REMOVE};
    payload.u.file_remove = file->ref;
    return add_payload(mending, &payload);
}

static enum pv_err add_move(struct pv_trial_mending *mending, const struct pv_trial_file *file, struct pv_bytes path)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_FILE_MOVE};
    payload.u.file_move.version = file->ref;
    enum pv_err err = pv_path_from_text(path, &payload.u.file_move.path);
    return err ? err : add_payload(mending, &payload);
}

/* Off and back: whoever is placed later comes after those who stayed. */
static enum pv_err add_detour(struct pv_trial_mending *mending, const struct pv_trial_file *file)
{
    char aside[2 * sizeof file->ref.write_id.b + 32] = ".privity-";
    pv_hex_encode(file->ref.write_id.b, sizeof file->ref.write_id.b, aside + strlen(aside));
    enum pv_err err = add_move(mending, file, pv_bytes_of_string(aside));
    return err ? err : add_move(mending, file, file->path);
}

/* By path, within one in the order of standing there. */
static int by_path(const void *a, const void *b)
{
    const struct pv_trial_file *left = a, *right = b;
    int order = pv_bytes_compare(left->path, right->path);
    return order ? order : left->order < right->order ? -1 : left->order > right->order;
}

/* Those that stay, by path. NULL: no memory. */
static struct pv_trial_file *staying(const struct pv_trial_files *files, bool (*goes)(void *context, uint64_t head), void *context,
                                     size_t *ret_count)
{
    struct pv_trial_file *stay = malloc((files->count + 1) * sizeof *stay);
    size_t count = 0;
    if (!stay) return NULL;
    for (size_t i = 0; i < files->count; i++)
        if (!goes || !goes(context, files->files[i].head)) stay[count++] = files->files[i];
    if (count) qsort(stay, count, sizeof *stay, by_path);
    *ret_count = count;
    return stay;
}

enum pv_err pv_trial_mend(const struct pv_trial_files *before, const struct pv_trial_files *after,
                          bool (*goes)(void *context, uint64_t head), void *context, struct pv_trial_mending *mending)
{
    enum pv_err err = PV_OK;
    size_t count = 0;
    uint64_t latest = 0; /* where the last of those before it at this path comes to stand */
    for (size_t i = 0; i < after->count && !err; i++)
        if (!find(before, after->files[i].head)) err = add_remove(mending, &after->files[i]);
    struct pv_trial_file *stay = staying(before, goes, context, &count);
    if (!stay) return PV_ERR_NOMEM;
    for (size_t i = 0; i < count && !err; i++) {
        const struct pv_trial_file *file = &stay[i], *now = find(after, file->head);
        bool first = i == 0 || !pv_bytes_equal(stay[i - 1].path, file->path);
        if (first) latest = 0;
        if (!now) continue;
        bool moved = !pv_bytes_equal(now->path, file->path), late = moved || latest > now->order;
        if (moved) err = add_move(mending, file, file->path);
        else if (late) err = add_detour(mending, file);
        latest = late ? UINT64_MAX : now->order;
    }
    free(stay);
    return err;
}

enum pv_err pv_trial_same(const struct pv_trial_files *before, const struct pv_trial_files *after,
                          bool (*goes)(void *context, uint64_t head), void *context, bool *ret_same)
{
    size_t was = 0, is = 0;
    struct pv_trial_file *left = staying(before, goes, context, &was), *right = staying(after, NULL, NULL, &is);
    bool same = left && right && was == is;
    for (size_t i = 0; i < was && same; i++)
        same = left[i].head == right[i].head && pv_bytes_equal(left[i].path, right[i].path);
    enum pv_err err = left && right ? PV_OK : PV_ERR_NOMEM;
    free(left);
    free(right);
    if (!err) *ret_same = same;
    return err;
}
