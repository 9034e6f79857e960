"""Flaws of the server: what it keeps, what it takes of whom, and to whom it gives half a link's key."""
from flaw import Mutant

JUDGE, GATES = "server/work_judge.c", "server/gates.c"
APPENDS, GATES_TEST = "tests/server/test_appends", "tests/server/test_gates"
PAIRINGS = "tests/server/test_pairings"
UNPAID, UNPAID_TEST = "server/unpaid.c", "tests/server/test_unpaid"

SERVER = [
    Mutant("acknowledged is durable", "server/meta/sqlite.c", 'sync ? "PRAGMA synchronous = FULL"', 'sync ? "PRAGMA synchronous = OFF"'),
    # what it appends; for blobs that are not here the store is asked once more
    Mutant("seen: no more than there is", JUDGE, "    if (header->seen_size > pv_work_size(work)) {", "    if (false) {", APPENDS),
    Mutant("seen: this log", JUDGE, "    if (pv_hash_equal(&root, &header->seen_root)) return true;\n    refuse(job, PV_ERR_FORK", "    return true;\n    refuse(job, PV_ERR_FORK", APPENDS),
    Mutant("one entry under a number", JUDGE, "        } else if (!pv_hash_equal(&leaf, &job->items[i].leaf)) {", "        } else if (false) {", APPENDS),
    # beyond a day's quota
    Mutant("unpaid: nothing that takes nobody out", JUDGE, "job->is_unpaid && !pv_unpaid_is_in(&job->unpaid)", "false", "tests/server/test_access"),
    Mutant("unpaid: what takes out", "server/append.c", "    if (response->job) response->job->is_unpaid = !paid;\n", "    if (response->job && !paid) pv_problem(response, PV_ERR_QUOTA, NULL, \"no\");\n    if (!paid) pv_job_free(response->job), response->job = NULL;\n", "tests/cli/quota.t"),
    Mutant("unpaid: a rekey that is due", UNPAID, "(body.type == PV_ROSTER_REKEY && pv_roster_rekey_due(roster))", "body.type == PV_ROSTER_REKEY", UNPAID_TEST),
    Mutant("unpaid: the first kit's", UNPAID, "    return device && device->paper && device->order == 0;", "    return device != NULL;", UNPAID_TEST),
    Mutant("unpaid: little beside it", UNPAID, "    return unpaid->takes_out && unpaid->beside_bytes <= BESIDE_BYTES;", "    return unpaid->takes_out;", UNPAID_TEST),
    # pairings that somebody goes through
    Mutant("pairings: a wrong one counts", "server/pairings.c", "    if (err == PV_ERR_NOT_FOUND) pv_limits_guessed(server, request);\n    if (err) problem_of_pairing(response, err);\n", "    if (err) problem_of_pairing(response, err);\n", PAIRINGS),
    Mutant("pairings: another's counts", "server/pairings.c", " || (!err && !pv_hash_equal(&device, &request->session.device_id)))", ")", PAIRINGS),
    Mutant("pairings: none is told after too many", "server/limits.c", "    if (guess(server, request, 0)) return true;", "    if (guess(server, request, 0) || server) return true;", PAIRINGS),
    # Half a link's key. That a link has expired, or was released often enough, the batch that says so in the log asks once more,
    # so what is asked before has no flaw here; nor has that a room moved away, as no entry that says so is taken.
    Mutant("gates: the request is the link's", GATES, "    if (pv_release_request_verify(wanted, &gate->a_key))", "    if (false && gate)", GATES_TEST),
    Mutant("gates: of the version that was read", GATES, "    else if (wanted->version != gate->version)", "    else if (false)", GATES_TEST),
    Mutant("gates: a link that opens later", GATES, "    if (policy->has_not_before && now_ms < policy->not_before_ms) {", "    if (false) {", GATES_TEST),
    Mutant("gates: an agreement to be signed", GATES, "    } else if (policy->has_document) {", "    } else if (false) {", GATES_TEST),
    Mutant("gates: approvals", GATES, "    } else if (policy->person_count || policy->approvals || policy->wait_ms || policy->vetoer_count) {", "    } else if (false) {", GATES_TEST),
    Mutant("gates: the password", GATES, "    if (!err && wanted->has_proof && pv_secret_equal(proof_hash.b, gate->proof_hash.b, sizeof proof_hash.b)) {", "    if (!err && wanted->has_proof) {", GATES_TEST),
    Mutant("gates: so many wrong passwords", GATES, "        good = !err && tries <= PASSWORD_TRIES;\n", "        good = !err;\n", GATES_TEST),
    Mutant("gates: none while the room waits", GATES, '    if (room->restored) pv_problem(response, PV_ERR_OFFLINE, "restored", PV_DETAIL_RESTORED);\n    return room->restored;\n', "    (void)response;\n    return !room;\n", GATES_TEST),
]
