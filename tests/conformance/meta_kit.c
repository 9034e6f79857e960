/* The kit of the metadata suites. */
#include "tests/conformance/meta_kit.h"

#include "tests/tap.h"

const char *store_name;
struct pv_meta *meta;
struct pv_merkle_edge edge;
struct made made[6];
uint64_t room_no;

void check(bool good, const char *what)
{
	tap_ok(good, "%s: %s", store_name, what);
}

void gives(enum pv_err got, enum pv_err want, const char *what)
{
	tap_ok(got == want, "%s: %s", store_name, what);
	if (got != want) tap_note("got %s, want %s", pv_err_web_name(got), pv_err_web_name(want));
}

struct pv_hash hash_of(const char *what, uint64_t number)
{
	struct pv_hash hash;
	struct pv_sha256 sha;
	pv_hash_begin(&sha, what);
	pv_sha256_put_uint(&sha, number);
	pv_sha256_final(&sha, &hash);
	return hash;
}

struct pv_id16 id_of(const char *what, uint64_t number)
{
	struct pv_hash hash = hash_of(what, number);
	struct pv_id16 id;
	memcpy(id.b, hash.b, sizeof id.b);
	return id;
}

/* ---- entries: real encodings, so that a store may look into them */

static struct pv_sign_sk sk;
static struct pv_sign_pk pk;

void make_entry(struct pv_merkle_edge *at, uint64_t author, uint64_t n, uint64_t kind, const struct pv_id16 *refs,
		size_t ref_count, const char *body, struct made *ret_made)
{
	struct pv_header header = {.author = hash_of("author", author), .n = n, .kind = kind};
	pv_buf_init(&ret_made->entry, 4096);
	pv_buf_init(&ret_made->refs, 4096);
	pv_refs_put(&ret_made->refs, refs, ref_count);
	pv_refs_hash(pv_buf_bytes(&ret_made->refs), &header.refs_hash);
	pv_body_hash(pv_bytes_of_string(body), &header.body_hash);
	if (kind == PV_KIND_TALK) header.commit = hash_of("commit", n);
	if (at->size) header.room = hash_of("room", 1);
	pv_merkle_empty_root(&header.seen_root);
	if (pv_entry_make(&header, &sk, &ret_made->entry)) abort();
	ret_made->row = (struct pv_meta_entry){.index = at->size, .entry = pv_buf_bytes(&ret_made->entry),
					   .refs = pv_buf_bytes(&ret_made->refs), .body = pv_bytes_of_string(body),
					   .author_n = n, .author = header.author, .hashes = ret_made->hashes};
	pv_entry_leaf(ret_made->row.entry, &ret_made->row.leaf);
	pv_merkle_append(at, &ret_made->row.leaf, ret_made->hashes, &ret_made->row.hash_count);
}

void free_made(struct made *one)
{
	pv_buf_release(&one->entry);
	pv_buf_release(&one->refs);
}

struct pv_meta_append append_of(struct pv_hash room, uint64_t no, uint64_t size, struct pv_meta_entry *rows, size_t count)
{
	return (struct pv_meta_append){.room = room, .no = no, .kind = 1, .size = size, .entries = rows,
				       .entry_count = count, .note = pv_bytes_of_string("note"), .note_time_s = 7,
				       .now_ms = NOW};
}

struct pv_meta_session session_for(uint64_t number)
{
	struct pv_meta_session session = {.device = {.sign_pk = pk, .kem_hash = hash_of("kem", number)}, .expires_ms = NOW + 100};
	pv_device_id(&session.device, &session.device_id);
	return session;
}

void meta_kit_init(void)
{
	struct pv_sign_seed seed = {{7}};
	pv_sign_from_seed(&seed, &sk, &pk);
}

int meta_kit_done(void)
{
	return tap_done();
}
