/* Load: N connections, a device each, append signed entries one by one, each waiting for its acknowledgement.
 *
 *     append_load PORT [connections=64] [rooms=4] [seconds=5] [entries=0] [bytes=200] [patience=0] [streams=0] [watch=PID]
 *
 * With `entries` each connection stops after so many. With `patience` (seconds) a lost server is waited for, and what
 * was not acknowledged is sent again, the same bytes. At the end every log is read back: each acknowledged entry must
 * stand at its index, each author's numbers must run without gap or double, each tree must be the one signed.
 * With `streams` so many event streams are held open meanwhile, and each must have heard of its room; with `watch` the
 * resident memory of that process is told before and after they open, and once they have been idle. Prints the rate; exit status 0 only if all of that held. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base64.h"
#include "core/log/checkpoint.h"
#include "tests/server/http_client.h"
#include "tests/unit/sync_rig.h"

enum { CONNECTIONS_MAX = 512, ROOMS_MAX = 64, BODY_MAX = 32768, STREAMS_MAX = 8192 };

struct options {
	unsigned port, connections, rooms, seconds, entries, bytes, patience, streams, watch;
};

struct acknowledged {
	uint64_t index;
	struct pv_hash leaf;
};

struct writer {
	struct pv_identity me;
	struct http_client http;
	char token[64];
	struct rig_member *room;
	char room_hex[65];
	uint64_t n;
	struct pv_hash prev;
	struct acknowledged *acks;
	size_t count, cap;
	uint64_t worst_us;
	const char *failed;
	pthread_t thread;
};

static struct options options = {.connections = 64, .rooms = 4, .seconds = 5, .bytes = 200};
static struct writer writers[CONNECTIONS_MAX];
static struct rig_member rooms[ROOMS_MAX];
static struct rig_device founder;
static struct rig_server proxy;
static struct http_client founder_http;
static char founder_token[64];
static atomic_bool stop;
static atomic_uint writing;

static uint64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void nap(void)
{
	nanosleep(&(struct timespec){0, 20 * 1000 * 1000}, NULL);
}

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "append_load: %s\n", what);
	exit(1);
}

/* Ask, waiting for a server that is away as long as we are told to. */
static enum pv_err ask(struct http_client *http, const char *method, const char *target, const char *token,
		       struct pv_bytes body, unsigned *ret_status, struct pv_buf *answer)
{
	char headers[160] = "";
	uint64_t end = now_us() + (uint64_t)options.patience * 1000000;
	enum pv_err err;
	if (*token) snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", token);
	for (;;) {
		err = http_client_ask(http, method, target, headers, body, ret_status, answer);
		bool away = err == PV_ERR_OFFLINE || (!err && *ret_status == 503);
		if (!away || now_us() > end) return err;
		nap();
	}
}

static void login(struct http_client *http, const struct pv_identity *me, char token[static 64])
{
	struct pv_buf answer, body, encoded;
	struct pv_hash nonce;
	struct pv_sig sig;
	struct pv_cbor in;
	unsigned status;
	pv_buf_init(&answer, 4096);
	pv_buf_init(&body, 4096);
	pv_buf_init(&encoded, 4096);
	if (ask(http, "POST", "/v1/session/nonce", "", pv_bytes(NULL, 0), &status, &answer) || status != 200) die("no nonce");
	pv_cbor_init(&in, pv_buf_bytes(&answer));
	pv_cbor_get_array_of(&in, 2);
	pv_cbor_get_hash(&in, &nonce);
	pv_cbor_put_text(&encoded, proxy.info.name, strlen(proxy.info.name));
	pv_cbor_put_hash(&encoded, &nonce);
	if (pv_sign(&me->sign_sk, "session", pv_buf_bytes(&encoded), &sig)) die("no memory");
	pv_cbor_put_array(&body, 3);
	pv_cbor_put_hash(&body, &nonce);
	pv_device_put(&body, &me->public);
	pv_cbor_put_bytes(&body, sig.b, sizeof sig.b);
	if (ask(http, "POST", "/v1/session", "", pv_buf_bytes(&body), &status, &answer) || status != 200) die("no session");
	pv_cbor_init(&in, pv_buf_bytes(&answer));
	pv_cbor_get_array_of(&in, 2);
	struct pv_bytes text = pv_cbor_get_text(&in, 63);
	memcpy(token, text.p, text.n);
	token[text.n] = 0;
	pv_buf_release(&answer);
	pv_buf_release(&body);
	pv_buf_release(&encoded);
}

/* ---- the founder: a device of core/sync over HTTP */

