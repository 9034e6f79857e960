"""Flaws of safety numbers, of what is told of changed devices, of pairing and of revoking."""
from flaw import Mutant

SAFETY, VERIFIED, MEND, MEND_PLAN = "core/room/safety.c", "core/state/verified.c", "core/sync/mend.c", "core/sync/mend_plan.c"
DEVICES = "core/sync/devices.c"
UNIT, DEVICES_TEST = "tests/unit/test_safety", "tests/unit/test_devices"

PEOPLE = [
    Mutant("a safety number is both persons'", SAFETY, "        pv_sha256_put_bytes(&sha, turned ? one->b : other->b, sizeof one->b);\n", "", UNIT),
    Mutant("both see the same number", SAFETY, "    bool turned = memcmp(one->b, other->b, sizeof one->b) > 0;", "    bool turned = false;", UNIT),
    Mutant("both halves of a number differ", SAFETY, "        pv_sha256_put_uint(&sha, i);\n", "", UNIT),
    Mutant("every group counts", SAFETY, "    for (unsigned group = 0; group < PV_SAFETY_GROUPS; group++) {\n        size_t at", "    for (unsigned group = 1; group < PV_SAFETY_GROUPS; group++) {\n        size_t at", UNIT),
    Mutant("a whole number", SAFETY, "    if (n < PV_SAFETY_DIGITS) return PV_ERR_TRUNCATED;\n", "", UNIT),
    Mutant("a longer number", SAFETY, "        if (n == PV_SAFETY_DIGITS) return PV_ERR_LIMIT;\n", "        if (n == PV_SAFETY_DIGITS) break;\n", UNIT),
    Mutant("a code is the other's", SAFETY, "    if (pv_hash_equal(&shows, other) && pv_hash_equal(&scans, me)) return PV_OK;", "    if (pv_hash_equal(&scans, me)) return PV_OK;", UNIT),
    Mutant("a code is made for me", SAFETY, "    if (pv_hash_equal(&shows, other) && pv_hash_equal(&scans, me)) return PV_OK;", "    if (pv_hash_equal(&shows, other)) return PV_OK;", UNIT),
    Mutant("one's own code", SAFETY, "    return pv_hash_equal(&shows, me) ? PV_ERR_CONFLICT : PV_ERR_BROKEN_CHAIN;", "    return PV_ERR_BROKEN_CHAIN;", UNIT),
    Mutant("taking a verification back", VERIFIED, "    if (!folding->payload->u.verified.stands) return withdraw(store, person);\n", "", "tests/unit/test_changes"),
    Mutant("a verification by a device that is revoked", VERIFIED, "    row.device_revoked = !own->roster || !pv_roster_device(own->roster, &row.device);\n", "", "tests/unit/test_changes"),
    # revoking: what the other rooms lack is made good before anything is sealed there (rules of the model)
    Mutant("kem_first, cross_room: the own room first", MEND_PLAN, "    if (removal || pv_roster_rekey_due(k->own)) k->report.state = PV_DEVICES_PERSON_DUE;\n    else if", "    if", DEVICES_TEST),
    Mutant("kem_first, its removal unsent", MEND_PLAN, "    if (removal || pv_roster_rekey_due(k->own))", "    if (pv_roster_rekey_due(k->own))", DEVICES_TEST),
    Mutant("cross_room, devices", MEND_PLAN, "        k->report.stale++;\n        name(k, &devices[i].id);\n", "", DEVICES_TEST),
    Mutant("kem_fresh", MEND_PLAN, "        k->report.old_key = epochs[i].index < k->swept_at;\n", ""),
    Mutant("bar_first", MEND_PLAN, "    enum pv_err err = look_at_bars(k);\n", "    enum pv_err err = PV_OK;\n", DEVICES_TEST),
    Mutant("bar_first, later links", MEND_PLAN, "    *ret_newer = swept.earliest_s < invited.latest_s;", "    *ret_newer = false;", DEVICES_TEST),
    Mutant("a device that is not known yet", MEND_PLAN, "    else if (k->unknown && !person_is_new(k)) k->report.state = PV_DEVICES_PERSON_OLD;\n", "", DEVICES_TEST),
    Mutant("an epoch that a restore took back is made anew", MEND_PLAN, "    k->person->epoch_wanted = k->unknown_epoch;\n", "", "tests/unit/test_person_epoch"),
    Mutant("not any number of epochs for a thief", MEND_PLAN, "    if (k->unknown_epoch > epoch + EPOCHS_BEHIND_MAX) return PV_DEVICES_KEY;", "    (void)epoch;", "tests/unit/test_person_epoch"),
    Mutant("a revoked device mends nothing", MEND_PLAN, "    if (!pv_roster_device(k->own, &k->room->me->device)) {", "    if (false) {", DEVICES_TEST),
    Mutant("whom a kept device added stays", MEND_PLAN, "    return find_since(k, in);", "    (void)find_since;\n    return PV_OK;", DEVICES_TEST),
    Mutant("the new key comes with the removal", MEND_PLAN, "    in->has_kem = !pv_hash_equal(&epochs[count - 1].kem_hash, &k->principal->kem_hash);", "    in->has_kem = false;", DEVICES_TEST),
    Mutant("new devices come into every room", MEND, "    if (!err && may_add && plan->report.missing) err = add_missing(room);\n", "", DEVICES_TEST),
    Mutant("no device while keys are due", DEVICES, "    if (pv_roster_rekey_due(view) || pv_roster_epoch(view) != pv_roster_epoch(room->roster))", "    if (false)", DEVICES_TEST),
    Mutant("a new device's key is its own", DEVICES, "    if (!pv_hash_equal(&kem_hash, &device->device.kem_hash)) return PV_ERR_MALFORMED;\n", "", DEVICES_TEST),
    Mutant("devices that are kept are spared", DEVICES, "    revocation->since = least;\n", "", DEVICES_TEST),
    Mutant("what else was added goes", DEVICES, "        if (!err && !goes) least = body.u.device_remove.since;\n", "", DEVICES_TEST),
    Mutant("a preview changes nothing", DEVICES, "    pv_room_rollback(person_room); /* it was only tried */", "    (void)!pv_room_commit(person_room);", DEVICES_TEST),
]
