/* The full-text index over messages and paths, which follows the fold at its own pace. */
#include "core/state/words.h"

#include "core/state/feature.h"
#include "core/state/fold.h"
#include "core/state/written.h"

static const char worded_size[] = "pv.worded";

/* What the tokenizer is given: names need not be text, so bytes that are none become spaces. */
static void append_words(struct pv_buf *words, struct pv_bytes bytes)
{
    bool is_text = pv_utf8_is_valid(bytes.p, bytes.n);
    pv_buf_append_byte(words, ' ');
    for (size_t i = 0; i < bytes.n; i++)
        pv_buf_append_byte(words, is_text || bytes.p[i] < 0x80 ? bytes.p[i] : ' ');
}

static void append_attachments(struct pv_buf *words, struct pv_bytes encoded)
{
    struct pv_cbor in;
    struct pv_file file;
    pv_cbor_init(&in, encoded);
    while (!in.err && in.p < in.end) {
        pv_file_get(&in, &file);
        if (!in.err) append_words(words, file.path.parts[file.path.part_count - 1]);
    }
    if (in.err && !words->err) words->err = PV_ERR_CORRUPT;
}

static enum pv_err insert_words(struct pv_store *store, uint64_t index, struct pv_bytes words)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO words (rowid, text) VALUES (?, ?)");
    pv_sql_bind_u64(&sql, index);
    pv_sql_bind_text(&sql, words);
    return pv_sql_run(&sql);
}

/* A file is found where it is now: rows of places that it left lead nowhere. */
static enum pv_err index_from(struct pv_store *store, uint64_t max, uint64_t *next, struct pv_buf *words)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT idx, text, attachments FROM message WHERE idx >= ?1 UNION ALL"
                                            " SELECT placed, path, NULL FROM file WHERE placed >= ?1"
                                            " ORDER BY 1 LIMIT ?2");
    pv_sql_bind_u64(&sql, *next);
    pv_sql_bind_u64(&sql, max == 0 || max > INT64_MAX ? INT64_MAX : max);
    while (pv_sql_step(&sql)) {
        struct pv_bytes text = pv_sql_bytes(&sql, 1);
        *next = pv_sql_u64(&sql, 0) + 1;
        if (!pv_sql_is_null(&sql, 2) || !pv_utf8_is_valid(text.p, text.n)) {
            pv_buf_clear(words);
            append_words(words, text);
            append_attachments(words, pv_sql_bytes(&sql, 2));
            text = pv_buf_bytes(words);
            if (words->err) pv_sql_fail(&sql, words->err);
        }
        if (!sql.err) sql.err = insert_words(store, *next - 1, text);
    }
    return pv_sql_end(&sql);
}

bool pv_fold_index_is_behind(struct pv_store *store)
{
    uint64_t worded = 0, behind = 1;
    if (pv_store_number_get(store, worded_size, 0, &worded)) return true;
    struct pv_sql sql = pv_sql_begin(store, "SELECT EXISTS (SELECT 1 FROM message WHERE idx >= ?1)"
                                            " OR EXISTS (SELECT 1 FROM file WHERE placed >= ?1)");
    pv_sql_bind_u64(&sql, worded);
    return pv_sql_run_u64(&sql, 1, &behind) || behind;
}

enum pv_err pv_fold_index_words(struct pv_store *store, uint64_t max)
{
    bool own = false;
    uint64_t from = 0, next = 0;
    struct pv_buf words;
    enum pv_err err = pv_sql_enter(store, &own);
    if (err) return err;
    pv_buf_init(&words, 1u << 20);
    err = pv_store_number_get(store, worded_size, 0, &from);
    next = from;
    if (!err) err = index_from(store, max, &next, &words);
    if (!err && next != from) err = pv_store_number_set(store, worded_size, next);
    if (!err && !store->in_overlay) err = pv_written_settle(store);
    pv_buf_wipe(&words);
    return pv_sql_leave(store, own, err);
}

/* ---- what is searched for */

static fts5_api *find_api(struct pv_store *store)
{
    fts5_api *api = NULL;
    struct pv_sql sql = pv_sql_begin(store, "SELECT fts5(?1)");
    if (!sql.err) sql.err = pv_sql_err(sqlite3_bind_pointer(sql.stmt, 1, &api, "fts5_api_ptr", NULL));
    pv_sql_step(&sql);
    pv_sql_drop(&sql);
    return api;
}

struct match {
    struct pv_buf *out;
    struct pv_bytes text;
};

/* One token, quoted; a beginning suffices for the last one of what was typed together. */
static int add_token(void *context, int flags, const char *token, int token_bytes, int start, int end)
{
    struct match *match = context;
    size_t after = (size_t)end;
    (void)flags;
    (void)start;
    if (match->out->n) pv_buf_append_byte(match->out, ' ');
    pv_buf_append_byte(match->out, '"');
    for (int i = 0; i < token_bytes; i++) {
        if (token[i] == '"') pv_buf_append_byte(match->out, '"');
        pv_buf_append_byte(match->out, (uint8_t)token[i]);
    }
    pv_buf_append_byte(match->out, '"');
    if (after >= match->text.n || match->text.p[after] <= ' ') pv_buf_append_byte(match->out, '*');
    return match->out->err ? SQLITE_NOMEM : SQLITE_OK;
}

enum pv_err pv_words_match(struct pv_store *store, struct pv_bytes words, struct pv_buf *match)
{
    const char *arguments[] = {"remove_diacritics", "2"};
    struct match context = {match, words};
    void *user_data = NULL;
    fts5_tokenizer module;
    Fts5Tokenizer *tokenizer = NULL;
    if (words.n > PV_WORDS_BYTES_MAX) return PV_ERR_LIMIT;
    if (!pv_utf8_is_valid(words.p, words.n)) return PV_ERR_MALFORMED;
    fts5_api *api = find_api(store);
    if (!api) return PV_ERR_NOMEM;
    int rc = api->xFindTokenizer(api, "unicode61", &user_data, &module);
    if (rc == SQLITE_OK) rc = module.xCreate(user_data, arguments, 2, &tokenizer);
    if (rc == SQLITE_OK) {
        rc = module.xTokenize(tokenizer, &context, FTS5_TOKENIZE_QUERY, (const char *)words.p, (int)words.n, add_token);
        module.xDelete(tokenizer);
    }
    if (match->err) return match->err;
    if (rc != SQLITE_OK) return pv_sql_err(rc);
    return match->n ? PV_OK : PV_ERR_MALFORMED;
}