static unsigned serve(void *context, const struct pv_request *request, struct pv_buf *answer, const char **why)
{
	static const char *const methods[] = {[PV_GET] = "GET", [PV_POST] = "POST", [PV_PUT] = "PUT", [PV_DELETE] = "DELETE"};
	unsigned status = 0;
	(void)context;
	(void)why;
	if (!founder_token[0]) login(&founder_http, &founder.me, founder_token);
	if (ask(&founder_http, methods[request->method], request->path, founder_token, request->body, &status, answer))
		die("the server went away while rooms were made");
	return status;
}

static void read_info(void)
{
	struct pv_buf answer;
	struct pv_cbor in;
	unsigned status;
	pv_buf_init(&answer, 4096);
	if (ask(&founder_http, "GET", "/v1/server", "", pv_bytes(NULL, 0), &status, &answer) || status != 200)
		die("no server answers there");
	pv_cbor_init(&in, pv_buf_bytes(&answer));
	pv_cbor_get_array_of(&in, 6);
	pv_cbor_get_uint(&in, 1);
	struct pv_bytes name = pv_cbor_get_text(&in, PV_LIMIT_SERVER_NAME_BYTES);
	pv_cbor_get_fixed(&in, proxy.info.log_key.b, sizeof proxy.info.log_key.b);
	memcpy(proxy.info.name, name.p, name.n);
	proxy.info.name[name.n] = 0;
	pv_buf_release(&answer);
}

/* Let the writers' devices into their room, one entry each, by the founder. */
static void add_device(struct rig_member *room, const struct pv_identity *device)
{
	struct pv_cert_context context = {.person = founder.me.person};
	struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_ADD};
	struct pv_cert *cert = &body.u.device_add.certs[0];
	struct pv_header header = {.room = *pv_room_id(room->room), .author = founder.me.device, .kind = PV_KIND_ROSTER};
	struct pv_buf encoded, entry, bundles;
	struct pv_bytes none = pv_bytes("\x80", 1);
	char target[128], hex[65];
	unsigned status;
	static const uint8_t nothing_beside[] = {0x83, 0x80, 0x80, 0x80};
	const struct pv_head *head = pv_roster_head(pv_room_roster(room->room), &founder.me.device);
	pv_buf_init(&encoded, 65536);
	pv_buf_init(&entry, 65536);
	pv_buf_init(&bundles, 65536);
	body.u.device_add.cert_count = 1;
	cert->device = device->public;
	cert->signer = founder.me.device;
	if (!head || pv_cert_sign(&context, &cert->device, false, &cert->signer, &founder.me.sign_sk, &cert->sig) ||
	    pv_cert_sign(&context, &cert->device, false, &cert->signer, &device->sign_sk, &cert->consent))
		die("a device cannot be certified");
	pv_roster_body_put(&encoded, &body);
	header.n = head->n + 1;
	header.prev = head->leaf;
	pv_merkle_empty_root(&header.seen_root);
	pv_refs_hash(none, &header.refs_hash);
	pv_body_hash(pv_buf_bytes(&encoded), &header.body_hash);
	if (pv_entry_make(&header, &founder.me.sign_sk, &entry)) die("no memory");
	struct pv_bundle bundle = {pv_buf_bytes(&entry), none, pv_buf_bytes(&encoded),
				   pv_bytes(nothing_beside, sizeof nothing_beside)};
	pv_cbor_put_array(&bundles, 1);
	pv_bundle_put(&bundles, &bundle);
	pv_hex_encode(header.room.b, sizeof header.room.b, hex);
	snprintf(target, sizeof target, "/v1/rooms/%s/entries", hex);
	if (ask(&founder_http, "POST", target, founder_token, pv_buf_bytes(&bundles), &status, &encoded) || status != 200 ||
	    !memmem(encoded.p, encoded.n, "none", 4))
		die("a device was not let in: are there too many for a room?");
	if (rig_pull(room)) die("a room does not verify");
	pv_buf_release(&encoded);
	pv_buf_release(&entry);
	pv_buf_release(&bundles);
}

static void prepare(void)
{
	struct timespec now;
	struct seeded seed;
	clock_gettime(CLOCK_REALTIME, &now);
	rig_server_init(&proxy, 1);
	proxy.serve = serve;
	proxy.now_ms = (uint64_t)now.tv_sec * 1000;
	read_info();
	seed = seeded_make((uint64_t)now.tv_nsec + 1); /* not the founder's */
	if (rig_device_init(&founder, &proxy, (uint64_t)now.tv_nsec)) die("the founder was not registered");
	for (unsigned r = 0; r < options.rooms; r++)
		if (rig_found(&rooms[r], &founder)) die("a room was not founded");
	for (unsigned i = 0; i < options.connections; i++) {
		struct writer *w = &writers[i];
		struct pv_sign_seed sign;
		struct pv_kem_seed kem;
		seeded_fill(&seed, sign.b, sizeof sign.b);
		seeded_fill(&seed, kem.b, sizeof kem.b);
		pv_identity_derive(&sign, &kem, &w->me);
		w->room = &rooms[i % options.rooms];
		pv_hex_encode(pv_room_id(w->room->room)->b, 32, w->room_hex);
		http_client_init(&w->http, founder_http.host, founder_http.port);
		add_device(w->room, &w->me);
		login(&w->http, &w->me, w->token);
	}
}

/* ---- writing */

struct sealed {
	struct pv_buf entry, bundles;
	struct pv_hash leaf;
};

/* A sealed body is noise to the server. */
static void make_entry(struct writer *w, struct seeded *seed, struct sealed *sealed)
{
	static const uint8_t nothing_beside[] = {0x83, 0x80, 0x80, 0x80};
	uint8_t body[BODY_MAX];
	struct pv_bytes none = pv_bytes("\x80", 1), noise = pv_bytes(body, options.bytes);
	struct pv_header header = {.room = *pv_room_id(w->room->room), .author = w->me.device, .n = w->n + 1,
				   .prev = w->prev, .kind = PV_KIND_TALK, .time_ms = proxy.now_ms};
	memset(body, 0xa5, options.bytes);
	seeded_fill(seed, body, 32);
	memcpy(header.commit.b, body, 32);
	pv_merkle_empty_root(&header.seen_root);
	pv_refs_hash(none, &header.refs_hash);
	pv_body_hash(noise, &header.body_hash);
	pv_buf_clear(&sealed->entry);
	pv_buf_clear(&sealed->bundles);
	if (pv_entry_make(&header, &w->me.sign_sk, &sealed->entry)) die("no memory");
	struct pv_bundle bundle = {pv_buf_bytes(&sealed->entry), none, noise, pv_bytes(nothing_beside, sizeof nothing_beside)};
	pv_cbor_put_array(&sealed->bundles, 1);
	pv_bundle_put(&sealed->bundles, &bundle);
	pv_entry_leaf(bundle.entry, &sealed->leaf);
}

static bool take_answer(struct writer *w, struct pv_bytes answer, const struct pv_hash *leaf)
{
	struct pv_cbor in;
	pv_cbor_init(&in, answer);
	pv_cbor_get_array_of(&in, 2);
	pv_cbor_get_array_of(&in, 1);
	pv_cbor_get_array_of(&in, 3);
	uint64_t index = pv_cbor_get_uint(&in, PV_LIMIT_N), verdict = pv_cbor_get_uint(&in, 1);
	pv_cbor_get_text(&in, 64);
	pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
	if (pv_cbor_finish(&in) || verdict != 0) return false;
	if (w->count == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 1024;
		w->acks = realloc(w->acks, w->cap * sizeof *w->acks);
		if (!w->acks) die("no memory");
	}
	w->acks[w->count++] = (struct acknowledged){index, *leaf};
	return true;
}

static void *write_on(void *context)
{
	struct writer *w = context;
	struct seeded seed = seeded_make((uint64_t)(w - writers) + 99);
	struct sealed sealed;
	struct pv_buf answer;
	char target[128];
	unsigned status;
	pv_buf_init(&sealed.entry, 4096);
	pv_buf_init(&sealed.bundles, BODY_MAX + 4096);
	pv_buf_init(&answer, 65536);
	snprintf(target, sizeof target, "/v1/rooms/%s/entries", w->room_hex);
	while (!atomic_load(&stop) && !w->failed && (!options.entries || w->count < options.entries)) {
		make_entry(w, &seed, &sealed);
		uint64_t began = now_us();
		if (ask(&w->http, "POST", target, w->token, pv_buf_bytes(&sealed.bundles), &status, &answer))
			w->failed = "the server went away";
		else if (status != 200) w->failed = "an append was refused";
		else if (!take_answer(w, pv_buf_bytes(&answer), &sealed.leaf)) w->failed = "an append was answered strangely";
		if (w->failed && answer.n && status != 200) fprintf(stderr, "append_load: %.*s\n", (int)answer.n, (char *)answer.p);
		uint64_t took = now_us() - began;
		if (took > w->worst_us) w->worst_us = took;
		w->n++;
		w->prev = sealed.leaf;
	}
	pv_buf_release(&sealed.entry);
	pv_buf_release(&sealed.bundles);
	pv_buf_release(&answer);
	atomic_fetch_sub(&writing, 1);
	return NULL;
}

/* ---- event streams */

static int streams[STREAMS_MAX];

static void tell_memory(const char *when)
{
	char path[64], line[128];
	if (!options.watch) return;
	snprintf(path, sizeof path, "/proc/%u/status", options.watch);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, "VmRSS:", 6) == 0) printf("resident %s: %lu KiB\n", when, strtoul(line + 6, NULL, 10));
	if (file) fclose(file);
	fflush(stdout);
}

static int open_stream(const struct writer *w)
{
	char text[1024];
	size_t have = 0;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(text, sizeof text, "GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", w->token);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) || send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		die("an event stream does not open");
	do {
		ssize_t got = recv(fd, text + have, sizeof text - 1 - have, 0);
		if (got <= 0) die("an event stream ends");
		have += (size_t)got;
		text[have] = 0;
	} while (!strstr(text, ":\n\n") && have < sizeof text - 1);
	if (strncmp(text, "HTTP/1.1 200", 12) != 0) die("an event stream is refused");
	return fd;
}

static void open_streams(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	tell_memory("before event streams");
	for (unsigned i = 0; i < options.streams; i++) streams[i] = open_stream(&writers[i % options.connections]);
	if (!options.streams) return;
	nap();
	tell_memory("with idle event streams");
}

/* Every stream must have heard of its room. */
static const char *hear_streams(void)
{
	const char *wrong = NULL;
	unsigned deaf = 0;
	for (unsigned i = 0; i < options.streams; i++) {
		char text[65536];
		ssize_t n = recv(streams[i], text, sizeof text - 1, MSG_DONTWAIT);
		text[n > 0 ? n : 0] = 0;
		if (!strstr(text, "event: room") || !strstr(text, writers[i % options.connections].room_hex)) deaf++;
		close(streams[i]);
	}
	if (deaf) wrong = "an event stream heard nothing of its room";
	if (options.streams) printf("%u of %u event streams heard\n", options.streams - deaf, options.streams);
	return wrong;
}

/* ---- reading back */

static struct writer *writer_of(const struct pv_hash *device)
{
	for (unsigned i = 0; i < options.connections; i++)
		if (pv_hash_equal(&writers[i].me.device, device)) return &writers[i];
	return NULL;
}

struct walk {
	uint64_t next;
	struct pv_merkle_edge edge;
	size_t seen[CONNECTIONS_MAX]; /* entries of each writer so far */
};

static const char *walk_entry(struct walk *walk, struct pv_bytes bytes)
{
	struct pv_entry entry;
	struct pv_hash leaf, unused[64];
	size_t count;
	if (pv_entry_read(bytes, &entry)) return "an entry is not of its form";
	pv_entry_leaf(bytes, &leaf);
	pv_merkle_append(&walk->edge, &leaf, unused, &count);
	struct writer *w = writer_of(&entry.header.author);
	uint64_t index = walk->next++;
	if (!w) return NULL; /* the founder's */
	size_t at = walk->seen[w - writers]++;
	if (entry.header.n != at + 1) return "an author's numbers have a gap or a double";
	if (at < w->count && (w->acks[at].index != index || !pv_hash_equal(&w->acks[at].leaf, &leaf)))
		return "an acknowledged entry is not where it was said to be";
	return NULL;
}

static const char *walk_page(struct walk *walk, struct pv_bytes page, const struct pv_hash *room, bool *ret_end)
{
	struct pv_cbor in;
	const char *wrong = NULL;
	pv_cbor_init(&in, page);
	pv_cbor_get_array_of(&in, 3);
	if (pv_cbor_get_uint(&in, PV_LIMIT_N) != walk->next) return "a page begins elsewhere";
	size_t count = pv_cbor_get_array(&in, 16384);
	*ret_end = count == 0;
	for (size_t i = 0; i < count && !wrong && !in.err; i++) {
		pv_cbor_get_array_of(&in, 3);
		struct pv_bytes entry = pv_cbor_get_bytes(&in, PV_LIMIT_ENTRY_BYTES);
		pv_cbor_get_item(&in);
		if (!pv_cbor_take_null(&in)) pv_cbor_get_bytes(&in, PV_LIMIT_BODY_BYTES);
		wrong = in.err ? "a page is not of its form" : walk_entry(walk, entry);
	}
	if (wrong || *ret_end) return wrong;
	struct pv_bytes note = pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
	struct pv_checkpoint checkpoint;
	struct pv_hash root;
	if (pv_cbor_finish(&in)) return "a page is not of its form";
	if (pv_checkpoint_open(note, proxy.info.name, room, &proxy.info.log_key, &checkpoint)) return "a checkpoint does not verify";
	pv_merkle_edge_root(&walk->edge, &root);
	if (checkpoint.size == walk->next && !pv_hash_equal(&root, &checkpoint.root)) return "the tree is not the one signed";
	return NULL;
}

static const char *read_back(struct rig_member *room, size_t *ret_entries)
{
	struct walk walk = {0};
	struct pv_buf answer;
	char target[160], hex[65];
	const char *wrong = NULL;
	bool end = false;
	unsigned status;
	pv_buf_init(&answer, 16 << 20);
	pv_hex_encode(pv_room_id(room->room)->b, 32, hex);
	while (!end && !wrong) {
		snprintf(target, sizeof target, "/v1/rooms/%s/entries?from=%llu", hex, (unsigned long long)walk.next);
		if (ask(&founder_http, "GET", target, founder_token, pv_bytes(NULL, 0), &status, &answer) || status != 200)
			wrong = "a log cannot be read back";
		else wrong = walk_page(&walk, pv_buf_bytes(&answer), pv_room_id(room->room), &end);
	}
	for (unsigned i = 0; i < options.connections && !wrong; i++)
		if (writers[i].room == room && walk.seen[i] < writers[i].count) wrong = "an acknowledged entry is lost";
	*ret_entries += walk.next;
	pv_buf_release(&answer);
	return wrong;
}

static void parse(int argc, char **argv)
{
	static const struct {
		const char *name;
		unsigned *value;
	} names[] = {{"connections=", &options.connections}, {"rooms=", &options.rooms}, {"seconds=", &options.seconds},
		     {"entries=", &options.entries}, {"bytes=", &options.bytes}, {"patience=", &options.patience}, {"streams=", &options.streams}, {"watch=", &options.watch}};
	if (argc < 2) die("which port?");
	options.port = (unsigned)atoi(argv[1]);
	for (int i = 2; i < argc; i++)
		for (size_t k = 0; k < sizeof names / sizeof *names; k++)
			if (strncmp(argv[i], names[k].name, strlen(names[k].name)) == 0)
				*names[k].value = (unsigned)atoi(argv[i] + strlen(names[k].name));
	if (options.connections == 0 || options.connections > CONNECTIONS_MAX || options.rooms == 0 ||
	    options.rooms > ROOMS_MAX || options.streams > STREAMS_MAX || options.bytes < 64 || options.bytes > BODY_MAX)
		die("out of range");
}

int main(int argc, char **argv)
{
	size_t appended = 0, stored = 0;
	uint64_t worst_us = 0;
	const char *wrong = NULL;
	parse(argc, argv);
	if (pv_crypto_init()) return 1;
	http_client_init(&founder_http, "127.0.0.1", (uint16_t)options.port);
	prepare();
	open_streams();
	uint64_t began = now_us();
	atomic_store(&writing, options.connections);
	for (unsigned i = 0; i < options.connections; i++) pthread_create(&writers[i].thread, NULL, write_on, &writers[i]);
	for (unsigned waited = 0; !options.entries && atomic_load(&writing) && waited < options.seconds * 50; waited++) nap();
	if (!options.entries) atomic_store(&stop, true);
	for (unsigned i = 0; i < options.connections; i++) {
		pthread_join(writers[i].thread, NULL);
		appended += writers[i].count;
		if (writers[i].worst_us > worst_us) worst_us = writers[i].worst_us;
		if (writers[i].failed) wrong = writers[i].failed;
	}
	double seconds = (double)(now_us() - began) / 1e6;
	nap();
	const char *unheard = hear_streams();
	if (!wrong) wrong = unheard;
	for (unsigned r = 0; r < options.rooms && !wrong; r++) wrong = read_back(&rooms[r], &stored);
	printf("%zu appends in %.2f s: %.0f a second, the slowest %.1f ms; %zu entries read back\n", appended, seconds,
	       (double)appended / seconds, (double)worst_us / 1000, stored);
	if (wrong) fprintf(stderr, "append_load: %s\n", wrong);
	for (unsigned i = 0; i < options.connections; i++) {
		http_client_close(&writers[i].http);
		free(writers[i].acks);
	}
	for (unsigned r = 0; r < options.rooms; r++) rig_member_close(&rooms[r]);
	rig_device_release(&founder);
	rig_server_release(&proxy);
	http_client_close(&founder_http);
	return wrong != NULL;
}
